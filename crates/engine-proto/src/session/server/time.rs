//! Time passes: pings, and the end of patience.

use std::time::Duration;

use super::Session;
use crate::packet::Control;
use crate::reason::CloseReason;
use crate::session::heartbeat::{Due, Heartbeat};
use crate::session::phase::Phase;
use crate::session::{Order, Pipe, Tray};

impl<H: Heartbeat> Session<H> {
    /// Time has passed. Harmless when it is too early; afterwards [`next_timeout`](Self::next_timeout) is
    /// another one.
    pub fn timeout(&mut self, now: Duration, out: &mut Tray) {
        if self.closed().is_some() {
            return;
        }
        if let Phase::Probing { give_up_at, .. } = self.phase
            && give_up_at <= now
        {
            self.drop_candidate(out);
        }
        match self.heartbeat.due(&self.patience, now) {
            Due::Nothing => {}
            Due::Ping => out.push(Order::Send(Pipe::Current, Control::Ping)),
            Due::End => self.fail(CloseReason::PingTimeout, out),
        }
    }

    /// As [`timeout`](Self::timeout), while what the peer says is not read: it is pinged, or it would miss us, but
    /// what it should have said by now may have come, so it has that long once more.
    pub fn timeout_unheard(&mut self, now: Duration, out: &mut Tray) {
        if self.closed().is_some() {
            return;
        }
        if let Phase::Probing { give_up_at, .. } = &mut self.phase
            && *give_up_at <= now
        {
            *give_up_at = self.patience.upgrade_ends(now);
        }
        match self.heartbeat.due(&self.patience, now) {
            Due::Nothing => {}
            Due::Ping => out.push(Order::Send(Pipe::Current, Control::Ping)),
            Due::End => self.heartbeat.excuse(&self.patience, now),
        }
    }
}
