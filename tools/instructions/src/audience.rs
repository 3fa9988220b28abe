//! A namespace with many sockets.

use adapter::{Audience, Key, Local};

/// How many sockets there are.
pub const SOCKETS: u32 = 1200;

/// How many of them are in the room `thousand`.
pub const THOUSAND: u32 = 1000;

/// How many small rooms there are, with ten sockets in each. Their names fill half of a hash table:
/// in one that is nearly full, what a look-up takes would depend on its seed.
pub const SMALL_ROOMS: u32 = 120;

/// A namespace, and a socket in it.
pub struct Namespace {
    /// The sockets; a member is its number.
    pub local: Local<u32>,
    /// The last socket: of the small rooms it is in one, and it is not in `thousand`.
    pub key: Key,
}

/// A thousand sockets are in `thousand`, ten each in `room 0`, `room 1`, …; every third is `muted`.
pub fn namespace() -> Namespace {
    let local = Local::new();
    let keys = (0..SOCKETS).map(|number| add(&local, number));
    let key = keys.last().expect("there are sockets");
    Namespace { local, key }
}

fn add(local: &Local<u32>, number: u32) -> Key {
    let key = local.add(&format!("socket {number}"), number);
    local.join(key, &small_room(number % SMALL_ROOMS));
    if number < THOUSAND {
        local.join(key, "thousand");
    }
    if number.is_multiple_of(3) {
        local.join(key, "muted");
    }
    key
}

/// The audiences of the small rooms.
pub fn small_rooms() -> Vec<Audience> {
    (0..SMALL_ROOMS).map(|number| Audience::everyone().to(small_room(number))).collect()
}

/// Rooms that others are in.
pub fn rooms_of_others() -> Vec<String> {
    (0..32).map(small_room).collect()
}

/// The names of rooms that nobody is in.
pub fn empty_rooms() -> Vec<String> {
    (0..32).map(|number| format!("new {number}")).collect()
}

fn small_room(number: u32) -> String {
    format!("room {number}")
}
