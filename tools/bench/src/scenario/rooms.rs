//! Everybody has one message to its room in flight; the room receives it, the sender too.

use super::JOIN;
use super::window::{Play, Tally};
use crate::client::awaiting::{self, Awaiting};
use crate::client::fleet::Fleet;
use crate::client::listen::{Listener, Message};
use crate::client::message::{Answer, Fields, NUMBER, Question, ROOM, payload};
use crate::client::sequence::FIRST;
use crate::client::{Failure, Nanos};
use crate::frame;
use crate::outbox::Outbox;

const PAYLOAD: usize = 32;

/// See the module. Connection `n` is a member of room `n / members`.
#[derive(Debug)]
pub struct Rooms {
    question: Question,
    answer: Answer,
    members: usize,
    said: Vec<Said>,
    /// For every recipient, the next number of each member of its room.
    next: Vec<u32>,
    tally: Tally,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    number: u32,
    at: Nanos,
    missing: usize,
}

impl Rooms {
    /// Joins the rooms with the connections that are open already.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if a join is not acknowledged.
    pub fn join(fleet: &mut Fleet, rooms: usize, members: usize) -> Result<Self, Failure> {
        join(fleet, rooms * members, members)?;
        let payload = payload(PAYLOAD);
        let question =
            [b"42[\"say\",\"room-".as_slice(), &[ROOM; 5], b"\",\"", &payload, b"\"]"].concat();
        Ok(Self {
            question: Question::new(frame::TEXT, &question),
            answer: Answer::new(&[b"42[\"said\",\"", &*payload, b"\"]"].concat()),
            members,
            said: vec![Said { number: FIRST, at: 0, missing: 0 }; rooms * members],
            next: vec![FIRST; rooms * members * members],
            tally: Tally::default(),
        })
    }

    fn say(&mut self, link: usize, at: Nanos, outbox: &mut Outbox) {
        let said = &mut self.said[link];
        (said.at, said.missing) = (at, self.members);
        let fields = Fields::new(link, said.number, link / self.members);
        self.question.push(outbox.to(link), fields);
        self.tally.asked(self.members as u64);
    }
}

impl Play for Rooms {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn pulse(&mut self, at: Nanos, outbox: &mut Outbox) -> Option<Nanos> {
        if self.tally.begins() {
            (0..self.said.len()).for_each(|link| self.say(link, at, outbox));
        }
        None
    }
}

impl Listener for Rooms {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        let wrong = || Failure::wrong(link, message.bytes(), "what a member of the room said");
        let Message::Text(text) = message else {
            return Err(wrong());
        };
        let fields = self.answer.read(text).ok_or_else(wrong)?;
        let (sender, number) = (fields.link as usize, fields.number);
        if sender / self.members != link / self.members {
            return Err(wrong());
        }
        let next = &mut self.next[link * self.members + sender % self.members];
        let said = &mut self.said[sender];
        if number != *next || number != said.number || said.missing == 0 {
            return Err(Failure::Doubled { link, number });
        }
        *next += 1;
        said.missing -= 1;
        self.tally.answered(false);
        if said.missing == 0 {
            said.number += 1;
            self.tally.took(said.at, at);
            if self.tally.sending {
                self.say(sender, at, outbox);
            }
        }
        Ok(())
    }
}

/// Sends all joins, of room `n / members` for connection `n`, and waits for their acknowledgements.
pub(super) fn join(fleet: &mut Fleet, links: usize, members: usize) -> Result<(), Failure> {
    let question =
        [b"42".as_slice(), &[NUMBER; 8], b"[\"join\",\"room-", &[ROOM; 5], b"\"]"].concat();
    let question = Question::new(frame::TEXT, &question);
    for link in 0..links {
        question.push(fleet.outbox().to(link), Fields::new(link, FIRST, link / members));
    }
    let answer = Answer::new(&[b"43".as_slice(), &[NUMBER; 8], b"[]"].concat());
    let missing = links as u64;
    awaiting::wait(fleet, &mut Welcomes { answer, joined: vec![false; links], missing }, JOIN)
}

struct Welcomes {
    answer: Answer,
    joined: Vec<bool>,
    missing: u64,
}

impl Awaiting for Welcomes {
    fn missing(&self) -> u64 {
        self.missing
    }
}

impl Listener for Welcomes {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        _at: Nanos,
        _outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        let fields = self.answer.read(message.bytes());
        let right =
            matches!(message, Message::Text(_)) && fields.is_some_and(|f| f.number == FIRST);
        if !right || std::mem::replace(&mut self.joined[link], true) {
            return Err(Failure::wrong(
                link,
                message.bytes(),
                "one empty acknowledgement of `join`",
            ));
        }
        self.missing -= 1;
        Ok(())
    }
}
