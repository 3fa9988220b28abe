//! Echo in namespaces beside `/`: how does a server with many of them find the one that is meant?
//!
//! Connection `l` of `L` is in the namespaces `l`, `l + L`, `l + 2 L`, … of `N`, one at least, and its messages go to them in
//! turn. So all of them are spoken to, where there are connections or namespaces enough.

use super::JOIN;
use super::window::{Play, Tally};
use crate::client::awaiting::{self, Answers};
use crate::client::fleet::Fleet;
use crate::client::listen::{Listener, Message};
use crate::client::message::{Answer, Fields, Question, ROOM, payload};
use crate::client::sequence::{FIRST, InFlight};
use crate::client::{Failure, Nanos};
use crate::frame;
use crate::outbox::Outbox;

const PAYLOAD: usize = 32;

/// See the module.
#[derive(Debug)]
pub struct Namespaces {
    question: Question,
    answer: Answer,
    spread: Spread,
    window: usize,
    in_flight: Vec<InFlight>,
    tally: Tally,
}

/// Which namespaces belong to which connection.
#[derive(Clone, Copy, Debug)]
struct Spread {
    links: usize,
    namespaces: usize,
}

impl Spread {
    /// Namespaces of one connection.
    fn each(self) -> usize {
        self.namespaces.div_ceil(self.links)
    }

    /// The namespace a connection's message goes to.
    fn of(self, link: usize, number: u32) -> usize {
        let turn = (number - FIRST) as usize % self.each();
        (link + turn * self.links) % self.namespaces
    }
}

impl Namespaces {
    /// Joins the namespaces with the `links` connections that are open already.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if one is refused, or not answered for.
    pub fn join(
        fleet: &mut Fleet,
        links: usize,
        window: usize,
        namespaces: usize,
    ) -> Result<Self, Failure> {
        let spread = Spread { links, namespaces };
        join(fleet, spread)?;
        let payload = payload(PAYLOAD);
        let words = |event: &[u8]| {
            [b"42/ns-".as_slice(), &[ROOM; 5], b",[\"", event, b"\",\"", &payload, b"\"]"].concat()
        };
        Ok(Self {
            question: Question::new(frame::TEXT, &words(b"message")),
            answer: Answer::new(&words(b"message-back")),
            spread,
            window,
            in_flight: vec![InFlight::default(); links],
            tally: Tally::default(),
        })
    }

    fn ask(&mut self, link: usize, at: Nanos, outbox: &mut Outbox) {
        let number = self.in_flight[link].send(at);
        let fields = Fields::new(link, number, self.spread.of(link, number));
        self.question.push(outbox.to(link), fields);
        self.tally.asked(1);
    }
}

impl Play for Namespaces {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn pulse(&mut self, at: Nanos, outbox: &mut Outbox) -> Option<Nanos> {
        if self.tally.begins() {
            for link in 0..self.in_flight.len() {
                (0..self.window).for_each(|_| self.ask(link, at, outbox));
            }
        }
        None
    }
}

impl Listener for Namespaces {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        let wrong = || Failure::wrong(link, message.bytes(), "the answer to a question");
        let Message::Text(text) = message else {
            return Err(wrong());
        };
        let fields = self.answer.read(text).filter(|fields| fields.number >= FIRST);
        let Fields { link: sender, number, room } = fields.ok_or_else(wrong)?;
        if sender as usize != link || room as usize != self.spread.of(link, number) {
            return Err(wrong());
        }
        let answered = self.in_flight[link].answer(number);
        self.tally.settle(answered.ok_or(Failure::Doubled { link, number })?, at);
        if self.tally.sending {
            self.ask(link, at, outbox);
        }
        Ok(())
    }
}

/// Sends all CONNECT packets and waits for their answers.
fn join(fleet: &mut Fleet, spread: Spread) -> Result<(), Failure> {
    let question = [b"40/ns-".as_slice(), &[ROOM; 5], b","].concat();
    let question = Question::new(frame::TEXT, &question);
    for link in 0..spread.links {
        for number in (FIRST..).take(spread.each()) {
            let fields = Fields::new(link, number, spread.of(link, number));
            question.push(fleet.outbox().to(link), fields);
        }
    }
    let missing = (spread.links * spread.each()) as u64;
    let is_right = |answer: &[u8]| answer.starts_with(b"40/ns-");
    let mut welcomes = Answers { missing, is_right, expected: "the answer to CONNECT" };
    awaiting::wait(fleet, &mut welcomes, JOIN)
}
