//! What waits to be sent to one connection: counted in bytes, with a policy at the limit.
//!
//! ```text
//!           push                      flush                     written
//!  users ─────────▶ queue ─────────────────────────▶ unsent ─────────────▶ kernel
//!                   any thread, own lock             whoever holds the claim
//! ```
//!
//! The lock guards the queue and the marks beside it, and is never held while anything is encoded, written
//! or awaited.

use std::sync::Arc;
use std::task::Waker;

use engine_proto::{CloseReason, Control};

use crate::Encoded;
use crate::queue::Queue;

/// Whether a packet may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It may not: a connection that cannot take it is closed.
    Normal,
    /// It may: a connection that is not ready for it does not get it.
    Volatile,
}

/// Whom a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// This connection alone: it leaves with whatever the turn of its task has for it.
    One,
    /// Others too. It leaves when the worker's turn ends, even if the connection's own task pushes it: where
    /// everybody speaks to everybody, what several tasks push meets in one write.
    Several,
}

/// What became of a pushed packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// It will be sent at the end of the turn.
    Queued,
    /// It was volatile, and the connection was not ready.
    Dropped,
    /// The outbox is full: the connection is being closed as a slow consumer.
    Overflow,
    /// The connection is closed already.
    Closed,
}

/// One thing to send.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Packet(Arc<Encoded>),
    Control(Control),
    /// A control frame of the WebSocket layer: a pong, a close.
    Frame(Box<[u8]>),
}

impl Entry {
    /// Whether an answer with it may be compressed.
    pub(crate) fn is_compressible(&self) -> bool {
        matches!(self, Entry::Packet(packet) if packet.is_compressible())
    }

    /// What the entry is counted as: its bytes, and what holding it costs.
    #[inline]
    pub(crate) fn cost(&self) -> usize {
        const HOLDING: usize = 64;
        HOLDING
            + match self {
                Entry::Packet(packet) => packet.len(),
                Entry::Control(control) => control.as_str().len(),
                Entry::Frame(frame) => frame.len(),
            }
    }
}

/// How what is queued reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A TCP socket that anybody with the claim can write to.
    Socket,
    /// Only the connection's own task can: polling answers, TLS, foreign streams.
    Task,
}

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // independent marks, each with its own setter
pub(crate) struct Outbox {
    pub(crate) queue: Queue,
    /// The cost of what is queued or unsent.
    pub(crate) bytes: usize,
    /// So much of it, or of what has been written since it was empty, is one packet that is larger than the limit.
    large: usize,
    pub(crate) way: Way,
    /// The connection's own task is in its turn, and will flush before it sleeps.
    pub(crate) owned: bool,
    /// On the worker's dirty list.
    pub(crate) dirty: bool,
    /// Somebody holds the claim: what is pushed now will be seen before it is given up.
    pub(crate) flushing: bool,
    /// The socket takes no more for now; its task waits for it.
    pub(crate) blocked: bool,
    /// The client is ready for a volatile packet: always on a WebSocket, with a held GET on polling.
    pub(crate) ready: bool,
    /// Somebody wants the session closed; its task will do it.
    pub(crate) wish: Option<CloseReason>,
    pub(crate) closed: bool,
    /// Something in the queue was sent to others as well: more of it is likely to come in this turn.
    pub(crate) shared: bool,
    /// Who waits until less is queued. In a box: few ever do.
    pub(crate) drained: Option<Box<Drained>>,
}

/// Somebody who waits until at most so many bytes are queued.
#[derive(Debug)]
pub(crate) struct Drained {
    pub(crate) bytes: usize,
    pub(crate) waker: Waker,
}

/// What whoever pushed has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: somebody will flush.
    Nothing,
    /// Put the connection on the dirty list.
    Mark,
}

impl Outbox {
    pub(crate) fn new(way: Way) -> Self {
        Outbox {
            queue: Queue::default(),
            bytes: 0,
            large: 0,
            way,
            owned: true,
            dirty: false,
            flushing: false,
            blocked: false,
            ready: way == Way::Socket,
            wish: None,
            closed: false,
            shared: false,
            drained: None,
        }
    }

    /// So much of what was queued has been written, or is not to be.
    pub(crate) fn give_back(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        if self.bytes == 0 {
            self.large = 0;
        }
        if self.drained.as_ref().is_some_and(|drained| self.bytes <= drained.bytes) {
            self.tell_drained();
        }
    }

    /// What counts against the limit. An empty outbox takes one packet of any size, and what comes behind it has as
    /// much room as ever: else a client would be closed whenever it is sent something large, and never get it.
    pub(crate) fn counted(&self) -> usize {
        self.bytes.saturating_sub(self.large)
    }

    fn tell_drained(&mut self) {
        if let Some(drained) = self.drained.take() {
            drained.waker.wake();
        }
    }

    /// Takes a packet in, by its class and the limit.
    pub(crate) fn push(
        &mut self,
        packet: &Arc<Encoded>,
        class: Class,
        recipients: Recipients,
        limit: usize,
    ) -> (Pushed, Next) {
        if self.closed || self.wish.is_some() {
            return (Pushed::Closed, Next::Nothing);
        }
        if class == Class::Volatile && (self.blocked || !self.ready) {
            return (Pushed::Dropped, Next::Nothing);
        }
        let entry = Entry::Packet(Arc::clone(packet));
        let cost = entry.cost();
        // Somebody is writing at this very moment: what is on its way still counts.
        let limit = if self.flushing { limit.saturating_mul(2) } else { limit };
        if self.bytes > 0 && self.counted() + cost > limit {
            let pushed = if class == Class::Volatile { Pushed::Dropped } else { Pushed::Overflow };
            return (pushed, Next::Nothing);
        }
        if cost > limit {
            self.large = cost;
        }
        self.shared |= recipients == Recipients::Several;
        (Pushed::Queued, self.add(entry))
    }

