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
//! | what you want                                      | where it is                                     |
//! |----------------------------------------------------|-------------------------------------------------|
//! | a connection, and its settings                     | [`Client`], [`Builder`]                         |
//! | a namespace                                        | [`Socket`]                                      |
//! | to send, and what becomes of it                    | [`Socket::emit`], [`Emit`], [`AckFuture`], [`Overflow`] |
//! | to send until it is answered                       | [`Socket::reliably`], [`Retries`]               |
//! | to be given what was missed                        | [`Positions`], [`FilePositions`]                |
//! | to know where they stand                           | [`ClientState`], [`SocketState`]                      |
//! | to know why there is no connection                 | [`ConnectError`], [`DisconnectReason`]          |
//! | how it is tried again                              | [`Reconnection`]                                |
//! | TLS, proxies, Unix sockets, streams of your own    | [`Dialer`]                                      |
//!
//! # One task for each connection
//!
//! Handles ([`Client`], [`Socket`]) say what is wanted, and the connection's task does it. It is on the runtime of whoever asks first
//! for a connection, and ends with the last handle.
//!
//! # Where to look in the source
//!
//! `outbox` is what waits to be sent, `ack` and `retry` what waits to be answered, `recovery` where a socket stands in what it has heard.
//! `hub` is what handles and task have in common, `connection` the task, `socket::life` where a socket stands, `reconnect` how long to
//! wait.

#![forbid(unsafe_code)]

mod ack;
mod builder;
mod client;
mod config;
mod connection;
#[cfg_attr(not(feature = "outbox"), path = "durable/none.rs")]
mod durable;
mod error;
mod hub;
mod outbox;
mod positions;
mod reason;
mod reconnect;
mod recovery;
mod retry;
mod socket;
mod state;

pub use ack::{AckError, AckFuture};
pub use builder::Builder;
pub use client::Client;
#[cfg(feature = "outbox")]
pub use durable::{DurableOutbox, OutboxError};
pub use engine_client::{
    Connecting, Connector, Dialer, EngineError, Jar, Proxy, Refusal, Stream, Target, UrlError,
};
#[cfg(feature = "tls")]
pub use engine_client::{Tls, TlsBuilder, TlsError};
pub use engine_proto::Transport;
pub use error::{BuildError, ConnectError, Refused};
pub use handler::{
    Args, ArgsError, FromArgs, Msgpack, ParsedPacket, Parser, ParserError, ToArgs, WireMessage,
};
pub use outbox::{Emit, EmitError, Overflow};
pub use positions::FilePositions;
pub use reason::DisconnectReason;
pub use reconnect::Reconnection;
pub use recovery::{Position, Positions};
pub use retry::Retries;
pub use socket::{Emitter, Socket};
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
