//! How long to wait before the next attempt: pure, on virtual time, seeded.
//!
//! The reference waits `delay × 2^n ± 50 %` and caps that behind the jitter, so that from the fifth attempt on every client
//! of a server that restarts waits for exactly five seconds: they come as a herd, again and again. Here the cap is the
//! ceiling under which each client picks its own time, at the tenth attempt as at the first ("full jitter").

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Whether and how a lost connection is taken up again.
///
/// Before attempt `n` (from 1) the client waits for a time between nothing and `delay × 2^(n-1)`, but at most
/// [`delay_max`](Self::delay_max), which it picks by itself: so those who were disconnected together do not come back together. How long
/// the server has asked to be left alone (`Retry-After`) comes on top of that, up to an hour.
///
/// ```
/// use std::time::Duration;
/// use sockeye_client::Reconnection;
///
/// let patient = Reconnection::default().delay_max(Duration::from_secs(60));
/// let twice = Reconnection::default().attempts(2);
/// let never = Reconnection::off();
/// # assert!(!never.is_on() && patient.is_on() && twice.is_on());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconnection {
    attempts: Option<u32>,
    delay: Duration,
    delay_max: Duration,
    steady_after: Duration,
}

impl Default for Reconnection {
    /// Without end; first within 1 s, later within 5 s.
    fn default() -> Self {
        Self {
            attempts: None,
            delay: Duration::from_secs(1),
            delay_max: Duration::from_secs(5),
            steady_after: Duration::from_secs(5),
        }
    }
}

impl Reconnection {
    /// A connection that is lost, or cannot be had, stays so until somebody asks for it again.
    ///
    /// ```
    /// assert!(!sockeye_client::Reconnection::off().is_on());
    /// ```
    pub fn off() -> Self {
        Self { attempts: Some(0), ..Self::default() }
    }

    /// Whether there are attempts at all.
    ///
    /// ```
    /// assert!(sockeye_client::Reconnection::default().is_on());
    /// ```
    pub fn is_on(&self) -> bool {
        self.attempts != Some(0)
    }

    /// How often it is tried again before it is given up; without end, by default. 0 is [`off`](Self::off). A connection on which
    /// a namespace was joined ends the count.
    ///
    /// ```
    /// let three_times = sockeye_client::Reconnection::default().attempts(3);
    /// ```
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// The longest wait before the first attempt; 1 s. It doubles with each further one.
    ///
    /// ```
    /// let soon = sockeye_client::Reconnection::default().delay(std::time::Duration::from_millis(100));
    /// ```
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The longest wait before any attempt; 5 s.
    ///
    /// ```
    /// let patient = sockeye_client::Reconnection::default().delay_max(std::time::Duration::from_secs(60));
    /// ```
    #[must_use]
    pub fn delay_max(mut self, delay_max: Duration) -> Self {
        self.delay_max = delay_max;
        self
    }
}

/// `true` is the default, `false` is [`Reconnection::off`].
impl From<bool> for Reconnection {
    fn from(on: bool) -> Self {
        if on { Self::default() } else { Self::off() }
    }
}

/// Where one client stands in its attempts.
///
/// ```text
///  lost, failed ──▶ next ──▶ wait ──▶ attempt ──┬─ failed ─▶ next: one step further
///                                               └─ joined ─▶ attempts are counted anew; and once the connection has held
///                                                            for a while, the delay begins anew
/// ```
#[derive(Debug)]
pub(crate) struct Backoff {
    /// How many attempts have been made since a namespace was joined.
    attempt: u32,
    /// How often the ceiling has doubled. A server that lets everybody in and throws them out is not asked without end.
    step: u32,
    random: SmallRng,
}

/// What is to be done next: wait so long, then try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// The attempt's number, from 1.
    pub(crate) attempt: u32,
    pub(crate) delay: Duration,
}

