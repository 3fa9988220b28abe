//! Engine.IO, protocol revision 3: what clients of Socket.IO 1 and 2 speak.
//!
//! | what                   | revision 4                        | revision 3                                    |
//! |------------------------|-----------------------------------|-----------------------------------------------|
//! | who pings              | the server                        | the client: [`Heartbeat`]                     |
//! | packets of a payload   | a separator between them          | the length of each in front of it: [`payload`] |
//! | a binary message, text | `b` and base64                    | `b4` and base64: [`parse`]                    |
//! | a binary message, bytes | just the bytes                   | the byte 4 in front: [`parse_binary`]         |
//! | the body of a request  | text                              | text, or bytes: [`Content`](crate::payload::Content) |
//!
//! All else is the same: the packets, the query and what is refused, the open packet, polling, the upgrade, the end.
//!
//! ```
//! use std::time::Duration;
//! use sockeye_engine_proto::{Config, Control, Order, Packet, Pipe, Transport, Tray, v3};
//!
//! let start = Duration::ZERO;
//! let mut session = v3::Session::begin(Transport::WebSocket, &Config::default(), start);
//! let mut out = Tray::new();
//! session.receive(Pipe::Current, Ok(Packet::Ping("")), start, &mut out);
//! assert_eq!(out.as_slice(), [Order::Send(Pipe::Current, Control::Pong)]);
//! ```

mod heartbeat;
mod packet;
pub mod payload;
mod terms;

pub use heartbeat::Heartbeat;
pub use packet::{parse, parse_binary};
pub use terms::Terms;

/// The revision, as the query has it.
pub const REVISION: &str = "3";

/// The type byte in front of a binary message.
pub const MESSAGE: u8 = 4;

/// The server's half of one session.
pub type Session = crate::Session<Heartbeat>;
