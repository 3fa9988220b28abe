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

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use engine_proto::CloseReason;
use futures_util::StreamExt;
use smallvec::SmallVec;
use socket_proto::server::{Connection as Protocol, Incoming};
use socket_proto::{Args, Slot, encode};
use transport::{Class, ROOM, Upper};

use crate::ack::AckSender;
use crate::basis::{Core, count};
use crate::emit;
use crate::extract::Call;
use crate::handler::{Entry, Running};
use crate::running::{Finished, Job, Task, poll_guarded, start_guarded};
use crate::work::{Leaving, Work};
use crate::{DisconnectReason, Error, Io, Socket};

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
}

/// A socket of this client. Whatever happens, dropping it takes the socket out of its namespace.
struct Member {
    slot: Slot,
    socket: Socket,
    phase: Phase,
}

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

impl Drop for Member {
    fn drop(&mut self) {
        // Idempotent: after an orderly goodbye there is nothing left to do.
        self.socket.end(DisconnectReason::TransportClose);
        self.socket.forget_membership();
    }
}

impl Client {
    pub(crate) fn new(
        io: Option<Io>,
        connection: transport::Connection,
        handshake: Arc<transport::Handshake>,
        now: Duration,
    ) -> Self {
        let limits = io
            .as_ref()
            .map(|io| Arc::clone(&io.core().protocol))
            .unwrap_or_default();
        if let (Some(io), Ok(runtime)) = (&io, tokio::runtime::Handle::try_current()) {
            io.core().runtime.get_or_init(|| runtime);
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
        }
    }
}

impl Upper for Client {
    fn message(
        &mut self,
        message: engine_proto::Message<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseReason> {
        // A socket that our side has disconnected may be connected again by this very message.
        self.sweep(cx);
        let now = self.now()?;
        let message = match message {
            engine_proto::Message::Text(text) => socket_proto::Message::Text(text),
            engine_proto::Message::Binary(data) => socket_proto::Message::Binary(data),
        };
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
                    self.depart(&member, DisconnectReason::ClientNamespaceDisconnect, cx);
                }
            }
        }
        Ok(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sweep(cx);
        if self.work.is_none() {
            return Poll::Ready(());
        }
        while let Some(finished) = self.next_finished(cx) {
            self.settle(finished, cx);
            self.sweep(cx);
        }
        if self.start_parked(cx) {
            cx.waker().wake_by_ref();
        }
        self.lose_patience(cx);
        self.say_farewells(cx);
        if self.work.as_ref().is_some_and(|work| !work.is_over()) {
            return Poll::Pending;
        }
        self.work = None;
        Poll::Ready(())
    }

    fn next_timeout(&self) -> Option<Duration> {
        self.protocol.next_timeout()
    }

    fn timeout(&mut self, now: Duration) -> Result<(), CloseReason> {
        self.protocol
            .timeout(now)
            .map_err(|error| self.violation(&error))
    }

    fn closed(&mut self, reason: CloseReason, cx: &mut Context<'_>) {
        self.sweep(cx);
        for member in std::mem::take(&mut self.members).into_iter().flatten() {
            self.depart(&member, reason.into(), cx);
        }
    }
}

// Messages.
impl Client {
    fn now(&self) -> Result<Duration, CloseReason> {
        let io = self.io.as_ref().ok_or(CloseReason::ServerShuttingDown)?;
        Ok(io.server().now())
    }

    fn violation(&self, error: &socket_proto::ProtocolError) -> CloseReason {
        tracing::debug!(connection = self.connection.id(), %error, "closed");
        CloseReason::ForcedClose
    }

