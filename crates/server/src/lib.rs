//! Socket.IO for Rust: a server that any existing Socket.IO client connects to unchanged.
//!
//! ```no_run
//! use serde::{Deserialize, Serialize};
//! use sockeye::{Auth, Data, Io, Result, Socket};
//!
//! #[derive(Deserialize, Serialize)]
//! struct User { name: String }
//!
//! #[derive(Deserialize, Serialize)]
//! struct Message { text: String }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<()> {
//!     let io = Io::builder().build()?;
//!     io.of("/")
//!         .on_connect(async |socket: Socket, Auth(user): Auth<User>| -> Result<()> {
//!             socket.data().set(&user)?;
//!             socket.join("lobby")?;
//!             Ok(())
//!         })
//!         .on("message", async |socket: Socket, Data(message): Data<Message>| -> Result<usize> {
//!             let emitted = socket.to("lobby").emit("message", &message)?;
//!             Ok(emitted.recipients()) // the return value is the acknowledgement
//!         });
//!     io.serve("127.0.0.1:3000").await?;
//!     Ok(())
//! }
//! ```
//!
//! | what you want                                      | where it is                                     |
//! |----------------------------------------------------|-------------------------------------------------|
//! | a server; to mount it on axum, hyper or alone      | [`Io`], [`Layer`], [`Service`]                  |
//! | to mount it on a server that is not hyper's        | [`PromisedStream`]                              |
//! | its options                                        | [`Builder`]                                     |
//! | to serve the client to browsers                    | [`Builder::client_files`]                       |
//! | to say what happens when something comes           | [`Namespace`], [`Handler`], [`Extract`]         |
//! | namespaces whose names are not known before        | [`Io::of_matching`], [`ParentNamespace`]        |
//! | to answer one client                               | [`Socket`], [`AckSender`]                       |
//! | another way to write packets: MessagePack          | [`Builder::parser`], [`Parser`]                 |
//! | to reach many                                      | [`Broadcast`], [`Rooms`], [`RemoteSocket`]      |
//! | to ask, and to await answers                       | [`AckFuture`], [`AckStream`]                    |
//! | that no event is missed                            | [`Namespace::durable`], [`Log`], [`History`]    |
//! | to know why somebody left                          | [`DisconnectReason`]                            |
//! | to see what goes on                                | [`Io::stats`], [`Stats`]                        |
//! | Engine.IO without Socket.IO                        | [`engine`]                                      |
//!
//! # Handlers run in the connection's task
//!
//! Events of one client start their handlers in the order in which they arrived, and handlers of one
//! event in the order in which they were added. A handler is polled in place; only one that has to
//! wait is kept aside, and the next starts meanwhile. At most 64 of a connection are unfinished at a time ([`Builder::max_unfinished_events`]); further events
//! wait, raw and in order. A handler that has not finished after 5 minutes
//! ([`Builder::handler_timeout`]) is dropped, and its client told. A handler must not block its
//! thread: heavy computing belongs into `tokio::task::spawn_blocking`.
//!
//! # Where to look in the source
//!
//! `connection` is the way of a message to its handlers, `listeners` who they are, `socket` and
//! `broadcast` the way out, `ack` the answers both ways, `extract` and `handler` (and the crate of this name) how a closure becomes a handler,
//! `mount` how requests get here.

#![forbid(unsafe_code)]

mod ack;
mod basis;
mod broadcast;
mod builder;
mod client_files;
mod connection;
mod durable;
mod emit;
pub mod engine;
mod error;
mod everybody;
mod extract;
mod handler;
mod handshake;
mod io;
mod listeners;
mod mount;
mod namespace;
mod options;
mod parent;
mod parser;
mod policy;
mod reason;
mod registry;
mod remote;
mod rooms;
mod run;
mod servers;
mod socket;
mod stats;
mod stop;
mod table;
mod words;

pub use bytes::Bytes;

pub use crate::handler::Handler;
#[doc(inline)]
pub use ::handler::{
    Args, ArgsError, Data, Description, Error, Event, ExtractError, Fail, Fallible, FromArgs,
    Msgpack, ParsedPacket, Parser, ParserError, Plain, Result, State, ToArgs, WireMessage,
};
pub use ack::{AckFuture, AckSender, AckStream, Answer, Answers};
pub use broadcast::Broadcast;
pub use builder::Builder;
pub use durable::{Gone, History, PastEvent};
pub use emit::{Delivered, Emitted, Recorded, Token};
pub use engine_proto::Transport;
pub use error::{
    AckError, BuildError, DataError, DeliveryError, EmitError, FetchError, HistoryError, JoinError,
    MountError, ServeError, StoreError,
};
pub use extract::{Auth, Call, Extract, OnConnect, OnDisconnect, OnEvent, Reason};
pub use handshake::Handshake;
pub use io::Io;
pub use log::{Durability, Log, Options as LogOptions};
pub use mount::{Body, Layer, Layered, Service};
pub use namespace::Namespace;
pub use parent::{ByFunction, ByPattern, Children, Matcher, ParentNamespace};
pub use reason::DisconnectReason;
pub use remote::RemoteSocket;
pub use rooms::Rooms;
pub use servers::ServerAnswers;
pub use socket::{Held, Socket, SocketData, SocketEmit};
pub use stats::{DurableStats, Durations, Stats};
pub use transport::listener::{Bound, Listener};
pub use transport::{
    ConnectionError, Cookie, CookiePriority, Cors, NoProxies, PerMessageDeflate, PromisedStream,
    Proxies, Rate, Request, SameSite, SessionEvent, SessionStep, StreamGiver, threads,
};
#[cfg(feature = "tls")]
pub use transport::{Tls, TlsError};

/// The examples of the page that says what is promised.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/delivery.md")]
struct DeliveryPage;

/// The examples of the page about frameworks.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/frameworks.md")]
struct FrameworksPage;
