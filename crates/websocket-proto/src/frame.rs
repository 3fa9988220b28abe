//! One frame's head: flags, opcode, length, masking key (RFC 6455, 5.2).
//!
//! ```text
//!  byte 0                1                 2 …              … then
//!  ┌───┬─────┬────────┐ ┌──────┬────────┐ ┌──────────────┐ ┌──────────────┐
//!  │FIN│RSV×3│ opcode │ │ MASK │ length │ │ 0, 2 or 8    │ │ 0 or 4       │
//!  │   │     │ 4 bits │ │      │ 7 bits │ │ of length    │ │ of key       │
//!  └───┴─────┴────────┘ └──────┴────────┘ └──────────────┘ └──────────────┘
//! ```

use std::fmt;

use crate::Error;

/// Which side of the connection *we* are. It decides who masks: a client must, a server must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// We opened the connection; what we receive is not masked.
    Client,
    /// We accepted the connection; what we receive is masked.
    Server,
}

/// What kind of frame it is (5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// Goes on with the message begun before.
    Continuation = 0x0,
    /// Begins a message of UTF-8 text.
    Text = 0x1,
    /// Begins a message of bytes.
    Binary = 0x2,
    /// Ends the connection.
    Close = 0x8,
    /// Asks for a pong with the same payload.
    Ping = 0x9,
    /// Answers a ping, or just says "still here".
    Pong = 0xa,
}

impl Opcode {
    /// Whether it is a close, ping or pong: at most 125 bytes, never fragmented, allowed between the
    /// fragments of a message (5.5).
    ///
    /// ```
    /// use sockeye_websocket_proto::Opcode;
    ///
    /// assert!(Opcode::Ping.is_control());
    /// assert!(!Opcode::Text.is_control());
    /// ```
    #[inline]
    pub fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }

    #[inline]
    fn from_bits(bits: u8) -> Result<Self, Error> {
        match bits {
            0x0 => Ok(Opcode::Continuation),
            0x1 => Ok(Opcode::Text),
            0x2 => Ok(Opcode::Binary),
            0x8 => Ok(Opcode::Close),
            0x9 => Ok(Opcode::Ping),
            0xa => Ok(Opcode::Pong),
            undefined => Err(Error::UnknownOpcode(undefined)),
        }
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Opcode::Continuation => "continuation",
            Opcode::Text => "text",
            Opcode::Binary => "binary",
            Opcode::Close => "close",
            Opcode::Ping => "ping",
            Opcode::Pong => "pong",
        })
    }
}

/// A frame's head, correct in itself; whether it fits the message in progress is `receive`'s matter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) opcode: Opcode,
    pub(crate) fin: bool,
    /// The first frame of a compressed message (RFC 7692, 6).
    pub(crate) compressed: bool,
    /// All zeros where the frame is not masked.
    pub(crate) key: [u8; 4],
    /// Payload length in bytes.
    pub(crate) payload: u64,
}

impl Head {
    /// Reads a head from the front of `bytes`, with the number of bytes it takes. `Ok(None)` means
    /// that it goes on behind them; a broken rule is reported by the first byte that breaks it.
    /// `reserved` are the bits of the first byte that mean nothing here.
    #[inline]
    pub(crate) fn parse(
        bytes: &[u8],
        role: Role,
        reserved: u8,
    ) -> Result<Option<(Head, usize)>, Error> {
        let Some(&first) = bytes.first() else {
            return Ok(None);
        };
        let opcode = parse_first(first, reserved)?;
        let (fin, compressed) = (first & FIN != 0, first & RSV1 != 0);
        let Some(&second) = bytes.get(1) else {
            return Ok(None);
        };
        check_mask(second, role)?;
        let Some((payload, size)) = parse_length(second & !MASK, opcode, &bytes[2..])? else {
            return Ok(None);
        };
        if role == Role::Client {
            return Ok(Some((Head { opcode, fin, compressed, key: [0; 4], payload }, size)));
        }
        let Some(&key) = bytes.get(size..).and_then(<[u8]>::first_chunk) else {
            return Ok(None);
        };
        Ok(Some((Head { opcode, fin, compressed, key, payload }, size + 4)))
    }
}

#[inline]
fn parse_first(first: u8, reserved: u8) -> Result<Opcode, Error> {
    if first & reserved != 0 {
        return Err(Error::ReservedBits(first));
    }
    let opcode = Opcode::from_bits(first & 0x0f)?;
    if matches!(opcode, Opcode::Text | Opcode::Binary) {
        return Ok(opcode);
    }
    if first & RSV1 != 0 {
        return Err(Error::ReservedBits(first));
    }
    if first & FIN == 0 && opcode.is_control() {
        return Err(Error::FragmentedControl(opcode));
    }
    Ok(opcode)
}

#[inline]
fn check_mask(second: u8, role: Role) -> Result<(), Error> {
    match (role, second & MASK != 0) {
        (Role::Server, false) => Err(Error::Unmasked),
        (Role::Client, true) => Err(Error::Masked),
        _ => Ok(()),
    }
}

/// The payload's length, and how many bytes the head takes up to here.
#[inline]
fn parse_length(short: u8, opcode: Opcode, bytes: &[u8]) -> Result<Option<(u64, usize)>, Error> {
    if short < LENGTH_16 {
        return Ok(Some((u64::from(short), 2)));
    }
    if opcode.is_control() {
        return Err(Error::LongControl(opcode));
    }
    // A longer form is only for lengths that the shorter one cannot hold.
    let (length, least, size) = if short == LENGTH_16 {
        let Some(length) = bytes.first_chunk() else {
            return Ok(None);
        };
        (u64::from(u16::from_be_bytes(*length)), u64::from(LENGTH_16), 4)
    } else {
        let Some(length) = bytes.first_chunk() else {
            return Ok(None);
        };
        (u64::from_be_bytes(*length), 1 << 16, 10)
    };
    if length < least {
        return Err(Error::LengthNotMinimal(length));
    }
    if length > i64::MAX as u64 {
        return Err(Error::LengthOverflow(length));
    }
    Ok(Some((length, size)))
}

/// First byte: this is the message's last frame.
pub(crate) const FIN: u8 = 0x80;
/// First byte: for extensions.
pub(crate) const RESERVED: u8 = 0x70;
/// First byte: the message is compressed, if that was negotiated (RFC 7692, 6).
pub(crate) const RSV1: u8 = 0x40;
/// Second byte: a key follows and the payload is masked.
pub(crate) const MASK: u8 = 0x80;
/// Second byte: the length stands in the two bytes that follow.
pub(crate) const LENGTH_16: u8 = 126;
/// Second byte: the length stands in the eight bytes that follow.
pub(crate) const LENGTH_64: u8 = 127;
/// The longest head: two bytes, eight of length, four of key.
pub(crate) const LONGEST_HEAD: usize = 14;
/// The longest payload of a control frame, in bytes.
pub(crate) const LONGEST_CONTROL: usize = 125;
