//! Who writes: one thread, or a test that takes its turns.
//!
//! A turn takes everything that waits, hands it to the store as one batch, says so, and makes the store
//! durable if something in it asks for that or it is time. What is queued meanwhile is the next turn's:
//! the slower the disk, the larger the batches.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::millis;
use crate::encode::Encoder;
use crate::failure::Broken;
use crate::inside::Core;
use crate::meta;
use crate::open::{RESERVE, encode_last};
use crate::queue::{Entry, Gate, What};
use crate::retention::Checkpoint;
use crate::store::{Change, OpenStore, Table};
use crate::{Durability, StoreError};

/// What only the writer knows.
pub(crate) struct Writer {
    pub(crate) opener: Box<dyn OpenStore>,
    encoder: Encoder,
    /// The list that changes places with the queue's, so that neither takes memory again and again.
    entries: Vec<Entry>,
    pub(crate) unsynced: Option<Unsynced>,
    /// The last position of the newest batch that was appended, and of the newest that is durable.
    pub(crate) appended: u64,
    pub(crate) durable: u64,
    /// When the mark was synced last.
    mark_synced: u64,
    /// The store failed.
    pub(crate) broken: Option<Broken>,
}

/// What was appended and is not durable.
#[derive(Clone, Copy)]
pub(crate) struct Unsynced {
    since: u64,
    /// The last position.
    up_to: u64,
    /// Whether some of it may have been delivered.
    pub(crate) delivered: bool,
    /// What may be dropped then.
    low: Option<u64>,
    /// Up to where positions may be handed out then.
    reserve: Option<u64>,
}

/// What a turn writes.
struct Taken {
    up_to: u64,
    /// With the position of the last event, which other records may follow.
    newest: Checkpoint,
    expired: Vec<Checkpoint>,
    reserve: Option<u64>,
    needs: Needs,
}

/// When a batch counts as written, and as done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Needs {
    Append,
    /// It counts as written when it was appended, and does not wait to be made durable.
    Sync,
    /// It does not count as written before it is durable.
    SyncFirst,
}

impl Writer {
    /// Goes on behind `last`, which is in the store.
    pub(crate) fn new(opener: Box<dyn OpenStore>, last: u64) -> Self {
        Self {
            opener,
            encoder: Encoder::default(),
            entries: Vec::new(),
            unsynced: None,
            appended: last,
            durable: last,
            mark_synced: 0,
            broken: None,
        }
    }

    /// Does everything that there is to do now.
    pub(crate) fn turn(&mut self, core: &Core) {
        let now = core.options.clock.now();
        if self.broken.is_some() {
            return self.mend(core, now);
        }
        let mut needs = Needs::Append;
        if let Some(taken) = self.take(core, now) {
            needs = taken.needs;
            if let Err(why) = self.write(core, &taken, now) {
                return self.append_failed(core, &why, now);
            }
            if needs < Needs::SyncFirst {
                announce(core, taken.up_to, false);
            }
        }
        if needs > Needs::Append || self.next_sync(core).is_some_and(|due| due <= now) {
            self.sync(core, now);
        }
    }

    /// When there is something to do, whether or not something is queued.
    fn due(&self, core: &Core) -> Option<u64> {
        let retry = self.broken.as_ref().map(|broken| broken.retry_at);
        retry.or_else(|| self.next_sync(core))
    }

    fn next_sync(&self, core: &Core) -> Option<u64> {
        let patience = millis(core.options.sync_every);
        self.unsynced.map(|unsynced| unsynced.since.saturating_add(patience))
    }

    /// Takes the queue.
    fn take(&mut self, core: &Core, now: u64) -> Option<Taken> {
        self.entries.clear();
        let mut queue = core.queue.lock();
        if queue.gathering {
            return None;
        }
        std::mem::swap(&mut self.entries, &mut queue.entries);
        queue.bytes = 0;
        let (up_to, expired) = (queue.next - 1, queue.retention.expire(now));
        let newest = Checkpoint { at: up_to, ..queue.retention.newest(now) };
        let reserve = (queue.next + RESERVE / 2 > queue.reserved).then(|| queue.next + RESERVE);
        drop(queue);
        if self.entries.is_empty() && expired.is_empty() && reserve.is_none() {
            return None;
        }
        // A low-water mark has to be durable before something is dropped.
        let must = reserve.is_some() || !expired.is_empty();
        let own = if must { Needs::Sync } else { Needs::Append };
        let needs = self.entries.iter().map(Needs::of).fold(own, Needs::max);
        Some(Taken { up_to, newest, expired, reserve, needs })
    }

    /// Hands a batch to the store.
    fn write(&mut self, core: &Core, taken: &Taken, now: u64) -> Result<(), StoreError> {
        self.encode(core, taken)?;
        let batch = &self.encoder.batch;
        core.with_store(|store| store.append(batch))?;
        self.opener.write_mark(taken.up_to.into(), false)?;
        count(core, &batch.changes);
        self.note(taken, now);
        Ok(())
    }

    fn note(&mut self, taken: &Taken, now: u64) {
        self.appended = taken.up_to;
        let unsynced = self.unsynced.get_or_insert(Unsynced {
            since: now,
            up_to: taken.up_to,
            delivered: false,
            low: None,
            reserve: None,
        });
        unsynced.up_to = taken.up_to;
        unsynced.delivered |= self.entries.iter().any(Entry::may_be_delivered);
        unsynced.low = taken.expired.last().map(|low| low.at).or(unsynced.low);
        unsynced.reserve = taken.reserve.or(unsynced.reserve);
    }

