//! Many packets in one body: as text, or as bytes where one of them is binary.
//!
//! ```text
//! text     <length in UTF-16 code units> ":" <packet>                                    6:4hello
//! bytes    0 or 1 <digits of the length in bytes, each as a byte> 255 <packet>           1 3 255 4 1 2
//! ```
//!
//! A packet behind a 0 is text, one behind a 1 bytes.
//!
//! ```
//! use sockeye_engine_proto::payload::Content;
//! use sockeye_engine_proto::v3::payload;
//! use sockeye_engine_proto::{Message, Packet};
//!
//! let mut body = Vec::new();
//! payload::push_text(&mut body, "4né😀"); // the last character is two code units
//! payload::push_base64(&mut body, &[1, 2]);
//! assert_eq!(body, "5:4né😀6:b4AQI=".as_bytes());
//!
//! let mut packets = payload::decode(Content::Text, &body);
//! assert_eq!(packets.next(), Some(Ok(Packet::Message(Message::Text("né😀")))));
//! assert_eq!(packets.next(), Some(Ok(Packet::Message(Message::Binary(&[1, 2])))));
//! assert_eq!(packets.next(), None);
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{MESSAGE, parse, parse_binary};
use crate::packet::{Packet, PacketError};
use crate::payload::Content;

/// Ends the length of a packet in a binary payload.
const END_OF_LENGTH: u8 = 255;

/// In front of a length in a binary payload: the packet is text, or it is bytes.
const TEXT: u8 = 0;
const BYTES: u8 = 1;

/// Reads a body packet by packet. The body has to be whole; its size was bounded when it was collected.
///
/// A packet of the length 0 is none, and is passed over, as in the reference.
pub fn decode(content: Content, body: &[u8]) -> Packets<'_> {
    let rest = if body.is_empty() { Rest::Empty } else { Rest::Bytes(body) };
    Packets { content, rest, base64: Vec::new() }
}

/// The packets of one payload; see [`decode`].
#[derive(Debug)]
pub struct Packets<'a> {
    content: Content,
    rest: Rest<'a>,
    /// Where a binary packet is decoded to.
    base64: Vec<u8>,
}

/// What is still to be read.
#[derive(Clone, Copy, Debug)]
enum Rest<'a> {
    /// There never was anything, which is an error.
    Empty,
    Bytes(&'a [u8]),
    /// Read to the end, or to an error.
    Nothing,
}

/// A packet's bytes, and whether they are text.
type Record<'a> = (Content, &'a [u8]);

impl<'a> Packets<'a> {
    /// What is still to be read, for whoever goes on later; `None` after the last packet and after an error.
    pub fn rest(&self) -> Option<&'a [u8]> {
        match self.rest {
            Rest::Bytes(rest) => Some(rest),
            Rest::Empty | Rest::Nothing => None,
        }
    }

    /// The next packet. It borrows from `self`, so it has to be done with before the next one is read.
    /// After the first error there is nothing more: the rest of the payload is dropped.
    #[expect(clippy::should_implement_trait, reason = "an Iterator cannot lend")]
    pub fn next(&mut self) -> Option<Result<Packet<'_>, PacketError>> {
        let record = self.record()?;
        let packet = record.and_then(|(content, bytes)| match content {
            Content::Binary => parse_binary(bytes),
            Content::Text => {
                let text = std::str::from_utf8(bytes).map_err(|_| PacketError::NotUtf8)?;
                parse(text, &mut self.base64)
            }
        });
        if packet.is_err() {
            self.rest = Rest::Nothing;
        }
        Some(packet)
    }

    /// Cuts the next packet off that is one.
    fn record(&mut self) -> Option<Result<Record<'a>, PacketError>> {
        loop {
            let rest = match std::mem::replace(&mut self.rest, Rest::Nothing) {
                Rest::Empty => return Some(Err(PacketError::Empty)),
                Rest::Bytes(rest) => rest,
                Rest::Nothing => return None,
            };
            let cut = match self.content {
                Content::Text => cut_text(rest),
                Content::Binary => cut_bytes(rest),
            };
            let Some((record, rest)) = cut else {
                return Some(Err(PacketError::BadLength));
            };
            if !rest.is_empty() {
                self.rest = Rest::Bytes(rest);
            }
            if !record.1.is_empty() {
                return Some(Ok(record));
            }
        }
    }
}

