//! The accepting side.

use std::sync::Arc;
use std::time::Duration;

use socket_proto::server::{Connection, Incoming};
use socket_proto::{Message, Slot};

use super::{LIMITS, args, judge, message, span};

pub(super) fn live<'a>(steps: impl Iterator<Item = &'a [u8]>) {
    let mut life = Life {
        connection: Connection::new(&Arc::new(LIMITS), Duration::ZERO),
        now: Duration::ZERO,
        known: Vec::new(),
    };
    for step in steps {
        if !life.happen(step) {
            return;
        }
        life.compare();
    }
}

/// A connection, and what whoever owns it knows.
struct Life {
    connection: Connection,
    now: Duration,
    /// Every namespace there ever was.
    known: Vec<Known>,
}

struct Known {
    slot: Slot,
    name: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    Joined,
    Gone,
}

/// What a message turned out to be, without what it borrowed.
enum Heard {
    Nothing,
    Connect(Slot, String),
    Delivery(Slot),
    Disconnect(Slot),
    /// An answer for a namespace that is not joined.
    Early(String),
}

impl Life {
    /// One step; `false` if it was the last one.
    fn happen(&mut self, step: &[u8]) -> bool {
        match step {
            [b'a', which, ..] => self.accept(*which),
            [b'r', which, ..] => self.refuse(*which),
            [b'l', which, ..] => self.leave(*which),
            [b'w', number, ..] => return self.wait(span(*number)),
            step => return message(step).is_none_or(|message| self.receive(message)),
        }
        true
    }

    fn receive(&mut self, message: Message<'_>) -> bool {
        let heard = match self.connection.receive(message, self.now) {
            Ok(None) => Heard::Nothing,
            Ok(Some(incoming)) => look(incoming),
            Err(error) => {
                assert!(!judge(error), "only a client can meet {error:?}");
                return false;
            }
        };
        match heard {
            Heard::Nothing => {}
            Heard::Connect(slot, name) => self.connect(slot, name),
            Heard::Delivery(slot) => assert_eq!(self.state(slot), State::Joined),
            Heard::Early(name) => {
                let joined = |known: &Known| known.name == name && known.state == State::Joined;
                assert!(!self.known.iter().any(joined), "it is early");
            }
            Heard::Disconnect(slot) => {
                assert_ne!(self.state(slot), State::Gone, "one leaves once");
                self.set(slot, State::Gone);
            }
        }
        true
    }

    fn connect(&mut self, slot: Slot, name: String) {
        assert!(slot.index() < LIMITS.namespaces, "slots are dense");
        for known in &self.known {
            assert_ne!(known.slot, slot, "a slot has one life");
            let elsewhere = known.name != name && known.slot.index() != slot.index();
            assert!(known.state == State::Gone || elsewhere, "one CONNECT per namespace");
        }
        self.known.push(Known { slot, name, state: State::Pending });
    }

    fn accept(&mut self, which: u8) {
        let Some(slot) = self.choose(which) else {
            return;
        };
        let expected = self.state(slot) == State::Pending;
        assert_eq!(self.connection.accepted(slot), expected);
        if expected {
            self.set(slot, State::Joined);
        }
    }

    fn refuse(&mut self, which: u8) {
        // One that has been accepted is not refused: that is for `leave`.
        let pending = |slot: &Slot| self.state(*slot) != State::Joined;
        let Some(slot) = self.choose(which).filter(pending) else {
            return;
        };
        assert_eq!(self.connection.refused(slot), self.state(slot) == State::Pending);
        self.set(slot, State::Gone);
    }

    fn leave(&mut self, which: u8) {
        let Some(slot) = self.choose(which) else {
            return;
        };
        assert_eq!(self.connection.left(slot, self.now), self.state(slot) != State::Gone);
        self.set(slot, State::Gone);
    }

    /// Nothing is late before its deadline, and everything at it.
    fn wait(&mut self, span: Duration) -> bool {
        let until = self.now + span;
        match self.connection.next_timeout().filter(|due| *due <= until) {
            None => {
                assert_eq!(self.connection.timeout(until), Ok(()));
                self.now = until;
                true
            }
            Some(due) => {
                let before = due.saturating_sub(Duration::from_nanos(1));
                assert_eq!(self.connection.timeout(before), Ok(()));
                assert!(self.connection.timeout(due).is_err(), "a deadline ends the connection");
                false
            }
        }
    }

    fn compare(&self) {
        for known in &self.known {
            let name = (known.state != State::Gone).then_some(&*known.name);
            assert_eq!(self.connection.namespace(known.slot), name);
            assert_eq!(self.connection.is_joined(known.slot), known.state == State::Joined);
        }
        let joined = self.known.iter().any(|known| known.state == State::Joined);
        assert!(joined || self.connection.next_timeout().is_some(), "whoever joins nothing goes");
    }

    /// One of the latest namespaces, gone ones included.
    fn choose(&self, which: u8) -> Option<Slot> {
        let latest = self.known.iter().rev().nth(usize::from(which) % 4);
        latest.map(|known| known.slot)
    }

    fn state(&self, slot: Slot) -> State {
        self.known.iter().find(|known| known.slot == slot).expect("a slot that was named").state
    }

    fn set(&mut self, slot: Slot, state: State) {
        let known = self.known.iter_mut().find(|known| known.slot == slot);
        known.expect("a slot that was named").state = state;
    }
}

fn look(incoming: Incoming<'_>) -> Heard {
    match incoming {
        Incoming::Connect { slot, namespace, auth } => {
            if let Some(auth) = auth {
                assert!(auth.starts_with('{'), "auth is an object");
                args::judge_json(auth);
            }
            Heard::Connect(slot, namespace.to_owned())
        }
        Incoming::Event { slot, name, args, ack } => {
            assert!(!socket_proto::event::is_reserved(&name));
            assert!(args.attachments.len() <= LIMITS.attachments);
            args::check_event(&name, args, ack);
            Heard::Delivery(slot)
        }
        Incoming::Ack { slot, id, args } => {
            args::check_ack(id, args);
            Heard::Delivery(slot)
        }
        Incoming::EarlyAck { namespace, id, args } => {
            args::check_ack(id, args);
            Heard::Early(namespace.to_owned())
        }
        Incoming::Disconnect { slot } => Heard::Disconnect(slot),
    }
}
