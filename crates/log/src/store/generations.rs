//! Events and keys on the disk, cut into generations by position.
//!
//! Retention drops what is oldest, but entries are ordered by room. In one ordered table the old
//! ones would lie scattered over everything, and the whole table would have to be written again and
//! again to get rid of them. So positions are cut into generations, each with a table of its own
//! that goes as a whole: dropping one costs the removal of a few files.
//!
//! ```text
//! since-0000000000000000   positions 0 to 262143            dropped when all of them may be
//! since-0000000000040000   positions 262144 to 530211
//! since-0000000000081724   positions 530212 on              the newest: written to
//! ```
//!
//! `Events`, `Keys` and the [links](super::chain) of the chain share a generation: the first byte of a
//! key tells them apart.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fjall::{Database, Keyspace};

use super::one_table::OneTable;
use super::trouble::damaged;
use super::{Batch, Change, Table};
use crate::StoreError;

const NAME: &str = "since-";
/// A generation holds at least this part of everything, so that there are never many: each costs a
/// millisecond when the store is opened, and the engine cannot open a thousand.
const PART_OF_ALL: u64 = 256;

/// All generations, oldest first; there is always one.
pub(super) struct Generations {
    all: RwLock<Vec<Generation>>,
    /// A generation that holds this many bytes is followed by a new one.
    full: u64,
    at: PathBuf,
}

/// The entries from one position up to where the next generation begins.
pub(super) struct Generation {
    /// The first position that may stand in it.
    first: u64,
    /// Its entries.
    pub(super) table: OneTable,
    bytes: AtomicU64,
    /// The highest position that was put here since the store was opened.
    highest: AtomicU64,
}

/// All generations, while nobody adds or drops one.
pub(super) struct Held<'a>(RwLockReadGuard<'a, Vec<Generation>>);

impl Generations {
    /// Makes the first one in a new store.
    pub(super) fn begin(db: &Database, at: &Path) -> Result<(), StoreError> {
        Generation::open(db, at, 0).map(drop)
    }

    /// Opens those that are there.
    pub(super) fn open(db: &Database, at: &Path, full: u64) -> Result<Self, StoreError> {
        let names = db.list_keyspace_names();
        let numbers = names.iter().filter_map(|name| name.strip_prefix(NAME));
        let firsts: Result<Vec<_>, _> = numbers.map(|hex| u64::from_str_radix(hex, 16)).collect();
        let mut firsts = firsts.map_err(|_| damaged(at, format!("it has tables {names:?}")))?;
        firsts.sort_unstable();
        let all: Result<_, _> =
            firsts.into_iter().map(|first| Generation::open(db, at, first)).collect();
        Ok(Self { all: RwLock::new(all?), full, at: at.to_owned() })
    }

    /// Where the next generation is to begin before this batch is written, if the newest is full.
    pub(super) fn next_begins(&self, batch: &Batch) -> Option<u64> {
        self.hold().next_begins(batch, self.full)
    }

    /// Begins the next generation.
    pub(super) fn add(&self, db: &Database, first: u64) -> Result<(), StoreError> {
        let next = Generation::open(db, &self.at, first)?;
        self.change().push(next);
        Ok(())
    }

