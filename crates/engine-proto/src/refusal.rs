//! What a request is told that cannot be served: code, message, HTTP status.

use std::fmt;

/// Why a request was refused. The codes and messages are the reference's, to the letter.
///
/// Over plain HTTP the answer is [`status`](Self::status) with [`json_body`](Self::json_body) as
/// `application/json`. A refused WebSocket upgrade gets the same status, with
/// [`message`](Self::message) as `text/html`, and the connection is closed.
///
/// ```
/// use sockeye_engine_proto::Refusal;
///
/// let refusal = Refusal::UnknownSession;
/// assert_eq!(refusal.status(), 400);
/// assert_eq!(refusal.json_body(), r#"{"code":1,"message":"Session ID unknown"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Code 0: no transport in the query, or one that is not offered.
    TransportUnknown,
    /// Code 1: no session has this id (any more).
    UnknownSession,
    /// Code 2: a handshake that is not a GET.
    BadHandshakeMethod,
    /// Code 3: the request contradicts the session or itself.
    BadRequest(BadRequest),
    /// Code 4: the application, or the rule for foreign origins, said no; perhaps in its own words.
    Forbidden(Option<String>),
    /// Code 5: `EIO` in the query is not exactly `4`, nor `3` where that is allowed.
    UnsupportedVersion,
}

/// What a [`Refusal::BadRequest`] means; the client is not told, the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRequest {
    /// The `Origin` header has characters that no header may have.
    InvalidOrigin,
    /// The session lives on another transport; polling after the upgrade, for instance.
    TransportMismatch,
    /// The request speaks another protocol revision than the session.
    ProtocolMismatch,
    /// `transport=websocket` without a WebSocket upgrade, or an upgrade without `transport=websocket`.
    TransportHandshake,
    /// Something in front of the handshake failed.
    Middleware,
    /// No session id could be made.
    IdGeneration,
}

impl BadRequest {
    /// The reference's name for it, as its `connection_error` event has it.
    pub fn name(self) -> &'static str {
        match self {
            BadRequest::InvalidOrigin => "INVALID_ORIGIN",
            BadRequest::TransportMismatch => "TRANSPORT_MISMATCH",
            BadRequest::ProtocolMismatch => "PROTOCOL_MISMATCH",
            BadRequest::TransportHandshake => "TRANSPORT_HANDSHAKE_ERROR",
            BadRequest::Middleware => "MIDDLEWARE_FAILURE",
            BadRequest::IdGeneration => "ID_GENERATION_ERROR",
        }
    }
}

impl Refusal {
    /// The number clients look at.
    pub fn code(&self) -> u8 {
        match self {
            Refusal::TransportUnknown => 0,
            Refusal::UnknownSession => 1,
            Refusal::BadHandshakeMethod => 2,
            Refusal::BadRequest(_) => 3,
            Refusal::Forbidden(_) => 4,
            Refusal::UnsupportedVersion => 5,
        }
    }

    /// The sentence that goes with it.
    pub fn message(&self) -> &str {
        match self {
            Refusal::TransportUnknown => "Transport unknown",
            Refusal::UnknownSession => "Session ID unknown",
            Refusal::BadHandshakeMethod => "Bad handshake method",
            Refusal::BadRequest(_) => "Bad request",
            Refusal::Forbidden(words) => words.as_deref().unwrap_or("Forbidden"),
            Refusal::UnsupportedVersion => "Unsupported protocol version",
        }
    }

    /// The HTTP status of the answer to a plain request: 403 for [`Forbidden`](Self::Forbidden), else 400.
    pub fn status(&self) -> u16 {
        match self {
            Refusal::Forbidden(_) => 403,
            _ => 400,
        }
    }

    /// The body of the answer to a plain request.
    pub fn json_body(&self) -> String {
        let message = serde_json::Value::from(self.message());
        format!(r#"{{"code":{},"message":{message}}}"#, self.code())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::BadRequest(what) => write!(f, "{} ({})", self.message(), what.name()),
            _ => f.write_str(self.message()),
        }
    }
}

impl std::error::Error for Refusal {}
