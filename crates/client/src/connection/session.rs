//! A connection, from the first dial to its end: the engine, and what sits on it.

use std::sync::Arc;
use std::task::{Context, Poll};

use engine_client::Engine;
use tokio::time::Instant;

use super::dialect::Dialect;
use super::incoming::Turn;
use super::leaving::Loss;
use super::members::Members;
use super::work::Work;
use crate::ClientState;
use crate::config::Config;
use crate::hub::Sockets;
use crate::reconnect::Backoff;

pub(super) struct Session {
    engine: Engine,
    members: Members,
}

/// How it ends.
pub(super) enum End {
    /// No socket wants it any more.
    Unwanted,
    /// It could not be opened, or was lost.
    Lost(Loss),
}

impl Session {
    pub(super) fn new(config: Arc<engine_client::Config>, settings: &Config) -> Self {
        let members = Members::new(settings, Dialect::new(&config));
        Session { engine: Engine::open(config), members }
    }

    /// Goes on with everything.
    pub(super) fn poll(
        &mut self,
        work: &mut Work,
        backoff: &mut Backoff,
        cx: &mut Context<'_>,
    ) -> Poll<End> {
        loop {
            if work.hub.take_changed() {
                let is_of_use = self.look(work);
                if !is_of_use || !work.hub.anybody() {
                    return Poll::Ready(End::Unwanted);
                }
            }
            self.members.think(work, &mut self.engine, cx);
            let mut turn = Turn { members: &mut self.members, work, backoff, now: Instant::now() };
            if let Poll::Ready(ended) = self.engine.poll(&mut turn, cx) {
                return Poll::Ready(self.lost(work, backoff, ended.into()));
            }
            if self.engine.is_writable() {
                self.members.note_written(work);
            }
            if let Err(problem) = self.members.look_at_the_time(work, cx) {
                return Poll::Ready(self.lost(work, backoff, Loss::broken(&problem)));
            }
            if !work.hub.has_changed() {
                return Poll::Pending;
            }
        }
    }

    fn lost(&self, work: &Work, backoff: &mut Backoff, loss: Loss) -> End {
        backoff.held(&work.hub.config.reconnection, self.members.held());
        End::Lost(loss)
    }

    /// What the sockets want has changed, or what carries them. False if the connection has had its time.
    fn look(&mut self, work: &mut Work) -> bool {
        let Some(transport) = self.engine.transport() else { return true };
        work.hub.tell(ClientState::Open { transport });
        self.members.look(work, self.engine.queue())
    }

    /// Those whom the server has let in.
    pub(super) fn into_joined(self) -> Sockets {
        self.members.into_joined()
    }

    /// What is left to be done for those who have left: what they emitted, and the goodbye.
    pub(super) fn close(mut self) -> Box<Engine> {
        self.engine.close();
        Box::new(self.engine)
    }
}
