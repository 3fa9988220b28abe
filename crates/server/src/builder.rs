//! What can be set before a server is built; the defaults are the reference's, where it has them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use engine_proto::{Transport, Transports};
use log::Log;

use crate::Io;
use crate::basis::{Core, CounterCells, NEVER, States};
use crate::durable::Away;
use crate::error::BuildError;
use crate::parser::{Door, Parser};
use crate::socket::ACK_TIMEOUT;

/// Options of an [`Io`]; made by [`Io::builder`].
///
/// ```
/// use std::time::Duration;
/// use sockeye::Io;
///
/// let io = Io::builder()
///     .ping_interval(Duration::from_secs(10))
///     .max_payload(100_000)
///     .allow_origin("https://example.com")
///     .build()?;
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is made before `build`"]
pub struct Builder {
    transport: transport::Config,
    protocol: socket_proto::Limits,
    unfinished: usize,
    parked_bytes: usize,
    ack_timeout: Duration,
    middleware_timeout: Duration,
    handler_timeout: Duration,
    slow_handler: Duration,
    states: States,
    log: Option<Log>,
    away: Away,
    parser: Door,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            transport: transport::Config {
                path: "/socket.io/".to_owned(),
                ..transport::Config::default()
            },
            protocol: socket_proto::Limits::default(),
            unfinished: 64,
            parked_bytes: 1 << 20,
            ack_timeout: ACK_TIMEOUT,
            middleware_timeout: Duration::from_secs(30),
            handler_timeout: Duration::from_mins(5),
            slow_handler: Duration::from_millis(100),
            states: States::default(),
            log: None,
            away: Away { timeout: Duration::from_mins(2), most: 100_000 },
            parser: Door::default(),
        }
    }
}

