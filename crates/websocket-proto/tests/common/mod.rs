//! A peer that writes frames by hand, and what the other side makes of them.

#![allow(dead_code, reason = "each test file uses its own part")]

use sockeye_websocket_proto::{CloseFrame, Error, Event, Limits, Opcode, Receiver, Role, mask};

/// Every rule holds for both sides.
pub(crate) const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// An event, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

impl From<Event<'_>> for Said {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Said::Text(text.to_owned()),
            Event::Binary(bytes) => Said::Binary(bytes.to_owned()),
            Event::Ping(payload) => Said::Ping(payload.to_owned()),
            Event::Pong(payload) => Said::Pong(payload.to_owned()),
            Event::Close(frame) => {
                Said::Close(frame.map(|CloseFrame { code, reason }| (code, reason.to_owned())))
            }
        }
    }
}

pub(crate) fn text(text: &str) -> Said {
    Said::Text(text.to_owned())
}

/// All that was said, and the rule that was broken at the end.
pub(crate) type Heard = (Vec<Said>, Option<Error>);

/// Feeds one piece and collects until the input is used up.
pub(crate) fn feed(receiver: &mut Receiver, piece: &[u8], heard: &mut Heard) {
    let mut piece = piece.to_vec();
    let mut incoming = receiver.receive(&mut piece);
    loop {
        match incoming.next() {
            Ok(Some(event)) => heard.0.push(event.into()),
            Ok(None) => return,
            Err(error) => {
                assert_eq!(heard.1, None, "an error comes once");
                heard.1 = Some(error);
            }
        }
    }
}

/// What a side with these limits makes of bytes that come in these pieces.
pub(crate) fn hear_pieces<'a>(
    role: Role,
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Heard {
    let mut receiver = Receiver::new(role, limits);
    let mut heard = Heard::default();
    for piece in pieces {
        feed(&mut receiver, piece, &mut heard);
    }
    heard
}

/// What a side with the usual limits makes of bytes that come at once. They are also fed one by one,
/// which must not change a thing.
pub(crate) fn hear(role: Role, bytes: &[u8]) -> Heard {
    let whole = hear_pieces(role, Limits::default(), [bytes]);
    let single = hear_pieces(role, Limits::default(), bytes.chunks(1));
    assert_eq!(whole, single, "byte by byte");
    whole
}

/// The events of bytes that break no rule.
pub(crate) fn heard_well(role: Role, bytes: &[u8]) -> Vec<Said> {
    let (said, error) = hear(role, bytes);
    assert_eq!(error, None);
    said
}

/// The rule that these bytes break.
pub(crate) fn broken_rule(role: Role, bytes: &[u8]) -> Error {
    hear(role, bytes).1.expect("a broken rule")
}

/// A frame as the peer of `role` writes it, built here byte by byte rather than by the crate.
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) masked: bool,
    /// The length field as it is written; by default what fits the payload.
    pub(crate) length: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) const KEY: [u8; 4] = [0xa1, 0x02, 0xf3, 0x74];

impl Frame {
    pub(crate) fn to(role: Role, opcode: Opcode, payload: impl AsRef<[u8]>) -> Self {
        let payload = payload.as_ref().to_vec();
        let [.., high, low] = payload.len().to_be_bytes();
        let length = match payload.len() {
            0..=125 => vec![low],
            126..=0xffff => vec![126, high, low],
            long => [&[127][..], &(long as u64).to_be_bytes()].concat(),
        };
        Frame { first: 0x80 | opcode as u8, masked: role == Role::Server, length, payload }
    }

    pub(crate) fn unfinished(mut self) -> Self {
        self.first &= 0x7f;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.first];
        bytes.extend_from_slice(&self.length);
        if self.masked {
            bytes[1] |= 0x80;
            bytes.extend_from_slice(&KEY);
        }
        let start = bytes.len();
        bytes.extend_from_slice(&self.payload);
        if self.masked {
            mask::apply(KEY, 0, &mut bytes[start..]);
        }
        bytes
    }
}

/// A whole frame to `role`.
pub(crate) fn frame(role: Role, opcode: Opcode, payload: impl AsRef<[u8]>) -> Vec<u8> {
    Frame::to(role, opcode, payload).bytes()
}

/// A fragment to `role` that others follow.
pub(crate) fn fragment(role: Role, opcode: Opcode, payload: impl AsRef<[u8]>) -> Vec<u8> {
    Frame::to(role, opcode, payload).unfinished().bytes()
}

/// Only the head of a frame that announces `length` bytes.
pub(crate) fn head(role: Role, opcode: Opcode, fin: bool, length: u64) -> Vec<u8> {
    let length = [&[127][..], &length.to_be_bytes()].concat();
    let first = opcode as u8 | if fin { 0x80 } else { 0 };
    Frame { first, masked: role == Role::Server, length, payload: Vec::new() }.bytes()
}
