//! The handlers of an event: each polled once in place, and kept aside only if it has to wait.
//!
//! ```text
//!                     one handler       middlewares and handler are one future
//!  event, listeners ─┤
//!                     several           middlewares ─ gate ┬▶ handler ─┐
//!                                                          ├▶ handler ─┼▶ one question: the first that
//!                                                          └▶ handler ─┘  has something to say answers
//! ```

use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::Shared;
use handler::verdict::is_empty;
use tokio::sync::oneshot;
use tokio::task::{Unconstrained, unconstrained};
use tracing::{Instrument, Span};

use super::running::{Job, Task, Whose, began, poll_guarded, start_guarded};
use super::work::{Event, Work};
use crate::ack::{Owed, Question};
use crate::durable::Durable;
use crate::extract::Call;
use crate::handler::{Entry, Running};
use crate::listeners::Listeners;
use crate::stats::count;
use crate::{Error, Socket};

/// Whose event it is, and what what waits is kept in.
pub(super) struct Turn<'a, 'w, 'c> {
    pub(super) socket: &'a Socket,
    pub(super) work: &'a mut Option<Box<Work>>,
    pub(super) now: Duration,
    pub(super) cx: &'w mut Context<'c>,
    pub(super) span: Span,
}

impl Turn<'_, '_, '_> {
    /// Starts the handlers of an event.
    pub(super) fn start(&mut self, event: Event<'_>) {
        let listeners = self.socket.listeners(event.name);
        let span = self.span.clone();
        let _inside = span.enter();
        match (listeners.watching(), listeners.answering()) {
            ([], [entry]) => self.start_alone(&listeners, entry, event),
            (_, []) => nobody_handles(self.socket, event),
            _ => self.start_several(&listeners, event),
        }
    }

    /// Starts those who hear an event that was sent: nothing is owed for it.
    pub(super) fn hear(&mut self, listeners: &[Arc<Entry>], event: Event<'_>) {
        let span = self.span.clone();
        let _inside = span.enter();
        for entry in listeners {
            self.start_some(std::slice::from_ref(entry), event, Owed::Nothing, |running| running);
        }
    }

    fn start_alone(&mut self, listeners: &Listeners, entry: &Arc<Entry>, event: Event<'_>) {
        let since = began();
        let mut call = Call::of(self.socket, event, Owed::new(event.ack));
        let started = match listeners.before.as_deref() {
            None => start_guarded(entry, &mut call),
            Some(before) => start_in_turn(before, std::slice::from_ref(entry), &mut call),
        };
        let mut owed = call.owed;
        let Ok(mut running) = owed.started(self.socket, started) else {
            return;
        };
        if let Some((durable, key)) = key_of(self.socket, event) {
            running = durable.run_once(self.socket, key, event.ack, running);
        }
        self.poll(entry, event, owed, running, since);
    }

    /// Each is on its own: what it waits for and how it ends is nothing to the others.
    fn start_several(&mut self, listeners: &Listeners, event: Event<'_>) {
        let question = event.ack.map(|id| Question::new(self.socket, id));
        let question = question.as_ref();
        let Ok(gate) = self.start_gate(listeners, event, question) else {
            return;
        };
        let behind = |running| match gate.clone() {
            None => running,
            Some(gate) => wait_at(gate, running),
        };
        for entry in listeners.watching() {
            self.start_some(std::slice::from_ref(entry), event, Owed::Nothing, behind);
        }
        let answering = listeners.answering();
        if let Some((durable, key)) = key_of(self.socket, event) {
            // What is handled once has one answer, which is kept when all of them are done.
            let once = |running| durable.run_once(self.socket, key, event.ack, running);
            self.start_some(answering, event, Owed::one_of(question), |all| behind(once(all)));
            return;
        }
        for entry in answering {
            self.start_some(std::slice::from_ref(entry), event, Owed::one_of(question), behind);
        }
    }

    /// The middlewares of an event with several handlers; those wait for what comes back.
    ///
    /// # Errors
    ///
    /// If one could not be started: the client has been told.
    fn start_gate(
        &mut self,
        listeners: &Listeners,
        event: Event<'_>,
        question: Option<&Arc<Question>>,
    ) -> Result<Option<Gate>, Error> {
        let Some(before) = listeners.before.as_deref() else {
            return Ok(None);
        };
        let since = began();
        let mut call = Call::of(self.socket, event, Owed::one_of(question));
        let started = start_in_turn(before, &[], &mut call);
        let mut owed = call.owed;
        let deciding = owed.started(self.socket, started)?;
        let (open, opened) = oneshot::channel();
        let deciding = deciding.inspect(|agreed| {
            if agreed.is_ok() {
                let _ = open.send(());
            }
        });
        self.poll(&before[0], event, owed, Box::pin(deciding), since);
        // The runtime holds up a task that has done much; handlers would overtake each other.
        Ok(Some(unconstrained(opened).shared()))
    }

    /// Several run one after the other.
    fn start_some(
        &mut self,
        entries: &[Arc<Entry>],
        event: Event<'_>,
        owed: Owed,
        wrap: impl FnOnce(Running) -> Running,
    ) {
        let since = began();
        let mut call = Call::of(self.socket, event, owed);
        let started = match entries {
            [entry] => start_guarded(entry, &mut call),
            several => start_in_turn(&[], several, &mut call),
        };
        let mut owed = call.owed;
        if let Ok(running) = owed.started(self.socket, started) {
            self.poll(&entries[0], event, owed, wrap(running), since);
        }
    }

    fn poll(
        &mut self,
        entry: &Arc<Entry>,
        event: Event<'_>,
        mut owed: Owed,
        mut running: Running,
        since: Instant,
    ) {
        let socket = self.socket;
        let whose = Whose { socket, entry, event: event.name };
        if poll_guarded(Job::Event, whose, since, &mut running, &mut owed, self.cx).is_pending() {
            if !self.span.is_disabled() {
                running = Box::pin(running.instrument(self.span.clone()));
            }
            let name = if entry.takes_any { event.name.into() } else { Box::default() };
            let task = Task::new(Job::Event, socket.clone(), Arc::clone(entry), running);
            let task = Task { event: name, owed, started: since, ..task };
            self.work.get_or_insert_default().keep(task, self.now);
        }
    }
}

