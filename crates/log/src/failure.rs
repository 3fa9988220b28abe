//! When the store fails: what waited for it is told, the store is opened anew, and a new epoch begins.
//!
//! ```text
//!             append or sync fails                 opened again, and a batch is durable
//!  accepting ─────────────────────▶ refusing ─────────────────────────────────────────▶ accepting
//!                                     │  ▲
//!                                     └──┘ not yet: again in a second, later in ten
//! ```
//!
//! A sync is never tried a second time: what the operating system could not write, it may have
//! forgotten, and then says that everything is well.

use crate::StoreError;
use crate::encode::Encoder;
use crate::epoch::{Lost, Past};
use crate::inside::Core;
use crate::open::{RESERVE, begin_epoch, last, set_aside};
use crate::queue::Gate;
use crate::retention::Checkpoint;
use crate::store::Store;
use crate::writer::Writer;

/// A store that failed.
pub(crate) struct Broken {
    pub(crate) retry_at: u64,
    pause: u64,
    /// Everything up to here did not fail.
    sound_to: u64,
    /// The last batch that has to be in the store when it is opened again.
    kept: u64,
}

/// Milliseconds until the first and between later attempts.
const PAUSE: (u64, u64) = (1000, 10_000);

impl Writer {
    /// What was to be written counts as never written. What was written before is made durable: if
    /// that fails too, it is what failed.
    pub(crate) fn append_failed(&mut self, core: &Core, why: &StoreError, now: u64) {
        if self.unsynced.is_some() && core.make_durable().is_err() {
            return self.sync_failed(core, why, now);
        }
        let mut queue = core.queue.lock();
        queue.synced = queue.written;
        let sound_to = queue.written;
        core.told.set(sound_to, sound_to);
        drop(queue);
        self.failed(core, why, (sound_to, self.appended), now);
    }

    /// Nobody knows what became of what was written since the last sync. Some of it may have been
    /// delivered, so whoever reads across it is told that something may be missing.
    pub(crate) fn sync_failed(&mut self, core: &Core, why: &StoreError, now: u64) {
        let (synced, written) = {
            let queue = core.queue.lock();
            (queue.synced, queue.written)
        };
        if self.unsynced.is_some_and(|unsynced| unsynced.delivered) {
            core.past.write().lose(Lost { shard: None, after: synced, up_to: written });
        }
        self.failed(core, why, (synced, self.durable), now);
    }

    /// Everything behind `sound_to` failed.
    fn failed(&mut self, core: &Core, why: &StoreError, (sound_to, kept): (u64, u64), now: u64) {
        let mut queue = core.queue.lock();
        if matches!(queue.gate, Gate::Open) {
            queue.gate = Gate::Failed(why.clone());
        }
        queue.entries.clear();
        queue.bytes = 0;
        queue.keys.forget_from(sound_to + 1);
        let (last, written) = (queue.next - 1, queue.written);
        drop(queue);
        core.past.write().end(sound_to);
        if sound_to < last {
            core.told.fail(sound_to + 1, last, written, why.clone());
        }
        self.unsynced = None;
        self.broken = Some(Broken { retry_at: now + PAUSE.0, pause: PAUSE.0, sound_to, kept });
        core.told.announce(last, last);
    }

    /// Opens the store anew, if it is time for that.
    pub(crate) fn mend(&mut self, core: &Core, now: u64) {
        let Some(broken) = self.broken.as_mut().filter(|broken| broken.retry_at <= now) else {
            return;
        };
        let mut again = Again::new(core, (broken.sound_to, broken.kept), now);
        broken.pause = (broken.pause * 2).min(PAUSE.1);
        broken.retry_at = now + broken.pause;
        match self.open_again(core, &mut again) {
            Ok(past) => {
                *core.past.write() = past;
                self.broken = None;
                (self.appended, self.durable) = (again.settled.at, again.settled.at);
                again.accept(core);
            }
            Err(_) => self.broken.iter_mut().for_each(|broken| broken.kept = again.kept),
        }
    }

    /// Whatever comes of it, what can be read is read from now on. What is damaged is set aside, as when a log is
    /// opened.
    fn open_again(&self, core: &Core, again: &mut Again) -> Result<Past, StoreError> {
        let mut place = core.store.write();
        // Before the next one: there can only be one at a time.
        *place = None;
        let opened = self.opener.open();
        let begun = opened.and_then(|store| self.begin(core, again, &**place.insert(store)));
        let Err(damage @ StoreError::Damaged { .. }) = begun else { return begun };
        *place = None;
        let (store, verdict) = set_aside(&*self.opener, &damage, again.sound_to)?;
        tracing::error!("the log's store failed: {verdict}");
        self.begin(core, again, &**place.insert(store))
    }

    /// Begins an epoch in a store that was opened again.
    fn begin(&self, core: &Core, again: &mut Again, store: &dyn Store) -> Result<Past, StoreError> {
        again.count_losses(core, store)?;
        let mut past = core.past.read().clone();
        past.forget_sessions(again.settled.at);
        past.begin(again.settled.at + 1);
        let mut encoder = Encoder::default();
        begin_epoch(&mut encoder.batch, &core.secret, &past, again.settled);
        again.shards.iter().for_each(|(name, shard)| encoder.add_namespace(name, *shard));
        again.lights.iter().for_each(|(shard, at)| encoder.add_light(*shard, *at));
        store.append(&encoder.batch)?;
        store.make_durable()?;
        self.opener.write_mark(again.settled.at.into(), true)?;
        Ok(past)
    }
}

/// What a new epoch begins with: also what the failed batches would have said. Nothing is appended while
/// the log refuses, so this stays true until it accepts.
struct Again {
    sound_to: u64,
    kept: u64,
    /// One behind the last position that was handed out: sessions that begin from here on are none of those
    /// that are forgotten.
    settled: Checkpoint,
    shards: Vec<(Box<str>, u32)>,
    lights: Vec<(u32, u64)>,
}

impl Again {
    fn new(core: &Core, (sound_to, kept): (u64, u64), now: u64) -> Self {
        let queue = core.queue.lock();
        Self {
            sound_to,
            kept,
            settled: Checkpoint { at: queue.next, ..queue.retention.newest(now) },
            shards: queue.names.iter().map(|(name, shard)| (name.into(), shard)).collect(),
            lights: queue.light.iter().map(|(shard, at)| (*shard, *at)).collect(),
        }
    }

    /// What should be in the store and is not is lost. That is known from now on, also if the epoch cannot begin:
    /// what says so may be in the store all the same, and then nothing seems to be missing the next time.
    fn count_losses(&mut self, core: &Core, store: &dyn Store) -> Result<(), StoreError> {
        // A record that is damaged says nothing: everything may be missing then.
        let found = match last(store) {
            Err(StoreError::Damaged { .. }) => None,
            found => found?,
        };
        let found = found.map_or(0, |last| last.at);
        if found < self.kept {
            self.kept = found;
            core.past.write().lose(Lost { shard: None, after: found, up_to: self.sound_to });
        }
        Ok(())
    }

    /// What failed lies behind; the next position is the first of the new epoch.
    fn accept(&self, core: &Core) {
        let mut queue = core.queue.lock();
        let settled = self.settled.at;
        (queue.written, queue.synced) = (settled, settled);
        queue.next = settled + 1;
        queue.reserved = settled + 1 + RESERVE;
        if matches!(queue.gate, Gate::Failed(_)) {
            queue.gate = Gate::Open;
        }
        core.told.set(settled, settled);
        drop(queue);
        core.told.announce(settled, settled);
    }
}
