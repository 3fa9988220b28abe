//! Where what has happened is told to those who listen.
//!
//! Everything that a socket's user can hear of passes here, in its order, on the connection's task.

use std::sync::Arc;
use std::task::Waker;

use socket_proto::Args;

use crate::hub::Hub;
use crate::socket::Core;
use crate::{ConnectError, DisconnectReason};

/// What the task has to do for its listeners.
pub(crate) struct Work {
    pub(super) hub: Arc<Hub>,
    /// The task's, as of its last turn.
    pub(super) waker: Waker,
}

/// An event of the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) name: &'a str,
    pub(crate) args: Args<'a>,
    /// The id to answer with, if an answer is wanted.
    pub(crate) ack: Option<u64>,
}

impl Work {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Work { hub, waker: Waker::noop().clone() }
    }

    /// A turn of the task begins.
    pub(super) fn begin_turn(&mut self, waker: &Waker) {
        self.hub.listen(waker);
        self.waker.clone_from(waker);
    }

    fn server(&self) -> &str {
        &self.hub.config.engine.target.host
    }

    /// The server has let a socket in.
    pub(super) fn connected(&mut self, core: &Arc<Core>) {
        tracing::debug!(server = self.server(), namespace = core.namespace(), "connected");
    }

    /// The server has emitted an event, and its socket is connected.
    pub(super) fn event(&mut self, core: &Arc<Core>, event: Event<'_>) {
        tracing::trace!(
            server = self.server(),
            namespace = core.namespace(),
            event = event.name,
            "heard"
        );
    }

    /// A socket is not connected any more. `words`: what lies behind it, if that is known.
    pub(super) fn disconnected(
        &mut self,
        core: &Arc<Core>,
        reason: DisconnectReason,
        words: Option<&str>,
    ) {
        tracing::debug!(server = self.server(), namespace = core.namespace(), %reason, words, "disconnected");
    }

    /// An attempt to connect a socket has failed.
    pub(super) fn connect_error(&mut self, core: &Arc<Core>, error: &ConnectError) {
        tracing::debug!(server = self.server(), namespace = core.namespace(), %error, "not connected");
    }
}
