//! What went wrong, in words for a user; and told apart, for whoever acts on it.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Why there is no session, or none any more. Cloning counts references.
///
/// The variants tell apart who has to act: somebody has to start the server or mend the network ([`Dial`](Self::Dial),
/// [`Proxy`](Self::Proxy), [`Stream`](Self::Stream)), a certificate is not trusted ([`Tls`](Self::Tls)), the server said no
/// ([`Refused`](Self::Refused)), nobody answered in time ([`Timeout`](Self::Timeout)), or what answered does not speak the
/// protocol ([`Protocol`](Self::Protocol)).
///
/// ```
/// use sockeye_engine_client::EngineError;
///
/// fn exit_code(error: &EngineError) -> u8 {
///     match error {
///         EngineError::Refused(_) => 3,
///         EngineError::Timeout { .. } => 4,
///         EngineError::Protocol { .. } => 5,
///         _ => 6,
///     }
/// }
/// # let timeout = EngineError::timeout("the handshake", std::time::Duration::from_secs(20));
/// # assert_eq!(exit_code(&timeout), 4);
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// No connection: the name is unknown, nobody listens there, the network is down.
    #[error("cannot reach {address}: {source}")]
    Dial {
        /// What was dialled: `localhost:3000`, or the path of a Unix socket.
        address: Arc<str>,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The handshake of TLS failed: the certificate is not trusted or is for another name, or there is no TLS there.
    #[error("no TLS with {host}: {source}")]
    Tls {
        /// Who had to prove who it is.
        host: Arc<str>,
        /// What is wrong.
        source: Arc<io::Error>,
    },
    /// The proxy cannot be reached, or did not let us through.
    #[error("the proxy {proxy} did not connect us: {message}")]
    Proxy {
        /// Its address, without the password.
        proxy: Arc<str>,
        /// What it said, or why it could not be asked.
        message: Arc<str>,
    },
    /// The server answered, and it was no.
    #[error("{0}")]
    Refused(Arc<Refusal>),
    /// It took too long.
    #[error("{what} took longer than {after:?}")]
    Timeout {
        /// What did.
        what: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// What came is not what the protocol says: there is probably no Socket.IO server at this address.
    #[error("not understood: {message}")]
    Protocol {
        /// What came, and what was expected.
        message: Arc<str>,
    },
    /// The server closed the connection, with a close frame or by hanging up.
    #[error("the server closed the connection{}", said(*code, words))]
    Closed {
        /// The code of its close frame (RFC 6455, 7.4), if it has sent one that has one.
        code: Option<u16>,
        /// What it said besides. Often empty.
        words: Arc<str>,
    },
    /// The connection broke while it was in use.
    #[error("the connection was lost: {source}")]
    Stream {
        /// What the system said.
        source: Arc<io::Error>,
    },
}

/// An answer that is not a success (Engine.IO 4, "Handshake"; RFC 9110, 15).
///
/// ```
/// use sockeye_engine_client::Refusal;
///
/// let refusal = Refusal::new(400, br#"{"code":0,"message":"Transport unknown"}"#);
/// assert_eq!(refusal.code, Some(0));
/// assert_eq!(refusal.to_string(), "the server refused: 400 Bad Request, Transport unknown (code 0)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The code of Engine.IO, 0 to 5, if the body holds one.
    pub code: Option<u64>,
    /// The sentence of the body, or the beginning of what was there instead. May be empty.
    pub message: String,
    /// How long the server asks to be left alone (`Retry-After`; RFC 9110, 10.2.3).
    pub retry_after: Option<Duration>,
    /// Where the server would rather have been asked (`Location`). It is not followed: a session stays where it began.
    pub location: Option<String>,
}

impl EngineError {
    /// `what` took longer than `after`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let error = sockeye_engine_client::EngineError::timeout("the upgrade", Duration::from_secs(10));
    /// assert_eq!(error.to_string(), "the upgrade took longer than 10s");
    /// ```
    pub fn timeout(what: &'static str, after: Duration) -> Self {
        EngineError::Timeout { what, after }
    }

    /// The peer broke the protocol; `message` says what came and what was expected.
    ///
    /// ```
    /// let error = sockeye_engine_client::EngineError::protocol("expected an open packet, got `x`");
    /// assert!(error.to_string().contains("expected an open packet"));
    /// ```
    pub fn protocol(message: impl Into<Arc<str>>) -> Self {
        EngineError::Protocol { message: message.into() }
    }