    fn take_in(
        &mut self,
        message: socket_proto::Message<'_>,
        now: Duration,
        cx: &mut Context<'_>,
    ) -> Result<Step, CloseReason> {
        let Client {
            protocol,
            io,
            connection,
            handshake,
            members,
            work,
        } = self;
        let incoming = match protocol.receive(message, now) {
            Ok(Some(incoming)) => incoming,
            Ok(None) => return Ok(Step::Nothing),
            Err(error) => return Err(self.violation(&error)),
        };
        match incoming {
            Incoming::Event {
                slot,
                name,
                args,
                ack,
            } => {
                take_event(members, work, slot, &name, args, ack, cx)?;
                Ok(Step::Nothing)
            }
            Incoming::Ack { slot, id, args } => {
                if let Some(member) = find(members, slot) {
                    member.socket.answered(id, args.to_owned());
                }
                Ok(Step::Nothing)
            }
            Incoming::Connect {
                slot,
                namespace,
                auth,
            } => {
                let Some(found) = io.as_ref().and_then(|io| io.find(namespace)) else {
                    let encoded = encode::connect_error(namespace, "Invalid namespace", None, ROOM);
                    let _ = connection.push(&emit::packet(encoded), Class::Normal);
                    return Ok(Step::Refuse(slot));
                };
                let (connection, handshake) = (connection.clone(), Arc::clone(handshake));
                let socket = Socket::connecting(found, connection, handshake, auth);
                if members.len() <= slot.index() {
                    members.resize_with(slot.index() + 1, || None);
                }
                members[slot.index()] = Some(Member {
                    slot,
                    socket,
                    phase: Phase::Connecting,
                });
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

fn find(members: &[Option<Member>], slot: Slot) -> Option<&Member> {
    members
        .get(slot.index())?
        .as_ref()
        .filter(|member| member.slot == slot)
}

// Connecting.
impl Client {
    /// A CONNECT has come: the middlewares decide.
    fn begin(&mut self, slot: Slot, cx: &mut Context<'_>) {
        let Some(member) = find(&self.members, slot) else {
            return;
        };
        let socket = member.socket.clone();
        let middlewares = socket.namespace().middlewares();
        let Some(entry) = middlewares.first().cloned() else {
            return self.welcome(slot, cx);
        };
        let running = run_middlewares(socket.clone(), middlewares);
        self.run(
            Task {
                job: Job::Middleware(slot),
                socket,
                entry,
                running,
            },
            cx,
        );
    }

    /// The middlewares agree: the CONNECT is answered, unless an extractor of `on_connect` fails.
    fn welcome(&mut self, slot: Slot, cx: &mut Context<'_>) {
        let Some(member) = find(&self.members, slot) else {
            return;
        };
        let socket = member.socket.clone();
        let greeting = match start_greeting(&socket) {
            Ok(greeting) => greeting,
            Err(error) => return self.refuse(slot, &error),
        };
        if !self.protocol.accepted(slot) {
            return drop(self.take_member(slot));
        }
        let name = socket.namespace().name();
        let reply = emit::packet(encode::connect_reply(name, socket.id(), ROOM));
        let _ = self.connection.push(&reply, Class::Normal);
        // From here on events of others reach it: behind the reply.
        let stays = socket.connect();
        self.set_phase(slot, Phase::Greeting);
        if !stays {
            // Disconnected by a middleware's friend in this very moment.
            socket.say_goodbye();
            return self.sweep(cx);
        }
        match greeting {
            Some((entry, running)) => {
                self.run(
                    Task {
                        job: Job::Greeting(slot),
                        socket,
                        entry,
                        running,
                    },
                    cx,
                );
            }
            None => self.set_phase(slot, Phase::Open),
        }
    }

    fn refuse(&mut self, slot: Slot, error: &Error) {
        let Some(member) = self.take_member(slot) else {
            return;
        };
        if self.protocol.refused(slot) {
            let name = member.socket.namespace().name();
            let encoded = encode::connect_error(name, &error.message(), error.data(), ROOM);
            let _ = self.connection.push(&emit::packet(encoded), Class::Normal);
        }
    }

    fn set_phase(&mut self, slot: Slot, phase: Phase) {
        if let Some(Some(member)) = self.members.get_mut(slot.index())
            && member.slot == slot
        {
            member.phase = phase;
        }
    }
}

/// Every middleware in turn; the first error refuses the socket.
fn run_middlewares(socket: Socket, middlewares: Arc<[Arc<Entry>]>) -> Running {
    let patience = socket.namespace().core().middleware_timeout;
    let all = async move {
        for middleware in middlewares.iter() {
            let started = {
                let mut call = Call::bare(&socket);
                middleware.start(&mut call)
            };
            started
                .map_err(|error| Error::new(error.message()))?
                .await?;
        }
        Ok(())
    };
    Box::pin(async move {
        match tokio::time::timeout(patience, all).await {
            Ok(result) => result,
            Err(_) => Err(Error::new("the middleware did not decide in time")),
        }
    })
}

/// The future of `on_connect`; its extractors have run.
fn start_greeting(socket: &Socket) -> Result<Option<(Arc<Entry>, Running)>, Error> {
    let Some(entry) = socket.namespace().connect_handler() else {
        return Ok(None);
    };
    let running = start_guarded(&entry, &mut Call::bare(socket))?;
    Ok(Some((entry, running)))
}

// Events.

fn take_event(
    members: &[Option<Member>],
    work: &mut Option<Box<Work>>,
    slot: Slot,
    name: &str,
    args: Args<'_>,
    ack: Option<u64>,
    cx: &mut Context<'_>,
) -> Result<(), CloseReason> {
    let Some(member) = find(members, slot).filter(|member| member.socket.is_connected()) else {
        return Ok(());
    };
    let core = member.socket.namespace().core();
    let greeting = member.phase == Phase::Greeting;
    let full = |work: &Work| !work.parked.is_empty() || work.unfinished >= core.unfinished;
    if greeting || work.as_deref().is_some_and(full) {
        let work = work.get_or_insert_default();
        let taken = work.park(slot, greeting, name, args, ack, core.parked_bytes);
        return if taken {
            Ok(())
        } else {
            Err(CloseReason::TooManyEvents)
        };
    }
    start_event(&member.socket, work, name, args, ack, cx);
    Ok(())
}

/// Starts the handler of an event, and polls it once in place; it is kept only if it has to wait.
fn start_event(
    socket: &Socket,
    work: &mut Option<Box<Work>>,
    name: &str,
    args: Args<'_>,
    ack: Option<u64>,
    cx: &mut Context<'_>,
) {
    let ack = ack.map(|id| AckSender::new(socket.clone(), id));
    let handler = socket
        .own_handler(name)
        .or_else(|| socket.namespace().event_handler(name));
    let Some(entry) = handler else {
        tracing::debug!(
            namespace = socket.namespace().name(),
            event = name,
            "nobody handles it"
        );
        if let Some(ack) = ack {
            ack.send_failure(&Error::new(format!("nobody handles `{name}`")));
        }
        return;
    };
    let mut call = Call {
        socket,
        event: name,
        args,
        ack,
        reason: None,
    };
    let mut running = match start_guarded(&entry, &mut call) {
        Ok(running) => running,
        Err(error) => {
            if let Some(ack) = call.ack.take() {
                ack.send_failure(&error);
            }
            return;
        }
    };
    if poll_guarded(Job::Event, socket, &entry, &mut running, cx).is_pending() {
        let work = work.get_or_insert_default();
        work.unfinished += 1;
        let task = Task {
            job: Job::Event,
            socket: socket.clone(),
            entry,
            running,
        };
        work.running.push(task);
    }
}

impl Client {
    /// Starts what is parked, as far as the limit of unfinished events allows. Whether there is more to start at once:
    /// others want their turn too.
    fn start_parked(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(core) = self.core() else {
            return false;
        };
        for _ in 0..PARKED_PER_TURN {
            let Some(parked) = self
                .work
                .as_mut()
                .and_then(|work| work.unpark(core.unfinished))
            else {
                return false;
            };
            let Some(socket) = self.socket_of(parked.slot) else {
                count(&core.counters.events_dropped, 1);
                continue;
            };
            let (name, args) = (&parked.name, parked.args.as_args());
            start_event(&socket, &mut self.work, name, args, parked.ack, cx);
        }
        let more = |work: &Work| !work.parked.is_empty() && work.unfinished < core.unfinished;
        self.work.as_deref().is_some_and(more)
    }

    /// The socket of a parked event: connected, or leaving after its last events.
    fn socket_of(&self, slot: Slot) -> Option<Socket> {
        let member = find(&self.members, slot).map(|member| &member.socket);
        let leaving = || {
            let leaving = &self.work.as_ref()?.leaving;
            leaving
                .iter()
                .find(|leaving| leaving.slot == slot)
                .map(|leaving| &leaving.socket)
        };
        member
            .filter(|socket| socket.is_connected())
            .or_else(leaving)
            .cloned()
    }

    fn core(&self) -> Option<Arc<Core>> {
        self.io.as_ref().map(|io| Arc::clone(io.core()))
    }
}

/// Parked events that are started before others have their turn.
const PARKED_PER_TURN: usize = 64;

// Handlers.
impl Client {
    /// Polls a handler once in place; it is kept if it has to wait.
    fn run(&mut self, mut task: Task, cx: &mut Context<'_>) {
        let Task {
            job,
            socket,
            entry,
            running,
        } = &mut task;
        match poll_guarded(*job, socket, entry, running, cx) {
            Poll::Ready(result) => {
                let job = *job;
                self.settle(Finished { job, result }, cx);
            }
            Poll::Pending => self.work.get_or_insert_default().running.push(task),
        }
    }

    fn next_finished(&mut self, cx: &mut Context<'_>) -> Option<Finished> {
        let work = self.work.as_mut()?;
        match work.running.poll_next_unpin(cx) {
            Poll::Ready(finished) => {
                if let Some(Finished {
                    job: Job::Event, ..
                }) = finished
                {
                    work.unfinished -= 1;
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

// Leaving.
impl Client {
    /// Lets go of the sockets that our own side has disconnected.
    fn sweep(&mut self, cx: &mut Context<'_>) {
        let ended = |place: &Option<Member>| {
            place
                .as_ref()
                .is_some_and(|member| member.socket.disconnect_reason().is_some())
        };
        while let Some(index) = self.members.iter().position(ended) {
            let Some(member) = self.members[index].take() else {
                return;
            };
            let reason = member.socket.disconnect_reason();
            let reason = reason.unwrap_or(DisconnectReason::ServerNamespaceDisconnect);
            if member.phase == Phase::Connecting {
                let slot = member.slot;
                self.members[index] = Some(member);
                self.refuse(slot, &Error::new(reason.as_str()));
                continue;
            }
            let now = self.now().unwrap_or_default();
            let _ = self.protocol.left(member.slot, now);
            let last = member.socket.is_last();
            self.depart(&member, reason, cx);
            if last {
                self.disconnect_all();
            }
        }
    }

    /// The whole connection is to end: every namespace is told, then the connection is closed.
    fn disconnect_all(&mut self) {
        for member in self.members.iter().flatten() {
            member.socket.disconnect(false);
        }
        self.connection.close(CloseReason::ForcedClose);
    }

    /// A socket leaves: `on_disconnecting` runs while it still is in its rooms, and `on_disconnect` after its last events.
    fn depart(&mut self, member: &Member, reason: DisconnectReason, cx: &mut Context<'_>) {
        let (slot, socket) = (member.slot, &member.socket);
        socket.end(reason);
        if member.phase == Phase::Connecting {
            return;
        }
        self.farewell(
            socket,
            reason,
            socket.namespace().disconnecting_handler(),
            cx,
        );
        socket.forget_membership();
        if reason == DisconnectReason::ServerNamespaceDisconnect {
            self.drop_events(slot, socket);
        }
        let greeting = member.phase == Phase::Greeting;
        if greeting
            || self
                .work
                .as_ref()
                .is_some_and(|work| work.has_events_of(slot))
        {
            let leaving = Leaving {
                slot,
                socket: socket.clone(),
                reason,
                greeting,
            };
            self.work.get_or_insert_default().leaving.push(leaving);
            // The task is in its turn: `poll` follows, and arms the patience.
            cx.waker().wake_by_ref();
        } else {
            self.farewell(socket, reason, socket.namespace().disconnect_handler(), cx);
        }
    }

    /// Runs one of the handlers for sockets that leave.
    fn farewell(
        &mut self,
        socket: &Socket,
        reason: DisconnectReason,
        handler: Option<Arc<Entry>>,
        cx: &mut Context<'_>,
    ) {
        let Some(entry) = handler else { return };
        // A failed extractor is in the log; there is nobody to answer.
        let Ok(running) = start_guarded(&entry, &mut Call::leaving(socket, reason)) else {
            return;
        };
        self.run(
            Task {
                job: Job::Farewell,
                socket: socket.clone(),
                entry,
                running,
            },
            cx,
        );
    }

    /// Says goodbye to those for whom nothing is left to wait for.
    fn say_farewells(&mut self, cx: &mut Context<'_>) {
        while let Some(leaving) = self
            .work
            .as_mut()
            .and_then(|work| work.take_ready_to_leave())
        {
            let Leaving { socket, reason, .. } = leaving;
            self.farewell(&socket, reason, socket.namespace().disconnect_handler(), cx);
        }
    }

    /// Whoever is leaving waits only so long for handlers that do not end.
    fn lose_patience(&mut self, cx: &mut Context<'_>) {
        let Some(work) = &mut self.work else { return };
        if work.leaving.is_empty() {
            work.patience = None;
            return;
        }
        let new = || Box::pin(tokio::time::sleep(LAST_EVENTS));
        if work
            .patience
            .get_or_insert_with(new)
            .as_mut()
            .poll(cx)
            .is_pending()
        {
            return;
        }
        work.patience = None;
        let mut late = std::mem::take(&mut work.leaving);
        for leaving in &mut late {
            leaving.greeting = false;
            self.drop_events(leaving.slot, &leaving.socket);
        }
        if let Some(work) = &mut self.work {
            work.leaving = late;
        }
    }

    fn drop_events(&mut self, slot: Slot, socket: &Socket) {
        let dropped = self.work.as_mut().map_or(0, |work| work.forget(slot));
        if dropped > 0 {
            let core = socket.namespace().core();
            count(&core.counters.events_dropped, dropped);
            tracing::info!(
                socket = socket.id(),
                dropped,
                "events of a socket that has left were not started"
            );
        }
    }
}

/// How long `on_disconnect` waits for handlers of events that came before.
const LAST_EVENTS: Duration = Duration::from_secs(10);
