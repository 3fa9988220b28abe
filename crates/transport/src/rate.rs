//! How often something may happen: so many times a second on average, and so many at once.
//!
//! A bucket of tokens, which fills by itself. What is kept of it is a single time, the one at which it is full again;
//! everything else follows from that and the rate. It never asks what time it is.

use std::time::Duration;

/// So many a second on average, and so many at once.
///
/// ```
/// use sockeye_transport::Rate;
///
/// let fifty = Rate::per_second(50); // and 50 at once
/// assert_eq!(fifty.burst(200), Rate::per_second(50).burst(200));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_second: u32,
    burst: u32,
}

/// What one client has left of a rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// In nanoseconds; in the past if it is full.
    full_at: u64,
}

const SECOND: u128 = 1_000_000_000;

impl Rate {
    /// So many a second, and as many at once.
    pub const fn per_second(times: u32) -> Rate {
        Rate { per_second: times, burst: times }
    }

    /// So many at once, by whoever has been quiet for long enough.
    #[must_use]
    pub const fn burst(self, times: u32) -> Rate {
        Rate { burst: times, ..self }
    }

    /// Whether it lets nothing through at all.
    pub const fn is_zero(self) -> bool {
        self.per_second == 0 || self.burst == 0
    }

    /// Takes one, if there is one.
    ///
    /// # Errors
    ///
    /// How long until there is one.
    pub fn take(self, bucket: &mut Bucket, now: Duration) -> Result<(), Duration> {
        if let Some(wait) = self.wait_for(*bucket, 1, now) {
            return Err(wait);
        }
        self.charge(bucket, 1, now);
        Ok(())
    }

    /// Takes so many whether they are there or not; what is missing has to be waited for later.
    pub fn charge(self, bucket: &mut Bucket, times: usize, now: Duration) {
        let full_at = bucket.full_at.max(nanoseconds(now));
        bucket.full_at = full_at.saturating_add(self.takes(times as u128));
    }

    /// How many there are.
    pub fn left(self, bucket: Bucket, now: Duration) -> usize {
        let missing = u128::from(bucket.full_at.saturating_sub(nanoseconds(now)));
        let missing = (missing * u128::from(self.per_second)).div_ceil(SECOND);
        let left = u128::from(self.burst).saturating_sub(missing);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// How long until there are so many, or all that there may be; `None` if there are.
    pub fn wait_for(self, bucket: Bucket, times: u32, now: Duration) -> Option<Duration> {
        let spare = self.takes(u128::from(self.burst.saturating_sub(times)));
        let ready_at = bucket.full_at.saturating_sub(spare);
        let wait = ready_at.saturating_sub(nanoseconds(now));
        (wait > 0).then(|| Duration::from_nanos(wait))
    }

    /// Whether nothing has been taken that has not come back.
    pub fn is_full(bucket: Bucket, now: Duration) -> bool {
        bucket.full_at <= nanoseconds(now)
    }

    /// How long an empty bucket takes to be full.
    pub fn refill(self) -> Duration {
        Duration::from_nanos(self.takes(u128::from(self.burst)))
    }

    /// How many may come at once.
    pub fn at_once(self) -> u32 {
        self.burst
    }

    /// The nanoseconds in which so many come back.
    fn takes(self, times: u128) -> u64 {
        let all = (times * SECOND).div_ceil(u128::from(self.per_second.max(1)));
        u64::try_from(all).unwrap_or(u64::MAX)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// How many of so many tries at this time are let through.
    fn taken(rate: Rate, bucket: &mut Bucket, tries: usize, now: Duration) -> usize {
        (0..tries).filter(|_| rate.take(bucket, now).is_ok()).count()
    }

    #[test]
    fn a_burst_passes_and_what_comes_behind_it_waits_for_its_turn() {
        let (rate, mut bucket) = (Rate::per_second(10).burst(30), Bucket::default());
        assert_eq!(taken(rate, &mut bucket, 100, at(5000)), 30);
        assert_eq!(rate.take(&mut bucket, at(5000)), Err(at(100)));
        assert_eq!(rate.take(&mut bucket, at(5099)), Err(at(1)));
        assert_eq!(taken(rate, &mut bucket, 100, at(5100)), 1);
        assert_eq!(taken(rate, &mut bucket, 100, at(6100)), 10);
    }

    #[test]
    fn over_a_long_time_no_more_than_the_rate_passes_however_often_somebody_tries() {
        let (rate, mut bucket) = (Rate::per_second(7).burst(7), Bucket::default());
        let passed: usize = (0..100_000).map(|ms| taken(rate, &mut bucket, 3, at(ms))).sum();
        assert_eq!(passed, 7 + 7 * 100 - 1, "a burst, and what 100 s less a moment bring");
    }

    #[test]
    fn who_keeps_to_the_rate_never_waits() {
        let (rate, mut bucket) = (Rate::per_second(4).burst(1), Bucket::default());
        assert!((0..1000).all(|time| rate.take(&mut bucket, at(time * 250)).is_ok()));
    }

    #[test]
    fn a_debt_is_waited_for_and_no_quiet_time_brings_more_than_a_burst() {
        let (rate, mut bucket) = (Rate::per_second(1000).burst(500), Bucket::default());
        rate.charge(&mut bucket, 2500, at(0));
        assert_eq!((rate.left(bucket, at(0)), rate.left(bucket, at(2000))), (0, 0));
        assert_eq!(rate.wait_for(bucket, 100, at(0)), Some(at(2100)));
        assert_eq!(
            (rate.left(bucket, at(2100)), rate.wait_for(bucket, 100, at(2100))),
            (100, None)
        );
        assert!(!Rate::is_full(bucket, at(2499)) && Rate::is_full(bucket, at(2500)));
        assert_eq!(rate.left(bucket, Duration::from_hours(24)), 500);
    }

    #[test]
    fn more_than_a_burst_is_not_waited_for() {
        let (rate, bucket) = (Rate::per_second(10).burst(5), Bucket::default());
        assert_eq!(rate.wait_for(bucket, 1000, at(0)), None);
        assert_eq!(rate.refill(), at(500));
    }

    #[test]
    fn no_rate_and_no_time_overflows() {
        let extremes = [Rate::per_second(1).burst(u32::MAX), Rate::per_second(u32::MAX)];
        for rate in extremes {
            let mut bucket = Bucket::default();
            rate.charge(&mut bucket, usize::MAX, Duration::MAX);
            assert!(rate.wait_for(bucket, u32::MAX, at(0)).is_some());
            assert_eq!(rate.left(bucket, at(0)), 0);
        }
        assert!(Rate::per_second(0).is_zero() && Rate::per_second(1).burst(0).is_zero());
    }
}
