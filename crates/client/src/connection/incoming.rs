//! What the server says.

use std::borrow::Cow;
use std::sync::Arc;

use engine_client::{Broken, LOW, Message, Open, Queue, Transport, Upper};
use socket_proto::client::Incoming;
use socket_proto::{Args, Encoded, ProtocolError, Slot};
use tokio::time::Instant;

use super::door::send;
use super::early::Early;
use super::members::{Member, Members, Step};
use super::work::{Event, Work};
use crate::reconnect::Backoff;
use crate::socket::Core;
use crate::socket::Handled;
use crate::{ConnectError, Refused};

/// The connection, while its engine has the turn.
pub(super) struct Turn<'a> {
    pub(super) members: &'a mut Members,
    pub(super) work: &'a mut Work,
    pub(super) backoff: &'a mut Backoff,
    /// When the turn began: one look at the clock for all that it brings.
    pub(super) now: Instant,
}

/// What a packet asks for, once it does not borrow the protocol any more.
enum After {
    Nothing,
    Connected { slot: Slot, sid: String, pid: Option<String> },
    Refused { slot: Slot, error: ConnectError },
    Dismissed { slot: Slot },
}

impl Upper for Turn<'_> {
    fn opened(&mut self, open: &Open, queue: &mut Queue) {
        self.members.dialect.opened(open);
        self.members.look(self.work, queue);
        self.work.hub.note_change();
    }

    fn upgraded(&mut self, _: Transport) {
        self.work.hub.note_change();
    }

    fn message(&mut self, message: Message<'_>, queue: &mut Queue) -> Result<(), Broken> {
        if self.members.door.is_open() {
            return self.follow(message, queue);
        }
        let most = self.work.hub.config.limits.attachments;
        let unpacked = self.members.door.unpack(message, most);
        let (text, attachments) = unpacked.map_err(|problem| Broken::from(problem.to_string()))?;
        self.follow(Message::Text(&text), queue)?;
        for attachment in &attachments {
            self.follow(Message::Binary(attachment), queue)?;
        }
        Ok(())
    }

    fn refill(&mut self, writable: bool, queue: &mut Queue) {
        self.join_given(queue);
        let now = self.now;
        self.work.hub.look();
        while queue.bytes() < LOW {
            // Not held while a packet is written: a parser is code of our user.
            let packet = self.work.hub.outbox.lock().pull(writable, now);
            let Some(packet) = packet else { return };
            self.overhear(&packet);
            send(&self.members.door, packet, queue);
        }
    }

    fn takes_more(&self) -> bool {
        // A question that is asked from here on has to wake us: its answer is let through.
        self.has_room() || {
            self.work.hub.look();
            self.has_room()
        }
    }
}