/// `<length>:<packet>`, and what follows.
fn cut_text(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    let (length, digits) = number(digits.map(|byte| byte - b'0'))?;
    let packets = bytes[digits..].strip_prefix(b":")?;
    let (packet, rest) = packets.split_at_checked(end_of(packets, length)?)?;
    Some(((Content::Text, packet), rest))
}

/// `0 or 1, digits, 255, packet`, and what follows.
fn cut_bytes(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (&kind, bytes) = bytes.split_first()?;
    let content = match kind {
        TEXT => Content::Text,
        BYTES => Content::Binary,
        _ => return None,
    };
    let digits = bytes.iter().take_while(|&&byte| byte <= 9).copied();
    let (length, digits) = number(digits)?;
    let packets = bytes[digits..].strip_prefix(&[END_OF_LENGTH])?;
    let (packet, rest) = packets.split_at_checked(length)?;
    Some(((content, packet), rest))
}

/// A number of one digit and more, and how many there are. One that is too large for anything is the largest.
fn number(digits: impl Iterator<Item = u8>) -> Option<(usize, usize)> {
    let (mut value, mut count) = (0_usize, 0);
    for digit in digits {
        value = value.saturating_mul(10).saturating_add(usize::from(digit));
        count += 1;
    }
    (count > 0).then_some((value, count))
}

/// Where so many code units of UTF-16 end in UTF-8. `None` if there are not so many, or in the middle of a pair.
fn end_of(text: &[u8], units: usize) -> Option<usize> {
    let (mut left, mut at) = (units, 0);
    while left > 0 {
        // What is no UTF-8 is found out by whoever reads it.
        let (bytes, width) = match text.get(at)? {
            0..=0x7f => (1, 1),
            0x80..=0xdf => (2, 1),
            0xe0..=0xef => (3, 1),
            0xf0..=0xff => (4, 2),
        };
        left = left.checked_sub(width)?;
        at += bytes;
    }
    Some(at)
}

/// Adds a packet that is text to a payload of text: type digit and data.
pub fn push_text(out: &mut Vec<u8>, packet: &str) {
    push_length(out, packet.encode_utf16().count());
    out.extend_from_slice(packet.as_bytes());
}

/// Adds a binary message to a payload of text, as `b4` and base64.
pub fn push_base64(out: &mut Vec<u8>, data: &[u8]) {
    let length = data.len().div_ceil(3) * 4;
    push_length(out, 2 + length);
    out.extend_from_slice(b"b4");
    let start = out.len();
    out.resize(start + length, 0);
    let written = STANDARD.encode_slice(data, &mut out[start..]);
    debug_assert_eq!(written, Ok(length), "the room fits exactly");
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b':');
}

/// Adds a packet that is text to a payload of bytes.
///
/// ```
/// use sockeye_engine_proto::v3::payload;
///
/// let mut body = Vec::new();
/// payload::push_text_as_bytes(&mut body, "4hello");
/// payload::push_binary(&mut body, &[1, 2, 3, 4]);
/// assert_eq!(body, b"\0\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04");
/// ```
pub fn push_text_as_bytes(out: &mut Vec<u8>, packet: &str) {
    push_head(out, TEXT, packet.len());
    out.extend_from_slice(packet.as_bytes());
}

/// Adds a binary message to a payload of bytes.
pub fn push_binary(out: &mut Vec<u8>, data: &[u8]) {
    push_head(out, BYTES, 1 + data.len());
    out.push(MESSAGE);
    out.extend_from_slice(data);
}

fn push_head(out: &mut Vec<u8>, kind: u8, length: usize) {
    out.push(kind);
    out.extend(length.to_string().bytes().map(|digit| digit - b'0'));
    out.push(END_OF_LENGTH);
}
