//! The hall: all rooms, all guests, and the rules between them. No network here, no log, and no clock: time comes in.
//!
//! A *guest* is what a page is over all of its connections: a session of the log. The person behind it may have
//! several. Every method says what changed, and whoever called passes it on to those concerned, before anything
//! else is done here: that way all pages hear of changes in the order in which they happened.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde::Serialize;

use crate::names::{PersonId, PersonName, RoomName};
use crate::pace::Pace;
use crate::people::{People, Person, Presence};
use crate::refusal::Refusal;

/// All rooms and guests.
///
/// ```
/// use std::time::Duration;
/// use sockeye_chat::{Hall, Key, Limits, Person, PersonName, RoomName};
///
/// let lobby = RoomName::new("lobby")?;
/// let mut hall = Hall::new(Limits::default(), &[lobby.clone()]);
/// let id = Key::new("a secret of sixteen".to_owned())?.person();
/// hall.enter("socket-1", Person { id, name: PersonName::new("Ada")? }, &[], Duration::ZERO);
/// let joined = hall.join("socket-1", &lobby, Duration::ZERO)?;
/// assert_eq!(joined.people.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Hall {
    limits: Limits,
    rooms: HashMap<RoomName, Room>,
    guests: HashMap<String, Guest>,
    /// The rooms whose listing has changed since [`Hall::news`] was asked.
    changed: BTreeSet<RoomName>,
}

/// How much there may be of everything. What a text may hold is said by [`Text`](crate::Text), what a page of the past
/// may hold by [`PastPage`](crate::PastPage).
///
/// Together they bound what a newcomer is sent of all its rooms at once, whatever others have written there and call
/// themselves: by default to less than 768 KiB, where 4 MiB may wait for a client. Otherwise guests could fill rooms
/// until nobody with a slow connection gets in.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rooms with people in them, and the given ones. At the limit a new one is refused.
    pub rooms: usize,
    /// Rooms that one guest is in.
    pub rooms_per_guest: usize,
    /// People in one room.
    pub people_per_room: usize,
    /// Messages of one guest that somebody who is away is waited for with. Of those beyond it is told only how many
    /// had them at once.
    pub receipts_per_guest: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { rooms: 200, rooms_per_guest: 8, people_per_room: 200, receipts_per_guest: 16 }
    }
}

#[derive(Debug)]
struct Guest {
    person: Person,
    connected: bool,
    rooms: BTreeSet<RoomName>,
    pace: Pace,
    receipts: usize,
}

#[derive(Debug, Default)]
struct Room {
    given: bool,
    people: People,
}

/// One line in the list of rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoomListing {
    /// The room.
    pub room: RoomName,
    /// How many people are in it, those who are away not counted.
    pub people: usize,
    /// It belongs to the server, and is listed even when it is empty.
    pub given: bool,
}

/// A person in a room looks different to everybody there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub room: RoomName,
    /// Who.
    pub person: PersonId,
    /// How they look now; `None` if they have left.
    pub now: Option<Presence>,
}

/// A guest has come in, or has its connection again.
#[derive(Debug)]
pub struct Entered {
    /// For the rooms it is in.
    pub changes: Vec<Change>,
    /// The rooms in which there is no place for it any more.
    pub refused: Vec<RoomName>,
}

/// A guest is in a room now.
#[derive(Debug)]
pub struct Joined {
    /// It was not there before.
    pub first: bool,
    /// Who is in the room, the guest's own person included.
    pub people: Vec<Presence>,
    /// For the others in the room.
    pub change: Option<Change>,
}

impl Hall {
    /// A hall with the `given` rooms.
    pub fn new(limits: Limits, given: &[RoomName]) -> Self {
        let given =
            given.iter().map(|name| (name.clone(), Room { given: true, ..Room::default() }));
        Hall { limits, rooms: given.collect(), guests: HashMap::new(), changed: BTreeSet::new() }
    }