impl Turn<'_> {
    fn has_room(&self) -> bool {
        // Whoever asks without end and takes no answers is not listened to. It is polled again when it has taken some.
        let (is_crowded, awaits_answers) = {
            let outbox = self.work.hub.outbox.lock();
            (outbox.is_crowded(), outbox.awaits_answers())
        };
        let cores = self.members.all.iter().map(|member| &member.core);
        !is_crowded && self.work.takes_more(cores, awaits_answers)
    }

    /// A packet, or an attachment.
    fn follow(&mut self, message: Message<'_>, queue: &mut Queue) -> Result<(), Broken> {
        let (is_binary, message) = match message {
            Message::Text(text) => (false, socket_proto::Message::Text(text)),
            Message::Binary(data) => (true, socket_proto::Message::Binary(data)),
        };
        let after = self.take_in(message)?;
        if is_binary {
            self.members.protocol.release();
        }
        match after {
            After::Nothing => {}
            After::Connected { slot, sid, pid } => {
                self.connected(slot, &sid, pid.as_deref(), queue);
            }
            After::Refused { slot, error } => self.refused(slot, &error),
            After::Dismissed { slot } => self.dismissed(slot),
        }
        Ok(())
    }

    /// Tells those who want to hear what is sent.
    fn overhear(&mut self, packet: &Encoded) {
        let mut cores = self.members.all.iter().map(|member| &member.core);
        if cores.clone().any(|core| core.hearing.is_overheard())
            && let Some(core) = cores.find(|core| core.namespace() == namespace_of(packet.text()))
        {
            self.work.sent(core, packet);
        }
    }

    fn take_in(&mut self, message: socket_proto::Message<'_>) -> Result<After, Broken> {
        let now = self.members.time_at(self.now);
        let Members { protocol, dialect, all, .. } = &mut *self.members;
        let read;
        let message = match message {
            socket_proto::Message::Text(text) => {
                read = dialect.read(text, protocol);
                let Some(text) = &read else { return Ok(After::Nothing) };
                socket_proto::Message::Text(text)
            }
            binary @ socket_proto::Message::Binary(_) => binary,
        };
        let incoming = match protocol.receive(message, now) {
            Ok(Some(incoming)) => incoming,
            Ok(None) => return Ok(After::Nothing),
            Err(problem) => return Err(self.violation(&problem)),
        };
        Ok(match incoming {
            Incoming::Event { slot, name, args, ack } => {
                hear(all, self.work, slot, Event { name: &name, args, ack })?;
                After::Nothing
            }
            Incoming::Ack { slot, id, args } => {
                answer(all, slot, id, args);
                After::Nothing
            }
            Incoming::Connected { slot, sid, pid } => {
                let pid = pid.map(Cow::into_owned);
                After::Connected { slot, sid: sid.into_owned(), pid }
            }
            Incoming::Refused { slot, message, data } => {
                let error = ConnectError::Refused(Refused::new(&message, data).into());
                After::Refused { slot, error }
            }
            Incoming::Disconnect { slot } => After::Dismissed { slot },
        })
    }

    /// Who is in a namespace already, without having asked the server for it.
    fn join_given(&mut self, queue: &mut Queue) {
        if let Some((slot, sid)) = self.members.dialect.take_given()
            && self.members.protocol.accepted(slot)
        {
            self.connected(slot, &sid, None, queue);
        }
    }

    /// The server has let a socket in. If its user has left meanwhile, it leaves now.
    fn connected(&mut self, slot: Slot, sid: &str, pid: Option<&str>, queue: &mut Queue) {
        let Some(at) = self.members.position(slot) else { return };
        let member = &mut self.members.all[at];
        let (core, turn) = (member.core.clone(), member.turn);
        if !core.join(turn, sid, pid) {
            self.members.all.remove(at);
            self.members.say_goodbye(self.work, &core, slot, queue);
            return self.work.hub.note_change();
        }
        let before = std::mem::replace(&mut member.step, Step::Joined { slot });
        self.members.note_joined();
        self.backoff.joined();
        if let Step::Asked { early, .. } = before {
            self.hear_early(at, early);
        }
        if core.life.turn() == turn {
            self.work.connected(&core);
        }
    }

    /// What came before its CONNECT reply comes before everything else.
    fn hear_early(&mut self, at: usize, early: Early) {
        let member = &self.members.all[at];
        for kept in early.into_events() {
            if member.has_left() {
                return;
            }
            let event = Event { name: &kept.name, args: kept.args.as_args(), ack: kept.ack };
            tell(self.work, &member.core, event);
        }
    }

    fn refused(&mut self, slot: Slot, error: &ConnectError) {
        if let Some(at) = self.members.position(slot) {
            let member = self.members.all.remove(at);
            self.work.refused(&member.core, member.turn, error);
        }
    }

    fn dismissed(&mut self, slot: Slot) {
        if let Some(at) = self.members.position(slot) {
            let Member { core, turn, step } = self.members.all.remove(at);
            self.work.dismissed(&core, turn, matches!(step, Step::Joined { .. }));
        }
    }

    /// The server broke the protocol.
    fn violation(&mut self, problem: &ProtocolError) -> Broken {
        if *problem == ProtocolError::NoSid {
            // It will not learn by being asked again.
            for member in std::mem::take(&mut self.members.all) {
                self.work.refused(&member.core, member.turn, &ConnectError::OldServer);
            }
        }
        Broken::from(problem.to_string())
    }
}

/// An event for one of the sockets. What comes before its socket is connected is kept; what comes after its user has left is not
/// heard.
fn hear(
    members: &mut [Member],
    work: &mut Work,
    slot: Slot,
    event: Event<'_>,
) -> Result<(), Broken> {
    let found = members.iter_mut().find(|member| member.slot() == Some(slot));
    let Some(member) = found.filter(|member| !member.has_left()) else {
        return Ok(());
    };
    let Step::Asked { early, .. } = &mut member.step else {
        tell(work, &member.core, event);
        return Ok(());
    };
    let limit = work.hub.config.early_bytes;
    if early.keep(limit, event) {
        return Ok(());
    }
    // It would come again and again: a new session is begun, and the user sees that it is not recovered.
    member.core.forget_position();
    Err(format!("more than {limit} bytes of events came before the answer to CONNECT").into())
}

/// An event is told to those who listen, and the socket stands behind it.
fn tell(work: &mut Work, core: &Arc<Core>, event: Event<'_>) {
    if core.ticked(event.name, event.args, event.ack.is_some()) {
        return;
    }
    let mark = core.took(event.args, event.ack.is_some());
    let handled = mark.map(|mark| Handled::new(core, mark));
    work.event(core, event, handled.as_ref());
}

fn answer(members: &[Member], slot: Slot, id: u64, args: Args<'_>) {
    let found = members.iter().find(|member| member.slot() == Some(slot));
    if let Some(member) = found.filter(|member| !member.has_left()) {
        member.core.answered(id, args);
    }
}

/// The namespace that a packet is for, as the default parser writes it.
fn namespace_of(text: &str) -> &str {
    let behind = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    let named = behind.starts_with('/').then(|| behind.split([',', '?']).next());
    named.flatten().unwrap_or("/")
}
