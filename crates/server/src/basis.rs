//! What every namespace and socket of one server has in common: its settings, its state, its
//! counters.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use log::{Durability, Log};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::durable::Away;

/// No wait is longer than this (30 years): clocks and timers can represent it, wherever they start.
pub(crate) const NEVER: Duration = Duration::from_hours(30 * 365 * 24);

/// When a wait ends that begins now; `None` if it never does.
pub(crate) fn after(now: Duration, wait: Duration) -> Option<Duration> {
    (wait < NEVER).then(|| now.saturating_add(wait))
}

/// Shared by all namespaces of one server.
pub(crate) struct Core {
    pub(crate) protocol: Arc<socket_proto::Limits>,
    pub(crate) parser: crate::parser::Door,
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
    pub(crate) state: States,
    pub(crate) counters: CounterCells,
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

    /// A timer, from any thread.
    pub(crate) fn sleep_until(&self, deadline: Instant) -> Sleep {
        let inside = Handle::try_current().is_ok();
        let _entered = (!inside).then(|| self.runtime.get().map(Handle::enter));
        sleep_until(deadline)
    }
}

/// One value of each type.
#[derive(Debug, Default)]
pub(crate) struct States(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl States {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, state: T) {
        self.0.insert(TypeId::of::<T>(), Box::new(state));
    }

    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>()).and_then(|state| state.downcast_ref())
    }

    pub(crate) fn has(&self, id: TypeId) -> bool {
        self.0.contains_key(&id)
    }
}

/// What has happened since the server was made. See [`Io::counters`](crate::Io::counters).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
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
    /// Engine sessions that are open now.
    pub connections: u64,
}

/// The counters as they are counted.
#[derive(Default)]
pub(crate) struct CounterCells {
    pub(crate) panics: AtomicU64,
    pub(crate) handler_errors: AtomicU64,
    pub(crate) rejected_arguments: AtomicU64,
    pub(crate) handlers_expired: AtomicU64,
    pub(crate) slow_polls: AtomicU64,
    pub(crate) events_dropped: AtomicU64,
}

pub(crate) fn count(cell: &AtomicU64, n: usize) {
    cell.fetch_add(n as u64, Ordering::Relaxed);
}

impl CounterCells {
    pub(crate) fn read(&self, connections: usize) -> Counters {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Counters {
            panics: read(&self.panics),
            handler_errors: read(&self.handler_errors),
            rejected_arguments: read(&self.rejected_arguments),
            handlers_expired: read(&self.handlers_expired),
            slow_polls: read(&self.slow_polls),
            events_dropped: read(&self.events_dropped),
            connections: connections as u64,
        }
    }
}
