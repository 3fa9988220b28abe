//! The one loop of a session: a task that owns the session, what sits on top of it, and its pipes.
//!
//! ```text
//!             wishes, letters, timers          reading              handlers
//!  woken ──▶ ───────────────────────── ──▶ ────────────── ──▶ ──────────────────── ──▶ deliver ──▶ sleep
//!             flags, mailbox, wheel         frames → packets    Upper::poll             one write
//! ```
//!
//! This is the only place of a connection that waits: for its waker (flags, letters, timers, handlers), for
//! its sockets, and for the end of a held GET. Nobody else touches the session, so it needs no lock.

mod begin;
mod leave;
mod orders;
mod read;
mod write;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use engine_proto::{
    CloseReason, Packet, PacketError, Pipe, Session, Sid, Transport, Tray, handshake,
};

use crate::connection::{Shared, flag};
use crate::meter::Meter;
use crate::outbox::{Entry, Way};
use crate::polling::Polling;
use crate::revision::Revision;
use crate::server::Inner;
use crate::websocket::{Candidate, WebSocket};
use crate::{Application, Class, Connection, Encoded, Handshake, Hooks, SessionStep, Upper};
pub(crate) use begin::{spawn_polled, spawn_polling, spawn_websocket};
use leave::Stage;

/// The task of one session.
pub(crate) struct Driver<A: Application, R: Revision> {
    shared: Arc<Shared>,
    server: Arc<Inner<A>>,
    session: Session<R::Heartbeat>,
    revision: R,
    upper: R::Upper<A>,
    /// The current pipe once it is a WebSocket; `None` while it is being read.
    link: Option<WebSocket>,
    /// Requests of a polling client.
    pub(crate) polling: Option<Box<Polling>>,
    candidate: Option<Box<Candidate>>,
    /// What came together with the handshake.
    early: Box<[u8]>,
    stage: Stage,
    /// A candidate that is being read has become the current pipe.
    switched: bool,
    /// The peer's close frame has come: there is nobody to wait for.
    peer_closed: bool,
    /// A write has failed; what can still be read is waited for until then.
    broken: Option<Duration>,
    /// How fast its client is read, if there is a rate. In a box: it is there where somebody wants it.
    meter: Option<Box<Meter>>,
    /// The time of this turn.
    now: Duration,
}

/// Nothing in here is pinned.
impl<A: Application, R: Revision> Unpin for Driver<A, R> {}

impl<A: Application, R: Revision> Driver<A, R> {
    fn new(
        server: &Arc<Inner<A>>,
        sid: Sid,
        handshake: Arc<Handshake>,
        transport: Transport,
        revision: R,
    ) -> Option<Self> {
        let (worker, config) = (server.here(), &server.config);
        worker.start();
        let kind = (R::NUMBER, transport);
        let shared = worker.register(|key| Shared::new(sid, key, Arc::clone(worker), kind));
        if !server.sessions.insert(&shared) {
            worker.unregister(shared.key);
            return None;
        }
        if server.sessions.is_closing() {
            // It began while the server was open; whoever closes may have looked already.
            Connection(Arc::clone(&shared)).close(CloseReason::ServerShuttingDown);
        }
        if let Some(packet) = &config.initial_packet {
            let _ = Connection(Arc::clone(&shared)).push(packet, Class::Normal);
        }
        worker.counts.opened(transport);
        let now = worker.now();
        let connection = Connection(Arc::clone(&shared));
        let upper = R::open(&server.application, connection, handshake, now);
        let driver = Driver {
            shared,
            server: Arc::clone(server),
            session: Session::begin(transport, &config.engine, now),
            revision,
            upper,
            link: None,
            polling: (transport == Transport::Polling).then(Box::default),
            candidate: None,
            early: Box::default(),
            stage: Stage::Open,
            switched: false,
            peer_closed: false,
            broken: None,
            meter: config.limits.bytes.map(|rate| Box::new(Meter::new(rate))),
            now,
        };
        driver.tell(SessionStep::Opened);
        Some(driver)
    }

    /// The open packet goes in front of what the application has pushed already.
    fn say_open(&self, transport: Transport) {
        let engine = &self.server.config.engine;
        let open = handshake::open_packet(self.shared.sid, engine, transport);
        self.say_first(Entry::Packet(Encoded::packet(&open)));
    }

    /// Starts on a WebSocket.
    fn open_on(&mut self, candidate: Candidate) {
        self.say_open(Transport::WebSocket);
        let Candidate { socket, write, read, deflates, .. } = candidate;
        self.early = read;
        self.link = socket;
        self.give_to_flusher(write, deflates);
    }

    /// Puts something in front of what is queued, before there is a WebSocket for it.
    fn say_first(&self, entry: Entry) {
        let mut outbox = self.shared.outbox.lock();
        outbox.bytes += entry.cost();
        outbox.queue.push_front(entry);
    }

    /// From now on what is queued goes to the WebSocket.
    fn give_to_flusher(&mut self, write: Option<tokio::net::tcp::OwnedWriteHalf>, deflates: bool) {
        self.shared.set_websocket(deflates);
        let way = if write.is_some() { Way::Socket } else { Way::Task };
        self.shared.writer.lock().socket = write;
        let mut outbox = self.shared.outbox.lock();
        outbox.way = way;
        outbox.ready = true;
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.server.config.hooks
    }

    pub(crate) fn session(&mut self) -> &mut Session<R::Heartbeat> {
        &mut self.session
    }

    pub(crate) fn revision(&self) -> &R {
        &self.revision
    }

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    pub(crate) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    pub(crate) fn set_candidate(&mut self, candidate: Box<Candidate>) {
        self.candidate = Some(candidate);
    }

