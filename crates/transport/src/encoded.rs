//! One packet, encoded once, shared by everybody who receives it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use engine_proto::payload;
use websocket_proto::{Opcode, SERVER_HEAD, write_frame_head};

use crate::{PerMessageDeflate, v3};

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
    /// Whether it may be compressed.
    compress: bool,
    /// Its frames for clients that negotiated permessage-deflate, as far as those are smaller. Whoever needs them
    /// first makes them; another worker that needs them at that moment waits, as long as it would have taken itself.
    smaller: OnceLock<Option<Smaller>>,
}

/// The frames of a packet in compressed form: of its text, then of each attachment.
type Smaller = Box<[Option<Box<[u8]>>]>;

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
            compress: true,
            smaller: OnceLock::new(),
        })
    }

    /// The same, never to be compressed: to be said before anybody shares it.
    #[must_use]
    pub fn uncompressed(mut self: Arc<Self>) -> Arc<Self> {
        if let Some(own) = Arc::get_mut(&mut self) {
            own.compress = false;
        }
        self
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
            compress: true,
            smaller: OnceLock::new(),
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
            compress: self.compress,
            smaller: OnceLock::new(),
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

    /// Whether it may be compressed.
    pub(crate) fn is_compressible(&self) -> bool {
        self.compress
    }

    /// Everything that goes onto a WebSocket, in order; with `deflate` onto one that negotiated it.
    pub(crate) fn websocket(&self, deflate: Deflate<'_>) -> impl Iterator<Item = &[u8]> {
        let smaller = self.smaller(deflate);
        let text = frame_of(smaller, 0).unwrap_or_else(|| self.text_frame());
        let attachments = self.attachments.iter().zip(1..).flat_map(move |(attachment, number)| {
            match frame_of(smaller, number) {
                Some(frame) => [frame, &[]],
                None => [attachment.head(), &attachment.data[..]],
            }
        });
        std::iter::once(text).chain(attachments).filter(|piece| !piece.is_empty())
    }

    /// Bytes of that.
    pub(crate) fn websocket_len(&self, deflate: Deflate<'_>) -> usize {
        match self.smaller(deflate) {
            Some(_) => self.websocket(deflate).map(<[u8]>::len).sum(),
            None => self.len(),
        }
    }

    /// All of that, if it is one contiguous frame.
    pub(crate) fn lone_frame(&self, deflate: Deflate<'_>) -> Option<&[u8]> {
        let text = || frame_of(self.smaller(deflate), 0).unwrap_or_else(|| self.text_frame());
        self.attachments.is_empty().then(text)
    }

    fn smaller(&self, deflate: Deflate<'_>) -> Option<&Smaller> {
        let options = deflate.filter(|options| self.compress && options.wants(self.len()))?;
        self.smaller.get_or_init(|| self.make_smaller(*options)).as_ref()
    }

    fn make_smaller(&self, options: PerMessageDeflate) -> Option<Smaller> {
        let text = options.frame(Opcode::Text, self.packet_text());
        let attachments =
            self.attachments.iter().map(|one| options.frame(Opcode::Binary, &one.payload()));
        let frames: Smaller = std::iter::once(text).chain(attachments).collect();
        frames.iter().any(Option::is_some).then_some(frames)
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

/// What a connection has negotiated, if it has.
pub(crate) type Deflate<'a> = Option<&'a PerMessageDeflate>;

fn frame_of(smaller: Option<&Smaller>, number: usize) -> Option<&[u8]> {
    smaller?[number].as_deref()
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

    /// What the frame holds: the data, behind its type where there is one.
    fn payload(&self) -> Cow<'_, [u8]> {
        match &self.head[SERVER_HEAD..usize::from(self.head_end)] {
            [] => Cow::Borrowed(&self.data),
            front => Cow::Owned([front, &self.data].concat()),
        }
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
        packet.websocket(None).flatten().copied().collect()
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
    fn a_packet_is_compressed_once_and_only_as_far_as_it_gets_smaller() {
        let deflate = Some(&PerMessageDeflate::DEFAULT);
        let noise: Vec<u8> =
            (0..2000_u64).map(|n| (n * n * 0x9e37_79b9).to_le_bytes()[2]).collect();
        let attachments = [vec![7; 2000], vec![7; 1000], noise.clone()].map(Bytes::from);
        let mut buffer = vec![0; ROOM];
        buffer.resize(ROOM + 2000, b'x');
        let packet = Encoded::text(buffer, ROOM, attachments.to_vec());
        let pieces: Vec<&[u8]> = packet.websocket(deflate).collect();
        let firsts: Vec<u8> = pieces.iter().map(|piece| piece[0]).collect();
        assert_eq!(firsts, [0xc1, 0xc2, 0x82, 7, 0x82, noise[0]]);
        assert_eq!(packet.websocket_len(deflate), pieces.concat().len());
        let again: Vec<&[u8]> = packet.websocket(deflate).collect();
        assert!(pieces.iter().zip(again).all(|(one, other)| std::ptr::eq(*one, other)));
        assert_eq!(on_websocket(&packet).len(), packet.len());
    }

    #[test]
    fn a_packet_that_is_not_to_be_compressed_is_not() {
        let deflate = Some(&PerMessageDeflate::DEFAULT);
        let text = "x".repeat(2000);
        assert!(Encoded::message(&text).lone_frame(deflate).unwrap().len() < 100);
        let packet = Encoded::message(&text).uncompressed();
        assert_eq!(packet.lone_frame(deflate), packet.lone_frame(None));
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
