//! The namespaces of one connection, each in a slot.

use smallvec::SmallVec;

use crate::namespace;

/// One namespace of one connection, from CONNECT until it is left or refused.
///
/// Slots are reused, lives are not: a slot kept from an earlier life names nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    index: u32,
    life: u32,
}

impl Slot {
    /// Its place in a dense table: small, below [`Limits::namespaces`](crate::Limits).
    pub fn index(self) -> usize {
        self.index as usize
    }
}

/// Where a namespace stands.
///
/// ```text
///   Free ── CONNECT ──▶ Pending ── accepted ──▶ Joined
///    ▲                     │                      │
///    └────── refused ──────┴──── left, DISCONNECT ┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    Pending,
    Joined,
}

/// Looked through from the start: nearly every connection has one namespace, and none may have
/// more than a limit that somebody chose.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: SmallVec<[Entry; 1]>,
}

#[derive(Debug)]
struct Entry {
    /// Without memory of its own for the main namespace.
    name: Name,
    life: u32,
    state: State,
}

impl Table {
    /// The slot of `name` and its state, unless that is `Free`.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<(Slot, State)> {
        let taken = |entry: &Entry| entry.state != State::Free && entry.name.as_str() == name;
        let index = self.entries.iter().position(taken)?;
        Some((self.slot(index), self.entries[index].state))
    }

    /// A slot for `name`, which has none; `None` if `limit` are taken.
    pub(super) fn reserve(&mut self, name: &str, limit: usize) -> Option<Slot> {
        let free = self.entries.iter().position(|entry| entry.state == State::Free);
        let index = free.unwrap_or(self.entries.len());
        if index >= limit {
            return None;
        }
        if index == self.entries.len() {
            self.entries.push(Entry { name: Name::Main, life: 0, state: State::Free });
        }
        let entry = &mut self.entries[index];
        entry.name = Name::new(name);
        entry.state = State::Pending;
        Some(self.slot(index))
    }

    /// From `Pending` to `Joined`; false if it is not pending.
    pub(super) fn join(&mut self, slot: Slot) -> bool {
        match self.entry(slot) {
            Some(entry) if entry.state == State::Pending => {
                entry.state = State::Joined;
                true
            }
            _ => false,
        }
    }

    /// Frees the slot, whose name comes back; `None` if it was free.
    pub(super) fn free(&mut self, slot: Slot) -> Option<Box<str>> {
        let entry = self.entry(slot)?;
        entry.state = State::Free;
        entry.life = entry.life.wrapping_add(1);
        let name = std::mem::replace(&mut entry.name, Name::Main);
        Some(name.into())
    }

    /// The name of the namespace in this slot, pending or joined.
    pub(super) fn name(&self, slot: Slot) -> Option<&str> {
        self.peek(slot).map(|entry| entry.name.as_str())
    }

    pub(super) fn is_joined(&self, slot: Slot) -> bool {
        self.peek(slot).is_some_and(|entry| entry.state == State::Joined)
    }

    pub(super) fn any_joined(&self) -> bool {
        self.entries.iter().any(|entry| entry.state == State::Joined)
    }

    fn slot(&self, index: usize) -> Slot {
        let life = self.entries[index].life;
        Slot { index: u32::try_from(index).unwrap_or(u32::MAX), life }
    }

    fn peek(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot.index()).filter(|entry| entry.is(slot))
    }

    fn entry(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.entries.get_mut(slot.index()).filter(|entry| entry.is(slot))
    }
}

impl Entry {
    fn is(&self, slot: Slot) -> bool {
        self.life == slot.life && self.state != State::Free
    }
}

#[derive(Debug)]
enum Name {
    Main,
    Other(Box<str>),
}

impl Name {
    fn new(name: &str) -> Self {
        if name == namespace::MAIN { Self::Main } else { Self::Other(name.into()) }
    }

    #[inline]
    fn as_str(&self) -> &str {
        match self {
            Self::Main => namespace::MAIN,
            Self::Other(name) => name,
        }
    }
}

impl From<Name> for Box<str> {
    fn from(name: Name) -> Self {
        match name {
            Name::Main => namespace::MAIN.into(),
            Name::Other(name) => name,
        }
    }
}
