//! A Socket.IO client for Rust: the ground that it is built on, so far.
//!
//! `reconnect` says how long to wait before the next attempt, `state` where a socket and its connection stand, `reason` why a
//! socket left, `error` what goes wrong on the way to a namespace.

#![forbid(unsafe_code)]

#[allow(dead_code)] // Used by the connection, which is about to come.
mod error;
mod reason;
#[allow(dead_code)]
mod reconnect;
mod state;

pub use error::{BuildError, ConnectError, Refused};
pub use reason::DisconnectReason;
pub use reconnect::Reconnection;
pub use state::{ClientState, State};
