//! What an old client may send: a polling body of Engine.IO 3 of either kind, a session, and how Socket.IO 2 joins a
//! namespace.

use engine_proto::payload::Content;
use engine_proto::v3::{self, Terms, payload as codec};
use engine_proto::{
    CloseReason, Config, Message, Order, Packet, PacketError, Pipe, Transport, Tray,
};
use socket_proto::{Limits, server, v4};

use crate::input::Input;

/// Reads bytes as the body of an old client, of either kind. Panics if messages that were read cannot be written and
/// read again, or if reading goes on after an error.
pub(crate) fn payload(bytes: &[u8]) {
    for content in [Content::Text, Content::Binary] {
        let messages = read(content, bytes);
        if messages.is_empty() {
            continue;
        }
        assert_eq!(read(Content::Text, &write(&messages, Content::Text)), messages);
        assert_eq!(read(Content::Binary, &write(&messages, Content::Binary)), messages);
    }
    let _ = v3::parse_binary(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (v3::parse(text, &mut Vec::new()), Terms::read(text));
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Text(String),
    Binary(Vec<u8>),
}

/// The messages of a body, up to the first error.
fn read(content: Content, body: &[u8]) -> Vec<Kept> {
    let mut packets = codec::decode(content, body);
    let mut kept = Vec::new();
    loop {
        match packets.next() {
            None => return kept,
            Some(Ok(Packet::Message(Message::Text(text)))) => {
                kept.push(Kept::Text(text.to_owned()));
            }
            Some(Ok(Packet::Message(Message::Binary(data)))) => {
                kept.push(Kept::Binary(data.to_vec()));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                judge(error);
                assert!(packets.next().is_none(), "nothing comes after an error");
                assert_eq!(packets.rest(), None);
                return kept;
            }
        }
    }
}

/// The full list of ways out.
fn judge(error: PacketError) {
    match error {
        PacketError::Empty
        | PacketError::UnknownType(_)
        | PacketError::NotUtf8
        | PacketError::BadBase64
        | PacketError::BadLength => {}
        PacketError::BadOpen => panic!("a body has no open packet to judge"),
    }
}

fn write(messages: &[Kept], content: Content) -> Vec<u8> {
    let mut body = Vec::new();
    for message in messages {
        match (message, content) {
            (Kept::Text(text), Content::Text) => codec::push_text(&mut body, &format!("4{text}")),
            (Kept::Text(text), Content::Binary) => {
                codec::push_text_as_bytes(&mut body, &format!("4{text}"));
            }
            (Kept::Binary(data), Content::Text) => codec::push_base64(&mut body, data),
            (Kept::Binary(data), Content::Binary) => codec::push_binary(&mut body, data),
        }
    }
    body
}

/// Lives the life of an old client's session. Panics if the server pings, or if the session does not end though no ping
/// comes.
pub(crate) fn session(input: &mut Input<'_>) {
    let transport = if input.flag() { Transport::WebSocket } else { Transport::Polling };
    let mut now = std::time::Duration::ZERO;
    let mut session = v3::Session::begin(transport, &Config::default(), now);
    let mut tray = Tray::new();
    while !input.is_empty() {
        match input.byte() % 8 {
            0..=3 => {
                let pipe = if input.flag() { Pipe::Candidate } else { Pipe::Current };
                let packet = crate::session::packet(input.byte());
                session.receive(pipe, packet, now, &mut tray);
            }
            4 => session.poll_arrived(&mut tray),
            5 => session.candidate_arrived(now, &mut tray),
            6 => now += crate::session::span(input.byte()),
            _ => assert!(!session.ping(now, &mut tray), "it is the client that pings"),
        }
        session.timeout(now, &mut tray);
        check(&mut tray, session.closed());
    }
    if let Some(end) = session.next_timeout() {
        let end = end + Config::default().upgrade_timeout;
        session.timeout(end + Config::default().ping_interval * 2, &mut tray);
        assert!(session.closed().is_some(), "silence ends it");
    }
}

fn check(tray: &mut Tray, closed: Option<CloseReason>) {
    for order in tray.drain(..) {
        assert_ne!(order, Order::Send(Pipe::Current, engine_proto::Control::Ping));
        assert!(!matches!(order, Order::Finish(_)) || closed.is_some(), "it says why");
    }
}

/// Puts a text into the words of today. Panics if what was no CONNECT has changed, or if one that names a namespace is
/// none any more.
pub(crate) fn packet(text: &str) {
    let read = v4::read(text);
    if !text.starts_with("0/") {
        assert_eq!(read, text);
        return;
    }
    let limits = std::sync::Arc::new(Limits::default());
    let mut connection = server::Connection::new(&limits, std::time::Duration::ZERO);
    let message = socket_proto::Message::Text(&read);
    match connection.receive(message, std::time::Duration::ZERO) {
        Ok(Some(server::Incoming::Connect { namespace, auth, .. })) => {
            assert!(!namespace.contains('?'), "{namespace}");
            assert_eq!(auth.is_some(), text.split(',').next().is_some_and(|it| it.contains('?')));
        }
        Err(socket_proto::ProtocolError::NamespaceTooLong { .. }) => {}
        other => panic!("{text:?} became {read:?}, which is {other:?}"),
    }
}
