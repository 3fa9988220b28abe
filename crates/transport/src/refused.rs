//! What the application is told about a request that was refused.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use engine_proto::{BadRequest, Refusal};

use crate::Request;
use crate::addresses::Denied;
use crate::stats::Refused;

/// A request that was refused, and why.
///
/// Its text is the sentence that the client was told, with the reference's name for what was wrong where there
/// is one: `Bad request (TRANSPORT_MISMATCH)`.
#[derive(Clone, Debug)]
pub struct ConnectionError {
    request: Request,
    refusal: Refusal,
    reason: Refused,
    retry_after: Option<Duration>,
}

impl ConnectionError {
    pub(crate) fn new(request: Request, refusal: Refusal) -> Self {
        let reason = Refused::from(&refusal);
        ConnectionError { request, refusal, reason, retry_after: None }
    }

    /// There is no room for it.
    pub(crate) fn busy(request: Request, (reason, retry_after): Denied) -> Self {
        let refusal = Refusal::Forbidden(Some(reason.as_str().to_owned()));
        ConnectionError { request, refusal, reason, retry_after }
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The code that the client was told: 0 to 5, as in the reference. Whoever finds no room is told 429 or 503 and no code;
    /// here that is 4, Forbidden, and [`reason`](Self::reason) tells which limit it was.
    pub fn code(&self) -> u8 {
        self.refusal.code()
    }

    /// The sentence that the client was told.
    pub fn message(&self) -> &str {
        self.refusal.message()
    }

    /// Why, as it is counted in [`Stats::refused`](crate::Stats::refused).
    pub fn reason(&self) -> Refused {
        self.reason
    }

    /// How long the client is to wait, if it was told so: the limit is one on how often somebody comes.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What was wrong, under the reference's names: `transport`, `previousTransport`, `sid`, `method`, `name`, `origin`,
    /// `message`, `protocol`, `previousProtocol`. What a request does not have is empty. The values are the client's: any text.
    pub fn context(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let query = |name| self.request.query_value(name).unwrap_or_default();
        match &self.refusal {
            Refusal::TransportUnknown => vec![("transport", query("transport"))],
            Refusal::UnknownSession => vec![("sid", query("sid"))],
            Refusal::BadHandshakeMethod => vec![("method", self.request.method().as_str().into())],
            Refusal::BadRequest(what) => self.bad_request(*what),
            Refusal::Forbidden(_) => vec![("message", self.message().into())],
            Refusal::UnsupportedVersion => vec![("protocol", query("EIO"))],
        }
    }

    fn bad_request(&self, what: BadRequest) -> Vec<(&'static str, Cow<'_, str>)> {
        let mut context = vec![("name", Cow::Borrowed(what.name()))];
        match what {
            BadRequest::InvalidOrigin => {
                context.push(("origin", self.request.header("origin").unwrap_or_default().into()));
            }
            BadRequest::TransportMismatch => {
                let transport = self.request.query_value("transport").unwrap_or_default();
                // Both are offered, and the session speaks by the one that was not named.
                let previous = if transport == "polling" { "websocket" } else { "polling" };
                context.push(("transport", transport));
                context.push(("previousTransport", previous.into()));
            }
            BadRequest::ProtocolMismatch => {
                let protocol = self.request.query_value("EIO").unwrap_or_default();
                // A session speaks 3 or 4: the one that was not named.
                let previous = match &*protocol {
                    "3" => Some("4"),
                    "4" => Some("3"),
                    _ => None,
                };
                context.push(("protocol", protocol));
                context.extend(previous.map(|previous| ("previousProtocol", previous.into())));
            }
            BadRequest::TransportHandshake | BadRequest::Middleware | BadRequest::IdGeneration => {}
        }
        context
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl std::error::Error for ConnectionError {}
