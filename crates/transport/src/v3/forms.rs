//! How a packet looks to clients of Engine.IO 3: each form made at first need, and shared from then on.

use std::sync::{Arc, OnceLock};

use engine_proto::v3::payload;

use super::push_text;
use crate::Encoded;

/// The forms of one packet.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    /// The same packet, each of whose binary frames begins with a type. None where there are no such frames.
    twin: OnceLock<Arc<Encoded>>,
    /// Its part of a payload of text.
    text: OnceLock<Vec<u8>>,
    /// Its part of a payload of bytes.
    binary: OnceLock<Vec<u8>>,
}

impl Encoded {
    /// The packet as it waits in an outbox of this revision.
    pub(crate) fn v3_twin(self: &Arc<Self>) -> &Arc<Encoded> {
        if !self.is_binary() {
            return self;
        }
        self.v3_forms().twin.get_or_init(|| Arc::new(self.with_types()))
    }

    /// Its part of a payload, of text or of bytes.
    pub(crate) fn v3_payload(&self, binary: bool) -> &[u8] {
        let forms = self.v3_forms();
        let form = if binary { &forms.binary } else { &forms.text };
        form.get_or_init(|| self.encode_v3(binary))
    }

    fn encode_v3(&self, binary: bool) -> Vec<u8> {
        let mut payload = Vec::new();
        let text = std::str::from_utf8(self.packet_text()).unwrap_or_default();
        if !text.is_empty() {
            push_text(&mut payload, binary, text);
        }
        for data in self.attachments() {
            if binary {
                payload::push_binary(&mut payload, &data);
            } else {
                payload::push_base64(&mut payload, &data);
            }
        }
        payload
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::ROOM;

    fn event() -> Arc<Encoded> {
        let mut buffer = vec![0; ROOM];
        buffer.extend_from_slice("51-[\"😀\",{}]".as_bytes());
        Encoded::text(buffer, ROOM, vec![Bytes::from_static(&[1, 2])])
    }

    fn on_websocket(packet: &Encoded) -> Vec<u8> {
        packet.websocket(None).flatten().copied().collect()
    }

    #[test]
    fn a_text_is_the_same_packet_for_everybody() {
        let packet = Encoded::message("2[\"😀\"]");
        assert!(Arc::ptr_eq(packet.v3_twin(), &packet));
        assert_eq!(packet.v3_payload(false), "8:42[\"😀\"]".as_bytes());
        assert_eq!(packet.v3_payload(true), b"\0\x01\0\xff42[\"\xf0\x9f\x98\x80\"]");
    }

    #[test]
    fn a_binary_frame_begins_with_its_type_and_the_twin_is_made_once() {
        let packet = event();
        let twin = packet.v3_twin();
        assert!(Arc::ptr_eq(twin, packet.v3_twin()));
        let wire = on_websocket(twin);
        assert_eq!(wire, b"\x81\x0f451-[\"\xf0\x9f\x98\x80\",{}]\x82\x03\x04\x01\x02");
        assert_eq!(twin.len(), wire.len());
    }

    #[test]
    fn a_compressed_twin_has_its_types_inside() {
        let deflate = crate::PerMessageDeflate::default().threshold(100);
        let packet = Encoded::binary(Bytes::from(vec![7; 500]));
        let frame: Vec<u8> =
            packet.v3_twin().websocket(Some(&deflate)).flatten().copied().collect();
        let mut expected = Vec::new();
        let message = [&[4][..], &[7; 500]].concat();
        let mut deflater = websocket_proto::deflate::Deflater::alone(1);
        deflater.push_message(&mut expected, websocket_proto::Opcode::Binary, None, &message);
        assert_eq!(frame, expected);
        let plain = Encoded::binary(Bytes::from(vec![7; 500])).uncompressed();
        let mut pieces = plain.v3_twin().websocket(Some(&deflate));
        assert_eq!(pieces.next().unwrap()[0], 0x82);
    }

    #[test]
    fn attachments_are_base64_or_bytes_in_a_payload() {
        let packet = event();
        for packet in [&packet, packet.v3_twin()] {
            assert_eq!(packet.v3_payload(false), "13:451-[\"😀\",{}]6:b4AQI=".as_bytes());
            let bytes = b"\0\x01\x05\xff451-[\"\xf0\x9f\x98\x80\",{}]\x01\x03\xff\x04\x01\x02";
            assert_eq!(packet.v3_payload(true), bytes);
        }
    }

    #[test]
    fn a_binary_message_alone_has_no_text_in_front() {
        let packet = Encoded::binary(Bytes::from_static(&[7]));
        assert_eq!(on_websocket(packet.v3_twin()), [0x82, 2, 4, 7]);
        assert_eq!(packet.v3_payload(false), b"6:b4Bw==");
        assert_eq!(packet.v3_payload(true), [1, 2, 255, 4, 7]);
    }
}
