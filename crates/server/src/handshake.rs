//! What a client said when it came.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::SystemTime;

use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

/// The request that opened the connection, and what came with the CONNECT of this namespace.
///
/// ```
/// # fn example(socket: sockeye::Socket) {
/// let language = socket.handshake().header("accept-language").unwrap_or("en");
/// let version = socket.handshake().query_value("version");
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Handshake<'a> {
    request: &'a transport::Handshake,
    auth: Option<&'a str>,
}

impl<'a> Handshake<'a> {
    pub(crate) fn new(request: &'a transport::Handshake, auth: Option<&'a str>) -> Self {
        Handshake { request, auth }
    }

    /// The request's headers: lower-case name, value.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.request.headers()
    }

    /// The first header of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.request.header(name)
    }

    /// The pairs of the query string, decoded, in order.
    pub fn query(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        self.request.query().split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
    }

    /// The first value of that name in the query string.
    pub fn query_value(&self, name: &str) -> Option<Cow<'a, str>> {
        self.query().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// Path and query, as they were asked for.
    pub fn url(&self) -> &'a str {
        self.request.uri()
    }

    /// The path alone.
    pub fn path(&self) -> &'a str {
        self.url().split('?').next().unwrap_or_default()
    }

    /// The client's address, where the carrier knows it: always with [`Io::serve`](crate::Io::serve),
    /// and as [`Layer::remote_addr`](crate::Layer::remote_addr) says elsewhere. Behind a proxy it
    /// is the proxy's, unless [`trust_forwarded_for`](crate::Builder::trust_forwarded_for) says that this one is
    /// to be believed; then the port is 0 if the proxy does not tell it.
    pub fn address(&self) -> Option<SocketAddr> {
        self.request.remote()
    }

    /// What a middleware in front has put into the request's extensions, if
    /// [`Builder::keep_extension`](crate::Builder::keep_extension) keeps it.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&'a T> {
        self.request.extension()
    }

    /// When the connection was opened.
    pub fn time(&self) -> SystemTime {
        self.request.time()
    }

    /// The same in milliseconds since 1970.
    pub fn issued(&self) -> u64 {
        let since = self.time().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether a page asked for it that says where it is from: its browser sends an `Origin`. A page of the server's own
    /// may do so too.
    pub fn xdomain(&self) -> bool {
        self.header("origin").is_some()
    }

    /// The request without its body, for what wants to read one: method, URI and headers are made anew with each
    /// call, and kept by nobody.
    ///
    /// # Errors
    ///
    /// If a header is none that can be sent, which no HTTP server lets in.
    ///
    /// ```
    /// # fn example(socket: sockeye::Socket) -> Result<(), http::Error> {
    /// let request = socket.handshake().request()?;
    /// for cookie in request.headers().get_all(http::header::COOKIE) {
    ///     println!("{cookie:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self) -> Result<http::Request<()>, http::Error> {
        let request = http::Request::get(self.url());
        self.headers().fold(request, |request, (name, value)| request.header(name, value)).body(())
    }

    /// Whether the request came over TLS: to the server's own listener, or as far as its URI tells.
    pub fn secure(&self) -> bool {
        self.request.secure()
    }

    /// The version of HTTP that the request was made with. With the feature `http2` a WebSocket, too, may come as a
    /// stream of HTTP/2 (RFC 8441).
    pub fn version(&self) -> http::Version {
        self.request.version()
    }

    /// The revision of Engine.IO: 4, or 3 for clients of Socket.IO 2, where
    /// [`Builder::allow_eio3`](crate::Builder::allow_eio3) lets them in.
    pub fn protocol(&self) -> u8 {
        match self.query_value("EIO").as_deref() {
            Some("3") => 3,
            _ => 4,
        }
    }

    /// What the client sent with its CONNECT, as a `T`.
    ///
    /// # Errors
    ///
    /// If it is not a `T`; a client that sent nothing is read as `{}`.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.auth.unwrap_or("{}"))
    }

    /// What the client sent with its CONNECT, as JSON; `None` if it sent nothing.
    pub fn auth_json(&self) -> Option<&'a str> {
        self.auth
    }
}

/// Percent-decoding of a query's part, where a plus is a blank.
fn decode(part: &str) -> Cow<'_, str> {
    if part.contains('+') {
        let blanks = part.replace('+', " ");
        return Cow::Owned(percent_decode_str(&blanks).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(part).decode_utf8_lossy()
}
