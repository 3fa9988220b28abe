//! The open store on disk, by fjall, a log-structured engine.
//!
//! An append is one batch in the engine's journal, handed to the operating system. The journal is
//! kept short, so that opening after a crash has little to read again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use fjall::{Database, Keyspace, OwnedWriteBatch, PersistMode, Readable};

use super::chain::{Chain, Link};
use super::generations::{Generations, Held, dated_key, undated_key};
use super::inspect::inspect;
use super::one_table::OneTable;
use super::rows::{Each, Rows, in_turn, merged};
use super::trouble::{damaged, engine};
use super::{Batch, Change, Order, Store, Table};
use crate::{Position, StoreError};

/// Blocks of files that stay in memory.
const CACHE_BYTES: u64 = 32 << 20;
/// With more than this in the journal, what keeps the oldest part of it is written to files. The
/// engine takes no less.
const JOURNAL_BYTES: u64 = 64 << 20;
/// How long an append waits for the engine before it takes its worker for dead.
const PATIENCE: Duration = Duration::from_secs(30);
/// More portions than this are not to wait for the worker.
const WAITING_PORTIONS: usize = 4;
/// The tables that are not cut into generations: [`place_of`] says which is which.
const UNDATED: [&str; 3] = ["sessions", "intervals", "meta"];

/// The engine takes no longer keys, and panics.
const LONGEST_KEY: usize = 65_000;

/// The open store on disk.
///
/// A scan that runs beside an append can see a part of its batch; one that begins after the append
/// has returned sees all of it.
pub(super) struct Tables {
    dated: Generations,
    undated: [OneTable; 3],
    /// The number of the last batch. Locked while one is written, so that they are in order.
    last: Mutex<u64>,
    db: Database,
    at: PathBuf,
}

impl Tables {
    /// Makes an empty store in the directory `at`.
    pub(super) fn begin(at: &Path) -> Result<(), StoreError> {
        let db = open_engine(at)?;
        Generations::begin(&db, at)?;
        UNDATED.iter().try_for_each(|name| OneTable::open(&db, at, name).map(drop))
    }

    /// Opens the store in the directory `at`.
    pub(super) fn open(at: &Path, generation_bytes: u64) -> Result<Self, StoreError> {
        inspect(at)?;
        let db = open_engine(at)?;
        if let Some(name) = UNDATED.iter().find(|name| !db.keyspace_exists(name)) {
            return Err(damaged(at, format!("its table of {name} is missing")));
        }
        let [sessions, intervals, meta] = UNDATED.map(|name| OneTable::open(&db, at, name));
        let dated = Generations::open(&db, at, generation_bytes)?;
        let last = Mutex::new(check_chain(&db, at, &dated.hold())?);
        let undated = [sessions?, intervals?, meta?];
        Ok(Self { dated, undated, last, db, at: at.to_owned() })
    }

    fn undated(&self, table: Table) -> Option<&OneTable> {
        place_of(table).map(|place| &self.undated[place])
    }

