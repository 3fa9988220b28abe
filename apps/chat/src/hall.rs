//! The hall: all rooms, all guests, and the rules between them. No network here, and no clock: time comes in.
//!
//! A *guest* is one connection; the person behind it may have several. Every method says what changed, and whoever
//! called passes it on to those concerned, before anything else is done here: that way all pages hear of changes in
//! the order in which they happened.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::memory::{Memory, Message, Receipt, Taken};
use crate::names::{MessageId, PersonId, PersonName, RoomName, Text};
use crate::pace::Pace;
use crate::people::{People, Person};
use crate::refusal::Refusal;

/// All rooms and guests.
///
/// ```
/// use std::time::Duration;
/// use sockeye_chat::{Hall, Key, Limits, Person, PersonName, RoomName};
///
/// let lobby = RoomName::new("lobby")?;
/// let mut hall = Hall::new(Limits::default(), "e", &[lobby.clone()]);
/// let id = Key::new("a secret of sixteen".to_owned())?.person();
/// hall.enter("socket-1", Person { id, name: PersonName::new("Ada")? }, Duration::ZERO);
/// let joined = hall.join("socket-1", &lobby, None, Duration::ZERO)?;
/// assert_eq!(joined.state.people.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Hall {
    limits: Limits,
    /// The first part of every room's epoch: no two hall lives share it.
    life: String,
    /// The second part; also a clock for "who was empty longest".
    turns: u64,
    rooms: HashMap<RoomName, Room>,
    guests: HashMap<String, Guest>,
    /// The rooms whose listing has changed since [`Hall::news`] was asked.
    changed: BTreeSet<RoomName>,
}

/// How much there may be of everything. What text and memory may hold is said by [`Text`] and [`Memory`].
///
/// Together they bound what a newcomer is sent of all its rooms at once, whatever others have written there and call
/// themselves: by default to less than 768 KiB, where 4 MiB may wait for a client. Otherwise guests could fill rooms
/// until nobody with a slow connection gets in.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rooms that exist, the remembered empty ones included. At the limit the room that has been empty for longest
    /// is forgotten; if none is empty, a new one is refused.
    pub rooms: usize,
    /// Rooms that one connection is in.
    pub rooms_per_guest: usize,
    /// People in one room.
    pub people_per_room: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { rooms: 200, rooms_per_guest: 8, people_per_room: 200 }
    }
}

#[derive(Debug)]
struct Guest {
    person: Person,
    rooms: BTreeSet<RoomName>,
    pace: Pace,
}

#[derive(Debug)]
struct Room {
    epoch: String,
    given: bool,
    memory: Memory,
    people: People,
    /// The turn at which the last person left.
    empty_since: u64,
}

/// Up to where a page has a room's messages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Position {
    /// The life of the room's memory that the number belongs to.
    pub epoch: String,
    /// The number of the last message.
    pub seq: u64,
}

/// A room as it is now, for one page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoomState {
    /// The room.
    pub room: RoomName,
    /// The life of its memory.
    pub epoch: String,
    /// The number of the newest message.
    pub seq: u64,
    /// What the page has not got yet.
    pub messages: Vec<Arc<Message>>,
    /// How many it has missed for good.
    pub missing: u64,
    /// Who is here, the page's own person included.
    pub people: Vec<Person>,
}

/// One line in the list of rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoomListing {
    /// The room.
    pub room: RoomName,
    /// How many people are in it.
    pub people: usize,
    /// It belongs to the server, and is listed even when it is empty.
    pub given: bool,
}

/// A guest is in a room now.
#[derive(Clone, Debug)]
pub struct Joined {
    /// For the guest.
    pub state: RoomState,
    /// For the others in the room, if the person was not there before.
    pub arrived: Option<Person>,
}

/// A person has left a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Who.
    pub person: PersonId,
    /// From where.
    pub room: RoomName,
}

/// A message has been taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The life of the room's memory.
    pub epoch: String,
    /// For the sender.
    pub receipt: Receipt,
    /// For everybody in the room, unless they had it before.
    pub push: Option<Arc<Message>>,
}

