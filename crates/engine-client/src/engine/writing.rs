//! Writing: what waits, and what the floor above has besides.

use std::io;
use std::task::{Context, Poll, ready};

use engine_proto::{CloseReason, Pipe};

use super::talk::Talk;
use super::{Carrier, Engine};
use crate::polling::Polling;
use crate::queue::LOW;
use crate::websocket::Lost;
use crate::{EngineError, Upper};

/// How often a pipe that has taken everything is given more in one turn; then others get theirs.
const ROUNDS: usize = 16;

impl Engine {
    pub(super) fn write(&mut self, upper: &mut impl Upper, cx: &mut Context<'_>) {
        if self.talk.session.closed().is_some() {
            return;
        }
        for _ in 0..ROUNDS {
            self.refill(upper);
            if self.talk.queue.is_due() && self.is_expired() {
                let error = self.too_late(true);
                return self.talk.lose(Pipe::Current, CloseReason::PingTimeout, error);
            }
            match self.poll_write(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return self.write_failed(error, upper, cx),
            }
            if !self.talk.queue.is_due() && !self.refill(upper) {
                return;
            }
        }
        cx.waker().wake_by_ref();
    }

    /// Asks the floor above for more, while there is room; whether it had something.
    fn refill(&mut self, upper: &mut impl Upper) -> bool {
        let before = self.talk.queue.len();
        // What one such call after the other pushes leaves together.
        let (mut last, writable) = (before, self.is_writable());
        while self.is_open() && self.talk.queue.bytes() < LOW {
            upper.refill(writable, &mut self.talk.queue);
            if self.talk.queue.len() == last {
                break;
            }
            last = self.talk.queue.len();
        }
        last != before
    }

    /// `Ready` if the pipe takes more.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.current {
            Carrier::WebSocket(socket) if self.talk.session.is_open() => {
                socket.poll_write(&mut self.talk.queue, cx)
            }
            Carrier::Polling(polling) => match poll_posts(polling, &mut self.talk, cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => {
                    self.talk.lose(Pipe::Current, CloseReason::TransportError, error);
                    Poll::Pending
                }
            },
            _ => Poll::Pending,
        }
    }

    /// What the server said before it hung up says more than the write that found nobody there.
    fn write_failed(&mut self, error: io::Error, upper: &mut impl Upper, cx: &mut Context<'_>) {
        self.read(upper, cx);
        if self.talk.session.closed().is_none() {
            let Lost { reason, error } = Lost::broken(error);
            self.talk.lose(Pipe::Current, reason, error);
        }
    }
}

/// Posts what is due, one payload after the other. `Ready` if nothing is on its way any more.
pub(super) fn poll_posts(
    polling: &mut Polling,
    talk: &mut Talk,
    cx: &mut Context<'_>,
) -> Poll<Result<(), EngineError>> {
    let limit = talk.most_of_a_post();
    loop {
        ready!(polling.poll_post(cx))?;
        if polling.paused {
            return Poll::Pending;
        }
        if !polling.send(&mut talk.queue, limit, talk.now) {
            return Poll::Ready(Ok(()));
        }
    }
}
