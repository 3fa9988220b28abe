//! Engine.IO, protocol revision 3: what clients of Socket.IO 1 and 2 speak.
//!
//! | what                   | revision 4                        | revision 3                                    |
//! |------------------------|-----------------------------------|-----------------------------------------------|
//! | who pings              | the server                        | the client: [`Beating`](crate::Beating), [`Answering`](crate::Answering) |
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

mod packet;
pub mod payload;
mod terms;

pub use packet::{parse, parse_binary};
pub use terms::Terms;

/// The revision, as the query has it.
pub const REVISION: &str = "3";

/// The type byte in front of a binary message.
pub const MESSAGE: u8 = 4;

/// The server's half of one session.
pub type Session = crate::Session<crate::Answering>;

/// The client's half, which is that of revision 4 but for the heartbeat.
///
/// ```
/// use std::time::Duration;
/// use sockeye_engine_proto::client::{Config, Order, Tray};
/// use sockeye_engine_proto::{Control, Packet, Pipe, Transport, v3};
///
/// let (now, mut out) = (Duration::ZERO, Tray::new());
/// let mut session = v3::client::Session::begin(Transport::WebSocket, &Config::default(), now);
/// let json = r#"{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#;
/// session.receive(Pipe::Current, Ok(Packet::Open(json)), now, &mut out);
///
/// let due = session.next_timeout().expect("an open session always waits for something");
/// session.timeout(due, &mut out);
/// assert_eq!(out.as_slice(), [Order::Send(Pipe::Current, Control::Ping)]);
/// assert_eq!(session.next_timeout(), Some(due + Duration::from_secs(5)), "for the pong");
/// ```
pub mod client {
    /// The client's half of one session.
    pub type Session = crate::client::Session<crate::Beating>;
}
