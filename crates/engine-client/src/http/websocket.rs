//! The opening handshake of a WebSocket, as its client (RFC 6455, 4.1).

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use websocket_proto::handshake::{HandshakeError, UpgradeResponse, request_key, verify_response};

use super::connection::Failure;
use super::lane::closed_at_once;
use super::{Answer, Ask, Connection, Site};
use crate::{EngineError, Stream};

/// A stream on which frames come from now on.
#[derive(Debug)]
pub struct Upgraded {
    /// Behind the server's answer.
    pub stream: Stream,
    /// What the server sent behind its answer, and was read with it.
    pub leftover: Vec<u8>,
    /// What the server says about the extensions that were offered: never there if none were.
    pub extensions: Option<String>,
}

/// Asks for a WebSocket on a connection of its own. `offer` is the value of `Sec-WebSocket-Extensions`.
///
/// ```no_run
/// use sockeye_engine_client::http::{Site, websocket};
/// use sockeye_engine_client::{Dialer, Target};
///
/// # async fn asked() -> Result<(), Box<dyn std::error::Error>> {
/// let (target, _) = Target::parse("ws://localhost:3000")?;
/// let (dialer, headers) = (Dialer::default(), http::HeaderMap::new());
/// let query = [("EIO", "4"), ("transport", "websocket")];
/// let upgraded = websocket(Site::new(&target, &dialer, &headers), &query, None).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// [`EngineError::Refused`] for an answer that is no 101, [`EngineError::Protocol`] for a 101 that RFC 6455 does not
/// allow; those of [`Dialer::dial`](crate::Dialer::dial).
pub async fn websocket(
    site: Site<'_>,
    query: &[(&str, &str)],
    offer: Option<&str>,
) -> Result<Upgraded, EngineError> {
    let key = request_key(rand::random());
    let mut request = site.request(Ask::get(query))?;
    ask_for_upgrade(request.headers_mut(), &key, offer);
    let stream = site.dialer.dial(site.target).await?;
    let mut connection = Connection::open(stream).await?;
    let response = connection.send(request).await.map_err(|failure| match failure {
        Failure::Broken(error) => error,
        Failure::Unsent(_) => closed_at_once(),
    })?;
    site.remember(response.headers());
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(response, &mut connection).await);
    }
    let extensions = check(response.headers(), &key, offer.is_some())?;
    let (stream, leftover) = connection.into_stream().await?;
    Ok(Upgraded { stream, leftover, extensions })
}

fn ask_for_upgrade(headers: &mut HeaderMap, key: &str, offer: Option<&str>) {
    let value = |text: &str| HeaderValue::try_from(text).expect("made here, of ASCII");
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, value(key));
    if let Some(offer) = offer {
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, value(offer));
    }
}

async fn refusal(
    response: http::Response<hyper::body::Incoming>,
    connection: &mut Connection,
) -> EngineError {
    let status = response.status();
    match Answer::read(response, connection, 0).await {
        Ok(answer) if !status.is_success() => answer.refusal(),
        _ => EngineError::protocol(format!("asked for a WebSocket, the server answered {status}")),
    }
}

/// Judges the answer; hands back what it says about extensions.
fn check(headers: &HeaderMap, key: &str, offered: bool) -> Result<Option<String>, EngineError> {
    let connection = joined(headers, CONNECTION);
    let upgrade = joined(headers, UPGRADE);
    let accept = joined(headers, SEC_WEBSOCKET_ACCEPT);
    let response = UpgradeResponse {
        status: 101,
        connection: connection.as_deref(),
        upgrade: upgrade.as_deref(),
        accept: accept.as_deref(),
    };
    verify_response(key, &response).map_err(wrong)?;
    if headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Err(EngineError::protocol("the server chose a sub-protocol, and none was offered"));
    }
    let extensions = joined(headers, SEC_WEBSOCKET_EXTENSIONS);
    if extensions.is_some() && !offered {
        return Err(wrong(HandshakeError::Extensions));
    }
    Ok(extensions)
}

fn wrong(error: HandshakeError) -> EngineError {
    EngineError::protocol(format!("the handshake of the WebSocket: {error}"))
}

/// All values of a header, as one.
fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}
