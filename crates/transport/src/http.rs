//! Requests in, answers out. The protocol's judgement is `engine_proto`'s; here it is printed.

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use engine_proto::handshake::{self, Origin, Query, Request as Asked, Revision as Number, Route};
use engine_proto::payload::Content;
use engine_proto::{BadRequest, Refusal, Sid, Transport};
use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use tokio::sync::oneshot;

use crate::addresses::{Denied, Place};
use crate::answer::{answered, busy, empty, encoded, payload, refuse};
use crate::body::{Fault, collect, discard};
use crate::coding::Coding;
use crate::connection::Shared;
use crate::driver;
use crate::extended;
use crate::files;
use crate::mailbox::{Answer, Letter, PostGuard};
use crate::origin::Verdict;
use crate::request::Visitor;
use crate::revision::{Revision, V4};
use crate::stats::Refused;
use crate::switch::switch;
use crate::threads;
use crate::upgrade;
use crate::{Application, Body, Config, Server};

impl<A: Application> Server<A> {
    /// Answers one request whose path is this server's.
    ///
    /// `peer` is the peer's address where the carrier knows it: the client's, or that of a proxy in front.
    /// [`Handshake::remote`](crate::Handshake::remote) tells whose it is in the end.
    pub async fn respond<B>(&self, request: Request<B>, peer: Option<SocketAddr>) -> Response<Body>
    where
        B: HttpBody,
        B::Error: fmt::Display,
    {
        let (parts, body) = request.into_parts();
        let remote = self.0.config.proxies.origin(&parts.headers, peer);
        let mut visitor = Visitor::new(parts, remote, &self.0.config.hooks);
        if head_bytes(&visitor.parts) > self.0.config.head_bytes {
            self.0.refused(Refused::HeadTooLarge);
            return empty(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        let verdict = self.judge(&visitor.parts);
        let preflight = self.is_preflight(&visitor.parts, &verdict);
        let mut response = if preflight {
            empty(self.0.config.cors.status())
        } else {
            // Pinned here, so that those below hold a reference each and not the body once more.
            self.answer(&mut visitor, pin!(body), &verdict).await
        };
        self.mark(&visitor.parts, &verdict, preflight, response.headers_mut());
        self.dress(&mut visitor, response.headers_mut());
        response
    }

    /// Whose page the request comes from.
    fn judge(&self, parts: &Parts) -> Verdict {
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        self.0.config.origins.judge(&parts.headers, authority)
    }

    fn is_preflight(&self, parts: &Parts, verdict: &Verdict) -> bool {
        let asks = parts.method == Method::OPTIONS && !self.leaves(&parts.method);
        asks && matches!(verdict, Verdict::Listed(_))
    }

    /// Adds what the browser of a listed page has to see.
    fn mark(&self, parts: &Parts, verdict: &Verdict, preflight: bool, headers: &mut HeaderMap) {
        let Config { origins, cors, .. } = &self.0.config;
        if let Verdict::Listed(origin) = verdict {
            origins.mark(origin, headers);
            cors.mark(headers);
        }
        if preflight {
            cors.mark_preflight(&parts.headers, headers);
        }
    }

    /// Sees to what the application wants to stand on an answer.
    fn dress(&self, visitor: &mut Visitor<'_>, headers: &mut HeaderMap) {
        let Config { cookie, hooks, .. } = &self.0.config;
        if let (Some(sid), Some(cookie)) = (visitor.opened, cookie)
            && let Some(value) = cookie.header(sid)
        {
            headers.append(header::SET_COOKIE, value);
        }
        let initial = visitor.opened.is_some();
        hooks.dress(visitor, initial, headers);
    }

    /// Does what is asked, or says why not.
    async fn answer<B>(
        &self,
        visitor: &mut Visitor<'_>,
        body: B,
        verdict: &Verdict,
    ) -> Response<Body>
    where
        B: HttpBody,
        B::Error: fmt::Display,
    {
        if let Some(answer) = files::answer(&self.0.config, &visitor.parts).await {
            discard(body).await;
            return answer;
        }
        let extended = extended::asks(&visitor.parts);
        let upgrade = extended || has_token(&visitor.parts.headers, &header::UPGRADE, "websocket");
        let outcome = {
            let parts = &visitor.parts;
            let query = Query::parse(parts.uri.query().unwrap_or_default());
            // RFC 8441, 5: what is a GET in HTTP/1.1 is a CONNECT there.
            let method = if extended { "GET" } else { parts.method.as_str() };
            let asked = Asked { method, upgrade, query: &query, origin: origin_of(verdict) };
            handshake::check(&asked, &self.0.config.engine, |sid| self.0.sessions.kind_of(sid))
        };
        let answered = match outcome {
            Ok(route) => self.follow(route, visitor, body).await,
            Err(refusal) => {
                discard(body).await;
                Err(refusal)
            }
        };
        answered.unwrap_or_else(|refusal| {
            self.0.refused(Refused::from(&refusal));
            self.0.config.hooks.turned_away(visitor, &refusal);
            refuse(&refusal, upgrade)
        })
    }

    async fn follow<B>(
        &self,
        route: Route,
        visitor: &mut Visitor<'_>,
        body: B,
    ) -> Result<Response<Body>, Refusal>
    where
        B: HttpBody,
        B::Error: fmt::Display,
    {
        match route {
            Route::Open(transport, Number::Four) => self.open(visitor, transport).await,
            // Boxed: nobody else has room for it.
            Route::Open(transport, Number::Three) => {
                Box::pin(self.open_v3(visitor, transport)).await
            }
            Route::Candidate(sid) => self.upgrade_session(&mut visitor.parts, sid),
            Route::Poll(sid) => self.poll(sid, &visitor.parts.headers).await,
            Route::Post(sid) => self.post(sid, &visitor.parts.headers, body).await,
            Route::WrongMethod => {
                discard(body).await;
                Ok(empty(StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
    }

    async fn open(
        &self,
        visitor: &mut Visitor<'_>,
        transport: Transport,
    ) -> Result<Response<Body>, Refusal> {
        if let Some(turned_away) = self.admit(visitor).await? {
            return Ok(turned_away);
        }
        match transport {
            Transport::Polling => self.open_polling(visitor),
            Transport::WebSocket => self.open_websocket(visitor, V4),
        }
    }

    /// Asks who has a say in who may come. What comes back is the answer to somebody who may not now.
    pub(crate) async fn admit(
        &self,
        visitor: &mut Visitor<'_>,
    ) -> Result<Option<Response<Body>>, Refusal> {
        // First, so that whoever hammers costs nobody a thought.
        if let Err(denied) = self.knock(visitor) {
            return Ok(Some(self.turn_away(visitor, denied)));
        }
        let Config { hooks, allow_deadline, .. } = &self.0.config;
        hooks.admit(visitor, *allow_deadline).await?;
        Ok(None)
    }

    fn knock(&self, visitor: &Visitor<'_>) -> Result<(), Denied> {
        if self.0.sessions.is_refusing() {
            return Err((Refused::Leaving, None));
        }
        let addresses = self.0.addresses.as_ref();
        addresses.map_or(Ok(()), |addresses| addresses.knock(visitor.address()))
    }

    /// Takes a place for one more session, if there is one.
    pub(crate) fn reserve(&self, visitor: &Visitor<'_>) -> Result<Place, Denied> {
        let sessions = &self.0.sessions;
        if sessions.is_refusing() {
            return Err((Refused::Leaving, None));
        }
        let place = match &self.0.addresses {
            Some(addresses) => addresses.enter(visitor.address())?,
            None => Place::default(),
        };
        let reserved = sessions.reserve(self.0.config.sessions);
        if reserved { Ok(place) } else { Err((Refused::Full, None)) }
    }

    pub(crate) fn turn_away(&self, visitor: &mut Visitor<'_>, denied: Denied) -> Response<Body> {
        let (why, wait) = denied;
        self.0.refused(why);
        self.0.config.hooks.denied(visitor, denied);
        busy(why, wait)
    }

    fn open_polling(&self, visitor: &mut Visitor<'_>) -> Result<Response<Body>, Refusal> {
        let sid = self.new_sid(visitor)?;
        let place = match self.reserve(visitor) {
            Ok(place) => place,
            Err(denied) => return Ok(self.turn_away(visitor, denied)),
        };
        let open = driver::spawn_polling(&self.0, sid, visitor.head(), place).ok_or(NO_ID)?;
        visitor.opened = Some(sid);
        Ok(payload(Content::Text, open.into_bytes()))
    }

    pub(crate) fn open_websocket<R: Revision>(
        &self,
        visitor: &mut Visitor<'_>,
        revision: R,
    ) -> Result<Response<Body>, Refusal> {
        let (mut response, upgrade) = switch(&mut visitor.parts)?;
        let sid = self.new_sid(visitor)?;
        let place = match self.reserve(visitor) {
            Ok(place) => place,
            Err(denied) => return Ok(self.turn_away(visitor, denied)),
        };
        let receiver = self.receiver(&visitor.parts.headers, &mut response);
        let begins = (revision, place);
        driver::spawn_websocket(&self.0, sid, upgrade, receiver, visitor.head(), begins);
        visitor.opened = Some(sid);
        Ok(response)
    }

    /// An id that no session has.
    pub(crate) fn new_sid(&self, visitor: &mut Visitor<'_>) -> Result<Sid, Refusal> {
        let sid = self.0.config.hooks.new_sid(visitor)?;
        if self.0.sessions.get(sid).is_some() { Err(NO_ID) } else { Ok(sid) }
    }

    /// A WebSocket for a session that exists. Whether it is wanted is the session's to say, and is said
    /// after the 101, as the reference does.
    fn upgrade_session(&self, parts: &mut Parts, sid: Sid) -> Result<Response<Body>, Refusal> {
        let session = self.0.sessions.get(sid).ok_or(Refusal::UnknownSession)?;
        let (mut response, upgrade) = switch(parts)?;
        let receiver = self.receiver(&parts.headers, &mut response);
        let stays = Arc::ptr_eq(self.0.here(), &session.worker);
        threads::begin(async move {
            if let Ok(taken) = upgrade::take(upgrade).await
                && let Ok(taken) = taken.hand_over(stays)
            {
                session.post(Letter::Candidate(Box::new((taken, receiver))));
            }
        });
        Ok(response)
    }

    async fn poll(&self, sid: Sid, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        let (reply, answer) = oneshot::channel();
        match self.0.sessions.get(sid) {
            Some(session) if session.post(Letter::Poll(reply)) => {}
            _ => return Err(Refusal::UnknownSession),
        }
        Ok(self.told(answer, headers).await)
    }

    /// What the session says to a poll.
    pub(crate) async fn told(
        &self,
        answer: oneshot::Receiver<Answer>,
        headers: &HeaderMap,
    ) -> Response<Body> {
        match answer.await {
            Ok(Answer::Payload(content, packets)) => self.polled(content, packets, headers).await,
            other => answered(other),
        }
    }

    /// Packets for a poll, compressed where that is worth it and wanted.
    async fn polled(
        &self,
        content: Content,
        packets: Vec<u8>,
        headers: &HeaderMap,
    ) -> Response<Body> {
        let threshold = self.0.config.compression;
        let worth = threshold.is_some_and(|threshold| packets.len() >= threshold);
        if worth
            && let Some(coding) = Coding::accepted(headers)
            // Boxed: a poll that is held has no room for it.
            && let Some(smaller) = Box::pin(self.0.compressors.compress(coding, &packets)).await
        {
            return encoded(content, smaller, coding.name());
        }
        payload(content, packets)
    }

    async fn post<B>(
        &self,
        sid: Sid,
        headers: &HeaderMap,
        body: B,
    ) -> Result<Response<Body>, Refusal>
    where
        B: HttpBody,
        B::Error: fmt::Display,
    {
        let session = self.0.sessions.get(sid).ok_or(Refusal::UnknownSession)?;
        let (reply, mut answer) = oneshot::channel();
        let id = session.posts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if !session.post(Letter::Post(id, content_of(headers), reply)) {
            return Err(Refusal::UnknownSession);
        }
        let mut guard = PostGuard::new(Arc::clone(&session), id);
        let collected = tokio::select! {
            biased;
            // Refused before the body was there.
            early = &mut answer => {
                guard.disarm();
                return Ok(answered(early));
            }
            collected = self.collect(body) => collected,
        };
        Ok(self.hand_over(&session, guard, collected, answer).await)
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

pub(crate) const NO_ID: Refusal = Refusal::BadRequest(BadRequest::IdGeneration);

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

fn content_of(headers: &HeaderMap) -> Content {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match kind {
        Some(kind) if kind.trim_start().starts_with("application/octet-stream") => Content::Binary,
        _ => Content::Text,
    }
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(token))
}
