//! CONNECT in a durable namespace: a client that is new, or one that comes back.
//!
//! ```text
//!  CONNECT ──▶ recall ──▶ middleware ──▶ admit ────────────────────▶ attach ──▶ CONNECT reply, what it missed, live
//!              by its     who it is      take over, ask its rooms    in one step,
//!              secret                    or: a new session, stored   with the order's lock
//! ```
//!
//! The answer goes before what was missed, not behind it as in the reference. The official client keeps what comes
//! before the answer, moves its position only when it hands it out, and does not forget it if the connection breaks in
//! between: it would have it twice.

use std::sync::{Arc, Weak};

use log::{Position, SessionId};
use serde::Deserialize;
use transport::{Class, Pushed, Recipients};

use super::session::{State, offer_all};
use super::{Durable, Missed, Session};
use crate::{DisconnectReason, Error, Socket};

/// What a client says of itself when it comes back: the reference's words, in `auth`.
#[derive(Deserialize)]
struct Claim<'a> {
    #[serde(borrow)]
    pid: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    offset: Option<std::borrow::Cow<'a, str>>,
}

/// Who connects.
pub(crate) enum Recall {
    /// Somebody new.
    New,
    /// Somebody who was here, and what it has.
    Back(Return),
    /// Somebody who says that it was here, and cannot be given what it missed; and the token that it named.
    Lost(Missed, Option<Box<str>>),
}

/// A session, and where its client stands: the last event it has, if it has one.
pub(crate) struct Return {
    pub(crate) session: Arc<Session>,
    pub(crate) offset: Option<Position>,
}

/// How a socket was attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attached {
    /// It has everything, and gets what comes.
    Live,
    /// There is more in the log than is at hand.
    Behind,
    /// Somebody holds back what is for it, and will say when it may go on.
    Held,
    /// It is the session's socket no more, or has ended.
    Gone,
}

