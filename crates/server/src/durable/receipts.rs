//! Who has got an event: what pongs prove.
//!
//! An official client writes its pong when it takes the ping in, behind everything that was sent before. Its
//! listeners may run a little later, in the same tick. So one pong proves that the events before its ping have been
//! *received* by a living page; and the pong of the next ping, which was sent after that, that their listeners
//! have returned: they are *processed*.
//!
//! ```text
//!  event ── ping ─────────────────── ping ─────────────────────▶ client
//!                └─ pong: received ─┘    └─ pong: processed
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::session::wish;
use super::{Receipt, Session};
use crate::Socket;
use crate::emit::Delivered;

impl Session {
    /// A ping goes out, behind what has been pushed.
    pub(crate) fn pinging(&self, socket: &Socket) {
        if let Some(mut state) = self.held_by(socket) {
            state.ping();
        }
    }

    /// It has been answered.
    pub(crate) fn ponged(&self, socket: &Socket) {
        let Some(mut state) = self.held_by(socket) else {
            return;
        };
        state.pong();
        drop(state);
        if let Some(durable) = socket.namespace().durable_part() {
            durable.heard_from.notify_waiters();
        }
    }

    /// Has its client confirm soon what it has, if it is there.
    fn ask_for_pong(&self) {
        let holder = self.state().holder.clone();
        if let Some(socket) = holder {
            self.wish(wish::PING, &socket);
        }
    }
}

/// Between two rounds of asking.
const PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

impl Receipt {
    /// Waits until all members have processed the event, or the time is over.
    pub(crate) async fn delivered(self, timeout: Duration) -> Delivered {
        let deadline = Instant::now() + timeout;
        let mut open = self.members();
        let of = open.len();
        let mut pause = PAUSE;
        loop {
            let heard_from = self.durable.heard_from.notified();
            let mut heard_from = std::pin::pin!(heard_from);
            heard_from.as_mut().enable();
            open.retain(|session| session.state().processed < self.position);
            for session in &open {
                session.ask_for_pong();
            }
            if open.is_empty() || tokio::time::timeout_at(deadline, heard_from).await.is_err() {
                return Delivered { to: of - open.len(), of };
            }
            // Others confirm as well meanwhile; and who is slow is not asked all the time.
            tokio::time::sleep_until(deadline.min(Instant::now() + pause)).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Whoever was a member when the event was logged, connected or not, and has not gone for good.
    fn members(&self) -> Vec<Arc<Session>> {
        let mut all = self.durable.sessions.all();
        all.retain(|session| session.wants(&session.state(), &self.address, self.position));
        all
    }
}
