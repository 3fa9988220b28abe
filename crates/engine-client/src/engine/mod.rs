//! One session, driven by whoever polls it.
//!
//! ```text
//!              time                read                orders               refill, write            goodbye
//!  polled ──▶ ────────────── ──▶ ─────────────── ──▶ ──────────────── ──▶ ─────────────────── ──▶ ──────────── ──▶ sleep
//!              machine, alarm      pipes → packets      dial, switch, …      queue → pipe              until it is said
//! ```
//!
//! There is no task and no channel: everything that waits (a stream that is being dialled, a request) is a future that the
//! engine owns for as long as it waits.

mod alarm;
mod leaving;
mod machine;
mod opening;
mod orders;
mod reading;
mod talk;
mod writing;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use engine_proto::handshake::Open;
use engine_proto::{CloseReason, Pipe, Transport};

use crate::polling::Polling;
use crate::websocket::WebSocket;
use crate::{Config, Ended, EngineError, Queue, Upper};
use alarm::{Alarm, Clock};
use leaving::Stage;
use opening::Dialling;
use talk::Talk;

/// One Engine.IO session of the connecting side.
///
/// It does something only while it is polled: it dials, reads, answers pings, moves to a WebSocket, and writes what is
/// queued. Poll it again whenever something was queued from outside.
///
/// ```
/// use std::future::poll_fn;
/// use std::sync::Arc;
/// use sockeye_engine_client::{Broken, Config, Engine, Message, Open, Queue, Target, Upper};
///
/// struct Quiet;
///
/// impl Upper for Quiet {
///     fn opened(&mut self, _: &Open, _: &mut Queue) {}
///     fn message(&mut self, _: Message<'_>, _: &mut Queue) -> Result<(), Broken> {
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (target, _) = Target::parse("http://localhost:1")?;
/// let mut engine = Engine::open(Arc::new(Config::new(target)));
/// let ended = poll_fn(|cx| engine.poll(&mut Quiet, cx)).await;
/// assert_eq!(ended.reason.as_str(), "transport error"); // nobody listens there
/// # Ok(())
/// # }
/// ```
pub struct Engine {
    config: Arc<Config>,
    clock: Clock,
    alarm: Alarm,
    talk: Talk,
    current: Carrier,
    candidate: Option<Candidate>,
    /// The transports that are tried if this one fails, the next one last.
    untried: Vec<Transport>,
    stage: Stage,
    /// The floor above takes no more for now, and nothing was read.
    held: bool,
}

/// The current pipe.
enum Carrier {
    /// There is none yet, or none any more.
    None,
    /// A WebSocket is being opened, and the session on it.
    Dialling(Dialling),
    Polling(Box<Polling>),
    WebSocket(Box<WebSocket>),
}

/// A WebSocket that may become the current pipe.
enum Candidate {
    Dialling(Dialling),
    Open(Box<WebSocket>),
}

/// What its owner does with it.
impl Engine {
    /// A session that will open when it is polled; until then nothing is dialled.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sockeye_engine_client::{Config, Engine, Target};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let mut engine = Engine::open(Arc::new(Config::new(target)));
    /// assert!(!engine.is_open(), "nothing is dialled before the first poll");
    /// ```
    pub fn open(config: Arc<Config>) -> Engine {
        let mut untried = config.order();
        untried.reverse();
        let first = untried.pop().unwrap_or(Transport::Polling);
        Engine {
            talk: Talk::new(first, &config),
            config,
            clock: Clock::default(),
            alarm: Alarm::default(),
            current: Carrier::None,
            candidate: None,
            untried,
            stage: Stage::New,
            held: false,
        }
    }

