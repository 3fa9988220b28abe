//! What handlers of a server and of a client have in common: arguments, answers and errors, the types of extractors, parsers,
//! and how a closure becomes a handler. No I/O, no tasks, no time.
//!
//! A face adds what it knows of sockets: its `Call`, its trait `Extract`, its trait `Handler`. The types that handlers name are
//! the same ones, so a handler moves from one to the other by another `use` line.
//!
//! | what                                             | where                                        |
//! |--------------------------------------------------|----------------------------------------------|
//! | arguments of events and answers                  | [`Args`], [`ToArgs`], [`FromArgs`]           |
//! | what a handler fails with                        | [`Error`], [`Fail`]                          |
//! | what its return value means                      | [`Verdict`]                                  |
//! | what it is given                                 | [`Data`], [`State`], [`Event`], [`Description`] |
//! | how packets are written                          | [`Parser`], [`Msgpack`]                      |

#![forbid(unsafe_code)]

pub mod args;
mod closure;
mod error;
mod extract;
mod parser;
mod states;
pub mod verdict;

pub use args::{Args, FromArgs, ToArgs};
pub use closure::{Fallible, Plain};
pub use error::{ArgsError, Error, Result};
pub use extract::{Data, Description, Event, ExtractError, Need, State};
pub use parser::{Door, Msgpack, ParsedPacket, Parser, ParserError, WireMessage};
pub use states::States;
pub use verdict::{Fail, Place, Verdict};
