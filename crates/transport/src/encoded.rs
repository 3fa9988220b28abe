//! One packet, encoded once, shared by everybody who receives it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use engine_proto::payload;
use websocket_proto::{Opcode, SERVER_HEAD, write_frame_head};

use crate::v3;

/// Free bytes that a text packet's buffer must have in front: a frame head and the digit of Engine.IO.
pub const ROOM: usize = SERVER_HEAD + 1;

/// One Engine.IO message with the binary messages that belong to it.
///
/// Server frames carry no mask (RFC 6455, 5.1), so the finished frame is the same for every recipient: it is
/// written once, into the room that was left in front of the text, and then only counted references travel.
/// The polling form of the text is a slice of the same bytes; that of attachments is made at first need.
///
/// ```
/// use sockeye_transport::Encoded;
/// let packet = Encoded::message("2[\"hello\"]");
/// assert!(packet.len() > 10);
/// ```
#[derive(Debug)]
pub struct Encoded {
    /// Unused room, frame head, packet digit, text.
    buffer: Vec<u8>,
    /// Where the frame starts in `buffer`; the packet follows its head.
    frame: usize,
    packet: usize,
    attachments: Box<[Attachment]>,
    /// Base64 of the attachments, separators included.
    polling_tail: OnceLock<Vec<u8>>,
    /// How it looks to clients of Engine.IO 3.
    v3: OnceLock<Box<v3::Forms>>,
}

/// A binary message: its frame head, and the bytes as the user gave them.
#[derive(Debug)]
struct Attachment {
    head: [u8; SERVER_HEAD + 1],
    head_start: u8,
    /// Where the head ends: behind the type, where a client wants one.
    head_end: u8,
    data: Bytes,
}

impl Encoded {
    /// A text message with its attachments; `buffer[start..]` is the text, and everything before is room.
    ///
    /// # Panics
    ///
    /// If there is less than [`ROOM`] in front of the text.
    pub fn text(buffer: Vec<u8>, start: usize, attachments: Vec<Bytes>) -> Arc<Encoded> {
        Arc::new(Encoded::with_digit(buffer, start, b'4', attachments))
    }

    /// A text message, copied.
    pub fn message(text: &str) -> Arc<Encoded> {
        let mut buffer = Vec::with_capacity(ROOM + text.len());
        buffer.resize(ROOM, 0);
        buffer.extend_from_slice(text.as_bytes());
        Encoded::text(buffer, ROOM, Vec::new())
    }

    /// A binary message alone.
    pub fn binary(data: Bytes) -> Arc<Encoded> {
        Arc::new(Encoded {
            buffer: Vec::new(),
            frame: 0,
            packet: 0,
            attachments: Box::new([Attachment::new(data)]),
            polling_tail: OnceLock::new(),
            v3: OnceLock::new(),
        })
    }

    /// A whole packet other than a message, such as the open packet `0{…}`.
    pub(crate) fn packet(text: &str) -> Arc<Encoded> {
        let (digit, rest) = text.as_bytes().split_first().expect("a packet starts with its digit");
        let mut buffer = vec![0; ROOM];
        buffer.extend_from_slice(rest);
        Arc::new(Encoded::with_digit(buffer, ROOM, *digit, Vec::new()))
    }

    fn with_digit(
        mut buffer: Vec<u8>,
        start: usize,
        digit: u8,
        attachments: Vec<Bytes>,
    ) -> Encoded {
        assert!(start >= ROOM, "a packet needs {ROOM} free bytes in front, this one has {start}");
        let packet = start - 1;
        buffer[packet] = digit;
        let length = buffer.len() - packet;
        let head = write_frame_head(&mut buffer[..packet], Opcode::Text, length);
        Encoded {
            buffer,
            frame: packet - head,
            packet,
            attachments: attachments.into_iter().map(Attachment::new).collect(),
            polling_tail: OnceLock::new(),
            v3: OnceLock::new(),
        }
    }

    /// The same packet, with a type in front of each attachment (Engine.IO 3).
    pub(crate) fn with_types(&self) -> Encoded {
        Encoded {
            buffer: self.text_frame().to_vec(),
            frame: 0,
            packet: self.packet - self.frame,
            attachments: self.attachments().map(Attachment::typed).collect(),
            polling_tail: OnceLock::new(),
            v3: OnceLock::new(),
        }
    }

    /// Whether there is something binary in it.
    pub(crate) fn is_binary(&self) -> bool {
        !self.attachments.is_empty()
    }

    /// The text with its digit; empty if it is a binary message alone.
    pub(crate) fn packet_text(&self) -> &[u8] {
        &self.buffer[self.packet..]
    }

    pub(crate) fn v3_forms(&self) -> &v3::Forms {
        self.v3.get_or_init(Box::default)
    }

