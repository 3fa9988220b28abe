//! What a client cannot be given, and how it is told.
//!
//! A notice is an event of the log: it is not missed either, and moves its client's position. Where the log does not
//! take it, it is told without, and its session owes it until the client has proven that it has it.

use std::sync::Arc;

use log::Position;
use serde::Serialize;
use socket_proto::Encoded;
use transport::Class;

use super::session::{State, wish};
use super::{Durable, NO_TOKEN, Session};
use crate::error::EmitError;
use crate::stats::count;
use crate::{Namespace, Socket, emit};

/// Why somebody who comes back cannot be given all that it has missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Missed {
    /// Nobody of this name is away: it was away for too long, has left, or was never here.
    UnknownSession,
    /// It names an event that there never was.
    UnknownPosition,
    /// It belongs to somebody else.
    OtherPrincipal,
    /// It has changed rooms more often than is remembered.
    Rooms,
    /// The log does not reach back so far, or has lost a part.
    Gap,
    /// The log cannot be read.
    Unreadable,
    /// Another connection has taken over; nobody is told.
    Fenced,
    /// What is for it is held back; nobody is told.
    Held,
}

/// The event that tells it.
const EVENT: &str = "sockeye:gap";

/// What it says.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Gap {
    /// Why not everything that it missed could be given to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Missed>,
    /// Rooms that it may not hear any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) rooms: Vec<String>,
}

/// More rooms are not told by name.
const MOST_ROOMS: usize = 1024;

impl Gap {
    pub(crate) fn is_none(&self) -> bool {
        self.reason.is_none() && self.rooms.is_empty()
    }

    fn and(&mut self, later: Gap) {
        self.reason = later.reason.or(self.reason);
        self.rooms.extend(later.rooms);
        self.rooms.sort_unstable();
        self.rooms.dedup();
        if self.rooms.len() > MOST_ROOMS {
            self.reason.get_or_insert(Missed::Rooms);
            self.rooms.clear();
        }
    }

    fn encode(&self, namespace: &Namespace) -> Result<Encoded, EmitError> {
        emit::encode(namespace.name(), EVENT, self, None)
    }
}

/// A gap that a session's client has to be told of.
pub(crate) struct Notice {
    gap: Gap,
    told: Told,
}

/// How its client has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// On no connection that proves anything.
    Not,
    /// By an event at this position.
    Logged(Position),
    /// Without the log, behind everything up to this position.
    Pushed(Position),
    /// The same, and a ping is under way behind it.
    Pinged(Position),
}

impl Notice {
    /// What became of it in the log, if it is there, and that is known.
    fn outcome(&self, durable: &Durable) -> Option<Result<(), log::StoreError>> {
        match self.told {
            Told::Logged(at) => durable.log.outcome(at, durable.class),
            _ => None,
        }
    }
}

impl State {
    fn owe(&mut self, gap: Gap) {
        match &mut self.notice {
            Some(notice) => {
                notice.gap.and(gap);
                notice.told = Told::Not;
            }
            None => self.notice = Some(Box::new(Notice { gap, told: Told::Not })),
        }
    }

    fn has_told(&mut self, told: Told) {
        self.notice.iter_mut().for_each(|notice| notice.told = told);
    }

    /// A ping goes out, behind a notice that was pushed.
    pub(super) fn ping_notice(&mut self) {
        if let Some(notice) = &mut self.notice
            && let Told::Pushed(at) = notice.told
        {
            notice.told = Told::Pinged(at);
        }
    }

    /// It was answered.
    pub(super) fn pong_notice(&mut self) {
        self.notice.take_if(|notice| matches!(notice.told, Told::Pinged(_)));
    }

    /// Its client is back and has this: more than what went ahead of the notice, or it has to be told again.
    pub(super) fn resume_notice(&mut self, has: Position) {
        let Some(notice) = &mut self.notice else { return };
        match notice.told {
            Told::Pushed(at) | Told::Pinged(at) if at < has => self.notice = None,
            Told::Pushed(_) | Told::Pinged(_) => notice.told = Told::Not,
            Told::Not | Told::Logged(_) => {}
        }
    }
}

impl Durable {
    /// What a client has to be told, and has not been, or in vain: the log has lost it again.
    pub(super) fn untold(&self, socket: &Socket, session: &Session) -> Option<Gap> {
        let mut state = session.held_by(socket)?;
        let logged = state.notice.as_ref().and_then(|notice| notice.outcome(self));
        match logged {
            Some(Ok(())) => state.notice = None,
            Some(Err(_)) => state.has_told(Told::Not),
            None => {}
        }
        socket.take_gap().into_iter().for_each(|gap| state.owe(gap));
        let notice = state.notice.as_ref().filter(|notice| notice.told == Told::Not)?;
        Some(notice.gap.clone())
    }

    /// As an event for the client alone. `None` if the log takes nothing.
    pub(super) fn log_gap(
        self: &Arc<Self>,
        socket: &Socket,
        session: &Arc<Session>,
        gap: &Gap,
    ) -> Option<Position> {
        let encoded = gap.encode(socket.namespace());
        let emitted = encoded.and_then(|encoded| socket.log(self, session, encoded, false));
        let at = emitted.ok()?.position()?;
        session.state().has_told(Told::Logged(at));
        Some(at)
    }

    /// Tells a client that is connected what it has to be told.
    pub(crate) fn tell_gap(self: &Arc<Self>, socket: &Socket, session: &Arc<Session>) {
        let Some(gap) = self.untold(socket, session) else { return };
        count(&socket.namespace().core().counters(socket.worker()).gaps, 1);
        if self.log_gap(socket, session, &gap).is_none() {
            push(socket, session, &gap);
        }
    }
}

/// Without the log. A pong is asked for, so that the client is not told again without need.
fn push(socket: &Socket, session: &Session, gap: &Gap) {
    let Ok(mut encoded) = gap.encode(socket.namespace()) else { return };
    encoded.push_argument(NO_TOKEN);
    let Some(mut state) = session.held_by(socket) else { return };
    let _ = socket.connection().push(&socket.pack(encoded), Class::Normal);
    let behind = state.cursor;
    state.has_told(Told::Pushed(behind));
    drop(state);
    session.wish(wish::PING, socket);
}
