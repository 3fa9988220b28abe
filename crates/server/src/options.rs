//! The options of Engine.IO, and which of them make sense.

use std::time::Duration;

use crate::basis::NEVER;
use crate::error::BuildError;

/// The options of Engine.IO, for every builder that has a `transport` configuration.
macro_rules! engine_options {
    ($builder:ty, $path:literal) => {
        $crate::policy::request_options!($builder);

        impl $builder {
            #[doc = concat!("Where the server answers. Default `", $path, "`; a missing slash at the end is added, unless [`add_trailing_slash`](Self::add_trailing_slash) says no.")]
            pub fn path(mut self, path: impl Into<String>) -> Self {
                self.transport.path = path.into();
                self
            }

            /// Whether a path without a slash at the end gets one. Without it the server answers
            /// `/live` and all below `/live/`, for clients whose `addTrailingSlash` is off (reference:
            /// `addTrailingSlash`). Default: yes.
            ///
            /// ```
            /// use sockeye::Io;
            ///
            /// let io = Io::builder().path("/live").add_trailing_slash(false).build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn add_trailing_slash(mut self, added: bool) -> Self {
                self.transport.trailing_slash = added;
                self
            }

            /// A message that every session is sent first, right behind its open packet (reference:
            /// `initialPacket`). It is a message of Engine.IO: a Socket.IO client understands it only
            /// if its text is a packet of Socket.IO. Encoded once. Default: none.
            ///
            /// ```
            /// use sockeye::engine::{Message, Server};
            ///
            /// let hello = Message::Text("welcome".to_owned());
            /// let server = Server::builder().initial_packet(hello).build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn initial_packet(mut self, message: $crate::engine::Message) -> Self {
                self.transport.initial_packet = Some(message.encode());
                self
            }

            /// How long after a pong the next ping is sent. Default 25 s, at most 12 days: the
            /// timers of browsers hold no more.
            pub fn ping_interval(mut self, interval: Duration) -> Self {
                self.transport.engine.ping_interval = interval;
                self
            }

            /// How long a client may take to answer a ping before it is disconnected. Default 20 s,
            /// at most 12 days.
            pub fn ping_timeout(mut self, timeout: Duration) -> Self {
                self.transport.engine.ping_timeout = timeout;
                self
            }

            /// How long the upgrade from polling to WebSocket may take. Default 10 s.
            pub fn upgrade_timeout(mut self, timeout: Duration) -> Self {
                self.transport.engine.upgrade_timeout = timeout;
                self
            }

            /// Most bytes of one POST body or one WebSocket message. Default 1 000 000.
            pub fn max_payload(mut self, bytes: usize) -> Self {
                self.transport.engine.max_payload = bytes;
                self
            }

            /// Which transports are offered. Default: both.
            pub fn transports(mut self, transports: impl AsRef<[Transport]>) -> Self {
                let offered = transports.as_ref();
                self.transport.engine.transports = Transports {
                    polling: offered.contains(&Transport::Polling),
                    websocket: offered.contains(&Transport::WebSocket),
                };
                self
            }

            /// Whether a client that started with polling may go over to WebSocket. Default: yes.
            pub fn allow_upgrades(mut self, allowed: bool) -> Self {
                self.transport.engine.allow_upgrades = allowed;
                self
            }

            /// Whether clients of Engine.IO 3 are served too, which are those of Socket.IO 2 (reference:
            /// `allowEIO3`); JSONP is not, and `docs/compatibility.md` says what else is different
            /// for them. Others notice nothing. Default: no; they are refused with code 5.
            ///
            /// ```
            /// use sockeye::Io;
            ///
            /// let io = Io::builder().allow_eio3(true).build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn allow_eio3(mut self, allowed: bool) -> Self {
                self.transport.engine.allow_v3 = allowed;
                self
            }

            /// Most bytes that wait for one client. Past it, what is volatile is dropped, and
            /// anything else has the client disconnected (`slow consumer`). Default 4 MiB.
            pub fn outbox_bytes(mut self, bytes: usize) -> Self {
                self.transport.outbox_bytes = bytes;
                self
            }

            /// Answers to polls of so many bytes and more are compressed, with gzip or deflate, for clients
            /// whose `Accept-Encoding` asks for it; `None` compresses nothing (reference:
            /// `httpCompression`). What others can put beside a secret in one answer may tell them
            /// something about it by its length; switch it off where that matters. Default 1024.
            ///
            /// ```
            /// use sockeye::Io;
            ///
            /// let io = Io::builder().http_compression(None).build()?;
            /// let io = Io::builder().http_compression(4096).build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn http_compression(mut self, threshold: impl Into<Option<usize>>) -> Self {
                self.transport.compression = threshold.into();
                self
            }

            /// Compresses messages over WebSocket for clients that ask for it (permessage-deflate, RFC 7692;
            /// reference: `perMessageDeflate`). Each is compressed once, however many it is for. It costs
            /// time of a thread, a quarter of a megabyte for each, and memory for what clients send compressed
            /// ([`PerMessageDeflate`](transport::PerMessageDeflate) bounds it); clients that do not ask cost nothing.
            /// What others can put beside a secret in one message may tell them something about it by its
            /// length. Default: `None`, nothing is compressed.
            ///
            /// ```
            /// use sockeye::{Io, PerMessageDeflate};
            ///
            /// let io = Io::builder().per_message_deflate(PerMessageDeflate::default()).build()?;
            /// let large = PerMessageDeflate::default().threshold(64 << 10).level(6);
            /// let io = Io::builder().per_message_deflate(large).build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn per_message_deflate(
                mut self,
                options: impl Into<Option<transport::PerMessageDeflate>>,
            ) -> Self {
                self.transport.per_message_deflate = options.into();
                self
            }

            /// How long the body of a POST may take. Default 20 s.
            pub fn body_deadline(mut self, deadline: Duration) -> Self {
                self.transport.body_deadline = deadline;
                self
            }

            /// With `serve`: how long the head of a request may take, and how long a kept-alive
            /// connection may be silent between two requests. Under a foreign server that is the
            /// foreign server's. Default 30 s.
            pub fn header_deadline(mut self, deadline: Duration) -> Self {
                self.transport.listener.header_deadline = deadline;
                self
            }

            /// With `serve`: how long a client may take nothing of an answer that waits for it. Under a
            /// foreign server that is the foreign server's. Default 30 s.
            pub fn answer_deadline(mut self, deadline: Duration) -> Self {
                self.transport.listener.write_deadline = deadline;
                self
            }

            /// Most bytes of a request's target and headers, which a session keeps as its handshake;
            /// more is answered with 431. Default 16 KiB.
            pub fn max_head_bytes(mut self, bytes: usize) -> Self {
                self.transport.head_bytes = bytes;
                self
            }

            /// With `serve`: most HTTP connections at a time, upgraded ones not counted. Past it, new
            /// ones wait in the kernel's queue. Divided among the workers. Default 100 000.
            pub fn max_http_connections(mut self, connections: usize) -> Self {
                self.transport.listener.connections = connections;
                self
            }

            /// With `serve`: each connection begins with a header of the PROXY protocol, version 1 or 2, by
            /// which a proxy says who the client is. Nobody but the proxy may reach the server then: whoever
            /// does says what it likes. A connection that begins in another way is closed. Default: no.
            pub fn proxy_protocol(mut self, expected: bool) -> Self {
                self.transport.listener.proxy_protocol = expected;
                self
            }

            /// With `serve`: connections speak TLS, with this certificate. A clone of it can be
            /// [reloaded](crate::Tls::reload) while the server runs. Default: none.
            ///
            /// ```no_run
            /// use sockeye::{Io, Tls};
            ///
            /// let tls = Tls::from_files("fullchain.pem", "privkey.pem")?;
            /// let io = Io::builder().tls(tls.clone()).build()?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg(feature = "tls")]
            pub fn tls(mut self, tls: transport::Tls) -> Self {
                self.transport.listener.tls = Some(tls);
                self
            }

            /// With `serve`: how long a connection may take before its first request can be read: for the
            /// PROXY header and the handshake of TLS together. Default 10 s.
            pub fn handshake_deadline(mut self, deadline: Duration) -> Self {
                self.transport.listener.handshake_deadline = deadline;
                self
            }

            /// With `serve`: most connections at a time that have not come so far; past it, the one that
            /// has been there for longest is closed. Divided among the workers. Default 1000.
            pub fn max_handshakes(mut self, connections: usize) -> Self {
                self.transport.listener.handshakes = connections;
                self
            }

            /// Workers: threads with a current-thread runtime, connections, a flusher and a timer wheel
            /// each. More than one only where the threads are numbered, as by
            /// [`Io::run`](crate::Io::run) or [`threads::spawn`](crate::threads::spawn); a server
            /// mounted elsewhere has one, whatever its runtime. Default 1, at most 256.
            pub fn workers(mut self, workers: usize) -> Self {
                self.transport.workers = workers;
                self
            }

            /// Most sessions from one address at a time; past it, a handshake is answered with 429. An address of IPv6
            /// counts with its /64; clients without an address, as on a Unix socket, are not counted. A session counts
            /// until its handlers have ended. Behind a proxy that is not trusted all clients have one address.
            /// [`Refused::TooManyConnections`](crate::engine::Refused::TooManyConnections) counts. Default: no limit.
            ///
            /// ```
            /// use sockeye::{Io, Rate};
            ///
            /// let io = Io::builder()
            ///     .max_connections_per_address(200)
            ///     .handshake_rate_per_address(Rate::per_second(5).burst(100))
            ///     .handshake_rate(Rate::per_second(2000))
            ///     .byte_rate(Rate::per_second(100_000).burst(2_000_000))
            ///     .build()?;
            /// # Ok::<(), sockeye::BuildError>(())
            /// ```
            pub fn max_connections_per_address(mut self, connections: u32) -> Self {
                self.transport.limits.connections_per_address = Some(connections);
                self
            }

            /// How often one address may open a session; past it, a handshake is answered with 429 and `Retry-After`, before
            /// anything else is asked about it. Addresses as above; at most 65 536 are remembered, past which those that
            /// have not come for longest are forgotten.
            /// [`Refused::TooManyHandshakes`](crate::engine::Refused::TooManyHandshakes) counts. Default: no limit.
            pub fn handshake_rate_per_address(mut self, rate: $crate::Rate) -> Self {
                self.transport.limits.handshakes_per_address = Some(rate);
                self
            }

            /// How often a session may be opened by all clients together; past it, a handshake is answered with 503 and
            /// `Retry-After`: after a restart, say, those who come back come one after the other.
            /// [`Refused::Overloaded`](crate::engine::Refused::Overloaded) counts. Default: no limit.
            pub fn handshake_rate(mut self, rate: $crate::Rate) -> Self {
                self.transport.limits.handshakes = Some(rate);
                self
            }

            /// How many bytes one client may send, frames and bodies counted. Past it nothing is refused: it is read more
            /// slowly, so that the network holds it up, and pings wait meanwhile. It is the connection's, for all its
            /// namespaces. [`Stats::slowed`](crate::engine::Stats::slowed) counts the waits. Default: no limit.
            pub fn byte_rate(mut self, rate: $crate::Rate) -> Self {
                self.transport.limits.bytes = Some(rate);
                self
            }

            /// Most sessions at a time; past it, new clients are answered with 503. Default: no
            /// limit.
            pub fn max_sessions(mut self, sessions: usize) -> Self {
                self.transport.sessions = sessions;
                self
            }
        }
    };
}
pub(crate) use engine_options;