    /// As they are now.
    pub(super) fn hold(&self) -> Held<'_> {
        Held(self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes out those before the one that begins with `oldest`.
    pub(super) fn take_before(&self, oldest: u64) -> Vec<Keyspace> {
        let mut all = self.change();
        let old = all.iter().take_while(|generation| generation.first < oldest).count();
        all.drain(..old).map(|generation| generation.table.rows().clone()).collect()
    }

    fn change(&self) -> RwLockWriteGuard<'_, Vec<Generation>> {
        self.all.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generation {
    fn open(db: &Database, at: &Path, first: u64) -> Result<Self, StoreError> {
        let table = OneTable::open(db, at, &format!("{NAME}{first:016x}"))?;
        let bytes = AtomicU64::new(table.rows().disk_space());
        Ok(Self { first, table, bytes, highest: AtomicU64::new(0) })
    }
}

impl Held<'_> {
    /// The generation in which the entry with this key stands, or is to stand. `None`: it would be
    /// older than all that is kept.
    pub(super) fn of(&self, key: &[u8]) -> Option<&Generation> {
        let position = position_of(key);
        self.0.iter().rev().find(|generation| generation.first <= position)
    }

    /// Counts what was put into a generation.
    pub(super) fn grew(&self, batch: &Batch) {
        for change in &batch.changes {
            let Change::Put(Table::Events | Table::Keys, key, value) = change else { continue };
            let Some(generation) = self.of(key) else { continue };
            generation.bytes.fetch_add((key.len() + value.len()) as u64, Relaxed);
            generation.highest.fetch_max(position_of(key), Relaxed);
        }
    }

    /// Where the oldest one begins.
    pub(super) fn oldest(&self) -> u64 {
        self.0.first().map_or(0, |generation| generation.first)
    }

    /// Where the oldest one begins once nothing from before `below` need be kept.
    pub(super) fn oldest_to_keep(&self, below: u64) -> u64 {
        let firsts = self.0.iter().map(|generation| generation.first);
        firsts.take_while(|first| *first <= below).last().unwrap_or_else(|| self.oldest())
    }

    /// The one that is written to.
    pub(super) fn newest(&self) -> Option<&OneTable> {
        self.tables().next_back()
    }

    /// The tables that can hold keys with `from <= key < to`, oldest first; and whether these are
    /// keys of one room, so that all keys of one table come before all keys of the next.
    pub(super) fn between(&self, from: &[u8], to: &[u8]) -> (Vec<Keyspace>, bool) {
        let Some((first, end)) = positions_of_one_room(from, to) else {
            return (self.tables().map(|table| table.rows().clone()).collect(), false);
        };
        let lasts = self.0.iter().skip(1).map(|next| next.first - 1).chain([u64::MAX]);
        let both = self.0.iter().zip(lasts);
        let within = both.filter(|(one, last)| one.first < end && first <= *last);
        (within.map(|(one, _)| one.table.rows().clone()).collect(), true)
    }

    /// The tables of all of them, oldest first.
    pub(super) fn tables(&self) -> impl DoubleEndedIterator<Item = &OneTable> {
        self.0.iter().map(|generation| &generation.table)
    }

    /// Where the next generation begins, if the newest is full: with the first position of this batch.
    ///
    /// A batch that reaches back behind what was written before it begins none, or what it reaches
    /// back to would be looked for in the wrong one.
    fn next_begins(&self, batch: &Batch, full: u64) -> Option<u64> {
        let bytes = |generation: &Generation| generation.bytes.load(Relaxed);
        let full = full.max(self.0.iter().map(bytes).sum::<u64>() / PART_OF_ALL);
        let newest = self.0.last().filter(|newest| bytes(newest) >= full)?;
        let first = batch.changes.iter().filter_map(position_put).min()?;
        (first > newest.first.max(newest.highest.load(Relaxed))).then_some(first)
    }
}

/// The key of an entry of `Events` or `Keys` as it stands in a generation.
pub(super) fn dated_key(table: Table, key: &[u8]) -> Vec<u8> {
    let mut dated = Vec::with_capacity(1 + key.len());
    dated.push(u8::from(table == Table::Keys));
    dated.extend_from_slice(key);
    dated
}

/// The key as the caller knows it.
pub(super) fn undated_key(dated: &[u8]) -> &[u8] {
    dated.get(1..).unwrap_or_default()
}

/// The position in the last eight bytes of a key.
fn position_of(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |position| u64::from_be_bytes(*position))
}

fn position_put(change: &Change) -> Option<u64> {
    match change {
        Change::Put(Table::Events | Table::Keys, key, _) => Some(position_of(key)),
        _ => None,
    }
}

/// The positions from the first up to before the second, if both are keys of events of one room.
///
/// A key is that if it says the length of its room, and has it: which table (1 byte), shard (4),
/// length (2), room, position (8). Between two of them there are only others of their room.
fn positions_of_one_room(from: &[u8], to: &[u8]) -> Option<(u64, u64)> {
    let (room, first) = from.split_last_chunk::<8>()?;
    let (same, end) = to.split_last_chunk::<8>()?;
    let length = u16::from_be_bytes(*room.get(5..)?.first_chunk()?);
    let one_room = room == same && room.len() == 7 + usize::from(length);
    one_room.then(|| (u64::from_be_bytes(*first), u64::from_be_bytes(*end)))
}