    /// Bytes on a WebSocket, heads included.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.text_frame().len() + self.attachments.iter().map(Attachment::len).sum::<usize>()
    }

    /// The text of the message, without the digit of Engine.IO in front of it.
    ///
    /// ```
    /// use sockeye_transport::Encoded;
    /// assert_eq!(Encoded::message("2[\"hello\"]").message_text(), b"2[\"hello\"]");
    /// ```
    pub fn message_text(&self) -> &[u8] {
        self.buffer.get(self.packet + 1..).unwrap_or_default()
    }

    /// The binary messages that belong to it.
    pub fn attachments(&self) -> impl Iterator<Item = Bytes> {
        self.attachments.iter().map(|attachment| attachment.data.clone())
    }

    fn text_frame(&self) -> &[u8] {
        &self.buffer[self.frame..]
    }

    /// Everything that goes onto a WebSocket, in order.
    pub(crate) fn websocket(&self) -> impl Iterator<Item = &[u8]> {
        let attachments = self
            .attachments
            .iter()
            .flat_map(|attachment| [attachment.head(), &attachment.data[..]]);
        std::iter::once(self.text_frame()).chain(attachments).filter(|piece| !piece.is_empty())
    }

    /// Whether the packet is one contiguous frame.
    pub(crate) fn lone_frame(&self) -> Option<&[u8]> {
        self.attachments.is_empty().then(|| self.text_frame())
    }

    /// Appends the packets to a polling payload (Engine.IO 4, "HTTP long-polling").
    pub(crate) fn push_polling(&self, payload: &mut Vec<u8>) {
        let packet = self.packet_text();
        if !packet.is_empty() {
            separate(payload);
            payload.extend_from_slice(packet);
        }
        if !self.attachments.is_empty() {
            separate(payload);
            payload.extend_from_slice(self.polling_tail.get_or_init(|| self.encode_tail()));
        }
    }

    fn encode_tail(&self) -> Vec<u8> {
        let mut tail = Vec::new();
        for attachment in &self.attachments {
            payload::push_binary(&mut tail, &attachment.data);
        }
        tail
    }
}

fn separate(payload: &mut Vec<u8>) {
    if !payload.is_empty() {
        payload.push(payload::SEPARATOR);
    }
}

impl Attachment {
    fn new(data: Bytes) -> Attachment {
        Attachment::headed(data, &[])
    }

    /// With its type in front.
    fn typed(data: Bytes) -> Attachment {
        Attachment::headed(data, &[engine_proto::v3::MESSAGE])
    }

    /// With what belongs to the frame's payload, one byte at most, in front of the data.
    fn headed(data: Bytes, front: &[u8]) -> Attachment {
        let mut head = [0; SERVER_HEAD + 1];
        head[SERVER_HEAD..][..front.len()].copy_from_slice(front);
        let length = front.len() + data.len();
        let length = write_frame_head(&mut head[..SERVER_HEAD], Opcode::Binary, length);
        #[allow(clippy::cast_possible_truncation)] // at most SERVER_HEAD + 1
        let (head_start, head_end) =
            ((SERVER_HEAD - length) as u8, (SERVER_HEAD + front.len()) as u8);
        Attachment { head, head_start, head_end, data }
    }

    fn head(&self) -> &[u8] {
        &self.head[usize::from(self.head_start)..usize::from(self.head_end)]
    }

    fn len(&self) -> usize {
        self.head().len() + self.data.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_websocket(packet: &Encoded) -> Vec<u8> {
        packet.websocket().flatten().copied().collect()
    }

    fn on_polling(packet: &Encoded) -> String {
        let mut payload = Vec::new();
        packet.push_polling(&mut payload);
        String::from_utf8(payload).unwrap()
    }

    #[test]
    fn a_text_is_one_frame_and_one_polling_packet() {
        let packet = Encoded::message("2[\"a\"]");
        assert_eq!(on_websocket(&packet), b"\x81\x0742[\"a\"]");
        assert_eq!(on_polling(&packet), "42[\"a\"]");
        assert_eq!(packet.len(), 9);
    }

    #[test]
    fn attachments_follow_their_text_as_binary_frames_or_base64() {
        let mut buffer = vec![0; ROOM];
        buffer.extend_from_slice(b"51-[\"a\",{}]");
        let packet = Encoded::text(buffer, ROOM, vec![Bytes::from_static(&[1, 2])]);
        assert_eq!(on_websocket(&packet), b"\x81\x0c451-[\"a\",{}]\x82\x02\x01\x02");
        assert_eq!(on_polling(&packet), "451-[\"a\",{}]\u{1e}bAQI=");
    }

    #[test]
    fn a_binary_message_stands_alone() {
        let packet = Encoded::binary(Bytes::from_static(&[1, 2]));
        assert_eq!(on_websocket(&packet), [0x82, 2, 1, 2]);
        assert_eq!(on_polling(&packet), "bAQI=");
    }

    #[test]
    fn a_long_text_gets_a_longer_head_in_the_same_room() {
        let packet = Encoded::message(&"x".repeat(70_000));
        let frame = on_websocket(&packet);
        assert_eq!(&frame[..2], &[0x81, 127]);
        assert_eq!(frame.len(), 10 + 1 + 70_000);
    }
}