    /// A guest comes in, or has a connection again. One that is not known here, but was in `rooms` before the server
    /// was started again, is in them again.
    pub fn enter(
        &mut self,
        guest: &str,
        person: Person,
        rooms: &[RoomName],
        now: Duration,
    ) -> Entered {
        if let Some(known) = self.guests.get_mut(guest) {
            let found = !std::mem::replace(&mut known.connected, true);
            known.person = person;
            return Entered { changes: self.show(guest, found), refused: Vec::new() };
        }
        let pace = Pace::new(now);
        let fresh = Guest { person, connected: true, rooms: BTreeSet::new(), pace, receipts: 0 };
        self.guests.insert(guest.to_owned(), fresh);
        let mut entered = Entered { changes: Vec::new(), refused: Vec::new() };
        for name in rooms {
            match self.admit(guest, name) {
                Ok(change) => entered.changes.extend(change),
                Err(_) => entered.refused.push(name.clone()),
            }
        }
        entered
    }

    /// A guest has lost its connection, and may come back.
    pub fn lose(&mut self, guest: &str) -> Vec<Change> {
        let Some(visitor) = self.guests.get_mut(guest) else {
            return Vec::new();
        };
        if !std::mem::replace(&mut visitor.connected, false) {
            return Vec::new();
        }
        let (person, rooms) = (visitor.person.id, visitor.rooms.clone());
        let away = |name| self.alter(name, person, |people| people.lose(person));
        rooms.iter().filter_map(away).collect()
    }

    /// A guest will not come back: it leaves every room. `None` if it is not known here.
    pub fn depart(&mut self, guest: &str) -> Option<Vec<Change>> {
        let Guest { person, connected, rooms, .. } = self.guests.remove(guest)?;
        let go = |name| self.alter(name, person.id, |people| people.go(person.id, connected));
        Some(rooms.iter().filter_map(go).collect())
    }

    /// What pages that have outlived a restart have to hear of a person who has not come back after it.
    pub fn missing(&self, person: PersonId, rooms: &[RoomName]) -> Vec<Change> {
        let is_here =
            |name| self.rooms.get(name).is_some_and(|room| room.people.get(person).is_some());
        let without = rooms.iter().filter(|name| !is_here(*name));
        without.map(|name| Change { room: name.clone(), person, now: None }).collect()
    }

    /// A guest goes into a room, or into one it is in already.
    ///
    /// # Errors
    ///
    /// The guest does too much, or there is no place.
    pub fn join(&mut self, guest: &str, name: &RoomName, now: Duration) -> Result<Joined, Refusal> {
        self.allow(guest, now)?;
        let first = !self.visitor(guest)?.rooms.contains(name);
        let change = if first { self.admit(guest, name)? } else { None };
        Ok(Joined { first, people: self.people(name), change })
    }

    /// A guest leaves a room.
    pub fn leave(&mut self, guest: &str, name: &RoomName) -> Option<Change> {
        let visitor = self.guests.get_mut(guest)?;
        if !visitor.rooms.remove(name) {
            return None;
        }
        let (person, connected) = (visitor.person.id, visitor.connected);
        self.alter(name, person, |people| people.go(person, connected))
    }

    /// A guest does something in a room, such as to speak or to ask for its past: the person behind it.
    ///
    /// # Errors
    ///
    /// The guest is not in the room, or too fast.
    pub fn act(&mut self, guest: &str, name: &RoomName, now: Duration) -> Result<Person, Refusal> {
        let visitor = self.visitor(guest)?;
        if !visitor.rooms.contains(name) {
            return Err(Refusal::NotInside);
        }
        let person = visitor.person.clone();
        self.allow(guest, now)?;
        Ok(person)
    }

    /// A guest takes another name.
    ///
    /// # Errors
    ///
    /// The guest is too fast.
    pub fn rename(
        &mut self,
        guest: &str,
        name: PersonName,
        now: Duration,
    ) -> Result<(Person, Vec<Change>), Refusal> {
        self.allow(guest, now)?;
        let visitor = self.guests.get_mut(guest).ok_or(Refusal::Stranger)?;
        visitor.person.name = name;
        let person = visitor.person.clone();
        Ok((person, self.show(guest, false)))
    }

    /// Whether it is to be waited until everybody has a message of a guest; if so, until [`receipt_ends`].
    ///
    /// [`receipt_ends`]: Self::receipt_ends
    pub fn receipt_begins(&mut self, guest: &str) -> bool {
        let most = self.limits.receipts_per_guest;
        let free = self.guests.get_mut(guest).filter(|visitor| visitor.receipts < most);
        free.map(|visitor| visitor.receipts += 1).is_some()
    }

