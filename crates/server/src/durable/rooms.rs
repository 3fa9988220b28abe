//! Membership, which is in the log too: replay is exact, not "the rooms at the end".

use std::sync::Arc;

use log::{AppendError, Durability, Position};

use super::order::Order;
use super::session::State;
use super::{Address, Durable, Session};
use crate::emit::Recorded;
use crate::error::JoinError;
use crate::stats::count;
use crate::{Rooms, Socket};

/// Behind everything: who is a member then is one now.
const NOW: Position = Position::LAST;

fn after(position: Position) -> Position {
    Position::from(position.get() + 1)
}

/// What becomes of somebody's membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Join,
    Leave,
}

/// What has become of it.
#[derive(Default)]
pub(super) struct Changed {
    /// When this is stored, it is.
    pub(super) stored: Position,
    /// Where the last change stands; `None` if it was so before.
    at: Option<Position>,
    /// Why it is not in the log, or not of everybody.
    refused: Option<String>,
}

impl Changed {
    fn and(&mut self, other: Changed) {
        self.stored = self.stored.max(other.stored);
        self.at = self.at.max(other.at);
        self.refused = self.refused.take().or(other.refused);
    }
}

impl Durable {
    /// A socket joins or leaves rooms: in force at once, and in the log as safely as the namespace is.
    pub(crate) fn change(
        &self,
        change: Change,
        socket: &Socket,
        session: &Session,
        rooms: impl Rooms,
    ) -> Result<Recorded, JoinError> {
        let changed = self.change_one(change, socket, session, rooms)?;
        Ok(self.record(&changed))
    }

    /// The same with all of an audience, also those that are away. Those that have left meanwhile are none of
    /// them; who cannot be changed is named by what is given back.
    pub(crate) fn change_all(
        &self,
        change: Change,
        connected: &[Socket],
        address: &Address,
        rooms: &[String],
    ) -> Recorded {
        let mut all = Changed::default();
        let mut note = |changed: Result<Changed, JoinError>| match changed {
            Ok(changed) => all.and(changed),
            Err(JoinError::NotConnected { .. }) => {}
            Err(error) => _ = all.refused.get_or_insert(error.to_string()),
        };
        for socket in connected {
            if let Some(session) = socket.session() {
                note(self.change_one(change, socket, session, rooms));
            }
        }
        self.each_away(address, |session, state, head| {
            for room in rooms {
                let changed = self.may_change(change, session, state, room).and_then(|()| {
                    let changed = self.apply(change, session, state, room, head);
                    changed.map_err(|error| refusal(session.socket_id.as_str(), &error))
                });
                note(changed);
            }
        });
        self.record(&all)
    }

    fn change_one(
        &self,
        change: Change,
        socket: &Socket,
        session: &Session,
        rooms: impl Rooms,
    ) -> Result<Changed, JoinError> {
        let order = self.order.lock();
        self.change_in(&order, change, socket, session, rooms)
    }

    /// The same, behind what has been done under this lock.
    pub(super) fn change_in(
        &self,
        order: &Order,
        change: Change,
        socket: &Socket,
        session: &Session,
        rooms: impl Rooms,
    ) -> Result<Changed, JoinError> {
        socket.catch_up();
        let gone = || JoinError::NotConnected { socket: socket.id().to_owned() };
        let mut state = session.held_by(socket).ok_or_else(gone)?;
        let (mut all, mut refused) = (Changed::default(), None);
        rooms.for_each(&mut |room| {
            if refused.is_some() {
                return;
            }
            if let Err(error) = self.may_change(change, session, &state, room) {
                return refused = Some(error);
            }
            match self.apply(change, session, &mut state, room, order.head()) {
                Ok(changed) => all.and(changed),
                Err(error) => return refused = Some(refusal(socket.id(), &error)),
            }
            match change {
                Change::Join => socket.enter(room),
                Change::Leave => socket.exit(room),
            }
        });
        refused.map_or(Ok(all), Err)
    }

    /// Nobody is in more rooms than may be.
    fn may_change(
        &self,
        change: Change,
        session: &Session,
        state: &State,
        room: &str,
    ) -> Result<(), JoinError> {
        let Some(io) = self.io().filter(|_| change == Change::Join) else {
            return Ok(());
        };
        let limit = io.core().limits.rooms;
        let is_full = state.rooms.len() >= limit && state.current_rooms().len() >= limit;
        if !is_full || state.joined(room).is_some() {
            return Ok(());
        }
        count(&io.core().counters(io.server().here()).rooms_refused, 1);
        Err(JoinError::TooManyRooms { socket: session.socket_id.as_str().to_owned(), limit })
    }

