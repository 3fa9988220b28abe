//! Packets as MessagePack, the way npm `socket.io-msgpack-parser` writes them: one binary message for a packet
//! and its attachments.
//!
//! ```text
//! {"type": 0–4, "nsp": "/…", "data": …, "id": 0…}        data and id where there are some; other keys mean nothing
//! ```
//!
//! It is a translation at the door: inside the house a packet is a text with attachments, whatever its client
//! speaks. [`decode`] makes that of a message, and [`encode`] a message of that. What JSON has no word for becomes what
//! JavaScript's `JSON.stringify` makes of it: a date is its ISO text, `undefined` is left out (`null` in a
//! list), a number that is none is `null`.
//!
//! | file    | what                                              |
//! |---------|---------------------------------------------------|
//! | `read`  | the parts of MessagePack                          |
//! | `json`  | from MessagePack to JSON                          |
//! | `date`  | dates as texts                                    |
//! | `write` | from JSON to MessagePack                          |

mod date;
mod json;
mod read;
mod write;

use bytes::Bytes;

use crate::error::ProtocolError;
use crate::namespace;
use crate::packet::{Head, Kind};
use json::Converter;
use read::{Reader, Token};

/// A packet as text, and its attachments.
///
/// At most `attachments` of them are taken.
///
/// # Errors
///
/// [`ProtocolError::MessagePack`] if it is no packet. Its text is not looked at any further.
///
/// ```
/// use sockeye_socket_proto::msgpack;
///
/// let message = b"\x83\xa4type\x02\xa3nsp\xa6/admin\xa4data\x92\xa3add\xc4\x01\xff";
/// let (text, attachments) = msgpack::decode(message, 10)?;
/// assert_eq!(text, r#"51-/admin,["add",{"_placeholder":true,"num":0}]"#);
/// assert_eq!(&attachments[0][..], b"\xff");
/// # Ok::<(), sockeye_socket_proto::ProtocolError>(())
/// ```
pub fn decode(message: &[u8], attachments: usize) -> Result<(String, Vec<Bytes>), ProtocolError> {
    let mut reader = Reader::new(message);
    let mut parts = Parts::new(attachments);
    let Token::Map(entries) = reader.token()? else {
        return Err(broken("a packet is a map"));
    };
    for _ in 0..entries {
        parts.entry(&mut reader)?;
    }
    if !reader.is_at_end() {
        return Err(broken("something follows the packet"));
    }
    parts.into_packet()
}

/// A packet as one binary message.
///
/// ```
/// use sockeye_socket_proto::{encode, msgpack};
///
/// let packet = encode::event("/", "news", &(1, "two"), None, 0).unwrap();
/// let message = msgpack::encode(packet.text(), &packet.attachments);
/// assert_eq!(message, b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa4news\x01\xa3two");
/// ```
pub fn encode(text: &str, attachments: &[Bytes]) -> Vec<u8> {
    let Ok(head) = Head::parse(text) else {
        // Nothing that this house has made.
        return Vec::new();
    };
    let entries = 2 + u32::from(!head.payload.is_empty()) + u32::from(head.id.is_some());
    let mut out = Vec::with_capacity(text.len() + 32);
    write::map(entries, &mut out);
    write::string("type", &mut out);
    write::unsigned(number_of(head.kind), &mut out);
    write::string("nsp", &mut out);
    write::string(head.namespace, &mut out);
    if !head.payload.is_empty() {
        write::string("data", &mut out);
        write::json(head.payload, attachments, &mut out);
    }
    if let Some(id) = head.id {
        write::string("id", &mut out);
        write::unsigned(id, &mut out);
    }
    out
}

fn number_of(kind: Kind) -> u64 {
    match kind {
        Kind::Connect => CONNECT,
        Kind::Disconnect => DISCONNECT,
        Kind::Event => 2,
        Kind::Ack => 3,
        Kind::ConnectError => 4,
    }
}

fn broken(what: &'static str) -> ProtocolError {
    ProtocolError::MessagePack { what }
}

const CONNECT: u64 = 0;
const DISCONNECT: u64 = 1;

/// What has been read of a packet.
struct Parts<'a> {
    kind: Option<u64>,
    namespace: Option<&'a str>,
    id: Option<u64>,
    data: Converter,
    has_data: bool,
}

impl<'a> Parts<'a> {
    fn new(attachments: usize) -> Self {
        let data = Converter::new(attachments);
        Parts { kind: None, namespace: None, id: None, data, has_data: false }
    }

    fn entry(&mut self, reader: &mut Reader<'a>) -> Result<(), ProtocolError> {
        let Token::Text(key) = reader.token()? else {
            return Err(broken("the keys of a packet are texts"));
        };
        match key {
            "type" => self.kind = Some(reader.unsigned()?),
            "nsp" => self.namespace = Some(reader.text()?),
            "id" => self.id = reader.unsigned_or_undefined()?,
            "data" if self.has_data => return Err(broken("a packet has one `data`")),
            "data" => self.has_data = self.data.value(reader)?,
            _ => drop(Converter::new(usize::MAX).value(reader)?),
        }
        Ok(())
    }

    fn into_packet(self) -> Result<(String, Vec<Bytes>), ProtocolError> {
        let (json, attachments) = self.data.finish();
        let kind = match (self.kind, attachments.len()) {
            (Some(kind @ 0..=4), 0) => kind.to_string(),
            (Some(kind @ 2..=3), count) => format!("{}{count}-", kind + 3),
            _ => {
                return Err(broken("its `type` is none that there is, or cannot have attachments"));
            }
        };
        let name = self.namespace.filter(|name| namespace::is_valid(name));
        let name = name.ok_or(broken("its `nsp` is no namespace"))?;
        let name = if name == namespace::MAIN { String::new() } else { format!("{name},") };
        // python-socketio has a `data` in every packet.
        let says_nothing = json == "null" && matches!(self.kind, Some(CONNECT | DISCONNECT));
        let json = if says_nothing { "" } else { &*json };
        let id = self.id.map_or_else(String::new, |id| id.to_string());
        Ok((format!("{kind}{name}{id}{json}"), attachments))
    }
}
