//! One client: from its messages to the handlers of its sockets.
//!
//! ```text
//!  CONNECT ─▶ Connecting ──────────────▶ Greeting ───────────────────▶ Open ─▶ left
//!             middleware, extractors     CONNECT reply; the body of    events
//!             of `on_connect`            `on_connect`; events wait
//!                  │ failed                   │ failed
//!                  ▼ CONNECT_ERROR            ▼ DISCONNECT
//! ```
//!
//! Everything here is owned by the connection's task; sockets reach it by their state, and a wake.

mod application;
mod connecting;
mod durable;
mod early;
mod events;
mod expiring;
mod leaving;
mod old;
mod outgoing;
mod running;
mod starting;
mod translating;
mod work;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use engine_proto::CloseReason;
use futures_util::StreamExt;
use smallvec::SmallVec;
use socket_proto::server::{Connection as Protocol, Incoming};
use socket_proto::{Slot, encode};
use transport::{Class, ROOM, Upper};

use crate::durable::{Recall, Session};
use crate::handler::{Entry, Running};
use crate::parser;
use crate::words::Words;
use crate::{DisconnectReason, Io, Rate, Socket};
pub(crate) use application::Application;
use early::EarlyAcks;
use events::take_event;
pub(crate) use old::OldClient;
use running::{Finished, Job, Task, begin_turn, end_turn};
pub(crate) use work::Event;
use work::Work;

/// What sits on one engine session.
pub(crate) struct Client {
    protocol: Protocol,
    /// `None` if the server was dropped while the session opened.
    io: Option<Io>,
    connection: transport::Connection,
    handshake: Arc<transport::Handshake>,
    /// By the index of their slot: no hashing for a packet.
    members: SmallVec<[Option<Member>; 1]>,
    work: Option<Box<Work>>,
    /// Answers that came before the CONNECT of their namespace.
    early: Option<Box<EarlyAcks>>,
    /// Somebody waits to hear that what was sent has arrived.
    wants_ping: bool,
    /// The session is over: it tells the time no more.
    closed: bool,
}

/// A socket of this client: with its namespace until it leaves, and then until its last events have
/// been started. Whatever happens, dropping it takes the socket out of its namespace, and gives its
/// own handlers back.
struct Member {
    slot: Slot,
    socket: Socket,
    phase: Phase,
    follows: Follows,
    /// The body of `on_connect`, if it has to wait until the socket is admitted. In a box: it is there for a
    /// moment, and every idle connection would pay for it.
    greeting: Option<Box<Greeting>>,
}

/// Whether a socket reads the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Follows {
    #[default]
    Not,
    Once,
    /// And again when it is done.
    Again,
}

/// A handler, ready to run.
type Greeting = (Arc<Entry>, Running);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Middleware is thinking; the CONNECT is not answered.
    Connecting,
    /// The CONNECT is answered; the body of `on_connect` runs.
    Greeting,
    /// Events start at once.
    Open,
}

/// What a packet asks for, once it does not borrow the protocol any more.
enum Step {
    Nothing,
    Begin(Slot),
    Refuse(Slot),
    Left(Slot),
}

