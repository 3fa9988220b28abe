//! Where positions are handed out: what waits for the writer, and everything that must change in the
//! same moment.

use std::collections::HashMap;

use crate::keys::Keys;
use crate::names::{NOBODY, Names};
use crate::retention::{Checkpoint, Retention};
use crate::{AppendError, Durability, Event, Position, Session, SessionId, StoreError};

/// Behind one lock, which is held for the length of an append. The order of positions is the order of
/// the queue.
pub(crate) struct Queue {
    /// The position that is handed out next.
    pub(crate) next: u64,
    /// Positions from here on may not be handed out yet: that they are taken is not durable.
    pub(crate) reserved: u64,
    /// Every position up to here is written, failed, or in memory alone.
    pub(crate) written: u64,
    /// The same for a loss of power.
    pub(crate) synced: u64,
    /// What waits, in the order of positions.
    pub(crate) entries: Vec<Entry>,
    /// What that counts for.
    pub(crate) bytes: usize,
    pub(crate) most_bytes: usize,
    pub(crate) gate: Gate,
    /// The writer sleeps, and has to be woken.
    pub(crate) asleep: bool,
    /// What was put here last belongs to a turn that is not over: see [`gather`](crate::gather).
    pub(crate) gathering: bool,
    pub(crate) keys: Keys,
    pub(crate) retention: Retention,
    pub(crate) names: Names,
    /// Where each namespace has its first event that is in memory alone, since the log was opened.
    pub(crate) light: HashMap<u32, u64>,
}

/// Whether something may be appended.
#[derive(Clone, Debug)]
pub(crate) enum Gate {
    Open,
    /// The store failed, and could not be opened again yet.
    Failed(StoreError),
    Closed,
}

/// Something that takes its turn to be written.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) shard: u32,
    pub(crate) at: u64,
    pub(crate) class: Durability,
    pub(crate) what: What,
}

/// What is written.
#[derive(Debug)]
pub(crate) enum What {
    /// An event, with the hash of its idempotency key.
    Event(Event, Option<u128>),
    Session(Box<Session>),
    /// A session ends, and its intervals with it.
    End(SessionId),
    Join(SessionId, Box<str>),
    Leave(SessionId, Box<str>, Position),
    Forget(SessionId, Box<str>, Position),
    /// The number of a namespace.
    Namespace(Box<str>),
    /// A namespace is forgotten, and its sessions with it.
    NoNamespace(Box<str>),
    /// From here on a namespace has events that are in memory alone.
    Light,
    Checkpoint(Checkpoint),
}

impl Queue {
    /// The position for something of this size, unless nothing can be accepted. It is taken when
    /// [`take`](Self::take) is called.
    pub(crate) fn admit(&self, shard: u32, size: usize) -> Result<Position, AppendError> {
        match &self.gate {
            Gate::Open if shard == NOBODY => Err(AppendError::TooManyNamespaces),
            Gate::Open if self.is_full(size) => Err(AppendError::Busy),
            Gate::Open => Ok(self.next.into()),
            Gate::Failed(why) => Err(AppendError::Failed(why.clone())),
            Gate::Closed => Err(AppendError::Closed),
        }
    }

    /// Something larger than the whole queue is accepted by an empty one.
    fn is_full(&self, size: usize) -> bool {
        let bytes = self.bytes.saturating_add(size);
        self.next >= self.reserved || (bytes > self.most_bytes && self.bytes > 0)
    }

    /// Takes the position that was admitted.
    pub(crate) fn take(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// What has this position does not pass the writer. If nothing waits before it, that is all.
    pub(crate) fn settle(&mut self, at: u64) {
        if self.written + 1 == at {
            self.written = at;
            if self.synced + 1 == at {
                self.synced = at;
            }
        }
    }

    pub(crate) fn push(&mut self, entry: Entry, size: usize) {
        self.bytes += size;
        self.entries.push(entry);
    }

    /// Whether there is something to write, and nothing more is about to come.
    pub(crate) fn is_ready(&self) -> bool {
        !self.entries.is_empty() && !self.gathering
    }

    /// Everything up to here was appended. What is in memory alone and has nothing before it any more
    /// goes along.
    pub(crate) fn appended(&mut self, up_to: u64) {
        let settled = if self.entries.is_empty() { self.next - 1 } else { up_to };
        self.written = self.written.max(settled);
    }
}
