//! How sockets, and the connection, come to their end.

use std::sync::Arc;
use std::time::Duration;

use engine_client::{Broken, Ended, Message, Open, Queue, Upper};
use socket_proto::ProtocolError;

use super::work::Work;
use crate::reconnect::Next;
use crate::socket::{Core, Ending};
use crate::{ConnectError, DisconnectReason, SocketState};

/// The end of a connection, or of an attempt.
#[derive(Debug)]
pub(super) struct Loss {
    reason: DisconnectReason,
    /// What those hear who were not connected yet.
    error: ConnectError,
    /// What lies behind it.
    words: Option<Box<str>>,
    /// How long the server asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl Loss {
    /// The attempt could not even begin.
    pub(super) fn not_begun(error: ConnectError) -> Self {
        let reason = DisconnectReason::TransportError;
        Loss { reason, error, words: None, retry_after: None }
    }

    /// The server broke the protocol.
    pub(super) fn broken(problem: &ProtocolError) -> Self {
        let reason = DisconnectReason::ParseError;
        let error = ConnectError::Disconnected { reason };
        Loss { reason, error, words: Some(problem.to_string().into()), retry_after: None }
    }

    /// What follows from it.
    pub(super) fn ending(&self, next: Option<Next>) -> Ending {
        Ending { reason: self.reason, error: self.error.clone(), next }
    }

    /// One socket hears of it. `was_joined`: whether the server had let it in on this connection.
    pub(super) fn tell(
        &self,
        work: &mut Work,
        core: &Arc<Core>,
        ending: &Ending,
        was_joined: bool,
    ) {
        let before = core.lose(ending);
        if matches!(before, Some(SocketState::Connected { .. })) {
            return work.disconnected(core, self.reason, self.words.as_deref());
        }
        if was_joined {
            // Its user left at the same time, too late for a goodbye.
            drop(core.take_last_words());
            work.left(core);
        }
        if before.is_some() {
            work.connect_error(core, &self.error);
        }
    }
}

impl From<Ended> for Loss {
    fn from(ended: Ended) -> Self {
        let reason = DisconnectReason::from(ended.reason);
        let words = ended.error.as_ref().map(|error| error.to_string().into());
        let error = match ended.error.filter(|_| !ended.opened) {
            Some(error) => error.into(),
            None => ConnectError::Disconnected { reason },
        };
        Loss { reason, error, words, retry_after: ended.retry_after }
    }
}

impl Work {
    /// Its user has left, or closed the client.
    pub(super) fn left(&mut self, core: &Arc<Core>) {
        self.disconnected(core, DisconnectReason::ClientDisconnect, None);
    }

    /// The server has disconnected it.
    pub(super) fn dismissed(&mut self, core: &Arc<Core>, turn: u64, was_joined: bool) {
        self.turned_away.note(core);
        let reason = DisconnectReason::ServerDisconnect;
        let error = ConnectError::Disconnected { reason };
        let told = core.dismiss(turn, was_joined.then_some(reason), &error);
        match (was_joined, told) {
            (true, true) => self.disconnected(core, reason, None),
            // Its user has left at the same time.
            (true, false) => self.left(core),
            (false, true) => self.connect_error(core, &error),
            (false, false) => {}
        }
        self.hub.note_change();
    }

    /// It is not let in, and trying again would not help.
    pub(super) fn refused(&mut self, core: &Arc<Core>, turn: u64, error: &ConnectError) {
        self.turned_away.note(core);
        if core.dismiss(turn, None, error) {
            self.connect_error(core, error);
        }
        self.hub.note_change();
    }

    /// One attempt has failed, on a connection that is there. Whether there is to be another one.
    pub(super) fn failed(
        &mut self,
        core: &Arc<Core>,
        turn: u64,
        error: &ConnectError,
        next: Option<Next>,
    ) -> bool {
        let goes_on = core.life.failed(turn, error, next);
        if goes_on.is_some() {
            self.connect_error(core, error);
        }
        self.hub.note_change();
        goes_on == Some(true)
    }
}

/// Sits on an engine that says goodbye.
pub(super) struct Silent;

impl Upper for Silent {
    fn opened(&mut self, _: &Open, _: &mut Queue) {}

    fn message(&mut self, _: Message<'_>, _: &mut Queue) -> Result<(), Broken> {
        Ok(())
    }
}
