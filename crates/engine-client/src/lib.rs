//! Engine.IO for the connecting side: finds the server, and moves packets over HTTP long-polling and WebSocket.
//!
//! | the question                                              | the file                 |
//! |-----------------------------------------------------------|--------------------------|
//! | Where is the server, and what does its URL say?           | `target`                 |
//! | How does a stream to it come to be?                       | `dial`                   |
//! | One HTTP request and its answer; the WebSocket's handshake | `http`                  |
//! | What a server wants to see again                          | `cookies`                |
//! | What went wrong, in words for a user                      | `error`                  |
//!
//! Not here, on purpose: events, namespaces, users' types, reconnecting. The protocol's rules are not here either: they
//! are `engine_proto`'s and `websocket_proto`'s.
#![forbid(unsafe_code)]

mod cookies;
mod dial;
mod error;
pub mod http;
mod target;

pub use cookies::Jar;
pub use dial::{Connecting, Connector, Dialer, Io, Proxy, Stream};
#[cfg(feature = "tls")]
pub use dial::{Tls, TlsBuilder, TlsError};
pub use error::{EngineError, Refusal};
pub use target::{Target, UrlError};
