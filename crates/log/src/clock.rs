//! The time of a log: milliseconds that only go forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Where a log takes its time from. Only the distance of two moments counts, so a wall clock that is
/// set has no part in it.
///
/// ```
/// use std::time::Duration;
/// use sockeye_log::{Clock, Options};
///
/// let clock = Clock::by_hand(); // for tests: an hour passes when we say so
/// let options = Options { clock: clock.clone(), ..Options::default() };
/// clock.advance(Duration::from_secs(3600));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Running { since: Instant },
    ByHand(Arc<AtomicU64>),
}

impl Clock {
    /// The monotonic clock of the operating system.
    pub fn running() -> Self {
        Self(Source::Running { since: Instant::now() })
    }

    /// A clock that stands still until [`advance`](Self::advance) is called. Clones are the same clock.
    pub fn by_hand() -> Self {
        Self(Source::ByHand(Arc::default()))
    }

    /// Moves a clock [by hand](Self::by_hand); a running one does not care.
    pub fn advance(&self, by: Duration) {
        if let Source::ByHand(now) = &self.0 {
            now.fetch_add(millis(by), Ordering::Relaxed);
        }
    }

    /// Milliseconds since it was made.
    pub(crate) fn now(&self) -> u64 {
        match &self.0 {
            Source::Running { since } => millis(since.elapsed()),
            Source::ByHand(now) => now.load(Ordering::Relaxed),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::running()
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