impl Member {
    fn connecting(slot: Slot, socket: Socket) -> Self {
        Member { slot, socket, phase: Phase::Connecting, follows: Follows::Not, greeting: None }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Idempotent: after an orderly goodbye there is nothing left to do.
        self.socket.end(DisconnectReason::TransportClose);
        self.socket.forget_membership();
        self.socket.forget_handlers();
        let namespace = self.socket.namespace();
        if namespace.childhood().is_some()
            && let Some(io) = namespace.io()
        {
            io.release(namespace);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Its sockets leave their namespaces, and the log hears of it.
        self.members.clear();
        end_turn(self.io.as_ref());
    }
}

impl Client {
    pub(crate) fn new(
        io: Option<Io>,
        connection: transport::Connection,
        handshake: Arc<transport::Handshake>,
        now: Duration,
    ) -> Self {
        let limits = io.as_ref().map(|io| Arc::clone(&io.core().protocol)).unwrap_or_default();
        if let Some(io) = &io {
            io.use_runtime();
        }
        if io.is_none() {
            connection.close(CloseReason::ServerShuttingDown);
        }
        Client {
            protocol: Protocol::new(&limits, now),
            io,
            connection,
            handshake,
            members: SmallVec::new(),
            work: None,
            early: None,
            wants_ping: false,
            closed: false,
        }
    }
}

impl Upper for Client {
    fn message(
        &mut self,
        message: engine_proto::Message<'_>,
        now: Duration,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseReason> {
        self.arrive(cx);
        if let Some(core) = self.translator() {
            let (text, attachments) = self.unpack(&core, message)?;
            return self.follow_all(&text, &attachments, now, cx);
        }
        let message = match message {
            engine_proto::Message::Text(text) => socket_proto::Message::Text(text),
            engine_proto::Message::Binary(data) => socket_proto::Message::Binary(data),
        };
        self.follow_up(message, now, cx)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        begin_turn();
        let idle = self.go_on(cx);
        end_turn(self.io.as_ref());
        idle
    }

    fn next_timeout(&self) -> Option<Duration> {
        let due = self.work.as_ref().and_then(|work| work.due);
        self.protocol.next_timeout().into_iter().chain(due).min()
    }

    fn timeout(&mut self, now: Duration) -> Result<(), CloseReason> {
        if let Some(work) = self.work.as_mut().filter(|work| work.due.is_some_and(|at| at <= now)) {
            // `poll` follows in the same turn.
            work.late = Some(now);
        }
        self.protocol.timeout(now).map_err(|error| self.violation(&error))
    }

    fn pinging(&mut self) {
        self.wants_ping = false;
        self.sessions(Session::pinging);
    }

    fn ponged(&mut self) {
        self.sessions(Session::ponged);
    }

    fn wants_ping(&self) -> bool {
        self.wants_ping
    }

    fn ending(&mut self, why: &dyn fmt::Display) {
        self.work.get_or_insert_default().ending = Some(why.to_string().into_boxed_str());
    }

    fn closed(&mut self, reason: CloseReason, cx: &mut Context<'_>) {
        self.closed = true;
        self.sweep(cx);
        let why = self.work.as_mut().and_then(|work| work.ending.take());
        for member in std::mem::take(&mut self.members).into_iter().flatten() {
            if let Some(why) = &why {
                member.socket.describe(why);
            }
            self.depart(member, reason.into(), cx);
        }
        if self.work.is_some() {
            // From now on `poll` has to look at the time by itself.
            cx.waker().wake_by_ref();
        }
        end_turn(self.io.as_ref());
    }
}

// Messages.
impl Client {
    /// A message has come.
    fn arrive(&mut self, cx: &mut Context<'_>) {
        begin_turn();
        // A socket that our side has disconnected may be connected again by this very message.
        self.sweep(cx);
    }

