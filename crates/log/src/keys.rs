//! Which idempotency keys were used, and for which event.

use std::collections::{HashMap, VecDeque};

use crate::codec::{seal, unseal};
use crate::event::position_of;

/// The newest keys of all namespaces. An older one is forgotten: its event would be taken again.
pub(crate) struct Keys {
    most: usize,
    places: HashMap<Name, u64>,
    /// By position, oldest first. Those that `places` knows otherwise by now are passed over.
    order: VecDeque<Used>,
}

/// Namespace and hash: 128 bits under the log's secret, so that no client can find two that meet.
pub(crate) type Name = (u32, u128);

#[derive(Clone, Copy)]
pub(crate) struct Used {
    pub(crate) name: Name,
    pub(crate) at: u64,
    /// Whether its event lives in memory alone, so that a store that fails takes nothing from it.
    pub(crate) light: bool,
}

impl Keys {
    /// A window for at most so many.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, places: HashMap::new(), order: VecDeque::new() }
    }

    pub(crate) fn find(&self, name: Name) -> Option<u64> {
        self.places.get(&name).copied()
    }

    /// Takes one in, behind all others.
    pub(crate) fn remember(&mut self, used: Used) {
        self.places.insert(used.name, used.at);
        self.order.push_back(used);
        while self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.release(oldest);
            }
        }
    }

    /// Forgets those from this position on: their events do not exist.
    pub(crate) fn forget_from(&mut self, first: u64) {
        let mut stay = Vec::new();
        while let Some(used) = self.order.pop_back_if(|used| used.at >= first) {
            if used.light {
                stay.push(used);
            } else {
                self.release(used);
            }
        }
        self.order.extend(stay.into_iter().rev());
    }

    fn release(&mut self, used: Used) {
        if self.find(used.name) == Some(used.at) {
            self.places.remove(&used.name);
        }
    }
}

/// Namespace, hash, position.
pub(crate) fn key_of(used: &Used) -> Vec<u8> {
    let (shard, hash) = used.name;
    [&shard.to_be_bytes()[..], &hash.to_be_bytes(), &used.at.to_be_bytes()].concat()
}

pub(crate) fn value_of(key: &[u8]) -> Vec<u8> {
    seal(key, Vec::new())
}

/// What a store has; `None` if it is not what was written.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Option<Used> {
    unseal(key, value)?;
    let (shard, rest) = key.split_first_chunk()?;
    let (hash, _) = rest.split_first_chunk()?;
    let name = (u32::from_be_bytes(*shard), u128::from_be_bytes(*hash));
    Some(Used { name, at: position_of(key)?.get(), light: false })
}
