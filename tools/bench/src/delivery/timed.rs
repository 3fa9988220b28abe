//! A store on disk that writes down how long each sync takes.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use log::store::disk::Disk;
use log::store::{Batch, Each, OpenStore, Order, Store, Table};
use log::{Position, StoreError};
use sockeye::{Log, LogOptions};

use super::Result;

/// How long syncs took, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Syncs {
    /// Guards the list.
    took: Arc<Mutex<Vec<u64>>>,
}

impl Syncs {
    /// Those since this was asked last.
    pub fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.took.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, start: Instant) {
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.took.lock().unwrap_or_else(PoisonError::into_inner).push(nanos);
    }
}

/// Opens the log in a directory as [`Log::open_with`] does, and times its syncs.
///
/// # Errors
///
/// It cannot be opened.
pub fn open(directory: &Path, options: LogOptions) -> Result<(Log, Syncs)> {
    let disk = Disk::at(directory)?.generation_bytes(options.event_bytes / 16);
    let syncs = Syncs::default();
    let log = Log::with_store(Timed { inner: disk, syncs: syncs.clone() }, options)?;
    Ok((log, syncs))
}

struct Timed<S> {
    inner: S,
    syncs: Syncs,
}

impl OpenStore for Timed<Disk> {
    fn open(&self) -> std::result::Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(Timed { inner: self.inner.open()?, syncs: self.syncs.clone() }))
    }

    fn set_aside(&self) -> std::result::Result<String, StoreError> {
        self.inner.set_aside()
    }

    fn read_mark(&self) -> std::result::Result<Option<Position>, StoreError> {
        self.inner.read_mark()
    }

    fn write_mark(&self, mark: Position, sync: bool) -> std::result::Result<(), StoreError> {
        self.inner.write_mark(mark, sync)
    }
}

impl Store for Timed<Box<dyn Store>> {
    fn append(&self, batch: &Batch) -> std::result::Result<(), StoreError> {
        self.inner.append(batch)
    }

    fn make_durable(&self) -> std::result::Result<(), StoreError> {
        let start = Instant::now();
        let outcome = self.inner.make_durable();
        self.syncs.note(start);
        outcome
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        order: Order,
        each: &mut Each<'_>,
    ) -> std::result::Result<(), StoreError> {
        self.inner.scan(table, from, to, order, each)
    }

    fn drop_old(&self, below: Position) -> std::result::Result<(), StoreError> {
        self.inner.drop_old(below)
    }
}
