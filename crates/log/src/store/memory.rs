//! A store in memory: what the others are measured by.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Included};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};

use super::{Batch, Change, Each, OpenStore, Order, Store, Table};
use crate::event::position_of;
use crate::{Position, StoreError};

/// A place in memory for a store. What was appended is there when it is opened again, as long as one
/// clone of it lives.
///
/// ```
/// use sockeye_log::store::memory::Memory;
/// use sockeye_log::{Log, Options};
///
/// let place = Memory::default();
/// let log = Log::with_store(place.clone(), Options::default())?;
/// log.close();
/// let again = Log::with_store(place, Options::default())?;
/// assert_eq!(again.verdict().to_string(), "everything is there");
/// # Ok::<(), sockeye_log::OpenError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Place>);

#[derive(Debug, Default)]
struct Place {
    open: AtomicBool,
    mark: Mutex<Option<Position>>,
    tables: RwLock<Tables>,
}

impl OpenStore for Memory {
    fn open(&self) -> Result<Box<dyn Store>, StoreError> {
        if self.0.open.swap(true, Ordering::AcqRel) {
            return Err(StoreError::InUse("memory".into()));
        }
        Ok(Box::new(Open(Arc::clone(&self.0))))
    }

    fn set_aside(&self) -> Result<String, StoreError> {
        *self.0.tables.write() = Tables::default();
        Ok("nowhere".to_owned())
    }

    fn read_mark(&self) -> Result<Option<Position>, StoreError> {
        Ok(*self.0.mark.lock())
    }

    fn write_mark(&self, mark: Position, _: bool) -> Result<(), StoreError> {
        *self.0.mark.lock() = Some(mark);
        Ok(())
    }
}

/// The open store.
struct Open(Arc<Place>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.store(false, Ordering::Release);
    }
}

impl Store for Open {
    fn append(&self, batch: &Batch) -> Result<(), StoreError> {
        self.0.tables.write().apply(batch);
        Ok(())
    }

    fn make_durable(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        order: Order,
        each: &mut Each<'_>,
    ) -> Result<(), StoreError> {
        self.0.tables.read().scan(table, from, to, order, each);
        Ok(())
    }

    fn drop_old(&self, below: Position) -> Result<(), StoreError> {
        self.0.tables.write().drop_old(below);
        Ok(())
    }
}

/// The tables themselves, which the simulated store has too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    rows: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Keys of tables that age, by position, so that dropping costs what is dropped.
    ages: VecDeque<(Position, Table, Vec<u8>)>,
}

impl Tables {
    pub(crate) fn apply(&mut self, batch: &Batch) {
        batch.changes.iter().for_each(|change| self.change(change));
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Put(table, key, value) => {
                let age = position_of(key).filter(|_| table.ages());
                let before = self.row(*table).insert(key.clone(), value.clone());
                if let Some(at) = age.filter(|_| before.is_none()) {
                    let later = self.ages.partition_point(|(other, ..)| *other <= at);
                    self.ages.insert(later, (at, *table, key.clone()));
                }
            }
            Change::Delete(table, key) => drop(self.row(*table).remove(key)),
        }
    }

    pub(crate) fn row(&mut self, table: Table) -> &mut BTreeMap<Vec<u8>, Vec<u8>> {
        self.rows.entry(table).or_default()
    }

    pub(crate) fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        order: Order,
        each: &mut Each<'_>,
    ) {
        let Some(rows) = self.rows.get(&table).filter(|_| from < to) else { return };
        let range = rows.range::<[u8], _>((Included(from), Excluded(to)));
        let mut call = |(key, value): (&Vec<u8>, &Vec<u8>)| each(key, value).is_break();
        match order {
            Order::Ascending => range.into_iter().any(&mut call),
            Order::Descending => range.into_iter().rev().any(&mut call),
        };
    }

    pub(crate) fn drop_old(&mut self, below: Position) {
        while let Some((_, table, key)) = self.ages.pop_front_if(|(at, ..)| *at < below) {
            self.row(table).remove(&key);
        }
    }
}
