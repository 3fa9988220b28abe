//! Many packets in one polling body; base64 for the binary ones.
//!
//! ```
//! use sockeye_engine_proto::{Message, Packet, payload};
//!
//! let mut body = Vec::new();
//! payload::push_text(&mut body, "4hello");
//! payload::push_binary(&mut body, &[1, 2]);
//! assert_eq!(body, b"4hello\x1ebAQI=");
//!
//! let mut packets = payload::decode(&body);
//! assert_eq!(packets.next(), Some(Ok(Packet::Message(Message::Text("hello")))));
//! assert_eq!(packets.next(), Some(Ok(Packet::Message(Message::Binary(&[1, 2])))));
//! assert_eq!(packets.next(), None);
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::packet::{Packet, PacketError};

/// Stands between two packets of a payload. JSON escapes it and base64 has none; any other text message
/// that contains one is torn apart on its way through polling, which the specification leaves so.
pub const SEPARATOR: u8 = 0x1e;

/// What a body says of itself by its `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Anything but bytes.
    Text,
    /// `application/octet-stream`, which only [revision 3](crate::v3) has.
    Binary,
}

/// Reads a body packet by packet. The body has to be whole; its size was bounded when it was collected.
pub fn decode(body: &[u8]) -> Packets<'_> {
    Packets { rest: Some(body), base64: Vec::new() }
}

/// The packets of one payload; see [`decode`].
#[derive(Debug)]
pub struct Packets<'a> {
    /// What is still to be read; `None` after the last packet and after an error.
    rest: Option<&'a [u8]>,
    /// Where a binary packet is decoded to.
    base64: Vec<u8>,
}

impl<'a> Packets<'a> {
    /// What is still to be read, for whoever goes on later; `None` after the last packet and after an error.
    ///
    /// ```
    /// use sockeye_engine_proto::payload;
    ///
    /// let mut packets = payload::decode(b"4a\x1e4b");
    /// packets.next();
    /// assert_eq!(packets.rest(), Some(&b"4b"[..]));
    /// packets.next();
    /// assert_eq!(packets.rest(), None);
    /// ```
    pub fn rest(&self) -> Option<&'a [u8]> {
        self.rest
    }

    /// The next packet. It borrows from `self`, so it has to be done with before the next one is read.
    /// After the first error there is nothing more: the rest of the payload is dropped.
    #[expect(clippy::should_implement_trait, reason = "an Iterator cannot lend")]
    pub fn next(&mut self) -> Option<Result<Packet<'_>, PacketError>> {
        let rest = self.rest.take()?;
        let (packet, rest) = match rest.iter().position(|&byte| byte == SEPARATOR) {
            Some(end) => (&rest[..end], Some(&rest[end + 1..])),
            None => (rest, None),
        };
        self.rest = rest;
        let Ok(text) = std::str::from_utf8(packet) else {
            self.rest = None;
            return Some(Err(PacketError::NotUtf8));
        };
        let packet = Packet::parse(text, &mut self.base64);
        if packet.is_err() {
            self.rest = None;
        }
        Some(packet)
    }
}

/// Adds a packet that is text: type digit and data.
pub fn push_text(out: &mut Vec<u8>, packet: &str) {
    separate(out);
    out.extend_from_slice(packet.as_bytes());
}

/// Adds a binary message, as `b` and base64.
pub fn push_binary(out: &mut Vec<u8>, data: &[u8]) {
    separate(out);
    let start = out.len() + 1;
    out.resize(out.len() + binary_len(data.len()), b'b');
    let written = STANDARD.encode_slice(data, &mut out[start..]);
    debug_assert_eq!(written.map(|n| n + 1), Ok(binary_len(data.len())), "the room fits exactly");
}

/// How many bytes a binary message of `len` bytes takes in a payload, its `b` included and a separator
/// not.
pub const fn binary_len(len: usize) -> usize {
    1 + len.div_ceil(3) * 4
}

fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(SEPARATOR);
    }
}
