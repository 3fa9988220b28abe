//! What a session's task does in its own way for each revision of Engine.IO. Which one is chosen once, by the request
//! that opens the session; from there on it is part of the task's type.

use std::sync::Arc;
use std::time::Duration;

use engine_proto::handshake::Revision as Number;
use engine_proto::payload::{self, Content};
use engine_proto::{Beating, Control, Heartbeat, Message, Packet, PacketError};

use crate::outbox::Entry;
use crate::queue::Queue;
use crate::{Application, Connection, Handshake, Upper};

/// A revision of Engine.IO.
pub(crate) trait Revision: Send + 'static {
    type Heartbeat: Heartbeat;
    type Upper<A: Application>: Upper;
    const NUMBER: Number;

    /// What sits on a new session.
    fn open<A: Application>(
        application: &A,
        connection: Connection,
        handshake: Arc<Handshake>,
        now: Duration,
    ) -> Self::Upper<A>;

    /// A text message of a WebSocket.
    fn text<'p>(text: &'p str, base64: &'p mut Vec<u8>) -> Result<Packet<'p>, PacketError>;

    /// A binary message of a WebSocket.
    fn binary(data: &[u8]) -> Result<Packet<'_>, PacketError>;

    /// Whether a POST may have such a body.
    fn takes(content: Content) -> bool;

    /// Reads packets of a body as long as they are taken; what is left of it then.
    fn read(
        content: Content,
        body: &[u8],
        take: impl FnMut(Result<Packet<'_>, PacketError>) -> bool,
    ) -> Option<&[u8]>;

    /// The answer to a poll: what is queued, or a noop if that is nothing.
    fn payload(&self, queue: &Queue) -> (Content, Vec<u8>);

    /// The answer to a poll that has just this packet.
    fn lone_payload(&self, control: Control) -> Vec<u8>;
}

/// The revision of today.
pub(crate) struct V4;

impl Revision for V4 {
    type Heartbeat = Beating;
    type Upper<A: Application> = A::Upper;
    const NUMBER: Number = Number::Four;

    fn open<A: Application>(
        application: &A,
        connection: Connection,
        handshake: Arc<Handshake>,
        now: Duration,
    ) -> A::Upper {
        application.open(connection, handshake, now)
    }

    #[inline]
    fn text<'p>(text: &'p str, base64: &'p mut Vec<u8>) -> Result<Packet<'p>, PacketError> {
        Packet::parse(text, base64)
    }

    #[inline]
    fn binary(data: &[u8]) -> Result<Packet<'_>, PacketError> {
        Ok(Packet::Message(Message::Binary(data)))
    }

    fn takes(content: Content) -> bool {
        content == Content::Text
    }

    fn read(
        _: Content,
        body: &[u8],
        mut take: impl FnMut(Result<Packet<'_>, PacketError>) -> bool,
    ) -> Option<&[u8]> {
        let mut packets = payload::decode(body);
        while let Some(packet) = packets.next() {
            if !take(packet) {
                break;
            }
        }
        packets.rest()
    }

    fn payload(&self, queue: &Queue) -> (Content, Vec<u8>) {
        let mut bytes = Vec::new();
        for entry in queue.iter() {
            match entry {
                Entry::Packet(packet) => packet.push_polling(&mut bytes),
                Entry::Control(control) => payload::push_text(&mut bytes, control.as_str()),
                Entry::Frame(_) => {}
            }
        }
        if bytes.is_empty() {
            bytes = self.lone_payload(Control::Noop);
        }
        (Content::Text, bytes)
    }

    fn lone_payload(&self, control: Control) -> Vec<u8> {
        control.as_str().as_bytes().to_vec()
    }
}