/// The longest that a server may ask to be left alone. It is a stranger's number.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        Self { attempt: 0, step: 0, random: SmallRng::seed_from_u64(seed) }
    }

    /// The number of the attempt that is under way: 0 is the first of all, or the one that somebody asked for.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The connection was lost, or the attempt has failed. `None`: the attempts are used up.
    pub(crate) fn next(
        &mut self,
        options: &Reconnection,
        retry_after: Option<Duration>,
    ) -> Option<Next> {
        if options.attempts.is_some_and(|attempts| self.attempt >= attempts) {
            return None;
        }
        let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
        let delay = asked.saturating_add(self.pick(self.ceiling(options)));
        self.attempt = self.attempt.saturating_add(1);
        self.step = self.step.saturating_add(1);
        Some(Next { attempt: self.attempt, delay })
    }

    /// A namespace was joined.
    pub(crate) fn joined(&mut self) {
        self.attempt = 0;
    }

    /// The connection is lost, on which a namespace was joined so long ago.
    pub(crate) fn held(&mut self, options: &Reconnection, time: Duration) {
        if time >= options.steady_after {
            self.step = 0;
        }
    }

    /// Somebody asks for the connection anew: what was before does not count.
    pub(crate) fn reset(&mut self) {
        (self.attempt, self.step) = (0, 0);
    }

    fn ceiling(&self, options: &Reconnection) -> Duration {
        let doubled =
            2_u32.checked_pow(self.step).and_then(|factor| options.delay.checked_mul(factor));
        doubled.unwrap_or(options.delay_max).min(options.delay_max)
    }

    fn pick(&mut self, ceiling: Duration) -> Duration {
        ceiling.mul_f64(self.random.random())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The delays before an attempt of a thousand clients that were disconnected together.
    fn thousand(
        options: &Reconnection,
        attempt: u32,
        retry_after: Option<Duration>,
    ) -> Vec<Duration> {
        let delay = |seed| {
            let mut backoff = Backoff::new(seed);
            for _ in 1..attempt {
                backoff.next(options, None);
            }
            backoff.next(options, retry_after).expect("attempts without end").delay
        };
        (0..1000).map(delay).collect()
    }

    /// How many come in the busiest tenth of the time in which they may come.
    fn busiest_tenth(delays: &[Duration], from: Duration, ceiling: Duration) -> usize {
        let mut tenths = [0; 10];
        for delay in delays {
            let place = (delay.as_secs_f64() - from.as_secs_f64()) / ceiling.as_secs_f64() * 10.0;
            let tenth = (0..9).find(|tenth| place < f64::from(tenth + 1)).unwrap_or(9);
            tenths[usize::try_from(tenth).expect("small")] += 1;
        }
        tenths.into_iter().max().unwrap_or_default()
    }

    #[test]
    fn a_thousand_clients_do_not_come_as_a_herd_at_any_attempt() {
        let options = Reconnection::default();
        for (attempt, ceiling) in [(1, 1), (2, 2), (3, 4), (4, 5), (5, 5), (20, 5), (100, 5)] {
            let delays = thousand(&options, attempt, None);
            let most = busiest_tenth(&delays, Duration::ZERO, secs(ceiling));
            assert!(most < 150, "{most} of 1000 in a tenth of the time, at attempt {attempt}");
        }
    }

    #[test]
    fn a_thousand_clients_whom_the_server_has_sent_away_do_not_come_back_together() {
        let delays = thousand(&Reconnection::default(), 5, Some(secs(30)));
        assert!(delays.iter().all(|delay| *delay >= secs(30)), "the server asked for 30 s");
        let most = busiest_tenth(&delays, secs(30), secs(5));
        assert!(most < 150, "{most} of 1000 in a tenth of the time");
    }

    #[test]
    fn nobody_waits_for_longer_than_the_ceiling() {
        let options = Reconnection::default().delay(secs(2)).delay_max(secs(7));
        for (attempt, ceiling) in [(1, 2), (2, 4), (3, 7), (200, 7)] {
            let longest = thousand(&options, attempt, None).into_iter().max().expect("a thousand");
            assert!(longest <= secs(ceiling) && longest > secs(ceiling) * 9 / 10, "{longest:?}");
        }
    }

    #[test]
    fn attempts_are_used_up_and_counted_anew_once_a_namespace_was_joined() {
        let options = Reconnection::default().attempts(2);
        let mut backoff = Backoff::new(1);
        assert_eq!(backoff.next(&options, None).map(|next| next.attempt), Some(1));
        backoff.joined();
        assert_eq!(backoff.next(&options, None).map(|next| next.attempt), Some(1));
        assert_eq!(backoff.next(&options, None).map(|next| next.attempt), Some(2));
        assert_eq!(backoff.next(&options, None), None);
        backoff.reset();
        assert_eq!(backoff.next(&options, None).map(|next| next.attempt), Some(1));
        assert_eq!(Backoff::new(1).next(&Reconnection::off(), None), None);
    }

    #[test]
    fn a_server_that_lets_in_and_throws_out_is_asked_more_and_more_rarely() {
        let options = Reconnection::default();
        let mut backoff = Backoff::new(7);
        for _ in 0..10 {
            backoff.next(&options, None);
            backoff.joined();
            backoff.held(&options, secs(1));
        }
        assert_eq!(backoff.ceiling(&options), secs(5));
        backoff.held(&options, secs(5));
        assert_eq!(backoff.ceiling(&options), secs(1), "it has held for a while");
    }

    #[test]
    fn a_server_cannot_send_a_client_away_for_good() {
        let next = Backoff::new(3).next(&Reconnection::default(), Some(Duration::MAX));
        assert!(next.expect("an attempt").delay <= RETRY_AFTER_MAX + secs(1));
    }

    proptest! {
        #[test]
        fn no_options_and_no_number_of_attempts_make_it_panic(
            seed: u64, delay: u64, max: u64, asked: Option<u64>, steps in 0_usize..200,
        ) {
            let (delay, max) = (Duration::from_millis(delay), Duration::from_millis(max));
            let options = Reconnection::default().delay(delay).delay_max(max);
            let mut backoff = Backoff::new(seed);
            for _ in 0..steps {
                let next = backoff.next(&options, asked.map(Duration::from_millis));
                prop_assert!(next.is_some_and(|next| next.delay <= max.saturating_add(RETRY_AFTER_MAX)));
            }
        }
    }
}
