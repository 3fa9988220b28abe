//! A WebSocket as a stream of HTTP/2: the extended CONNECT (RFC 8441).

use http::header::{SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use hyper::ext::Protocol;

use crate::Body;
use crate::answer::empty;
use crate::listener::Exchange;
use crate::upgrade::Upgrade;

/// Whether a request asks for a WebSocket in this way.
pub(crate) fn asks(parts: &Parts) -> bool {
    let protocol = parts.extensions.get::<Protocol>();
    parts.method == Method::CONNECT && protocol.is_some_and(|name| name.as_str() == "websocket")
}

/// The 200 that says yes, and what becomes of the stream after it. There is no key to answer: nobody could mistake the
/// request for another.
pub(crate) fn switch(parts: &mut Parts) -> Option<(Response<Body>, Upgrade)> {
    let version = parts.headers.get(SEC_WEBSOCKET_VERSION)?;
    if version != "13" {
        return None;
    }
    let mut response = empty(StatusCode::OK);
    if let Some(protocol) = first_protocol(parts) {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    let stream = parts.extensions.remove()?;
    let exchange = parts.extensions.remove::<std::sync::Arc<Exchange>>();
    Some((response, Upgrade::Stream(stream, exchange)))
}

fn first_protocol(parts: &Parts) -> Option<HeaderValue> {
    let offered = parts.headers.get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    HeaderValue::from_str(offered.split(',').next()?.trim()).ok()
}
