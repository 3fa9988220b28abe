//! What the application is asked about requests, is told about them, and adds to the answers.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use engine_proto::{BadRequest, Refusal, Sid};
use http::Extensions;
use http::header::{self, HeaderMap};
use rand::Rng as _;

use crate::addresses::Denied;
use crate::handshake::{Keep, keep};
use crate::request::Visitor;
use crate::session_event::Tell;
use crate::{ConnectionError, Request, SessionEvent};

/// What an application has to say about requests. Nothing is copied for a hook that is not set.
///
/// A hook that panics harms nobody: what it was to decide is refused, and the log says so.
#[derive(Clone, Default)]
pub struct Hooks {
    allow: Option<Arc<Allow>>,
    refused: Option<Arc<Refused>>,
    initial_headers: Option<Arc<Dress>>,
    headers: Option<Arc<Dress>>,
    generate_id: Option<Arc<Generate>>,
    session_event: Option<Arc<Tell>>,
    keep: Vec<Keep>,
}

type Allow = dyn Fn(Request) -> Pending + Send + Sync;
type Refused = dyn Fn(&ConnectionError) + Send + Sync;
type Dress = dyn Fn(&mut HeaderMap, &Request) + Send + Sync;
type Generate = dyn Fn(&Request) -> String + Send + Sync;
type Pending = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

impl Hooks {
    /// Asked before a session opens. An error is the text of the refusal; an empty one is `Forbidden`.
    #[must_use]
    pub fn allow_request<F, R, E>(mut self, allow: F) -> Self
    where
        F: Fn(Request) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.allow = Some(Arc::new(move |request| {
            let decided = allow(request);
            Box::pin(async move { decided.await.map_err(|error| error.to_string()) })
        }));
        self
    }

    /// Told of every request that is refused, but of those with too large a head.
    #[must_use]
    pub fn on_connection_error(
        mut self,
        refused: impl Fn(&ConnectionError) + Send + Sync + 'static,
    ) -> Self {
        self.refused = Some(Arc::new(refused));
        self
    }

    /// Called for the first answer of a session, before [`headers`](Self::headers).
    #[must_use]
    pub fn initial_headers(
        mut self,
        dress: impl Fn(&mut HeaderMap, &Request) + Send + Sync + 'static,
    ) -> Self {
        self.initial_headers = Some(Arc::new(dress));
        self
    }

    /// Called for every answer.
    #[must_use]
    pub fn headers(
        mut self,
        dress: impl Fn(&mut HeaderMap, &Request) + Send + Sync + 'static,
    ) -> Self {
        self.headers = Some(Arc::new(dress));
        self
    }

    /// Makes the ids of sessions.
    #[must_use]
    pub fn generate_id(
        mut self,
        generate: impl Fn(&Request) -> String + Send + Sync + 'static,
    ) -> Self {
        self.generate_id = Some(Arc::new(generate));
        self
    }

    /// Told of what happens to sessions.
    #[must_use]
    pub fn on_session_event(
        mut self,
        tell: impl Fn(&SessionEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.session_event = Some(Arc::new(tell));
        self
    }

    /// Keeps a value of this type that somebody in front has put into a request's extensions.
    #[must_use]
    pub fn keep_extension<T: Clone + Send + Sync + 'static>(mut self) -> Self {
        self.keep.push(keep::<T>);
        self
    }

    /// Whether somebody wants to know what happens to sessions.
    pub(crate) fn tells(&self) -> bool {
        self.session_event.is_some()
    }

    /// Something has happened to a session.
    pub(crate) fn session_event(&self, event: &SessionEvent<'_>) {
        if let Some(tell) = &self.session_event {
            guarded("on_session_event", || tell(event));
        }
    }

    /// What is kept of a request's extensions.
    pub(crate) fn kept(&self, extensions: &Extensions) -> Extensions {
        let mut kept = Extensions::new();
        self.keep.iter().for_each(|keep| keep(extensions, &mut kept));
        kept
    }

    /// The id for this visitor's session: random, unless the application has a way of its own.
    pub(crate) fn new_sid(&self, visitor: &mut Visitor<'_>) -> Result<Sid, Refusal> {
        let Some(generate) = &self.generate_id else {
            let mut random = [0; 15];
            rand::rng().fill_bytes(&mut random);
            return Ok(Sid::from_random(random));
        };
        let id = guarded("generate_id", || generate(&visitor.request()));
        let sid = id.as_deref().and_then(Sid::parse);
        sid.ok_or(Refusal::BadRequest(BadRequest::IdGeneration))
    }

    /// Has the application see to the headers of an answer; `initial` is the first of a session.
    pub(crate) fn dress(&self, visitor: &mut Visitor<'_>, initial: bool, headers: &mut HeaderMap) {
        let first = self.initial_headers.as_deref().filter(|_| initial);
        if first.is_none() && self.headers.is_none() {
            return;
        }
        let request = visitor.request();
        for (name, dress) in [("initial_headers", first), ("headers", self.headers.as_deref())] {
            let Some(dress) = dress else { continue };
            // What a hook has done before it panics does not count.
            let mut dressed = headers.clone();
            if guarded(name, || dress(&mut dressed, &request)).is_some() {
                keep_framing(headers, &mut dressed);
                *headers = dressed;
            }
        }
    }

    /// This visitor is turned away.
    pub(crate) fn turned_away(&self, visitor: &mut Visitor<'_>, refusal: &Refusal) {
        self.tell(|| ConnectionError::new(visitor.request(), refusal.clone()));
    }

    /// There is no room for this visitor.
    pub(crate) fn denied(&self, visitor: &mut Visitor<'_>, denied: Denied) {
        self.tell(|| ConnectionError::busy(visitor.request(), denied));
    }

    fn tell(&self, error: impl FnOnce() -> ConnectionError) {
        if let Some(refused) = &self.refused {
            let error = error();
            guarded("on_connection_error", || refused(&error));
        }
    }

    /// Whether this visitor may open a session.
    pub(crate) async fn admit(
        &self,
        visitor: &mut Visitor<'_>,
        deadline: Duration,
    ) -> Result<(), Refusal> {
        let Some(allow) = &self.allow else {
            return Ok(());
        };
        // Boxed: a request about which nobody is asked has no room for it.
        Box::pin(decide(Arc::clone(allow), visitor.request(), deadline)).await
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Hooks");
        shown.field("allow_request", &self.allow.is_some());
        shown.field("on_connection_error", &self.refused.is_some());
        shown.field("initial_headers", &self.initial_headers.is_some());
        shown.field("headers", &self.headers.is_some());
        shown.field("generate_id", &self.generate_id.is_some());
        shown.field("on_session_event", &self.session_event.is_some());
        shown.field("keep_extension", &self.keep.len()).finish()
    }
}

