//! What the handles of a log, its writer and those who wait have in common.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};

use crate::encode::Encoder;
use crate::epoch::Past;
use crate::gather::is_later;
use crate::keys::Used;
use crate::names::{Made, Names};
use crate::open::{Found, RESERVE, window};
use crate::progress::Told;
use crate::queue::{Entry, Gate, Queue, What};
use crate::retention::Retention;
use crate::ring::Ring;
use crate::store::Store;
use crate::token::Secret;
use crate::{AppendError, Appended, Durability, Event, Options, Position, StoreError, Verdict};

/// The inside of a log. Locks are taken in the order of the fields, and watchers are called and tasks are
/// woken outside of all of them.
pub(crate) struct Core {
    pub(crate) queue: Mutex<Queue>,
    /// Where the writer sleeps.
    pub(crate) wake: Condvar,
    pub(crate) ring: RwLock<Ring>,
    /// `None` while it is opened anew, and after the log was closed.
    pub(crate) store: RwLock<Option<Box<dyn Store>>>,
    pub(crate) past: RwLock<Past>,
    pub(crate) told: Told,
    pub(crate) counts: Counts,
    pub(crate) secret: Secret,
    pub(crate) options: Options,
    pub(crate) verdict: Verdict,
    /// Nothing passes a writer: events are kept in the ring, the rest in a store in memory.
    pub(crate) memory: bool,
}