    /// One turn. Whatever it makes the session say is written once, at its end.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let flags = self.shared.flags.swap(0, Ordering::AcqRel);
        if flags & flag::KILL != 0 {
            return Poll::Ready(());
        }
        self.now = self.shared.worker.now();
        let wish = self.begin();
        if let Some(reason) = wish {
            self.close(reason, cx);
        }
        if flags & flag::BROKEN != 0 {
            self.write_failed();
        }
        if flags & flag::MAIL != 0 {
            self.read_letters(cx);
        }
        self.read_body(cx);
        self.pass_time(cx);
        self.read_pipes(cx);
        self.watch_requests(cx);
        let _ = self.upper.poll(cx);
        self.ping_if_wanted(cx);
        self.finish_turn(cx);
        self.leave(cx);
        // Asked once more: the end of this very turn may have started the last handlers.
        if self.stage == Stage::Gone && self.upper.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        self.arm();
        Poll::Pending
    }

    /// The socket takes nothing more. What the client said before lies in the kernel, and the end comes
    /// behind it: the read side finds both. Should it not, the session ends by itself.
    fn write_failed(&mut self) {
        self.broken.get_or_insert(self.now + LAST_WORDS);
    }

    /// Claims the turn; takes the wish to close.
    fn begin(&mut self) -> Option<CloseReason> {
        let foreign = self.link.as_ref().is_some_and(WebSocket::is_foreign);
        let mut outbox = self.shared.outbox.lock();
        outbox.owned = true;
        // A foreign stream tells by trying again; a socket is asked in `deliver`.
        outbox.blocked &= !foreign;
        outbox.wish.take()
    }

    /// Hands a packet to the session, and its message to the floor above.
    pub(crate) fn packet(
        &mut self,
        from: Pipe,
        packet: Result<Packet<'_>, PacketError>,
        cx: &mut Context<'_>,
    ) {
        let mut orders = Tray::new();
        if let Err(error) = &packet {
            self.explain(from, error);
        }
        let awaited = self.session.awaits_pong();
        if let Some(message) = self.session.receive(from, packet, self.now, &mut orders)
            && let Err(reason) = self.upper.message(message, self.now, cx)
        {
            self.session.close(reason, &mut orders);
        }
        if awaited && !self.session.awaits_pong() && self.session.closed().is_none() {
            self.tell(SessionStep::Heartbeat);
            self.upper.ponged();
        }
        self.perform(orders, None, cx);
    }

    /// A pipe is gone.
    fn lose(&mut self, pipe: Pipe, reason: CloseReason, cx: &mut Context<'_>) {
        let mut orders = Tray::new();
        self.session.pipe_lost(pipe, reason, &mut orders);
        self.perform(orders, None, cx);
    }

    fn close(&mut self, reason: CloseReason, cx: &mut Context<'_>) {
        let mut orders = Tray::new();
        self.session.close(reason, &mut orders);
        self.perform(orders, None, cx);
    }

    /// Tells both machines the time if they asked for it.
    fn pass_time(&mut self, cx: &mut Context<'_>) {
        if self.broken.is_some_and(|until| until <= self.now) {
            self.lose(Pipe::Current, CloseReason::TransportError, cx);
        }
        if self.session.next_timeout().is_some_and(|at| at <= self.now) {
            let mut orders = Tray::new();
            if self.is_slowed() {
                self.session.timeout_unheard(self.now, &mut orders);
            } else {
                self.session.timeout(self.now, &mut orders);
            }
            self.perform(orders, None, cx);
        }
        if self.stage == Stage::Open
            && self.upper.next_timeout().is_some_and(|at| at <= self.now)
            && let Err(reason) = self.upper.timeout(self.now)
        {
            self.close(reason, cx);
        }
    }

    fn ping_if_wanted(&mut self, cx: &mut Context<'_>) {
        if self.stage == Stage::Open && self.upper.wants_ping() {
            let mut orders = Tray::new();
            self.session.ping(self.now, &mut orders);
            self.perform(orders, None, cx);
        }
    }

    fn broken(&self) -> Option<Duration> {
        self.broken.filter(|_| self.stage == Stage::Open)
    }

    /// Has the wheel wake this task when the next of its times comes.
    fn arm(&mut self) {
        if let Some(meter) = &mut self.meter {
            meter.pass(self.now);
        }
        let upper = self.upper.next_timeout().filter(|_| self.stage == Stage::Open);
        let (session, slowed) = (self.session.next_timeout(), self.slowed_until());
        let times = [session, slowed, upper, self.stage.until(), self.broken()];
        let Some(next) = times.into_iter().flatten().min() else {
            return;
        };
        let milliseconds = u64::try_from(next.as_millis()).unwrap_or(u64::MAX - 1);
        if milliseconds < self.shared.armed.load(Ordering::Acquire) {
            self.shared.armed.store(milliseconds, Ordering::Release);
            self.shared.worker.arm(self.shared.key, next);
        }
    }
}

/// How long a client whose pipe takes no more is listened to.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl<A: Application, R: Revision> Future for Driver<A, R> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let driver = self.get_mut();
        driver.shared.waker.register(cx.waker());
        driver.turn(cx)
    }
}

/// However the task ends, nothing of the session stays behind.
impl<A: Application, R: Revision> Drop for Driver<A, R> {
    fn drop(&mut self) {
        if self.session.closed().is_none() {
            // It was dropped in the middle.
            self.shared.worker.counts.closed(CloseReason::ForcedClose);
            self.tell(SessionStep::Closed(CloseReason::ForcedClose));
        }
        self.shared.shut();
        self.shared.worker.unregister(self.shared.key);
        self.server.sessions.ended(&self.shared);
        self.shared.worker.left();
    }
}
