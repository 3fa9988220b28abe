//! Who is in which room. An empty room does not exist.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::membership::Membership;

/// The name of a room. Cloning it is a counted reference; a room's name is kept once per namespace.
///
/// ```
/// use sockeye_adapter::Room;
///
/// let room = Room::from("lobby");
/// assert_eq!(room.len(), 5); // it is a `str` wherever one is wanted
/// assert_eq!(room.to_string(), "lobby");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Room(Arc<str>);

impl Room {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Room {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Room {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Room {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Room {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<&String> for Room {
    fn from(name: &String) -> Self {
        Self(name.as_str().into())
    }
}

impl From<String> for Room {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<Arc<str>> for Room {
    fn from(name: Arc<str>) -> Self {
        Self(name)
    }
}

impl From<&Room> for Room {
    fn from(room: &Room) -> Self {
        room.clone()
    }
}

impl PartialEq<str> for Room {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Room {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One socket in a room's array: where it lives, and which of its memberships this place is.
#[derive(Clone, Copy)]
pub(crate) struct Occupant {
    pub(crate) slot: u32,
    pub(crate) seat: u32,
}

/// All rooms that have somebody in them, each with a number while it lasts.
#[derive(Default)]
pub(crate) struct Rooms {
    /// Names may come from clients, so they are hashed with a secret seed (`SipHash`): nobody can
    /// choose names that all fall into one bucket.
    numbers: HashMap<Room, u32, RandomState>,
    table: Vec<Entry>,
    free: Vec<u32>,
}

struct Entry {
    /// `None` while the number waits for its next room.
    name: Option<Room>,
    occupants: Vec<Occupant>,
}

impl Rooms {
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Room> {
        self.numbers.keys()
    }

    /// The rooms with these numbers, and how many are in each; `None` if there are none any more.
    pub(crate) fn sizes(
        &self,
        first: usize,
        most: usize,
    ) -> Option<impl Iterator<Item = (&Room, usize)>> {
        let entries = self.table.get(first..).filter(|rest| !rest.is_empty())?;
        let entries = entries.iter().take(most);
        Some(entries.filter_map(|entry| Some((entry.name.as_ref()?, entry.occupants.len()))))
    }

    pub(crate) fn number_of(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn name_of(&self, room: u32) -> Room {
        self.table[room as usize].name.clone().expect("a membership keeps its room")
    }

    pub(crate) fn occupants(&self, name: &str) -> &[Occupant] {
        self.number_of(name).map_or(&[], |room| &self.table[room as usize].occupants)
    }

    /// Finds the room, or opens it. A room that was opened must be entered.
    pub(crate) fn open(&mut self, name: &str) -> u32 {
        if let Some(room) = self.number_of(name) {
            return room;
        }
        let name = Room::from(name);
        let room = self.take_number();
        self.table[room as usize].name = Some(name.clone());
        self.numbers.insert(name, room);
        room
    }

    /// Puts a socket at the end of the room's array; comes back with its place.
    pub(crate) fn enter(&mut self, room: u32, occupant: Occupant) -> u32 {
        let occupants = &mut self.table[room as usize].occupants;
        let place = u32::try_from(occupants.len()).expect("places are counted in u32");
        occupants.push(occupant);
        place
    }

    /// Takes a place out of a room. Comes back with whoever was moved there from the end.
    pub(crate) fn exit(&mut self, at: Membership) -> Option<Occupant> {
        let occupants = &mut self.table[at.room as usize].occupants;
        occupants.swap_remove(at.place as usize);
        give_back(occupants);
        let moved = occupants.get(at.place as usize).copied();
        if occupants.is_empty() {
            self.vanish(at.room);
        }
        moved
    }

    /// The socket at this place keeps the membership at another seat now.
    pub(crate) fn set_seat(&mut self, at: Membership, seat: u32) {
        self.table[at.room as usize].occupants[at.place as usize].seat = seat;
    }

    fn take_number(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            let room = u32::try_from(self.table.len()).expect("rooms are counted in u32");
            self.table.push(Entry { name: None, occupants: Vec::new() });
            room
        })
    }

    fn vanish(&mut self, room: u32) {
        let entry = &mut self.table[room as usize];
        entry.occupants = Vec::new();
        let name = entry.name.take().expect("a room vanishes once");
        self.numbers.remove(&name);
        if self.numbers.is_empty() {
            // Nobody holds a number any more: the memory of a busy hour goes back.
            *self = Self::default();
        } else {
            self.free.push(room);
        }
    }
}

/// Returns memory that a shrinking array will not need soon; small arrays keep theirs.
pub(crate) fn give_back<T>(array: &mut Vec<T>) {
    if array.capacity() > 64 && array.len() < array.capacity() / 4 {
        array.shrink_to(array.len() * 2);
    }
}
