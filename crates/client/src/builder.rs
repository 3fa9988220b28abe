//! What can be set before a client is built.

mod carrying;
mod handling;
mod speaking;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use engine_client::Target;
use handler::Door;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use socket_proto::{Limits, namespace};

use crate::config::{Ask, Auth, Config, Place};
use crate::outbox::Settings;
use crate::{BuildError, Client, Reconnection};

pub(crate) use handling::Handling;

/// Settings of a [`Client`]; see [`Client::builder`]. What is wrong with one of them, [`build`](Self::build) says.
///
/// ```
/// use std::time::Duration;
/// use sockeye_client::{Client, Reconnection, Transport};
///
/// let client = Client::builder("https://example.com/chat")
///     .auth(&serde_json::json!({ "token": "x" }))
///     .transports([Transport::WebSocket])
///     .connect_timeout(Duration::from_secs(5))
///     .reconnection(Reconnection::default().attempts(10))
///     .build()?;
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[must_use = "nothing is built before `build`"]
pub struct Builder {
    target: Result<(Target, String), BuildError>,
    pub(crate) engine: engine_client::Config,
    pub(crate) limits: Limits,
    parser: Door,
    place: Place,
    reconnection: Reconnection,
    connect_timeout: Duration,
    early_bytes: usize,
    auth: Result<Auth, BuildError>,
    headers: Result<HeaderMap, BuildError>,
    url_with: Option<Ask<String>>,
    headers_with: Option<Ask<HeaderMap>>,
    pub(crate) sending: Settings,
    handling: Handling,
}

impl Builder {
    pub(crate) fn new(url: &str) -> Self {
        let target = Target::parse(url).map_err(BuildError::from);
        // Whatever is wrong with the URL, the defaults are those of a client.
        let nowhere = || Target::of_host(false, "localhost", None).expect("a name");
        let known = target.as_ref().map_or_else(|_| nowhere(), |(target, _)| target.clone());
        Builder {
            target,
            engine: engine_client::Config::new(known),
            limits: Limits::default(),
            parser: Door::default(),
            place: Place::default(),
            reconnection: Reconnection::default(),
            connect_timeout: Duration::from_secs(20),
            early_bytes: 16 << 20,
            auth: Ok(Auth::None),
            headers: Ok(HeaderMap::new()),
            url_with: None,
            headers_with: None,
            sending: Settings::default(),
            handling: Handling::default(),
        }
    }

    /// What is sent with every CONNECT: an object, which the server finds in its handshake. A socket may have
    /// [its own](crate::Socket::set_auth). Default: nothing.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// #[derive(serde::Serialize)]
    /// struct Credentials { token: String }
    ///
    /// let credentials = Credentials { token: "x".to_owned() };
    /// let client = Client::builder("http://localhost:3000").auth(&credentials).build()?;
    ///
    /// // Only an object can be sent.
    /// assert!(Client::builder("http://localhost:3000").auth("x").build().is_err());
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn auth<T: Serialize + ?Sized>(mut self, auth: &T) -> Self {
        self.auth = Auth::fixed(auth);
        self
    }

