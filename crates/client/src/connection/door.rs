//! How packets are written: as they are, or by another parser than the default one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use engine_client::{Packet, Queue};
use handler::{Door, WireMessage};
use socket_proto::Encoded;

/// Sends a packet, as the parser writes it. If that panics, nothing is sent: it is the parser of our own user.
pub(super) fn send(door: &Door, packet: Encoded, queue: &mut Queue) {
    if door.is_open() {
        return queue.push(packed(packet));
    }
    let encode = AssertUnwindSafe(|| door.encode(packet.text(), &packet.attachments));
    match catch_unwind(encode) {
        Ok(None) => queue.push(packed(packet)),
        Ok(Some(WireMessage::Text(text))) => {
            queue.push(Packet { compress: packet.compress, ..Packet::text(&text) });
        }
        Ok(Some(WireMessage::Binary(data))) => {
            queue.push_binary(Bytes::from(data.into_owned()), packet.compress);
        }
        Err(_) => tracing::error!("the parser panicked; a packet was not sent"),
    }
}

/// As the engine takes it.
fn packed(packet: Encoded) -> Packet {
    let Encoded { buffer, start, attachments, compress } = packet;
    Packet { text: buffer, start, attachments, compress }
}
