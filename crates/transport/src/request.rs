//! A request, as the application's hooks see it.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use engine_proto::Sid;
use engine_proto::handshake::pairs;
use http::Method;
use http::request::Parts;

use crate::{Handshake, Hooks};

/// A request to the server: its method, target and headers, and who sent it. Cloning counts a reference.
#[derive(Clone)]
pub struct Request {
    method: Method,
    head: Arc<Handshake>,
}

impl Request {
    /// The HTTP method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Path and query, as they were asked for. The query of a session's requests has its id, a secret.
    pub fn url(&self) -> &str {
        self.head.uri()
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.url().split('?').next().unwrap_or_default()
    }

    /// The first value of that name in the query, decoded.
    pub fn query_value(&self, name: &str) -> Option<Cow<'_, str>> {
        pairs(self.head.query()).find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// The headers in order: lower-case name, value.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.head.headers()
    }

    /// The first header of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The client's address, where the carrier knows it. Behind a proxy it is the proxy's, unless that one is
    /// [trusted](crate::Config::proxies).
    pub fn address(&self) -> Option<SocketAddr> {
        self.head.remote()
    }

    /// What a middleware in front has put into the request's extensions, if that kind of value is kept.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.head.extension()
    }

    /// Whether the request came over TLS: to the server's own listener, or as far as its URI tells.
    pub fn secure(&self) -> bool {
        self.head.secure()
    }

    /// The version of HTTP that it was made with.
    pub fn version(&self) -> http::Version {
        self.head.version()
    }
}

/// Without query and headers, which may hold secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Request");
        shown.field("method", &self.method).field("path", &self.path());
        shown.field("address", &self.address()).finish_non_exhaustive()
    }
}

/// A request that is being answered.
pub(crate) struct Visitor<'a> {
    pub(crate) parts: Parts,
    remote: Option<SocketAddr>,
    hooks: &'a Hooks,
    /// Made when it is first asked for.
    head: Option<Arc<Handshake>>,
    /// The session that was opened for it.
    pub(crate) opened: Option<Sid>,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(parts: Parts, remote: Option<SocketAddr>, hooks: &'a Hooks) -> Self {
        Visitor { parts, remote, hooks, head: None, opened: None }
    }

    /// The client's address, where it is known.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// A copy of the head: what hooks look at, and what a session keeps.
    pub(crate) fn head(&mut self) -> Arc<Handshake> {
        let Visitor { parts, remote, hooks, head, .. } = self;
        let copied = || {
            let kept = hooks.kept(&parts.extensions);
            Arc::new(Handshake::new(parts, *remote, SystemTime::now(), kept))
        };
        Arc::clone(head.get_or_insert_with(copied))
    }

    pub(crate) fn request(&mut self) -> Request {
        Request { method: self.parts.method.clone(), head: self.head() }
    }
}
