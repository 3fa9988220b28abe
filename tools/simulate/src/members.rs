//! Who is a member of what, as the application can know it.

use std::collections::{BTreeMap, BTreeSet};

use sockeye::Durability;

use crate::said::Address;

/// A session of the server, by its number.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) page: usize,
    /// The id of its sockets.
    pub(crate) id: String,
    /// How much had been said when its page asked to come in, and when it was in.
    pub(crate) entering: usize,
    pub(crate) born: usize,
    /// The server has said so: it will not come back, unless that could not be written.
    pub(crate) is_gone: bool,
    rooms: BTreeMap<String, Stay>,
    changes: Vec<Change>,
    /// What it is still to hear, in order.
    pub(crate) owed: std::collections::VecDeque<usize>,
    /// What was passed over: it heard something later.
    pub(crate) passed: Vec<usize>,
}

/// Whether it is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    In,
    Out,
    /// The server has ended before the last change was stored.
    Unsure,
}

#[derive(Clone, Debug)]
struct Change {
    room: String,
    joined: bool,
    /// How much had been said.
    at: usize,
    stored: bool,
}

impl Member {
    pub(crate) fn new(page: usize, id: &str, entering: usize, born: usize) -> Self {
        Member {
            page,
            id: id.to_owned(),
            entering,
            born,
            is_gone: false,
            rooms: BTreeMap::new(),
            changes: Vec::new(),
            owed: std::collections::VecDeque::new(),
            passed: Vec::new(),
        }
    }

    pub(crate) fn stay(&self, room: &str) -> Stay {
        if room == self.id {
            return Stay::In;
        }
        self.rooms.get(room).copied().unwrap_or(Stay::Out)
    }

    /// Returns the number of the change, to be named when it is stored.
    pub(crate) fn change(&mut self, room: &str, joined: bool, at: usize) -> usize {
        self.rooms.insert(room.to_owned(), if joined { Stay::In } else { Stay::Out });
        self.changes.push(Change { room: room.to_owned(), joined, at, stored: false });
        self.changes.len() - 1
    }

    pub(crate) fn stored(&mut self, change: usize) {
        if let Some(change) = self.changes.get_mut(change) {
            change.stored = true;
        }
    }

    /// The server has ended. What is known is what was stored, up to here.
    pub(crate) fn restart(&mut self, class: Durability, up_to: usize) {
        let known = class > Durability::Memory && !std::mem::take(&mut self.is_gone);
        for change in &mut self.changes {
            // Whoever ends later knows no better.
            change.stored &= known && change.at < up_to;
            let stay = match (change.stored, change.joined) {
                (true, true) => Stay::In,
                (true, false) => Stay::Out,
                (false, _) => Stay::Unsure,
            };
            self.rooms.insert(change.room.clone(), stay);
        }
    }

    /// It is back, and is in these rooms. What is wrong with that, if anything.
    pub(crate) fn found_in(&mut self, found: &[String], at: usize) -> Option<String> {
        let mut wrong = None;
        let names: BTreeSet<String> =
            self.rooms.keys().cloned().chain(found.iter().cloned()).collect();
        for room in names {
            let is_in = found.contains(&room);
            match self.stay(&room) {
                Stay::In if !is_in => wrong = Some(format!("it is not in {room} any more")),
                Stay::Out if is_in => wrong = Some(format!("it is in {room}")),
                Stay::In | Stay::Out => {}
                Stay::Unsure => {
                    let change = self.change(&room, is_in, at);
                    self.stored(change);
                }
            }
        }
        wrong
    }

    /// Whether an event is for it.
    pub(crate) fn is_meant(&self, address: &Address) -> Stay {
        let any = |rooms: &[String]| {
            let stays: Vec<Stay> = rooms.iter().map(|room| self.stay(room)).collect();
            match () {
                () if stays.contains(&Stay::In) => Stay::In,
                () if stays.contains(&Stay::Unsure) => Stay::Unsure,
                () => Stay::Out,
            }
        };
        let to = if address.to.is_empty() { Stay::In } else { any(&address.to) };
        match (to, any(&address.except)) {
            (Stay::Out, _) | (_, Stay::In) => Stay::Out,
            (Stay::In, Stay::Out) => Stay::In,
            _ => Stay::Unsure,
        }
    }
}
