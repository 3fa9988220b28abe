//! What a log asks of a store: ordered tables of bytes, written in batches.
//!
//! Everything cleverer (positions, epochs, retention, damage) is written once, above this contract.
//! Every store sits the same [`examination`].

use std::ops::ControlFlow;

use crate::{Position, StoreError};

mod chain;
pub mod disk;
#[doc(hidden)]
pub mod examination;
mod generations;
mod inspect;
pub mod mark;
pub mod memory;
mod one_table;
mod rows;
pub mod simulated;
mod tables;
mod trouble;

/// The tables of a store. Keys are ordered as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Events, by namespace, room and position.
    Events,
    /// Session records, by namespace and id.
    Sessions,
    /// Who was in which room from when to when, by namespace and session.
    Intervals,
    /// Idempotency keys, hashed, with the position of the event.
    Keys,
    /// What the log has to know about itself.
    Meta,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Events, Self::Sessions, Self::Intervals, Self::Keys, Self::Meta];

    /// Whether the last 8 bytes of its keys are a position, and old entries may be dropped.
    pub const fn ages(self) -> bool {
        matches!(self, Self::Events | Self::Keys)
    }
}

/// One change of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets a key to a value, whether or not it was there: table, key, value.
    Put(Table, Vec<u8>, Vec<u8>),
    /// Removes a key, whether or not it was there: table, key.
    Delete(Table, Vec<u8>),
}

/// Changes that are made together, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The changes.
    pub changes: Vec<Change>,
}

impl Batch {
    /// Adds a [`Change::Put`].
    pub fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.changes.push(Change::Put(table, key, value));
    }

    /// Adds a [`Change::Delete`].
    pub fn delete(&mut self, table: Table, key: Vec<u8>) {
        self.changes.push(Change::Delete(table, key));
    }
}

/// Which way [`Store::scan`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the lowest key on.
    Ascending,
    /// From the highest key on.
    Descending,
}

/// What [`Store::scan`] calls with each key and value.
pub type Each<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// An open store. One thread writes; several read.
pub trait Store: Send + Sync + 'static {
    /// Makes all changes of the batch or none. They are visible to [`scan`](Self::scan) at once and
    /// handed to the operating system: they survive the end of the process.
    ///
    /// # Errors
    /// If it is not certain that they do. The log does not try again; it opens the store anew.
    fn append(&self, batch: &Batch) -> Result<(), StoreError>;

    /// Comes back when everything that was appended survives a loss of power.
    ///
    /// # Errors
    /// If that is not certain. Never tried again: what the operating system could not write, it may
    /// have forgotten.
    fn make_durable(&self) -> Result<(), StoreError>;

    /// Calls `each` with the entries whose keys are `from` or above and below `to`, until it breaks.
    ///
    /// # Errors
    /// If entries cannot be read. Those before were handed to `each`.
    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        order: Order,
        each: &mut Each<'_>,
    ) -> Result<(), StoreError>;

    /// Entries of tables that [age](Table::ages), whose position (the last 8 bytes of the key, big
    /// endian) is below this one, may be dropped, now or later.
    ///
    /// # Errors
    /// If the store is broken.
    fn drop_old(&self, below: Position) -> Result<(), StoreError>;
}

/// A place where a store is, and a small mark beside it.
pub trait OpenStore: Send + Sync + 'static {
    /// Opens the store that is there, or makes an empty one.
    ///
    /// # Errors
    /// [`InUse`](StoreError::InUse) while it is open already,
    /// [`Damaged`](StoreError::Damaged) if it should be set aside, [`Foreign`](StoreError::Foreign) if
    /// it should be left alone, and others.
    fn open(&self) -> Result<Box<dyn Store>, StoreError>;

    /// Moves what is there out of the way, so that the next [`open`](Self::open) makes an empty
    /// store. Comes back with where it is now, for whoever wants to look at it. The mark stays.
    ///
    /// # Errors
    /// If it cannot be moved.
    fn set_aside(&self) -> Result<String, StoreError>;

    /// The mark that was written last; `None` if there never was one.
    ///
    /// # Errors
    /// [`Damaged`](StoreError::Damaged) if it is not what was written, and others.
    fn read_mark(&self) -> Result<Option<Position>, StoreError>;

    /// Overwrites the mark. With `sync` it survives a loss of power, else the end of the process.
    /// Half a mark is never read as a whole one.
    ///
    /// # Errors
    /// If it cannot be written.
    fn write_mark(&self, mark: Position, sync: bool) -> Result<(), StoreError>;
}
