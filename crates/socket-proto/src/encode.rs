//! Writes packets: the payload first, then the head in front of it, in one buffer.
//!
//! In front of the head stays room for whatever the floors below put there (the Engine.IO digit,
//! a WebSocket frame head), so that no byte is moved a second time. The texts start with the
//! Socket.IO type digit.
//!
//! A namespace is written as it is given: see [`namespace::is_valid`]. The number of attachments
//! is not limited here, but the official clients refuse more than 10 in one packet.

use bytes::Bytes;
use serde::Serialize;

use crate::args::Args;
use crate::error::EncodeError;
use crate::{event, namespace, ser};

/// A packet that is ready to be sent: its text, then its attachments as binary messages.
#[derive(Debug)]
pub struct Encoded {
    /// Room, then the text.
    pub buffer: Vec<u8>,
    /// Where the text starts: so many bytes in front of it are free, at least the `room` asked for.
    pub start: usize,
    /// To be sent right behind the text, in this order, with nothing of Socket.IO in between.
    pub attachments: Vec<Bytes>,
    /// Whether the floors below may compress it, where they can. True unless somebody says no.
    pub compress: bool,
}

impl Encoded {
    /// The packet's text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.buffer[self.start..]).unwrap_or_default()
    }

    /// One more argument, as JSON text, behind those that are there.
    ///
    /// ```
    /// use sockeye_socket_proto::encode;
    ///
    /// let mut packet = encode::event("/", "news", &(1, 2), None, 0).unwrap();
    /// packet.push_argument("null");
    /// assert_eq!(packet.text(), r#"2["news",1,2,null]"#);
    /// ```
    ///
    /// # Panics
    ///
    /// If the packet is no event and no answer.
    pub fn push_argument(&mut self, json: &str) {
        let end = self.buffer.pop();
        assert_eq!(end, Some(b']'), "arguments stand in brackets");
        if self.buffer.last() != Some(&b'[') {
            self.buffer.push(b',');
        }
        self.buffer.extend_from_slice(json.as_bytes());
        self.buffer.push(b']');
    }
}

/// EVENT with typed arguments: `()` is none, a tuple several, any other type one. Bytes anywhere
/// in them become attachments. References, `Box`, `Rc`, `Arc` and `Cow` count as what they point
/// to; a tuple inside another type is an array.
///
/// # Errors
///
/// The name is reserved, or the arguments cannot be written as JSON.
///
/// ```
/// use sockeye_socket_proto::encode;
///
/// let packet = encode::event("/", "news", &("hello", [1, 2]), None, 11).unwrap();
/// assert_eq!(packet.text(), r#"2["news","hello",[1,2]]"#);
/// assert!(packet.start >= 11);
///
/// let file = serde_bytes::Bytes::new(b"\x01\x02");
/// let packet = encode::event("/admin", "file", &file, Some(7), 0).unwrap();
/// assert_eq!(packet.text(), r#"51-/admin,7["file",{"_placeholder":true,"num":0}]"#);
/// assert_eq!(packet.attachments[0][..], [1, 2]);
/// ```
pub fn event<T: Serialize + ?Sized>(
    namespace: &str,
    name: &str,
    args: &T,
    ack: Option<u64>,
    room: usize,
) -> Result<Encoded, EncodeError> {
    if let Some(name) = event::reserved(name) {
        return Err(EncodeError::Reserved(name));
    }
    let mut packet = Packet::new(namespace, ack, room, name.len() + TYPICAL_ARGS);
    packet.json.push(b'[');
    packet.string(name);
    let attachments = ser::append(args, false, &mut packet.json)?;
    packet.json.push(b']');
    Ok(packet.finish(b'2', attachments))
}

