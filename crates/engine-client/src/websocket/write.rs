//! Writing: small messages are gathered, large ones leave from where they are, and nothing is held where nothing waits.
//!
//! A write that took a part leaves the rest in [`Out`]; the next one goes on there, to the byte.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use engine_proto::{Control, MESSAGE};
use tokio::io::AsyncWrite;
use websocket_proto::{CLIENT_HEAD, Opcode, mask, push_close, push_frame, write_masked_head};

use super::{WebSocket, key};
use crate::Queue;
use crate::queue::Outgoing;

/// Most bytes that are gathered for one write.
const GATHERED: usize = 16 << 10;

/// A text of so many bytes is written from where it is.
const LARGE: usize = 4 << 10;

/// Bytes that are written in one turn; then others get theirs.
const TURN: usize = 256 << 10;

thread_local! {
    /// What is about to be written, of whichever connection of this thread has its turn.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What is half written, and what the WebSocket has to say by itself.
#[derive(Default)]
pub(super) struct Out {
    /// Frames that are made; of them, what stands behind `written` is still to be written.
    made: Vec<u8>,
    written: usize,
    /// An attachment whose head has been made.
    attachment: Option<Box<Attachment>>,
    /// What the last ping said. One answer will do for all that are not answered yet (RFC 6455, 5.5.3).
    pong: Option<Box<[u8]>>,
    farewell: Farewell,
    /// The stream may keep something back: TLS does until it is told to flush.
    unflushed: bool,
}

/// How far the close frame is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Farewell {
    #[default]
    None,
    /// It goes out behind all that waits.
    Due(Option<u16>),
    /// It has been made: nothing comes behind it (RFC 6455, 5.5.1).
    Said,
}

/// Masked piece by piece: it may be shared, so it cannot be masked where it is.
struct Attachment {
    bytes: Bytes,
    done: usize,
    key: [u8; 4],
}

impl Attachment {
    /// Adds as much of it as there is space for; whether that was all.
    fn push_to(&mut self, scratch: &mut Vec<u8>) -> bool {
        let space = GATHERED.saturating_sub(scratch.len());
        let piece = &self.bytes[self.done..];
        let piece = &piece[..piece.len().min(space)];
        let start = scratch.len();
        scratch.extend_from_slice(piece);
        mask::apply(self.key, self.done, &mut scratch[start..]);
        self.done += piece.len();
        self.done == self.bytes.len()
    }
}

impl Out {
    /// A ping of the WebSocket layer is to be answered.
    pub(super) fn owe_pong(&mut self, data: &[u8]) {
        self.pong = Some(data.into());
    }

    /// A close frame is to be sent behind what waits, once.
    pub(super) fn owe_farewell(&mut self, code: Option<u16>) {
        if self.farewell == Farewell::None {
            self.farewell = Farewell::Due(code);
        }
    }

    fn is_written(&self) -> bool {
        self.written == self.made.len()
    }

    /// All of `made` has left.
    fn let_go(&mut self) {
        self.made = Vec::new();
        self.written = 0;
    }

    /// What was made and could not be written is written next.
    fn keep(&mut self, rest: &[u8]) {
        debug_assert!(self.is_written(), "one after the other");
        self.made = rest.to_vec();
        self.written = 0;
    }
}

impl WebSocket {
    /// Says a word of the protocol now, in front of what is queued.
    pub(crate) fn say(&mut self, control: Control) {
        push_frame(
            &mut self.out.made,
            Opcode::Text,
            true,
            Some(key()),
            control.as_str().as_bytes(),
        );
    }

    /// Ends it with a close frame without a code, behind what waits.
    pub(crate) fn say_farewell(&mut self) {
        self.out.owe_farewell(None);
    }

    /// Whether a message that is queued now would be the next to be written.
    pub(crate) fn is_idle(&self) -> bool {
        self.out.is_written() && self.out.attachment.is_none()
    }

    /// Writes what waits. `Ready` if nothing does any more.
    pub(crate) fn poll_write(
        &mut self,
        queue: &mut Queue,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut scratch = SCRATCH.take();
        let outcome = self.poll_write_all(queue, &mut scratch, cx);
        scratch.clear();
        SCRATCH.set(scratch);
        outcome
    }

    fn poll_write_all(
        &mut self,
        queue: &mut Queue,
        scratch: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut turn = 0;
        loop {
            turn += ready!(self.poll_made(cx))?;
            if turn >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            scratch.clear();
            self.gather(queue, scratch);
            if !scratch.is_empty() {
                turn += self.write_scratch(scratch, cx)?;
            } else if self.out.is_written() {
                return self.poll_flush(cx);
            }
        }
    }

    /// Writes the rest of what is made; how many bytes that were.
    fn poll_made(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut count = 0;
        while !self.out.is_written() {
            let rest = &self.out.made[self.out.written..];
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.unflushed = true;
            self.out.written += written;
            count += written;
        }
        if !self.out.made.is_empty() {
            self.out.let_go();
        }
        Poll::Ready(Ok(count))
    }

