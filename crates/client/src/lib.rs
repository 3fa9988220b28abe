//! Socket.IO for Rust: a client for any Socket.IO server.
//!
//! ```no_run
//! use sockeye_client::Client;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder("http://localhost:3000")
//!     .auth(&serde_json::json!({ "token": "x" }))
//!     .build()?;
//! let chat = client.of("/chat");
//! chat.connect().await?;
//! println!("connected as {:?}", chat.id());
//! # Ok(())
//! # }
//! ```
//!
//! | what you want                                      | where it is                                             |
//! |----------------------------------------------------|---------------------------------------------------------|
//! | a connection, and its settings                     | [`Client`], [`Builder`]                                 |
//! | a namespace                                        | [`Socket`]                                              |
//! | to say what happens when something comes           | [`Socket::on`], [`Handler`], [`Extract`]                |
//! | to ask for what comes instead                      | [`Socket::recv`], [`Socket::events`], [`Received`]      |
//! | to answer                                          | what a handler returns, [`AckSender`]                   |
//! | to send, and what becomes of it                    | [`Socket::emit`], [`Emit`], [`Overflow`]                |
//! | to ask, and to await the answer                    | [`Socket::emit_with_ack`], [`AckFuture`], [`AckError`]  |
//! | to send until it is answered                       | [`Socket::reliably`], [`Retries`]                       |
//! | that it survives a restart of ours                 | [`DurableOutbox`] (feature `outbox`)                    |
//! | to be given what was missed                        | [`Positions`], [`FilePositions`]                        |
//! | to know where they stand                           | [`ClientState`], [`SocketState`]                        |
//! | to know why there is no connection                 | [`ConnectError`], [`DisconnectReason`]                  |
//! | how it is tried again                              | [`Reconnection`]                                        |
//! | TLS, proxies, Unix sockets, streams of your own    | [`Dialer`], [`Tls`] (feature `tls`), [`Proxy`], [`Connector`] |
//! | cookies, for sticky balancers                      | [`Jar`]                                                 |
//! | another way to write packets: MessagePack          | [`Builder::parser`], [`Parser`]                         |
//! | servers of Socket.IO 2                             | `Builder::eio3` (feature `eio3`)                        |
//! | the same without a runtime of one's own            | [`blocking`] (feature `blocking`)                       |
//!
//! What it promises, and all options with their defaults, are on one page: `docs/client.md`. Complete programs are in `examples/`.
//!
//! # One task for each connection
//!
//! Handles ([`Client`], [`Socket`]) say what is wanted, and the connection's task does it. It is on the runtime of whoever asks first
//! for a connection, and ends with the last handle.
//!
//! # Handlers run in the connection's task
//!
//! Handlers start in the order in which what they are for has come, all sockets of a client together. A handler is polled in
//! place; only one that has to wait is kept aside, and the next starts meanwhile. At most 64 are unfinished at a time
//! ([`Builder::max_unfinished_events`]); what comes then is parked, raw and in order, up to [`Builder::parked_bytes`], and past
//! that the server is not read any more until there is room. A handler that has not finished after 5 minutes ([`Builder::handler_timeout`]) is
//! dropped. A handler must not block its thread: heavy computing belongs into `tokio::task::spawn_blocking`.
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature    | what it brings                                                                       |
//! |------------|--------------------------------------------------------------------------------------|
//! | `tls`      | `https` and `wss`, by rustls: [`Tls`]; without it they are an error that says so     |
//! | `socks`    | proxies that speak SOCKS5: [`Proxy`]                                                 |
//! | `eio3`     | servers of Socket.IO 1 and 2: `Builder::eio3`                                        |
//! | `outbox`   | reliable events survive a restart of the client: [`DurableOutbox`]                   |
//! | `blocking` | the client for programs without a runtime: [`blocking`]                              |
//!
//! # Where to look in the source
//!
//! `outbox` is what waits to be sent, `ack` and `retry` what waits to be answered, `recovery` where a socket stands in what it
//! has heard.
//! `listeners` is who hears what, `extract` and `handler` (and the crate of this name) how a closure becomes a handler.
//! `hub` is what handles and task have in common, `connection` the task, `socket::life` where a socket stands, `reconnect` how long to
//! wait.

#![forbid(unsafe_code)]
// Some links lead to what a feature brings: the documentation is made with all of them.
#![cfg_attr(
    not(all(feature = "blocking", feature = "outbox", feature = "tls")),
    allow(rustdoc::broken_intra_doc_links)
)]

mod ack;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod client;
mod config;
mod connection;
#[cfg_attr(not(feature = "outbox"), path = "durable/none.rs")]
mod durable;
mod error;
mod extract;
mod handler;
mod hub;
mod lean;
mod listeners;
mod outbox;
mod positions;
mod reason;
mod reconnect;
mod recovery;
mod retry;
mod socket;
mod state;

pub use bytes::Bytes;

pub use crate::handler::Handler;
#[doc(inline)]
pub use ::handler::{
    Args, ArgsError, Data, Description, Error, Event, ExtractError, Fail, Fallible, FromArgs,
    Msgpack, ParsedPacket, Parser, ParserError, Plain, Result, State, ToArgs, WireMessage,
};
pub use ack::{AckError, AckFuture, AckSender};
pub use builder::Builder;
pub use client::Client;
#[cfg(feature = "outbox")]
pub use durable::{DurableOutbox, OutboxError};
pub use engine_client::{
    Connecting, Connector, Dialer, EngineError, Jar, PerMessageDeflate, Proxy, Refusal, Stream,
    Target, UrlError,
};
#[cfg(feature = "tls")]
pub use engine_client::{Tls, TlsBuilder, TlsError};
pub use engine_proto::Transport;
pub use error::{BuildError, ConnectError, Refused};
pub use extract::{Call, Extract, OnConnect, OnConnectError, OnDisconnect, OnEvent, Reason};
pub use outbox::{Emit, EmitError, Overflow};
pub use positions::FilePositions;
pub use reason::DisconnectReason;
pub use reconnect::Reconnection;
pub use recovery::{Position, Positions};
pub use retry::Retries;
pub use socket::{Emitter, Events, Received, Socket};
pub use state::{ClientState, SocketState};

/// Connects to the namespace that stands in the URL's path, `/` if there is none, and waits until the server has let us in. The short
/// way, without settings.
///
/// ```no_run
/// # async fn example() -> Result<(), sockeye_client::ConnectError> {
/// let chat = sockeye_client::connect("http://localhost:3000/chat").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Socket::connect`], or if the URL leads nowhere.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub async fn connect(url: &str) -> Result<Socket, ConnectError> {
    let socket = Client::builder(url).build()?.socket();
    socket.connect().await?;
    Ok(socket)
}

/// The examples of the project's front page, kept true: here, since a client's tests know the server too.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;

/// The examples of the page about the client.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/client.md")]
struct ClientPage;
