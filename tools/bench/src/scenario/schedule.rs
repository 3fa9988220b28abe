//! When to send, where the rate is set and not the server's.

use crate::client::Nanos;

const SECOND: u64 = 1_000_000_000;

/// An even row of moments. Latency counts from the moment a message was due, not from when it could be sent: a server
/// that stands still delays everybody who would have come meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    start: Option<Nanos>,
    rate: u64,
    done: u64,
}

impl Schedule {
    /// So many moments a second, from the first question on.
    pub fn per_second(rate: u32) -> Self {
        Self { start: None, rate: u64::from(rate.max(1)), done: 0 }
    }

    /// The next moment that is not done.
    pub fn next(&mut self, now: Nanos) -> Nanos {
        *self.start.get_or_insert(now) + self.done * SECOND / self.rate
    }

    /// How many moments are done.
    pub fn count(&self) -> u64 {
        self.done
    }

    /// The next moment is done.
    pub fn done(&mut self) {
        self.done += 1;
    }
}
