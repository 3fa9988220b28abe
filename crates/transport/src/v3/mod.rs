//! Engine.IO 3, for clients of Socket.IO 1 and 2: what its sessions do in their own way.

mod forms;
mod opening;

use std::sync::Arc;
use std::time::Duration;

use engine_proto::handshake::Revision as Number;
use engine_proto::payload::Content;
use engine_proto::v3::{self, Terms, payload};
use engine_proto::{Answering, Control, Packet, PacketError};

use crate::outbox::Entry;
use crate::queue::Queue;
use crate::revision::Revision;
use crate::{Application, Connection, Encoded, Handshake};
pub(crate) use forms::Forms;

/// The revision, and how this client wants it.
pub(crate) struct V3(pub(crate) Terms);

impl Revision for V3 {
    type Heartbeat = Answering;
    type Upper<A: Application> = A::OldUpper;
    const NUMBER: Number = Number::Three;

    fn open<A: Application>(
        application: &A,
        connection: Connection,
        handshake: Arc<Handshake>,
        now: Duration,
    ) -> A::OldUpper {
        application.open_old(connection, handshake, now)
    }

    fn text<'p>(text: &'p str, base64: &'p mut Vec<u8>) -> Result<Packet<'p>, PacketError> {
        v3::parse(text, base64)
    }

    fn binary(data: &[u8]) -> Result<Packet<'_>, PacketError> {
        v3::parse_binary(data)
    }

    fn takes(_: Content) -> bool {
        true
    }

    fn read(
        content: Content,
        body: &[u8],
        mut take: impl FnMut(Result<Packet<'_>, PacketError>) -> bool,
    ) -> Option<&[u8]> {
        let mut packets = payload::decode(content, body);
        while let Some(packet) = packets.next() {
            if !take(packet) {
                break;
            }
        }
        packets.rest()
    }

    /// Bytes only where one of the packets is binary, and the client takes it so.
    fn payload(&self, queue: &Queue) -> (Content, Vec<u8>) {
        let is_binary =
            |entry: &Entry| matches!(entry, Entry::Packet(packet) if packet.is_binary());
        let binary = !self.0.base64 && queue.iter().any(is_binary);
        let mut bytes = Vec::new();
        for entry in queue.iter() {
            match entry {
                Entry::Packet(packet) => bytes.extend_from_slice(packet.v3_payload(binary)),
                Entry::Control(control) => push_text(&mut bytes, binary, control.as_str()),
                Entry::Frame(_) => {}
            }
        }
        if bytes.is_empty() {
            bytes = self.lone_payload(Control::Noop);
        }
        (if binary { Content::Binary } else { Content::Text }, bytes)
    }

    fn lone_payload(&self, control: Control) -> Vec<u8> {
        let mut bytes = Vec::new();
        payload::push_text(&mut bytes, control.as_str());
        bytes
    }
}

fn push_text(payload: &mut Vec<u8>, binary: bool, packet: &str) {
    if binary {
        payload::push_text_as_bytes(payload, packet);
    } else {
        payload::push_text(payload, packet);
    }
}

/// What waits in the outbox of a client: for one of this revision a twin, where that looks different.
pub(crate) fn form(revision: Number, packet: &Arc<Encoded>) -> &Arc<Encoded> {
    match revision {
        Number::Four => packet,
        Number::Three => packet.v3_twin(),
    }
}
