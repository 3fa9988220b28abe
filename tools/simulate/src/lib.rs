//! Delivery under faults, simulated: one process, a virtual clock, and a seed that decides everything.
//!
//! A *life* is the real server ([`sockeye::Io`]) with a durable namespace over a log on a simulated store, and
//! pages that behave as the official client does. They talk through wires that delay, fall silent and break. The
//! log commits when the simulation says so. Processes end, power goes, disks refuse, fill up and lie. At the end
//! everybody is back, and the record of what was published is held against what each page has heard.
//!
//! | the question                                          | the file             |
//! |-------------------------------------------------------|----------------------|
//! | What does a seed decide?                              | `plan`               |
//! | What happens in a life, and when is it over?          | `life`, `steps`, `faults` |
//! | What is a process of the server, what does it publish? | `server`, `publish`  |
//! | What does a client do?                                | `page`, `connection` |
//! | How do its packets come to the server?                | `pipe`, `http`       |
//! | What can a connection suffer?                         | `wire`               |
//! | Why is it the same each time?                         | `turns`              |
//! | Who are its workers?                                  | `workers`            |
//! | Who was a member when?                                | `members`            |
//! | What was published, who has heard it, is that right?  | `record`, `said`, `check` |
//! | What is printed when it is not?                       | `story`              |
//!
//! # What is deterministic
//!
//! Everything that stands in the record. There is one thread, its timers are virtual, and what reads the log on a
//! helper's thread has its own turns. Time goes on only when nobody has anything to do. Not deterministic, and of no
//! influence: ids, secrets and masks, which are random but always of the same length. They stand in no
//! record: pages, sessions and events are numbered.

#![forbid(unsafe_code)]

mod check;
mod connection;
mod faults;
mod http;
mod life;
mod members;
mod page;
mod pipe;
mod plan;
mod publish;
mod record;
mod said;
mod server;
mod steps;
mod story;
mod turns;
mod wire;
mod workers;

pub use life::{Outcome, live};
pub use plan::Fault;
pub use story::Problem;
