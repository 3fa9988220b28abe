//! What was said in a room lately, whoever was in it; and who may come back.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::encode::after;
use crate::inside::Core;
use crate::read::gap;
use crate::source::{Piece, scan};
use crate::store::{Order, Table};
use crate::{Interval, ReadError, SavedSession, Session, SessionId, StoreError, StoredEvent};

/// The newest `limit` events of a room up to `last`, oldest first.
pub(crate) fn newest(
    core: &Core,
    shard: u32,
    room: &str,
    last: u64,
    limit: usize,
) -> Result<Vec<StoredEvent>, ReadError> {
    let first = core.past.read().low() + 1;
    let last = last.min(core.told.written());
    let mut found: BTreeMap<u64, Piece> = BTreeMap::new();
    for (at, event) in core.ring.read().between(shard, room, first, last).rev().take(limit) {
        found.insert(*at, Piece::Shared(Arc::clone(event)));
    }
    let mut left = limit;
    if !core.memory && limit > 0 {
        scan(core, shard, room, (first, last), Order::Descending, &mut |at, _, piece| {
            found.insert(at, piece);
            left -= 1;
            left > 0
        })?;
    }
    let older = found.len().saturating_sub(limit);
    let newest = found.into_iter().skip(older);
    newest.map(|(at, piece)| whole(core, shard, at, piece)).collect()
}

fn whole(core: &Core, shard: u32, at: u64, piece: Piece) -> Result<StoredEvent, ReadError> {
    let event = piece.resolve(core, shard, at)?.ok_or_else(|| gap(at - 1, at))?;
    Ok(StoredEvent { position: at.into(), event })
}

/// All sessions of a namespace, by id. One whose record or intervals are damaged is left out: it is told
/// that it cannot come back, instead of being given a part of what it missed.
pub(crate) fn sessions(core: &Core, shard: u32) -> Result<Vec<SavedSession>, StoreError> {
    let mut found = BTreeMap::new();
    rows(core, Table::Sessions, shard, &mut |key, value| {
        if let Some(session) = Session::decode(key, value) {
            found.insert(session.id, SavedSession { session, intervals: Vec::new() });
        }
    })?;
    rows(core, Table::Intervals, shard, &mut |key, value| {
        let Some(id) = key.get(4..20).and_then(|id| <[u8; 16]>::try_from(id).ok()) else { return };
        let id = SessionId::from(id);
        match Interval::decode(key, value) {
            Some(stay) => drop(found.entry(id).and_modify(|saved| saved.intervals.push(stay))),
            None => drop(found.remove(&id)),
        }
    })?;
    let past = core.past.read();
    found.retain(|_, saved| !past.has_forgotten(saved.session.start.get()));
    for saved in found.values_mut() {
        // Joining or leaving failed.
        saved.intervals.retain(|stay| !past.denies(stay.joined.get()));
        for stay in &mut saved.intervals {
            stay.left = stay.left.filter(|left| !past.denies(left.get()));
        }
    }
    Ok(found.into_values().collect())
}

/// The names of the namespaces in which there are sessions.
pub(crate) fn with_sessions(core: &Core) -> Result<Vec<Box<str>>, StoreError> {
    let mut numbers = HashSet::new();
    core.with_store(|store| {
        store.scan(Table::Sessions, b"", &after(b""), Order::Ascending, &mut |key, _| {
            numbers.extend(key.first_chunk().map(|number| u32::from_be_bytes(*number)));
            ControlFlow::Continue(())
        })
    })?;
    let queue = core.queue.lock();
    let theirs = queue.names.iter().filter(|(_, number)| numbers.contains(number));
    Ok(theirs.map(|(name, _)| name.into()).collect())
}

fn rows(
    core: &Core,
    table: Table,
    shard: u32,
    each: &mut dyn FnMut(&[u8], &[u8]),
) -> Result<(), StoreError> {
    let first = shard.to_be_bytes();
    core.with_store(|store| {
        store.scan(table, &first, &after(&first), Order::Ascending, &mut |key, value| {
            each(key, value);
            ControlFlow::Continue(())
        })
    })
}