    fn encode(&mut self, core: &Core, taken: &Taken) -> Result<(), StoreError> {
        self.encoder.clear();
        core.with_store(|store| {
            self.entries.iter().try_for_each(|entry| self.encoder.add(store, entry))
        })?;
        let batch = &mut self.encoder.batch;
        if let Some(low) = taken.expired.last() {
            core.raise(low.at);
            meta::put(batch, meta::PAST.to_vec(), core.past.read().encode());
        }
        for gone in &taken.expired {
            batch.delete(Table::Meta, meta::checkpoint_key(gone.at));
        }
        if let Some(reserve) = taken.reserve {
            meta::put(batch, meta::RESERVED.to_vec(), reserve.to_be_bytes().to_vec());
        }
        meta::put(batch, meta::LAST.to_vec(), encode_last(taken.newest));
        Ok(())
    }

    /// Makes durable what was appended, and says so.
    fn sync(&mut self, core: &Core, now: u64) {
        let Some(unsynced) = self.unsynced else { return };
        if let Err(why) = self.make_durable(core, unsynced) {
            return self.sync_failed(core, &why, now);
        }
        self.unsynced = None;
        self.durable = unsynced.up_to;
        if let Some(reserve) = unsynced.reserve {
            core.queue.lock().reserved = reserve;
        }
        announce(core, unsynced.up_to, true);
        if let Some(low) = unsynced.low {
            // A store that cannot do this will say so when something is appended.
            drop(core.with_store(|store| store.drop_old((low + 1).into())));
        }
        if let Err(why) = self.sync_mark_if_due(core, now) {
            self.sync_failed(core, &why, now);
        }
    }

    fn make_durable(&mut self, core: &Core, unsynced: Unsynced) -> Result<(), StoreError> {
        core.make_durable()?;
        // Positions that are handed out may not be above what the mark can say.
        let reserves = unsynced.reserve.is_some();
        if reserves { self.opener.write_mark(unsynced.up_to.into(), true) } else { Ok(()) }
    }

    /// The mark is synced now and then, not with each batch, and when those who wait for the batch have been told: it
    /// is a second wait for the disk. Only a loss of power can take it back, and then it says too little about the last
    /// moments: what was cut off from a damaged store right there would not be noticed.
    fn sync_mark_if_due(&mut self, core: &Core, now: u64) -> Result<(), StoreError> {
        if now.saturating_sub(self.mark_synced) < millis(core.options.sync_every) {
            return Ok(());
        }
        self.mark_synced = now;
        self.opener.write_mark(self.durable.into(), true)
    }

    /// Writes what is left, marks the end as clean, and lets go of the store.
    pub(crate) fn finish(&mut self, core: &Core) {
        core.queue.lock().gathering = false;
        if self.broken.is_none() {
            self.turn(core);
            self.sync(core, core.options.clock.now());
        }
        if self.broken.is_none() {
            // What is stored is stored: without this, the next start only says so in other words.
            drop(self.say_clean(core));
        }
        core.told.end();
        *core.store.write() = None;
    }

    fn say_clean(&mut self, core: &Core) -> Result<(), StoreError> {
        let next = core.queue.lock().next;
        self.encoder.clear();
        let batch = &mut self.encoder.batch;
        meta::put(batch, meta::RESERVED.to_vec(), next.to_be_bytes().to_vec());
        meta::put(batch, meta::CLEAN.to_vec(), Vec::new());
        core.with_store(|store| {
            store.append(batch)?;
            store.make_durable()
        })
    }
}

impl Entry {
    /// Whether it is handed on as soon as it is written.
    fn may_be_delivered(&self) -> bool {
        self.class < Durability::Fsync && matches!(self.what, What::Event(..))
    }
}

impl Needs {
    fn of(entry: &Entry) -> Self {
        match (entry.class, &entry.what) {
            (_, What::Light) => Self::SyncFirst,
            (Durability::Fsync, _) => Self::Sync,
            _ => Self::Append,
        }
    }
}

/// What is appended is written, and what is synced is both.
fn announce(core: &Core, up_to: u64, synced: bool) {
    let mut queue = core.queue.lock();
    queue.appended(up_to);
    if synced {
        queue.synced = queue.written;
    }
    let (written, synced) = (queue.written, queue.synced);
    core.told.set(written, synced);
    drop(queue);
    core.told.announce(written, synced);
}

fn count(core: &Core, changes: &[Change]) {
    let size = |change: &Change| match change {
        Change::Put(_, key, value) => key.len() + value.len(),
        Change::Delete(_, key) => key.len(),
    };
    let bytes: usize = changes.iter().map(size).sum();
    core.counts.batches.fetch_add(1, Ordering::Relaxed);
    core.counts.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
}

/// The writer's thread, until the log is closed.
pub(crate) fn run(core: &Arc<Core>, mut writer: Writer) {
    let alive = Alive(core);
    while sleep(core, writer.due(core)) {
        writer.turn(core);
    }
    writer.finish(core);
    std::mem::forget(alive);
}

/// Sleeps until there is something to do. `false` if the log was closed.
fn sleep(core: &Core, due: Option<u64>) -> bool {
    let mut queue = core.queue.lock();
    loop {
        let now = core.options.clock.now();
        if matches!(queue.gate, Gate::Closed) {
            return false;
        }
        if queue.is_ready() || due.is_some_and(|due| due <= now) {
            return true;
        }
        queue.asleep = true;
        match due {
            Some(due) => drop(core.wake.wait_for(&mut queue, Duration::from_millis(due - now))),
            None => core.wake.wait(&mut queue),
        }
        queue.asleep = false;
    }
}

/// A watcher or a store that panics ends the writer; nobody shall wait for it for ever.
struct Alive<'a>(&'a Core);

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.queue.lock().gate = Gate::Closed;
        self.0.told.end();
    }
}
