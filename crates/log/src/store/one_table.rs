//! One table of the engine.
//!
//! The engine keeps what is new in memory (and in its journal) and writes it to a file when there is
//! enough of it. It would do so by itself, but must not: each commit asks its one worker again, and
//! a worker that is busy finds its queue full when it wants to queue the next step for itself. It
//! then waits for ever, and memory grows without bound (fjall 3.1.13). So we say when.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fjall::compaction::Leveled;
use fjall::config::FilterPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch};

use super::trouble::engine;
use crate::StoreError;

/// A table with more than this in memory writes it to a file.
const MEMORY_BYTES: u64 = 16 << 20;
/// What an entry costs in memory besides its key and value, about.
const ENTRY_BYTES: usize = 64;
/// So many portions on their way to a file are enough. At four the engine would wait, see
/// [`is_behind`](OneTable::is_behind).
const PORTIONS: usize = 2;
/// So many files that were not merged yet are enough. At thirty the engine would wait.
const UNMERGED_FILES: usize = 24;
/// From so many files on they are merged; a generation of the usual size never has them.
const MERGED_FROM: u8 = 12;

/// One table of the engine, and how much of it stands in memory.
pub(super) struct OneTable {
    rows: Keyspace,
    in_memory: AtomicU64,
}

impl OneTable {
    /// Opens the table with this name, or begins it.
    pub(super) fn open(db: &Database, at: &Path, name: &str) -> Result<Self, StoreError> {
        let rows = engine(at, "open a table", || db.keyspace(name, options))?;
        Ok(Self { rows, in_memory: AtomicU64::new(0) })
    }

    /// To read it.
    pub(super) fn rows(&self) -> &Keyspace {
        &self.rows
    }

    /// Adds a change to a batch; `None` deletes.
    pub(super) fn add(&self, batch: &mut OwnedWriteBatch, key: &[u8], value: Option<&[u8]>) {
        let bytes = key.len() + value.map_or(0, <[u8]>::len) + ENTRY_BYTES;
        self.in_memory.fetch_add(bytes as u64, Relaxed);
        match value {
            Some(value) => batch.insert(&self.rows, key, value),
            None => batch.remove(&self.rows, key),
        }
    }

    /// Whether so much of it is in memory that it should be written to a file.
    pub(super) fn is_large(&self) -> bool {
        self.in_memory.load(Relaxed) >= MEMORY_BYTES
    }

    /// Has what is in memory written to a file. Does not wait for that; what is asked first is written
    /// first.
    pub(super) fn write(&self, at: &Path) -> Result<(), StoreError> {
        self.in_memory.store(0, Relaxed);
        engine(at, "write a table", || self.rows.rotate_memtable()).map(drop)
    }

    /// Whether the engine has so much to do that nothing more should be put here.
    ///
    /// At twice as much it would wait by itself, but for ever: also when the worker that writes has
    /// met a full disk and is gone.
    pub(super) fn is_behind(&self) -> bool {
        self.rows.sealed_memtable_count() >= PORTIONS
            || self.rows.l0_table_count() >= UNMERGED_FILES
    }
}

/// Nobody asks for single keys, so there are no filters.
fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(u64::MAX)
        .filter_policy(FilterPolicy::disabled())
        .compaction_strategy(Arc::new(Leveled::default().with_l0_threshold(MERGED_FROM)))
}
