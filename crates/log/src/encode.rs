//! From entries of the queue to changes of a store.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::keys::{self, Used};
use crate::membership::{encode_left, interval_key};
use crate::meta;
use crate::queue::{Entry, What};
use crate::session::session_key;
use crate::store::{Batch, Change, Order, Store, Table};
use crate::{Position, SessionId, StoreError};

/// Gathers a batch.
#[derive(Default)]
pub(crate) struct Encoder {
    pub(crate) batch: Batch,
    /// Where in the batch a session's intervals stand: if it ends in the same batch, they go with it.
    stays: HashMap<Vec<u8>, Vec<usize>>,
}

impl Encoder {
    /// Begins the next batch, in the memory of the last one.
    pub(crate) fn clear(&mut self) {
        self.batch.changes.clear();
        self.stays.clear();
    }

    /// Adds what has to be written for an entry.
    pub(crate) fn add(&mut self, store: &dyn Store, entry: &Entry) -> Result<(), StoreError> {
        let (shard, at) = (entry.shard, entry.at.into());
        match &entry.what {
            What::Event(event, key) => {
                event.write(shard, at, &mut self.batch);
                if let Some(hash) = key {
                    self.add_key((shard, *hash), entry.at);
                }
            }
            What::Session(session) => {
                let key = session_key(shard, session.id);
                let record = session.encode(&key);
                self.batch.put(Table::Sessions, key, record);
            }
            What::End(id) => self.end(store, shard, *id)?,
            What::Join(id, room) => self.stay(shard, *id, room, at, Position::ZERO),
            What::Leave(id, room, joined) => self.stay(shard, *id, room, *joined, at),
            What::Forget(id, room, joined) => {
                self.batch.delete(Table::Intervals, interval_key(shard, *id, *joined, room));
            }
            What::Namespace(name) => self.add_namespace(name, shard),
            What::NoNamespace(name) => self.forget_namespace(store, name, shard)?,
            What::Light => self.add_light(shard, entry.at),
            What::Checkpoint(checkpoint) => {
                let key = meta::checkpoint_key(checkpoint.at);
                meta::put(&mut self.batch, key, checkpoint.encode());
            }
        }
        Ok(())
    }

    pub(crate) fn add_namespace(&mut self, name: &str, shard: u32) {
        meta::put(&mut self.batch, meta::shard_key(name), shard.to_be_bytes().to_vec());
    }

    /// Its events stay until they are old: nothing leads to them.
    fn forget_namespace(
        &mut self,
        store: &dyn Store,
        name: &str,
        shard: u32,
    ) -> Result<(), StoreError> {
        let first = shard.to_be_bytes();
        for table in [Table::Sessions, Table::Intervals] {
            store.scan(table, &first, &after(&first), Order::Ascending, &mut |key, _| {
                self.batch.delete(table, key.to_vec());
                ControlFlow::Continue(())
            })?;
        }
        self.batch.delete(Table::Meta, meta::shard_key(name));
        self.batch.delete(Table::Meta, meta::light_key(shard));
        Ok(())
    }

    pub(crate) fn add_light(&mut self, shard: u32, first: u64) {
        meta::put(&mut self.batch, meta::light_key(shard), first.to_be_bytes().to_vec());
    }

    fn add_key(&mut self, name: keys::Name, at: u64) {
        let key = keys::key_of(&Used { name, at, light: false });
        let value = keys::value_of(&key);
        self.batch.put(Table::Keys, key, value);
    }

    fn stay(&mut self, shard: u32, id: SessionId, room: &str, joined: Position, left: Position) {
        let key = interval_key(shard, id, joined, room);
        let record = encode_left(&key, left);
        let places = self.stays.entry(session_key(shard, id)).or_default();
        places.push(self.batch.changes.len());
        self.batch.put(Table::Intervals, key, record);
    }

    /// Removes a session and its intervals: those in the store, and those in this batch.
    fn end(&mut self, store: &dyn Store, shard: u32, id: SessionId) -> Result<(), StoreError> {
        let first = session_key(shard, id);
        let mut gone = Vec::new();
        let mut each = |key: &[u8], _: &[u8]| {
            gone.push(key.to_vec());
            ControlFlow::Continue(())
        };
        store.scan(Table::Intervals, &first, &after(&first), Order::Ascending, &mut each)?;
        for place in self.stays.remove(&first).unwrap_or_default() {
            if let Some(Change::Put(_, key, _)) = self.batch.changes.get(place) {
                gone.push(key.clone());
            }
        }
        for key in gone {
            self.batch.delete(Table::Intervals, key);
        }
        self.batch.delete(Table::Sessions, first);
        Ok(())
    }
}

/// The first key behind all that begin with `prefix`.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    // There is none; no key of ours begins with so many.
    vec![u8::MAX; prefix.len() + 1]
}
