//! From MessagePack to JSON: without recursion, and with what is binary set aside.

use std::io::Write;

use bytes::Bytes;

use super::read::{Reader, Token};
use super::{broken, date};
use crate::error::ProtocolError;
use crate::placeholder;

/// Lists and maps that stand in each other. Each costs a client one byte, and us a few for a moment.
const DEEPEST: usize = 10_000;

/// Gathers JSON, and the attachments that it points to.
pub(super) struct Converter {
    json: Vec<u8>,
    attachments: Vec<Bytes>,
    most: usize,
    open: Vec<Open>,
}

/// A list or a map that is not complete.
struct Open {
    is_map: bool,
    left: u32,
    /// Something stands in it already.
    begun: bool,
}

impl Converter {
    pub(super) fn new(most: usize) -> Self {
        Converter { json: Vec::new(), attachments: Vec::new(), most, open: Vec::new() }
    }

    pub(super) fn finish(self) -> (String, Vec<Bytes>) {
        // It was made of texts.
        (String::from_utf8(self.json).unwrap_or_default(), self.attachments)
    }

    /// One value, whatever is in it. False if it is `undefined`: then nothing is written.
    pub(super) fn value(&mut self, reader: &mut Reader<'_>) -> Result<bool, ProtocolError> {
        let first = reader.token()?;
        if first == Token::Undefined {
            return Ok(false);
        }
        self.write(first)?;
        while let Some(open) = self.open.last_mut() {
            if open.left == 0 {
                self.json.push(if open.is_map { b'}' } else { b']' });
                self.open.pop();
                continue;
            }
            open.left -= 1;
            if open.is_map {
                self.member(reader)?;
            } else {
                self.separate();
                self.write(reader.token()?)?;
            }
        }
        Ok(true)
    }

    /// A member of a map; none if its value is `undefined`.
    fn member(&mut self, reader: &mut Reader<'_>) -> Result<(), ProtocolError> {
        let key = reader.token()?;
        let value = reader.token()?;
        if value == Token::Undefined {
            return Ok(());
        }
        self.separate();
        match key {
            // It would stand for an attachment, and a few bytes for a large one, again and again.
            Token::Text(placeholder::KEY) => return Err(broken("`_placeholder` is no key")),
            Token::Text(key) => self.text(key),
            Token::Unsigned(key) => self.text(&key.to_string()),
            Token::Signed(key) => self.text(&key.to_string()),
            _ => return Err(broken("a key is neither a text nor a number")),
        }
        self.json.push(b':');
        self.write(value)
    }

    fn separate(&mut self) {
        if let Some(open) = self.open.last_mut()
            && std::mem::replace(&mut open.begun, true)
        {
            self.json.push(b',');
        }
    }

    fn write(&mut self, token: Token<'_>) -> Result<(), ProtocolError> {
        match token {
            Token::Nil | Token::Undefined => self.word("null"),
            Token::Bool(value) => self.word(if value { "true" } else { "false" }),
            Token::Unsigned(number) => self.word(&number.to_string()),
            Token::Signed(number) => self.word(&number.to_string()),
            Token::Float(number) => self.float(number),
            Token::Text(text) => self.text(text),
            Token::Date(millis) => match date::iso(millis) {
                Some(date) => self.text(&date),
                None => self.word("null"),
            },
            Token::Bytes(data) => return self.attach(data),
            Token::List(length) => return self.open(false, length),
            Token::Map(length) => return self.open(true, length),
        }
        Ok(())
    }

    fn open(&mut self, is_map: bool, left: u32) -> Result<(), ProtocolError> {
        if self.open.len() == DEEPEST {
            return Err(broken("its lists and maps stand too deep in each other"));
        }
        self.json.push(if is_map { b'{' } else { b'[' });
        self.open.push(Open { is_map, left, begun: false });
        Ok(())
    }

    fn attach(&mut self, data: &[u8]) -> Result<(), ProtocolError> {
        let index = self.attachments.len();
        if index == self.most {
            let (announced, limit) = (index + 1, self.most);
            return Err(ProtocolError::TooManyAttachments { announced, limit });
        }
        self.attachments.push(Bytes::copy_from_slice(data));
        // Memory does not fail.
        let _ = placeholder::write(index, &mut self.json);
        Ok(())
    }

    fn word(&mut self, word: &str) {
        self.json.extend_from_slice(word.as_bytes());
    }

    fn float(&mut self, number: f64) {
        match serde_json::Number::from_f64(number) {
            Some(number) => _ = write!(self.json, "{number}"),
            None => self.word("null"),
        }
    }

    fn text(&mut self, text: &str) {
        // A text can always be written.
        let _ = serde_json::to_writer(&mut self.json, text);
    }
}
