//! What can be set before a server is built; the defaults are the reference's, where it has them.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use engine_proto::{Transport, Transports};
use handler::{Door, Parser, States};
use log::Log;

use crate::basis::{Core, Limits, NEVER};
use crate::client_files;
use crate::durable::Away;
use crate::error::BuildError;
use crate::options::{checked, engine_options, option};
use crate::socket::ACK_TIMEOUT;
use crate::stats::Counters;
use crate::{Io, Rate};

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
    limits: Limits,
    client_files: Option<PathBuf>,
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
            limits: Limits { events: None, questions: 65_536, rooms: 65_536 },
            client_files: None,
        }
    }
}

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
    /// [`Stats::handlers_expired`](crate::Stats::handlers_expired) counts it. What has to run
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

    /// How many events one client may send, in all its namespaces together. Past it they wait, raw and in order, together
    /// with those that wait for handlers, and a client that does not stop is disconnected as
    /// [`parked_bytes`](Self::parked_bytes) says (`too many events`). Acknowledgements and heartbeats are no events.
    /// [`Stats::events_slowed`](crate::Stats::events_slowed) counts. Default: no limit.
    ///
    /// ```
    /// use sockeye::{Io, Rate};
    ///
    /// let io = Io::builder().event_rate(Rate::per_second(50).burst(200)).build()?;
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn event_rate(mut self, rate: Rate) -> Self {
        self.limits.events = Some(rate);
        self
    }

    /// Most answers that are waited for from one socket at a time; past it, asking fails with
    /// [`EmitError::TooManyQuestions`](crate::EmitError::TooManyQuestions), and a broadcast does not ask that socket.
    /// [`Stats::questions_refused`](crate::Stats::questions_refused) counts. Default 65 536.
    pub fn max_pending_acks(mut self, answers: usize) -> Self {
        self.limits.questions = answers;
        self
    }

    /// Most rooms that one socket may be in; past it, joining fails with
    /// [`JoinError::TooManyRooms`](crate::JoinError::TooManyRooms), and
    /// [`sockets_join`](crate::Broadcast::sockets_join) leaves that socket out. For servers whose clients say which rooms
    /// they want. [`Stats::rooms_refused`](crate::Stats::rooms_refused) counts. Default 65 536.
    pub fn max_rooms(mut self, rooms: usize) -> Self {
        self.limits.rooms = rooms;
        self
    }

    /// How packets are written on the wire: [`Msgpack`](crate::Msgpack), or one of your own. Clients have to be given the
    /// same parser. Default: that of the protocol, JSON and attachments.
    pub fn parser(mut self, parser: impl Parser) -> Self {
        self.parser = Door::of(parser);
        self
    }

    /// Serves the client's bundles for browsers from the npm package `socket.io-client` that is installed
    /// in this directory (or from the `dist` inside), so that a page needs no more than
    /// `<script src="/socket.io/socket.io.js">` (reference: `serveClient`). The eight files are
    /// `socket.io.js`, `.min.js`, `.esm.min.js`, `.msgpack.min.js` and the `.map` of each; one that the
    /// package does not have is not served, and nothing else of the directory is.
    ///
    /// They are read when the server is built, and kept in memory, 1.2 MB for version 4.8, and as much once more
    /// at most in the content codings that clients ask for. Their `ETag` is the version of the package.
    /// `GET` and `HEAD` are answered, other methods with 405. Pages of any origin may have them; what
    /// browsers are told of [`allow_origin`](Self::allow_origin) holds here too. Default: none is served.
    ///
    /// ```no_run
    /// use sockeye::Io;
    ///
    /// // Once before, where the program runs: npm install socket.io-client
    /// let io = Io::builder().client_files("node_modules/socket.io-client").build()?;
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn client_files(mut self, package: impl Into<PathBuf>) -> Self {
        self.client_files = Some(package.into());
        self
    }

    /// Builds it. Nothing runs before the first client comes. Blocks while the files of the client are read.
    ///
    /// # Errors
    ///
    /// If an option makes no sense, or the client's files are not where they should be.
    pub fn build(self) -> Result<Io, BuildError> {
        let mut transport = checked(self.transport)?;
        transport.files = self.client_files.as_deref().map(client_files::read).transpose()?;
        if self.unfinished == 0 {
            let why = "no event could ever be handled";
            return Err(option("max_unfinished_events", 0, why));
        }
        if self.limits.events.is_some_and(Rate::is_zero) {
            return Err(option("event_rate", 0, "no event could ever be handled"));
        }
        let core = Core {
            limits: self.limits,
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
            counters: (0..transport.workers).map(|_| Counters::default()).collect(),
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
