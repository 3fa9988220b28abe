//! Socket.IO, protocol revision 5, as state machines for both sides.
//!
//! | the specification says            | the file                                                 |
//! |-----------------------------------|----------------------------------------------------------|
//! | Packet encoding                   | `packet` (head), `split` (event name), `decode`, `encode`|
//! | Binary events, attachments        | `placeholder`, `assembler`                               |
//! | Connection to a namespace         | `namespace`, `connection`: [`server`], [`client`]        |
//! | Event names                       | `event`                                                  |
//! | Acknowledgement                   | `acks`                                                   |
//! | what JSON is                      | `json`                                                   |
//! | Custom parsers: MessagePack       | [`msgpack`]                                              |
//! | what revision 4 says differently  | [`v4`]                                                   |
//!
//! User data become arguments in `ser`, and arguments user data in `de`; `arity` says how many.
//! The numbers a peer has to keep to are in `limits`.
//!
//! Time comes in as a [`Duration`](std::time::Duration) since an origin the caller picks, the same
//! for every call. Texts start with the packet type's digit of Socket.IO; the digit in front, which
//! says that Engine.IO carries a message, is not this crate's.
//!
//! Not here, on purpose: sockets, clocks, threads, transports, rooms, handlers.

#![forbid(unsafe_code)]

mod acks;
mod args;
mod arity;
mod assembler;
mod connection;
mod de;
mod decode;
pub mod encode;
mod error;
pub mod event;
mod json;
mod limits;
pub mod msgpack;
pub mod namespace;
mod packet;
mod placeholder;
mod ser;
mod split;
pub mod v4;

pub use acks::Acks;
pub use args::{Args, Elements, OwnedArgs};
pub use connection::{Message, Slot, client, server};
pub use encode::Encoded;
pub use error::{ConnectError, DecodeError, EncodeError, ProtocolError};
pub use limits::Limits;
