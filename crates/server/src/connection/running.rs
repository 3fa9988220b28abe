//! Handlers while they run: polled in place, kept aside while they wait, and never trusted.
//!
//! Every poll is guarded: a panic ends the handler and nothing else, and a handler that holds its
//! thread for too long is named in the log. One that does not come to its end is dropped.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use socket_proto::Slot;

use crate::ack::Owed;
use crate::basis::Core;
use crate::extract::Call;
use crate::handler::{Entry, Running};
use crate::stats::{Counters, count};
use crate::{Error, Io, Socket};

/// What a handler runs for, and so what follows when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// The middlewares of a socket that is connecting.
    Middleware(Slot),
    /// A durable namespace takes a socket in.
    Admission(Slot),
    /// The body of `on_connect`.
    Greeting(Slot),
    /// A socket that has fallen behind reads the log.
    Following(Slot),
    /// An event.
    Event,
    /// `on_disconnecting` or `on_disconnect`.
    Farewell,
}

/// A handler that has come to its end.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) job: Job,
    pub(crate) result: Result<(), Error>,
}

/// A handler that has to wait.
pub(crate) struct Task {
    pub(crate) job: Job,
    pub(crate) socket: Socket,
    pub(crate) entry: Arc<Entry>,
    /// The event's name where the entry does not know it.
    pub(crate) event: Box<str>,
    pub(crate) running: Running,
    pub(crate) owed: Owed,
    /// When it was started, extractors included.
    pub(crate) started: Instant,
    /// When it is waited for no longer; `None` if it has a timer of its own, or all the time there
    /// is.
    pub(crate) deadline: Option<Duration>,
}

impl Task {
    /// A handler that is no event's.
    pub(crate) fn new(job: Job, socket: Socket, entry: Arc<Entry>, running: Running) -> Self {
        let (event, owed) = (Box::default(), Owed::Nothing);
        Task { job, socket, entry, event, running, owed, started: began(), deadline: None }
    }

    /// Goes on with it.
    pub(crate) fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let whose = Whose { socket: &self.socket, entry: &self.entry, event: &self.event };
        poll_guarded(self.job, whose, self.started, &mut self.running, &mut self.owed, cx)
    }

    /// It has not come to its end in time: whoever waits for its answer is told, and it is dropped.
    pub(crate) fn expire(self) -> Finished {
        let Task { job, socket, entry, event, running, mut owed, started, .. } = self;
        let whose = Whose { socket: &socket, entry: &entry, event: &event };
        count(&whose.counters().handlers_expired, 1);
        if job == Job::Event {
            whose.counters().handled(started.elapsed());
        }
        tracing::warn!(
            socket = socket.id(),
            namespace = socket.namespace().name(),
            handler = %whose,
            "a handler did not finish in time, and was dropped"
        );
        let error = Error::new("the handler did not finish in time");
        owed.fail(&socket, &error);
        // What it holds is the user's code too. A sender among it answers now.
        let _ = guarded(whose, || drop(running));
        Finished { job, result: Err(error) }
    }
}

impl Future for Task {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        let job = self.job;
        self.go_on(cx).map(|result| Finished { job, result })
    }
}

/// Whose handler it is, and what for: logs name it by its event, or by `on_connect` and the like.
#[derive(Clone, Copy)]
pub(crate) struct Whose<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) entry: &'a Entry,
    /// The event's name; may be empty where the entry knows it.
    pub(crate) event: &'a str,
}

impl<'a> Whose<'a> {
    fn counters(&self) -> &'a Counters {
        self.socket.namespace().core().counters(self.socket.worker())
    }
}

impl fmt::Display for Whose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.entry.takes_any {
            return write!(f, "`{}`", self.event);
        }
        f.write_str(&self.entry.label)
    }
}

/// Makes a handler's future. Its extractors are the user's code too.
///
/// # Errors
///
/// Words for the client, if an argument could not be had, or the handler panicked. What is owed for
/// the call still is.
pub(crate) fn start_guarded(entry: &Entry, call: &mut Call<'_>) -> Result<Running, Error> {
    let socket = call.socket;
    let whose = Whose { socket, entry, event: call.event };
    began();
    let started = guarded(whose, || entry.start(call))?;
    started.map_err(|error| {
        count(&whose.counters().rejected_arguments, 1);
        tracing::info!(
            socket = socket.id(),
            namespace = socket.namespace().name(),
            handler = %whose,
            "not called, {error}"
        );
        Error::new(error.message())
    })
}

/// Goes on with a handler; at its end, gives the client what it is owed.
pub(crate) fn poll_guarded(
    job: Job,
    whose: Whose<'_>,
    started: Instant,
    running: &mut Running,
    owed: &mut Owed,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    let socket = whose.socket;
    let core = socket.namespace().core();
    let began = began();
    let polled = guarded(whose, || running.as_mut().poll(cx));
    let (now, took) = ended(began, core, whose);
    if job == Job::Event && !matches!(polled, Ok(Poll::Pending)) {
        // Most end where they began.
        whose.counters().handled(if started == began { took } else { now - started });
    }
    match polled {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(verdict)) => {
            let result = owed.settle(socket, verdict);
            if let (Err(error), false) = (&result, matches!(job, Job::Middleware(_))) {
                report(whose, error);
            }
            Poll::Ready(result)
        }
        Err(panicked) => {
            owed.fail(socket, &panicked);
            Poll::Ready(Err(panicked))
        }
    }
}

fn guarded<T>(whose: Whose<'_>, act: impl FnOnce() -> T) -> Result<T, Error> {
    let outcome = catch_unwind(AssertUnwindSafe(act));
    outcome.map_err(|panic| {
        count(&whose.counters().panics, 1);
        tracing::error!(
            socket = whose.socket.id(),
            namespace = whose.socket.namespace().name(),
            handler = %whose,
            panic = words_of(&*panic),
            "a handler panicked"
        );
        Error::new("the handler panicked")
    })
}

thread_local! {
    /// When the last handler of this turn let its thread go: the next one begins then, extractors
    /// included, and one look at the clock is enough for each.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A turn of a connection begins, or goes on: what it logs is written together.
pub(super) fn begin_turn() {
    log::gather();
}

/// The turn is over: what the thread does before the next one is no handler's fault.
pub(super) fn end_turn(io: Option<&Io>) {
    SINCE.set(None);
    if log::gathered()
        && let Some(log) = io.and_then(|io| io.core().log.as_ref())
    {
        log.nudge();
    }
}

/// When the handler that runs now began.
pub(super) fn began() -> Instant {
    let began = SINCE.get().unwrap_or_else(Instant::now);
    SINCE.set(Some(began));
    began
}

/// A handler lets its thread go, now; returns how long it has held it.
fn ended(began: Instant, core: &Core, whose: Whose<'_>) -> (Instant, Duration) {
    let now = Instant::now();
    SINCE.set(Some(now));
    let took = now - began;
    if took > core.slow_handler {
        count(&whose.counters().slow_polls, 1);
        tracing::warn!(
            socket = whose.socket.id(),
            namespace = whose.socket.namespace().name(),
            handler = %whose,
            ?took,
            "a handler held its thread: everybody else on it waited"
        );
    }
    (now, took)
}

fn report(whose: Whose<'_>, error: &Error) {
    count(&whose.counters().handler_errors, 1);
    tracing::warn!(
        socket = whose.socket.id(),
        namespace = whose.socket.namespace().name(),
        handler = %whose,
        %error,
        "a handler failed"
    );
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}
