//! What can go wrong on the way to a namespace, sorted by who has to act.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use engine_client::{EngineError, UrlError};
use serde_json::Value;

use crate::DisconnectReason;

/// A [`Builder`](crate::Builder) was asked for what cannot be.
///
/// ```
/// use sockeye_client::Client;
///
/// let problem = Client::builder("ftp://example.com").build().unwrap_err();
/// assert_eq!(problem.to_string(), "`ftp://example.com`: the scheme must be http, https, ws or wss, not `ftp`");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The URL leads nowhere.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The namespace in the URL's path cannot be written into a packet.
    #[error("`{0}` is no namespace: it may hold no comma, and 512 bytes at most")]
    Namespace(String),
    /// A header is none.
    #[error("`{name}` is no header: {problem}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it, or with its value.
        problem: String,
    },
    /// There is no transport left.
    #[error("no transport is allowed: name one at least")]
    NoTransport,
    /// What is sent with CONNECT has to be an object.
    #[error("`auth` cannot be sent, it has to be an object: {0}")]
    Auth(String),
}

/// Why a socket is not connected.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use sockeye_client::ConnectError;
///
/// match sockeye_client::connect("http://localhost:3000/admin").await {
///     Ok(socket) => println!("connected as {:?}", socket.id()),
///     Err(ConnectError::Refused(refused)) => println!("no entry: {}, {:?}", refused.message, refused.data),
///     Err(ConnectError::TimedOut { .. }) => println!("the server does not answer"),
///     Err(other) => println!("{other}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server did not let us into the namespace (`CONNECT_ERROR`): a middleware of it said no, or there is no such
    /// namespace. It is not asked again by itself.
    #[error("the server refused: {0}")]
    Refused(Arc<Refused>),
    /// There is no connection: nobody is there, TLS fails, the server does not want one, or does not speak the protocol.
    #[error(transparent)]
    Unreachable(EngineError),
    /// The server took longer than [`connect_timeout`](crate::Builder::connect_timeout).
    #[error("{what} took longer than {after:?}")]
    TimedOut {
        /// What did: opening the connection, or the answer to CONNECT.
        what: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// It was disconnected before it was connected: by [`disconnect`](crate::Socket::disconnect), or with the connection.
    #[error("disconnected before the server had let us in: {reason}")]
    Disconnected {
        /// Why.
        reason: DisconnectReason,
    },
    /// The server answered as one of Socket.IO 2 does. This client speaks to servers of version 3 and later.
    #[error(
        "the server speaks Socket.IO 2: it answered CONNECT without a sid; it has to be updated to version 3 or later, or to \
         be asked with Engine.IO 3 (`Builder::eio3`)"
    )]
    OldServer,
    /// The namespace cannot be written into a packet.
    #[error("`{namespace}` is no namespace: it may hold no comma, and 512 bytes at most")]
    InvalidNamespace {
        /// Its name.
        namespace: String,
    },
    /// The connection has as many namespaces as it may have.
    #[error("a connection may have {limit} namespaces at most")]
    TooManyNamespaces {
        /// How many it may have.
        limit: usize,
    },
    /// What the application was asked for before the attempt it did not give: `auth_with` and the like failed, panicked or
    /// took too long.
    #[error("`{option}` failed: {problem}")]
    Option {
        /// Which option of the builder.
        option: &'static str,
        /// What it said.
        problem: Arc<str>,
    },
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
    /// The client could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// The server's no.
///
/// ```no_run
/// # async fn example(socket: sockeye_client::Socket) -> Result<(), Box<dyn std::error::Error>> {
/// use sockeye_client::ConnectError;
///
/// if let Err(ConnectError::Refused(no)) = socket.connect().await {
///     println!("{}, {:?}", no.message, no.data);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// The server's words. `Invalid namespace` is what servers say where there is no such namespace.
    pub message: String,
    /// Further data, if it gave any.
    pub data: Option<Value>,
}

impl Refused {
    pub(crate) fn new(message: &str, data: Option<&str>) -> Self {
        // A number that no type of ours holds is shown as it was written.
        let value = |json: &str| {
            serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()))
        };
        Self { message: message.to_owned(), data: data.map(value) }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<EngineError> for ConnectError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Timeout { what, after } => Self::TimedOut { what, after },
            error => Self::Unreachable(error),
        }
    }
}
