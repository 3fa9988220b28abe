//! Bytes in, messages out; remembers where it stopped (RFC 6455, 6.2).

mod incoming;

use crate::close::CloseFrame;
use crate::deflate::Inflater;
use crate::frame::{Head, LONGEST_CONTROL, LONGEST_HEAD, RESERVED, RSV1};
use crate::message::{Message, Space};
use crate::{Error, Limits, Opcode, Role};
use incoming::Held;

pub use incoming::Incoming;

/// What a peer said: a whole message, or a control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// Wants a pong with the same payload, at most 125 bytes.
    Ping(&'a [u8]),
    /// Answers a ping, at most 125 bytes.
    Pong(&'a [u8]),
    /// The peer sends nothing more. Whoever has not yet sent a close frame answers with one, usually
    /// of the same code (5.5.1), and ends the connection.
    Close(Option<CloseFrame<'a>>),
}

/// The receiving half of a connection: takes bytes as they were read, in any portions, and gives
/// [`Event`]s.
///
/// Idle it owns no heap and is about a hundred bytes. A message that lies whole and unfragmented in
/// what was read is handed out from there, without a copy; anything else is gathered in a buffer
/// that grows as bytes arrive (never because a head announces them) and is let go with the message.
///
/// ```text
///             whole head                    last byte, message whole
///   Head ──────────────────▶ Payload ───────────────────────────────▶ Head
///    │  ▲                       │
///    │  └───────────────────────┘ last byte, more fragments to come
///    └──────────────────────────┴──▶ Done   a close frame or a broken rule
/// ```
#[derive(Debug)]
pub struct Receiver {
    limits: Limits,
    phase: Phase,
    /// The data message in progress: fragmented, or its only frame not whole yet.
    message: Option<Message>,
    /// The control frame in progress. It may stand between two fragments, hence beside `message`.
    control: Option<Box<Control>>,
    /// Only where compression was negotiated.
    inflater: Option<Box<Inflater>>,
    role: Role,
    /// The bits of a frame's first byte that mean nothing here.
    reserved: u8,
}

#[derive(Debug)]
enum Phase {
    /// Waits for a frame's head, the first `len` bytes of which are here.
    Head { bytes: [u8; LONGEST_HEAD], len: u8 },
    /// Waits for the rest of a frame's payload. `key` is turned to the next byte's place.
    Payload { remaining: usize, key: [u8; 4], opcode: Opcode, fin: bool },
    /// Nothing more is taken in.
    Done,
}

const NEXT_HEAD: Phase = Phase::Head { bytes: [0; LONGEST_HEAD], len: 0 };

/// The payload of a control frame that did not arrive in one piece.
#[derive(Debug)]
struct Control {
    len: u8,
    bytes: [u8; LONGEST_CONTROL],
}

impl Receiver {
    /// The receiving half of a connection whose opening handshake is done.
    pub fn new(role: Role, limits: Limits) -> Self {
        let (phase, reserved) = (NEXT_HEAD, RESERVED);
        Receiver { limits, phase, message: None, control: None, inflater: None, role, reserved }
    }

    /// The same on a connection for which permessage-deflate was negotiated.
    ///
    /// What comes out is checked while it is decompressed: of a message that would become larger than
    /// [`Limits::message`], no more memory is taken than for one of that size.
    #[must_use]
    pub fn inflating(mut self, inflater: Inflater) -> Self {
        self.inflater = Some(Box::new(inflater));
        self.reserved = RESERVED & !RSV1;
        self
    }

    /// Whether permessage-deflate was negotiated.
    pub fn inflates(&self) -> bool {
        self.inflater.is_some()
    }

    /// Takes in what was read. Payloads are unmasked in place, so `input` is scratch afterwards.
    ///
    /// ```
    /// use sockeye_websocket_proto::{Event, Limits, Receiver, Role};
    ///
    /// let mut client = Receiver::new(Role::Client, Limits::default());
    /// let mut first = *b"\x81\x05Hel";               // RFC 6455, 5.7, cut in two
    /// let mut second = *b"lo\x89\x00";
    /// assert_eq!(client.receive(&mut first).next(), Ok(None));
    ///
    /// let mut incoming = client.receive(&mut second);
    /// assert_eq!(incoming.next(), Ok(Some(Event::Text("Hello"))));
    /// assert_eq!(incoming.next(), Ok(Some(Event::Ping(b""))));
    /// assert_eq!(incoming.next(), Ok(None));
    /// ```
    #[inline]
    pub fn receive<'a>(&'a mut self, input: &'a mut [u8]) -> Incoming<'a> {
        Incoming { receiver: self, input, held: None }
    }

    /// Bytes of heap held for a message or control frame that is not whole yet. Never more than
    /// [`Limits::message`] and 126 for a control frame; 0 between messages.
    pub fn buffered(&self) -> usize {
        let message = self.message.as_ref().map_or(0, Message::capacity);
        message + self.control.as_ref().map_or(0, |_| size_of::<Control>())
    }

    /// Whether a close frame has come or a rule was broken: nothing more is given out.
    pub fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    /// Judges a head against the message in progress and the limits, before its payload takes
    /// memory. Returns the payload's length.
    #[inline]
    fn admit(&self, head: &Head) -> Result<usize, Error> {
        let length = usize::try_from(head.payload).unwrap_or(usize::MAX);
        let arrived = match (&self.message, head.opcode) {
            (_, Opcode::Close | Opcode::Ping | Opcode::Pong) => return Ok(length),
            (None, Opcode::Continuation) => return Err(Error::UnexpectedContinuation),
            (None, Opcode::Text | Opcode::Binary) => 0,
            (Some(message), Opcode::Continuation) => self.admit_fragment(message)?,
            (Some(_), opcode) => return Err(Error::ExpectedContinuation(opcode)),
        };
        if head.compressed || goes_on_compressed(head, self.inflater.as_deref()) {
            return within(self.limits.of_compressed(), head, length, arrived);
        }
        within(self.limits, head, length, arrived)
    }

    /// Whether the message may go on; returns how long it is already.
    fn admit_fragment(&self, message: &Message) -> Result<usize, Error> {
        let limit = self.limits.fragments;
        if message.fragments >= limit {
            return Err(Error::TooManyFragments { limit });
        }
        let compressed = self.inflater.as_ref().and_then(|inflater| inflater.arrived());
        Ok(compressed.unwrap_or_else(|| message.len()))
    }

    /// From here on the payload of this frame is gathered.
    fn gather(&mut self, head: &Head, remaining: usize) {
        match head.opcode {
            Opcode::Continuation => {
                let message = self.message.as_mut().expect("admitted: a message is in progress");
                message.fragments += 1;
            }
            Opcode::Text | Opcode::Binary => {
                self.message = Some(Message::begin(head.opcode));
                if head.compressed
                    && let Some(inflater) = &mut self.inflater
                {
                    inflater.begin();
                }
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                self.control = Some(Box::new(Control { len: 0, bytes: [0; LONGEST_CONTROL] }));
            }
        }
        let Head { key, opcode, fin, .. } = *head;
        self.phase = Phase::Payload { remaining, key, opcode, fin };
    }

    /// Takes in unmasked payload, `remaining` bytes of which (this piece included) the frame has yet.
    fn push(
        &mut self,
        piece: &[u8],
        remaining: usize,
        opcode: Opcode,
        fin: bool,
    ) -> Result<(), Error> {
        if opcode.is_control() {
            self.control.as_mut().expect("begun with its head").push(piece);
            return Ok(());
        }
        let message = self.message.as_mut().expect("begun with its head");
        if let Some(inflater) = self.inflater.as_mut().filter(|inflater| inflater.is_busy()) {
            let limit = self.limits.message;
            return inflater.push(piece, |inflated| message.push_within(inflated, limit));
        }
        let space = if fin { message.len() + remaining } else { self.limits.message };
        message.push(piece, Space(space))
    }

    /// The frame's last byte is here: what became whole with it?
    fn finish_frame(&mut self, opcode: Opcode, fin: bool) -> Result<Option<Held>, Error> {
        self.phase = NEXT_HEAD;
        if opcode.is_control() {
            let control = self.control.take().expect("begun with its head");
            return Ok(Some(Held::Control(opcode, control)));
        }
        if !fin {
            return Ok(None);
        }
        let mut message = self.message.take().expect("begun with its head");
        if let Some(inflater) = self.inflater.as_mut().filter(|inflater| inflater.is_busy()) {
            let limit = self.limits.message;
            inflater.finish(|inflated| message.push_within(inflated, limit))?;
        }
        message.finish().map(|whole| Some(Held::Message(whole)))
    }

    /// Nothing more is taken in, and nothing kept.
    #[cold]
    fn end(&mut self) {
        self.phase = Phase::Done;
        self.message = None;
        self.control = None;
        self.inflater = None;
    }
}

impl Control {
    fn payload(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn push(&mut self, piece: &[u8]) {
        let len = usize::from(self.len);
        self.bytes[len..len + piece.len()].copy_from_slice(piece);
        self.len = u8::try_from(len + piece.len()).expect("a control frame has at most 125 bytes");
    }
}

/// Whether a frame goes on with a message that is compressed.
#[inline]
fn goes_on_compressed(head: &Head, inflater: Option<&Inflater>) -> bool {
    head.opcode == Opcode::Continuation && inflater.is_some_and(Inflater::is_busy)
}

/// Judges a frame of `length` bytes behind `arrived` others.
#[inline]
fn within(limits: Limits, head: &Head, length: usize, arrived: usize) -> Result<usize, Error> {
    let Limits { frame, message, .. } = limits;
    if length > frame {
        return Err(Error::FrameTooLarge { length: head.payload, limit: frame });
    }
    if length > message.saturating_sub(arrived) {
        let length = head.payload.saturating_add(arrived as u64);
        return Err(Error::MessageTooLarge { length, limit: message });
    }
    Ok(length)
}
