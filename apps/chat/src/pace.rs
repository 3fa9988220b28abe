//! How fast one connection may do things that others have to hear.

use std::time::Duration;

/// A bucket of tokens: each deed takes one, and they come back with time.
///
/// ```
/// use std::time::Duration;
/// use sockeye_chat::Pace;
///
/// let mut pace = Pace::new(Duration::ZERO);
/// let done = (0..1000).filter(|_| pace.allows(Duration::ZERO)).count();
/// assert_eq!(done, Pace::AT_ONCE as usize);
/// assert!(pace.allows(Duration::from_secs(1)));
/// ```
#[derive(Clone, Debug)]
pub struct Pace {
    tokens: f64,
    counted: Duration,
}

impl Pace {
    /// Deeds at once: a page that returns joins its rooms and sends what waited.
    pub const AT_ONCE: u32 = 40;
    /// Deeds per second in the long run.
    pub const PER_SECOND: u32 = 10;

    /// A full bucket.
    pub fn new(now: Duration) -> Self {
        Pace { tokens: f64::from(Self::AT_ONCE), counted: now }
    }

    /// Whether one more deed is allowed; if so, it is counted.
    pub fn allows(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.counted).as_secs_f64();
        self.counted = self.counted.max(now);
        self.tokens =
            (self.tokens + passed * f64::from(Self::PER_SECOND)).min(f64::from(Self::AT_ONCE));
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }
}
