//! What a server has done, and how it is: one snapshot of everything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::engine;

/// What has happened since the server was made, and how it is now. See [`Io::stats`](crate::Io::stats).
///
/// What is counted only grows. Each worker counts for itself, and what is read is their sum: a snapshot of a server at
/// work may have one event and not yet its handler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections, packets and bytes; why sessions ended, and requests were refused.
    pub engine: engine::Stats,
    /// Handlers of events that have come to an end, and how long that took from the start of the extractors on, waiting
    /// included. Those that failed, panicked or were dropped as too late are among them; an event that several hear counts
    /// once for each.
    pub handled: Durations,
    /// Events that nobody handles.
    pub unhandled: u64,
    /// Handlers and middlewares that panicked.
    pub panics: u64,
    /// Handlers that returned an error.
    pub handler_errors: u64,
    /// Events whose arguments were not what the handler wanted.
    pub rejected_arguments: u64,
    /// Handlers that did not finish in time, and were dropped: see
    /// [`Builder::handler_timeout`](crate::Builder::handler_timeout).
    pub handlers_expired: u64,
    /// Times a handler held its thread for too long.
    pub slow_polls: u64,
    /// Events that had arrived but were not started, since their socket was disconnected first.
    pub events_dropped: u64,
    /// Events that had to wait, since their client had sent more than [`Builder::event_rate`](crate::Builder::event_rate).
    pub events_slowed: u64,
    /// Questions that were not asked: see [`Builder::max_pending_acks`](crate::Builder::max_pending_acks).
    pub questions_refused: u64,
    /// Rooms that were not joined: see [`Builder::max_rooms`](crate::Builder::max_rooms).
    pub rooms_refused: u64,
    /// Durable namespaces and their logs; zeros where there are none.
    pub durable: DurableStats,
}

impl Stats {
    /// Engine sessions that are open now.
    pub fn connections(&self) -> u64 {
        self.engine.connections()
    }
}

/// What durable namespaces and their logs have done: a part of [`Stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DurableStats {
    /// Events that were appended to a log.
    pub events: u64,
    /// Events that have been appended and not written yet.
    pub waiting: u64,
    /// Bytes that wait to be taken by the thread that writes the log.
    pub queued_bytes: u64,
    /// Bytes that were handed to the store.
    pub written_bytes: u64,
    /// How often the store was made durable.
    pub syncs: u64,
    /// Notices to clients that something is missing (`sockeye:gap`).
    pub gaps: u64,
    /// Sessions that are known now.
    pub sessions: u64,
    /// Those of them whose client is away.
    pub away: u64,
}

impl DurableStats {
    /// Adds a log.
    pub(crate) fn add(&mut self, log: &log::Stats) {
        self.events += log.events;
        self.waiting += log.waiting;
        self.queued_bytes += log.queued_bytes;
        self.written_bytes += log.bytes;
        self.syncs += log.syncs;
    }
}

/// How long something took, many times: how often, all together, and how often it took no longer than a bound.
///
/// ```
/// let io = sockeye::Io::builder().build()?;
/// let handled = io.stats().handled;
/// assert_eq!(handled.count(), 0);
/// for (bound, times) in handled.within() {
///     println!("{times} took {bound:?} at most");
/// }
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Durations {
    /// All of them together.
    pub sum: Duration,
    /// How many are above the bound before, and not above this one; the last is above all of them.
    times: [u64; BOUNDS.len() + 1],
}

/// Each is ten times the one before: whoever looks wants to know the order of magnitude.
const BOUNDS: [Duration; 6] = [
    Duration::from_micros(100),
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(10),
];

impl Durations {
    /// How often.
    pub fn count(&self) -> u64 {
        self.times.iter().sum()
    }

    /// Bounds from 100 µs to 10 s, and how often it took no longer.
    pub fn within(&self) -> impl Iterator<Item = (Duration, u64)> + use<> {
        let sums = self.times.into_iter().scan(0, |sum, times| {
            *sum += times;
            Some(*sum)
        });
        BOUNDS.into_iter().zip(sums)
    }
}

/// What one worker counts. Alone on its cache lines.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    times: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
    pub(crate) unhandled: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) handler_errors: AtomicU64,
    pub(crate) rejected_arguments: AtomicU64,
    pub(crate) handlers_expired: AtomicU64,
    pub(crate) slow_polls: AtomicU64,
    pub(crate) events_dropped: AtomicU64,
    pub(crate) events_slowed: AtomicU64,
    pub(crate) questions_refused: AtomicU64,
    pub(crate) rooms_refused: AtomicU64,
    pub(crate) gaps: AtomicU64,
}

pub(crate) fn count(cell: &AtomicU64, n: usize) {
    cell.fetch_add(n as u64, Ordering::Relaxed);
}

impl Counters {
    /// An event's handler has come to its end.
    pub(crate) fn handled(&self, took: Duration) {
        let place = BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS.len());
        count(&self.times[place], 1);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(crate) fn add_to(&self, stats: &mut Stats) {
        for (sum, cell) in [
            (&mut stats.unhandled, &self.unhandled),
            (&mut stats.panics, &self.panics),
            (&mut stats.handler_errors, &self.handler_errors),
            (&mut stats.rejected_arguments, &self.rejected_arguments),
            (&mut stats.handlers_expired, &self.handlers_expired),
            (&mut stats.slow_polls, &self.slow_polls),
            (&mut stats.events_dropped, &self.events_dropped),
            (&mut stats.events_slowed, &self.events_slowed),
            (&mut stats.questions_refused, &self.questions_refused),
            (&mut stats.rooms_refused, &self.rooms_refused),
            (&mut stats.durable.gaps, &self.gaps),
        ] {
            *sum += cell.load(Ordering::Relaxed);
        }
        let Durations { sum, times } = &mut stats.handled;
        *sum += Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed));
        for (sum, cell) in times.iter_mut().zip(&self.times) {
            *sum += cell.load(Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_summed_and_every_duration_is_within_the_bounds_above_it() {
        let workers = [Counters::default(), Counters::default()];
        for took in [Duration::ZERO, Duration::from_millis(1), Duration::from_micros(1001)] {
            for worker in &workers {
                worker.handled(took);
            }
        }
        workers[1].handled(Duration::from_mins(1));
        count(&workers[0].panics, 2);
        let mut stats = Stats::default();
        for worker in &workers {
            worker.add_to(&mut stats);
        }
        assert_eq!((stats.handled.count(), stats.panics), (7, 2));
        assert_eq!(stats.handled.sum, Duration::from_mins(1) + 2 * Duration::from_micros(2001));
        let within: Vec<_> = stats.handled.within().map(|(_, times)| times).collect();
        assert_eq!(within, [2, 4, 6, 6, 6, 6]);
    }
}
