//! One sender, everybody receives, the sender too: the namespace as a whole, or a room that all are in.

use std::collections::VecDeque;

use super::name::Load;
use super::schedule::Schedule;
use super::window::{Play, Tally};
use crate::client::listen::{Listener, Message};
use crate::client::message::{Answer, Fields, Question, ROOM, payload};
use crate::client::sequence::{Arrival, FIRST, Received, SPAN};
use crate::client::{Failure, Nanos};
use crate::frame;
use crate::outbox::Outbox;

const PAYLOAD: usize = 32;
const SENDER: usize = 0;

/// See the module.
#[derive(Debug)]
pub struct Broadcast {
    question: Question,
    answer: Answer,
    load: Load,
    schedule: Schedule,
    recipients: Vec<Received>,
    /// Broadcasts from the oldest that somebody misses to the newest.
    sent: VecDeque<Sent>,
    /// The number of the first of them.
    oldest: u32,
    in_flight: usize,
    tally: Tally,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Nanos,
    missing: usize,
}

impl Broadcast {
    /// `recipients` connections are open already.
    pub fn new(recipients: usize, load: Load) -> Self {
        Self::with_words(b"42[\"broadcast\",\"", b"42[\"news\",\"", recipients, load)
    }

    /// `members` connections are open, and in the first room.
    pub fn in_room(members: usize, window: usize) -> Self {
        let asked = [b"42[\"say\",\"room-".as_slice(), &[ROOM; 5], b"\",\""].concat();
        Self::with_words(&asked, b"42[\"said\",\"", members, Load::InFlight(window))
    }

    fn with_words(asked: &[u8], answered: &[u8], recipients: usize, load: Load) -> Self {
        let payload = payload(PAYLOAD);
        let rate = if let Load::PerSecond(rate) = load { rate } else { 1 };
        Self {
            question: Question::new(frame::TEXT, &[asked, &payload, b"\"]"].concat()),
            answer: Answer::new(&[answered, &payload, b"\"]"].concat()),
            load,
            schedule: Schedule::per_second(rate),
            recipients: vec![Received::default(); recipients],
            sent: VecDeque::new(),
            oldest: FIRST,
            in_flight: 0,
            tally: Tally::default(),
        }
    }

    /// Whether the recipients can tell one more apart from those on their way.
    fn has_room(&self) -> bool {
        self.sent.len() < SPAN as usize
    }

    fn send(&mut self, due: Nanos, outbox: &mut Outbox) {
        let number = self.oldest + u32::try_from(self.sent.len()).expect("no more than SPAN");
        self.question.push(outbox.to(SENDER), Fields { number, ..Fields::default() });
        self.sent.push_back(Sent { at: due, missing: self.recipients.len() });
        self.in_flight += 1;
        self.tally.asked(self.recipients.len() as u64);
    }

    fn send_what_is_due(&mut self, now: Nanos, outbox: &mut Outbox) -> Nanos {
        loop {
            let due = self.schedule.next(now);
            if due > now {
                return due;
            }
            if !self.has_room() {
                return now + 1_000_000;
            }
            self.schedule.done();
            self.send(due, outbox);
        }
    }

    fn fill_up(&mut self, window: usize, now: Nanos, outbox: &mut Outbox) {
        while self.in_flight < window && self.has_room() {
            self.send(now, outbox);
        }
    }

    /// One recipient less misses this one; when it was sent, if that was the last.
    fn delivered(&mut self, number: u32) -> Option<Nanos> {
        let sent = &mut self.sent[(number - self.oldest) as usize];
        sent.missing -= 1;
        let complete = (sent.missing == 0).then_some(sent.at)?;
        self.in_flight -= 1;
        while self.sent.front().is_some_and(|sent| sent.missing == 0) {
            self.sent.pop_front();
            self.oldest += 1;
        }
        Some(complete)
    }
}

impl Play for Broadcast {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn pulse(&mut self, at: Nanos, outbox: &mut Outbox) -> Option<Nanos> {
        match self.load {
            Load::PerSecond(_) => Some(self.send_what_is_due(at, outbox)),
            Load::InFlight(window) => {
                self.fill_up(window, at, outbox);
                None
            }
        }
    }
}

impl Listener for Broadcast {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        at: Nanos,
        _outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        let Message::Text(text) = message else {
            return Err(Failure::wrong(link, message.bytes(), "news"));
        };
        let fields = self.answer.read(text).ok_or_else(|| Failure::wrong(link, text, "news"))?;
        let number = fields.number;
        let newest = self.oldest + u32::try_from(self.sent.len()).expect("no more than SPAN");
        let arrival = self.recipients[link].receive(number);
        if fields.link as usize != SENDER || number >= newest || arrival == Arrival::Doubled {
            return Err(Failure::Doubled { link, number });
        }
        self.tally.answered(arrival == Arrival::Overtook);
        if let Some(sent) = self.delivered(number) {
            self.tally.took(sent, at);
        }
        Ok(())
    }
}
