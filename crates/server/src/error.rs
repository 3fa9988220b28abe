//! One error type for each kind of trouble. Each says what was wrong, and with which socket or
//! event.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use thiserror::Error as ThisError;

/// Why an event could not be sent. Nothing of it went out, but as [`Emitted`](crate::Emitted)
/// counts.
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
    /// The socket is not connected: it has left, or its CONNECT has not been answered yet.
    #[error("socket {socket} is not connected")]
    NotConnected {
        /// The socket's id.
        socket: String,
    },
    /// The client reads too slowly: its outbox is full, and it is being disconnected.
    #[error("socket {socket} reads too slowly: its outbox is full, and it is being disconnected")]
    SlowConsumer {
        /// The socket's id.
        socket: String,
    },
    /// As many answers of the socket are waited for as may be:
    /// [`Builder::max_pending_acks`](crate::Builder::max_pending_acks).
    #[error(
        "socket {socket} has {limit} questions to answer already: wait, or raise `max_pending_acks`"
    )]
    TooManyQuestions {
        /// The socket's id.
        socket: String,
        /// The limit.
        limit: usize,
    },
    /// A [volatile](crate::Socket::volatile) question was dropped: the client was not ready for it.
    #[error("socket {socket} was not ready for a volatile question: it was not asked")]
    NotReady {
        /// The socket's id.
        socket: String,
    },
    /// The log cannot take more at the moment; [`emit_when_ready`](crate::Socket::emit_when_ready)
    /// waits. Does not happen without a log.
    #[error("the log is busy: try again, or use `emit_when_ready`")]
    Busy,
    /// The log takes nothing: its disk is full, or has failed. Somebody has to look at it. What is not
    /// durable still goes out.
    #[error("the log does not take the event: {problem}")]
    Log {
        /// What the log says.
        problem: String,
    },
}

/// Why a socket could not join or leave a room.
#[derive(Clone, Debug, ThisError)]
#[non_exhaustive]
pub enum JoinError {
    /// The socket has left its namespace: whoever is gone joins nothing.
    #[error("socket {socket} is not connected")]
    NotConnected {
        /// The socket's id.
        socket: String,
    },
    /// The socket is in as many rooms as it may be: [`Builder::max_rooms`](crate::Builder::max_rooms).
    #[error(
        "socket {socket} is in {limit} rooms already: have it leave some, or raise `max_rooms`"
    )]
    TooManyRooms {
        /// The socket's id.
        socket: String,
        /// The limit.
        limit: usize,
    },
    /// The log cannot take more at the moment. Does not happen without a log.
    #[error("the log is busy: try again")]
    Busy,
    /// The log takes nothing: its disk is full, or has failed.
    #[error("the log does not take that socket {socket} joins or leaves: {problem}")]
    Log {
        /// The socket's id.
        socket: String,
        /// What the log says.
        problem: String,
    },
}

/// Why there is no page of the past: see [`History`](crate::History).
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum HistoryError {
    /// The token names no event of this namespace.
    #[error("this token names no event of the namespace: use one that it has given out")]
    ForeignToken,
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Log(String),
}

/// Why there is no answer to an event that asked for one.
#[derive(Clone, Debug, ThisError)]
#[non_exhaustive]
pub enum AckError {
    /// The client did not answer in time.
    #[error("socket {socket} did not answer in time")]
    Timeout {
        /// The socket's id.
        socket: String,
    },
    /// The client left before it answered.
    #[error("socket {socket} left before it answered")]
    Disconnected {
        /// The socket's id.
        socket: String,
    },
    /// The answer is not of the expected type.
    #[error("the answer of socket {socket} is not what was expected: {problem}")]
    Answer {
        /// The socket's id.
        socket: String,
        /// What was wrong, with which argument.
        problem: String,
    },
    /// The question could not be sent.
    #[error(transparent)]
    Emit(#[from] EmitError),
}

/// Why [`stored`](crate::Emitted::stored) failed. Does not happen without a log.
#[derive(Clone, Debug, ThisError)]
#[non_exhaustive]
pub enum StoreError {
    /// The log has failed.
    #[error("the log could not store it: {0}")]
    Log(String),
}

/// Why it is not known who has got an event: see [`delivered`](crate::Emitted::delivered).
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The namespace has no log, so its clients confirm nothing. The event has been sent.
    #[error("this namespace keeps no receipts, since it has no log: the event has been sent")]
    NoReceipts,
}

/// Why sockets could not be fetched or counted. Does not happen in a single process.
#[derive(Clone, Debug, ThisError)]
#[non_exhaustive]
pub enum FetchError {
    /// Other nodes did not answer in time.
    #[error("{missing} other nodes did not answer in time")]
    Timeout {
        /// How many.
        missing: usize,
    },
}

/// Why a socket's data could not be written or read.
#[derive(Debug, ThisError)]
#[error("the data of socket {socket}: {problem}")]
pub struct DataError {
    pub(crate) socket: String,
    pub(crate) problem: serde_json::Error,
}

impl DataError {
    /// What is kept for a socket, as the user's type.
    pub(crate) fn read<T: DeserializeOwned>(
        data: Option<&str>,
        socket: &str,
    ) -> Result<Option<T>, DataError> {
        let read = data.map(serde_json::from_str).transpose();
        read.map_err(|problem| DataError { socket: socket.to_owned(), problem })
    }
}

/// Why an [`Io`](crate::Io) could not be built.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum BuildError {
    /// The path is not one.
    #[error("the path `{path}` does not start with a slash: try `/socket.io/`")]
    Path {
        /// What was given.
        path: String,
    },
    /// No transport is offered.
    #[error("no transport is offered: name `Transport::Polling` or `Transport::WebSocket`")]
    NoTransport,
    /// An option's value makes no sense.
    #[error("`{option}` may not be {value}: {why}")]
    Option {
        /// The option.
        option: &'static str,
        /// What was given.
        value: String,
        /// Why not.
        why: &'static str,
    },
    /// The client's files cannot be had.
    #[error(
        "the client's files cannot be read from `{}`: {problem}; `npm install socket.io-client` puts them into \
         `node_modules/socket.io-client`", directory.display()
    )]
    ClientFiles {
        /// What was given.
        directory: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// Why a layer or a service could not be made: something is missing that a handler needs.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum MountError {
    /// A handler asks for a state nobody has given.
    #[error(
        "{handler} of namespace `{namespace}` needs `State<{state}>`: give it to `Io::builder().state(..)`"
    )]
    MissingState {
        /// The namespace.
        namespace: String,
        /// Which handler: its event, or `on_connect` and the like.
        handler: String,
        /// The missing type.
        state: &'static str,
    },
    /// No client could ask for a namespace of this name.
    #[error(
        "no client could connect to namespace `{namespace}`: its name has a comma, or is too long"
    )]
    Unreachable {
        /// The namespace.
        namespace: String,
    },
}

/// Why a server of its own could not start or ended.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ServeError {
    /// A handler misses something.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {problem}")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        problem: std::io::Error,
    },
    /// A worker could not start.
    #[error("the system lets no thread start: {0}: try fewer workers")]
    Thread(std::io::Error),
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Accept(std::io::Error),
}