/// EVENT with arguments as they were received: their bytes are copied, not parsed.
///
/// The name is not checked; see [`event::is_reserved`].
///
/// ```
/// use sockeye_socket_proto::{Args, encode};
///
/// let args = Args { json: "1e400,12345678901234567890", attachments: &[] };
/// let packet = encode::event_raw("/", "numbers", args, None, 0);
/// assert_eq!(packet.text(), r#"2["numbers",1e400,12345678901234567890]"#);
/// ```
pub fn event_raw(
    namespace: &str,
    name: &str,
    args: Args<'_>,
    ack: Option<u64>,
    room: usize,
) -> Encoded {
    let mut packet = Packet::new(namespace, ack, room, name.len() + args.json.len() + 8);
    packet.json.push(b'[');
    packet.string(name);
    if !args.json.is_empty() {
        packet.json.push(b',');
        packet.json.extend_from_slice(args.json.as_bytes());
    }
    packet.json.push(b']');
    packet.finish(b'2', args.attachments.to_vec())
}

/// ACK with typed arguments, under the same rules as [`event()`](event()).
///
/// # Errors
///
/// The arguments cannot be written as JSON.
///
/// ```
/// use sockeye_socket_proto::encode;
///
/// assert_eq!(encode::ack("/", 7, &(), 0).unwrap().text(), "37[]");
/// assert_eq!(encode::ack("/", 7, &"done", 0).unwrap().text(), r#"37["done"]"#);
/// ```
pub fn ack<T: Serialize + ?Sized>(
    namespace: &str,
    id: u64,
    args: &T,
    room: usize,
) -> Result<Encoded, EncodeError> {
    let mut packet = Packet::new(namespace, Some(id), room, TYPICAL_ARGS);
    packet.json.push(b'[');
    let attachments = ser::append(args, true, &mut packet.json)?;
    packet.json.push(b']');
    Ok(packet.finish(b'3', attachments))
}

/// ACK with arguments as they were received.
pub fn ack_raw(namespace: &str, id: u64, args: Args<'_>, room: usize) -> Encoded {
    let mut packet = Packet::new(namespace, Some(id), room, args.json.len() + 2);
    packet.json.push(b'[');
    packet.json.extend_from_slice(args.json.as_bytes());
    packet.json.push(b']');
    packet.finish(b'3', args.attachments.to_vec())
}