    fn follow_up(
        &mut self,
        message: socket_proto::Message<'_>,
        now: Duration,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseReason> {
        let is_binary = matches!(message, socket_proto::Message::Binary(_));
        let step = self.take_in(message, now, cx)?;
        if is_binary {
            self.protocol.release();
        }
        match step {
            Step::Nothing => {}
            Step::Begin(slot) => self.begin(slot, cx),
            Step::Refuse(slot) => drop(self.protocol.refused(slot)),
            Step::Left(slot) => {
                if let Some(member) = self.take_member(slot) {
                    self.depart(member, DisconnectReason::ClientNamespaceDisconnect, cx);
                }
            }
        }
        Ok(())
    }

    fn now(&self) -> Result<Duration, CloseReason> {
        let io = self.io.as_ref().ok_or(CloseReason::ServerShuttingDown)?;
        Ok(io.server().now())
    }

    fn violation(&mut self, error: &dyn std::error::Error) -> CloseReason {
        tracing::debug!(connection = self.connection.id(), %error, "closed");
        self.ending(&error);
        CloseReason::ForcedClose
    }

    fn take_in(
        &mut self,
        message: socket_proto::Message<'_>,
        now: Duration,
        cx: &mut Context<'_>,
    ) -> Result<Step, CloseReason> {
        let Client { protocol, io, connection, handshake, members, work, early, .. } = self;
        let io = io.as_ref().ok_or(CloseReason::ServerShuttingDown)?;
        let core = io.core();
        let incoming = match protocol.receive(message, now) {
            Ok(Some(incoming)) => incoming,
            Ok(None) => return Ok(Step::Nothing),
            Err(error) => return Err(self.violation(&error)),
        };
        match incoming {
            Incoming::Event { slot, name, args, ack } => {
                let event = Event { name: &name, args, ack };
                take_event(members, work, slot, event, now, cx)?;
                Ok(Step::Nothing)
            }
            Incoming::Ack { slot, id, args } => {
                if let Some(member) = find(members, slot) {
                    member.socket.answered(id, args);
                }
                Ok(Step::Nothing)
            }
            Incoming::EarlyAck { namespace, id, args } => {
                let found = io.find(namespace);
                if found.is_some_and(|found| found.durable_part().is_some()) {
                    early.get_or_insert_default().keep(namespace, id, args);
                }
                Ok(Step::Nothing)
            }
            Incoming::Connect { slot, namespace, auth } => {
                let visits = work.as_ref().map_or(0, |work| work.running.len() - work.unfinished);
                if visits >= VISITS {
                    return Err(CloseReason::TooManyEvents);
                }
                let Some(found) = io.admit(namespace) else {
                    let encoded = encode::connect_error(namespace, "Invalid namespace", None, ROOM);
                    let _ = connection.push(&parser::pack(&core.parser, encoded), Class::Normal);
                    return Ok(Step::Refuse(slot));
                };
                let (connection, handshake) = (connection.clone(), Arc::clone(handshake));
                let durable = found.durable_part().filter(|_| Words::to(&connection).returns);
                let recall = durable.map_or(Recall::New, |part| part.recall(auth));
                let socket = Socket::connecting(found, connection, handshake, auth, recall);
                if members.len() <= slot.index() {
                    members.resize_with(slot.index() + 1, || None);
                }
                members[slot.index()] = Some(Member::connecting(slot, socket));
                Ok(Step::Begin(slot))
            }
            Incoming::Disconnect { slot } => Ok(Step::Left(slot)),
        }
    }

    fn take_member(&mut self, slot: Slot) -> Option<Member> {
        let place = self.members.get_mut(slot.index())?;
        if place.as_ref()?.slot != slot {
            return None;
        }
        place.take()
    }
}

/// Most unfinished handlers of sockets that come and go. A client that connects and leaves faster than
/// these end is disconnected.
const VISITS: usize = 256;

fn find(members: &[Option<Member>], slot: Slot) -> Option<&Member> {
    members.get(slot.index())?.as_ref().filter(|member| member.slot == slot)
}

// Handlers.
impl Client {
    /// Goes on with the handlers that wait, and starts what waits for them.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sweep(cx);
        self.heed_sessions(cx);
        self.expire(cx);
        while let Some(finished) = self.next_finished(cx) {
            self.settle(finished, cx);
            self.sweep(cx);
        }
        self.hear_outgoing(cx);
        if self.work.is_none() {
            return Poll::Ready(());
        }
        if self.start_parked(cx) {
            cx.waker().wake_by_ref();
        }
        self.say_farewells(cx);
        if self.work.as_ref().is_some_and(|work| !work.is_over()) {
            self.set_alarm(cx);
            return Poll::Pending;
        }
        if !self.keeps_count() {
            self.work = None;
        }
        Poll::Ready(())
    }

    /// Whether something has been taken of its rate that has not come back: then that is remembered.
    fn keeps_count(&self) -> bool {
        let (Some(work), Some(io)) = (&self.work, &self.io) else {
            return false;
        };
        io.core().limits.events.is_some() && !Rate::is_full(work.pace, io.server().now())
    }

    /// Polls a handler once in place; it is kept if it has to wait.
    fn run(&mut self, mut task: Task, cx: &mut Context<'_>) {
        match task.go_on(cx) {
            Poll::Ready(result) => self.settle(Finished { job: task.job, result }, cx),
            Poll::Pending => {
                let now = self.now().unwrap_or_default();
                self.work.get_or_insert_default().keep(task, now);
            }
        }
    }

    fn next_finished(&mut self, cx: &mut Context<'_>) -> Option<Finished> {
        let work = self.work.as_mut()?;
        match work.running.poll_next_unpin(cx) {
            Poll::Ready(finished) => {
                if let Some(Finished { job, .. }) = finished {
                    work.ended(job);
                }
                finished
            }
            Poll::Pending => None,
        }
    }

    /// What follows when a handler is done.
    fn settle(&mut self, Finished { job, result }: Finished, cx: &mut Context<'_>) {
        match (job, result) {
            (Job::Middleware(slot), Ok(())) => self.welcome(slot, cx),
            (Job::Middleware(slot), Err(error)) => self.refuse(slot, &error),
            (Job::Admission(slot), Err(error)) => self.not_admitted(slot, &error, cx),
            (Job::Admission(slot), Ok(())) => self.let_in(slot, cx),
            (Job::Following(slot), _) => self.caught_up(slot),
            (Job::Greeting(slot), result) => {
                self.set_phase(slot, Phase::Open);
                if result.is_err()
                    && let Some(member) = find(&self.members, slot)
                {
                    member.socket.disconnect(false);
                    self.sweep(cx);
                }
                if let Some(work) = &mut self.work {
                    work.greeted(slot);
                }
            }
            (Job::Event | Job::Farewell, _) => {}
        }
    }
}
