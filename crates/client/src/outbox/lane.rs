//! What waits to be sent in one namespace, and what was sent and waits for its answer.

use std::collections::VecDeque;
use std::sync::Arc;

use socket_proto::{Encoded, OwnedArgs};
use tokio::time::Instant;

use super::queue::Queue;
use super::room::{Cost, Room};
use crate::DisconnectReason;
use crate::ack::{Pending, Silence, Waiter, tell};
use crate::retry::{Due, Kept, Reliable, Retries};

/// One socket's part of the outbox.
///
/// ```text
///              joined: it is sent from              answered
///  emit ──▶ queue ─────────▶ connection  (pending) ──▶ told
///             ▲                  │
///             └── reliable ──────┘ no answer in time, connection lost
/// ```
#[derive(Debug)]
pub(crate) struct Lane {
    queue: Queue<Waiting>,
    pending: Pending,
    pub(super) kept: Kept,
    room: Room,
    /// What is to be sent in front of the goodbye to a namespace that has been left.
    last_words: VecDeque<Encoded>,
    /// Whether the server has let us in.
    joined: bool,
    /// The reliable event in front is not on the disk yet.
    pub(super) is_held: bool,
    /// Questions that stand in the queue.
    asked: usize,
    /// What answers to the server's questions take.
    owed: usize,
    /// Volatile events that stand in the queue.
    volatile: usize,
}

/// One thing that waits.
#[derive(Debug)]
pub(crate) enum Waiting {
    Event(Event),
    /// A reliable event; what is sent is kept apart.
    Kept(u64),
    /// An answer to a question of the server.
    Answer(Encoded),
}

/// An event that is to be sent.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) packet: Encoded,
    pub(crate) cost: Cost,
    pub(crate) manner: Manner,
    /// The id under which an answer comes, if the event asks for one.
    pub(crate) id: Option<u64>,
    /// Who waits for the answer.
    pub(crate) waiter: Option<Waiter>,
}

/// What is done for an event.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// It is sent once.
    Once,
    /// It is dropped unless it can be sent at once.
    Volatile,
    /// It is sent until it is answered.
    Reliable(Arc<Retries>),
}

/// Where an event is found again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Its place among all that is emitted.
    pub(crate) number: u64,
    /// The id of its answer; without a meaning if it asks for none.
    pub(crate) id: u64,
}

impl Event {
    pub(crate) fn is_volatile(&self) -> bool {
        matches!(self.manner, Manner::Volatile)
    }
}

impl Lane {
    pub(crate) fn new(room: Room) -> Self {
        let (queue, pending, kept) = (Queue::new(), Pending::default(), Kept::default());
        Lane {
            queue,
            pending,
            kept,
            room,
            last_words: VecDeque::new(),
            joined: false,
            is_held: false,
            asked: 0,
            owed: 0,
            volatile: 0,
        }
    }

    /// How many answers are waited for, sent or not.
    pub(super) fn questions(&self) -> usize {
        self.pending.len() + self.asked + self.kept.len()
    }

    /// The number of what can be sent next.
    pub(super) fn first(&self) -> Option<u64> {
        self.queue.first().filter(|_| self.joined && !self.is_held)
    }

    /// If what is to be sent next stands in the durable outbox: its id, and its number there.
    pub(super) fn first_entry(&self) -> Option<(u64, u64)> {
        match self.queue.peek() {
            Some(Waiting::Kept(id)) => Some((*id, self.kept.get(*id)?.entry?)),
            Some(Waiting::Event(_) | Waiting::Answer(_)) | None => None,
        }
    }

    pub(super) fn is_joined(&self) -> bool {
        self.joined
    }

    pub(super) fn owed(&self) -> usize {
        self.owed
    }

    /// An event for which room has been taken.
    pub(super) fn push(&mut self, number: u64, event: Event) {
        self.asked += usize::from(event.waiter.is_some());
        self.volatile += usize::from(event.is_volatile());
        self.queue.put(number, Waiting::Event(event));
    }

    /// A reliable event for which room has been taken.
    pub(super) fn keep(&mut self, id: u64, event: Reliable) {
        self.queue.put(event.number, Waiting::Kept(id));
        self.kept.keep(id, event);
    }

    /// An answer to a question that the server asked in this session.
    pub(super) fn answer(&mut self, number: u64, packet: Encoded) {
        self.owed += packet.buffer.len();
        self.queue.put(number, Waiting::Answer(packet));
    }

    /// What is next, on its way to the connection; nothing if that is volatile and cannot be taken at once, or is gone.
    pub(super) fn pull(&mut self, writable: bool, now: Instant) -> Option<Encoded> {
        match self.queue.pop()?.1 {
            Waiting::Event(event) if event.is_volatile() && !writable => {
                self.drop_event(event, Silence::NotReady);
                None
            }
            Waiting::Event(event) => Some(self.send(event)),
            Waiting::Kept(id) => self.kept.send(id, now),
            Waiting::Answer(packet) => {
                self.owed -= packet.buffer.len();
                Some(packet)
            }
        }
    }

    /// The server has let us in.
    pub(super) fn join(&mut self) {
        // Nobody has said them: they were for a connection that is gone.
        self.last_words = VecDeque::new();
        self.joined = true;
    }

