//! What happens to sessions, for whoever wants to be told.

use std::fmt;
use std::sync::Arc;

use engine_proto::{CloseReason, Pipe, Transport};

use crate::driver::Driver;
use crate::revision::Revision;
use crate::{Application, Connection};

/// Something that has happened to a session of Engine.IO.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SessionEvent<'a> {
    /// A number that no other session of this process has at the same time. (Its id is a secret of its client.)
    pub session: u64,
    /// The transport in use now.
    pub transport: Transport,
    /// Bytes that wait to be sent to the client, and what holding them costs.
    pub queued_bytes: usize,
    /// What has happened.
    pub what: SessionStep<'a>,
}

/// What has happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionStep<'a> {
    /// It is open (reference: `connection`).
    Opened,
    /// A WebSocket has come that may take the place of polling (reference: `upgrading`).
    Upgrading,
    /// It has (reference: `upgrade`).
    Upgraded,
    /// A ping was answered (reference: `heartbeat`).
    Heartbeat,
    /// What went wrong, in words; it ends the session (reference: the `description` of `close`).
    Failing(&'a str),
    /// It is over: told once for each session that was opened (reference: `close`).
    Closed(CloseReason),
}

/// Who is told.
pub(crate) type Tell = dyn Fn(&SessionEvent<'_>) + Send + Sync;

impl<A: Application, R: Revision> Driver<A, R> {
    /// Tells of something that has happened.
    #[inline]
    pub(crate) fn tell(&self, what: SessionStep<'_>) {
        if self.hooks().tells() {
            let connection = Connection(Arc::clone(self.shared()));
            self.hooks().session_event(&SessionEvent {
                session: connection.id(),
                transport: connection.transport(),
                queued_bytes: connection.queued_bytes(),
                what,
            });
        }
    }

    /// What is wrong with the current pipe, for the floor above too: a candidate is nobody's loss.
    pub(crate) fn explain(&mut self, pipe: Pipe, why: &dyn fmt::Display) {
        if pipe == Pipe::Current && self.is_open() {
            if self.hooks().tells() {
                self.tell(SessionStep::Failing(&why.to_string()));
            }
            self.tell_above(why);
        }
    }

    /// A request is what ends the session.
    pub(crate) fn explain_end(&mut self, why: &str) {
        if self.session().closed().is_some() {
            self.explain(Pipe::Current, &why);
        }
    }
}
