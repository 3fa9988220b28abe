//! How fast one session is read, where its bytes have a rate.
//!
//! Past the rate nothing is refused: what the client sends stays with the kernel, or with the request that waits for its
//! answer, until its time comes. Behind it may lie a pong: while we do not look, no pong is missed. Our own pings go on.

use std::time::Duration;

use crate::rate::{Bucket, Rate};

#[derive(Debug)]
pub(crate) struct Meter {
    rate: Rate,
    bucket: Bucket,
    /// Nothing is read before this. In the past until the end of the turn in which it is read again.
    until: Option<Duration>,
}

impl Meter {
    pub(crate) fn new(rate: Rate) -> Meter {
        Meter { rate, bucket: Bucket::default(), until: None }
    }

    /// How much may be read now, `most` at most; `None` if the client has to wait. The second is whether its wait
    /// begins now.
    pub(crate) fn room(&mut self, most: usize, now: Duration) -> (Option<usize>, bool) {
        if self.until.is_some_and(|until| now < until) {
            return (None, false);
        }
        self.until = None;
        match self.rate.left(self.bucket, now) {
            0 => {
                // In pieces that are worth a system call.
                let worth = (self.rate.at_once() / 4).max(1);
                let wait = self.rate.wait_for(self.bucket, worth, now).unwrap_or_default();
                self.until = Some(now.saturating_add(wait));
                (None, true)
            }
            left => (Some(left.min(most)), false),
        }
    }

    /// So many bytes have been read.
    pub(crate) fn charge(&mut self, bytes: usize, now: Duration) {
        self.rate.charge(&mut self.bucket, bytes, now);
    }

    /// What could be read in this turn has been.
    pub(crate) fn pass(&mut self, now: Duration) {
        self.until = self.until.filter(|until| now < *until);
    }

    /// When it may be read again, if it may not be now.
    pub(crate) fn until(&self) -> Option<Duration> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_read_at_its_rate_in_pieces_worth_reading() {
        let mut meter = Meter::new(Rate::per_second(1000).burst(4000));
        let (mut read, mut reads) = (0, 0);
        for now in (0..60_000).map(Duration::from_millis) {
            while let (Some(room), _) = meter.room(65_536, now) {
                meter.charge(room, now);
                (read, reads) = (read + room, reads + 1);
            }
        }
        assert!((60_000..=64_000).contains(&read), "{read}");
        assert!(reads <= 61, "{reads} reads");
    }

    #[test]
    fn who_stays_below_the_rate_is_never_held_up() {
        let mut meter = Meter::new(Rate::per_second(1000).burst(500));
        for now in (0..10_000).step_by(100).map(Duration::from_millis) {
            assert_eq!(meter.room(100, now), (Some(100), false));
            meter.charge(100, now);
        }
    }

    #[test]
    fn its_wait_begins_once_and_lasts_until_somebody_reads_again() {
        let mut meter = Meter::new(Rate::per_second(100).burst(100));
        meter.charge(100, Duration::ZERO);
        assert_eq!(meter.room(10, Duration::ZERO), (None, true));
        assert_eq!(meter.room(10, Duration::from_millis(100)), (None, false));
        assert_eq!(meter.until(), Some(Duration::from_millis(250)));
        assert_eq!(meter.room(10, Duration::from_millis(250)), (Some(10), false));
        assert_eq!(meter.until(), None);
        meter.charge(200, Duration::from_millis(250));
        assert_eq!(meter.room(10, Duration::from_millis(250)), (None, true));
        meter.pass(Duration::from_mins(1));
        assert_eq!(meter.until(), None, "who has nothing to read is not waited for");
    }
}
