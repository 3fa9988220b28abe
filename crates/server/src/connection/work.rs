//! What a connection has on its hands: unfinished handlers, parked events, sockets that are
//! leaving.
//!
//! ```text
//!  event ──▶ started at once ──▶ done in the same poll                 nothing is kept
//!     │              └─────────▶ `running`, at most N of them
//!     ├──▶ `parked`   raw, in order, at most M bytes or one event, when N are running or others are parked already
//!     └──▶ `waiting`  the same, while the body of `on_connect` runs; then behind what is parked
//! ```

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use socket_proto::{Args, OwnedArgs, Slot};
use tokio::time::Sleep;
use transport::{Bucket, Rate};

use super::Member;
use super::running::{Job, Task};
use crate::DisconnectReason;
use crate::basis::after;

/// Allocated when there is something to do later, and freed when there is not.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) running: FuturesUnordered<Task>,
    /// How many of `running` are events.
    pub(crate) unfinished: usize,
    pub(crate) parked: VecDeque<Parked>,
    pub(crate) waiting: VecDeque<Parked>,
    /// What `parked` and `waiting` cost.
    bytes: usize,
    /// No time is over before this: neither a handler's nor that of a socket that is leaving, nor that of a rate. It may
    /// be early: whoever was first may be done.
    pub(crate) due: Option<Duration>,
    /// What the connection has left of its rate of events, if there is one.
    pub(crate) pace: Bucket,
    /// The time, if it has come.
    pub(crate) late: Option<Duration>,
    /// Wakes for `due` once there is no session any more that does.
    pub(crate) alarm: Option<Pin<Box<Sleep>>>,
    pub(crate) leaving: Vec<Leaving>,
    /// What is about to end the session, in words.
    pub(crate) ending: Option<Box<str>>,
}

/// An event as it comes.
#[derive(Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) name: &'a str,
    pub(crate) args: Args<'a>,
    pub(crate) ack: Option<u64>,
}

/// An event that has to wait before it is started.
pub(crate) struct Parked {
    pub(crate) slot: Slot,
    pub(crate) name: Box<str>,
    pub(crate) args: OwnedArgs,
    pub(crate) ack: Option<u64>,
}

/// A socket that has left, but has not been said goodbye to: its `on_disconnect` waits for what
/// came before.
pub(crate) struct Leaving {
    pub(crate) member: Member,
    pub(crate) reason: DisconnectReason,
    /// The body of its `on_connect` still runs.
    pub(crate) greeting: bool,
    /// When it waits no longer.
    pub(crate) deadline: Duration,
}

impl Parked {
    /// It, borrowed.
    pub(crate) fn event(&self) -> Event<'_> {
        Event { name: &self.name, args: self.args.as_args(), ack: self.ack }
    }
}

impl Event<'_> {
    /// Bytes it is counted as.
    fn cost(&self) -> usize {
        let Event { name, args, .. } = self;
        let attachments: usize = args.attachments.iter().map(|bytes| bytes.len() + HOLDING).sum();
        HOLDING + name.len() + args.json.len() + attachments
    }
}

/// What holding an event, or an attachment, costs beside its bytes.
const HOLDING: usize = 96;

impl Work {
    /// Keeps a handler that has to wait.
    pub(crate) fn keep(&mut self, mut task: Task, now: Duration) {
        match task.job {
            // All of them together have a timer of their own.
            // The last two: at the pace of the client, whose connection has its own timeouts.
            Job::Middleware(_) | Job::Admission(_) | Job::Following(_) => {}
            Job::Greeting(_) | Job::Event | Job::Farewell => {
                task.deadline = after(now, task.socket.namespace().core().handler_timeout);
                self.note(task.deadline);
            }
        }
        self.unfinished += usize::from(task.job == Job::Event);
        self.running.push(task);
    }

    /// A handler that was kept has come to its end.
    pub(crate) fn ended(&mut self, job: Job) {
        self.unfinished -= usize::from(job == Job::Event);
    }

    /// A socket leaves, but not yet.
    pub(crate) fn wait_for(&mut self, leaving: Leaving) {
        self.note(Some(leaving.deadline));
        self.leaving.push(leaving);
    }

    fn note(&mut self, deadline: Option<Duration>) {
        self.due = self.due.into_iter().chain(deadline).min();
    }

