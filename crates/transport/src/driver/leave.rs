//! The end of a session: told upwards at once, and then, in its own time, said to the client.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use engine_proto::{CloseReason, Goodbye, LINGER, Pipe};
use websocket_proto::Event;

use super::Driver;
use super::read::{READS, portion};
use crate::flusher::Flow;
use crate::outbox::Entry;
use crate::revision::Revision;
use crate::websocket::{WebSocket, with_buffer};
use crate::{Application, SessionStep, Upper};

/// How far the session is.
///
/// ```text
///          Finish                 said, or too late
///  Open ───────────▶ Leaving ─────────────────────────▶ Gone ─── handlers done ──▶ (end)
///    └──────────────── nothing to say ──────────────────▲
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// The client may still read what was sent before.
    Leaving {
        until: Duration,
        /// The server is going down: what waited when the client was last looked at, and when it has to
        /// have taken some of it.
        hurry: Option<Hurry>,
    },
    /// No pipe is left.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hurry {
    waiting: usize,
    by: Duration,
}

impl Stage {
    fn leaving(until: Duration) -> Stage {
        Stage::Leaving { until, hurry: None }
    }

    pub(super) fn until(self) -> Option<Duration> {
        match self {
            Stage::Leaving { until, hurry } => {
                Some(hurry.map_or(until, |hurry| hurry.by.min(until)))
            }
            Stage::Open | Stage::Gone => None,
        }
    }
}

impl<A: Application, R: Revision> Driver<A, R> {
    /// What is about to end the session, for the floor above.
    pub(crate) fn tell_above(&mut self, why: &dyn fmt::Display) {
        self.upper.ending(why);
    }

    /// The session is over. Tells the floor above now; the client is nobody's reason to wait.
    pub(super) fn finish(&mut self, goodbye: Goodbye, cx: &mut Context<'_>) {
        let reason = self.session.closed().unwrap_or(CloseReason::ForcedClose);
        self.shared.outbox.lock().closed = true;
        self.shared.worker.counts.closed(reason);
        self.tell(SessionStep::Closed(reason));
        tracing::debug!(target: "sockeye::connection", reason = reason.as_str(), "ended");
        self.stage = self.say(goodbye, reason);
        if goodbye != Goodbye::NextPoll {
            self.server.sessions.forget(&self.shared);
        }
        self.upper.closed(reason, cx);
    }

    fn say(&mut self, goodbye: Goodbye, reason: CloseReason) -> Stage {
        match goodbye {
            // Its queue is full because it does not read: nothing more is kept for it.
            _ if reason == CloseReason::SlowConsumer => Stage::Gone,
            Goodbye::Nothing => Stage::Gone,
            Goodbye::NextPoll => Stage::leaving(self.now + LINGER),
            Goodbye::CloseFrame => {
                self.shared.outbox.lock().forget_queue();
                self.shared.add(close_frame(None));
                // A client that was silent for so long gets one try.
                if reason == CloseReason::PingTimeout {
                    Stage::leaving(self.now)
                } else {
                    self.linger()
                }
            }
            Goodbye::Flush => {
                self.shared.add(close_frame(None));
                self.linger()
            }
        }
    }

    /// The client has so long to read what was sent before.
    pub(super) fn linger(&self) -> Stage {
        Stage::leaving(self.now + self.server.config.linger)
    }

    /// The frame layer was violated: the close frame with its code goes out, then the rest is as for any
    /// lost pipe. What the client still sends is read and thrown away, or the kernel would destroy the
    /// close frame with a reset.
    pub(super) fn part(&mut self, code: u16, cx: &mut Context<'_>) {
        self.shared.add(close_frame(Some(code)));
        self.lose(Pipe::Current, CloseReason::TransportError, cx);
        self.stage = self.linger();
    }

    /// One step of saying goodbye.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>) {
        if let Stage::Leaving { until, .. } = self.stage
            && (until <= self.now || self.has_left(cx) || self.is_out_of_patience())
        {
            self.stage = Stage::Gone;
        }
        if self.stage == Stage::Gone {
            self.let_go();
        }
    }

    /// A server that is going down waits only for a client that goes on reading: one that is there polls
    /// again at once, or takes some of what waits.
    fn is_out_of_patience(&mut self) -> bool {
        let Stage::Leaving { hurry, .. } = &mut self.stage else {
            return false;
        };
        if !self.server.sessions.is_closing() {
            return false;
        }
        // One large message is progress too, while it is being written.
        let part = self.shared.writer.lock().written();
        let waiting = self.shared.outbox.lock().bytes.saturating_sub(part);
        match hurry {
            Some(last) if last.waiting <= waiting => last.by <= self.now,
            _ => {
                *hurry = Some(Hurry { waiting, by: self.now + LAST_CALL });
                false
            }
        }
    }

    fn has_left(&mut self, cx: &mut Context<'_>) -> bool {
        if self.broken.is_some() {
            return true;
        }
        if self.link.is_none() {
            return self.polling.is_none() || self.shared.outbox.lock().queue.is_empty();
        }
        match self.deliver(cx) {
            Flow::Broken => true,
            Flow::Blocked => false,
            Flow::More => {
                cx.waker().wake_by_ref();
                false
            }
            Flow::Done => self.shared.outbox.lock().bytes == 0 && self.hear_the_end(cx),
        }
    }

    /// Everything is said: ends our direction, and throws away what comes until the other one ends too.
    fn hear_the_end(&mut self, cx: &mut Context<'_>) -> bool {
        self.shared.writer.lock().clear();
        let Some(link) = &mut self.link else {
            return true;
        };
        if link.stream.poll_shutdown(cx).is_pending() {
            return false;
        }
        if self.peer_closed {
            return true;
        }
        with_buffer(|buffer| {
            let most = portion(link, buffer);
            for _ in 0..READS {
                match link.stream.poll_read(cx, &mut buffer[..most]) {
                    Poll::Pending => return false,
                    Poll::Ready(Ok(0) | Err(_)) => return true,
                    Poll::Ready(Ok(length)) if hears_close(link, &mut buffer[..length]) => {
                        return true;
                    }
                    Poll::Ready(Ok(_)) => {}
                }
            }
            cx.waker().wake_by_ref();
            false
        })
    }

    /// Gives back everything but the handlers that still run.
    fn let_go(&mut self) {
        self.link = None;
        self.polling = None;
        self.candidate = None;
        self.early = Box::default();
        self.shared.shut();
        self.server.sessions.forget(&self.shared);
    }
}

/// Whether the peer's close frame is among these bytes. What comes before it, and what a broken peer sends, is
/// thrown away.
fn hears_close(link: &mut WebSocket, bytes: &mut [u8]) -> bool {
    let mut incoming = link.receiver.receive(bytes);
    while let Ok(Some(event)) = incoming.next() {
        if matches!(event, Event::Close(_)) {
            return true;
        }
    }
    false
}

/// How long a client that takes nothing holds up a server that is going down.
const LAST_CALL: Duration = Duration::from_millis(500);

/// A close frame, with a status code or empty.
pub(super) fn close_frame(code: Option<u16>) -> Entry {
    let mut frame = Vec::new();
    websocket_proto::push_close(&mut frame, code, "", None);
    Entry::Frame(frame.into_boxed_slice())
}
