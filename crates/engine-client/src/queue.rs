//! What waits to be sent.

use std::collections::VecDeque;

use bytes::Bytes;
use engine_proto::Control;

use crate::form::Form;
use crate::{ROOM, Revision};

/// While fewer bytes than this wait, [`Upper::refill`](crate::Upper::refill) is asked for more.
///
/// ```
/// use sockeye_engine_client::{LOW, Packet, Queue};
///
/// /// What an `Upper` does that has a list of its own.
/// fn refill(waiting: &mut std::collections::VecDeque<Packet>, queue: &mut Queue) {
///     while queue.bytes() < LOW {
///         let Some(packet) = waiting.pop_front() else { break };
///         queue.push(packet);
///     }
/// }
/// ```
pub const LOW: usize = 64 << 10;

/// What goes out as one text message, and the binary messages that belong to it.
///
/// The text lies behind [`ROOM`] free bytes or more, for what is written in front of it: it is sent from where it is.
///
/// ```
/// use sockeye_engine_client::{Packet, ROOM};
///
/// let mut packet = Packet::text("2[\"hello\"]");
/// assert_eq!(packet.text.len(), ROOM + 10);
/// packet.compress = false;
/// ```
#[derive(Clone, Debug)]
pub struct Packet {
    /// The text, behind the free bytes; UTF-8.
    pub text: Vec<u8>,
    /// Where it begins: [`ROOM`] or more.
    pub start: usize,
    /// The binary messages that follow it.
    pub attachments: Vec<Bytes>,
    /// Whether it may be compressed, if compression is on.
    pub compress: bool,
}

impl Packet {
    /// A text alone.
    ///
    /// ```
    /// let packet = sockeye_engine_client::Packet::text("hello");
    /// ```
    pub fn text(text: &str) -> Self {
        let mut buffer = Vec::with_capacity(ROOM + text.len());
        buffer.resize(ROOM, 0);
        buffer.extend_from_slice(text.as_bytes());
        Packet { text: buffer, start: ROOM, attachments: Vec::new(), compress: true }
    }
}

/// Packets on their way out, in order.
///
/// ```
/// use std::sync::Arc;
/// use sockeye_engine_client::{Config, Engine, Packet, Target};
///
/// let (target, _) = Target::parse("http://localhost:3000").unwrap();
/// let mut engine = Engine::open(Arc::new(Config::new(target)));
/// engine.queue().push(Packet::text("sent when the session is open"));
/// assert_eq!(engine.queue().bytes(), 29);
/// ```
#[derive(Debug, Default)]
pub struct Queue {
    messages: VecDeque<Outgoing>,
    bytes: usize,
    /// The heartbeat is due: an answer to the server's ping, or our own. However many pings have come meanwhile, one
    /// answer will do.
    beat: Option<Control>,
    /// The session is closed behind what is queued, which polling has to say in so many words.
    close: bool,
    revision: Revision,
}

/// One message as it waits.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Text { buffer: Vec<u8>, start: usize, compress: bool },
    Binary { bytes: Bytes, compress: bool },
}

impl Outgoing {
    pub(crate) fn len(&self) -> usize {
        match self {
            Outgoing::Text { buffer, start, .. } => buffer.len() - start,
            Outgoing::Binary { bytes, .. } => bytes.len(),
        }
    }
}

impl Queue {
    pub(crate) fn new(revision: Revision) -> Self {
        Queue { revision, ..Queue::default() }
    }

    /// Adds a packet behind the others. It is written when the engine is polled.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sockeye_engine_client::{Config, Engine, Target};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let mut engine = Engine::open(Arc::new(Config::new(target)));
    /// engine.queue().push(sockeye_engine_client::Packet::text("hello"));
    /// assert!(engine.queue().bytes() >= 5 && !engine.queue().is_empty());
    /// ```
    ///
    /// # Panics
    ///
    /// If there is not [`ROOM`] in front of the text.
    pub fn push(&mut self, packet: Packet) {
        let Packet { text: buffer, start, attachments, compress } = packet;
        assert!(start >= ROOM && start <= buffer.len(), "room in front of the text");
        self.add(Outgoing::Text { buffer, start, compress });
        for bytes in attachments {
            self.add_binary(bytes, compress);
        }
    }

