//! Events: started in place where that is possible, parked in order where it is not.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use engine_proto::CloseReason;
use socket_proto::Slot;

use super::running::{Job, Task, Whose, poll_guarded, start_guarded};
use super::work::{Event, Work};
use super::{Client, Member, Phase, find};
use crate::ack::Owed;
use crate::basis::{Core, count};
use crate::extract::Call;
use crate::handler::{Entry, Running};
use crate::{Error, Socket};

/// An event has come.
///
/// # Errors
///
/// If it has to wait, and too many wait already.
pub(super) fn take_event(
    members: &[Option<Member>],
    work: &mut Option<Box<Work>>,
    slot: Slot,
    event: Event<'_>,
    now: Duration,
    cx: &mut Context<'_>,
) -> Result<(), CloseReason> {
    let Some(member) = find(members, slot).filter(|member| member.socket.is_connected()) else {
        return Ok(());
    };
    let core = member.socket.namespace().core();
    let greeting = member.phase == Phase::Greeting;
    let full = |work: &Work| !work.parked.is_empty() || work.unfinished >= core.unfinished;
    if greeting || work.as_deref().is_some_and(full) {
        let work = work.get_or_insert_default();
        let taken = work.park(slot, greeting, event, core.parked_bytes);
        return if taken { Ok(()) } else { Err(CloseReason::TooManyEvents) };
    }
    start_event(&member.socket, work, event, now, cx);
    Ok(())
}

/// Starts the handler of an event, and polls it once in place; it is kept only if it has to wait.
fn start_event(
    socket: &Socket,
    work: &mut Option<Box<Work>>,
    event: Event<'_>,
    now: Duration,
    cx: &mut Context<'_>,
) {
    let Event { name, args, ack } = event;
    let mut owed = Owed::new(ack);
    let (handler, before) = socket.namespace().event_handler(name);
    let Some(entry) = socket.own_handler(name).or(handler) else {
        tracing::debug!(namespace = socket.namespace().name(), event = name, "nobody handles it");
        return owed.fail(socket, &Error::new(format!("nobody handles `{name}`")));
    };
    let mut call = Call { socket, event: name, args, owed, reason: None };
    let started = match before {
        None => start_guarded(&entry, &mut call),
        Some(before) => start_behind(&before, &entry, &mut call),
    };
    owed = call.owed;
    let Ok(mut running) = owed.started(socket, started) else {
        return;
    };
    if let Some(durable) = socket.namespace().durable_part()
        && let Some(key) = durable.key_of(name, args)
    {
        running = durable.run_once(socket, key, ack, running);
    }
    let whose = Whose { socket, entry: &entry, event: name };
    if poll_guarded(Job::Event, whose, &mut running, &mut owed, cx).is_pending() {
        let event = if entry.takes_any { name.into() } else { Box::default() };
        let task = Task { event, owed, ..Task::new(Job::Event, socket.clone(), entry, running) };
        work.get_or_insert_default().keep(task, now);
    }
}

/// Makes the futures of the middlewares and of the handler, which runs if all of those agree.
fn start_behind(
    before: &[Arc<Entry>],
    entry: &Entry,
    call: &mut Call<'_>,
) -> Result<Running, Error> {
    let before = before.iter().map(|middleware| start_guarded(middleware, call));
    let before = before.collect::<Result<Vec<_>, _>>()?;
    let handler = start_guarded(entry, call)?;
    let slip = call.owed.slip();
    Ok(Box::pin(async move {
        for middleware in before {
            if let Err(error) = middleware.await {
                // The handler may have a sender, which is dropped with it.
                slip.inspect(|slip| slip.excuse(&error));
                return Err(error);
            }
        }
        handler.await
    }))
}

impl Client {
    /// Starts what is parked, as far as the limit of unfinished events allows. Whether there is
    /// more to start at once: others want their turn too.
    pub(super) fn start_parked(&mut self, cx: &mut Context<'_>) -> bool {
        let (Some(core), Ok(now)) = (self.core(), self.now()) else {
            return false;
        };
        for _ in 0..PARKED_PER_TURN {
            let Some(parked) = self.work.as_mut().and_then(|work| work.unpark(core.unfinished))
            else {
                return false;
            };
            let Some(socket) = self.socket_of(parked.slot) else {
                count(&core.counters.events_dropped, 1);
                continue;
            };
            start_event(&socket, &mut self.work, parked.event(), now, cx);
        }
        let more = |work: &Work| !work.parked.is_empty() && work.unfinished < core.unfinished;
        self.work.as_deref().is_some_and(more)
    }

    /// The socket of a parked event: connected, or leaving after its last events.
    pub(super) fn socket_of(&self, slot: Slot) -> Option<Socket> {
        let member = find(&self.members, slot).map(|member| &member.socket);
        let leaving = || {
            let leaving = &self.work.as_ref()?.leaving;
            let leaving = leaving.iter().map(|leaving| &leaving.member);
            leaving.into_iter().find(|member| member.slot == slot).map(|member| &member.socket)
        };
        member.filter(|socket| socket.is_connected()).or_else(leaving).cloned()
    }

    pub(super) fn core(&self) -> Option<Arc<Core>> {
        self.io.as_ref().map(|io| Arc::clone(io.core()))
    }
}

/// Parked events that are started before others have their turn.
const PARKED_PER_TURN: usize = 64;