/// What a log has done since it was opened.
///
/// ```
/// use sockeye_log::{Durability, Event, Log, Options};
///
/// let log = Log::memory(Options::default());
/// log.namespace("/").append(Durability::Memory, None, 0, |_| Event::default())?;
/// assert_eq!(log.stats().events, 1);
/// # Ok::<(), sockeye_log::AppendError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events that were appended, those in memory included.
    pub events: u64,
    /// Batches that were handed to the store.
    pub batches: u64,
    /// How often the store was made durable.
    pub syncs: u64,
    /// Bytes of keys and values that were handed to the store.
    pub bytes: u64,
    /// Events that have been appended and are not written yet.
    pub waiting: u64,
    /// Bytes that wait to be taken by whoever writes.
    pub queued_bytes: u64,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) events: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Core {
    pub(crate) fn new(
        options: Options,
        found: Found,
        store: Option<Box<dyn Store>>,
        memory: bool,
    ) -> Self {
        let settled = found.first - 1;
        let told = Told::default();
        told.set(settled, settled);
        Self {
            queue: Mutex::new(Queue {
                next: found.first,
                reserved: if memory { u64::MAX } else { found.first.saturating_add(RESERVE) },
                written: settled,
                synced: settled,
                entries: Vec::new(),
                bytes: 0,
                most_bytes: options.queue_bytes,
                gate: Gate::Open,
                asleep: false,
                gathering: false,
                keys: window(options.keys, found.keys),
                retention: Retention::new(&options, found.newest, found.checkpoints),
                names: Names::found(found.shards),
                light: HashMap::new(),
            }),
            wake: Condvar::new(),
            ring: RwLock::default(),
            store: RwLock::new(store),
            past: RwLock::new(found.past),
            told,
            counts: Counts::default(),
            secret: found.secret,
            options,
            verdict: found.verdict,
            memory,
        }
    }

    /// Appends an event; see [`Shard::append`](crate::Shard::append).
    pub(crate) fn append(
        &self,
        shard: u32,
        class: Durability,
        key: Option<u128>,
        size: usize,
        make: impl FnOnce(Position) -> Event,
    ) -> Result<Appended, AppendError> {
        let mut queue = self.queue.lock();
        if let Some(first) = key.and_then(|hash| queue.keys.find((shard, hash))) {
            return Ok(Appended::Repeated(first.into()));
        }
        let at = queue.admit(shard, size)?;
        let event = make(at);
        event.check()?;
        let at = queue.take();
        if let Some(hash) = key {
            let light = self.is_light(class);
            queue.keys.remember(Used { name: (shard, hash), at, light });
        }
        let low = self.note(&mut queue, at, event.weight());
        let entry = Entry { shard, at, class, what: What::Event(event, key) };
        self.enter(&mut queue, entry, size);
        drop(queue);
        self.counts.events.fetch_add(1, Ordering::Relaxed);
        if let Some(low) = low {
            self.raise(low);
        }
        Ok(Appended::New(at.into()))
    }

    /// Accepts nothing any more, and lets the writer know.
    pub(crate) fn shut(&self) {
        self.queue.lock().gate = Gate::Closed;
        self.wake.notify_all();
    }

    /// Appends what is no event.
    pub(crate) fn record(
        &self,
        shard: u32,
        class: Durability,
        size: usize,
        what: What,
    ) -> Result<Position, AppendError> {
        let mut queue = self.queue.lock();
        queue.admit(shard, size)?;
        let at = queue.take();
        self.enter(&mut queue, Entry { shard, at, class, what }, size);
        Ok(at.into())
    }

    /// The number of a namespace that is known, for one more handle.
    pub(crate) fn hold(&self, name: &str) -> Option<u32> {
        self.queue.lock().names.hold(name)
    }

    /// The number of a namespace to which something is appended, for one more handle; a new one is written down before
    /// anything that is in it. `None` if there are too many, or nothing is accepted.
    pub(crate) fn name(&self, name: &str) -> Option<u32> {
        let mut queue = self.queue.lock();
        if let Some(known) = queue.names.hold(name) {
            return Some(known);
        }
        if !matches!(queue.gate, Gate::Open) {
            return None;
        }
        let Made { number, forgotten } = queue.names.make(name)?;
        self.put(&mut queue, number, What::Namespace(name.into()));
        for (name, number) in forgotten {
            queue.light.remove(&number);
            self.put(&mut queue, number, What::NoNamespace(name));
        }
        Some(number)
    }

    /// A handle of a namespace is dropped.
    pub(crate) fn let_go(&self, name: &str) {
        self.queue.lock().names.let_go(name);
    }

    /// Something about a namespace, which has no position.
    fn put(&self, queue: &mut Queue, shard: u32, what: What) {
        let entry = Entry { shard, at: 0, class: Durability::Async, what };
        if self.memory {
            self.apply(entry);
        } else {
            self.queue_up(queue, entry, 0);
        }
    }

    /// Everything up to here may go.
    pub(crate) fn raise(&self, low: u64) {
        self.past.write().raise(low);
        self.ring.write().drop_to(low);
    }

    /// Reads the store, if there is one at the moment.
    pub(crate) fn with_store<T>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.store.read().as_deref() {
            Some(store) => read(store),
            None if self.told.has_ended() => Err(StoreError::Ended),
            None => Err(StoreError::Closed),
        }
    }

    /// Makes the store durable, and counts it.
    pub(crate) fn make_durable(&self) -> Result<(), StoreError> {
        self.counts.syncs.fetch_add(1, Ordering::Relaxed);
        self.with_store(<dyn Store>::make_durable)
    }

    /// Whether it stays in memory.
    fn is_light(&self, class: Durability) -> bool {
        self.memory || class == Durability::Memory
    }

    /// Counts an event. A memory log lets old ones go at once; else the writer does it.
    fn note(&self, queue: &mut Queue, at: u64, weight: usize) -> Option<u64> {
        let now = self.options.clock.now();
        let checkpoint = queue.retention.note(at, weight, now)?;
        if self.memory {
            return queue.retention.expire(now).last().map(|last| last.at);
        }
        let (class, what) = (Durability::Async, What::Checkpoint(checkpoint));
        self.queue_up(queue, Entry { shard: 0, at, class, what }, 0);
        None
    }

    /// Puts something where it belongs.
    fn enter(&self, queue: &mut Queue, entry: Entry, size: usize) {
        if !self.is_light(entry.class) {
            return self.queue_up(queue, entry, size);
        }
        let Entry { shard, at, .. } = entry;
        if self.memory {
            self.apply(entry);
        } else if let What::Event(event, _) = entry.what {
            self.ring.write().push(shard, at, event);
            if self.note_light(queue, shard, at) {
                return;
            }
        }
        queue.settle(at);
        self.told.set(queue.written, queue.synced);
    }

    /// In a memory log.
    fn apply(&self, entry: Entry) {
        if let What::Event(event, _) = entry.what {
            return self.ring.write().push(entry.shard, entry.at, event);
        }
        let store = self.store.read();
        let Some(store) = store.as_deref() else { return };
        let mut encoder = Encoder::default();
        // A store in memory does not fail.
        if encoder.add(store, &entry).is_ok() {
            drop(store.append(&encoder.batch));
        }
    }

    /// After a restart, whoever was behind the first event that is in memory alone has a gap. That there
    /// was one is written before anybody is given it. `true` if this is the first one.
    fn note_light(&self, queue: &mut Queue, shard: u32, at: u64) -> bool {
        let is_first = !queue.light.contains_key(&shard);
        if is_first {
            queue.light.insert(shard, at);
            let entry = Entry { shard, at, class: Durability::Fsync, what: What::Light };
            self.queue_up(queue, entry, 0);
        }
        is_first
    }

    fn queue_up(&self, queue: &mut Queue, entry: Entry, size: usize) {
        queue.push(entry, size);
        queue.gathering = is_later();
        self.wake(queue);
    }

    /// Wakes the writer, if something waits for it.
    pub(crate) fn nudge(&self) {
        let mut queue = self.queue.lock();
        queue.gathering = false;
        self.wake(&mut queue);
    }

    fn wake(&self, queue: &mut Queue) {
        if queue.is_ready() && std::mem::take(&mut queue.asleep) {
            self.wake.notify_one();
        }
    }
}

impl Core {
    pub(crate) fn stats(&self) -> Stats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { events, batches, syncs, bytes } = &self.counts;
        let queue = self.queue.lock();
        Stats {
            events: read(events),
            batches: read(batches),
            syncs: read(syncs),
            bytes: read(bytes),
            waiting: (queue.next - 1).saturating_sub(queue.written),
            queued_bytes: queue.bytes as u64,
        }
    }
}
