//! Where what has happened is told to those who listen.
//!
//! Everything that a socket's user can hear of passes here, in its order, on the connection's task.

use std::sync::Arc;
use std::task::{Context, Waker};

use socket_proto::{Args, Encoded, event};

use super::running::Hands;
use super::starting::Happening;
use super::turned_away::TurnedAway;
use crate::hub::Hub;
use crate::socket::{Core, Handled};
use crate::{ConnectError, DisconnectReason};

/// What the task has to do for its listeners.
pub(crate) struct Work {
    pub(super) hub: Arc<Hub>,
    /// The task's, as of its last turn.
    pub(super) waker: Waker,
    pub(super) hands: Hands,
    pub(super) turned_away: TurnedAway,
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
        Work {
            hub,
            waker: Waker::noop().clone(),
            hands: Hands::default(),
            turned_away: TurnedAway::default(),
        }
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
        self.hear(core, Happening::Connected);
    }

    /// The server has emitted an event, and its socket is connected.
    pub(super) fn event(
        &mut self,
        core: &Arc<Core>,
        event: Event<'_>,
        handled: Option<&Arc<Handled>>,
    ) {
        tracing::trace!(
            server = self.server(),
            namespace = core.namespace(),
            event = event.name,
            "heard"
        );
        self.hear(core, Happening::Event(core.hearing.session(), event, handled));
    }

    /// A socket is not connected any more. `words`: what lies behind it, if that is known.
    pub(super) fn disconnected(
        &mut self,
        core: &Arc<Core>,
        reason: DisconnectReason,
        words: Option<&str>,
    ) {
        tracing::debug!(server = self.server(), namespace = core.namespace(), %reason, words, "disconnected");
        if reason == DisconnectReason::ClientDisconnect {
            self.hands.forget_events(core);
        }
        self.hear(core, Happening::Left(reason, words));
    }

    /// An attempt to connect a socket has failed.
    pub(super) fn connect_error(&mut self, core: &Arc<Core>, error: &ConnectError) {
        tracing::debug!(server = self.server(), namespace = core.namespace(), %error, "not connected");
        self.hear(core, Happening::Failed(error));
    }

    /// An event is being sent.
    pub(super) fn sent(&mut self, core: &Arc<Core>, packet: &Encoded) {
        if core.hearing.is_overheard()
            && self.hands.parked_bytes() < self.hub.config.handling.parked_bytes
            && let Some(sent) = event::read(packet.text())
        {
            let args = Args { json: sent.json, attachments: &packet.attachments };
            self.hear(core, Happening::Sent(Event { name: &sent.name, args, ack: None }));
        }
    }

    /// Goes on with handlers that wait, and starts those that may.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        loop {
            self.hands.poll(cx);
            if self.start_parked() {
                // Others first.
                return cx.waker().wake_by_ref();
            }
            if !self.hands.are_fresh() {
                return;
            }
        }
    }

    /// Whether there is room for what the server sends to these sockets. Whoever waits for an answer may be the one who keeps
    /// all others waiting: to come to that answer, more is taken.
    pub(super) fn takes_more<'a>(
        &self,
        mut cores: impl Iterator<Item = &'a Arc<Core>>,
        awaits_answers: bool,
    ) -> bool {
        let limit = self.hub.config.handling.parked_bytes;
        let limit = if awaits_answers { limit.saturating_mul(ON_THE_WAY) } else { limit };
        self.hands.parked_bytes() < limit && cores.all(|core| core.hearing.inbox.bytes() < limit)
    }
}

/// How many times as much may wait while somebody awaits an answer.
const ON_THE_WAY: usize = 4;
