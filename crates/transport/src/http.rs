//! Requests in, answers out. The protocol's judgement is `engine_proto`'s; here it is printed.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use engine_proto::handshake::{self, Origin, Query, Request as Asked, Route};
use engine_proto::{Refusal, Sid, Transport};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use websocket_proto::handshake::{UpgradeRequest, accept};

use crate::connection::Shared;
use crate::driver;
use crate::mailbox::{Answer, Letter, PostGuard};
use crate::origin::Verdict;
use crate::threads;
use crate::upgrade;
use crate::{Application, Body, Handshake, Origins, Server};

impl<A: Application> Server<A> {
    /// Answers one request whose path is this server's.
    ///
    /// `remote` is the peer's address where the carrier knows it; [`Handshake::remote`] gives it back.
    pub async fn respond<B>(
        &self,
        request: Request<B>,
        remote: Option<SocketAddr>,
    ) -> Response<Body>
    where
        B: HttpBody,
        B::Error: fmt::Display,
    {
        let (mut parts, body) = request.into_parts();
        if head_bytes(&parts) > self.0.config.head_bytes {
            return empty(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        let origins = &self.0.config.origins;
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        let verdict = origins.judge(&parts.headers, authority);
        let preflight = parts.method == Method::OPTIONS && matches!(verdict, Verdict::Listed(_));
        let mut response = if preflight {
            empty(StatusCode::NO_CONTENT)
        } else {
            self.route(&mut parts, body, remote, &verdict).await
        };
        if let Verdict::Listed(origin) = &verdict {
            origins.mark(origin, response.headers_mut());
            if preflight {
                Origins::mark_preflight(&parts.headers, response.headers_mut());
            }
        }
        response
    }

    async fn route<B>(
        &self,
        parts: &mut Parts,
        body: B,
        remote: Option<SocketAddr>,
        verdict: &Verdict,
    ) -> Response<Body>
    where
        B: HttpBody,
        B::Error: fmt::Display,
    {
        let upgrade = has_token(&parts.headers, &header::UPGRADE, "websocket");
        let outcome = {
            let query = Query::parse(parts.uri.query().unwrap_or_default());
            let method = parts.method.as_str();
            let asked = Asked { method, upgrade, query: &query, origin: origin_of(verdict) };
            handshake::check(&asked, &self.0.config.engine, |sid| self.0.sessions.transport_of(sid))
        };
        match outcome {
            Err(refusal) => {
                discard(body).await;
                refuse(&refusal, upgrade)
            }
            Ok(Route::Open(Transport::Polling)) => self.open_polling(parts, remote),
            Ok(Route::Open(Transport::WebSocket)) => self.open_websocket(parts, remote),
            Ok(Route::Candidate(sid)) => self.upgrade_session(parts, sid),
            Ok(Route::Poll(sid)) => self.poll(sid).await,
            Ok(Route::Post(sid)) => self.post(sid, &parts.headers, body).await,
            Ok(Route::WrongMethod) => {
                discard(body).await;
                empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// Takes a place for one more session, if there is one.
    fn reserve(&self) -> bool {
        let sessions = &self.0.sessions;
        !sessions.is_refusing() && sessions.reserve(self.0.config.sessions)
    }

    fn open_polling(&self, parts: &Parts, remote: Option<SocketAddr>) -> Response<Body> {
        if !self.reserve() {
            return empty(StatusCode::SERVICE_UNAVAILABLE);
        }
        let handshake = Arc::new(Handshake::new(parts, remote, SystemTime::now()));
        let open = driver::spawn_polling(&self.0, handshake);
        payload(open.into_bytes())
    }

    fn open_websocket(&self, parts: &mut Parts, remote: Option<SocketAddr>) -> Response<Body> {
        let Some((response, upgrade)) = switch(parts) else {
            return refuse_upgrade(StatusCode::BAD_REQUEST, "Bad Request");
        };
        if !self.reserve() {
            return empty(StatusCode::SERVICE_UNAVAILABLE);
        }
        let handshake = Arc::new(Handshake::new(parts, remote, SystemTime::now()));
        driver::spawn_websocket(&self.0, upgrade, handshake);
        response
    }

    /// A WebSocket for a session that exists. Whether it is wanted is the session's to say, and is said
    /// after the 101, as the reference does.
    fn upgrade_session(&self, parts: &mut Parts, sid: Sid) -> Response<Body> {
        let Some(session) = self.0.sessions.get(sid) else {
            return refuse(&Refusal::UnknownSession, true);
        };
        let Some((response, upgrade)) = switch(parts) else {
            return refuse_upgrade(StatusCode::BAD_REQUEST, "Bad Request");
        };
        let stays = Arc::ptr_eq(self.0.here(), &session.worker);
        threads::begin(async move {
            if let Ok(taken) = upgrade::take(upgrade).await
                && let Ok(taken) = taken.hand_over(stays)
            {
                session.post(Letter::Candidate(Box::new(taken)));
            }
        });
        response
    }

    async fn poll(&self, sid: Sid) -> Response<Body> {
        let (reply, answer) = oneshot::channel();
        match self.0.sessions.get(sid) {
            Some(session) if session.post(Letter::Poll(reply)) => answered(answer.await),
            _ => refuse(&Refusal::UnknownSession, false),
        }
    }

    async fn post<B>(&self, sid: Sid, headers: &HeaderMap, body: B) -> Response<Body>
    where
        B: HttpBody,
        B::Error: fmt::Display,
    {
        let Some(session) = self.0.sessions.get(sid) else {
            return refuse(&Refusal::UnknownSession, false);
        };
        let (reply, mut answer) = oneshot::channel();
        if is_binary(headers) {
            session.post(Letter::InvalidContent(reply));
            return answered(answer.await);
        }
        let id = session.posts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if !session.post(Letter::Post(id, reply)) {
            return refuse(&Refusal::UnknownSession, false);
        }
        let mut guard = PostGuard::new(Arc::clone(&session), id);
        let collected = tokio::select! {
            biased;
            // Refused before the body was there.
            early = &mut answer => {
                guard.disarm();
                return answered(early);
            }
            collected = self.collect(body) => collected,
        };
        self.hand_over(&session, guard, collected, answer).await
    }

    /// The body of a POST within its limit and its deadline.
    async fn collect<B>(&self, body: B) -> Result<Bytes, Fault>
    where
        B: HttpBody,
        B::Error: fmt::Display,
    {
        let limit = self.0.config.engine.max_payload;
        let collected =
            tokio::time::timeout(self.0.config.body_deadline, collect(body, limit)).await;
        collected.unwrap_or(Err(Fault::Late))
    }

    async fn hand_over(
        &self,
        session: &Arc<Shared>,
        mut guard: PostGuard,
        collected: Result<Bytes, Fault>,
        answer: oneshot::Receiver<Answer>,
    ) -> Response<Body> {
        let id = guard.id();
        match collected {
            Ok(body) => {
                guard.disarm();
                session.post(Letter::Body(id, body));
                answered(answer.await)
            }
            Err(Fault::TooLarge) => {
                guard.disarm();
                session.post(Letter::TooLarge(id));
                empty(StatusCode::PAYLOAD_TOO_LARGE)
            }
            // The guard tells the session.
            Err(Fault::Late) => empty(StatusCode::REQUEST_TIMEOUT),
            Err(Fault::Broken) => empty(StatusCode::BAD_REQUEST),
        }
    }
}

/// Why a body could not be had.
enum Fault {
    TooLarge,
    Late,
    Broken,
}

async fn collect<B>(body: B, limit: usize) -> Result<Bytes, Fault>
where
    B: HttpBody,
    B::Error: fmt::Display,
{
    // Refused before the memory is taken, where the length is announced.
    if body.size_hint().lower() > limit as u64 {
        return Err(Fault::TooLarge);
    }
    let mut body = std::pin::pin!(body);
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Fault::Broken)?.into_data() else {
            continue;
        };
        if whole.len() + data.remaining() > limit {
            return Err(Fault::TooLarge);
        }
        let last = data.remaining() == data.chunk().len();
        if whole.is_empty() && last && body.is_end_stream() {
            let length = data.remaining();
            return Ok(data.copy_to_bytes(length));
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            whole.extend_from_slice(chunk);
            let length = chunk.len();
            data.advance(length);
        }
    }
    Ok(whole.into())
}

/// Reads away the small body of a request that is refused, so that its connection can be used again.
async fn discard<B>(body: B)
where
    B: HttpBody,
    B::Error: fmt::Display,
{
    const SMALL: usize = 16 * 1024;
    const PATIENCE: Duration = Duration::from_secs(1);
    if !body.is_end_stream() && body.size_hint().upper().is_some_and(|bytes| bytes <= SMALL as u64)
    {
        let _ = tokio::time::timeout(PATIENCE, collect(body, SMALL)).await;
    }
}

/// What keeping the request's head would cost: URI and headers.
fn head_bytes(parts: &Parts) -> usize {
    let uri = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let lines = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    uri + lines.sum::<usize>()
}

fn origin_of(verdict: &Verdict) -> Origin {
    match verdict {
        Verdict::Own | Verdict::Listed(_) => Origin::Allowed,
        Verdict::Foreign => Origin::Foreign,
        Verdict::Malformed => Origin::Malformed,
    }
}

/// The 101 and what becomes of the connection after it, if the request is one for a WebSocket.
fn switch(parts: &mut Parts) -> Option<(Response<Body>, hyper::upgrade::OnUpgrade)> {
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
    let accepted = accept(&asked).ok()?;
    let protocol = text(&header::SEC_WEBSOCKET_PROTOCOL)
        .and_then(|offered| HeaderValue::from_str(offered.split(',').next()?.trim()).ok());
    let upgrade = parts.extensions.remove::<hyper::upgrade::OnUpgrade>()?;
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let accepted = HeaderValue::from_str(&accepted).expect("base64 is a header value");
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Some((response, upgrade))
}

/// The values of all header lines of this name, as one (RFC 9110, 5.3).
fn joined<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let first = Cow::Borrowed(values.next()?);
    Some(values.fold(first, |all, value| Cow::Owned(format!("{all},{value}"))))
}

fn is_binary(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().starts_with("application/octet-stream"))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(token))
}

fn answered(answer: Result<Answer, oneshot::error::RecvError>) -> Response<Body> {
    match answer {
        Ok(Answer::Payload(bytes)) => payload(bytes),
        Ok(Answer::Taken) => with_type("text/html", Bytes::from_static(b"ok")),
        Ok(Answer::Refused(status)) => {
            empty(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST))
        }
        // The session ended while the request waited.
        Err(_) => empty(StatusCode::BAD_REQUEST),
    }
}

fn payload(bytes: Vec<u8>) -> Response<Body> {
    let mut response = with_type("text/plain; charset=UTF-8", bytes.into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn with_type(kind: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

/// A refusal as the reference prints it: JSON, or plain text where a WebSocket was asked for.
fn refuse(refusal: &Refusal, upgrade: bool) -> Response<Body> {
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
