//! The rooms of one namespace in one process, behind one lock.

use std::fmt;

use parking_lot::RwLock;
use smallvec::SmallVec;

use crate::marks::Marks;
use crate::membership::Membership;
use crate::rooms::{Occupant, Rooms};
use crate::sockets::{Socket, Sockets};
use crate::{Audience, Key, Room};

/// Who is connected to a namespace, and who is in which room. `M` is what a visitor is handed for
/// each socket; make it something that is cheap to clone.
///
/// Every socket is in the room of its own public id: that room is looked up, never stored, cannot be
/// left, and is not among [`rooms_of`](Self::rooms_of). Others may join a room of that name too.
///
/// # The lock
///
/// One lock guards membership and nothing else. Encoding, writing and awaiting happen outside. The
/// one thing that may be done under it is what [`visit`](Self::visit) is for: hand a reference to each
/// recipient's outbox (*room read lock, then outbox push*: the one nesting of locks in the house).
/// A visitor must not call back into the same `Local`, not even to read: it would wait for itself as
/// soon as a writer waits in between. A visitor that panics releases the lock and harms nothing.
///
/// ```
/// use sockeye_adapter::{Audience, Local};
/// use std::sync::{Arc, Mutex};
///
/// type Outbox = Arc<Mutex<Vec<Arc<str>>>>;
/// let local: Local<Outbox> = Local::new();
/// let key = local.add("x1", Outbox::default());
/// assert!(local.join(key, "news"));
///
/// let frame: Arc<str> = "42[\"hello\"]".into(); // encoded once, before the lock
/// local.visit(&Audience::everyone().to("news"), |outbox| {
///     outbox.lock().unwrap().push(Arc::clone(&frame)); // one more reference, no copy
/// });
///
/// let outbox = local.remove(key).unwrap(); // leaves every room
/// assert_eq!(outbox.lock().unwrap().len(), 1);
/// assert!(!local.join(key, "news"), "whoever is gone stays gone");
/// ```
pub struct Local<M> {
    /// Guards membership. Held while visiting, never while encoding, writing or awaiting.
    state: RwLock<State<M>>,
}

impl<M: Clone> Local<M> {
    /// A namespace with nobody in it.
    pub fn new() -> Self {
        Self { state: RwLock::new(State { sockets: Sockets::new(), rooms: Rooms::default() }) }
    }

    // Sockets come and go.

    /// Takes in a socket under its public id, which is expected to be unique. If it is not, the id
    /// (and with it the room of that name) belongs to whoever came last.
    pub fn add(&self, id: &str, member: M) -> Key {
        self.state.write().sockets.add(id, member)
    }

    /// Gives a socket another public id, and with it the room of that name: a client that has come back
    /// takes the id over that its last connection had. `false` if the socket is gone.
    ///
    /// ```
    /// use sockeye_adapter::Local;
    ///
    /// let local = Local::new();
    /// let lost = local.add("x1", "a connection that nobody answers on");
    /// let back = local.add("x2", "the next one");
    /// assert!(local.rename(back, "x1"));
    /// assert_eq!(local.by_id("x1"), Some("the next one"));
    /// assert!(local.remove(lost).is_some()); // which takes nothing away from it
    /// assert!(local.by_id("x1").is_some());
    /// ```
    pub fn rename(&self, key: Key, id: &str) -> bool {
        self.state.write().sockets.rename(key, id)
    }

    /// Lets a socket go: it leaves every room. `None` if it had gone already.
    pub fn remove(&self, key: Key) -> Option<M> {
        self.state.write().remove(key)
    }

    /// The socket behind a key, while it is here.
    pub fn get(&self, key: Key) -> Option<M> {
        self.state.read().sockets.get(key).map(|socket| socket.member.clone())
    }

    /// The socket with this public id.
    pub fn by_id(&self, id: &str) -> Option<M> {
        let state = self.state.read();
        let slot = state.sockets.slot_of(id)?;
        Some(state.sockets.at(slot).member.clone())
    }

