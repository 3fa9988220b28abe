//! A session: what a client is to a durable namespace, over all of its connections.
//!
//! ```text
//!          attach                          the outbox is full
//!  away ───────────▶ live ──────────────────────────────────────▶ behind
//!   ▲  ▲               │ events are pushed as they are delivered   │ reads the log at its own pace
//!   │  └── detach ─────┘ ◀─────────────────────────────────────────┘ attach, when it has caught up
//!   └───── detach ─────────────────────────────────────────────────┘
//! ```
//!
//! The lock of a session guards what is below; its owner never takes the namespace's order under it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use log::{Interval, Position, SavedSession, SessionId};
use parking_lot::{Mutex, MutexGuard};
use socket_proto::Acks;
use transport::{Class, Encoded as Packet, Pushed, Recipients};

use super::address::Address;
use super::gap::Notice;
use crate::Socket;
use crate::ack::Waiter;
use crate::socket::SocketId;

/// A client of a durable namespace.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// The id that its sockets have, one after the other.
    pub(crate) socket_id: SocketId,
    /// It is a member of the namespace for what comes after this.
    pub(crate) start: Position,
    /// A token that its client has named when it began, and that is none of ours.
    stale: Option<Box<str>>,
    state: Mutex<State>,
    /// Who waits for its answers: they may come on another connection than the question went to.
    acks: Mutex<Acks<Waiter>>,
    /// What its connection's task has not heard of yet; see [`wish`].
    wishes: AtomicU8,
}

/// What others want of a session's connection.
pub(crate) mod wish {
    /// Its outbox was full: it has to read the log.
    pub(crate) const FOLLOW: u8 = 1;
    /// Somebody waits to hear that what was sent has arrived.
    pub(crate) const PING: u8 = 2;
    /// The log has failed, and may have lost what its client has to be told.
    pub(crate) const TELL: u8 = 4;
}

/// Where it stands.
#[derive(Default)]
pub(crate) struct State {
    /// The socket that it has now. Whoever is not this socket is fenced off.
    pub(crate) holder: Option<Socket>,
    /// Events reach it as they are delivered.
    pub(crate) live: bool,
    /// How many want that they wait: see [`Socket::hold`].
    pub(crate) holds: usize,
    /// Everything up to here that is for it has been pushed to its socket, or is known to its client.
    pub(crate) cursor: Position,
    /// The last event that was pushed to any of its sockets; `None` if that is not known.
    pub(crate) pushed: Option<Position>,
    pub(crate) rooms: Vec<Interval>,
    /// What was pushed before the ping that is under way.
    pinged: Option<Position>,
    /// What was pushed before the last ping that was answered: the client has received it.
    received: Position,
    /// What was pushed before the ping before that: the client's listeners have returned. See `receipts`.
    pub(crate) processed: Position,
    /// Of rooms that it left before this, not everything is known any more.
    pub(crate) known_from: Position,
    pub(crate) principal: Option<Box<str>>,
    pub(crate) data: Option<Box<str>>,
    /// A change of it was not written: the log forgets it, and it lives as long as the server.
    pub(crate) unsaved: bool,
    /// What its client has to be told, and may not have.
    pub(super) notice: Option<Box<Notice>>,
    /// It will not come back.
    pub(crate) ended: bool,
}

/// Closed intervals that are kept for one session. A client that joins and leaves more often than this, and
/// then comes back from before the first of them, is told of a gap.
const LEFT_ROOMS: usize = 1024;

impl Session {
    /// A new one, from `start` on.
    pub(crate) fn new(
        id: SessionId,
        socket_id: SocketId,
        start: Position,
        socket: &Socket,
    ) -> Arc<Self> {
        let state = State {
            holder: Some(socket.clone()),
            cursor: start,
            pushed: Some(start),
            principal: socket.principal(),
            data: socket.data_json(),
            ..State::default()
        };
        let session = Self::with(id, socket_id, start, state);
        Arc::new(Session { stale: socket.stale_token(), ..session })
    }

