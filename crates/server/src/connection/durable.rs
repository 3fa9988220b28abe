//! A socket of a durable namespace: its admission, and reading the log when it has fallen behind.

use std::sync::Arc;
use std::task::Context;

use socket_proto::Slot;

use super::connecting::has_ended;
use super::running::{Job, Task};
use super::{Client, Follows, Greeting, Member, find};
use crate::durable::{Attached, Missed, Recall, Session, wish};
use crate::{Error, Socket};

impl Client {
    /// The middlewares agree, and the extractors: the namespace finds the socket its session.
    pub(super) fn admit(&mut self, slot: Slot, greeting: Option<Greeting>, cx: &mut Context<'_>) {
        let Some(Some(member)) = self.members.get_mut(slot.index()) else {
            return;
        };
        let socket = member.socket.clone();
        let Some(durable) = socket.namespace().durable_part().cloned() else {
            return;
        };
        if socket.claims_another() {
            return self.begin_anew(slot, &socket, Missed::OtherPrincipal, cx);
        }
        member.greeting = greeting.map(Box::new);
        let entry = Arc::clone(&durable.entry);
        let admitted = durable.admit(socket.clone());
        let running = Box::pin(async { admitted.await.map(|()| None) });
        self.run(Task::new(Job::Admission(slot), socket, entry, running), cx);
    }

    /// The session was not to be had: the client goes on as somebody new, or is refused.
    pub(super) fn not_admitted(&mut self, slot: Slot, error: &Error, cx: &mut Context<'_>) {
        let socket = find(&self.members, slot).map(|member| member.socket.clone());
        match socket.as_ref().and_then(|socket| Some((socket, socket.missed()?))) {
            Some((socket, missed)) if !has_ended(socket) => {
                self.begin_anew(slot, socket, missed, cx);
            }
            _ => self.refuse(slot, error),
        }
    }

    /// It cannot have what it claims: it is somebody new, and is looked at as such.
    fn begin_anew(&mut self, slot: Slot, old: &Socket, missed: Missed, cx: &mut Context<'_>) {
        let (namespace, auth) = (old.namespace().clone(), old.auth());
        let (connection, handshake) = (self.connection.clone(), Arc::clone(&self.handshake));
        let recall = Recall::Lost(missed, None);
        if let Some(child) = namespace.childhood() {
            // Before the one leaves whose place it takes.
            child.enter();
        }
        let socket = Socket::connecting(namespace, connection, handshake, auth, recall);
        self.members[slot.index()] = Some(Member::connecting(slot, socket));
        self.begin(slot, cx);
    }

    /// It has its session, and what it missed, or nearly all: the CONNECT is answered.
    pub(super) fn let_in(&mut self, slot: Slot, cx: &mut Context<'_>) {
        let Some(Some(member)) = self.members.get_mut(slot.index()) else {
            return;
        };
        let (socket, greeting) = (member.socket.clone(), member.greeting.take());
        if has_ended(&socket) {
            return self.sweep(cx);
        }
        let Some(durable) = socket.namespace().durable_part().cloned() else {
            return;
        };
        if !self.protocol.accepted(slot) {
            return drop(self.take_member(slot));
        }
        match durable.attach(&socket, true) {
            Attached::Live | Attached::Held => {}
            Attached::Behind => socket.session().into_iter().for_each(|one| one.follow(&socket)),
            Attached::Gone => return self.turn_away(slot),
        }
        tell_gap(&socket);
        self.answer_early(&socket);
        self.greet(slot, greeting.map(|greeting| *greeting), cx);
    }

    /// Answers that came ahead of the CONNECT find who waits for them.
    fn answer_early(&mut self, socket: &Socket) {
        let Some(early) = &mut self.early else { return };
        for (id, args) in early.take(socket.namespace().name()) {
            socket.answered(id, args.as_args());
        }
        if early.is_empty() {
            self.early = None;
        }
    }

    pub(super) fn sessions(&self, act: impl Fn(&Session, &Socket)) {
        for member in self.members.iter().flatten() {
            if let Some(session) = member.socket.session() {
                act(session, &member.socket);
            }
        }
    }

    /// Does what others want of the sessions. Those whose outbox was full read the log, at the pace at which
    /// their client reads.
    pub(super) fn heed_sessions(&mut self, cx: &mut Context<'_>) {
        for index in 0..self.members.len() {
            let socket = self.members[index].as_ref().map(|member| &member.socket);
            let session = socket.and_then(|socket| Some((socket.session()?, socket)));
            let wishes = session.map_or(0, |(session, socket)| session.take_wishes(socket));
            self.wants_ping |= wishes & wish::PING != 0;
            if wishes & wish::TELL != 0 {
                socket.filter(|one| one.is_connected()).into_iter().for_each(tell_gap);
            }
            if wishes & wish::FOLLOW != 0 {
                self.follow(index, cx);
            }
        }
    }

    /// One reader at a time: whoever wants another one gets it when this one is done.
    fn follow(&mut self, index: usize, cx: &mut Context<'_>) {
        let Some(member) = &mut self.members[index] else {
            return;
        };
        let (slot, socket) = (member.slot, member.socket.clone());
        let Some(durable) = socket.namespace().durable_part().cloned() else {
            return;
        };
        if member.follows != Follows::Not {
            member.follows = Follows::Again;
            return;
        }
        member.follows = Follows::Once;
        let entry = Arc::clone(&durable.entry);
        let following = durable.follow(socket.clone());
        let running = Box::pin(async {
            following.await;
            Ok(None)
        });
        self.run(Task::new(Job::Following(slot), socket, entry, running), cx);
    }

    /// It has read what there was: it is live again, or there is more by now.
    pub(super) fn caught_up(&mut self, slot: Slot) {
        let Some(Some(member)) = self.members.get_mut(slot.index()) else {
            return;
        };
        if member.slot != slot {
            return;
        }
        let again = std::mem::take(&mut member.follows) == Follows::Again;
        let socket = &member.socket;
        if let Some((durable, session)) = socket.durable_session()
            && (durable.attach(socket, false) == Attached::Behind || again)
        {
            // In the next turn: what was pushed has to be written first.
            session.follow(socket);
        }
    }
}

/// What has not been told with the session: rooms that its client may not hear any more, or all of it where the log
/// took nothing.
fn tell_gap(socket: &Socket) {
    if let Some((durable, session)) = socket.durable_session() {
        durable.tell_gap(socket, session);
    }
}
