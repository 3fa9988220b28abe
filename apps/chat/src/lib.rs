//! The chat of Sockeye: rooms, people and messages over Socket.IO, and the page for it.
//!
//! | the question                                            | the file             |
//! |---------------------------------------------------------|----------------------|
//! | What does the chat have, how do others hear of changes? | `chat`               |
//! | What happens when somebody comes, goes, or is away?     | `presence`           |
//! | What happens when somebody says something?              | `talk`               |
//! | What was said before?                                   | `past`               |
//! | Who may do what, and how much of it?                    | `hall`, `people`, `pace`, `names`, `refusal` |
//! | Where is the page?                                      | `page`               |

#![forbid(unsafe_code)]

mod chat;
mod hall;
mod names;
mod pace;
mod page;
mod past;
mod people;
mod presence;
mod refusal;
mod talk;

pub use chat::Chat;
pub use hall::{Change, Entered, Hall, Joined, Limits, RoomListing};
pub use names::{BadName, Key, MessageId, PersonId, PersonName, RoomName, Text};
pub use pace::Pace;
pub use page::Page;
pub use past::{PastMessage, PastPage};
pub use people::{People, Person, Presence};
pub use refusal::Refusal;
