//! The rooms of one socket, as seen from the socket.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

/// One room that a socket is in, and where in that room's array it stands.
#[derive(Clone, Copy)]
pub(crate) struct Membership {
    pub(crate) room: u32,
    pub(crate) place: u32,
}

/// All memberships of a socket. The position of one in here is its *seat*.
///
/// Two rooms need no heap. A socket with more than [`SCAN`] of them gets a map from room to seat, so
/// that a bot in ten thousand rooms does not make each join a walk over ten thousand entries.
#[derive(Default)]
pub(crate) struct Memberships {
    list: SmallVec<[Membership; 2]>,
    #[expect(clippy::box_collection, reason = "nearly every socket has none: 8 bytes, not 40")]
    seats: Option<Box<HashMap<u32, u32, RandomState>>>,
}

impl Memberships {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Membership> {
        self.list.iter().copied()
    }

    /// The seat of the last membership.
    pub(crate) fn last(&self) -> Option<u32> {
        self.list.len().checked_sub(1).map(narrow)
    }

    pub(crate) fn seat_of(&self, room: u32) -> Option<u32> {
        match &self.seats {
            Some(seats) => seats.get(&room).copied(),
            None => self.list.iter().position(|one| one.room == room).map(narrow),
        }
    }

    /// The seat that the next [`push`](Self::push) takes.
    pub(crate) fn next_seat(&self) -> u32 {
        narrow(self.list.len())
    }

    pub(crate) fn push(&mut self, membership: Membership) {
        let seat = self.next_seat();
        self.list.push(membership);
        match &mut self.seats {
            Some(seats) => {
                seats.insert(membership.room, seat);
            }
            None if self.list.len() > SCAN => self.seats = Some(Box::new(self.map())),
            None => {}
        }
    }

    /// Gives up a seat. Comes back with what stood there, and with what stands there now.
    pub(crate) fn remove(&mut self, seat: u32) -> (Membership, Option<Membership>) {
        let gone = self.list.swap_remove(seat as usize);
        let moved = self.list.get(seat as usize).copied();
        if let Some(seats) = &mut self.seats {
            seats.remove(&gone.room);
            if let Some(moved) = moved {
                seats.insert(moved.room, seat);
            }
        }
        if self.list.len() <= SCAN / 2 {
            self.seats = None;
        }
        (gone, moved)
    }

    /// The room moved this socket to another place of its array.
    pub(crate) fn set_place(&mut self, seat: u32, place: u32) {
        self.list[seat as usize].place = place;
    }

    fn map(&self) -> HashMap<u32, u32, RandomState> {
        self.list.iter().enumerate().map(|(seat, one)| (one.room, narrow(seat))).collect()
    }
}

/// A socket is in at most as many rooms as there are room numbers, which are `u32`.
fn narrow(seat: usize) -> u32 {
    u32::try_from(seat).expect("seats are counted in u32")
}

/// Up to here, looking through the list is faster than hashing.
const SCAN: usize = 32;