    /// Waits while the engine is behind.
    ///
    /// It would wait itself, but for ever: also when its worker has met a full disk and is gone.
    fn wait_for_the_engine(&self) -> Result<(), StoreError> {
        let since = Instant::now();
        while self.is_behind() {
            // This says so if the worker met an error; if it panicked, only time tells.
            engine(&self.at, "append", || self.db.persist(PersistMode::Buffer))?;
            if since.elapsed() > PATIENCE {
                return Err(StoreError::Closed);
            }
            sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn is_behind(&self) -> bool {
        self.db.outstanding_flushes() > WAITING_PORTIONS
            || self.undated.iter().any(OneTable::is_behind)
            || self.dated.hold().newest().is_some_and(OneTable::is_behind)
    }

    /// Has tables written to files where that is due, and begins a new generation where that is.
    ///
    /// All are written together, and the newest generation last: so wherever there is a link of the
    /// chain, the rest of its batch is there too.
    fn make_room(&self, batch: &Batch) -> Result<(), StoreError> {
        let next = self.dated.next_begins(batch);
        let held = self.dated.hold();
        let tables = || self.undated.iter().chain(held.newest());
        if next.is_some() || tables().any(OneTable::is_large) {
            tables().try_for_each(|table| table.write(&self.at))?;
        }
        drop(held);
        next.map_or(Ok(()), |first| self.dated.add(&self.db, first))
    }

    /// The batch in the engine's terms, with the next number.
    fn translate(&self, batch: &Batch, number: u64) -> OwnedWriteBatch {
        let held = self.dated.hold();
        let mut out = OwnedWriteBatch::with_capacity(self.db.clone(), batch.changes.len() + 1)
            .durability(Some(PersistMode::Buffer));
        for change in &batch.changes {
            let (table, key, value) = parts(change);
            if let Some(table) = self.undated(table) {
                table.add(&mut out, key, value);
            } else if let Some(generation) = held.of(key) {
                generation.table.add(&mut out, &dated_key(table, key), value);
            }
        }
        held.grew(batch);
        add_link(&mut out, &held, Link { number, oldest: held.oldest() });
        out
    }

    /// Says on the disk which generation is the oldest from now on, and forgets those before it. The
    /// answer is their tables.
    fn forget_generations(&self, below: u64) -> Result<Vec<Keyspace>, StoreError> {
        let mut last = self.lock_last();
        let held = self.dated.hold();
        let oldest = held.oldest_to_keep(below);
        if oldest == held.oldest() {
            return Ok(Vec::new());
        }
        let mut out = self.db.batch();
        add_link(&mut out, &held, Link { number: *last + 1, oldest });
        drop(held);
        engine(&self.at, "drop what is old", || out.commit())?;
        *last += 1;
        self.make_durable()?;
        Ok(self.dated.take_before(oldest))
    }

    /// A scan of `Events` or `Keys`, with the keys as they stand in a generation.
    fn scan_dated(
        &self,
        from: &[u8],
        to: &[u8],
        order: Order,
        each: &mut Each<'_>,
    ) -> Result<(), StoreError> {
        let snapshot = self.db.snapshot();
        let (mut tables, one_room) = self.dated.hold().between(from, to);
        if order == Order::Descending {
            tables.reverse();
        }
        let entries = tables.iter().map(|table| snapshot.range(table, from..to));
        let rows = entries.map(|entries| Rows::new(entries, order, &self.at));
        let mut each = |key: &[u8], value: &[u8]| each(undated_key(key), value);
        if one_room { in_turn(rows, &mut each) } else { merged(rows, order, &mut each) }
    }

    fn lock_last(&self) -> MutexGuard<'_, u64> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Tables {
    fn append(&self, batch: &Batch) -> Result<(), StoreError> {
        refuse_keys_it_cannot_take(batch)?;
        let mut last = self.lock_last();
        self.wait_for_the_engine()?;
        self.make_room(batch)?;
        let out = self.translate(batch, *last + 1);
        engine(&self.at, "append", || out.commit())?;
        *last += 1;
        Ok(())
    }

    fn make_durable(&self) -> Result<(), StoreError> {
        engine(&self.at, "sync", || self.db.persist(PersistMode::SyncData))
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        order: Order,
        each: &mut Each<'_>,
    ) -> Result<(), StoreError> {
        if from >= to {
            return Ok(());
        }
        let Some(undated) = self.undated(table) else {
            return self.scan_dated(&dated_key(table, from), &dated_key(table, to), order, each);
        };
        let entries = self.db.snapshot().range(undated.rows(), from..to);
        Rows::new(entries, order, &self.at).visit(each).map(drop)
    }

    fn drop_old(&self, below: Position) -> Result<(), StoreError> {
        for table in self.forget_generations(below.get())? {
            engine(&self.at, "drop what is old", || self.db.delete_keyspace(table))?;
        }
        Ok(())
    }
}

fn open_engine(at: &Path) -> Result<Database, StoreError> {
    let builder = Database::builder(at)
        .worker_threads(1)
        .cache_size(CACHE_BYTES)
        .max_journaling_size(JOURNAL_BYTES);
    engine(at, "open the store", || builder.open())
}

fn refuse_keys_it_cannot_take(batch: &Batch) -> Result<(), StoreError> {
    let keys = batch.changes.iter().map(|change| parts(change).1);
    match keys.map(<[u8]>::len).find(|length| !(1..=LONGEST_KEY).contains(length)) {
        None => Ok(()),
        Some(length) => {
            let why = format!("a key of {length} bytes; from 1 to {LONGEST_KEY} are possible");
            let source = io::Error::new(io::ErrorKind::InvalidInput, why);
            Err(StoreError::Io { doing: "append", source: source.into() })
        }
    }
}

/// The number of the last batch, if no batch is missing before it.
fn check_chain(db: &Database, at: &Path, held: &Held<'_>) -> Result<u64, StoreError> {
    let generations: Vec<_> = held.tables().map(|table| table.rows().clone()).collect();
    let last = Chain { generations: &generations, snapshot: &db.snapshot(), at }.last()?;
    if generations.is_empty() || held.oldest() > last.oldest {
        return Err(damaged(at, "its oldest entries are missing"));
    }
    Ok(last.number)
}

/// The place of a table in [`UNDATED`]; `None` for those that are cut into generations.
fn place_of(table: Table) -> Option<usize> {
    match table {
        Table::Sessions => Some(0),
        Table::Intervals => Some(1),
        Table::Meta => Some(2),
        Table::Events | Table::Keys => None,
    }
}

fn add_link(batch: &mut OwnedWriteBatch, held: &Held<'_>, link: Link) {
    if let Some(newest) = held.newest() {
        newest.add(batch, &link.key(), Some(&link.value()));
    }
}

/// Table, key and, if it is put there, value.
fn parts(change: &Change) -> (Table, &[u8], Option<&[u8]>) {
    match change {
        Change::Put(table, key, value) => (*table, key, Some(value)),
        Change::Delete(table, key) => (*table, key, None),
    }
}
