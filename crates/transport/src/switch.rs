//! From a request for a WebSocket to the answer that says yes.

use std::borrow::Cow;

use engine_proto::{BadRequest, Refusal};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use websocket_proto::handshake::{UpgradeRequest, accept};

use crate::answer::empty;
use crate::upgrade::Upgrade;
use crate::{Body, extended};

/// The 101 and what becomes of the connection after it, if the request is one for a WebSocket.
pub(crate) fn switch(parts: &mut Parts) -> Result<(Response<Body>, Upgrade), Refusal> {
    const NO_WEBSOCKET: Refusal = Refusal::BadRequest(BadRequest::TransportHandshake);
    if extended::asks(parts) {
        return extended::switch(parts).ok_or(NO_WEBSOCKET);
    }
    let headers = &parts.headers;
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (connection, upgrade) =
        (joined(headers, &header::CONNECTION), joined(headers, &header::UPGRADE));
    let asked = UpgradeRequest {
        method: parts.method.as_str(),
        connection: connection.as_deref(),
        upgrade: upgrade.as_deref(),
        version: text(&header::SEC_WEBSOCKET_VERSION),
        key: text(&header::SEC_WEBSOCKET_KEY),
    };
    let accepted = accept(&asked).map_err(|_| NO_WEBSOCKET)?;
    let protocol = text(&header::SEC_WEBSOCKET_PROTOCOL)
        .and_then(|offered| HeaderValue::from_str(offered.split(',').next()?.trim()).ok());
    let upgrade = Upgrade::of(&mut parts.extensions).ok_or(NO_WEBSOCKET)?;
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let accepted = HeaderValue::from_str(&accepted).expect("base64 is a header value");
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok((response, upgrade))
}

/// The values of all header lines of this name, as one (RFC 9110, 5.3).
fn joined<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let first = Cow::Borrowed(values.next()?);
    Some(values.fold(first, |all, value| Cow::Owned(format!("{all},{value}"))))
}