    /// What is in hand now says what is due next.
    pub(crate) fn look_ahead(&mut self) {
        let handlers = self.running.iter().filter_map(|task| task.deadline);
        self.due = handlers.chain(self.leaving.iter().map(|leaving| leaving.deadline)).min();
    }

    /// Handlers whose time is over.
    pub(crate) fn take_expired(&mut self, now: Duration) -> Vec<Task> {
        let is_late = |task: &Task| task.deadline.is_some_and(|deadline| deadline <= now);
        let mut expired = Vec::new();
        if self.running.iter().any(is_late) {
            for task in std::mem::take(&mut self.running) {
                if is_late(&task) {
                    expired.push(task);
                } else {
                    self.running.push(task);
                }
            }
        }
        expired
    }

    /// Sockets that have waited long enough; they still have to be said goodbye to.
    pub(crate) fn lose_patience(&mut self, now: Duration) -> Vec<Leaving> {
        let late = self.leaving.extract_if(.., |leaving| leaving.deadline <= now);
        late.collect()
    }

    /// Parks an event; `false` if others wait already and that is more than `limit` bytes: nothing
    /// has been copied then. The first one always fits: what may arrive may wait.
    pub(crate) fn park(
        &mut self,
        slot: Slot,
        greeting: bool,
        event: Event<'_>,
        limit: usize,
    ) -> bool {
        let bytes = self.bytes + event.cost();
        if self.bytes > 0 && bytes > limit {
            return false;
        }
        self.bytes = bytes;
        let Event { name, args, ack } = event;
        let parked = Parked { slot, name: name.into(), args: args.to_owned(), ack };
        let queue = if greeting { &mut self.waiting } else { &mut self.parked };
        queue.push_back(parked);
        true
    }

    /// Whether a parked event may start, since less than `limit` are unfinished.
    pub(crate) fn has_due(&self, limit: usize) -> bool {
        self.unfinished < limit && !self.parked.is_empty()
    }

    /// Whether the client's rate lets one more event start; if not, it is looked at again when it does.
    pub(crate) fn keeps_pace(&mut self, rate: Option<Rate>, now: Duration) -> bool {
        let taken = rate.map_or(Ok(()), |rate| rate.take(&mut self.pace, now));
        if let Err(wait) = taken {
            self.note(Some(now.saturating_add(wait)));
        }
        taken.is_ok()
    }

    /// The next event to start, if less than `limit` are unfinished.
    pub(crate) fn unpark(&mut self, limit: usize) -> Option<Parked> {
        if self.unfinished >= limit {
            return None;
        }
        let parked = self.parked.pop_front()?;
        self.bytes -= parked.event().cost();
        Some(parked)
    }

    /// The body of `on_connect` is done: what waited for it may start.
    pub(crate) fn greeted(&mut self, slot: Slot) {
        let (ready, waiting) = self.waiting.drain(..).partition(|event| event.slot == slot);
        self.waiting = waiting;
        self.parked.extend::<VecDeque<_>>(ready);
        for leaving in self.leaving.iter_mut().filter(|leaving| leaving.member.slot == slot) {
            leaving.greeting = false;
        }
    }

    /// Drops the events of a socket; how many there were.
    pub(crate) fn forget(&mut self, slot: Slot) -> usize {
        let before = self.parked.len() + self.waiting.len();
        let freed = &mut self.bytes;
        let mut keep = |event: &Parked| {
            let keep = event.slot != slot;
            if !keep {
                *freed -= event.event().cost();
            }
            keep
        };
        self.parked.retain(&mut keep);
        self.waiting.retain(&mut keep);
        before - self.parked.len() - self.waiting.len()
    }

    /// Whether events of this socket wait to be started.
    pub(crate) fn has_events_of(&self, slot: Slot) -> bool {
        self.parked.iter().chain(&self.waiting).any(|event| event.slot == slot)
    }

    /// Somebody for whom nothing is left to wait for.
    pub(crate) fn take_ready_to_leave(&mut self) -> Option<Leaving> {
        let ready = self
            .leaving
            .iter()
            .position(|leaving| !leaving.greeting && !self.has_events_of(leaving.member.slot))?;
        Some(self.leaving.remove(ready))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.running.is_empty()
            && self.parked.is_empty()
            && self.waiting.is_empty()
            && self.leaving.is_empty()
    }
}
