//! What the whole-house tests share.
//!
//! [`house`] reads the manifests and sources; [`program`] builds programs, [`contract`] starts the contract server, if need be
//! with a [`certificate`]; [`http`],
//! [`websocket`] and [`client`] are small raw clients, written apart from the house's own code on purpose;
//! [`suite`] runs the suites of other languages. For the client there are the [`server`]s of others, and a [`proxy`] that
//! does what networks do.

#![forbid(unsafe_code)]

pub mod certificate;
pub mod client;
pub mod contract;
pub mod house;
pub mod http;
pub mod program;
pub mod proxy;
pub mod server;
pub mod suite;
pub mod websocket;

use std::time::Duration;

/// Turns a hang into a failure. No test waits for time to pass: all end long before.
pub const DEADLINE: Duration = Duration::from_mins(1);
