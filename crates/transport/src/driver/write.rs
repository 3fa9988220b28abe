//! Writing: what waits for the client goes out at the end of a turn, as far as its pipe takes it.

use std::task::{Context, Poll};

use super::Driver;
use super::leave::Stage;
use crate::Application;
use crate::flusher::{self, Flow};
use crate::outbox::{Outbox, Way};
use crate::revision::Revision;
use crate::websocket::Stream;

impl<A: Application, R: Revision> Driver<A, R> {
    /// Sends what waits, and gives the turn up once nothing more can be sent.
    pub(super) fn finish_turn(&mut self, cx: &mut Context<'_>) {
        if self.leave_to_worker() {
            return;
        }
        loop {
            let flow = self.deliver(cx);
            match flow {
                Flow::Broken => self.write_failed(),
                Flow::More => cx.waker().wake_by_ref(),
                Flow::Done | Flow::Blocked => {}
            }
            let mut outbox = self.shared.outbox.lock();
            // Somebody may have pushed since, trusting that this turn would send it.
            if flow != Flow::Done || outbox.queue.is_empty() || !self.can_deliver(&outbox) {
                outbox.owned = false;
                return;
            }
        }
    }

    /// Whether the worker is to flush at the end of its turn, when others have pushed their part.
    fn leave_to_worker(&self) -> bool {
        let mut outbox = self.shared.outbox.lock();
        let waits = !outbox.queue.is_empty() && !outbox.blocked && !outbox.flushing;
        let shared = std::mem::take(&mut outbox.shared);
        if !(shared && waits && outbox.way == Way::Socket && self.stage == Stage::Open) {
            return false;
        }
        outbox.owned = false;
        let next = outbox.mark();
        drop(outbox);
        self.shared.follow(next);
        true
    }

    fn can_deliver(&self, outbox: &Outbox) -> bool {
        match (&self.link, &self.polling) {
            (Some(_), _) => !outbox.blocked && !outbox.flushing,
            (None, Some(polling)) => polling.holds_poll(),
            (None, None) => false,
        }
    }

    /// Sends what waits through the current pipe, as far as it takes it.
    pub(super) fn deliver(&mut self, cx: &mut Context<'_>) -> Flow {
        let Some(link) = &mut self.link else {
            self.answer_poll();
            return Flow::Done;
        };
        if self.broken.is_some() {
            return Flow::Blocked;
        }
        match &mut link.stream {
            stream @ Stream::Foreign(_) => {
                let flow = flusher::flush_with(&self.shared, &mut stream.with(cx));
                match stream.poll_flush(cx) {
                    Poll::Ready(Err(_)) => Flow::Broken,
                    Poll::Ready(Ok(())) | Poll::Pending => flow,
                }
            }
            stream => {
                if self.shared.outbox.lock().blocked && stream.poll_writable(cx).is_pending() {
                    return Flow::Blocked;
                }
                self.shared.outbox.lock().blocked = false;
                let flow = flusher::flush_socket(&self.shared);
                if flow == Flow::Blocked && stream.poll_writable(cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
                flow
            }
        }
    }
}