    /// One of an earlier run. `None` if its socket's id is none of ours.
    pub(crate) fn restored(saved: SavedSession) -> Option<Arc<Self>> {
        let SavedSession { session, intervals } = saved;
        let state = State {
            cursor: session.start,
            rooms: intervals,
            principal: session.principal,
            data: session.data,
            ..State::default()
        };
        let socket_id = SocketId::parse(&session.socket)?;
        Some(Arc::new(Self::with(session.id, socket_id, session.start, state)))
    }

    fn with(id: SessionId, socket_id: SocketId, start: Position, state: State) -> Self {
        Session {
            id,
            socket_id,
            start,
            stale: None,
            state: Mutex::new(state),
            acks: Mutex::default(),
            wishes: AtomicU8::new(0),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Where it stands, for its socket; nothing for one that has been fenced off, or has ended.
    pub(crate) fn held_by(&self, socket: &Socket) -> Option<MutexGuard<'_, State>> {
        let state = self.state.lock();
        (state.holder.as_ref() == Some(socket)).then_some(state)
    }

    pub(crate) fn acks(&self) -> MutexGuard<'_, Acks<Waiter>> {
        self.acks.lock()
    }

    /// The record that survives the server.
    pub(crate) fn record(&self, state: &State) -> log::Session {
        log::Session {
            id: self.id,
            socket: self.socket_id.as_str().into(),
            principal: state.principal.clone(),
            data: state.data.clone(),
            start: self.start,
        }
    }

    /// Whether this is the token that its client had when it began, and nothing has been pushed since.
    pub(crate) fn has_heard_nothing_but(&self, token: &str) -> bool {
        let nothing = self.state.lock().pushed.is_some_and(|pushed| pushed <= self.start);
        nothing && self.stale.as_deref() == Some(token)
    }

    /// Hands it an event in its turn, unless it has had it, or reads the log.
    pub(crate) fn deliver(&self, position: Position, packets: &[Arc<Packet>]) {
        let state = &mut *self.state.lock();
        if !state.live || state.cursor >= position {
            return;
        }
        let Some(socket) = &state.holder else {
            return;
        };
        match offer_all(socket, packets, Recipients::Several) {
            Pushed::Queued => state.has_pushed(position),
            Pushed::Overflow => {
                state.live = false;
                self.follow(socket);
            }
            // Its end is on its way here, and it will have to read what it missed.
            Pushed::Closed | Pushed::Dropped => state.live = false,
        }
    }

    /// Nobody of those who hold its events back does so any more, or one less.
    pub(crate) fn let_go(&self, socket: &Socket) {
        let Some(mut state) = self.held_by(socket) else {
            return;
        };
        state.holds = state.holds.saturating_sub(1);
        if state.holds == 0 {
            drop(state);
            self.follow(socket);
        }
    }

    /// It is behind: its connection's task has to read the log.
    pub(crate) fn follow(&self, socket: &Socket) {
        self.wish(wish::FOLLOW, socket);
    }

    /// Tells its connection's task.
    pub(crate) fn wish(&self, wish: u8, socket: &Socket) {
        self.wishes.fetch_or(wish, Ordering::Release);
        socket.wake();
    }

    /// What others want of its connection since this was asked last. A socket that has been fenced off takes nothing: it
    /// would be lost for the one that has the session now, which might never read the log.
    pub(crate) fn take_wishes(&self, socket: &Socket) -> u8 {
        if self.wishes.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        let held = self.held_by(socket);
        held.map_or(0, |_held| self.wishes.swap(0, Ordering::AcqRel))
    }

    /// Whether an event is for it, by its membership when the event was logged.
    pub(crate) fn wants(&self, state: &State, address: &Address, position: Position) -> bool {
        let is_in = |room: &str| room == self.socket_id.as_str() || state.was_in(room, position);
        position > self.start
            && !address.except.iter().any(|room| is_in(room))
            && (address.to.is_empty() || address.to.iter().any(|room| is_in(room)))
    }

    /// What it may read of the log: everybody's, its own, and that of its rooms while it was in them.
    pub(crate) fn intervals(&self, state: &State) -> Vec<Interval> {
        let always = |room: &str| Interval { room: room.into(), joined: self.start, left: None };
        let own = [always(""), always(self.socket_id.as_str())];
        own.into_iter().chain(state.rooms.iter().cloned()).collect()
    }
}

