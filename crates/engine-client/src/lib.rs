//! Engine.IO for the connecting side: finds the server, and moves packets over HTTP long-polling and WebSocket.
//!
//! | the question                                              | the file                 |
//! |-----------------------------------------------------------|--------------------------|
//! | What happens in a session, and who drives it?             | `engine`, `upper`        |
//! | What waits to be sent?                                    | `queue`                  |
//! | How do packets travel?                                    | `polling`, `websocket`, `deflate` |
//! | What do they look like, in which revision of the protocol? | `revision`, `form`      |
//! | Where is the server, and what does its URL say?           | `target`                 |
//! | How does a stream to it come to be?                       | `dial`                   |
//! | One HTTP request and its answer; the WebSocket's handshake | `http`                  |
//! | What a server wants to see again                          | `cookies`                |
//! | What went wrong, in words for a user                      | `error`                  |
//!
//! A session that repeats what it hears:
//!
//! ```no_run
//! use std::future::poll_fn;
//! use std::sync::Arc;
//! use sockeye_engine_client::{Broken, Config, Engine, Message, Open, Packet, Queue, Target, Upper};
//!
//! struct Echo;
//!
//! impl Upper for Echo {
//!     fn opened(&mut self, open: &Open, _: &mut Queue) {
//!         println!("open: {}", open.sid);
//!     }
//!     fn message(&mut self, message: Message<'_>, queue: &mut Queue) -> Result<(), Broken> {
//!         match message {
//!             Message::Text(text) => queue.push(Packet::text(text)),
//!             Message::Binary(data) => queue.push_binary(data.to_vec().into(), true),
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (target, _) = Target::parse("http://localhost:3000")?;
//! let mut engine = Engine::open(Arc::new(Config::new(target.with_path("/engine.io"))));
//! let ended = poll_fn(|cx| engine.poll(&mut Echo, cx)).await;
//! println!("{}: {:?}", ended.reason, ended.error);
//! # Ok(())
//! # }
//! ```
//!
//! Not here, on purpose: events, namespaces, users' types, reconnecting. The protocol's rules are not here either: they
//! are `engine_proto`'s and `websocket_proto`'s.
#![forbid(unsafe_code)]

mod config;
mod cookies;
mod deflate;
mod dial;
mod engine;
mod error;
mod form;
pub mod http;
mod polling;
mod queue;
mod revision;
mod target;
mod upper;
mod websocket;

pub use config::{Config, Remembered};
pub use cookies::Jar;
pub use deflate::PerMessageDeflate;
pub use dial::{Connecting, Connector, Dialer, Io, Proxy, Stream};
#[cfg(feature = "tls")]
pub use dial::{Tls, TlsBuilder, TlsError};
pub use engine::Engine;
pub use engine_proto::handshake::Open;
pub use engine_proto::{CloseReason, Message, Transport};
pub use error::{EngineError, Refusal};
pub use queue::{LOW, Packet, Queue};
pub use revision::Revision;
pub use target::{Target, UrlError};
pub use upper::{Broken, Ended, Upper};

/// Bytes in front of a packet's text: for the head of a masked frame, and for the digit of a message.
///
/// ```
/// use sockeye_engine_client::{Packet, ROOM};
///
/// let mut text = vec![0; ROOM];
/// text.extend_from_slice(b"hello");
/// let packet = Packet { text, start: ROOM, attachments: Vec::new(), compress: true };
/// ```
pub const ROOM: usize = websocket_proto::CLIENT_HEAD + 1;
