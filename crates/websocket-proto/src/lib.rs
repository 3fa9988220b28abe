//! RFC 6455, the WebSocket protocol, and its compression (RFC 7692) as a state machine over bytes; both sides of a connection.
//!
//! | RFC 6455 says                                 | the file             |
//! |-----------------------------------------------|----------------------|
//! | 4 Opening handshake                           | [`handshake`]        |
//! | 5.2 Base framing protocol, 5.5 Control frames | `frame`              |
//! | 5.3 Client-to-server masking                  | [`mask`]             |
//! | 5.4 Fragmentation                             | `message`, `receive` |
//! | 6.1 Sending data                              | `send`               |
//! | 6.2 Receiving data                            | `receive`            |
//! | 7 Closing the connection                      | `close`              |
//! | 8.1 Errors in UTF-8 encoded data              | `text`               |
//! | 10.4 Implementation-specific limits           | `limits`             |
//! | RFC 7692, permessage-deflate                  | [`deflate`]          |
//!
//! The two entry points: [`Receiver`] turns bytes into [`Event`]s, and [`push_frame`] and its
//! neighbours turn messages into bytes. Both know nothing of each other, so a frame that is encoded
//! once can be written to any number of connections.
//!
//! ```
//! use sockeye_websocket_proto::{Event, Limits, Opcode, Receiver, Role, push_frame};
//!
//! let mut wire = Vec::new();
//! push_frame(&mut wire, Opcode::Text, true, Some([1, 2, 3, 4]), b"hello");
//!
//! let mut server = Receiver::new(Role::Server, Limits::default());
//! let mut incoming = server.receive(&mut wire);
//! assert_eq!(incoming.next(), Ok(Some(Event::Text("hello"))));
//! assert_eq!(incoming.next(), Ok(None));
//! ```
//!
//! Not here, on purpose: sockets, clocks, threads, randomness (masking keys are passed in), HTTP
//! parsing, and other extensions.

#![forbid(unsafe_code)]

mod close;
pub mod deflate;
mod error;
mod frame;
pub mod handshake;
mod limits;
pub mod mask;
mod message;
mod receive;
mod send;
mod text;

pub use close::{CloseFrame, is_valid_code};
pub use error::Error;
pub use frame::{Opcode, Role};
pub use limits::Limits;
pub use receive::{Event, Incoming, Receiver};
pub use send::{
    CLIENT_HEAD, SERVER_HEAD, push_close, push_frame, write_frame_head, write_masked_head,
};