    fn apply(
        &self,
        change: Change,
        session: &Session,
        state: &mut State,
        room: &str,
        head: Position,
    ) -> Result<Changed, AppendError> {
        let (stored, now) = match (change, state.joined(room)) {
            (Change::Join, None) => (self.enter(session, state, room, head)?, true),
            (Change::Leave, Some(joined)) => {
                (self.exit(session, state, (room, joined), head)?, true)
            }
            (Change::Join, Some(joined)) => (joined, false),
            (Change::Leave, None) => (Position::ZERO, false),
        };
        let unsaved =
            "the session lives as long as the server: a change of it could not be written";
        Ok(Changed {
            stored,
            at: now.then_some(stored),
            refused: state.unsaved.then(|| unsaved.to_owned()),
        })
    }

    /// Who is meant now, connected or away.
    pub(crate) fn members_now(
        &self,
        address: &Address,
    ) -> impl Iterator<Item = Arc<Session>> + use<> {
        let _order = self.order.lock();
        let mut meant = self.meant(address);
        meant.retain(|session| {
            let state = session.state();
            !state.ended && session.wants(&state, address, NOW)
        });
        meant.into_iter()
    }

    fn each_away(
        &self,
        address: &Address,
        mut act: impl FnMut(&Arc<Session>, &mut State, Position),
    ) {
        let order = self.order.lock();
        for session in self.meant(address) {
            let mut state = session.state();
            let here = state.holder.as_ref().is_some_and(Socket::is_connected);
            if !here && !state.ended && session.wants(&state, address, NOW) {
                act(&session, &mut state, order.head());
            }
        }
    }

    /// Those who may be meant: all, unless single sockets are named.
    fn meant(&self, address: &Address) -> Vec<Arc<Session>> {
        let named: Option<Vec<_>> =
            address.to.iter().map(|room| self.sessions.by_socket(room)).collect();
        named.filter(|named| !named.is_empty()).unwrap_or_else(|| self.sessions.all())
    }

    pub(crate) fn enter(
        &self,
        session: &Session,
        state: &mut State,
        room: &str,
        head: Position,
    ) -> Result<Position, AppendError> {
        let joined = self.shard.join(session.id, room, self.class_of(state));
        let joined = or_unsaved(joined, head, state)?;
        state.enter(room, joined);
        Ok(joined)
    }

    fn exit(
        &self,
        session: &Session,
        state: &mut State,
        (room, joined): (&str, Position),
        head: Position,
    ) -> Result<Position, AppendError> {
        let left = self.shard.leave(session.id, room, joined, self.class_of(state));
        let left = or_unsaved(left, after(head), state)?;
        if !state.exit(room, left).is_empty() {
            // A record without them would be taken for the whole of it after a restart.
            state.unsaved = true;
            let _ = self.shard.end_session(session.id, self.class);
        }
        Ok(left)
    }

    /// A socket's data has changed: it survives in the log.
    pub(crate) fn keep_data(&self, socket: &Socket, session: &Session, data: Option<Box<str>>) {
        let _order = self.order.lock();
        let Some(mut state) = session.held_by(socket) else {
            return;
        };
        state.data = data;
        if let Err(error) = self.shard.save_session(&session.record(&state), self.class_of(&state))
        {
            tracing::warn!(socket = socket.id(), %error, "the data of a session is not in the log");
        }
    }

    /// How safely changes of a session are kept.
    fn class_of(&self, state: &State) -> Durability {
        if state.unsaved { Durability::Memory } else { self.class }
    }

    /// Where nothing has changed, it is as it was at the head of the log.
    pub(super) fn record(&self, changed: &Changed) -> Recorded {
        let at = changed.at.unwrap_or_else(|| after(self.order.lock().head()));
        let stored = self.log.stored(changed.stored, self.class);
        Recorded::logged(self.token(at), stored, changed.refused.clone())
    }
}

/// The log's words, with the name of whom they are about.
fn refusal(socket: &str, error: &AppendError) -> JoinError {
    match error {
        AppendError::Busy => JoinError::Busy,
        error => JoinError::Log { socket: socket.to_owned(), problem: error.to_string() },
    }
}

/// A log that takes nothing does not keep anybody out of a room: the change holds as long as the server lives.
fn or_unsaved(
    changed: Result<Position, AppendError>,
    head: Position,
    state: &mut State,
) -> Result<Position, AppendError> {
    match changed {
        Err(AppendError::Failed(_)) => {
            state.unsaved = true;
            Ok(head)
        }
        changed => changed,
    }
}