    /// Writes what was gathered, and keeps what the stream does not take.
    fn write_scratch(&mut self, scratch: &[u8], cx: &mut Context<'_>) -> io::Result<usize> {
        let written = match Pin::new(&mut self.stream).poll_write(cx, scratch) {
            Poll::Pending => 0,
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(error)) => return Err(error),
        };
        self.out.unflushed |= written > 0;
        if written < scratch.len() {
            self.out.keep(&scratch[written..]);
        }
        Ok(written)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.out.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.out.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

/// Frames out of messages.
impl WebSocket {
    /// Makes what is written next: small frames in `scratch`, or one large frame in `made`.
    fn gather(&mut self, queue: &mut Queue, scratch: &mut Vec<u8>) {
        if self.out.farewell == Farewell::Said {
            return;
        }
        if let Some(attachment) = &mut self.out.attachment {
            if !attachment.push_to(scratch) {
                return;
            }
            self.out.attachment = None;
        }
        if let Some(data) = self.out.pong.take() {
            push_frame(scratch, Opcode::Pong, true, Some(key()), &data);
        }
        if let Some(beat) = queue.take_beat() {
            push_frame(scratch, Opcode::Text, true, Some(key()), beat.as_str().as_bytes());
        }
        while self.gather_next(queue, scratch) {}
        if let Farewell::Due(code) = self.out.farewell
            && queue.is_empty()
            && self.is_idle()
        {
            push_close(scratch, code, "", Some(key()));
            self.out.farewell = Farewell::Said;
        }
    }

    /// Makes one more frame, if it fits; whether there may be another.
    fn gather_next(&mut self, queue: &mut Queue, scratch: &mut Vec<u8>) -> bool {
        let is_last = queue.len() == 1;
        let Some(next) = queue.front() else { return false };
        let in_place = matches!(next, Outgoing::Text { .. })
            && (next.len() >= LARGE || (is_last && scratch.is_empty()));
        let deflated = self.deflate.filter(|deflate| deflate.wants(next));
        let space = GATHERED.saturating_sub(scratch.len());
        let fits = !in_place && deflated.is_none() && next.len() + CLIENT_HEAD < space;
        let is_binary = matches!(next, Outgoing::Binary { .. });
        let joins = fits || (is_binary && deflated.is_none());
        if !scratch.is_empty() && !joins {
            return false;
        }
        let mut next = queue.pop().expect("it was there");
        if let Some(frame) = deflated.and_then(|deflate| deflate.frame(&mut next, key())) {
            self.out.made = frame;
            return false;
        }
        self.frame(next, fits, scratch)
    }

    /// Makes the frame of a message: in `scratch`, or where it lies.
    fn frame(&mut self, message: Outgoing, fits: bool, scratch: &mut Vec<u8>) -> bool {
        match message {
            Outgoing::Text { buffer, start, .. } if fits => {
                push_text(scratch, &buffer[start..]);
            }
            Outgoing::Text { mut buffer, start, .. } => {
                self.out.written = mask_in_place(&mut buffer, start);
                self.out.made = buffer;
                return false;
            }
            Outgoing::Binary { bytes, .. } if fits => {
                push_frame(scratch, Opcode::Binary, true, Some(key()), &bytes);
            }
            Outgoing::Binary { bytes, .. } => {
                let key = key();
                let mut room = [0; CLIENT_HEAD];
                let head = write_masked_head(&mut room, Opcode::Binary, bytes.len(), key);
                scratch.extend_from_slice(&room[CLIENT_HEAD - head..]);
                let mut attachment = Attachment { bytes, done: 0, key };
                if !attachment.push_to(scratch) {
                    self.out.attachment = Some(Box::new(attachment));
                    return false;
                }
            }
        }
        true
    }
}

/// Writes digit and head into the room in front of a text, and masks it; where the frame begins.
fn mask_in_place(buffer: &mut [u8], start: usize) -> usize {
    let (start, key) = (start - 1, key());
    buffer[start] = MESSAGE;
    let (room, payload) = buffer.split_at_mut(start);
    mask::apply(key, 0, payload);
    start - write_masked_head(room, Opcode::Text, payload.len(), key)
}

/// Adds the frame of a text to others.
fn push_text(scratch: &mut Vec<u8>, text: &[u8]) {
    let key = key();
    let mut room = [0; CLIENT_HEAD];
    let head = write_masked_head(&mut room, Opcode::Text, 1 + text.len(), key);
    scratch.extend_from_slice(&room[CLIENT_HEAD - head..]);
    let start = scratch.len();
    scratch.push(MESSAGE);
    scratch.extend_from_slice(text);
    mask::apply(key, 0, &mut scratch[start..]);
}
