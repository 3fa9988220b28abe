//! How far the log has come, and who wants to know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use parking_lot::{Mutex, RwLock};

use crate::{Durability, Position, StoreError};

/// How far the log has come. Deliver what is behind `written` in the order of positions, and what is
/// of class [`Fsync`](Durability::Fsync) as soon as it is behind `synced`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to here survives the end of the process, has failed, or is kept in memory alone.
    pub written: Position,
    /// Everything up to here survives a loss of power, has failed, or is kept in memory alone.
    pub synced: Position,
    /// The first and last position of what failed most recently. None of it is stored, but for events of
    /// class [`Memory`](Durability::Memory): whoever waits to deliver something of it must not, and
    /// what was said about sessions and stays has to be said again. If the process ends before the
    /// log accepts again, nobody knows what is there after the restart.
    pub failed: Option<(Position, Position)>,
}

/// Called when it moves.
type Watcher = Arc<dyn Fn(&Progress) + Send + Sync>;

/// The numbers, the failures, and who waits.
#[derive(Default)]
pub(crate) struct Told {
    written: AtomicU64,
    synced: AtomicU64,
    /// Nothing will be written any more.
    ended: AtomicBool,
    /// Whether there are failures: nobody takes the lock while there are none.
    has_failed: AtomicBool,
    failures: RwLock<Vec<Failure>>,
    waiting: Mutex<Waiting>,
    watchers: RwLock<Arc<[Watcher]>>,
}

#[derive(Clone)]
struct Failure {
    first: u64,
    last: u64,
    /// Up to here it had been said to be written: what asks for no more has had it.
    written: u64,
    why: StoreError,
}

/// More failures than this are told as fewer, larger ones: something stored may be called failed then,
/// nothing failed is called stored.
const MOST_FAILURES: usize = 1024;

#[derive(Default)]
struct Waiting {
    tickets: u64,
    written: BTreeMap<(u64, u64), Waker>,
    synced: BTreeMap<(u64, u64), Waker>,
}

impl Told {
    pub(crate) fn progress(&self) -> Progress {
        let failures = self.failures.read();
        let failed = failures.last().map(|one| (one.first.into(), one.last.into()));
        Progress { written: self.written().into(), synced: self.synced().into(), failed }
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    pub(crate) fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    pub(crate) fn watch(&self, watcher: Watcher) {
        let mut watchers = self.watchers.write();
        *watchers = watchers.iter().cloned().chain([watcher]).collect();
    }

    /// Moves the numbers, under the queue's lock. They never go back.
    pub(crate) fn set(&self, written: u64, synced: u64) {
        self.written.store(written, Ordering::Release);
        self.synced.store(synced, Ordering::Release);
    }

    /// What failed, before the numbers pass it.
    pub(crate) fn fail(&self, first: u64, last: u64, written: u64, why: StoreError) {
        let mut failures = self.failures.write();
        failures.push(Failure { first, last, written, why });
        if failures.len() > MOST_FAILURES {
            failures[1].first = failures[0].first;
            failures.remove(0);
        }
        self.has_failed.store(true, Ordering::Release);
    }

    /// Nothing will be written any more: whoever waits is told so.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.wake(u64::MAX, u64::MAX);
    }

    /// Wakes everybody who waits for something up to here, and calls the watchers; outside of all
    /// locks.
    pub(crate) fn announce(&self, written: u64, synced: u64) {
        self.wake(written, synced);
        let watchers = Arc::clone(&*self.watchers.read());
        if !watchers.is_empty() {
            let progress = self.progress();
            watchers.iter().for_each(|watcher| watcher(&progress));
        }
    }

    /// All of them in one go.
    fn wake(&self, written: u64, synced: u64) {
        let due = self.waiting.lock().due(written, synced);
        due.into_iter().flat_map(BTreeMap::into_values).for_each(Waker::wake);
    }

    /// How it went with this position, as far as that is known.
    pub(crate) fn outcome(&self, at: u64, class: Durability) -> Option<Result<(), StoreError>> {
        let reached = match class {
            Durability::Memory => return Some(Ok(())),
            Durability::Async => self.written(),
            Durability::Fsync => self.synced(),
        };
        // After the number was read: a failure is there before the number passes it.
        if let Some(why) = self.failure(at, class) {
            return Some(Err(why));
        }
        if at <= reached {
            return Some(Ok(()));
        }
        self.has_ended().then_some(Err(StoreError::Ended))
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn failure(&self, at: u64, class: Durability) -> Option<StoreError> {
        if !self.has_failed.load(Ordering::Acquire) {
            return None;
        }
        let failures = self.failures.read();
        let concerns = |one: &Failure| class == Durability::Fsync || one.written < at;
        let found = failures.iter().rev().find(|one| one.first <= at && at <= one.last);
        let found = found.filter(|one| concerns(one));
        found.map(|one| one.why.clone())
    }

    /// Waits for a position, unless it is known by now how it went. The number is the ticket with which
    /// to wait on.
    pub(crate) fn wait(
        &self,
        at: u64,
        class: Durability,
        ticket: &mut Option<u64>,
        waker: &Waker,
    ) -> Option<Result<(), StoreError>> {
        let mut waiting = self.waiting.lock();
        let outcome = self.outcome(at, class);
        if outcome.is_none() {
            let ticket = *ticket.get_or_insert_with(|| waiting.next_ticket());
            waiting.list(class).insert((at, ticket), waker.clone());
        }
        outcome
    }

    /// Waits no more.
    pub(crate) fn give_up(&self, at: u64, class: Durability, ticket: u64) {
        self.waiting.lock().list(class).remove(&(at, ticket));
    }
}

impl Waiting {
    fn next_ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    fn list(&mut self, class: Durability) -> &mut BTreeMap<(u64, u64), Waker> {
        match class {
            Durability::Fsync => &mut self.synced,
            Durability::Memory | Durability::Async => &mut self.written,
        }
    }

    /// Takes out those who wait for something up to here.
    fn due(&mut self, written: u64, synced: u64) -> [BTreeMap<(u64, u64), Waker>; 2] {
        [take_to(&mut self.written, written), take_to(&mut self.synced, synced)]
    }
}

fn take_to(list: &mut BTreeMap<(u64, u64), Waker>, up_to: u64) -> BTreeMap<(u64, u64), Waker> {
    let later = list.split_off(&(up_to.saturating_add(1), 0));
    std::mem::replace(list, later)
}