    /// Nothing can be sent here any more until it is joined again. What waits goes on waiting; who waits for the answer to
    /// something that was sent is told why there is none, but what is reliable stands in the queue again.
    pub(super) fn part(&mut self, reason: DisconnectReason) {
        self.joined = false;
        self.pending.end(&Silence::Disconnected(reason));
        for (number, id) in self.kept.lost() {
            self.queue.put(number, Waiting::Kept(id));
        }
        if self.volatile > 0 {
            let volatile =
                |one: &Waiting| matches!(one, Waiting::Event(event) if event.is_volatile());
            for one in self.queue.take_all(volatile) {
                self.drop_one(one, &Silence::NotReady);
            }
        }
    }

    /// The session is over: to the next one, the ids of its questions mean nothing.
    pub(super) fn end_session(&mut self) {
        if self.owed > 0 {
            self.queue.take_all(|one| matches!(one, Waiting::Answer(_)));
            self.owed = 0;
        }
    }

    /// Our user leaves: what waits is sent in front of the goodbye. But reliable events stay: their answers could not be heard any
    /// more.
    pub(super) fn leave(&mut self, reason: DisconnectReason) {
        if self.joined {
            for one in self.queue.take_all(|one| !matches!(one, Waiting::Kept(_))) {
                let last = match one {
                    Waiting::Event(event) => self.send(event),
                    Waiting::Answer(packet) => packet,
                    Waiting::Kept(_) => continue,
                };
                self.last_words.push_back(last);
            }
            self.owed = 0;
        }
        self.part(reason);
        self.end_session();
    }

    pub(super) fn take_last_words(&mut self) -> VecDeque<Encoded> {
        std::mem::take(&mut self.last_words)
    }

    /// The server has answered.
    pub(super) fn answered(&mut self, id: u64, args: OwnedArgs) -> Option<Reliable> {
        let Some(mut event) = self.kept.take(id) else {
            self.pending.answered(id, args);
            return None;
        };
        self.queue.take(event.number);
        self.room.give_back(event.cost);
        tell(event.tell.take(), Ok(args));
        Some(event)
    }

    /// Nobody waits for this answer any more. The event is sent all the same.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        self.pending.forget(ticket.id);
        self.kept.tell_nobody(ticket.id);
    }

    /// The answer has not come in time: if the event still waits, or is to be sent again, it is taken back.
    pub(super) fn take_back(&mut self, ticket: Ticket) -> Option<Reliable> {
        self.pending.forget(ticket.id);
        if let Some(event) = self.kept.take(ticket.id) {
            self.queue.take(ticket.number);
            self.room.give_back(event.cost);
            return Some(event);
        }
        if let Some(Waiting::Event(event)) = self.queue.take(ticket.number) {
            self.forget_event(&event);
        }
        None
    }

    /// Makes room by dropping the oldest event that may be dropped; false if there is none.
    pub(super) fn drop_oldest(&mut self) -> bool {
        let oldest = self.queue.take_first(|one| matches!(one, Waiting::Event(_)));
        let found = oldest.is_some();
        if let Some(oldest) = oldest {
            self.drop_one(oldest, &Silence::Dropped);
        }
        found
    }

    /// Time has passed: reliable events are to be sent again, or given up. The ones that are given up.
    pub(super) fn due(&mut self, now: Instant) -> Option<Reliable> {
        loop {
            match self.kept.due(now)? {
                Due::Again { number, id } => self.queue.put(number, Waiting::Kept(id)),
                Due::GivenUp(event) => {
                    self.queue.take(event.number);
                    return Some(self.give_up(event));
                }
            }
        }
    }

    /// A reliable event that was not kept where it should have been.
    pub(super) fn refuse(&mut self, id: u64, problem: Arc<str>) {
        let Some(event) = self.kept.take(id) else { return };
        self.queue.take(event.number);
        self.room.give_back(event.cost);
        tell(event.tell, Err(Silence::NotStored(problem)));
    }

    /// There will be no connection any more.
    pub(super) fn end(&mut self, reason: DisconnectReason) {
        self.part(reason);
        let why = Silence::Disconnected(reason);
        for one in self.queue.take_all(|_| true) {
            self.drop_one(one, &why);
        }
        for (_, event) in self.kept.drain() {
            self.room.give_back(event.cost);
            tell(event.tell, Err(why.clone()));
        }
        self.room.close();
    }

    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    fn send(&mut self, mut event: Event) -> Encoded {
        self.forget_event(&event);
        if let (Some(id), Some(waiter)) = (event.id, event.waiter.take()) {
            self.pending.sent(id, waiter);
        }
        event.packet
    }

    fn give_up(&mut self, mut event: Reliable) -> Reliable {
        self.room.give_back(event.cost);
        tell(event.tell.take(), Err(Silence::GivenUp(event.attempts())));
        event
    }

    fn drop_one(&mut self, one: Waiting, why: &Silence) {
        if let Waiting::Event(event) = one {
            self.drop_event(event, why.clone());
        }
    }

    fn drop_event(&mut self, mut event: Event, why: Silence) {
        self.forget_event(&event);
        tell(event.waiter.take(), Err(why));
    }

    /// It does not stand in the queue any more.
    fn forget_event(&mut self, event: &Event) {
        self.asked -= usize::from(event.waiter.is_some());
        self.volatile -= usize::from(event.is_volatile());
        self.room.give_back(event.cost);
    }
}
