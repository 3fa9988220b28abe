//! One exchange after the other, on a stream that is kept open in between.
//!
//! Only the stream is kept: hyper's buffers, 16 KiB and more, are there while somebody waits for an answer.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use super::connection::Failure;
use super::{Answer, Ask, Connection, Outgoing, Site};
use crate::{EngineError, Stream};

/// How long a connection may lie idle before it is used again, unless the server says something else. Many servers close
/// them after a minute or so; those that do after five seconds (Node.js, Apache) say so.
const IDLE: Duration = Duration::from_secs(30);

/// How much earlier than the server we let go, so that a request does not meet the server's goodbye.
const EARLIER: Duration = Duration::from_secs(1);

/// Requests of one kind: a session has one lane for its GETs and one for its POSTs.
///
/// ```no_run
/// use sockeye_engine_client::http::{Ask, Lane, Site};
///
/// async fn hello(site: Site<'_>) -> Result<(), sockeye_engine_client::EngineError> {
///     let mut posts = Lane::default();
///     let query = [("EIO", "4"), ("transport", "polling"), ("sid", "abc")];
///     for text in ["4hello", "4again, on the same stream"] {
///         let ask = Ask::post(&query, text.as_bytes().into(), "text/plain;charset=UTF-8");
///         posts.exchange(site, ask).await?.success()?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Default)]
pub struct Lane {
    kept: Option<Kept>,
}

struct Kept {
    stream: Stream,
    until: Instant,
}

impl Lane {
    /// Sends a request and reads the whole answer; dropping the future ends the exchange and its connection.
    ///
    /// A request is sent again, once and on a new connection, only if not a byte of it has left: before it writes, hyper reads, and
    /// finds out whether the other side has closed a stream that was kept, or has said something on it unasked. Anything else is not
    /// safe: a GET may have taken packets along when the connection broke, and a POST may have delivered its own.
    ///
    /// # Errors
    ///
    /// If there is no answer, or one that is not HTTP/1.1 or larger than it may be. A refusal is an answer: see
    /// [`Answer::success`].
    pub async fn exchange(&mut self, site: Site<'_>, ask: Ask<'_>) -> Result<Answer, EngineError> {
        let answer = self.exchanged(site, ask).await?;
        site.remember(&answer.headers);
        Ok(answer)
    }

    async fn exchanged(&mut self, site: Site<'_>, ask: Ask<'_>) -> Result<Answer, EngineError> {
        let limit = ask.limit;
        let mut request = site.request(ask)?;
        let kept = self.kept.take().filter(|kept| Instant::now() < kept.until);
        if let Some(Kept { stream, .. }) = kept {
            match self.exchange_on(stream, request, limit).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Broken(error)) => return Err(error),
                Err(Failure::Unsent(unsent)) => request = *unsent,
            }
        }
        let stream = site.dialer.dial(site.target).await?;
        match self.exchange_on(stream, request, limit).await {
            Ok(answer) => Ok(answer),
            Err(Failure::Broken(error)) => Err(error),
            Err(Failure::Unsent(_)) => Err(closed_at_once()),
        }
    }

    async fn exchange_on(
        &mut self,
        stream: Stream,
        request: Outgoing,
        limit: usize,
    ) -> Result<Answer, Failure> {
        let mut connection = Connection::open(stream).await.map_err(Failure::Broken)?;
        let response = connection.send(request).await?;
        let answer = Answer::read(response, &mut connection, limit).await;
        let answer = answer.map_err(Failure::Broken)?;
        if let Some(idle) = may_idle(&answer.headers)
            && let Some(stream) = connection.into_idle().await
        {
            self.kept = Some(Kept { stream, until: Instant::now() + idle });
        }
        Ok(answer)
    }
}

/// How long the connection may lie idle behind this answer (`Keep-Alive: timeout=5`).
fn may_idle(headers: &HeaderMap) -> Option<Duration> {
    let said = headers.get("keep-alive").and_then(|value| value.to_str().ok());
    let mut parts = said.unwrap_or_default().split(',');
    let timeout = parts.find_map(|part| part.trim().strip_prefix("timeout=")?.parse().ok());
    let idle = timeout.map_or(IDLE, Duration::from_secs).min(IDLE).saturating_sub(EARLIER);
    (!idle.is_zero()).then_some(idle)
}

pub(super) fn closed_at_once() -> EngineError {
    let words = "the server closed the connection before the request was sent";
    EngineError::stream(std::io::Error::new(std::io::ErrorKind::ConnectionReset, words))
}
