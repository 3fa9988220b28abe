//! What a server answered.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};
use hyper::body::Incoming;

use super::connection::Connection;
use crate::{EngineError, Refusal};

/// A whole answer.
///
/// ```
/// use sockeye_engine_client::http::Answer;
///
/// let answer = Answer { status: http::StatusCode::OK, headers: http::HeaderMap::new(), body: b"ok".as_slice().into() };
/// assert_eq!(answer.success().unwrap(), "ok");
/// ```
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; of a refusal, what could be read of it.
    pub body: Bytes,
}

/// Most bytes of a refusal's body that are read: the JSON of Engine.IO, or somebody's page of HTML.
const REFUSAL: usize = 64 << 10;

impl Answer {
    /// Reads the rest of it. The body of a refusal may be too large or break off: its status says enough.
    pub(super) async fn read(
        response: http::Response<Incoming>,
        connection: &mut Connection,
        limit: usize,
    ) -> Result<Self, EngineError> {
        let (head, body) = response.into_parts();
        let body = if head.status.is_success() {
            connection.collect(body, limit).await?
        } else {
            connection.collect(body, REFUSAL).await.unwrap_or_default()
        };
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// The body of a success (a status of 2xx).
    ///
    /// ```
    /// use sockeye_engine_client::http::Answer;
    ///
    /// let answer = Answer { status: http::StatusCode::OK, headers: http::HeaderMap::new(), body: b"ok".as_slice().into() };
    /// assert_eq!(answer.success().unwrap(), "ok");
    /// ```
    ///
    /// # Errors
    ///
    /// [`EngineError::Refused`] for every other status: redirections are not followed.
    pub fn success(self) -> Result<Bytes, EngineError> {
        if self.status.is_success() { Ok(self.body) } else { Err(self.refusal()) }
    }

    pub(super) fn refusal(&self) -> EngineError {
        let mut refusal = Refusal::new(self.status.as_u16(), &self.body);
        let text = |name: HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        refusal.retry_after =
            text(RETRY_AFTER).and_then(|value| retry_after(value, SystemTime::now()));
        if self.status.is_redirection() {
            refusal.location = text(LOCATION).map(|place| place.chars().take(1024).collect());
        }
        EngineError::Refused(refusal.into())
    }
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value.trim()).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}