impl Durable {
    /// Who connects, by what came with the CONNECT.
    pub(crate) fn recall(&self, auth: Option<&str>) -> Recall {
        let claim = auth.and_then(|auth| serde_json::from_str::<Claim<'_>>(auth).ok());
        let Some(Claim { pid: Some(pid), offset }) = claim else {
            return Recall::New;
        };
        let session = pid.parse().ok().and_then(|id: SessionId| self.sessions.get(id));
        let lost = |missed| Recall::Lost(missed, offset.as_deref().map(Box::from));
        let Some(session) = session else {
            return lost(Missed::UnknownSession);
        };
        match self.offset_of(&session, offset.as_deref()) {
            Ok(offset) => Recall::Back(Return { session, offset }),
            Err(missed) => lost(missed),
        }
    }

    fn offset_of(
        &self,
        session: &Session,
        token: Option<&str>,
    ) -> Result<Option<Position>, Missed> {
        let Some(token) = token else { return Ok(None) };
        let head = self.order.lock().head();
        match self.shard.position(token).filter(|position| *position <= head) {
            Some(position) => Ok(Some(position)),
            // The official client keeps the token of an earlier session until it hears something.
            None if session.has_heard_nothing_but(token) => Ok(None),
            None => Err(Missed::UnknownPosition),
        }
    }

    /// Finds a socket its session. Middleware has agreed. If the session has to be given up, the socket says what
    /// its client has [missed](Socket::missed): it goes on as somebody new.
    pub(crate) async fn admit(self: Arc<Self>, socket: Socket) -> Result<(), Error> {
        if let Some(Return { session, offset }) = socket.take_return() {
            match self.readmit(&session, &socket, offset).await {
                Ok(()) => return Ok(()),
                Err(Missed::Fenced) => return Err(Error::new("another connection has taken over")),
                Err(missed) => {
                    self.lose(&session);
                    socket.set_missed(missed);
                    return Err(Error::new("not everything that it missed can be given to it"));
                }
            }
        }
        self.begin(&socket).await
    }

    async fn readmit(
        self: &Arc<Self>,
        session: &Arc<Session>,
        socket: &Socket,
        offset: Option<Position>,
    ) -> Result<(), Missed> {
        self.ask_rooms(session, socket).await;
        let holding = Holding { durable: self, session, socket };
        self.take_over(session, socket, offset)?;
        self.look(session)?;
        std::mem::forget(holding);
        socket.set_session(Arc::clone(session));
        Ok(())
    }

    /// The session is this socket's from now on. Whoever had it is fenced off, and its connection closed.
    fn take_over(
        &self,
        session: &Arc<Session>,
        socket: &Socket,
        offset: Option<Position>,
    ) -> Result<(), Missed> {
        let order = self.order.lock();
        let held = session.state().holder.clone();
        if let Some(old) = held {
            // What has been handed out is pushed, or it would count as if it had been.
            old.catch_up();
        }
        let mut state = session.state();
        if state.ended {
            return Err(Missed::UnknownSession);
        }
        state.pause(order.delivered);
        let has = named(session, offset);
        let from = starting_point(&state, has);
        if from < state.known_from {
            return Err(Missed::Rooms);
        }
        let old = state.holder.replace(socket.clone()).filter(|old| old != socket);
        old.iter().for_each(Socket::fence);
        state.holds = 0;
        state.cursor = from;
        state.resume(from);
        state.resume_notice(has);
        for left in state.forget_before(has) {
            let _ = self.shard.forget_interval(session.id, &left.room, left.joined, self.class);
        }
        self.family.absent.remove(session);
        drop((state, order));
        if let Some(old) = old {
            old.end(DisconnectReason::ForcedClose);
            old.close_transport();
        }
        Ok(())
    }

    /// A new session, in the log before the CONNECT is answered.
    async fn begin(self: &Arc<Self>, socket: &Socket) -> Result<(), Error> {
        let (session, stored) = self.create(socket);
        // What its client has to be told is the first event of the session, in the log with it.
        let gap = self.untold(socket, &session);
        let told = gap.and_then(|gap| self.log_gap(socket, &session, &gap));
        let stored = told.map_or(stored, |at| self.log.stored(at, self.class));
        socket.set_session(session);
        if let Err(error) = stored.await {
            tracing::warn!(socket = socket.id(), %error, "a session is not in the log");
        }
        Ok(())
    }

    fn create(&self, socket: &Socket) -> (Arc<Session>, log::Stored) {
        let order = self.order.lock();
        // Behind all that the log has: what it forgets when it fails, it forgets up to there.
        let start = order.head().max(self.log.progress().written);
        let session = Session::new(
            SessionId::from(rand::random::<[u8; 16]>()),
            socket.public_id(),
            start,
            socket,
        );
        let mut state = session.state();
        let mut last = self.shard.save_session(&session.record(&state), self.class);
        // A log that takes nothing keeps nobody out: the session lives as long as the server.
        state.unsaved = last.is_err();
        for room in socket.rooms() {
            let joined = self.enter(&session, &mut state, &room, start);
            last = last.and(joined);
        }
        drop(state);
        self.sessions.add(&session);
        drop(order);
        let last = last.unwrap_or_else(|error| {
            tracing::warn!(socket = socket.id(), %error, "a session is not in the log");
            Position::default()
        });
        (session, self.log.stored(last, self.class))
    }

    /// The last step: the answer to its CONNECT if it waits for one, what is left of the past if that is at
    /// hand, and then the present. In one go, so that nothing comes in between.
    pub(crate) fn attach(&self, socket: &Socket, answer: bool) -> Attached {
        let Some(session) = socket.session() else {
            return Attached::Gone;
        };
        let mut order = self.order.lock();
        socket.catch_up();
        let Some(mut state) = session.held_by(socket) else {
            return Attached::Gone;
        };
        if answer && !greet(socket, session, &state) {
            return Attached::Gone;
        }
        if state.holds > 0 {
            return Attached::Held;
        }
        if !push_recent(&order, session, &mut state, socket) {
            return Attached::Behind;
        }
        state.live = true;
        state.cursor = state.cursor.max(order.delivered);
        order.add_to_pending(session, &state);
        drop((state, order));
        // Whoever waits for it to have something asks it now. What it was asked before went to another connection, and
        // the next pong may be a whole ping interval away.
        self.heard_from.notify_waiters();
        Attached::Live
    }

    /// What is for a socket waits in the log from now on.
    pub(crate) fn hold(&self, socket: &Socket, session: &Session) {
        let order = self.order.lock();
        socket.catch_up();
        if let Some(mut state) = session.held_by(socket) {
            state.holds += 1;
            state.pause(order.delivered);
        }
    }

    /// A socket has ended: its session is away, or over.
    pub(crate) fn release(&self, socket: &Socket, session: &Arc<Session>) {
        let order = self.order.lock();
        // What has been handed out is pushed, or it would count as if it had been.
        socket.catch_up();
        let Some(mut state) = session.held_by(socket) else {
            return;
        };
        state.holder = None;
        state.holds = 0;
        state.pause(order.delivered);
        let final_reason =
            socket.disconnect_reason().is_some_and(|reason| !reason.is_recoverable());
        let over = final_reason || !socket.words().returns;
        if over {
            self.end(session, &mut state);
        } else {
            self.family.absent.add(Weak::clone(&self.me), session, self.now());
        }
        drop((state, order));
        if over {
            self.say_farewell(session);
        }
    }
}

/// What is at hand of the past. False if that is not all, or the outbox takes no more.
fn push_recent(
    order: &super::order::Order,
    session: &Session,
    state: &mut State,
    socket: &Socket,
) -> bool {
    let Some(missing) = order.since(state.cursor) else {
        return false;
    };
    for event in missing {
        if session.wants(state, &event.address, event.position) {
            if offer_all(socket, &event.packets, Recipients::One) != Pushed::Queued {
                return false;
            }
            state.has_pushed(event.position);
        }
        state.cursor = event.position;
    }
    true
}

/// Answers the CONNECT. False if the socket has ended meanwhile.
fn greet(socket: &Socket, session: &Session, state: &State) -> bool {
    let name = socket.namespace().name();
    let pid = session.id.to_string();
    let reply = (socket.words().reply)(name, socket.id(), Some(&pid));
    let _ = socket.connection().push(&socket.pack(reply), Class::Normal);
    if !socket.connect() {
        return false;
    }
    socket.take_id();
    for room in state.current_rooms() {
        socket.enter(&room);
    }
    true
}

/// The last event that a client has, as it says itself.
fn named(session: &Session, offset: Option<Position>) -> Position {
    offset.unwrap_or(session.start).max(session.start)
}

/// Where a client stands that has this. If that is the last one that was pushed to it, it has missed nothing of
/// what came while it was there.
fn starting_point(state: &State, has: Position) -> Position {
    if state.pushed.is_none_or(|pushed| pushed > has) {
        return has;
    }
    has.max(state.cursor)
}

/// Gives the session back if its new socket does not come so far.
struct Holding<'a> {
    durable: &'a Durable,
    session: &'a Arc<Session>,
    socket: &'a Socket,
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.durable.release(self.socket, self.session);
    }
}
