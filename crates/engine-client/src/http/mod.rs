//! One HTTP/1.1 request and its answer; what all requests of a session have in common.
//!
//! hyper speaks HTTP here, without a task beside it: whoever waits for an answer also drives the connection, so dropping
//! the future ends the exchange, and between two exchanges a connection costs nobody a turn.

mod answer;
mod connection;
mod lane;
mod websocket;

use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;

pub use answer::Answer;
pub use lane::Lane;
pub use websocket::{Upgraded, websocket};

pub(crate) use connection::{Connection, Failure};

use crate::{Dialer, EngineError, Jar, Target};

/// Whom requests go to, and what all of them carry: the part of the configuration that is HTTP's.
///
/// ```
/// use sockeye_engine_client::http::{Ask, Lane, Site};
/// use sockeye_engine_client::{Dialer, Target};
///
/// # async fn asked() -> Result<(), Box<dyn std::error::Error>> {
/// let (target, _) = Target::parse("http://localhost:3000")?;
/// let (dialer, headers) = (Dialer::default(), http::HeaderMap::new());
/// let site = Site::new(&target, &dialer, &headers);
/// let query = [("EIO", "4"), ("transport", "polling")];
/// let answer = Lane::default().exchange(site, Ask::get(&query).at_most(1_000_000)).await?;
/// println!("{:?}", answer.success()?);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy)]
pub struct Site<'a> {
    target: &'a Target,
    dialer: &'a Dialer,
    headers: &'a HeaderMap,
    cookies: Option<&'a Jar>,
}

impl fmt::Debug for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of headers are secrets.
        f.debug_struct("Site").field("target", self.target).finish_non_exhaustive()
    }
}

/// One request.
///
/// ```
/// use sockeye_engine_client::http::Ask;
///
/// let query = [("EIO", "4"), ("transport", "polling"), ("sid", "abc")];
/// let ask = Ask::post(&query, b"4hello".as_slice().into(), "text/plain;charset=UTF-8");
/// ```
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    query: &'a [(&'a str, &'a str)],
    /// What is posted, and its type; without it, the request is a GET.
    body: Option<(Bytes, HeaderValue)>,
    limit: usize,
}

impl<'a> Ask<'a> {
    /// A GET with this part of the query, not encoded yet; it goes before pairs of the target that have the same names.
    ///
    /// ```
    /// use sockeye_engine_client::http::Ask;
    ///
    /// let ask = Ask::get(&[("EIO", "4"), ("transport", "polling")]);
    /// ```
    pub fn get(query: &'a [(&'a str, &'a str)]) -> Self {
        Ask { query, body: None, limit: 64 << 10 }
    }

    /// A POST of this body, which is of this type.
    ///
    /// ```
    /// use sockeye_engine_client::http::Ask;
    ///
    /// let query = [("EIO", "4"), ("transport", "polling"), ("sid", "abc")];
    /// let ask = Ask::post(&query, b"4hello".as_slice().into(), "text/plain;charset=UTF-8");
    /// ```
    pub fn post(query: &'a [(&'a str, &'a str)], body: Bytes, kind: &'static str) -> Self {
        Ask { body: Some((body, HeaderValue::from_static(kind))), ..Ask::get(query) }
    }

    /// Most bytes of the answer's body; a larger one is an error. Default 64 KiB.
    ///
    /// ```
    /// use sockeye_engine_client::http::Ask;
    ///
    /// let ask = Ask::get(&[("transport", "polling")]).at_most(1 << 20);
    /// ```
    #[must_use]
    pub fn at_most(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// What hyper is given.
type Outgoing = Request<Full<Bytes>>;

/// Headers that belong to the connection and not to its user (RFC 9110, 7.6.1; RFC 6455, 4.1).
const OURS: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::TE,
];

impl<'a> Site<'a> {
    /// Requests to `target`, over streams of `dialer`, that carry `headers`: those that belong to the connection
    /// (`Connection`, `Content-Length`, `Sec-WebSocket-Key`, …) are left out.
    ///
    /// ```
    /// use sockeye_engine_client::{Dialer, Jar, Target, http::Site};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let (dialer, headers, jar) = (Dialer::default(), http::HeaderMap::new(), Jar::default());
    /// let site = Site::new(&target, &dialer, &headers).cookies(Some(&jar));
    /// ```
    pub fn new(target: &'a Target, dialer: &'a Dialer, headers: &'a HeaderMap) -> Self {
        Site { target, dialer, headers, cookies: None }
    }

    /// Sends the cookies of this jar along, and puts into it what answers set. Default: none are sent or kept.
    ///
    /// ```
    /// use sockeye_engine_client::{Dialer, Jar, Target, http::Site};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let (dialer, headers, jar) = (Dialer::default(), http::HeaderMap::new(), Jar::default());
    /// let site = Site::new(&target, &dialer, &headers).cookies(Some(&jar));
    /// ```
    #[must_use]
    pub fn cookies(mut self, jar: Option<&'a Jar>) -> Self {
        self.cookies = jar;
        self
    }

    /// Takes what an answer wants to be remembered.
    fn remember(&self, answer: &HeaderMap) {
        if let Some(jar) = self.cookies {
            jar.store(self.target, answer);
        }
    }

    fn request(&self, ask: Ask<'_>) -> Result<Outgoing, EngineError> {
        let (method, body) = match ask.body {
            Some(body) => (Method::POST, Some(body)),
            None => (Method::GET, None),
        };
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = self.uri(ask.query)?;
        *request.headers_mut() = self.headers()?;
        if let Some((bytes, kind)) = body {
            request.headers_mut().insert(CONTENT_TYPE, kind);
            *request.body_mut() = Full::new(bytes);
        }
        Ok(request)
    }

    fn uri(&self, query: &[(&str, &str)]) -> Result<http::Uri, EngineError> {
        let uri = self.target.request_uri(query);
        uri.parse()
            // Not repeated: a query may hold secrets, and be as long as the server's id of the session.
            .map_err(|problem| {
                EngineError::protocol(format!("no URL that can be asked for: {problem}"))
            })
    }

    fn headers(&self) -> Result<HeaderMap, EngineError> {
        let mut headers = self.headers.clone();
        for name in OURS {
            headers.remove(name);
        }
        if !headers.contains_key(HOST) {
            let host = HeaderValue::try_from(self.target.host_header());
            let wrong = |_| EngineError::protocol("the host is no value of a header");
            headers.insert(HOST, host.map_err(wrong)?);
        }
        if let Some(credentials) = self.target.authorization() {
            headers.entry(AUTHORIZATION).or_insert_with(|| credentials.clone());
        }
        if let Some(kept) = self.cookies.and_then(|jar| jar.header(self.target)) {
            let cookies = match headers.get(COOKIE) {
                Some(own) => [own.as_bytes(), b"; ", kept.as_bytes()].concat(),
                None => kept.as_bytes().to_vec(),
            };
            headers.insert(COOKIE, HeaderValue::try_from(cookies).expect("made of two of them"));
        }
        Ok(headers)
    }
}
