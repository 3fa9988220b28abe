//! Handlers while they run: polled in place, kept aside while they wait, and never trusted.
//!
//! ```text
//!  what has happened ──▶ started at once ──▶ done in the same poll            nothing is kept
//!     │                         └──────────▶ `running`, at most N of them
//!     └──▶ `parked`   raw, in order, when N are running or others are parked already; beyond M bytes nothing more is read
//! ```
//!
//! Every poll is guarded: a panic ends the handler and nothing else. One that does not come to its end is dropped. What wakes a
//! handler wakes the connection's task; acknowledgements and pings never wait for one.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, Sleep, sleep_until};

use super::starting::Parked;
use super::work::Work;
use crate::ack::Owed;
use crate::extract::Call;
use crate::handler::{Entry, Running};
use crate::socket::{Core, Handled};
use crate::{Error, lean};

/// What the task has on its hands.
#[derive(Default)]
pub(super) struct Hands {
    running: FuturesUnordered<Task>,
    parked: VecDeque<Parked>,
    /// What `parked` costs.
    bytes: usize,
    /// When the first of `running` has had its time; it may be early, as that one may be done.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Something has been kept that nobody has polled from here.
    fresh: bool,
}

/// A handler that has to wait.
pub(super) struct Task {
    core: Arc<Core>,
    entry: Arc<Entry>,
    /// The event's name; empty where the entry knows better.
    event: Box<str>,
    running: Running,
    owed: Owed,
    /// Held until it has come to its end.
    handled: Option<Arc<Handled>>,
    /// When it is waited for no longer; `None` is never.
    deadline: Option<Instant>,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Task { core, entry, event, running, owed, .. } = &mut *self;
        poll_guarded(Whose { core, entry, event }, running, owed, cx)
    }
}

impl Task {
    /// It has not come to its end in time: whoever waits for its answer is told, and it is dropped.
    fn expire(self) {
        let Task { core, entry, event, running, mut owed, .. } = self;
        let whose = Whose { core: &core, entry: &entry, event: &event };
        tracing::warn!(
            namespace = core.namespace(),
            handler = %whose,
            "a handler did not finish in time, and was dropped"
        );
        owed.fail(&Error::new("the handler did not finish in time"));
        // What it holds is the user's code too. A sender among it answers now.
        let _ = guarded(whose, || drop(running));
    }
}

impl Hands {
    /// Keeps what has to wait before it is started.
    pub(super) fn park(&mut self, parked: Parked) {
        self.bytes += parked.cost();
        self.parked.push_back(parked);
    }

    /// What is parked.
    pub(super) fn parked_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether what happens now has to wait.
    pub(super) fn are_full(&self, limit: usize) -> bool {
        !self.parked.is_empty() || self.running.len() >= limit
    }

    /// The next that may start.
    pub(super) fn unpark(&mut self, limit: usize) -> Option<Parked> {
        if self.running.len() >= limit {
            return None;
        }
        let parked = lean::pop_front(&mut self.parked)?;
        self.bytes -= parked.cost();
        Some(parked)
    }

    /// Drops the events of a socket that have not been started: its user does not want them any more.
    pub(super) fn forget_events(&mut self, core: &Arc<Core>) {
        let bytes = &mut self.bytes;
        self.parked.retain(|parked| {
            let keep = !parked.is_event_of(core);
            if !keep {
                *bytes -= parked.cost();
            }
            keep
        });
    }

    pub(super) fn are_fresh(&self) -> bool {
        self.fresh
    }

    pub(super) fn are_empty(&self) -> bool {
        self.running.is_empty() && self.parked.is_empty()
    }

    /// Goes on with what waits.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        self.fresh = false;
        self.expire(cx);
        while let Poll::Ready(Some(())) = self.running.poll_next_unpin(cx) {}
    }

    /// Drops handlers whose time is over.
    fn expire(&mut self, cx: &mut Context<'_>) {
        while let Some(alarm) = &mut self.alarm {
            if alarm.as_mut().poll(cx).is_pending() {
                return;
            }
            let now = Instant::now();
            let is_late = |task: &Task| task.deadline.is_some_and(|deadline| deadline <= now);
            let all = std::mem::take(&mut self.running).into_iter();
            let (late, rest) = all.partition::<Vec<_>, _>(is_late);
            self.running.extend(rest);
            late.into_iter().for_each(Task::expire);
            let next = self.running.iter().filter_map(|task| task.deadline).min();
            self.alarm = next.map(|deadline| Box::pin(sleep_until(deadline)));
        }
    }

    fn keep(&mut self, task: Task) {
        if let (None, Some(deadline)) = (&self.alarm, task.deadline) {
            self.alarm = Some(Box::pin(sleep_until(deadline)));
        }
        self.running.push(task);
        self.fresh = true;
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        // The client ends: what is not done is not done.
        let running = self.running.iter().filter_map(|task| task.handled.as_ref());
        let parked = self.parked.iter().filter_map(Parked::handled);
        running.chain(parked).for_each(|handled| handled.cut_off());
    }
}

impl Work {
    /// Starts a handler, and polls it once in place.
    pub(super) fn call(
        &mut self,
        core: &Arc<Core>,
        entry: &Arc<Entry>,
        mut call: Call<'_>,
        handled: Option<&Arc<Handled>>,
    ) {
        let whose = Whose { core, entry, event: call.event };
        let started = guarded(whose, || entry.start(&mut call)).and_then(|started| {
            started.map_err(|error| {
                tracing::info!(namespace = core.namespace(), handler = %whose, "not called, {error}");
                Error::new(error.message())
            })
        });
        let mut owed = call.owed;
        let mut running = match started {
            Ok(running) => running,
            Err(error) => return owed.fail(&error),
        };
        let mut cx = Context::from_waker(&self.waker);
        if poll_guarded(whose, &mut running, &mut owed, &mut cx).is_pending() {
            let (core, entry) = (Arc::clone(core), Arc::clone(entry));
            let event = whose.event.into();
            let deadline = Instant::now().checked_add(self.hub.config.handling.handler_timeout);
            let task =
                Task { core, entry, event, running, owed, deadline, handled: handled.cloned() };
            self.hands.keep(task);
        }
    }
}

/// Whose handler it is, and what for: logs name it by its event, or by `on_connect` and the like.
#[derive(Clone, Copy)]
struct Whose<'a> {
    core: &'a Core,
    entry: &'a Entry,
    event: &'a str,
}

impl fmt::Display for Whose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry.label {
            "" => write!(f, "`{}`", self.event),
            label => f.write_str(label),
        }
    }
}

/// Goes on with a handler; at its end, gives the server what it is owed.
fn poll_guarded(
    whose: Whose<'_>,
    running: &mut Running,
    owed: &mut Owed,
    cx: &mut Context<'_>,
) -> Poll<()> {
    match guarded(whose, || running.as_mut().poll(cx)) {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready(verdict)) => {
            if let Err(error) = owed.settle(verdict) {
                let namespace = whose.core.namespace();
                tracing::warn!(namespace, handler = %whose, %error, "a handler failed");
            }
        }
        Err(panicked) => owed.fail(&panicked),
    }
    Poll::Ready(())
}

fn guarded<T>(whose: Whose<'_>, act: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|panic| {
        tracing::error!(
            namespace = whose.core.namespace(),
            handler = %whose,
            panic = words_of(&*panic),
            "a handler panicked"
        );
        Error::new("the handler panicked")
    })
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}