/// The same for the floor below. Pings are told to the clients, whose timers are narrower.
fn bound_waits(config: &mut transport::Config) {
    let engine = &mut config.engine;
    for wait in [&mut engine.ping_interval, &mut engine.ping_timeout] {
        *wait = LONGEST_PING.min(*wait);
    }
    let listener = &mut config.listener;
    for wait in [
        &mut engine.upgrade_timeout,
        &mut config.body_deadline,
        &mut config.allow_deadline,
        &mut listener.header_deadline,
        &mut listener.handshake_deadline,
        &mut listener.write_deadline,
    ] {
        *wait = NEVER.min(*wait);
    }
}

/// The timers of browsers and of Node.js count milliseconds in 31 bits, and one that is set for
/// longer fires at once. A client waits for interval and timeout together.
const LONGEST_PING: Duration = Duration::from_millis((1 << 30) - 1);

/// The configuration of the floor below, if it makes sense.
pub(crate) fn checked(mut config: transport::Config) -> Result<transport::Config, BuildError> {
    if !config.path.starts_with('/') {
        return Err(BuildError::Path { path: config.path });
    }
    if !config.trailing_slash {
        config.path.truncate(config.path.trim_end_matches('/').len());
    } else if !config.path.ends_with('/') {
        config.path.push('/');
    }
    let engine = &config.engine;
    if !engine.transports.polling && !engine.transports.websocket {
        return Err(BuildError::NoTransport);
    }
    if engine.ping_interval.is_zero() {
        return Err(option("ping_interval", 0, "pings would follow each other without a pause"));
    }
    if engine.ping_timeout.is_zero() {
        return Err(option("ping_timeout", 0, "no client could answer in time"));
    }
    if engine.max_payload == 0 {
        return Err(option("max_payload", 0, "no client could say anything"));
    }
    check_rates(&config.limits)?;
    if !(1..=256).contains(&config.workers) {
        return Err(option("workers", config.workers, "there are 1 to 256"));
    }
    if let Some(cookie) = &config.cookie
        && let Some(why) = cookie.problem()
    {
        let value = format!("`{cookie}`");
        return Err(BuildError::Option { option: "cookie", value, why });
    }
    if let Some(options) = &config.per_message_deflate
        && let Some(why) = options.problem()
    {
        let value = format!("{options:?}");
        return Err(BuildError::Option { option: "per_message_deflate", value, why });
    }
    if let Some(why) = config.cors.problem() {
        let value = config.cors.status().to_string();
        return Err(BuildError::Option { option: "cors", value, why });
    }
    bound_waits(&mut config);
    Ok(config)
}

fn check_rates(limits: &transport::Limits) -> Result<(), BuildError> {
    let why = "nothing would ever be let through";
    for (name, rate) in [
        ("handshake_rate_per_address", limits.handshakes_per_address),
        ("handshake_rate", limits.handshakes),
        ("byte_rate", limits.bytes),
    ] {
        if rate.is_some_and(transport::Rate::is_zero) {
            return Err(option(name, 0, why));
        }
    }
    if limits.connections_per_address == Some(0) {
        return Err(option("max_connections_per_address", 0, why));
    }
    Ok(())
}

pub(crate) fn option(option: &'static str, value: usize, why: &'static str) -> BuildError {
    BuildError::Option { option, value: value.to_string(), why }
}
