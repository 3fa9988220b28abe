//! Who is in a room.

use std::collections::HashMap;

use serde::Serialize;

use crate::names::{PersonId, PersonName};

/// A person, as everybody sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// One for each window of a browser.
    pub id: PersonId,
    /// What they call themselves.
    pub name: PersonName,
}

/// A person in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// Who.
    #[serde(flatten)]
    pub person: Person,
    /// Without a connection, and expected back.
    pub away: bool,
}

/// The people of one room. A person may be there several times: by two copies of one window, or by a page that has
/// lost its session and by that session, until it is given up. They are gone with the last, and away when none of them
/// has a connection.
#[derive(Debug, Default)]
pub struct People {
    present: HashMap<PersonId, Seats>,
}

#[derive(Debug)]
struct Seats {
    person: Person,
    all: usize,
    connected: usize,
}

impl People {
    /// A guest of this person has come in, with a connection. The newest name counts.
    pub fn come(&mut self, person: &Person) {
        let none = || Seats { person: person.clone(), all: 0, connected: 0 };
        let seats = self.present.entry(person.id).or_insert_with(none);
        seats.person = person.clone();
        seats.all += 1;
        seats.connected += 1;
    }

    /// A guest of this person has left; whether it had a connection.
    pub fn go(&mut self, id: PersonId, connected: bool) {
        let Some(seats) = self.present.get_mut(&id) else {
            return;
        };
        seats.all -= 1;
        seats.connected -= usize::from(connected);
        if seats.all == 0 {
            self.present.remove(&id);
        }
    }

    /// A guest of this person has lost its connection.
    pub fn lose(&mut self, id: PersonId) {
        if let Some(seats) = self.present.get_mut(&id) {
            seats.connected -= 1;
        }
    }

    /// A guest of this person has a connection again.
    pub fn find(&mut self, id: PersonId) {
        if let Some(seats) = self.present.get_mut(&id) {
            seats.connected += 1;
        }
    }

    /// The person has another name from now on.
    pub fn rename(&mut self, person: &Person) {
        if let Some(seats) = self.present.get_mut(&person.id) {
            seats.person = person.clone();
        }
    }

    /// This person, as everybody in the room sees them.
    pub fn get(&self, id: PersonId) -> Option<Presence> {
        self.present.get(&id).map(Seats::presence)
    }

    /// How many people, those who are away included.
    pub fn len(&self) -> usize {
        self.present.len()
    }

    /// Nobody is in the room.
    pub fn is_empty(&self) -> bool {
        self.present.is_empty()
    }

    /// How many people are not away.
    pub fn here(&self) -> usize {
        self.present.values().filter(|seats| seats.connected > 0).count()
    }

    /// Everybody, in no order.
    pub fn list(&self) -> Vec<Presence> {
        self.present.values().map(Seats::presence).collect()
    }
}

impl Seats {
    fn presence(&self) -> Presence {
        Presence { person: self.person.clone(), away: self.connected == 0 }
    }
}