    /// Adds a binary message that belongs to no text: for those who speak Engine.IO alone, or write packets as bytes.
    /// `compress`: whether it may be compressed, if compression is on.
    ///
    /// ```
    /// # let (target, _) = sockeye_engine_client::Target::parse("http://localhost:3000").unwrap();
    /// # let config = sockeye_engine_client::Config::new(target).into();
    /// # let mut engine = sockeye_engine_client::Engine::open(config);
    /// engine.queue().push_binary(bytes::Bytes::from_static(&[1, 2, 3]), true);
    /// ```
    pub fn push_binary(&mut self, bytes: Bytes, compress: bool) {
        self.add_binary(bytes, compress);
    }

    /// Bytes of messages that wait here. What is half written, or in a POST that is under way, has left already.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sockeye_engine_client::{Config, Engine, Target};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let mut engine = Engine::open(Arc::new(Config::new(target)));
    /// engine.queue().push(sockeye_engine_client::Packet::text("hello"));
    /// assert!(engine.queue().bytes() >= 5 && !engine.queue().is_empty());
    /// ```
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits here.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sockeye_engine_client::{Config, Engine, Target};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let mut engine = Engine::open(Arc::new(Config::new(target)));
    /// engine.queue().push(sockeye_engine_client::Packet::text("hello"));
    /// assert!(engine.queue().bytes() >= 5 && !engine.queue().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    fn add_binary(&mut self, bytes: Bytes, compress: bool) {
        let bytes = self.revision.typed(bytes);
        self.add(Outgoing::Binary { bytes, compress });
    }

    fn add(&mut self, message: Outgoing) {
        self.bytes += message.len();
        self.messages.push_back(message);
    }

    pub(crate) fn front(&self) -> Option<&Outgoing> {
        self.messages.front()
    }

    pub(crate) fn pop(&mut self) -> Option<Outgoing> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        if self.messages.is_empty() && self.messages.capacity() > KEPT {
            self.messages = VecDeque::new();
        }
        Some(message)
    }

    /// Nobody wants it any more.
    pub(crate) fn clear(&mut self) {
        *self = Queue::new(self.revision);
    }
}

/// Places that an empty queue keeps.
const KEPT: usize = 8;

/// What the protocol has to say by itself.
impl Queue {
    /// Something is to be said on the current pipe.
    pub(crate) fn owe(&mut self, control: Control) {
        match control {
            Control::Close => self.close = true,
            beat => self.beat = Some(beat),
        }
    }

    /// Whether anything is due, be it said by users or by the protocol.
    pub(crate) fn is_due(&self) -> bool {
        self.beat.is_some() || self.close || !self.messages.is_empty()
    }

    /// The ping or the answer to one that is due.
    pub(crate) fn take_beat(&mut self) -> Option<Control> {
        self.beat.take()
    }

    /// The body of the next POST, of `limit` bytes at most; a message that is larger goes alone, and the server has its
    /// say. Empty if nothing is due.
    pub(crate) fn take_payload(&mut self, limit: usize) -> (Form, Vec<u8>) {
        let form = Form::of(self.revision, &self.messages);
        let mut body = Vec::new();
        if let Some(beat) = self.take_beat() {
            form.push_control(&mut body, beat);
        }
        body.reserve(self.bytes.min(limit));
        while let Some(next) = self.front() {
            if !body.is_empty() && body.len() + form.len(next) > limit {
                return (form, body);
            }
            form.push(&mut body, self.pop().expect("it was there"));
        }
        if std::mem::take(&mut self.close) {
            form.push_control(&mut body, Control::Close);
        }
        (form, body)
    }
}
