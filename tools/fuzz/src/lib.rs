//! Fuzz targets: each is a function on bytes that panics if the house breaks a promise.
//!
//! | target      | the door                                        | what must hold                        |
//! |-------------|-------------------------------------------------|---------------------------------------|
//! | [`frame`]   | `websocket_proto::Receiver`, both sides         | portions do not matter; limits hold   |
//! | [`payload`] | polling bodies, queries, sids, open packets     | what is read can be written again     |
//! | [`session`] | `engine_proto::Session` and its client's        | orders keep their word; it always ends |
//! | [`msgpack`] | `socket_proto::msgpack`                           | what is read can be written again     |
//! | [`proxy`]   | `transport::proxy`                              | portions do not matter; it ends       |
//! | [`packet`]  | `socket_proto::server::Connection`              | one life per namespace; limits hold   |
//!
//! `cargo xtask fuzz TARGET` hands in what libFuzzer thinks of; `tests/twins.rs` hands in arbitrary and
//! nearly valid bytes in the test command. What broke a target becomes a test of the crate it broke.
//!
//! ```
//! sockeye_fuzz::payload(b"4hello\x1ebAQI=");
//! ```

#![forbid(unsafe_code)]

mod frame;
mod input;
mod msgpack;
mod packet;
mod payload;
mod proxy;
mod session;
mod v3;

pub use frame::frame;
pub use msgpack::msgpack;
pub use packet::packet;
pub use payload::payload;
pub use proxy::proxy;
pub use session::session;
