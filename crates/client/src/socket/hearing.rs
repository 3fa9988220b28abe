//! What a socket has to do with what it hears: its handlers, and what waits to be pulled.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Core;
use super::pull::Inbox;
use crate::listeners::{Chain, Handlers, Listeners};
use crate::recovery::Mark;

/// The part of a socket that listens.
#[derive(Default)]
pub(crate) struct Hearing {
    handlers: Mutex<Option<Box<Handlers>>>,
    /// Whether somebody wants to hear what is sent.
    pub(crate) overheard: AtomicBool,
    pub(crate) inbox: Inbox,
    /// Counts its sessions; changed under the lock of the outbox only.
    session: AtomicU64,
    /// The first session that its user has not left.
    first: AtomicU64,
}

impl Hearing {
    pub(crate) fn change(&self, change: impl FnOnce(&mut Handlers) -> Option<Chain>) {
        let mut guard = self.handlers.lock();
        let old = change(guard.get_or_insert_default());
        drop(guard);
        // Outside of the lock: what it captures is the user's code, and may come back here.
        drop(old);
    }

    /// Whether somebody wants to hear what is sent.
    pub(crate) fn is_overheard(&self) -> bool {
        self.overheard.load(Ordering::Relaxed)
    }

    /// Nobody hears anything any more.
    pub(crate) fn forget(&self) {
        let old = self.handlers.lock().take();
        drop(old);
    }

    /// Who hears an event of this name that is about to be started, and whether events are handled here at all.
    pub(crate) fn listeners(&self, event: &str) -> (Listeners, bool) {
        let mut guard = self.handlers.lock();
        match guard.as_mut() {
            Some(handlers) => (handlers.take(event), handlers.handles_events()),
            None => (Listeners::default(), false),
        }
    }

    pub(crate) fn chain(&self, which: fn(&Handlers) -> &Option<Chain>) -> Option<Chain> {
        self.handlers.lock().as_deref().and_then(|handlers| which(handlers).clone())
    }

    /// The session that goes on, or the next one.
    pub(crate) fn session(&self) -> u64 {
        self.session.load(Ordering::Acquire)
    }

    /// The session is over: what was asked in it is answered no more.
    pub(super) fn end_session(&self) {
        self.session.fetch_add(1, Ordering::AcqRel);
    }

    /// Its user has left: what was heard in the sessions that are over, and waits for its handlers, is for nobody any more.
    pub(super) fn leave(&self) {
        self.first.fetch_max(self.session(), Ordering::AcqRel);
    }

    /// Whether its user has left since this session.
    pub(crate) fn has_left(&self, session: u64) -> bool {
        session < self.first.load(Ordering::Acquire)
    }
}

/// An event that is being handled. Everybody who has a part in it holds it; with the last of them it has been handled, and its
/// socket stands behind it. Unless one of them was [cut off](Self::cut_off).
pub(crate) struct Handled {
    core: Arc<Core>,
    mark: Mark,
    cut_off: AtomicBool,
}

impl Handled {
    pub(crate) fn new(core: &Arc<Core>, mark: Mark) -> Arc<Self> {
        Arc::new(Handled { core: Arc::clone(core), mark, cut_off: AtomicBool::new(false) })
    }

    /// The client ends before it has been handled: it is to come again.
    pub(crate) fn cut_off(&self) {
        self.cut_off.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Handled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handled").field(&self.mark).finish()
    }
}

impl Drop for Handled {
    fn drop(&mut self) {
        if !*self.cut_off.get_mut() {
            self.core.handled(self.mark);
        }
    }
}
