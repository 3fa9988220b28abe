//! The chat of Sockeye: rooms, people and messages over Socket.IO, and the page for it.

#![forbid(unsafe_code)]

mod chat;
mod hall;
mod memory;
mod names;
mod pace;
mod page;
mod people;
mod refusal;

pub use chat::Chat;
pub use hall::{Departure, Hall, Joined, Limits, Position, Posted, RoomListing, RoomState};
pub use memory::{Memory, Message, Receipt, Taken};
pub use names::{BadName, Key, MessageId, PersonId, PersonName, RoomName, Text};
pub use pace::Pace;
pub use page::Page;
pub use people::{People, Person};
pub use refusal::Refusal;
