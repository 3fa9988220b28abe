//! Moves Engine.IO packets between clients and whatever sits on top: HTTP long-polling and WebSocket, on
//! tokio and hyper.
//!
//! | the question                                             | the file                 |
//! |----------------------------------------------------------|--------------------------|
//! | What must the floor above offer?                         | `contract`               |
//! | How is a packet shared by all its recipients?            | `encoded`                |
//! | What waits to be sent, and what happens at the limit?    | `outbox`                 |
//! | Who writes, and when?                                    | `flusher`, `worker`      |
//! | Who wakes a connection when its time has come?           | `wheel`, `worker`        |
//! | The one loop of a connection, the one place that waits   | `driver`                 |
//! | How does an HTTP request reach its session?              | `mailbox`, `polling`     |
//! | How is the answer to a poll made smaller?                | `coding`, `compress`, `brotli` |
//! | Files beside the sessions: the client's bundle            | `files`                  |
//! | How is a message on a WebSocket made smaller?            | `deflate`                |
//! | Bytes of a WebSocket, on TCP or on a foreign stream      | `websocket`, `upgrade`, `switch`, `promise` |
//! | Requests, answers, origins, limits                       | `http`, `answer`, `origin`, `cors`, `cookie`, `body` |
//! | What do the revisions of Engine.IO do in their own way?  | `revision`, `v3`         |
//! | What is the application asked and told about requests?   | `hooks`, `request`, `refused` |
//! | Where does a request come from, behind proxies?         | `forwarded`              |
//! | A server of its own: ports, Unix sockets, streams        | `listener`               |
//! | What does a proxy say in front of a connection?          | `proxy`                  |
//! | What is counted, and how is it read?                     | `stats`                  |
//! | How often may somebody come, how fast is it read?        | `addresses`, `meter`, `rate` |
//! | How is a certificate replaced while the server runs?     | `tls`                    |
//!
//! Not here, on purpose: events, rooms, namespaces, users' types. The protocol's rules are not here either:
//! they are `engine_proto`'s and `websocket_proto`'s, and this crate does what their machines order.
#![forbid(unsafe_code)]

mod addresses;
mod answer;
mod body;
#[cfg(feature = "brotli")]
mod brotli;
mod coding;
mod compress;
mod config;
mod connection;
mod contract;
mod cookie;
mod cors;
mod deflate;
mod driver;
mod encoded;
#[cfg_attr(not(feature = "http2"), path = "extended/none.rs")]
mod extended;
mod files;
mod flusher;
mod forwarded;
mod handshake;
mod hooks;
mod http;
mod inbox;
pub mod listener;
mod mailbox;
mod meter;
mod origin;
mod outbox;
mod polling;
mod promise;
pub mod proxy;
mod queue;
mod rate;
mod refused;
mod request;
mod revision;
mod server;
mod session_event;
mod stats;
mod switch;
pub mod threads;
#[cfg(feature = "tls")]
mod tls;
mod upgrade;
mod v3;
mod websocket;
mod wheel;
mod worker;

pub use addresses::Limits;
pub use body::Body;
pub use config::Config;
pub use connection::Connection;
pub use contract::{Application, Upper};
pub use cookie::{Cookie, CookiePriority, SameSite};
pub use cors::Cors;
pub use deflate::PerMessageDeflate;
pub use encoded::{Encoded, ROOM};
pub use files::{File, Files};
pub use forwarded::{NoProxies, Proxies};
pub use handshake::Handshake;
pub use hooks::Hooks;
pub use origin::Origins;
pub use outbox::{Class, Pushed, Recipients};
pub use promise::{PromisedStream, StreamGiver};
pub use rate::{Bucket, Rate};
pub use refused::ConnectionError;
pub use request::Request;
pub use server::Server;
pub use session_event::{SessionEvent, SessionStep};
pub use stats::{Refused, Stats};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