/// Pushes what belongs together: an event, or a question and the tick behind it.
pub(crate) fn offer_all(
    socket: &Socket,
    packets: &[Arc<Packet>],
    recipients: Recipients,
) -> Pushed {
    let connection = socket.connection();
    let pushed = match packets {
        [event] => connection.offer(event, Class::Normal, recipients),
        [question, tick] => connection.offer_pair([question, tick], recipients),
        _ => return Pushed::Queued,
    };
    if pushed == Pushed::Queued {
        socket.overhear(&packets[0]);
    }
    pushed
}

impl State {
    /// An event has been pushed to its socket.
    pub(crate) fn has_pushed(&mut self, position: Position) {
        self.cursor = position;
        self.pushed = Some(position);
    }

    /// Events do not reach it any more. While they did, it had everything that was delivered.
    pub(crate) fn pause(&mut self, delivered: Position) {
        if std::mem::replace(&mut self.live, false) {
            self.cursor = self.cursor.max(delivered);
        }
    }

    /// A ping goes out behind what has been pushed.
    pub(crate) fn ping(&mut self) {
        self.pinged = Some(self.cursor);
        self.ping_notice();
    }

    /// It was answered.
    pub(crate) fn pong(&mut self) {
        if let Some(pinged) = self.pinged.take() {
            self.processed = self.processed.max(self.received);
            self.received = self.received.max(pinged);
            self.pong_notice();
        }
    }

    /// Its connection is another one: a ping of the last one is never answered, and what the client names as its
    /// last event is processed.
    pub(crate) fn resume(&mut self, from: Position) {
        self.pinged = None;
        self.received = from;
        self.processed = self.processed.max(from);
    }

    fn was_in(&self, room: &str, at: Position) -> bool {
        let holds = |one: &Interval| {
            *one.room == *room && one.joined < at && one.left.is_none_or(|left| at < left)
        };
        self.rooms.iter().any(holds)
    }

    /// Since when it is in a room.
    pub(crate) fn joined(&self, room: &str) -> Option<Position> {
        let now = |one: &&Interval| one.left.is_none() && *one.room == *room;
        self.rooms.iter().find(now).map(|one| one.joined)
    }

    /// The rooms it is in.
    pub(crate) fn current_rooms(&self) -> Vec<Box<str>> {
        let now = self.rooms.iter().filter(|one| one.left.is_none());
        now.map(|one| one.room.clone()).collect()
    }

    pub(crate) fn enter(&mut self, room: &str, joined: Position) {
        self.rooms.push(Interval { room: room.into(), joined, left: None });
    }

    /// It has left a room. Returns intervals that are forgotten, for there are too many.
    pub(crate) fn exit(&mut self, room: &str, left: Position) -> Vec<Interval> {
        let now = |one: &&mut Interval| one.left.is_none() && *one.room == *room;
        if let Some(one) = self.rooms.iter_mut().find(now) {
            one.left = Some(left);
        }
        let closed = self.rooms.iter().filter(|one| one.left.is_some()).count();
        if closed <= LEFT_ROOMS {
            return Vec::new();
        }
        let mut ends: Vec<Position> = self.rooms.iter().filter_map(|one| one.left).collect();
        ends.sort_unstable();
        let horizon = ends[ends.len() / 2];
        self.known_from = self.known_from.max(horizon);
        self.forget_before(horizon)
    }

    /// Drops what it left before this: its client has everything up to there.
    pub(crate) fn forget_before(&mut self, position: Position) -> Vec<Interval> {
        let old = |one: &mut Interval| one.left.is_some_and(|left| left <= position);
        self.rooms.extract_if(.., old).collect()
    }

    /// Drops a room altogether, and what was said in it: it may not be heard any more.
    pub(crate) fn revoke(&mut self, room: &str) -> Vec<Interval> {
        self.rooms.extract_if(.., |one| *one.room == *room).collect()
    }
}
