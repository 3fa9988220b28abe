//! Acknowledgements: who waits for which answer to an event that we emit, and what we owe for those that come.

mod error;
mod future;
mod owed;
mod pending;
mod sender;

use std::sync::Arc;

use socket_proto::OwnedArgs;
use tokio::sync::oneshot;

use crate::DisconnectReason;

pub use error::AckError;
pub use future::AckFuture;
pub(crate) use owed::{Owed, Question};
pub(crate) use pending::Pending;
pub use sender::AckSender;

/// Where an answer goes, or why there is none.
pub(crate) type Waiter = oneshot::Sender<Outcome>;

/// An answer, or why there is none.
pub(crate) type Outcome = Result<OwnedArgs, Silence>;

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) enum Silence {
    /// The socket is not connected any more.
    Disconnected(DisconnectReason),
    /// The event had to make room for a newer one.
    Dropped,
    /// It was volatile, and there was no connection that could take it at once.
    NotReady,
    /// So many attempts went by without an answer.
    GivenUp(u32),
    /// The durable outbox did not keep it.
    NotStored(Arc<str>),
}

/// Hands over what came of it. Whoever does not wait any more is not told.
pub(crate) fn tell(waiter: Option<Waiter>, outcome: Outcome) {
    if let Some(waiter) = waiter {
        drop(waiter.send(outcome));
    }
}
