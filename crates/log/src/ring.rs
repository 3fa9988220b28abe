//! Events that are kept in memory: all of a memory log, and those of class `Memory` beside a store.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::Event;

/// Events by room, each room in its order. Bounded by the log's retention.
#[derive(Default)]
pub(crate) struct Ring {
    /// Names may come from clients, so they are hashed with a secret seed. A room without events does
    /// not exist.
    shards: HashMap<u32, HashMap<Box<str>, VecDeque<Kept>>>,
    order: VecDeque<(u32, Kept)>,
}

/// An event with its position; the event is shared between its rooms.
pub(crate) type Kept = (u64, Arc<Event>);

impl Ring {
    /// Takes one in, behind all others.
    pub(crate) fn push(&mut self, shard: u32, at: u64, event: Event) {
        let event = Arc::new(event);
        let rooms = self.shards.entry(shard).or_default();
        for room in event.rooms() {
            let kept = (at, Arc::clone(&event));
            match rooms.get_mut(room) {
                Some(list) => list.push_back(kept),
                None => drop(rooms.insert(room.into(), VecDeque::from([kept]))),
            }
        }
        self.order.push_back((shard, (at, event)));
    }

    /// The events of a room with `first <= position <= last`.
    pub(crate) fn between(
        &self,
        shard: u32,
        room: &str,
        first: u64,
        last: u64,
    ) -> impl DoubleEndedIterator<Item = &Kept> {
        let list = self.shards.get(&shard).and_then(|rooms| rooms.get(room));
        let range = list.map(|list| {
            let from = list.partition_point(|(at, _)| *at < first);
            let to = list.partition_point(|(at, _)| *at <= last);
            list.range(from..to.max(from))
        });
        range.into_iter().flatten()
    }

    /// Lets go of everything up to this position.
    pub(crate) fn drop_to(&mut self, low: u64) {
        while let Some((shard, (at, event))) = self.order.pop_front_if(|(_, (at, _))| *at <= low) {
            event.rooms().for_each(|room| self.drop_first(shard, room, at));
        }
        if self.order.is_empty() {
            // The memory of a busy hour goes back.
            *self = Self::default();
        }
    }

    fn drop_first(&mut self, shard: u32, room: &str, at: u64) {
        let Some(rooms) = self.shards.get_mut(&shard) else { return };
        if let Some(list) = rooms.get_mut(room) {
            list.pop_front_if(|(first, _)| *first == at);
            if list.is_empty() {
                rooms.remove(room);
            }
            if rooms.is_empty() {
                self.shards.remove(&shard);
            }
        }
    }
}