impl Hall {
    /// A hall with the `given` rooms. `life` has to differ from that of every other hall: pages tell by it that
    /// the server has forgotten what they remember.
    pub fn new(limits: Limits, life: &str, given: &[RoomName]) -> Self {
        let mut hall = Hall {
            limits,
            life: life.to_owned(),
            turns: 0,
            rooms: HashMap::new(),
            guests: HashMap::new(),
            changed: BTreeSet::new(),
        };
        for name in given {
            hall.open(name, true);
        }
        hall
    }

    /// A connection comes in, and is in no room yet.
    pub fn enter(&mut self, guest: &str, person: Person, now: Duration) {
        let fresh = Guest { person, rooms: BTreeSet::new(), pace: Pace::new(now) };
        self.guests.insert(guest.to_owned(), fresh);
    }

    /// A guest goes into a room, or into one it is in already: both answer with what the page has not got.
    ///
    /// # Errors
    ///
    /// The guest does too much, or there is no place.
    pub fn join(
        &mut self,
        guest: &str,
        name: &RoomName,
        after: Option<&Position>,
        now: Duration,
    ) -> Result<Joined, Refusal> {
        self.allow(guest, now)?;
        let visitor = self.guests.get(guest).ok_or(Refusal::Stranger)?;
        let person = visitor.person.clone();
        let first = !visitor.rooms.contains(name);
        if first {
            self.admit(guest, &person, name)?;
        }
        let room = self.rooms.get_mut(name).ok_or(Refusal::NotInside)?;
        let arrived = first && room.people.come(&person);
        if arrived {
            self.changed.insert(name.clone());
        }
        Ok(Joined { state: room.state(name, after), arrived: arrived.then_some(person) })
    }

    /// A guest leaves a room. `None` if nobody has to hear of it.
    pub fn leave(&mut self, guest: &str, name: &RoomName) -> Option<Departure> {
        let visitor = self.guests.get_mut(guest)?;
        if !visitor.rooms.remove(name) {
            return None;
        }
        let person = visitor.person.id;
        self.part(person, name)
    }

    /// A connection has ended: its guest leaves every room.
    pub fn depart(&mut self, guest: &str) -> Vec<Departure> {
        let Some(visitor) = self.guests.remove(guest) else {
            return Vec::new();
        };
        let person = visitor.person.id;
        visitor.rooms.iter().filter_map(|name| self.part(person, name)).collect()
    }

    /// A guest says something in a room.
    ///
    /// # Errors
    ///
    /// The guest is not in the room, or too fast.
    pub fn post(
        &mut self,
        guest: &str,
        name: &RoomName,
        id: MessageId,
        text: Text,
        (at, now): (u64, Duration),
    ) -> Result<Posted, Refusal> {
        let person = self.inside(guest, name)?.clone();
        self.allow(guest, now)?;
        let room = self.rooms.get_mut(name).ok_or(Refusal::NotInside)?;
        let taken = room.memory.take(id, person, text, at);
        let receipt = taken.receipt();
        let push = if let Taken::New(message) = taken { Some(message) } else { None };
        Ok(Posted { epoch: room.epoch.clone(), receipt, push })
    }

    /// A guest types in a room: the person whom the others are to see typing.
    ///
    /// # Errors
    ///
    /// The guest is not in the room, or too fast.
    pub fn typing(
        &mut self,
        guest: &str,
        name: &RoomName,
        now: Duration,
    ) -> Result<PersonId, Refusal> {
        let person = self.inside(guest, name)?.id;
        self.allow(guest, now)?;
        Ok(person)
    }

    /// A guest takes another name; all rooms in which others see it.
    ///
    /// # Errors
    ///
    /// The guest is too fast.
    pub fn rename(
        &mut self,
        guest: &str,
        name: PersonName,
        now: Duration,
    ) -> Result<(Person, Vec<RoomName>), Refusal> {
        self.allow(guest, now)?;
        let visitor = self.guests.get_mut(guest).ok_or(Refusal::Stranger)?;
        visitor.person.name = name;
        let person = visitor.person.clone();
        let rooms: Vec<RoomName> = visitor.rooms.iter().cloned().collect();
        for name in &rooms {
            if let Some(room) = self.rooms.get_mut(name) {
                room.people.rename(&person);
            }
        }
        Ok((person, rooms))
    }

    /// The rooms to choose from: the given ones, and those with people.
    pub fn listings(&self) -> Vec<RoomListing> {
        let listed = self.rooms.iter().filter(|(_, room)| room.given || !room.people.is_empty());
        listed.map(|(name, room)| room.listing(name)).collect()
    }

