//! One worker: its connections, the list of those that have something to send, and the timer wheel.
//!
//! A worker is one task beside those of its connections. It wakes when the first connection of a turn is
//! marked dirty, or when the wheel's next tick has come. On a current-thread runtime the task stands behind
//! everybody who was ready at the time of the mark: that is the turn in which packets meet.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep};

use crate::connection::{Shared, flag};
use crate::flusher;
use crate::inbox::{Inbox, Job};
use crate::stats::{Counts, Stats};
use crate::threads;
use crate::wheel::Wheel;
use crate::{Config, PerMessageDeflate};

/// Connections flushed before the worker lets others run.
const FLUSHED_AT_ONCE: usize = 256;

/// Connections that are looked at before others may use their table.
const SEEN_AT_ONCE: usize = 256;

/// Names one connection of a worker. Slots are reused, lives are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    slot: u32,
    life: u32,
}

pub(crate) struct Worker {
    /// Which of its server's workers it is.
    number: usize,
    origin: Instant,
    /// What may wait for each of its connections.
    pub(crate) outbox_bytes: usize,
    /// How messages are compressed for those of them that negotiated it.
    pub(crate) deflate: Option<PerMessageDeflate>,
    pub(crate) inbox: Inbox,
    pub(crate) counts: Counts,
    /// Guards the list of connections to flush, and nothing else.
    dirty: Mutex<Vec<Arc<Shared>>>,
    /// Guards the wheel.
    wheel: Mutex<Wheel<Key>>,
    /// Guards the table of connections by key.
    table: Mutex<Table>,
    waker: AtomicWaker,
    running: AtomicBool,
}

/// Slots of living connections.
#[derive(Default)]
struct Table {
    slots: Vec<(u32, Weak<Shared>)>,
    free: Vec<u32>,
}

impl Worker {
    /// `origin` is when the time of its server began.
    pub(crate) fn new(number: usize, origin: Instant, config: &Config) -> Arc<Worker> {
        Arc::new(Worker {
            number,
            origin,
            outbox_bytes: config.outbox_bytes,
            deflate: config.per_message_deflate,
            inbox: Inbox::default(),
            counts: Counts::default(),
            dirty: Mutex::new(Vec::new()),
            wheel: Mutex::new(Wheel::new()),
            table: Mutex::new(Table::default()),
            waker: AtomicWaker::new(),
            running: AtomicBool::new(false),
        })
    }

    /// The time since the worker was made.
    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Has the worker do something with its connections, behind what was sent before.
    pub(crate) fn send(&self, job: Job) {
        if self.inbox.send(job) {
            self.waker.wake();
        }
    }

    /// A number that no other living connection of the server has.
    pub(crate) fn number_of(&self, key: Key) -> u64 {
        let worker = self.number as u64;
        worker << 56 | u64::from(key.life & 0x00ff_ffff) << 32 | u64::from(key.slot)
    }

    /// Puts a connection on the dirty list.
    pub(crate) fn mark(&self, connection: Arc<Shared>) {
        let mut dirty = self.dirty.lock();
        dirty.push(connection);
        if dirty.len() == 1 {
            drop(dirty);
            self.waker.wake();
        }
    }

    /// Has the connection's task woken at `at`, or a tick later.
    pub(crate) fn arm(&self, key: Key, at: Duration) {
        let mut wheel = self.wheel.lock();
        let before = wheel.next();
        wheel.arm(key, at);
        if before.is_none_or(|before| at < before) {
            drop(wheel);
            self.waker.wake();
        }
    }

    /// Finds a slot for a new connection, and builds it with its key.
    pub(crate) fn register(&self, build: impl FnOnce(Key) -> Shared) -> Arc<Shared> {
        let mut table = self.table.lock();
        let slot = table.free.pop().unwrap_or_else(|| {
            table.slots.push((0, Weak::new()));
            u32::try_from(table.slots.len() - 1).expect("fewer than 2^32 connections")
        });
        let entry = &mut table.slots[slot as usize];
        let shared = Arc::new(build(Key { slot, life: entry.0 }));
        entry.1 = Arc::downgrade(&shared);
        shared
    }

    /// Gives a slot free; the key finds nobody from now on.
    pub(crate) fn unregister(&self, key: Key) {
        let mut table = self.table.lock();
        let entry = &mut table.slots[key.slot as usize];
        if entry.0 == key.life {
            *entry = (key.life.wrapping_add(1), Weak::new());
            table.free.push(key.slot);
        }
    }

    /// Every connection whose task has not ended.
    pub(crate) fn living(&self) -> Vec<Arc<Shared>> {
        self.table.lock().slots.iter().filter_map(|(_, shared)| shared.upgrade()).collect()
    }