    /// How many sockets are here.
    pub fn len(&self) -> usize {
        self.state.read().sockets.everyone().len()
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // Rooms.

    /// Puts a socket into a room; joining twice is joining once. `false` only if the socket is gone.
    pub fn join(&self, key: Key, room: &str) -> bool {
        self.state.write().join(key, room)
    }

    /// In how many rooms a socket is; without the room of its own id.
    pub fn memberships(&self, key: Key) -> usize {
        self.state
            .read()
            .sockets
            .get(key)
            .map_or(0, |socket| socket.memberships.next_seat() as usize)
    }

    /// Takes a socket out of a room. `false` if it was not in it, or is gone.
    pub fn leave(&self, key: Key, room: &str) -> bool {
        self.state.write().leave(key, room)
    }

    /// Whether a socket is in a room, the one of its own id included.
    pub fn is_in(&self, key: Key, room: &str) -> bool {
        let state = self.state.read();
        let Some(socket) = state.sockets.get(key) else {
            return false;
        };
        *socket.id == *room || state.seat_of(socket, room).is_some()
    }

    /// The rooms a socket has joined, in no order; without the room of its own id.
    pub fn rooms_of(&self, key: Key) -> Vec<Room> {
        let state = self.state.read();
        let Some(socket) = state.sockets.get(key) else {
            return Vec::new();
        };
        socket.memberships.iter().map(|one| state.rooms.name_of(one.room)).collect()
    }

    /// All rooms that somebody has joined, in no order; without the rooms of the sockets' own ids.
    pub fn rooms(&self) -> Vec<Room> {
        self.state.read().rooms.names().cloned().collect()
    }

    /// Calls `each` with every room that somebody has joined, and how many are in it; without the rooms of the sockets'
    /// own ids. Some rooms at a time under the lock, and `each` outside of it: a room that is opened or vanishes
    /// meanwhile may be left out, all others come once.
    ///
    /// ```
    /// use sockeye_adapter::Local;
    ///
    /// let local = Local::new();
    /// for id in ["x1", "x2"] {
    ///     let key = local.add(id, ());
    ///     local.join(key, "lobby");
    /// }
    /// local.room_sizes(|room, size| assert_eq!((room.as_str(), size), ("lobby", 2)));
    /// ```
    pub fn room_sizes(&self, mut each: impl FnMut(Room, usize)) {
        let mut some = Vec::new();
        for first in (0..).step_by(ROOMS_AT_A_TIME) {
            let state = self.state.read();
            let Some(sizes) = state.rooms.sizes(first, ROOMS_AT_A_TIME) else { return };
            some.extend(sizes.map(|(room, size)| (room.clone(), size)));
            drop(state);
            some.drain(..).for_each(|(room, size)| each(room, size));
        }
    }

    /// How many rooms have somebody in them; without the rooms of the sockets' own ids.
    pub fn room_count(&self) -> usize {
        self.state.read().rooms.len()
    }

    // Audiences.

    /// Calls `each` for every socket of the audience, once, in no order, **under the read lock**: see
    /// [the lock rule](Self#the-lock).
    ///
    /// Allocates nothing for everyone or for a single room, with up to four excluded sockets; united
    /// or excluded rooms need one bit for each socket of the namespace.
    pub fn visit(&self, audience: &Audience, mut each: impl FnMut(&M)) {
        let state = self.state.read();
        state.walk(audience, |slot| each(&state.sockets.at(slot).member));
    }

    /// The sockets of the audience, for what takes longer than a lock may be held.
    pub fn members(&self, audience: &Audience) -> Vec<M> {
        let mut members = Vec::new();
        self.visit(audience, |member| members.push(member.clone()));
        members
    }

    /// How many sockets the audience has now.
    pub fn count(&self, audience: &Audience) -> usize {
        let mut count = 0;
        self.state.read().walk(audience, |_| count += 1);
        count
    }
}

/// A list of all rooms holds the lock for so many of them.
const ROOMS_AT_A_TIME: usize = 256;

impl<M: Clone> Default for Local<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> fmt::Debug for Local<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.read();
        f.debug_struct("Local")
            .field("sockets", &state.sockets.everyone().len())
            .field("rooms", &state.rooms.len())
            .finish()
    }
}

struct State<M> {
    sockets: Sockets<M>,
    rooms: Rooms,
}

impl<M> State<M> {
    fn join(&mut self, key: Key, name: &str) -> bool {
        let Some(socket) = self.sockets.get_mut(key) else {
            return false;
        };
        if *socket.id == *name {
            return true;
        }
        let room = self.rooms.open(name);
        if socket.memberships.seat_of(room).is_none() {
            let seat = socket.memberships.next_seat();
            let place = self.rooms.enter(room, Occupant { slot: key.slot(), seat });
            socket.memberships.push(Membership { room, place });
        }
        true
    }

    fn leave(&mut self, key: Key, room: &str) -> bool {
        let seat = self.sockets.get(key).and_then(|socket| self.seat_of(socket, room));
        if let Some(seat) = seat {
            self.unseat(key.slot(), seat);
        }
        seat.is_some()
    }

    fn remove(&mut self, key: Key) -> Option<M> {
        while let Some(seat) = self.sockets.get(key)?.memberships.last() {
            self.unseat(key.slot(), seat);
        }
        self.sockets.remove(key)
    }

    fn seat_of(&self, socket: &Socket<M>, room: &str) -> Option<u32> {
        socket.memberships.seat_of(self.rooms.number_of(room)?)
    }

