//! Why an event was not sent, in words for a user.

use std::sync::Arc;

use thiserror::Error as ThisError;

/// Why an event could not be sent. Nothing of it went out.
///
/// ```no_run
/// # async fn example(socket: sockeye_client::Socket) {
/// use sockeye_client::EmitError;
///
/// match socket.emit("tick", &1).now() {
///     Ok(()) => {}
///     Err(EmitError::Full) => println!("the server reads slowly: one tick less"),
///     Err(other) => println!("{other}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug, ThisError)]
#[non_exhaustive]
pub enum EmitError {
    /// The name is one of the protocol's own, such as `connect`.
    #[error("`{event}` is a reserved event name: choose another")]
    Reserved {
        /// The name.
        event: String,
    },
    /// The arguments cannot be written as JSON with attachments.
    #[error("the arguments of `{event}` cannot be sent: {problem}")]
    Arguments {
        /// The event's name.
        event: String,
        /// What serde says.
        problem: String,
    },
    /// So much waits for the socket already as [`Builder::buffer_bytes`](crate::Builder::buffer_bytes) allows: await the
    /// [`emit`](crate::Socket::emit), or send less.
    #[error(
        "so much waits to be sent already as `buffer_bytes` allows: await the emit, or send less"
    )]
    Full,
    /// It had to make room for a newer event: [`Overflow::DropOldest`](crate::Overflow::DropOldest).
    #[error("it was dropped to make room for newer events")]
    Dropped,
    /// It was [volatile](crate::Socket::volatile), and there was no connection that could take it at once.
    #[error("there was no connection that could take a volatile event at once: it was not sent")]
    NotReady,
    /// As many answers are waited for as may be: [`Builder::max_pending_acks`](crate::Builder::max_pending_acks).
    #[error("{limit} answers are waited for already: wait, or raise `max_pending_acks`")]
    TooManyQuestions {
        /// The limit.
        limit: usize,
    },
    /// The client was closed: nothing is sent any more.
    #[error("the client is closed")]
    Closed,
    /// The [durable outbox](crate::Builder::outbox) did not keep it: it is full, or its disk is, or has failed. Somebody has to
    /// look at it.
    #[error("the outbox does not keep the event: {problem}")]
    Outbox {
        /// What the log says.
        problem: Arc<str>,
    },
}
