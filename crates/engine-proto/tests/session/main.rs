//! Sessions on virtual time, one file for each file of `src/session`.

#[path = "../support/bench.rs"]
mod bench;
mod client;
#[path = "../support/pair.rs"]
mod pair;
mod phase;
mod server;
mod timers;
mod upgrade;
mod v3;