    /// It is not waited for any more.
    pub fn receipt_ends(&mut self, guest: &str) {
        if let Some(visitor) = self.guests.get_mut(guest) {
            visitor.receipts = visitor.receipts.saturating_sub(1);
        }
    }

    /// The rooms that a guest is in.
    pub fn rooms_of(&self, guest: &str) -> Vec<RoomName> {
        let rooms = self.guests.get(guest).map(|visitor| &visitor.rooms);
        rooms.into_iter().flatten().cloned().collect()
    }

    /// A guest looks around: the person behind it.
    ///
    /// # Errors
    ///
    /// The guest is too fast.
    pub fn look(&mut self, guest: &str, now: Duration) -> Result<Person, Refusal> {
        self.allow(guest, now)?;
        self.visitor(guest).map(|visitor| visitor.person.clone())
    }

    /// Who is in a room.
    pub fn people(&self, name: &RoomName) -> Vec<Presence> {
        self.rooms.get(name).map_or_else(Vec::new, |room| room.people.list())
    }

    /// The rooms to choose from: the given ones, and those with people.
    pub fn listings(&self) -> Vec<RoomListing> {
        let all = self.rooms.iter().map(|(name, room)| room.listing(name));
        all.filter(|listing| listing.given || listing.people > 0).collect()
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

    /// How many rooms there are.
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// How many guests there are.
    pub fn guests(&self) -> usize {
        self.guests.len()
    }

    fn visitor(&self, guest: &str) -> Result<&Guest, Refusal> {
        self.guests.get(guest).ok_or(Refusal::Stranger)
    }

    fn allow(&mut self, guest: &str, now: Duration) -> Result<(), Refusal> {
        let visitor = self.guests.get_mut(guest).ok_or(Refusal::Stranger)?;
        if visitor.pace.allows(now) { Ok(()) } else { Err(Refusal::TooFast) }
    }

    /// Puts a guest into a room, if there is a place.
    fn admit(&mut self, guest: &str, name: &RoomName) -> Result<Option<Change>, Refusal> {
        let visitor = self.guests.get_mut(guest).ok_or(Refusal::Stranger)?;
        let Limits { rooms, rooms_per_guest, people_per_room, .. } = self.limits;
        if visitor.rooms.len() >= rooms_per_guest {
            return Err(Refusal::TooManyRooms { limit: rooms_per_guest });
        }
        let person = visitor.person.clone();
        match self.rooms.get(name).map(|room| &room.people) {
            Some(people) if people.len() >= people_per_room && people.get(person.id).is_none() => {
                return Err(Refusal::RoomFull { limit: people_per_room });
            }
            None if self.rooms.len() >= rooms => return Err(Refusal::HallFull { limit: rooms }),
            _ => {}
        }
        visitor.rooms.insert(name.clone());
        self.rooms.entry(name.clone()).or_default();
        Ok(self.alter(name, person.id, |people| people.come(&person)))
    }

    /// Shows a guest's person as it is now in all of its rooms, with a connection that it had `found` again or not.
    fn show(&mut self, guest: &str, found: bool) -> Vec<Change> {
        let Some(visitor) = self.guests.get(guest) else {
            return Vec::new();
        };
        let (person, rooms) = (visitor.person.clone(), visitor.rooms.clone());
        let show = |name| {
            self.alter(name, person.id, |people| {
                people.rename(&person);
                if found {
                    people.find(person.id);
                }
            })
        };
        rooms.iter().filter_map(show).collect()
    }

    /// The one place where who is in a room changes. A room that nobody is in is forgotten; what was said there stays
    /// in the log.
    fn alter(
        &mut self,
        name: &RoomName,
        person: PersonId,
        act: impl FnOnce(&mut People),
    ) -> Option<Change> {
        let Room { people, given } = self.rooms.get_mut(name)?;
        let (before, count) = (people.get(person), people.here());
        act(people);
        let now = people.get(person);
        if people.here() != count {
            self.changed.insert(name.clone());
        }
        if people.is_empty() && !*given {
            self.rooms.remove(name);
        }
        (before != now).then(|| Change { room: name.clone(), person, now })
    }
}

impl Room {
    fn listing(&self, name: &RoomName) -> RoomListing {
        RoomListing { room: name.clone(), people: self.people.here(), given: self.given }
    }
}
