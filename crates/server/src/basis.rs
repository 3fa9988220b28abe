//! What every namespace and socket of one server has in common: its settings, its state, its
//! counters.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use handler::States;
use log::{Durability, Log};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Rate;
use crate::durable::Away;
use crate::stats::{Counters, Stats};

/// No wait is longer than this (30 years): clocks and timers can represent it, wherever they start.
pub(crate) const NEVER: Duration = Duration::from_hours(30 * 365 * 24);

/// When a wait ends that begins now; `None` if it never does.
pub(crate) fn after(now: Duration, wait: Duration) -> Option<Duration> {
    (wait < NEVER).then(|| now.saturating_add(wait))
}

/// Shared by all namespaces of one server.
pub(crate) struct Core {
    pub(crate) protocol: Arc<socket_proto::Limits>,
    pub(crate) parser: handler::Door,
    pub(crate) workers: usize,
    /// Most unfinished events of one connection.
    pub(crate) unfinished: usize,
    /// Most bytes of parked events of one connection.
    pub(crate) parked_bytes: usize,
    pub(crate) ack_timeout: Duration,
    pub(crate) middleware_timeout: Duration,
    /// A handler that waits for longer is dropped.
    pub(crate) handler_timeout: Duration,
    /// A handler that holds its thread for longer is logged.
    pub(crate) slow_handler: Duration,
    pub(crate) limits: Limits,
    pub(crate) state: States,
    /// One for each worker.
    pub(crate) counters: Box<[Counters]>,
    /// As it was given.
    pub(crate) log: Option<Log>,
    /// Made when it is first needed.
    pub(crate) memory: OnceLock<Log>,
    /// How long clients of a durable namespace may be away, and how many.
    pub(crate) away: Away,
    /// Where timers live that are made outside of a runtime: that of the first connection.
    pub(crate) runtime: OnceLock<Handle>,
}

impl Core {
    /// The log of namespaces of this class. What is in memory alone has a log of its own: it goes on when the
    /// disk is full, and waits for nothing.
    pub(crate) fn log(&self, class: Durability) -> &Log {
        let given = self.log.as_ref().filter(|_| class != Durability::Memory);
        given.unwrap_or_else(|| {
            self.memory.get_or_init(|| {
                let options = self.log.as_ref().map(Log::options);
                Log::memory(options.cloned().unwrap_or_default())
            })
        })
    }

    /// Where this worker counts.
    pub(crate) fn counters(&self, worker: usize) -> &Counters {
        &self.counters[worker]
    }

    /// What has been counted here, and by the logs.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        self.counters.iter().for_each(|counters| counters.add_to(&mut stats));
        let logs = self.log.iter().chain(self.memory.get());
        logs.for_each(|log| stats.durable.add(&log.stats()));
        stats
    }

    /// A timer, from any thread.
    pub(crate) fn sleep_until(&self, deadline: Instant) -> Sleep {
        let inside = Handle::try_current().is_ok();
        let _entered = (!inside).then(|| self.runtime.get().map(Handle::enter));
        sleep_until(deadline)
    }
}

/// Limits on what clients make their sockets grow, and do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Of one connection.
    pub(crate) events: Option<Rate>,
    /// Answers that one socket is waited for.
    pub(crate) questions: usize,
    /// Rooms of one socket.
    pub(crate) rooms: usize,
}
