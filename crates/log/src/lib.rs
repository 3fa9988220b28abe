//! The event log: what was stored is there again after any end of the process.
//!
//! One [`Log`] gives every event of its namespaces a [`Position`] in one order. A client that was away says
//! where it stands, and is given exactly what was sent to the rooms it was in, in that order, or is
//! told that there is a gap. Nothing is ever left out silently.
//!
//! | the question                                            | the file                   |
//! |---------------------------------------------------------|----------------------------|
//! | What can I ask a log, and one of its namespaces?        | `log`, `shard`, `options`  |
//! | Which namespaces are there, and which is forgotten?     | `names`                    |
//! | Where does something stand, and how safely?             | `position`                 |
//! | What does a client get to see of that?                  | `token`                    |
//! | What is an event, a session, a stay in a room?          | `event`, `session`, `membership` |
//! | Was this event sent before?                             | `keys`                     |
//! | What waits, who writes it, who is told?                 | `queue`, `writer`, `failure`, `progress`, `stored` |
//! | What was ever written, what was lost, what is old?      | `epoch`, `retention`       |
//! | What did this session miss, what was said here lately?  | `read`, `source`, `history` |
//! | In which state was it found?                            | `open`, `verdict`          |
//! | What lies on the disk?                                  | `encode`, `codec`, `meta`, `store` |
//!
//! Not here, on purpose: tokio, sockets, delivery, and what a namespace or a room means. Callers may block;
//! [`Stored`] is a future that needs no runtime.
//!
//! # How it is written
//!
//! Whoever appends takes a position and puts the event into a queue, under one lock. One thread takes the
//! whole queue, hands it to the store as one batch, says that it is *written* (it survives the end of
//! the process), makes the store durable if something in it asks for that or 50 ms have passed, says that
//! it is *synced* (it survives a loss of power), and takes what was queued meanwhile.
//!
//! # What is promised
//!
//! - Positions never go back and never repeat: before one is handed out, a mark above it is durable.
//! - What was told to be stored under [`Fsync`](Durability::Fsync) is there after a loss of power, what was
//!   told to be stored under [`Async`](Durability::Async) after the end of the process.
//! - What is missing is a [`Gap`](ReadError::Gap): what was in memory only, is too old, was damaged or cut
//!   off. A mark beside the store says how much must be there; every record has a checksum.

#![forbid(unsafe_code)]

mod clock;
mod codec;
mod encode;
mod epoch;
mod error;
mod event;
mod failure;
mod gather;
mod history;
mod inside;
mod keys;
mod log;
mod membership;
mod meta;
mod names;
mod open;
mod options;
mod position;
mod progress;
mod queue;
mod read;
mod retention;
mod ring;
mod session;
mod shard;
mod source;
pub mod store;
mod stored;
mod token;
mod verdict;
mod writer;

pub use clock::Clock;
pub use error::{AppendError, OpenError, ReadError, StoreError};
pub use event::{Event, Names, StoredEvent};
pub use gather::{gather, gathered};
pub use inside::Stats;
pub use log::Log;
pub use membership::Interval;
pub use options::Options;
pub use position::{Durability, Position};
pub use progress::Progress;
pub use read::Chunk;
pub use session::{NoSessionId, SavedSession, Session, SessionId};
pub use shard::{Appended, Shard};
pub use stored::Stored;
pub use token::Token;
pub use verdict::Verdict;
