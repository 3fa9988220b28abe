//! What a polling client may send in a body, and both sides in a handshake.

use engine_proto::handshake::{self, Open, Query};
use engine_proto::{Message, Packet, PacketError, Sid, payload as codec};

/// Reads bytes as a polling body, as a query, as a session id and as an open packet. Panics if what was
/// read of a body cannot be written and read again, or if reading goes on after an error. And all of it once more as an
/// old client's.
pub fn payload(bytes: &[u8]) {
    crate::v3::payload(bytes);
    let (packets, error) = read(bytes);
    match error {
        None => assert_eq!(packets.len(), separators(bytes) + 1, "one packet between separators"),
        // The full list of ways out. A new one does not compile until it is judged here.
        Some(
            PacketError::Empty
            | PacketError::UnknownType(_)
            | PacketError::NotUtf8
            | PacketError::BadBase64,
        ) => assert!(packets.len() <= separators(bytes)),
        Some(PacketError::BadOpen | PacketError::BadLength) => {
            panic!("a body has no open packet to judge, and no lengths")
        }
    }
    if !packets.is_empty() {
        assert_eq!(read(&write(&packets)), (packets, None), "written and read again");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        read_handshake(text);
    }
}

/// A packet that outlives its body: the specification's name, and the data.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Control(&'static str, String),
    Text(String),
    Binary(Vec<u8>),
}

impl From<Packet<'_>> for Kept {
    fn from(packet: Packet<'_>) -> Self {
        match packet {
            Packet::Message(Message::Text(text)) => Self::Text(text.to_owned()),
            Packet::Message(Message::Binary(bytes)) => Self::Binary(bytes.to_vec()),
            Packet::Open(data) | Packet::Ping(data) | Packet::Pong(data) => {
                Self::Control(packet.name(), data.to_owned())
            }
            // Data behind these means nothing.
            Packet::Close | Packet::Upgrade | Packet::Noop => {
                Self::Control(packet.name(), String::new())
            }
        }
    }
}

fn read(body: &[u8]) -> (Vec<Kept>, Option<PacketError>) {
    let mut packets = codec::decode(body);
    let mut kept = Vec::new();
    loop {
        match packets.next() {
            None => return (kept, None),
            Some(Ok(packet)) => kept.push(packet.into()),
            Some(Err(error)) => {
                assert!(packets.next().is_none(), "nothing comes after an error");
                return (kept, Some(error));
            }
        }
    }
}

fn write(packets: &[Kept]) -> Vec<u8> {
    let mut body = Vec::new();
    for packet in packets {
        match packet {
            Kept::Text(text) => codec::push_text(&mut body, &format!("4{text}")),
            Kept::Control(name, data) => {
                codec::push_text(&mut body, &format!("{}{data}", digit(name)));
            }
            Kept::Binary(bytes) => push_binary(&mut body, bytes),
        }
    }
    body
}

fn push_binary(body: &mut Vec<u8>, bytes: &[u8]) {
    let before = body.len();
    codec::push_binary(body, bytes);
    let separator = usize::from(before > 0);
    assert_eq!(body.len() - before, separator + codec::binary_len(bytes.len()), "as long as said");
}

fn digit(name: &str) -> char {
    match name {
        "open" => '0',
        "close" => '1',
        "ping" => '2',
        "pong" => '3',
        "upgrade" => '5',
        "noop" => '6',
        other => panic!("the specification has no packet `{other}`"),
    }
}

fn separators(body: &[u8]) -> usize {
    body.split(|byte| *byte == codec::SEPARATOR).count() - 1
}

fn read_handshake(text: &str) {
    let query = Query::parse(text);
    let named = handshake::pairs(text).filter(|(name, _)| name == "transport").count();
    assert_eq!(query.transport.is_some(), named > 0);
    assert_ne!(query.sid.as_deref(), Some(""), "an empty sid counts as none");
    if let Some(sid) = Sid::parse(text) {
        assert_eq!(sid.as_str(), text);
    }
    if let Ok(open) = Open::parse(text) {
        assert_eq!(open.offers_websocket(), open.upgrades.iter().any(|name| name == "websocket"));
    }
}