/// The server's answer to a CONNECT that it accepts; `sid` is the socket's public id.
///
/// ```
/// use sockeye_socket_proto::encode;
///
/// assert_eq!(encode::connect_reply("/", "x1", 0).text(), r#"0{"sid":"x1"}"#);
/// ```
pub fn connect_reply(namespace: &str, sid: &str, room: usize) -> Encoded {
    let mut packet = Packet::new(namespace, None, room, sid.len() + 10);
    packet.json.extend_from_slice(br#"{"sid":"#);
    packet.string(sid);
    packet.json.push(b'}');
    packet.finish(b'0', Vec::new())
}

/// The same for a client that may come back: `pid` is what it will say then, a secret between it and
/// the server.
///
/// ```
/// use sockeye_socket_proto::encode;
///
/// let packet = encode::connect_reply_with_pid("/", "x1", "p2", 0);
/// assert_eq!(packet.text(), r#"0{"sid":"x1","pid":"p2"}"#);
/// ```
pub fn connect_reply_with_pid(namespace: &str, sid: &str, pid: &str, room: usize) -> Encoded {
    let mut packet = Packet::new(namespace, None, room, sid.len() + pid.len() + 20);
    packet.json.extend_from_slice(br#"{"sid":"#);
    packet.string(sid);
    packet.json.extend_from_slice(br#","pid":"#);
    packet.string(pid);
    packet.json.push(b'}');
    packet.finish(b'0', Vec::new())
}

/// `CONNECT_ERROR`: the server's answer to a CONNECT that it refuses. `data` is JSON text.
///
/// ```
/// use sockeye_socket_proto::encode;
///
/// let packet = encode::connect_error("/admin", "no entry", Some(r#"{"code":7}"#), 0);
/// assert_eq!(packet.text(), r#"4/admin,{"message":"no entry","data":{"code":7}}"#);
/// ```
pub fn connect_error(namespace: &str, message: &str, data: Option<&str>, room: usize) -> Encoded {
    let hint = message.len() + data.map_or(0, str::len) + 24;
    let mut packet = Packet::new(namespace, None, room, hint);
    packet.json.extend_from_slice(br#"{"message":"#);
    packet.string(message);
    if let Some(data) = data {
        packet.json.extend_from_slice(br#","data":"#);
        packet.json.extend_from_slice(data.as_bytes());
    }
    packet.json.push(b'}');
    packet.finish(b'4', Vec::new())
}

/// The client's CONNECT. `auth` is JSON text and has to be an object.
///
/// ```
/// use sockeye_socket_proto::encode;
///
/// assert_eq!(encode::connect("/", None, 0).text(), "0");
/// assert_eq!(encode::connect("/a", Some(r#"{"t":1}"#), 0).text(), r#"0/a,{"t":1}"#);
/// ```
pub fn connect(namespace: &str, auth: Option<&str>, room: usize) -> Encoded {
    let auth = auth.unwrap_or_default();
    let mut packet = Packet::new(namespace, None, room, auth.len());
    packet.json.extend_from_slice(auth.as_bytes());
    packet.finish(b'0', Vec::new())
}

/// DISCONNECT: this side leaves the namespace, or makes the other side leave it.
///
/// ```
/// use sockeye_socket_proto::encode;
///
/// assert_eq!(encode::disconnect("/", 0).text(), "1");
/// assert_eq!(encode::disconnect("/admin", 0).text(), "1/admin,");
/// ```
pub fn disconnect(namespace: &str, room: usize) -> Encoded {
    Packet::new(namespace, None, room, 0).finish(b'1', Vec::new())
}

/// A packet being written.
pub(crate) struct Packet<'a> {
    /// Free space for the room and the longest head, then the payload.
    json: Vec<u8>,
    front: usize,
    namespace: &'a str,
    id: Option<u64>,
}

impl<'a> Packet<'a> {
    /// `payload` is a guess at the payload's length.
    pub(crate) fn new(namespace: &'a str, id: Option<u64>, room: usize, payload: usize) -> Self {
        let front = room + namespace.len() + HEAD_BYTES;
        let mut json = Vec::with_capacity(front + payload);
        json.resize(front, 0);
        Self { json, front, namespace, id }
    }

    /// Appends a JSON string.
    pub(crate) fn string(&mut self, text: &str) {
        serde_json::to_writer(&mut self.json, text).expect("memory takes everything");
    }

    /// Appends JSON text as it is.
    pub(crate) fn raw(&mut self, json: &str) {
        self.json.extend_from_slice(json.as_bytes());
    }

    /// Puts the head in front of the payload. `digit` is the type without attachments.
    pub(crate) fn finish(self, digit: u8, attachments: Vec<Bytes>) -> Encoded {
        let Self { mut json, front, namespace, id } = self;
        let mut head = Backward { bytes: &mut json[..front] };
        if let Some(id) = id {
            head.number(id);
        }
        if namespace != namespace::MAIN {
            head.push(b",");
            head.push(namespace.as_bytes());
        }
        if attachments.is_empty() {
            head.push(&[digit]);
        } else {
            head.push(b"-");
            head.number(attachments.len() as u64);
            head.push(&[digit + BINARY]);
        }
        let start = head.bytes.len();
        Encoded { buffer: json, start, attachments, compress: true }
    }
}

/// Writes from the end of a slice towards its start.
struct Backward<'a> {
    bytes: &'a mut [u8],
}

impl Backward<'_> {
    fn push(&mut self, piece: &[u8]) {
        let bytes = std::mem::take(&mut self.bytes);
        let (free, place) = bytes.split_at_mut(bytes.len() - piece.len());
        place.copy_from_slice(piece);
        self.bytes = free;
    }

    fn number(&mut self, mut number: u64) {
        loop {
            let digit = u8::try_from(number % 10).unwrap_or(0);
            self.push(&[b'0' + digit]);
            number /= 10;
            if number == 0 {
                return;
            }
        }
    }
}

/// From a type to its binary form: EVENT 2 → 5, ACK 3 → 6.
const BINARY: u8 = 3;

/// The longest head besides the namespace: type, attachment count, `-`, comma, ack id.
const HEAD_BYTES: usize = 1 + 20 + 1 + 1 + 20;

/// Enough for small events without growing.
const TYPICAL_ARGS: usize = 128;
