//! The parts of MessagePack, one after the other.

use super::broken;
use crate::error::ProtocolError;

/// Where the reader stands in a message.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// What comes next. The elements of lists and maps follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    List(u32),
    Map(u32),
    /// What JavaScript calls `undefined`: extension 0 of one byte.
    Undefined,
    /// Milliseconds since 1970: extension 0 of eight bytes.
    Date(i64),
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Reader { rest: message }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// See the specification of MessagePack, "Formats".
    pub(super) fn token(&mut self) -> Result<Token<'a>, ProtocolError> {
        let [format] = self.array()?;
        Ok(match format {
            0x00..=0x7f => Token::Unsigned(format.into()),
            0x80..=0x8f => Token::Map(u32::from(format & 0x0f)),
            0x90..=0x9f => Token::List(u32::from(format & 0x0f)),
            0xa0..=0xbf => self.str(u32::from(format & 0x1f))?,
            0xc0 => Token::Nil,
            0xc1 => return Err(broken("the format 0xc1 means nothing")),
            0xc2 | 0xc3 => Token::Bool(format == 0xc3),
            0xc4..=0xc6 => {
                let length = self.length(1 << (format - 0xc4))?;
                Token::Bytes(self.take(length)?)
            }
            0xc7..=0xc9 => {
                let length = self.length(1 << (format - 0xc7))?;
                self.extension(length)?
            }
            0xca => Token::Float(f32::from_be_bytes(self.array()?).into()),
            0xcb => Token::Float(f64::from_be_bytes(self.array()?)),
            0xcc..=0xcf => Token::Unsigned(self.big_endian(1 << (format - 0xcc))?),
            0xd0 => Token::Signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => Token::Signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => Token::Signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => Token::Signed(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => self.extension(1 << (format - 0xd4))?,
            0xd9..=0xdb => {
                let length = self.length(1 << (format - 0xd9))?;
                self.str(length)?
            }
            0xdc | 0xdd => Token::List(self.length(2 << (format - 0xdc))?),
            0xde | 0xdf => Token::Map(self.length(2 << (format - 0xde))?),
            0xe0..=0xff => Token::Signed(i8::from_be_bytes([format]).into()),
        })
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, ProtocolError> {
        let number = self.unsigned_or_undefined()?;
        number.ok_or(broken("a number is missing"))
    }

    pub(super) fn unsigned_or_undefined(&mut self) -> Result<Option<u64>, ProtocolError> {
        match self.token()? {
            Token::Unsigned(number) => Ok(Some(number)),
            Token::Undefined => Ok(None),
            _ => Err(broken("`type` and `id` are numbers")),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, ProtocolError> {
        match self.token()? {
            Token::Text(text) => Ok(text),
            _ => Err(broken("`nsp` is a text")),
        }
    }

    fn str(&mut self, length: u32) -> Result<Token<'a>, ProtocolError> {
        let text = std::str::from_utf8(self.take(length)?);
        text.map(Token::Text).map_err(|_| broken("a text is not UTF-8"))
    }

    /// Those that npm `notepack.io` writes.
    fn extension(&mut self, length: u32) -> Result<Token<'a>, ProtocolError> {
        let [kind] = self.array()?;
        let data = self.take(length)?;
        match (kind, data) {
            (0, [_]) => Ok(Token::Undefined),
            (0, data) => Ok(match <[u8; 8]>::try_from(data) {
                Ok(millis) => Token::Date(i64::from_be_bytes(millis)),
                Err(_) => Token::Bytes(data),
            }),
            _ => Err(broken("an extension that nobody knows")),
        }
    }

    /// A length of so many bytes, at most four.
    fn length(&mut self, bytes: u32) -> Result<u32, ProtocolError> {
        let length = self.big_endian(bytes)?;
        Ok(u32::try_from(length).expect("at most four bytes"))
    }

    fn big_endian(&mut self, bytes: u32) -> Result<u64, ProtocolError> {
        let bytes = self.take(bytes)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtocolError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(SHORT)?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], ProtocolError> {
        let (taken, rest) = self.rest.split_at_checked(length as usize).ok_or(SHORT)?;
        self.rest = rest;
        Ok(taken)
    }
}

const SHORT: ProtocolError = ProtocolError::MessagePack { what: "it ends in the middle" };