    /// Takes in two packets that belong together, or none of them.
    pub(crate) fn push_pair(
        &mut self,
        [first, second]: [&Arc<Encoded>; 2],
        recipients: Recipients,
        limit: usize,
    ) -> (Pushed, Next) {
        let second = Entry::Packet(Arc::clone(second));
        let left = limit.saturating_sub(second.cost());
        let (pushed, next) = self.push(first, Class::Normal, recipients, left);
        if pushed == Pushed::Queued {
            // Whatever the first has asked for serves both.
            let _ = self.add(second);
        }
        (pushed, next)
    }

    /// Takes in what the protocol itself has to say, whatever the limit: it is bounded by the machine.
    pub(crate) fn add(&mut self, entry: Entry) -> Next {
        self.bytes += entry.cost();
        self.queue.push_back(entry);
        if self.owned || self.blocked || self.flushing { Next::Nothing } else { self.mark() }
    }

    /// It is dirty from now on; what that means for the worker's list.
    pub(crate) fn mark(&mut self) -> Next {
        if std::mem::replace(&mut self.dirty, true) { Next::Nothing } else { Next::Mark }
    }

    /// Drops what is queued; what is half written stays.
    pub(crate) fn forget_queue(&mut self) {
        let forgotten: usize = std::mem::take(&mut self.queue).iter().map(Entry::cost).sum();
        self.give_back(forgotten);
    }

    /// Forgets everything and takes no more.
    pub(crate) fn shut(&mut self) {
        self.closed = true;
        self.queue = Queue::default();
        self.bytes = 0;
        self.tell_drained();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(way: Way) -> Outbox {
        let mut outbox = Outbox::new(way);
        outbox.owned = false;
        outbox
    }

    #[test]
    fn the_first_push_of_a_turn_marks_the_connection_and_the_others_do_not() {
        let (mut outbox, packet) = (idle(Way::Socket), Encoded::message("2[]"));
        assert_eq!(
            outbox.push(&packet, Class::Normal, Recipients::One, 1000),
            (Pushed::Queued, Next::Mark)
        );
        assert_eq!(
            outbox.push(&packet, Class::Normal, Recipients::One, 1000),
            (Pushed::Queued, Next::Nothing)
        );
    }

    #[test]
    fn what_the_own_task_pushes_needs_no_mark() {
        let (mut outbox, packet) = (Outbox::new(Way::Socket), Encoded::message("2[]"));
        assert_eq!(
            outbox.push(&packet, Class::Normal, Recipients::One, 1000),
            (Pushed::Queued, Next::Nothing)
        );
    }

    #[test]
    fn past_the_limit_a_volatile_packet_is_dropped_and_another_overflows() {
        let (mut outbox, packet) = (idle(Way::Socket), Encoded::message("2[]"));
        let _ = outbox.push(&packet, Class::Normal, Recipients::One, 100);
        assert_eq!(outbox.push(&packet, Class::Volatile, Recipients::One, 100).0, Pushed::Dropped);
        assert_eq!(outbox.push(&packet, Class::Normal, Recipients::One, 100).0, Pushed::Overflow);
    }

    #[test]
    fn one_larger_than_the_limit_is_taken_when_nothing_waits_and_takes_no_room_from_others() {
        let (mut outbox, small) = (idle(Way::Socket), Encoded::message("2[]"));
        let large = Encoded::message(&"x".repeat(1000));
        let mut push = |packet| outbox.push(packet, Class::Normal, Recipients::One, 100).0;
        assert_eq!([push(&large), push(&small)], [Pushed::Queued; 2]);
        assert_eq!([push(&small), push(&large)], [Pushed::Overflow; 2]);
        outbox.give_back(outbox.bytes);
        let mut push = |packet| outbox.push(packet, Class::Normal, Recipients::One, 100).0;
        assert_eq!([push(&small), push(&large)], [Pushed::Queued, Pushed::Overflow]);
    }

    #[test]
    fn a_volatile_packet_is_dropped_while_the_client_is_not_ready() {
        let (mut outbox, packet) = (idle(Way::Task), Encoded::message("2[]"));
        assert_eq!(outbox.push(&packet, Class::Volatile, Recipients::One, 1000).0, Pushed::Dropped);
        outbox.ready = true;
        assert_eq!(outbox.push(&packet, Class::Volatile, Recipients::One, 1000).0, Pushed::Queued);
        outbox.blocked = true;
        assert_eq!(outbox.push(&packet, Class::Volatile, Recipients::One, 1000).0, Pushed::Dropped);
    }

    #[test]
    fn a_closed_outbox_keeps_nothing() {
        let (mut outbox, packet) = (idle(Way::Socket), Encoded::message("2[]"));
        let _ = outbox.push(&packet, Class::Normal, Recipients::One, 1000);
        outbox.shut();
        assert_eq!(outbox.push(&packet, Class::Normal, Recipients::One, 1000).0, Pushed::Closed);
        assert!(outbox.queue.is_empty());
    }
}