    /// Adds what it has counted, and what its connections are now. Looks at a few of them at a time: whoever opens or
    /// ends a session in between waits for no more.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        self.counts.add_to(stats);
        let mut from = 0;
        loop {
            let some: Vec<_> = {
                let table = self.table.lock();
                let Some(slots) = table.slots.get(from..).filter(|rest| !rest.is_empty()) else {
                    return;
                };
                let some = &slots[..slots.len().min(SEEN_AT_ONCE)];
                from += some.len();
                some.iter().filter_map(|(_, shared)| shared.upgrade()).collect()
            };
            for shared in &some {
                shared.add_to(stats);
            }
        }
    }

    /// A connection's task has ended, or the worker's. If both have, nobody looks at what waits any more; and what
    /// waits holds the connections, which hold the worker.
    pub(crate) fn left(&self) {
        if self.running.load(Ordering::Acquire) {
            return;
        }
        self.inbox.catch_up();
        let mut dirty = self.dirty.lock();
        let all = std::mem::take(&mut *dirty);
        let (ended, open): (Vec<_>, _) =
            all.into_iter().partition(|connection| connection.outbox.lock().closed);
        *dirty = open;
        drop(dirty);
        drop(ended);
    }

    fn find(&self, key: Key) -> Option<Arc<Shared>> {
        let table = self.table.lock();
        let (life, shared) = table.slots.get(key.slot as usize)?;
        if *life == key.life { shared.upgrade() } else { None }
    }

    /// Starts the worker's task on the current runtime unless it runs.
    pub(crate) fn start(self: &Arc<Self>) {
        if !self.running.swap(true, Ordering::AcqRel) {
            threads::begin(Task { worker: Arc::downgrade(self), sleep: None, spare: Vec::new() });
        }
    }

    /// Flushes what is on the list; true if others should run before the rest.
    fn flush(&self, spare: &mut Vec<Arc<Shared>>) -> bool {
        std::mem::swap(&mut *self.dirty.lock(), spare);
        let rest = spare.len().saturating_sub(FLUSHED_AT_ONCE);
        for connection in spare.drain(..spare.len() - rest) {
            flusher::flush_dirty(&connection);
        }
        if rest > 0 {
            // In front of those that have been marked meanwhile.
            let mut dirty = self.dirty.lock();
            spare.append(&mut dirty);
            std::mem::swap(&mut *dirty, spare);
        }
        rest > 0
    }

    fn fire(&self, now: Duration) {
        let mut due = Vec::new();
        self.wheel.lock().advance(now, &mut due);
        for key in due {
            if let Some(connection) = self.find(key) {
                connection.armed.store(u64::MAX, Ordering::Release);
                connection.raise(flag::TIMER);
            }
        }
    }

    /// When the wheel wants the worker back.
    fn next_tick(&self) -> Option<Instant> {
        self.wheel.lock().next().map(|at| self.origin + at)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.waker.wake();
    }
}

/// The worker's task. Ends with the worker; if its runtime ends first, the next connection starts another.
struct Task {
    worker: Weak<Worker>,
    sleep: Option<Pin<Box<Sleep>>>,
    spare: Vec<Arc<Shared>>,
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let task = self.get_mut();
        let Some(worker) = task.worker.upgrade() else {
            return Poll::Ready(());
        };
        worker.waker.register(cx.waker());
        worker.inbox.catch_up();
        if worker.flush(&mut task.spare) | worker.inbox.has_jobs() {
            cx.waker().wake_by_ref();
        }
        loop {
            worker.fire(worker.now());
            let Some(at) = worker.next_tick() else {
                task.sleep = None;
                return Poll::Pending;
            };
            if task.poll_sleep(at, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Task {
    fn poll_sleep(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.upgrade() {
            worker.running.store(false, Ordering::Release);
            worker.left();
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_proto::handshake::Revision;
    use engine_proto::{Sid, Transport};
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn a_worker_whose_runtime_ends_while_something_waits_is_freed_with_its_connections() {
        for connection_ends_first in [true, false] {
            let worker = Worker::new(0, Instant::now(), &Config::default());
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let connection = runtime.block_on(async {
                worker.start();
                let sid = Sid::from_random([0; 15]);
                let kind = (Revision::Four, Transport::WebSocket);
                let shared = |key| Shared::new(sid, key, Arc::clone(&worker), kind);
                worker.register(shared)
            });
            worker.mark(Arc::clone(&connection));
            let held = Arc::clone(&connection);
            worker.send(Box::new(move || drop(held)));
            let end = || {
                connection.shut();
                worker.left();
            };
            if connection_ends_first {
                end();
                drop(runtime);
            } else {
                drop(runtime);
                end();
            }
            let (of_worker, of_connection) = (Arc::downgrade(&worker), Arc::downgrade(&connection));
            drop((worker, connection));
            assert_eq!((of_connection.strong_count(), of_worker.strong_count()), (0, 0));
        }
    }
}