/// What handlers of an event do is in a span of its own, if somebody listens.
pub(super) fn span_of(socket: &Socket, event: &str) -> Span {
    tracing::debug_span!(
        target: "sockeye::event",
        "event",
        name = event,
        namespace = socket.namespace().name(),
        socket = socket.id(),
    )
}

/// Open when the middlewares have agreed; gone when they have not.
type Gate = Shared<Unconstrained<oneshot::Receiver<()>>>;

fn wait_at(gate: Gate, running: Running) -> Running {
    Box::pin(async move {
        match gate.await {
            Ok(()) => running.await,
            // The middlewares have answered.
            Err(_) => Ok(None),
        }
    })
}

/// Makes the futures of middlewares and handlers, which run one after the other as long as all agree. The answer is
/// what the first says that says anything.
fn start_in_turn(
    before: &[Arc<Entry>],
    handlers: &[Arc<Entry>],
    call: &mut Call<'_>,
) -> Result<Running, Error> {
    let mut start = |entry: &Arc<Entry>| start_guarded(entry, call);
    let before = before.iter().map(&mut start).collect::<Result<Vec<_>, _>>()?;
    let handlers = handlers.iter().map(&mut start).collect::<Result<Vec<_>, _>>()?;
    let slip = call.owed.slip();
    Ok(Box::pin(async move {
        for middleware in before {
            if let Err(error) = middleware.await {
                // The handler may have a sender, which is dropped with it.
                slip.inspect(|slip| slip.excuse(&error));
                return Err(error);
            }
        }
        let mut answer = None;
        for handler in handlers {
            let said = handler.await?;
            answer = answer.filter(|answer| !is_empty(answer)).or(said);
        }
        Ok(answer)
    }))
}

/// By what an event is handled once, if it is.
#[inline]
fn key_of<'a>(socket: &'a Socket, event: Event<'_>) -> Option<(&'a Arc<Durable>, String)> {
    let durable = socket.namespace().durable_part()?;
    Some((durable, durable.key_of(event.name, event.args)?))
}

fn nobody_handles(socket: &Socket, Event { name, ack, .. }: Event<'_>) {
    tracing::debug!(namespace = socket.namespace().name(), event = name, "nobody handles it");
    count(&socket.namespace().core().counters(socket.worker()).unhandled, 1);
    Owed::new(ack).fail(socket, &Error::new(format!("nobody handles `{name}`")));
}
