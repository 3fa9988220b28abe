//! The options about requests: who may come, and what answers say.

/// These options, for every builder that has a `transport` configuration.
macro_rules! request_options {
    ($builder:ty) => {
        impl $builder {
            /// Pages of this origin may connect: scheme, host and port as browsers write them. The
            /// server's own pages and clients that are no pages always may; any other page is
            /// refused with 403, on every transport.
            pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
                self.transport.origins = self.transport.origins.allow(origin);
                self
            }

            /// Pages of these origins may connect.
            pub fn allow_origins<O: Into<String>>(
                self,
                origins: impl IntoIterator<Item = O>,
            ) -> Self {
                origins.into_iter().fold(self, |builder, origin| builder.allow_origin(origin))
            }

            /// Pages of every origin may connect.
            pub fn any_origin(mut self) -> Self {
                self.transport.origins = self.transport.origins.any();
                self
            }

            /// Pages of the origins that this function says yes to may connect, beside those that are
            /// listed. It is given the origin as the browser wrote it, and must not block; one that
            /// panics says no.
            ///
            /// ```
            /// use sockeye::Io;
            ///
            /// let io = Io::builder()
            ///     .allow_origin_if(|origin| origin.ends_with(".example.com"))
            ///     .build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn allow_origin_if(
                mut self,
                allowed: impl Fn(&str) -> bool + Send + Sync + 'static,
            ) -> Self {
                self.transport.origins = self.transport.origins.allow_if(allowed);
                self
            }

            /// What pages of other origins that may connect are told by their browsers: methods, headers,
            /// how long that holds, and who answers a preflight (reference: `cors`, whose `origin` and
            /// `credentials` are options of their own here). Default: as the `cors` package has it.
            ///
            /// ```
            /// use std::time::Duration;
            /// use http::HeaderName;
            /// use sockeye::{Cors, Io};
            ///
            /// let cors = Cors::default()
            ///     .exposed_headers([HeaderName::from_static("x-request-id")])
            ///     .max_age(Duration::from_mins(10));
            /// let io = Io::builder().allow_origin("https://example.com").cors(cors).build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn cors(mut self, cors: transport::Cors) -> Self {
                self.transport.cors = cors;
                self
            }

            /// Whether pages of other origins may send cookies along. Default: no.
            pub fn credentials(mut self, allowed: bool) -> Self {
                self.transport.origins = self.transport.origins.credentials(allowed);
                self
            }

            /// Whether the server's own host is what `X-Forwarded-Host` says: only behind a proxy
            /// that sets it. Default: no.
            pub fn trust_forwarded_host(mut self, trusted: bool) -> Self {
                self.transport.origins = self.transport.origins.trust_forwarded_host(trusted);
                self
            }

            /// Whose `X-Forwarded-For` is believed, for the address of a client: how many proxies stand in
            /// front of the server, or in which networks they are. The header is read from its end, where
            /// they write; what a client has written in front of that does not count. (Reference:
            /// `trust proxy` of express.) Default: nobody's, and the address is the peer's.
            ///
            /// ```
            /// use sockeye::{Io, Proxies};
            ///
            /// let io = Io::builder().trust_forwarded_for(1).build()?;
            /// let balancers: Proxies = "10.0.0.0/8, fd00::/8".parse()?;
            /// let io = Io::builder().trust_forwarded_for(balancers).build()?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn trust_forwarded_for(mut self, proxies: impl Into<transport::Proxies>) -> Self {
                self.transport.proxies = proxies.into();
                self
            }

            /// Asks before a session opens, on either transport; requests of a session that is open, its
            /// upgrade among them, are not asked about (reference: `allowRequest`). An error refuses:
            /// 403, and the client reads its text as the `message` of code 4. One that panics, or has
            /// not decided after [`allow_deadline`](Self::allow_deadline), refuses with `Forbidden`.
            /// It must wait only by awaiting: whoever blocks holds all clients of the thread. Default:
            /// everybody may come whom no other rule refuses. The last one that is set counts.
            ///
            /// ```
            /// use sockeye::{Io, Request};
            ///
            /// let io = Io::builder()
            ///     .allow_request(async |request: Request| match request.header("x-key") {
            ///         Some("sesame") => Ok(()),
            ///         _ => Err("who are you?"),
            ///     })
            ///     .build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn allow_request<F, R, E>(mut self, allow: F) -> Self
            where
                F: Fn(transport::Request) -> R + Send + Sync + 'static,
                R: Future<Output = Result<(), E>> + Send + 'static,
                E: std::fmt::Display,
            {
                self.transport.hooks = self.transport.hooks.allow_request(allow);
                self
            }

            /// How long [`allow_request`](Self::allow_request) may think about a request. Default 20 s.
            pub fn allow_deadline(mut self, deadline: Duration) -> Self {
                self.transport.allow_deadline = deadline;
                self
            }

            /// Keeps a value that a middleware in front has put into the extensions of a session's first
            /// request: who it is, say. Handlers find it by
            /// [`Handshake::extension`](crate::Handshake::extension), hooks by
            /// [`Request::extension`](crate::Request::extension). (Reference: what `engine.use` leaves on
            /// `socket.request`.) Nothing else in there is kept. May be called for several types.
            ///
            /// ```
            /// use sockeye::{Io, Socket};
            ///
            /// #[derive(Clone)]
            /// struct User(String);
            ///
            /// let io = Io::builder().keep_extension::<User>().build()?;
            /// io.of("/").on("whoami", async |socket: Socket| {
            ///     socket.handshake().extension::<User>().map(|user| user.0.clone())
            /// });
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn keep_extension<T: Clone + Send + Sync + 'static>(mut self) -> Self {
                self.transport.hooks = self.transport.hooks.keep_extension::<T>();
                self
            }

            /// Is told of every request that is refused with one of the codes 0 to 5, what was wrong with
            /// it, and what `allow_request` has said of it (reference: `connection_error`); and of handshakes
            /// for which there is no room, by a limit or since the server is leaving
            /// ([`reason`](crate::ConnectionError::reason)): of each, however many come. It runs while the
            /// client waits, and must not block. Default: nobody is told. The last one that is set
            /// counts.
            ///
            /// ```
            /// use sockeye::{ConnectionError, Io};
            ///
            /// let io = Io::builder()
            ///     .on_connection_error(|error: &ConnectionError| {
            ///         eprintln!("{:?}: {error}, {:?}", error.request().address(), error.context());
            ///     })
            ///     .build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn on_connection_error(
                mut self,
                refused: impl Fn(&transport::ConnectionError) + Send + Sync + 'static,
            ) -> Self {
                self.transport.hooks = self.transport.hooks.on_connection_error(refused);
                self
            }

            /// Sees to the headers of a session's first answer, before [`headers`](Self::headers) does: the
            /// handshake over polling, or the 101 of a WebSocket (reference: `initial_headers`). It may
            /// add, change and remove; `Content-Length` and `Transfer-Encoding` stay what they are. What a
            /// call has done before it panics does not count. It must not block. Default: nothing is
            /// added. The last one that is set counts.
            ///
            /// ```
            /// use http::HeaderValue;
            /// use sockeye::Io;
            ///
            /// let io = Io::builder()
            ///     .initial_headers(|headers, request| {
            ///         if request.header("x-wants-banner").is_some() {
            ///             headers.insert("x-banner", HeaderValue::from_static("welcome"));
            ///         }
            ///     })
            ///     .build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn initial_headers(
                mut self,
                dress: impl Fn(&mut http::HeaderMap, &transport::Request) + Send + Sync + 'static,
            ) -> Self {
                self.transport.hooks = self.transport.hooks.initial_headers(dress);
                self
            }

            /// Sees to the headers of every answer, as [`initial_headers`](Self::initial_headers) does for the
            /// first: polls, POSTs, the 101 of a WebSocket, preflights, refusals (reference: `headers`, which
            /// is not called for the last two). Only a request whose head is too large is answered
            /// without it. Default: nothing is added.
            ///
            /// ```
            /// use http::HeaderValue;
            /// use sockeye::Io;
            ///
            /// let io = Io::builder()
            ///     .headers(|headers, _| {
            ///         headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
            ///     })
            ///     .build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn headers(
                mut self,
                dress: impl Fn(&mut http::HeaderMap, &transport::Request) + Send + Sync + 'static,
            ) -> Self {
                self.transport.hooks = self.transport.hooks.headers(dress);
                self
            }

            /// Makes the ids of engine sessions, for instance with the name of this process in front, where
            /// a proxy looks for it (reference: `generateId`). An id has exactly 20 characters, of
            /// `A-Z a-z 0-9 - _`, and is the key to its session: whoever knows it can listen and speak
            /// for the client. So at least 16 of the characters have to come from a generator that
            /// nobody can predict. A panic, anything else than an id, and one that is in use refuse the
            /// client (code 3). It must not block. Default: 15 bytes of the system's randomness in base64.
            ///
            /// ```
            /// use rand::distr::{Alphanumeric, SampleString};
            /// use sockeye::Io;
            ///
            /// let io = Io::builder()
            ///     .generate_id(|_| "eu1-".to_owned() + &Alphanumeric.sample_string(&mut rand::rng(), 16))
            ///     .build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn generate_id(
                mut self,
                generate: impl Fn(&transport::Request) -> String + Send + Sync + 'static,
            ) -> Self {
                self.transport.hooks = self.transport.hooks.generate_id(generate);
                self
            }

            /// Is told of what happens to sessions of Engine.IO: that they open, upgrade, answer a ping, fail, and end
            /// (reference: the events of `io.engine` and its sockets). It runs in the session's task and must not
            /// block; one that panics is logged. How many packets and bytes there are,
            /// [`Io::stats`](crate::Io::stats) counts. Default: nobody is told, and it costs nothing. The last one
            /// that is set counts.
            ///
            /// ```
            /// use sockeye::{Io, SessionStep};
            ///
            /// let io = Io::builder()
            ///     .on_session_event(|event| match event.what {
            ///         SessionStep::Failing(words) => eprintln!("session {}: {words}", event.session),
            ///         SessionStep::Closed(reason) => println!("session {}: {reason}", event.session),
            ///         _ => {}
            ///     })
            ///     .build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn on_session_event(
                mut self,
                tell: impl Fn(&transport::SessionEvent<'_>) + Send + Sync + 'static,
            ) -> Self {
                self.transport.hooks = self.transport.hooks.on_session_event(tell);
                self
            }

            /// Sets a cookie to the session's id with its first answer, for a load balancer that keeps a
            /// session on one process (reference: `cookie`). The server never reads it: a request
            /// names its session in its query. Default: none.
            ///
            /// ```
            /// use sockeye::{Cookie, Io};
            ///
            /// let io = Io::builder().cookie(Cookie::default().secure(true)).build()?;
            /// // Set-Cookie: io=<id>; Path=/; HttpOnly; Secure; SameSite=Lax
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn cookie(mut self, cookie: transport::Cookie) -> Self {
                self.transport.cookie = Some(cookie);
                self
            }
        }
    };
}
pub(crate) use request_options;
