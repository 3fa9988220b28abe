//! The seven packets, as text and as binary.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The type digit in front of a text message.
pub const MESSAGE: u8 = b'4';

/// What the two users of a session say to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text message, without its type digit.
    Text(&'a str),
    /// A binary message. It has no type digit: only messages can be binary.
    Binary(&'a [u8]),
}

/// One packet, as it was received.
///
/// ```
/// use sockeye_engine_proto::{Message, Packet, PacketError};
///
/// let mut base64 = Vec::new();
/// assert_eq!(Packet::parse("2probe", &mut base64), Ok(Packet::Ping("probe")));
/// assert_eq!(Packet::parse("bAQI=", &mut base64), Ok(Packet::Message(Message::Binary(&[1, 2]))));
/// assert_eq!(Packet::parse("7", &mut base64), Err(PacketError::UnknownType('7')));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0`: the handshake's answer, JSON. Server to client.
    Open(&'a str),
    /// `1`: the session is over.
    Close,
    /// `2`: are you there? Server to client; from a client only as `2probe`.
    Ping(&'a str),
    /// `3`: I am. Client to server; from a server only as `3probe`.
    Pong(&'a str),
    /// `4`, or a binary frame, or `b` and base64.
    Message(Message<'a>),
    /// `5`: the upgrade is complete. Client to server.
    Upgrade,
    /// `6`: nothing; answers a poll that has to end.
    Noop,
}

impl<'a> Packet<'a> {
    /// Reads one packet of text: a WebSocket text message, or a part of a polling payload.
    ///
    /// Only `b…` needs room: it is decoded into `base64`, whose former content is forgotten, and which
    /// grows to three quarters of `text` at most. Data behind a `1`, `5` or `6` is ignored, as the
    /// reference does.
    ///
    /// # Errors
    ///
    /// The peer broke the packet encoding; a session that is given the error ends with `parse error`.
    pub fn parse(text: &'a str, base64: &'a mut Vec<u8>) -> Result<Self, PacketError> {
        let kind = text.chars().next().ok_or(PacketError::Empty)?;
        let data = &text[kind.len_utf8()..];
        match kind {
            '4' => Ok(Packet::Message(Message::Text(data))),
            'b' => Ok(Packet::Message(Message::Binary(decode_base64(data, base64)?))),
            '2' => Ok(Packet::Ping(data)),
            '3' => Ok(Packet::Pong(data)),
            '0' => Ok(Packet::Open(data)),
            '1' => Ok(Packet::Close),
            '5' => Ok(Packet::Upgrade),
            '6' => Ok(Packet::Noop),
            other => Err(PacketError::UnknownType(other)),
        }
    }

    /// The message, if this packet is one.
    pub fn message(self) -> Option<Message<'a>> {
        match self {
            Packet::Message(message) => Some(message),
            _ => None,
        }
    }

    /// The specification's word for this packet.
    pub fn name(&self) -> &'static str {
        match self {
            Packet::Open(_) => "open",
            Packet::Close => "close",
            Packet::Ping(_) => "ping",
            Packet::Pong(_) => "pong",
            Packet::Message(_) => "message",
            Packet::Upgrade => "upgrade",
            Packet::Noop => "noop",
        }
    }
}

/// A packet that a session sends on its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// `2`
    Ping,
    /// `3`
    Pong,
    /// `2probe`: the client tries out its candidate.
    Probe,
    /// `3probe`: the server's answer to that.
    ProbeAnswer,
    /// `5`: the client moves to its candidate.
    Upgrade,
    /// `6`
    Noop,
    /// `1`
    Close,
}

impl Control {
    /// The whole packet as text, type digit included.
    pub fn as_str(self) -> &'static str {
        match self {
            Control::Ping => "2",
            Control::Pong => "3",
            Control::Probe => "2probe",
            Control::ProbeAnswer => "3probe",
            Control::Upgrade => "5",
            Control::Noop => "6",
            Control::Close => "1",
        }
    }
}

/// What is wrong with something that should have been a packet. The peer has to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// Nothing there, not even a type; so is an empty payload, or a separator too many.
    Empty,
    /// The first character is no packet type.
    UnknownType(char),
    /// Text that is not UTF-8.
    NotUtf8,
    /// What stands behind a `b` is not base64.
    BadBase64,
    /// In revision 3: the length in front of a packet is none, or there is not so much.
    BadLength,
    /// The open packet's JSON has not the members it must have.
    BadOpen,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PacketError::Empty => f.write_str("peer sent an empty packet; expected a type, 0 to 6 or b"),
            PacketError::UnknownType(got) => {
                write!(f, "peer sent a packet of type {got:?}; expected 0 to 6 or b")
            }
            PacketError::NotUtf8 => f.write_str("peer sent a text packet that is not UTF-8"),
            PacketError::BadBase64 => f.write_str("peer sent a `b` packet that is not base64"),
            PacketError::BadLength => f.write_str(
                "peer sent a payload whose lengths are wrong; expected the length of each packet in front of it",
            ),
            PacketError::BadOpen => f.write_str(
                "peer sent an open packet without `sid`, `upgrades`, `pingInterval` and `pingTimeout`",
            ),
        }
    }
}

impl std::error::Error for PacketError {}

/// Base64 as the reference writes it, and without its padding or with stray last bits too.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(crate) fn decode_base64<'a>(
    data: &str,
    into: &'a mut Vec<u8>,
) -> Result<&'a [u8], PacketError> {
    into.clear();
    BASE64.decode_vec(data, into).map_err(|_| PacketError::BadBase64)?;
    Ok(into)
}
