//! Waiting until something is stored, with or without an async runtime.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::inside::Core;
use crate::{Durability, StoreError};

/// Resolves when a position is as safe as was asked for, or has failed. It needs no runtime; dropping it
/// waits no more.
///
/// ```
/// use sockeye_log::{Durability, Event, Log, Options};
///
/// let log = Log::memory(Options::default());
/// let chat = log.namespace("/chat");
/// let appended = chat.append(Durability::Fsync, None, 0, |_| Event::default())?;
/// log.stored(appended.position(), Durability::Fsync).wait()?; // or `.await`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it does nothing unless it is awaited"]
pub struct Stored {
    core: Arc<Core>,
    at: u64,
    class: Durability,
    ticket: Option<u64>,
}

impl Stored {
    pub(crate) fn new(core: Arc<Core>, at: u64, class: Durability) -> Self {
        Self { core, at, class, ticket: None }
    }

    /// Blocks the thread until it is known.
    ///
    /// # Errors
    /// If it was not stored.
    pub fn wait(self) -> Result<(), StoreError> {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut this = pin!(self);
        loop {
            match this.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => std::thread::park(),
            }
        }
    }
}

impl Future for Stored {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let told = &this.core.told;
        let outcome = told.outcome(this.at, this.class);
        let outcome =
            outcome.or_else(|| told.wait(this.at, this.class, &mut this.ticket, cx.waker()));
        outcome.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.core.told.give_up(self.at, self.class, ticket);
        }
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("at", &self.at)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
