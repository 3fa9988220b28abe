//! The sockets of a namespace: by key, by public id, and all of them in a row.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;

use crate::membership::Memberships;
use crate::rooms::give_back;

/// Names one socket in one namespace of this process.
///
/// Slots are reused, lives are not: a key kept from a socket that is gone finds nobody, never the
/// socket that came after it.
///
/// ```
/// use sockeye_adapter::Local;
///
/// let local = Local::new();
/// let old = local.add("first", 1);
/// local.remove(old);
/// let new = local.add("second", 2); // takes the same slot
/// assert_eq!((local.get(old), local.get(new)), (None, Some(2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    slot: u32,
    life: u32,
}

impl Key {
    pub(crate) fn slot(self) -> u32 {
        self.slot
    }
}

/// A socket and what is known about it.
pub(crate) struct Socket<M> {
    pub(crate) member: M,
    pub(crate) id: Arc<str>,
    pub(crate) memberships: Memberships,
    /// Where it stands in `everyone`.
    place: u32,
}

struct Slot<M> {
    life: u32,
    socket: Option<Socket<M>>,
}

pub(crate) struct Sockets<M> {
    slots: Vec<Slot<M>>,
    free: Vec<u32>,
    /// The taken slots, dense, in no order.
    everyone: Vec<u32>,
    /// Public ids are made by the server, so clients cannot aim at this table.
    ids: HashMap<Arc<str>, u32, RandomState>,
}

impl<M> Sockets<M> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), everyone: Vec::new(), ids: HashMap::default() }
    }

    /// How many slots there are, taken or not.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn everyone(&self) -> &[u32] {
        &self.everyone
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Socket<M>> {
        let slot = self.slots.get(key.slot as usize)?;
        if slot.life != key.life {
            return None;
        }
        slot.socket.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Socket<M>> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        if slot.life != key.life {
            return None;
        }
        slot.socket.as_mut()
    }

    /// The socket of a slot that an array named, which is always taken.
    pub(crate) fn at(&self, slot: u32) -> &Socket<M> {
        self.slots[slot as usize].socket.as_ref().expect("arrays name taken slots")
    }

    pub(crate) fn at_mut(&mut self, slot: u32) -> &mut Socket<M> {
        self.slots[slot as usize].socket.as_mut().expect("arrays name taken slots")
    }

    pub(crate) fn slot_of(&self, id: &str) -> Option<u32> {
        self.ids.get(id).copied()
    }

    pub(crate) fn add(&mut self, id: &str, member: M) -> Key {
        let slot = self.take_slot();
        let place = u32::try_from(self.everyone.len()).expect("places are counted in u32");
        let id: Arc<str> = id.into();
        self.everyone.push(slot);
        self.ids.insert(Arc::clone(&id), slot);
        let home = &mut self.slots[slot as usize];
        home.socket = Some(Socket { member, id, memberships: Memberships::default(), place });
        Key { slot, life: home.life }
    }

    /// Gives a socket another id. Whoever had it is not found by it any more.
    pub(crate) fn rename(&mut self, key: Key, id: &str) -> bool {
        let id: Arc<str> = id.into();
        let Some(socket) = self.get_mut(key) else {
            return false;
        };
        let old = std::mem::replace(&mut socket.id, Arc::clone(&id));
        if self.ids.get(&old) == Some(&key.slot) {
            self.ids.remove(&old);
        }
        self.ids.insert(id, key.slot);
        true
    }

    /// Forgets a socket that is in no room any more.
    pub(crate) fn remove(&mut self, key: Key) -> Option<M> {
        self.get(key)?;
        let home = &mut self.slots[key.slot as usize];
        let socket = home.socket.take()?;
        // A slot that has used up its lives stays empty, so that no key ever comes true again.
        if let Some(life) = home.life.checked_add(1) {
            home.life = life;
            self.free.push(key.slot);
        }
        self.close_gap(socket.place);
        // An id that was given twice belongs to whoever had it last.
        if self.ids.get(&socket.id) == Some(&key.slot) {
            self.ids.remove(&socket.id);
        }
        self.give_back();
        Some(socket.member)
    }

    fn take_slot(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            let slot = u32::try_from(self.slots.len()).expect("sockets are counted in u32");
            self.slots.push(Slot { life: 0, socket: None });
            slot
        })
    }

    /// Moves the last of `everyone` to the place that became free.
    fn close_gap(&mut self, place: u32) {
        self.everyone.swap_remove(place as usize);
        if let Some(&moved) = self.everyone.get(place as usize) {
            self.at_mut(moved).place = place;
        }
    }

    /// Returns the memory of a busy hour. The slots themselves stay: they remember their lives.
    fn give_back(&mut self) {
        give_back(&mut self.everyone);
        if self.ids.capacity() > 64 && self.ids.len() < self.ids.capacity() / 4 {
            self.ids.shrink_to(self.ids.len() * 2);
        }
    }
}
