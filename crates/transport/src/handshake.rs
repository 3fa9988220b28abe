//! What is kept of the request that opened a session.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use http::header::HOST;
use http::request::Parts;
use http::uri::{PathAndQuery, Scheme};
use http::{Extensions, Version};

use crate::listener::Secure;

/// The first request of a session: one block of memory, read on demand.
///
/// The request's own header values are slices of the HTTP connection's read buffer; keeping one of them would
/// keep all of it, so everything is copied.
#[derive(Debug)]
pub struct Handshake {
    /// The URI, a line feed, and `name: value` lines.
    block: Box<str>,
    uri: u32,
    remote: Option<SocketAddr>,
    /// Microseconds since 1970.
    time: u64,
    secure: bool,
    version: Version,
    /// Of the request's extensions, what the application wants to keep.
    kept: Extensions,
}

impl Handshake {
    pub(crate) fn new(
        parts: &Parts,
        remote: Option<SocketAddr>,
        time: SystemTime,
        kept: Extensions,
    ) -> Handshake {
        let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let mut block = format!("{target}\n");
        let uri = u32::try_from(target.len()).unwrap_or(u32::MAX);
        // In HTTP/2 the host is a part of the target.
        if let Some(authority) = parts.uri.authority()
            && !parts.headers.contains_key(HOST)
        {
            block.push_str("host:");
            block.push_str(authority.as_str());
            block.push('\n');
        }
        for (name, value) in &parts.headers {
            block.push_str(name.as_str());
            block.push(':');
            block.push_str(&String::from_utf8_lossy(value.as_bytes()));
            block.push('\n');
        }
        let secure = parts.uri.scheme() == Some(&Scheme::HTTPS)
            || parts.extensions.get::<Secure>().is_some();
        let time = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Handshake {
            block: block.into_boxed_str(),
            uri,
            remote,
            time,
            secure,
            version: parts.version,
            kept,
        }
    }

    /// The request's URI: path and query.
    pub fn uri(&self) -> &str {
        &self.block[..self.uri as usize]
    }

    /// The query string, without its question mark; empty if there is none.
    pub fn query(&self) -> &str {
        self.uri().split_once('?').map_or("", |(_, query)| query)
    }

    /// The request's headers in order: lower-case name, value.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.block[self.uri as usize..].lines().filter_map(|line| line.split_once(':'))
    }

    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The client's address: that of the peer where the carrier knows it, or what proxies say that are
    /// [trusted](crate::Config::proxies), with port 0 where they do not tell it.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// What somebody in front has put into the request's extensions, if
    /// [`Hooks::keep_extension`](crate::Hooks::keep_extension) keeps it.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.kept.get()
    }

    /// When the request came.
    pub fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(self.time)
    }

    /// Whether the request came over TLS: to the server's own listener, or as far as its URI tells.
    pub fn secure(&self) -> bool {
        self.secure
    }

    /// The version of HTTP that the request was made with.
    pub fn version(&self) -> Version {
        self.version
    }
}

/// Copies one kind of value from a request's extensions.
pub(crate) type Keep = fn(&Extensions, &mut Extensions);

pub(crate) fn keep<T: Clone + Send + Sync + 'static>(from: &Extensions, to: &mut Extensions) {
    if let Some(value) = from.get::<T>() {
        to.insert(value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_gives_back_what_the_request_had() {
        let request = http::Request::get("/engine.io/?EIO=4&a=b")
            .header("Host", "localhost")
            .header("X-Thing", "a: b")
            .header("x-thing", "second")
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let handshake = Handshake::new(&parts, None, SystemTime::UNIX_EPOCH, Extensions::new());
        assert_eq!(handshake.uri(), "/engine.io/?EIO=4&a=b");
        assert_eq!(handshake.query(), "EIO=4&a=b");
        assert_eq!(handshake.header("host"), Some("localhost"));
        assert_eq!(handshake.header("x-thing"), Some("a: b"));
        assert_eq!(handshake.headers().count(), 3);
    }
}
