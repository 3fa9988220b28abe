//! One packet: as text, and as bytes.

use super::MESSAGE;
use crate::packet::{Message, Packet, PacketError, decode_base64};

/// Reads one packet of text. It is as in revision 4, but for `b`, behind which stands a type.
///
/// ```
/// use sockeye_engine_proto::{Message, Packet, PacketError, v3};
///
/// let mut base64 = Vec::new();
/// let binary = Packet::Message(Message::Binary(&[1, 2]));
/// assert_eq!(v3::parse("b4AQI=", &mut base64), Ok(binary));
/// assert_eq!(v3::parse("bAQI=", &mut base64), Err(PacketError::UnknownType('A')));
/// ```
///
/// # Errors
///
/// The peer broke the packet encoding; a session that is given the error ends with `parse error`.
pub fn parse<'a>(text: &'a str, base64: &'a mut Vec<u8>) -> Result<Packet<'a>, PacketError> {
    let Some(binary) = text.strip_prefix('b') else {
        return Packet::parse(text, base64);
    };
    match binary.chars().next().ok_or(PacketError::Empty)? {
        '4' => Ok(Packet::Message(Message::Binary(decode_base64(&binary[1..], base64)?))),
        other => Err(PacketError::UnknownType(other)),
    }
}

/// Reads one packet of bytes: a binary WebSocket message, or a part of a binary payload. Only messages come so.
///
/// ```
/// use sockeye_engine_proto::{Message, Packet, PacketError, v3};
///
/// assert_eq!(v3::parse_binary(&[4, 1, 2]), Ok(Packet::Message(Message::Binary(&[1, 2]))));
/// assert_eq!(v3::parse_binary(&[]), Err(PacketError::Empty));
/// ```
///
/// # Errors
///
/// As [`parse`]: its first byte is not 4, or there is none.
pub fn parse_binary(bytes: &[u8]) -> Result<Packet<'_>, PacketError> {
    match bytes {
        [] => Err(PacketError::Empty),
        [MESSAGE, data @ ..] => Ok(Packet::Message(Message::Binary(data))),
        [other, ..] => Err(PacketError::UnknownType(char::from(*other))),
    }
}
