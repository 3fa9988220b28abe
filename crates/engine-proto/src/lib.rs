//! Engine.IO, protocol revision 4, as a state machine; in a room of its own, revision 3.
//!
//! | the specification says          | the file                |
//! |---------------------------------|-------------------------|
//! | Packet encoding                 | [`packet`](Packet), [`payload`] |
//! | Handshake, and what it refuses  | [`handshake`], [`refusal`](Refusal), [`sid`](Sid) |
//! | Heartbeat, Upgrade, Closing     | [`session`](Session) (accepting side), [`client`] (connecting side), [`reason`](CloseReason) |
//! | Timing and payload options      | [`config`](Config)      |
//! | what revision 3 says differently | [`v3`]                 |
//!
//! Not here, on purpose: sockets, clocks, threads, HTTP bodies, randomness, and anything Socket.IO.
//!
//! Time is a [`Duration`](std::time::Duration) since an origin that the caller picks and keeps. What
//! the caller has to do comes as [`Order`]s in a [`Tray`] that it hands in; a call that returns with
//! an empty tray asks for nothing.
//!
//! ```
//! use std::time::Duration;
//! use sockeye_engine_proto::{Config, Control, Message, Order, Packet, Pipe, Session, Transport, Tray};
//!
//! let start = Duration::ZERO;
//! let mut session = Session::accept(Transport::WebSocket, &Config::default(), start);
//! let mut out = Tray::new();
//!
//! // A frame arrives: the message comes back, and nothing has to be answered.
//! let mut base64 = Vec::new();
//! let packet = Packet::parse("4hello", &mut base64);
//! let message = session.receive(Pipe::Current, packet, start, &mut out);
//! assert_eq!(message, Some(Message::Text("hello")));
//! assert!(out.is_empty());
//!
//! // Nothing happens for 25 seconds: a ping is due.
//! let due = session.next_timeout().expect("an open session always waits for something");
//! session.timeout(due, &mut out);
//! assert_eq!(out.as_slice(), [Order::Send(Pipe::Current, Control::Ping)]);
//! ```

#![forbid(unsafe_code)]

mod config;
pub mod handshake;
mod packet;
pub mod payload;
mod reason;
mod refusal;
mod session;
mod sid;
pub mod v3;

pub use config::{Config, Transport, Transports};
pub use packet::{Control, MESSAGE, Message, Packet, PacketError};
pub use reason::CloseReason;
pub use refusal::{BadRequest, Refusal};
pub use session::client;
pub use session::heartbeat::{Answering, Beating, Due, Heard, Heartbeat};
pub use session::server::Session;
pub use session::timers::Patience;
pub use session::{Goodbye, LINGER, Order, Pipe, Tray};
pub use sid::Sid;
