//! One session, from its messages to its handler.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};
use std::time::Duration;

use engine_proto::{CloseReason, Message};
use transport::Upper;

use super::{Socket, Visit};

/// What sits on one engine session.
pub(crate) struct Session {
    socket: Socket,
    visit: Option<Visit>,
}

impl Session {
    pub(super) fn new(
        socket: Socket,
        handler: Option<&(dyn Fn(Socket) -> Visit + Send + Sync)>,
    ) -> Self {
        let visitor = socket.clone();
        let visit = handler.and_then(|handler| guarded(|| handler(visitor)));
        // The task polls once before it first sleeps; the wake makes sure of it.
        socket.wake();
        Session { socket, visit }
    }
}

impl Upper for Session {
    fn message(
        &mut self,
        message: Message<'_>,
        _: Duration,
        _: &mut Context<'_>,
    ) -> Result<(), CloseReason> {
        let heard = self.visit.is_some();
        if heard && !self.socket.deliver(message) {
            return Err(CloseReason::TooManyEvents);
        }
        Ok(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(visit) = &mut self.visit else {
            return Poll::Ready(());
        };
        // A handler that panics is over, as one that returns.
        let polled = guarded(|| visit.as_mut().poll(cx)).unwrap_or(Poll::Ready(()));
        if polled.is_ready() {
            self.visit = None;
            self.socket.close();
        }
        polled
    }

    fn next_timeout(&self) -> Option<Duration> {
        None
    }

    fn timeout(&mut self, _: Duration) -> Result<(), CloseReason> {
        Ok(())
    }

    fn closed(&mut self, reason: CloseReason, _: &mut Context<'_>) {
        self.socket.end(reason);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Whoever holds the socket elsewhere must not wait for messages that cannot come.
        self.socket.end(CloseReason::TransportClose);
    }
}

fn guarded<T>(act: impl FnOnce() -> T) -> Option<T> {
    let outcome = catch_unwind(AssertUnwindSafe(act));
    if outcome.is_err() {
        tracing::error!("the handler of an Engine.IO session panicked");
    }
    outcome.ok()
}