    /// Takes one membership out of both arrays, and tells whoever was moved into the gaps.
    fn unseat(&mut self, slot: u32, seat: u32) {
        let (gone, moved) = self.sockets.at_mut(slot).memberships.remove(seat);
        if let Some(moved) = moved {
            self.rooms.set_seat(moved, seat);
        }
        if let Some(neighbour) = self.rooms.exit(gone) {
            let neighbours = &mut self.sockets.at_mut(neighbour.slot).memberships;
            neighbours.set_place(neighbour.seat, gone.place);
        }
    }

    /// Every slot of the audience, once.
    fn walk(&self, audience: &Audience, each: impl FnMut(u32)) {
        let plain = audience.rooms().len() <= 1
            && audience.excluded_rooms().is_empty()
            && audience.excluded_sockets().len() <= COMPARED;
        if plain {
            self.walk_plain(audience, each);
        } else if self.is_small(audience) {
            self.walk_small(audience, each);
        } else {
            self.walk_sifted(audience, each);
        }
    }

    /// Whether the rooms that are meant have few members, however many sockets there are, and however many are
    /// in the rooms that are left out.
    fn is_small(&self, audience: &Audience) -> bool {
        let members = |room: &Room| self.rooms.occupants(room).len() + 1;
        let rooms = audience.rooms();
        !rooms.is_empty() && rooms.iter().map(members).sum::<usize>() <= SMALL
    }

    /// A short list: doubles are found by sorting it, and each one is asked whether it is left out.
    fn walk_small(&self, audience: &Audience, each: impl FnMut(u32)) {
        let mut meant: SmallVec<[u32; SMALL]> = SmallVec::new();
        for room in audience.rooms() {
            self.walk_room(room, |slot| meant.push(slot));
        }
        meant.sort_unstable();
        meant.dedup();
        let rooms = audience.excluded_rooms().iter();
        let owners = rooms.clone().filter_map(|room| self.sockets.slot_of(room));
        let excluded: SmallVec<[u32; COMPARED]> =
            self.excluded_slots(audience).chain(owners).collect();
        let quiet: SmallVec<[u32; COMPARED]> =
            rooms.filter_map(|room| self.rooms.number_of(room)).collect();
        let stays = |slot: &u32| {
            let memberships = &self.sockets.at(*slot).memberships;
            let is_quiet = quiet.iter().any(|room| memberships.seat_of(*room).is_some());
            !is_quiet && !excluded.contains(slot)
        };
        meant.into_iter().filter(stays).for_each(each);
    }

    /// One array holds nobody twice: walk it, and compare with the few who are left out.
    fn walk_plain(&self, audience: &Audience, mut each: impl FnMut(u32)) {
        let excluded: SmallVec<[u32; COMPARED]> = self.excluded_slots(audience).collect();
        // Once, not for every member: where the list is, inside or on the heap.
        let excluded = excluded.as_slice();
        let each = |slot| {
            if !excluded.contains(&slot) {
                each(slot);
            }
        };
        match audience.rooms() {
            [] => self.sockets.everyone().iter().copied().for_each(each),
            [room, ..] => self.walk_room(room, each),
        }
    }

    /// Several arrays: mark who has been met. Whoever is left out is marked beforehand.
    fn walk_sifted(&self, audience: &Audience, mut each: impl FnMut(u32)) {
        let mut met = Marks::new(self.sockets.slots());
        for slot in self.excluded_slots(audience) {
            met.mark(slot);
        }
        for room in audience.excluded_rooms() {
            self.walk_room(room, |slot| {
                met.mark(slot);
            });
        }
        if audience.rooms().is_empty() {
            let everyone = self.sockets.everyone().iter().copied();
            everyone.filter(|slot| !met.has(*slot)).for_each(&mut each);
        }
        for room in audience.rooms() {
            self.walk_room(room, |slot| {
                if met.mark(slot) {
                    each(slot);
                }
            });
        }
    }

    /// Whoever joined the room, and whoever has it as own id, who never joined it.
    fn walk_room(&self, room: &str, mut each: impl FnMut(u32)) {
        self.rooms.occupants(room).iter().for_each(|occupant| each(occupant.slot));
        if let Some(owner) = self.sockets.slot_of(room) {
            each(owner);
        }
    }

    /// The excluded sockets that are still here: a stale key must not silence its slot's next life.
    fn excluded_slots(&self, audience: &Audience) -> impl Iterator<Item = u32> {
        let keys = audience.excluded_sockets().iter();
        keys.filter(|key| self.sockets.get(**key).is_some()).map(|key| key.slot())
    }
}

/// Up to so many sockets are sorted; more are marked in a set of bits, one for each socket of the namespace.
const SMALL: usize = 64;

/// Up to so many excluded sockets are compared one by one.
const COMPARED: usize = 4;