/// What `allow_request` says of a request, in time or not at all.
async fn decide(allow: Arc<Allow>, request: Request, deadline: Duration) -> Result<(), Refusal> {
    let decided = guarded_future(async move { allow(request).await });
    match tokio::time::timeout(deadline, decided).await {
        Ok(Some(verdict)) => {
            verdict.map_err(|said| Refusal::Forbidden(Some(said).filter(|said| !said.is_empty())))
        }
        Ok(None) => Err(Refusal::Forbidden(None)),
        Err(_) => {
            tracing::warn!("`allow_request` has not decided within its deadline");
            Err(Refusal::Forbidden(None))
        }
    }
}

/// Where an answer ends is the carrier's to say.
fn keep_framing(before: &HeaderMap, after: &mut HeaderMap) {
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        after.remove(&name);
        if let Some(value) = before.get(&name) {
            after.insert(name, value.clone());
        }
    }
}

/// Calls a hook; `None` if it panics.
pub(crate) fn guarded<T>(hook: &str, call: impl FnOnce() -> T) -> Option<T> {
    let outcome = catch_unwind(AssertUnwindSafe(call));
    if outcome.is_err() {
        tracing::error!("`{hook}` panicked");
    }
    outcome.ok()
}

/// The same for a hook that waits.
async fn guarded_future<F: Future>(decision: F) -> Option<F::Output> {
    let mut decision = pin!(decision);
    std::future::poll_fn(|cx| {
        let polled = guarded("allow_request", || decision.as_mut().poll(cx));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    })
    .await
}
