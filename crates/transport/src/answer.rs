//! Answers, as the reference prints them.

use std::time::Duration;

use bytes::Bytes;
use engine_proto::Refusal;
use engine_proto::payload::Content;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use tokio::sync::oneshot;

use crate::Body;
use crate::mailbox::Answer;
use crate::stats::Refused;

/// What a session has said to one of its requests.
pub(crate) fn answered(answer: Result<Answer, oneshot::error::RecvError>) -> Response<Body> {
    match answer {
        Ok(Answer::Payload(content, bytes) | Answer::Plain(content, bytes)) => {
            payload(content, bytes)
        }
        Ok(Answer::Taken) => with_type("text/html", Bytes::from_static(b"ok")),
        Ok(Answer::Refused(status)) => {
            empty(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST))
        }
        // The session ended while the request waited.
        Err(_) => empty(StatusCode::BAD_REQUEST),
    }
}

pub(crate) fn payload(content: Content, bytes: Vec<u8>) -> Response<Body> {
    let kind = match content {
        Content::Text => "text/plain; charset=UTF-8",
        Content::Binary => "application/octet-stream",
    };
    let mut response = with_type(kind, bytes.into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Packets that were compressed.
pub(crate) fn encoded(content: Content, bytes: Vec<u8>, coding: &'static str) -> Response<Body> {
    let mut response = payload(content, bytes);
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    response
}

fn with_type(kind: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

/// There is no room for it now. Says why in words, for whoever looks, and when it may come again.
pub(crate) fn busy(why: Refused, wait: Option<Duration>) -> Response<Body> {
    let mut response = with_type("text/plain", Bytes::from_static(why.as_str().as_bytes()));
    let of_one = matches!(why, Refused::TooManyConnections | Refused::TooManyHandshakes);
    *response.status_mut() =
        if of_one { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::SERVICE_UNAVAILABLE };
    if let Some(wait) = wait {
        // In whole seconds (RFC 9110, 10.2.3), and not too early.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A refusal as the reference prints it: JSON, or plain text where a WebSocket was asked for.
pub(crate) fn refuse(refusal: &Refusal, upgrade: bool) -> Response<Body> {
    let foreign = matches!(refusal, Refusal::Forbidden(_));
    if upgrade {
        let status = if foreign { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
        return refuse_upgrade(status, refusal.message());
    }
    let mut response = with_type("application/json", refusal.json_body().into());
    *response.status_mut() =
        StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    response
}

fn refuse_upgrade(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = with_type("text/html", Bytes::copy_from_slice(message.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
