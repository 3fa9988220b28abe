//! Rooms and audience: who hears a broadcast, for one namespace of one process.
//!
//! | the question                              | the file     |
//! |-------------------------------------------|--------------|
//! | Who is in which room?                     | `rooms`      |
//! | Which sockets are there, by key and by id | `sockets`    |
//! | In which rooms is this socket, and where  | `membership` |
//! | `to(a).to(b).except(c)`                   | `audience`   |
//! | All of it behind one lock                 | `local`      |
//!
//! Not here, on purpose: tokio, sockets, packets, clocks, and what a member *is*. A member is
//! whatever the floor above wants to be handed when a broadcast reaches it.
//!
//! ```
//! use adapter::{Audience, Local};
//! # use sockeye_adapter as adapter;
//!
//! let chat = Local::new();
//! let alice = chat.add("alice-id", "Alice");
//! let bob = chat.add("bob-id", "Bob");
//! chat.join(alice, "lobby");
//! chat.join(bob, "lobby");
//!
//! let mut heard = Vec::new();
//! chat.visit(&Audience::everyone().to("lobby").except_socket(alice), |name| heard.push(*name));
//! assert_eq!(heard, ["Bob"]);
//!
//! // Every socket is in the room of its own id, without joining it.
//! assert_eq!(chat.members(&Audience::everyone().to("alice-id")), ["Alice"]);
//! ```
//!
//! # How it is laid out
//!
//! A room is a dense array of socket slots, so a broadcast walks an array and hashes one name. Each
//! socket knows its place in each of its rooms, and each place knows which of the socket's
//! memberships it belongs to; both sides give up an entry by moving their last one into the gap.
//! Joining, leaving and disconnecting therefore cost the same in a room of ten and of a million.

#![forbid(unsafe_code)]

mod audience;
mod local;
mod marks;
mod membership;
mod rooms;
mod sockets;

pub use audience::Audience;
pub use local::Local;
pub use rooms::Room;
pub use sockets::Key;
