//! What the floor above a session must offer.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use engine_proto::{CloseReason, Message};

use crate::{Connection, Handshake};

/// Makes one [`Upper`] for every session that opens.
pub trait Application: Send + Sync + 'static {
    /// What sits on one session.
    type Upper: Upper;

    /// What sits on a session of Engine.IO 3; the same as on others, or something of its own.
    type OldUpper: Upper;

    /// A session has opened. Packets may be pushed to `connection` at once.
    ///
    /// `now` is the time since the server was made: the origin of every `now` of this server.
    fn open(&self, connection: Connection, handshake: Arc<Handshake>, now: Duration)
    -> Self::Upper;

    /// As [`open`](Self::open), for a client of Engine.IO 3.
    fn open_old(
        &self,
        connection: Connection,
        handshake: Arc<Handshake>,
        now: Duration,
    ) -> Self::OldUpper;
}

/// What sits on one session. Owned and called by the session's own task alone.
pub trait Upper: Send + 'static {
    /// Takes one message of the client. The slices live only for this call. `now` is the time of the
    /// turn, the same for all that one read brought.
    ///
    /// # Errors
    ///
    /// The reason for which the session has to be closed.
    fn message(
        &mut self,
        message: Message<'_>,
        now: Duration,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseReason>;

    /// Goes on with whatever waits here, such as unfinished handlers. `Ready` means that nothing waits.
    ///
    /// Called when the waker of `cx` or [`Connection::wake`] asks for it.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// When [`timeout`](Upper::timeout) wants to be called.
    fn next_timeout(&self) -> Option<Duration>;

    /// Time has passed.
    ///
    /// # Errors
    ///
    /// The reason for which the session has to be closed.
    fn timeout(&mut self, now: Duration) -> Result<(), CloseReason>;

    /// A ping goes out now, behind what has been pushed so far. At most one is under way.
    fn pinging(&mut self) {}

    /// The ping that went out last has been answered: what was pushed before it has arrived.
    fn ponged(&mut self) {}

    /// Whether a ping is wanted soon, before the next one is due. Asked at the end of a turn; it is sent unless
    /// one is under way.
    fn wants_ping(&self) -> bool {
        false
    }

    /// What is about to end the session, in words, where a pipe or a packet did. [`closed`](Upper::closed) follows,
    /// unless the session survives it.
    fn ending(&mut self, _why: &dyn fmt::Display) {}

    /// The session is over. Called once at most; afterwards only [`poll`](Upper::poll) is called until it
    /// is ready, then the value is dropped. If the task itself dies, only `drop` runs.
    fn closed(&mut self, reason: CloseReason, cx: &mut Context<'_>);
}
