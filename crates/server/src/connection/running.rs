//! Handlers while they run: polled in place, kept aside while they wait, and never trusted.
//!
//! Every poll is guarded: a panic ends the handler and nothing else, and a handler that holds its
//! thread for too long is named in the log.

use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use socket_proto::Slot;

use crate::basis::{Core, count};
use crate::extract::Call;
use crate::handler::{Entry, Running};
use crate::{Error, Socket};

/// What a handler runs for, and so what follows when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// The middlewares of a socket that is connecting.
    Middleware(Slot),
    /// The body of `on_connect`.
    Greeting(Slot),
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
    pub(crate) running: Running,
}

impl Future for Task {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        let this = &mut *self;
        let polled = poll_guarded(this.job, &this.socket, &this.entry, &mut this.running, cx);
        polled.map(|result| Finished { job: this.job, result })
    }
}

/// Makes a handler's future. Its extractors are the user's code too.
///
/// # Errors
///
/// Words for the client, if an argument could not be had, or the handler panicked. The
/// acknowledgement, if there is one, is left in the call.
pub(crate) fn start_guarded(entry: &Entry, call: &mut Call<'_>) -> Result<Running, Error> {
    let socket = call.socket;
    let core = socket.namespace().core();
    began();
    let started = guarded(core, socket, entry, || entry.start(call))?;
    started.map_err(|error| {
        count(&core.counters.rejected_arguments, 1);
        tracing::info!(
            socket = socket.id(),
            namespace = socket.namespace().name(),
            handler = &*entry.label,
            "not called, {error}"
        );
        Error::new(error.message())
    })
}

/// Goes on with a handler.
pub(crate) fn poll_guarded(
    job: Job,
    socket: &Socket,
    entry: &Entry,
    running: &mut Running,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    let core = socket.namespace().core();
    let began = began();
    let polled = guarded(core, socket, entry, || running.as_mut().poll(cx));
    ended(began, core, socket, entry);
    match polled {
        Ok(Poll::Ready(Err(error))) => {
            if !matches!(job, Job::Middleware(_)) {
                report(core, socket, entry, &error);
            }
            Poll::Ready(Err(error))
        }
        Ok(polled) => polled,
        Err(panicked) => Poll::Ready(Err(panicked)),
    }
}

fn guarded<T>(
    core: &Core,
    socket: &Socket,
    entry: &Entry,
    act: impl FnOnce() -> T,
) -> Result<T, Error> {
    let outcome = catch_unwind(AssertUnwindSafe(act));
    outcome.map_err(|panic| {
        count(&core.counters.panics, 1);
        tracing::error!(
            socket = socket.id(),
            namespace = socket.namespace().name(),
            handler = &*entry.label,
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

/// The turn is over: what the thread does before the next one is no handler's fault.
pub(super) fn end_turn() {
    SINCE.set(None);
}

fn began() -> Instant {
    let began = SINCE.get().unwrap_or_else(Instant::now);
    SINCE.set(Some(began));
    began
}

fn ended(began: Instant, core: &Core, socket: &Socket, entry: &Entry) {
    let now = Instant::now();
    SINCE.set(Some(now));
    let took = now - began;
    if took > core.slow_handler {
        count(&core.counters.slow_polls, 1);
        tracing::warn!(
            socket = socket.id(),
            namespace = socket.namespace().name(),
            handler = &*entry.label,
            ?took,
            "a handler held its thread: everybody else on it waited"
        );
    }
}

fn report(core: &Core, socket: &Socket, entry: &Entry, error: &Error) {
    count(&core.counters.handler_errors, 1);
    tracing::warn!(
        socket = socket.id(),
        namespace = socket.namespace().name(),
        handler = &*entry.label,
        %error,
        "a handler failed"
    );
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}
