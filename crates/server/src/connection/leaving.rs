//! How sockets leave: once, whoever ends it, and with nothing left behind.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use engine_proto::CloseReason;
use socket_proto::Slot;

use super::running::{Job, Task, start_guarded};
use super::work::Leaving;
use super::{Client, Member, Phase};
use crate::extract::Call;
use crate::listeners::Chain;
use crate::stats::count;
use crate::{DisconnectReason, Error, Socket};

impl Client {
    /// Lets go of the sockets that our own side has disconnected.
    pub(super) fn sweep(&mut self, cx: &mut Context<'_>) {
        let ended = |place: &Option<Member>| {
            place.as_ref().is_some_and(|member| member.socket.disconnect_reason().is_some())
        };
        while let Some(index) = self.members.iter().position(ended) {
            let Some(member) = self.members[index].take() else {
                return;
            };
            let reason = member.socket.disconnect_reason();
            let reason = reason.unwrap_or(DisconnectReason::ServerNamespaceDisconnect);
            if member.phase == Phase::Connecting {
                let (slot, words) = (member.slot, member.socket.disconnect_description());
                self.members[index] = Some(member);
                self.refuse(slot, &Error::new(words.unwrap_or_else(|| reason.as_str().into())));
            } else {
                let now = self.now().unwrap_or_default();
                let _ = self.protocol.left(member.slot, now);
                let socket = member.socket.clone();
                self.depart(member, reason, cx);
                self.end_if_last(&socket);
            }
        }
    }

    /// If the whole connection is to end with this socket: every namespace is told, then it is
    /// closed.
    pub(super) fn end_if_last(&mut self, socket: &Socket) {
        if !socket.is_last() {
            return;
        }
        for member in self.members.iter().flatten() {
            member.socket.disconnect(false);
        }
        self.connection.close(CloseReason::ForcedClose);
    }

    /// A socket leaves: `on_disconnecting` runs while it still is in its rooms, and `on_disconnect`
    /// once its last events have been started.
    pub(super) fn depart(
        &mut self,
        member: Member,
        reason: DisconnectReason,
        cx: &mut Context<'_>,
    ) {
        let Member { slot, ref socket, phase, .. } = member;
        socket.end(reason);
        if phase == Phase::Connecting {
            return;
        }
        let disconnecting = socket.namespace().disconnecting_handlers();
        self.farewell(socket, reason, disconnecting.as_ref(), cx);
        if socket.is_overheard() {
            // What was sent before; there is no later turn for it.
            self.hear_sent_to(socket, cx);
        }
        socket.forget_membership();
        if reason == DisconnectReason::ServerNamespaceDisconnect {
            self.drop_events(slot, socket);
        }
        let greeting = phase == Phase::Greeting;
        if greeting || self.work.as_ref().is_some_and(|work| work.has_events_of(slot)) {
            let deadline = self.now().unwrap_or_default().saturating_add(LAST_EVENTS);
            let leaving = Leaving { member, reason, greeting, deadline };
            self.work.get_or_insert_default().wait_for(leaving);
        } else {
            let disconnect = socket.namespace().disconnect_handlers();
            self.farewell(socket, reason, disconnect.as_ref(), cx);
        }
    }

    /// Runs the handlers for sockets that leave.
    fn farewell(
        &mut self,
        socket: &Socket,
        reason: DisconnectReason,
        handlers: Option<&Chain>,
        cx: &mut Context<'_>,
    ) {
        for entry in handlers.into_iter().flat_map(|chain| chain.iter()) {
            // A failed extractor is in the log; there is nobody to answer.
            if let Ok(running) = start_guarded(entry, &mut Call::leaving(socket, reason)) {
                let entry = Arc::clone(entry);
                self.run(Task::new(Job::Farewell, socket.clone(), entry, running), cx);
            }
        }
    }

    /// Says goodbye to those for whom nothing is left to wait for.
    pub(super) fn say_farewells(&mut self, cx: &mut Context<'_>) {
        while let Some(leaving) = self.work.as_mut().and_then(|work| work.take_ready_to_leave()) {
            self.let_go(leaving, cx);
        }
    }

    /// Whoever is leaving waits only so long for what came before.
    pub(super) fn lose_patience(&mut self, now: Duration, cx: &mut Context<'_>) {
        let late = self.work.as_mut().map_or_else(Vec::new, |work| work.lose_patience(now));
        for leaving in late {
            self.drop_events(leaving.member.slot, &leaving.member.socket);
            self.let_go(leaving, cx);
        }
    }

    fn let_go(&mut self, leaving: Leaving, cx: &mut Context<'_>) {
        let Leaving { member, reason, .. } = leaving;
        let handlers = member.socket.namespace().disconnect_handlers();
        self.farewell(&member.socket, reason, handlers.as_ref(), cx);
    }

    fn drop_events(&mut self, slot: Slot, socket: &Socket) {
        let dropped = self.work.as_mut().map_or(0, |work| work.forget(slot));
        if dropped > 0 {
            let core = socket.namespace().core();
            count(&core.counters(socket.worker()).events_dropped, dropped);
            tracing::info!(
                socket = socket.id(),
                dropped,
                "events of a socket that has left were not started"
            );
        }
    }
}

/// How long `on_disconnect` waits until events that came before have been started, and for the body
/// of `on_connect`.
const LAST_EVENTS: Duration = Duration::from_secs(10);
