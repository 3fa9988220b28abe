//! The connecting side.

use std::sync::Arc;
use std::time::Duration;

use socket_proto::client::{Connection, Incoming};
use socket_proto::v4::client::{Interpreter, Joining};
use socket_proto::{Message, Slot};

use super::{LIMITS, args, judge, message, span};

/// `interpreter` is there if the server speaks revision 4.
pub(super) fn live<'a>(steps: impl Iterator<Item = &'a [u8]>, interpreter: Option<Interpreter>) {
    let mut life = Life {
        connection: Connection::new(&Arc::new(LIMITS)),
        interpreter,
        now: Duration::ZERO,
        known: Vec::new(),
    };
    life.connect(0);
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
    interpreter: Option<Interpreter>,
    now: Duration,
    /// Every slot there ever was, and whether the server let us in; `None` once it is gone.
    known: Vec<(Slot, Option<bool>)>,
}

/// What a message turned out to be, without what it borrowed.
enum Heard {
    Nothing,
    Connected(Slot),
    Gone(Slot),
    Delivery(Slot),
}

impl Life {
    /// One step; `false` if it was the last one.
    fn happen(&mut self, step: &[u8]) -> bool {
        match step {
            [b'c', which, ..] => self.connect(*which),
            [b'l', which, ..] => self.leave(*which),
            [b'w', number, ..] => return self.wait(span(*number)),
            step => return message(step).is_none_or(|message| self.receive(message)),
        }
        true
    }

    fn connect(&mut self, which: u8) {
        let name = ["/", "/a", "/b", "/c"][usize::from(which) % 4];
        if let Ok(slot) = self.connection.connect(name, self.now) {
            assert!(slot.index() < LIMITS.namespaces, "slots are dense");
            assert!(self.known.iter().all(|(known, _)| *known != slot), "a slot has one life");
            self.known.push((slot, Some(false)));
            self.ask(name, slot);
        }
    }

    /// A server of revision 4 may have let us in already.
    fn ask(&mut self, name: &str, slot: Slot) {
        let asked = self.interpreter.as_mut().map(|it| it.connect(name, "a=b", 0));
        if let Some(Joining::Joined(_)) = asked {
            assert!(self.connection.accepted(slot));
            *self.state(slot) = Some(true);
        }
    }

    fn leave(&mut self, which: u8) {
        let latest = self.known.iter_mut().rev().nth(usize::from(which) % 4);
        let Some((slot, state)) = latest else { return };
        if let (Some(interpreter), Some(name)) =
            (&mut self.interpreter, self.connection.namespace(*slot))
        {
            interpreter.left(name);
        }
        assert_eq!(self.connection.left(*slot), state.is_some());
        *state = None;
    }

    fn receive(&mut self, message: Message<'_>) -> bool {
        let read;
        let message = match (message, &mut self.interpreter) {
            (Message::Text(text), Some(interpreter)) => {
                let Some(text) = interpreter.read(text, &self.connection) else { return true };
                read = text;
                Message::Text(&read)
            }
            (message, _) => message,
        };
        let heard = match self.connection.receive(message, self.now) {
            Ok(None) => Heard::Nothing,
            Ok(Some(incoming)) => look(incoming),
            Err(error) => {
                judge(error);
                return false;
            }
        };
        match heard {
            Heard::Nothing => {}
            Heard::Connected(slot) => {
                assert_eq!(self.state(slot).replace(true), Some(false), "one answers once");
            }
            Heard::Gone(slot) => assert!(self.state(slot).take().is_some(), "one goes once"),
            Heard::Delivery(slot) => assert!(self.state(slot).is_some(), "for a live namespace"),
        }
        true
    }

    /// Deadlines pass one by one; a CONNECT without an answer frees its slot.
    fn wait(&mut self, span: Duration) -> bool {
        let until = self.now + span;
        while let Some(due) = self.connection.next_timeout().filter(|due| *due <= until) {
            match self.connection.timeout(due) {
                Ok(Some(slot)) => assert_eq!(self.state(slot).take(), Some(false)),
                Ok(None) => panic!("something was due"),
                Err(_) => return false,
            }
        }
        assert_eq!(self.connection.timeout(until), Ok(None));
        self.now = until;
        true
    }

    fn compare(&self) {
        for (slot, state) in &self.known {
            assert_eq!(self.connection.namespace(*slot).is_some(), state.is_some());
            assert_eq!(self.connection.is_joined(*slot), *state == Some(true));
        }
    }

    fn state(&mut self, slot: Slot) -> &mut Option<bool> {
        let known = self.known.iter_mut().find(|(known, _)| *known == slot);
        &mut known.expect("a slot that was named").1
    }
}

fn look(incoming: Incoming<'_>) -> Heard {
    match incoming {
        Incoming::Connected { slot, .. } => Heard::Connected(slot),
        Incoming::Refused { slot, data, .. } => {
            data.into_iter().for_each(args::judge_json);
            Heard::Gone(slot)
        }
        Incoming::Event { slot, name, args, ack } => {
            args::check_event(&name, args, ack);
            Heard::Delivery(slot)
        }
        Incoming::Ack { slot, id, args } => {
            args::check_ack(id, args);
            Heard::Delivery(slot)
        }
        Incoming::Disconnect { slot } => Heard::Gone(slot),
    }
}