    /// The server closed the connection, with this code, and these words.
    ///
    /// ```
    /// let error = sockeye_engine_client::EngineError::closed(Some(1008), "go away");
    /// assert!(error.to_string().contains("go away"));
    /// ```
    pub fn closed(code: Option<u16>, words: &str) -> Self {
        EngineError::Closed { code, words: printable(words).into() }
    }

    /// The connection broke.
    ///
    /// ```
    /// let error = sockeye_engine_client::EngineError::stream(std::io::ErrorKind::BrokenPipe.into());
    /// assert!(matches!(error, sockeye_engine_client::EngineError::Stream { .. }));
    /// ```
    pub fn stream(source: io::Error) -> Self {
        EngineError::Stream { source: Arc::new(source) }
    }

    /// How long the server asked to be left alone, if it refused and said so.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sockeye_engine_client::{EngineError, Refusal};
    ///
    /// let mut busy = Refusal::new(503, b"");
    /// busy.retry_after = Some(Duration::from_secs(30));
    /// let error = EngineError::Refused(busy.into());
    /// assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            EngineError::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    pub(crate) fn dial(address: impl Into<Arc<str>>, source: io::Error) -> Self {
        EngineError::Dial { address: address.into(), source: Arc::new(source) }
    }

    pub(crate) fn tls(host: &str, source: io::Error) -> Self {
        EngineError::Tls { host: host.into(), source: Arc::new(source) }
    }

    /// What hyper says about an exchange. Its causes are ours to name: hyper's own words are about hyper.
    pub(crate) fn exchange(error: &hyper::Error) -> Self {
        if let Some(source) = io_cause(error) {
            return EngineError::stream(io::Error::new(source.kind(), source.to_string()));
        }
        if error.is_parse_too_large() {
            return EngineError::protocol("the head of the answer is too large");
        }
        if error.is_parse() {
            return EngineError::protocol(format!("the answer is no HTTP: {error}"));
        }
        let ended = "the server closed the connection in the middle of an exchange";
        EngineError::stream(io::Error::new(io::ErrorKind::UnexpectedEof, ended))
    }
}

/// What a close frame says, in words (RFC 6455, 7.4.1).
fn said(code: Option<u16>, words: &str) -> String {
    let Some(code) = code else { return String::new() };
    let meaning = match code {
        1000 => "it is done",
        1001 => "it is going away",
        1002 => "we broke the protocol",
        1003 => "it does not take such messages",
        1007 => "our text is none",
        1008 => "a rule of its own",
        1009 => "our message is too large",
        1011 => "something unexpected happened there",
        1012 => "it restarts",
        1013 => "it is too busy",
        _ => "",
    };
    let parts = [meaning, words].into_iter().filter(|part| !part.is_empty());
    parts.fold(format!(" with code {code}"), |said, part| said + ", " + part)
}

fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref() {
            return Some(io);
        }
        cause = error.source();
    }
    None
}

/// What the JSON body of a refusal holds.
#[derive(serde::Deserialize)]
struct Body {
    code: u64,
    message: String,
}

/// Most letters of a body that an error repeats.
const REPEATED: usize = 200;

/// The beginning of a stranger's words, for a terminal that is not his.
fn printable(words: &str) -> String {
    let letters = words.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    letters.take(REPEATED).collect()
}

impl Refusal {
    /// Reads the body of a refusal: the JSON of Engine.IO, or whatever a proxy in between has written.
    ///
    /// ```
    /// let refusal = sockeye_engine_client::Refusal::new(400, br#"{"code":3,"message":"Bad request"}"#);
    /// assert_eq!((refusal.code, &*refusal.message), (Some(3), "Bad request"));
    /// ```
    pub fn new(status: u16, body: &[u8]) -> Self {
        let (code, message) = match serde_json::from_slice::<Body>(body) {
            Ok(body) => (Some(body.code), body.message),
            Err(_) => (None, String::from_utf8_lossy(body).into_owned()),
        };
        let message = printable(&message).trim().to_owned();
        Refusal { status, code, message, retry_after: None, location: None }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Refusal { status, code, message, location, .. } = self;
        write!(f, "the server refused: {status}")?;
        let reason = http::StatusCode::from_u16(*status).ok().and_then(|s| s.canonical_reason());
        if let Some(reason) = reason {
            write!(f, " {reason}")?;
        }
        if let Some(location) = location {
            return write!(f, ", it wants to be asked at {location}: give that address instead");
        }
        if !message.is_empty() {
            write!(f, ", {message}")?;
        }
        code.map_or(Ok(()), |code| write!(f, " (code {code})"))
    }
}
