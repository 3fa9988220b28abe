//! WebSocket frames in, Engine.IO pongs out, Socket.IO packets to whoever listens.

use super::fleet::Reader;
use super::{Failure, KEY, Nanos};
use crate::frame::{self, Head};
use crate::outbox::Outbox;

/// What a server says on an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A whole Engine.IO message packet, its `4` included.
    Text(&'a [u8]),
    /// An attachment.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// Its bytes, of either kind.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

/// Whoever listens to the messages of all connections.
pub trait Listener {
    /// One message for a connection. What is to be sent goes into `outbox`.
    ///
    /// # Errors
    ///
    /// A [`Failure`] ends the measurement.
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<(), Failure>;
}

/// Makes a [`Listener`] a [`Reader`] of WebSocket frames.
#[derive(Debug)]
pub struct Frames<'l, L>(pub &'l mut L);

impl<L: Listener> Reader for Frames<'_, L> {
    fn read(
        &mut self,
        link: usize,
        input: &[u8],
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<usize, Failure> {
        let mut taken = 0;
        while let Some(Frame { opcode, payload, length }) = next_frame(link, &input[taken..])? {
            taken += length;
            match (opcode, payload) {
                (frame::TEXT, b"2") => push_text(outbox.to(link), b"3"),
                (frame::TEXT, [b'4', kind, ..]) if *kind != b'1' => {
                    self.0.message(link, Message::Text(payload), at, outbox)?;
                }
                (frame::BINARY, _) => self.0.message(link, Message::Binary(payload), at, outbox)?,
                (frame::PING, _) => frame::push(outbox.to(link), frame::PONG, Some(KEY), payload),
                (frame::PONG, _) => {}
                _ => return Err(goodbye(link, opcode, payload)),
            }
        }
        Ok(taken)
    }
}

/// A whole frame.
pub(super) struct Frame<'a> {
    pub(super) opcode: u8,
    pub(super) payload: &'a [u8],
    /// Bytes it takes, its head included.
    pub(super) length: usize,
}

/// The first whole frame of `input`.
pub(super) fn next_frame(link: usize, input: &[u8]) -> Result<Option<Frame<'_>>, Failure> {
    let Some(head) = Head::read(input).map_err(|error| Failure::Frame { link, error })? else {
        return Ok(None);
    };
    if head.mask.is_some() {
        return Err(Failure::wrong(link, input, "a frame without a mask"));
    }
    let (opcode, length) = (head.opcode, head.frame());
    let payload = input.get(head.length..length);
    Ok(payload.map(|payload| Frame { opcode, payload, length }))
}

/// Appends one masked text frame.
pub(super) fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    frame::push(out, frame::TEXT, Some(KEY), text);
}

fn goodbye(link: usize, opcode: u8, payload: &[u8]) -> Failure {
    let said = match (opcode, payload) {
        (frame::CLOSE, [high, low, ..]) => {
            format!("close code {}", u16::from_be_bytes([*high, *low]))
        }
        (frame::CLOSE, _) => "a close frame".to_owned(),
        _ => String::from_utf8_lossy(&payload[..payload.len().min(120)]).into_owned(),
    };
    Failure::Closed { link, said }
}
