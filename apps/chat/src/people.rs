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

/// The people of one room. A person may be there by several connections: by two copies of one window, or for a
/// moment by the old and the new connection when the old one has died unnoticed. They are gone with the last.
#[derive(Debug, Default)]
pub struct People {
    present: HashMap<PersonId, Presence>,
}

#[derive(Debug)]
struct Presence {
    person: Person,
    connections: usize,
}

impl People {
    /// One more connection of this person; true if they were not here before. The newest name counts.
    pub fn come(&mut self, person: &Person) -> bool {
        let presence = self
            .present
            .entry(person.id)
            .or_insert_with(|| Presence { person: person.clone(), connections: 0 });
        presence.person = person.clone();
        presence.connections += 1;
        presence.connections == 1
    }

    /// One connection less; true if it was the person's last here.
    pub fn go(&mut self, id: PersonId) -> bool {
        let Some(presence) = self.present.get_mut(&id) else {
            return false;
        };
        presence.connections -= 1;
        let gone = presence.connections == 0;
        if gone {
            self.present.remove(&id);
        }
        gone
    }

    /// The person has another name from now on.
    pub fn rename(&mut self, person: &Person) {
        if let Some(presence) = self.present.get_mut(&person.id) {
            presence.person = person.clone();
        }
    }

    /// Whether this person is here.
    pub fn has(&self, id: PersonId) -> bool {
        self.present.contains_key(&id)
    }

    /// How many people, not connections.
    pub fn len(&self) -> usize {
        self.present.len()
    }

    /// Nobody is here.
    pub fn is_empty(&self) -> bool {
        self.present.is_empty()
    }

    /// Everybody, in no order.
    pub fn list(&self) -> Vec<Person> {
        self.present.values().map(|presence| presence.person.clone()).collect()
    }
}
