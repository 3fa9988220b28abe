//! What can go wrong when a program waits.

use std::io;
use std::sync::Arc;

use crate::{AckError, BuildError, ConnectError, EmitError};

/// Why a call that waits has come to nothing.
///
/// ```no_run
/// use sockeye_client::{AckError, blocking};
///
/// # fn example(chat: &blocking::Socket) {
/// match chat.emit_with_ack::<u32>("join", "lobby") {
///     Ok(members) => println!("{members} are there"),
///     Err(blocking::Error::Ack(AckError::Refused(refused))) => println!("no: {}", refused.message),
///     Err(other) => println!("{other}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// There is no thread for the client, or no runtime: the system says no.
    #[error("the thread of the client cannot be started: {0}")]
    Thread(Arc<io::Error>),
    /// The socket is not connected.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The event was not sent.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// There is no answer.
    #[error(transparent)]
    Ack(#[from] AckError),
    /// Nothing came in the time that was given.
    #[error("nothing came in time")]
    Timeout,
    /// Who waits here stops a thread of an async runtime, and with it perhaps what is waited for. Nothing was done.
    #[error(
        "a blocking client was called inside of an async runtime, whose thread it would stop: use `sockeye_client::Client` \
         there, or call it on a thread of `std::thread::spawn`"
    )]
    InsideRuntime,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Thread(Arc::new(error))
    }
}