    /// Goes on with everything. `Ready` is the end of the session; what is above is not called any more.
    ///
    /// It has to be polled on a Tokio runtime with time and I/O.
    pub fn poll(&mut self, upper: &mut impl Upper, cx: &mut Context<'_>) -> Poll<Ended> {
        self.clock.start();
        loop {
            self.talk.now = self.clock.now();
            let busy = self.turn(upper, cx);
            if let Poll::Ready(()) = self.poll_goodbye(cx) {
                return Poll::Ready(self.ended());
            }
            if !busy && self.poll_alarm(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// What waits to be sent; more can be pushed, before the session is open too.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sockeye_engine_client::{Config, Engine, Target};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let mut engine = Engine::open(Arc::new(Config::new(target)));
    /// assert_eq!(engine.queue().bytes(), 0);
    /// ```
    pub fn queue(&mut self) -> &mut Queue {
        &mut self.talk.queue
    }

    /// Ends the session politely: what is queued is still sent, then the goodbye. Poll on until that is done; it takes 5 s
    /// at most. Messages that come meanwhile are not handed over.
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use sockeye_engine_client::{CloseReason, Engine, Upper};
    ///
    /// async fn hang_up(engine: &mut Engine, upper: &mut impl Upper) {
    ///     engine.close();
    ///     let ended = poll_fn(|cx| engine.poll(upper, cx)).await;
    ///     assert_eq!(ended.reason, CloseReason::ForcedClose);
    /// }
    /// ```
    pub fn close(&mut self) {
        self.talk.session.close(CloseReason::ForcedClose, &mut self.talk.orders);
    }
}

/// Looking: free of consequences.
impl Engine {
    /// Whether the session is open.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sockeye_engine_client::{Config, Engine, Target};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let mut engine = Engine::open(Arc::new(Config::new(target)));
    /// assert!(!engine.is_open());
    /// ```
    pub fn is_open(&self) -> bool {
        self.talk.session.is_open()
    }

    /// What the session speaks through, once it is open: polling until an upgrade is complete.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sockeye_engine_client::{Config, Engine, Target};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let mut engine = Engine::open(Arc::new(Config::new(target)));
    /// assert!(engine.transport().is_none());
    /// ```
    pub fn transport(&self) -> Option<Transport> {
        self.talk.open.as_ref().map(|_| self.talk.session.transport())
    }

    /// What the server has said of itself.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sockeye_engine_client::{Config, Engine, Target};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let mut engine = Engine::open(Arc::new(Config::new(target)));
    /// assert!(engine.open_packet().is_none());
    /// ```
    pub fn open_packet(&self) -> Option<&Open> {
        self.talk.open.as_deref()
    }

    /// Whether a message that is pushed now leaves at once, as far as one can know: the session is open and not about to
    /// move to another transport, nothing waits, nothing is half written, and no POST is under way.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sockeye_engine_client::{Config, Engine, Target};
    ///
    /// let (target, _) = Target::parse("http://localhost:3000").unwrap();
    /// let mut engine = Engine::open(Arc::new(Config::new(target)));
    /// assert!(!engine.is_writable());
    /// ```
    pub fn is_writable(&self) -> bool {
        self.is_open() && self.talk.queue.is_empty() && self.takes_packets()
    }

    /// Whether the server has not been heard for longer than it may be silent, which a machine that has been asleep finds
    /// out only by looking at its clock. Write nothing then, and [`close`](Self::close): nobody is there any more. Looks at
    /// the system's time as well, since the other clock stands still while a laptop sleeps.
    ///
    /// ```
    /// use sockeye_engine_client::{Engine, Packet};
    ///
    /// fn send(engine: &mut Engine, text: &str) {
    ///     if engine.is_expired() {
    ///         return engine.close();
    ///     }
    ///     engine.queue().push(Packet::text(text));
    /// }
    /// ```
    pub fn is_expired(&self) -> bool {
        !self.held && self.talk.is_expired(self.clock.now())
    }

    fn takes_packets(&self) -> bool {
        match &self.current {
            Carrier::Polling(polling) => polling.may_post() && !polling.paused,
            Carrier::WebSocket(socket) => socket.is_idle(),
            Carrier::None | Carrier::Dialling(_) => false,
        }
    }
}

/// The steps of a turn.
impl Engine {
    /// Does what can be done now; whether there may be more.
    fn turn(&mut self, upper: &mut impl Upper, cx: &mut Context<'_>) -> bool {
        let mut busy = self.perform(upper);
        if !self.is_live() {
            return false;
        }
        if self.stage == Stage::New {
            self.stage = Stage::Live;
            self.dial();
        }
        self.pass_time();
        self.read(upper, cx);
        busy |= self.perform(upper);
        self.write(upper, cx);
        self.report_pause();
        busy |= self.perform(upper);
        // What was written may have been all that stood in the way of reading on.
        busy | (self.held && self.is_open() && self.talk.listens(upper))
    }

    fn is_live(&self) -> bool {
        matches!(self.stage, Stage::New | Stage::Live)
    }

    fn pass_time(&mut self) {
        if let Carrier::Polling(polling) = &self.current
            && let Some(timeout) = self.config.request_timeout
            && polling.deadline(self.held).is_some_and(|by| by <= self.talk.now)
        {
            let error = EngineError::timeout("a request of polling", timeout);
            self.talk.lose(Pipe::Current, CloseReason::TransportError, error);
        }
        let (was_open, is_over) = (self.is_open(), self.talk.session.closed().is_some());
        self.talk.pass_time(std::mem::take(&mut self.held));
        if !is_over && self.talk.session.closed().is_some() {
            let error = self.too_late(was_open);
            self.talk.blame(error);
        }
    }

    fn too_late(&self, was_open: bool) -> EngineError {
        match &self.talk.open {
            Some(open) if was_open => {
                let patience = open.ping_interval.saturating_add(open.ping_timeout);
                EngineError::timeout(self.config.revision.sign_of_life(), patience)
            }
            _ => EngineError::timeout("opening the session", self.config.open_timeout),
        }
    }

    /// Whether the alarm has rung; sets it for the next of all times.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let polling = match &self.current {
            Carrier::Polling(polling) if self.is_live() => polling.next(self.now(), self.held),
            _ => None,
        };
        let times = [self.talk.session.next_timeout(), polling, self.stage.until()];
        match times.into_iter().flatten().min() {
            Some(next) => self.alarm.poll(next, &self.clock, cx),
            None => Poll::Pending,
        }
    }

    fn ended(&self) -> Ended {
        let error = self.talk.error.clone();
        Ended {
            reason: self.talk.session.closed().unwrap_or(CloseReason::ForcedClose),
            opened: self.talk.open.is_some(),
            retry_after: error.as_ref().and_then(EngineError::retry_after),
            error,
        }
    }

    /// Remembers whether a WebSocket works, if anybody wants to know.
    fn remember(&self, worked: bool) {
        if let Some(remembered) = &self.config.remembered {
            remembered.set(worked);
        }
    }

    fn now(&self) -> Duration {
        self.talk.now
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("session", &self.talk.session).finish_non_exhaustive()
    }
}
