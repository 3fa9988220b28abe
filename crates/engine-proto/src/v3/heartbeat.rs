//! The client pings, the server answers, and misses it after a while.

use std::time::Duration;

use crate::session::heartbeat::{Due, Heard, Heartbeat as Either};
use crate::session::timers::Patience;

/// When the next ping of the client is overdue: ping interval and ping timeout after the last one. Nothing else
/// counts, as in the reference: a client that sends events only is closed too.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    ping_by: Duration,
}

impl Either for Heartbeat {
    fn begin(patience: &Patience, now: Duration) -> Self {
        Heartbeat { ping_by: patience.timeout_ends(patience.interval_ends(now)) }
    }

    fn next(self) -> Duration {
        self.ping_by
    }

    fn due(&mut self, _: &Patience, now: Duration) -> Due {
        if self.ping_by <= now { Due::End } else { Due::Nothing }
    }

    fn pinged(&mut self, patience: &Patience, now: Duration) -> Heard {
        *self = Heartbeat::begin(patience, now);
        Heard::Answer
    }

    fn ponged(&mut self, _: &Patience, _: Duration) -> Heard {
        Heard::Wrong
    }

    fn heard(&mut self, _: &Patience, _: Duration) {}

    fn hurry(&mut self, _: &Patience, _: Duration) -> bool {
        false
    }

    fn awaits_pong(self) -> bool {
        false
    }

    fn excuse(&mut self, patience: &Patience, now: Duration) {
        *self = Heartbeat::begin(patience, now);
    }
}
