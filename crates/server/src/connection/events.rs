//! Events: started in place where that is possible, parked in order where it is not.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use engine_proto::CloseReason;
use socket_proto::Slot;

use super::starting::{Turn, span_of};
use super::work::{Event, Work};
use super::{Client, Member, Phase, find};
use crate::Socket;
use crate::basis::Core;
use crate::stats::count;

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
    if greeting || work.as_deref().is_some_and(full) || !in_time(&member.socket, work, now) {
        let work = work.get_or_insert_default();
        let taken = work.park(slot, greeting, event, core.parked_bytes);
        return if taken { Ok(()) } else { Err(CloseReason::TooManyEvents) };
    }
    let span = span_of(&member.socket, event.name);
    Turn { socket: &member.socket, work, now, cx, span }.start(event);
    Ok(())
}

/// Whether an event may start now, by the rate of its client.
fn in_time(socket: &Socket, work: &mut Option<Box<Work>>, now: Duration) -> bool {
    let Some(rate) = socket.namespace().core().limits.events else {
        return true;
    };
    let in_time = work.get_or_insert_default().keeps_pace(Some(rate), now);
    if !in_time {
        count(&socket.counters().events_slowed, 1);
    }
    in_time
}

impl Client {
    /// Starts what is parked, as far as the limit of unfinished events allows. Whether there is
    /// more to start at once: others want their turn too.
    pub(super) fn start_parked(&mut self, cx: &mut Context<'_>) -> bool {
        let (Some(core), Ok(now)) = (self.core(), self.now()) else {
            return false;
        };
        for _ in 0..PARKED_PER_TURN {
            let parked = self.work.as_mut().and_then(|work| {
                let due = work.has_due(core.unfinished) && work.keeps_pace(core.limits.events, now);
                if due { work.unpark(core.unfinished) } else { None }
            });
            let Some(parked) = parked else {
                return false;
            };
            let Some(socket) = self.socket_of(parked.slot) else {
                count(&core.counters(self.connection.worker()).events_dropped, 1);
                continue;
            };
            let event = parked.event();
            let span = span_of(&socket, event.name);
            Turn { socket: &socket, work: &mut self.work, now, cx, span }.start(event);
        }
        self.work.as_deref().is_some_and(|work| work.has_due(core.unfinished))
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
