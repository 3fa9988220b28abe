//! What a log keeps, and for how long.

use std::time::Duration;

use crate::Clock;

/// What a log keeps, for how long, and how much may wait.
///
/// ```
/// use std::time::Duration;
/// use sockeye_log::Options;
///
/// let day = Options { event_age: Duration::from_secs(24 * 3600), ..Options::default() };
/// assert_eq!(day.queue_bytes, 64 << 20);
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// Events older than this are dropped; 1 hour. Only time during which the log is open counts.
    pub event_age: Duration,
    /// The oldest events are dropped when all together are larger than this; 1 GiB. An event counts with
    /// its text, attachments and names, and 128 bytes more.
    pub event_bytes: u64,
    /// How many bytes may wait to be written; 64 MiB. Beyond it,
    /// [`append`](crate::Shard::append) refuses.
    pub queue_bytes: usize,
    /// How long something may be written before it is durable; 50 ms. What is
    /// [`Fsync`](crate::Durability::Fsync) does not wait for it.
    pub sync_every: Duration,
    /// How many idempotency keys are remembered, the newest ones, for all namespaces together; 200 000.
    /// After a restart, only those whose events are kept.
    pub keys: usize,
    /// Where the time comes from; the operating system's monotonic clock.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            event_age: Duration::from_hours(1),
            event_bytes: 1 << 30,
            queue_bytes: 64 << 20,
            sync_every: Duration::from_millis(50),
            keys: 200_000,
            clock: Clock::default(),
        }
    }
}
