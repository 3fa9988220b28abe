//! Time passes: pings where it is ours to ping, and the end of patience.

use std::time::Duration;

use super::{Goodbye, Order, Phase, Session, Tray};
use crate::packet::Control;
use crate::reason::CloseReason;
use crate::session::Pipe;
use crate::session::heartbeat::{Due, Heartbeat};

impl<H: Heartbeat> Session<H> {
    /// Whether the server's sign of life is overdue, as after a long sleep: nothing should be sent any more, for it
    /// would go nowhere. [`timeout`](Self::timeout) says so too, and ends the session.
    pub fn is_expired(&self, now: Duration) -> bool {
        let mut heartbeat = self.heartbeat;
        self.is_open() && heartbeat.due(&self.patience, now) == Due::End
    }

    /// Time has passed. Harmless when it is too early; afterwards [`next_timeout`](Self::next_timeout) is
    /// another one.
    pub fn timeout(&mut self, now: Duration, out: &mut Tray) {
        if self.is_open() {
            self.beat(now, out);
        }
        match self.phase {
            Phase::Opening { give_up_at, .. } if give_up_at <= now => {
                self.finish(CloseReason::TransportError, Goodbye::Hurry, out);
            }
            Phase::Probing { give_up_at, .. } | Phase::Pausing { give_up_at } => {
                if give_up_at <= now {
                    self.drop_candidate(out);
                }
            }
            Phase::Opening { .. } | Phase::Polling | Phase::Streaming | Phase::Closed { .. } => {}
        }
    }

    fn beat(&mut self, now: Duration, out: &mut Tray) {
        match self.heartbeat.due(&self.patience, now) {
            Due::Nothing => {}
            Due::Ping => out.push(Order::Send(Pipe::Current, Control::Ping)),
            Due::End => self.finish(CloseReason::PingTimeout, Goodbye::Hurry, out),
        }
    }

    /// As [`timeout`](Self::timeout), while what the server says is not read: what it should have said by now may have
    /// come, so it has that long once more.
    pub fn timeout_unheard(&mut self, now: Duration, out: &mut Tray) {
        if self.is_expired(now) {
            self.heartbeat.excuse(&self.patience, now);
        }
        self.timeout(now, out);
    }
}
