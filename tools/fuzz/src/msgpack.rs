//! Packets as MessagePack.

use socket_proto::{ProtocolError, msgpack as codec};

/// Attachments that are taken.
const ATTACHMENTS: usize = 3;

/// Reads bytes as a message. Panics if what was read of a packet cannot be written and read again.
pub fn msgpack(bytes: &[u8]) {
    let (text, attachments) = match codec::decode(bytes, ATTACHMENTS) {
        Ok(packet) => packet,
        Err(ProtocolError::MessagePack { .. } | ProtocolError::TooManyAttachments { .. }) => return,
        Err(other) => panic!("not of this parser: {other}"),
    };
    assert!(attachments.len() <= ATTACHMENTS);
    let again = codec::encode(&text, &attachments);
    // Ids of 2^53 and more are read and then refused, as in a text.
    if again.is_empty() {
        return;
    }
    let (back, kept) = codec::decode(&again, ATTACHMENTS).expect("it was written by us");
    assert_eq!(kept, attachments, "nothing is lost, and nothing comes twice");
    assert_eq!(codec::encode(&back, &kept), again, "written and read again");
}