    /// Whether the list of rooms has changed since [`news`](Self::news) was asked.
    pub fn has_news(&self) -> bool {
        !self.changed.is_empty()
    }

    /// What has changed in the list of rooms since this was asked last: each room once, as it is listed now. One
    /// that is listed no longer is not given, and nobody is in it.
    pub fn news(&mut self) -> Vec<RoomListing> {
        let changed = std::mem::take(&mut self.changed);
        let listing = |name: RoomName| match self.rooms.get(&name) {
            Some(room) => room.listing(&name),
            None => RoomListing { room: name, people: 0, given: false },
        };
        changed.into_iter().map(listing).collect()
    }

    /// How many rooms there are, the empty ones that are remembered included.
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// How many connections there are.
    pub fn guests(&self) -> usize {
        self.guests.len()
    }

    fn allow(&mut self, guest: &str, now: Duration) -> Result<(), Refusal> {
        let visitor = self.guests.get_mut(guest).ok_or(Refusal::Stranger)?;
        if visitor.pace.allows(now) { Ok(()) } else { Err(Refusal::TooFast) }
    }

    fn inside(&self, guest: &str, name: &RoomName) -> Result<&Person, Refusal> {
        let visitor = self.guests.get(guest).ok_or(Refusal::Stranger)?;
        if visitor.rooms.contains(name) { Ok(&visitor.person) } else { Err(Refusal::NotInside) }
    }

    /// Finds a place for a guest that is not in the room yet.
    fn admit(&mut self, guest: &str, person: &Person, name: &RoomName) -> Result<(), Refusal> {
        let visitor = self.guests.get_mut(guest).ok_or(Refusal::Stranger)?;
        if visitor.rooms.len() >= self.limits.rooms_per_guest {
            return Err(Refusal::TooManyRooms { limit: self.limits.rooms_per_guest });
        }
        match self.rooms.get(name) {
            Some(room)
                if room.people.len() >= self.limits.people_per_room
                    && !room.people.has(person.id) =>
            {
                return Err(Refusal::RoomFull { limit: self.limits.people_per_room });
            }
            Some(_) => {}
            None => {
                self.make_place()?;
                self.open(name, false);
            }
        }
        if let Some(visitor) = self.guests.get_mut(guest) {
            visitor.rooms.insert(name.clone());
        }
        Ok(())
    }

    fn make_place(&mut self) -> Result<(), Refusal> {
        if self.rooms.len() < self.limits.rooms {
            return Ok(());
        }
        let empty = self.rooms.iter().filter(|(_, room)| room.people.is_empty() && !room.given);
        let longest = empty.min_by_key(|(_, room)| room.empty_since).map(|(name, _)| name.clone());
        let name = longest.ok_or(Refusal::HallFull { limit: self.limits.rooms })?;
        self.rooms.remove(&name);
        Ok(())
    }

    fn open(&mut self, name: &RoomName, given: bool) {
        self.turns += 1;
        let room = Room {
            epoch: format!("{}-{}", self.life, self.turns),
            given,
            memory: Memory::new(),
            people: People::default(),
            empty_since: self.turns,
        };
        self.rooms.insert(name.clone(), room);
    }

    fn part(&mut self, person: PersonId, name: &RoomName) -> Option<Departure> {
        let room = self.rooms.get_mut(name)?;
        if !room.people.go(person) {
            return None;
        }
        self.turns += 1;
        room.empty_since = self.turns;
        self.changed.insert(name.clone());
        Some(Departure { person, room: name.clone() })
    }
}

impl Room {
    fn listing(&self, name: &RoomName) -> RoomListing {
        RoomListing { room: name.clone(), people: self.people.len(), given: self.given }
    }

    fn state(&self, name: &RoomName, after: Option<&Position>) -> RoomState {
        // A number of another life says nothing here: the page gets all there is, and nothing is missing of this life.
        let known = after.filter(|position| position.epoch == self.epoch);
        let (messages, missing) = self.memory.since(known.map_or(0, |position| position.seq));
        RoomState {
            room: name.clone(),
            epoch: self.epoch.clone(),
            seq: self.memory.newest(),
            messages,
            missing: if known.is_some() { missing } else { 0 },
            people: self.people.list(),
        }
    }
}