/// The options of Engine.IO, for every builder that has a `transport` configuration.
macro_rules! engine_options {
    ($builder:ty, $path:literal) => {
        impl $builder {
            #[doc = concat!("Where the server answers. Default `", $path, "`; a missing slash at the end is added.")]
            pub fn path(mut self, path: impl Into<String>) -> Self {
                self.transport.path = path.into();
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

            /// Pages of this origin may connect: scheme, host and port as browsers write them. The
            /// server's own pages and clients that are no pages always may; any other page is
            /// refused with 403, on every transport.
            pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
                self.transport.origins = self.transport.origins.allow(origin);
                self
            }

            /// Pages of these origins may connect.
            pub fn allow_origins<O: Into<String>>(self, origins: impl IntoIterator<Item = O>) -> Self {
                origins.into_iter().fold(self, |builder, origin| builder.allow_origin(origin))
            }

            /// Pages of every origin may connect.
            pub fn any_origin(mut self) -> Self {
                self.transport.origins = self.transport.origins.any();
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

            /// Most bytes that wait for one client. Past it, what is volatile is dropped, and
            /// anything else has the client disconnected (`slow consumer`). Default 4 MiB.
            pub fn outbox_bytes(mut self, bytes: usize) -> Self {
                self.transport.outbox_bytes = bytes;
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

            /// Workers: threads with a current-thread runtime, connections, a flusher and a timer wheel
            /// each. More than one only where the threads are numbered, as by
            /// [`Io::run`](crate::Io::run) or [`threads::spawn`](crate::threads::spawn); a server
            /// mounted elsewhere has one, whatever its runtime. Default 1, at most 256.
            pub fn workers(mut self, workers: usize) -> Self {
                self.transport.workers = workers;
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

engine_options!(Builder, "/socket.io/");

impl Builder {
    /// How long a client may stay without a namespace before it is disconnected. Default 45 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.protocol.connect_timeout = timeout;
        self
    }

    /// Most attachments of one packet. Default 10.
    pub fn max_attachments(mut self, attachments: usize) -> Self {
        self.protocol.attachments = attachments;
        self
    }

    /// Most bytes that the attachments of one packet may have together. Default 1 000 000.
    pub fn attachment_bytes(mut self, bytes: usize) -> Self {
        self.protocol.attachment_bytes = bytes;
        self
    }

    /// How long the attachments of a packet may take to arrive. Default 20 s.
    pub fn attachment_deadline(mut self, deadline: Duration) -> Self {
        self.protocol.attachment_deadline = deadline;
        self
    }

    /// Most namespaces that one client may be in. Default 64.
    pub fn max_namespaces(mut self, namespaces: usize) -> Self {
        self.protocol.namespaces = namespaces;
        self
    }

    /// Most events of one client whose handlers are unfinished; past it, events are parked. Default
    /// 64.
    pub fn max_unfinished_events(mut self, events: usize) -> Self {
        self.unfinished = events;
        self
    }

    /// Most bytes of parked events of one client; past it, it is disconnected (`too many events`).
    /// An event alone is always taken, whatever its size. Default 1 MiB.
    pub fn parked_bytes(mut self, bytes: usize) -> Self {
        self.parked_bytes = bytes;
        self
    }

    /// How long an answer is waited for where nothing else is said. Default 20 s.
    pub fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.ack_timeout = timeout;
        self
    }

    /// How long the middlewares of a namespace may take together. Default 30 s.
    pub fn middleware_timeout(mut self, timeout: Duration) -> Self {
        self.middleware_timeout = timeout;
        self
    }

    /// How long a handler may take, of an event or of a socket that comes or goes. One that has not
    /// finished by then is dropped where it waits: a client that waits for its answer gets an
    /// error, an `on_connect` is taken as failed, the log names it, and
    /// [`Counters::handlers_expired`](crate::Counters::handlers_expired) counts it. What has to run
    /// for longer belongs into a task of its own. Default 5 minutes; `Duration::MAX` is never.
    pub fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.handler_timeout = timeout;
        self
    }

    /// A handler that holds its thread for longer is named in the log. Default 100 ms.
    pub fn slow_handler(mut self, threshold: Duration) -> Self {
        self.slow_handler = threshold;
        self
    }

    /// Gives a value to all handlers, which ask for it by [`State<T>`](crate::State). One of each
    /// type; wrap what is big in an `Arc`.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        self.states.insert(state);
        self
    }

    /// Where durable namespaces keep their events: see [`Namespace::durable`](crate::Namespace::durable).
    /// Default: in memory.
    ///
    /// ```no_run
    /// use sockeye::{Durability, Io, Log};
    ///
    /// let io = Io::builder().log(Log::open("data")?).build()?;
    /// io.of("/").durable(Durability::Fsync);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log(mut self, log: Log) -> Self {
        self.log = Some(log);
        self
    }

    /// How long a client of a durable namespace may be away: after that it is gone, and somebody new if it
    /// comes back. Default 2 minutes.
    pub fn away_timeout(mut self, timeout: Duration) -> Self {
        self.away.timeout = timeout;
        self
    }

    /// How many clients of a durable namespace may be away at a time. Past it, whoever has been away for longest is
    /// gone. Default 100 000.
    pub fn away_limit(mut self, clients: usize) -> Self {
        self.away.most = clients;
        self
    }

    /// How packets are written on the wire: [`Msgpack`](crate::Msgpack), or one of your own. Clients have to be given the
    /// same parser. Default: that of the protocol, JSON and attachments.
    pub fn parser(mut self, parser: impl Parser) -> Self {
        self.parser = Door::of(parser);
        self
    }

    /// Builds it. Nothing runs before the first client comes.
    ///
    /// # Errors
    ///
    /// If an option makes no sense.
    pub fn build(self) -> Result<Io, BuildError> {
        let transport = checked(self.transport)?;
        if self.unfinished == 0 {
            let why = "no event could ever be handled";
            return Err(option("max_unfinished_events", 0, why));
        }
        let core = Core {
            protocol: Arc::new(bounded(self.protocol)),
            parser: self.parser,
            workers: transport.workers,
            unfinished: self.unfinished,
            parked_bytes: self.parked_bytes,
            ack_timeout: self.ack_timeout,
            middleware_timeout: self.middleware_timeout,
            handler_timeout: self.handler_timeout,
            slow_handler: self.slow_handler,
            state: self.states,
            counters: CounterCells::default(),
            log: self.log,
            memory: OnceLock::new(),
            away: Away { timeout: NEVER.min(self.away.timeout), ..self.away },
            runtime: OnceLock::new(),
        };
        Ok(Io::assemble(core, transport))
    }
}

/// Waits that are too long to count are long waits: `Duration::MAX` means never, and no sum of it
/// with the time overflows.
fn bounded(mut limits: socket_proto::Limits) -> socket_proto::Limits {
    let socket_proto::Limits { connect_timeout, attachment_deadline, .. } = &mut limits;
    for wait in [connect_timeout, attachment_deadline] {
        *wait = NEVER.min(*wait);
    }
    limits
}

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
        &mut listener.header_deadline,
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
    if !config.path.ends_with('/') {
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
    if !(1..=256).contains(&config.workers) {
        return Err(option("workers", config.workers, "there are 1 to 256"));
    }
    bound_waits(&mut config);
    Ok(config)
}

fn option(option: &'static str, value: usize, why: &'static str) -> BuildError {
    BuildError::Option { option, value: value.to_string(), why }
}
