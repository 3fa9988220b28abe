//! What goes out in its final form, and back: as the parser of the server writes it.

use std::sync::Arc;

use handler::{Door, ParsedPacket, WireMessage};
use socket_proto::Encoded;
use transport::Encoded as Packet;

/// A packet in its final form, to be shared by all its recipients.
pub(crate) fn pack(door: &Door, encoded: Encoded) -> Arc<Packet> {
    let compress = encoded.compress;
    let packet = translate(door, encoded);
    if compress { packet } else { packet.uncompressed() }
}

fn translate(door: &Door, encoded: Encoded) -> Arc<Packet> {
    match door.encode(encoded.text(), &encoded.attachments) {
        None => Packet::text(encoded.buffer, encoded.start, encoded.attachments),
        Some(WireMessage::Text(text)) => Packet::message(&text),
        Some(WireMessage::Binary(data)) => Packet::binary(data.into_owned().into()),
    }
}

/// What was packed: text and attachments, as the default parser would have written them. `None` where a parser
/// does not read what it has written.
pub(crate) fn open(door: &Door, packet: &Packet) -> Option<ParsedPacket> {
    let text = str::from_utf8(packet.message_text()).ok()?;
    if door.is_open() {
        return Some((text.to_owned(), packet.attachments().collect()));
    }
    let binary = packet.attachments().next();
    let message = match &binary {
        Some(data) => engine_proto::Message::Binary(data),
        None => engine_proto::Message::Text(text),
    };
    door.unpack(message, usize::MAX).ok()
}