    /// What is sent with CONNECT, asked anew each time: for tokens that expire. If it fails, the attempt has failed. It may take
    /// as long as [`connect_timeout`](Self::connect_timeout).
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// async fn fresh_token() -> Result<String, std::io::Error> { Ok("x".to_owned()) }
    ///
    /// let client = Client::builder("http://localhost:3000")
    ///     .auth_with(async || {
    ///         let token = fresh_token().await?;
    ///         Ok::<_, std::io::Error>(serde_json::json!({ "token": token }))
    ///     })
    ///     .build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn auth_with<F, Fut, T, E>(mut self, auth: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Serialize + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.auth = Ok(Auth::asked(auth));
        self
    }

    /// A header of every request, WebSocket handshakes included.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").header("x-tenant", "7").build()?;
    /// assert!(Client::builder("http://localhost:3000").header("a b", "").build().is_err());
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers = self.headers.and_then(|headers| with_header(headers, name, value));
        self
    }

    /// Headers that are asked for anew before each attempt, beside the [fixed](Self::header) ones, which they replace where they
    /// have the same name. If it fails, the attempt has failed; it may take as long as [`connect_timeout`](Self::connect_timeout).
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000")
    ///     .headers_with(async || {
    ///         let mut headers = http::HeaderMap::new();
    ///         headers.insert("authorization", "Bearer x".parse()?);
    ///         Ok::<_, http::header::InvalidHeaderValue>(headers)
    ///     })
    ///     .build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn headers_with<F, Fut, E>(mut self, headers: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HeaderMap, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.headers_with = Some(Ask::new(headers, Ok));
        self
    }

    /// Where the server is, asked anew before each attempt: for those that move. The namespace in its path does not count: it is
    /// the one of the URL that the client was built with. If it fails, or leads nowhere, the attempt has failed.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000")
    ///     .url_with(async || Ok::<_, std::io::Error>("http://localhost:3001".to_owned()))
    ///     .build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn url_with<F, Fut, E>(mut self, url: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.url_with = Some(Ask::new(url, Ok));
        self
    }

    /// Where Engine.IO is on the server. Default `/socket.io`.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").path("/realtime").build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn path(mut self, path: &str) -> Self {
        self.place.path = Some(path.to_owned());
        self
    }

    /// A parameter in the query of every request, beside those of the URL.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").query("tenant", "7").build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.place.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// How long it may take to open a connection on one transport, and how long the server may take to answer CONNECT. Default
    /// 20 s.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let seconds = std::time::Duration::from_secs(5);
    /// let client = Client::builder("http://localhost:3000").connect_timeout(seconds).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Most attachments of one packet; the server's packets with more end the connection. Default 10, as in the reference.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").max_attachments(100).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn max_attachments(mut self, attachments: usize) -> Self {
        self.limits.attachments = attachments;
        self
    }

    /// Whether a connection that is lost, or cannot be had, is tried again, and how. `true` is [`Reconnection::default`], `false`
    /// is [`Reconnection::off`]. Default: yes, without end.
    ///
    /// ```
    /// # use sockeye_client::{Client, Reconnection};
    /// let client = Client::builder("http://localhost:3000").reconnection(false).build()?;
    /// let client = Client::builder("http://localhost:3000")
    ///     .reconnection(Reconnection::default().attempts(3))
    ///     .build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn reconnection(mut self, reconnection: impl Into<Reconnection>) -> Self {
        self.reconnection = reconnection.into();
        self
    }

    /// Builds the client. Nothing is connected before a socket is asked to be.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert_eq!(client.socket().namespace(), "/");
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with a setting.
    pub fn build(self) -> Result<Client, BuildError> {
        let (target, namespace) = self.target?;
        if !namespace::is_valid(&namespace) {
            return Err(BuildError::Namespace(namespace));
        }
        if self.engine.transports.is_empty() {
            return Err(BuildError::NoTransport);
        }
        let mut engine = self.engine;
        engine.target = self.place.refine(target);
        engine.headers = self.headers?;
        engine.open_timeout = self.connect_timeout;
        let mut limits = self.limits;
        limits.connect_timeout = self.connect_timeout;
        limits.attachment_bytes = engine.max_payload;
        let (sending, outbox) = self.sending.build();
        let config = Config {
            engine: Arc::new(engine),
            limits: Arc::new(limits),
            parser: self.parser,
            reconnection: self.reconnection,
            connect_timeout: self.connect_timeout,
            place: self.place,
            namespace: namespace.into(),
            early_bytes: self.early_bytes,
            auth: self.auth?,
            url: self.url_with,
            headers: self.headers_with,
            sending,
            handling: self.handling,
        };
        Ok(Client::new(config, outbox))
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("engine", &self.engine).finish_non_exhaustive()
    }
}

fn with_header(mut headers: HeaderMap, name: &str, value: &str) -> Result<HeaderMap, BuildError> {
    let wrong = |problem: &dyn Error| BuildError::Header {
        name: name.to_owned(),
        problem: problem.to_string(),
    };
    let key = HeaderName::try_from(name).map_err(|problem| wrong(&problem))?;
    let value = HeaderValue::try_from(value).map_err(|problem| wrong(&problem))?;
    headers.append(key, value);
    Ok(headers)
}
