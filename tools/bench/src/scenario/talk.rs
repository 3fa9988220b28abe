//! Echo, acknowledgements, binary: each connection talks with the server by itself.

use super::name::{Kind, Load};
use super::schedule::Schedule;
use super::window::{Play, Tally};
use crate::client::listen::{Listener, Message};
use crate::client::message::{Answer, Fields, NUMBER, Question, payload};
use crate::client::sequence::InFlight;
use crate::client::{Failure, Nanos};
use crate::frame;
use crate::outbox::Outbox;

/// More than this waits on no connection of an open loop; what is due then is sent late (and counts from when it was due).
const MOST_WAITING: usize = 1024;

/// See the module.
#[derive(Debug)]
pub struct Talk {
    words: Words,
    load: Load,
    schedule: Schedule,
    links: Vec<Conversation>,
    tally: Tally,
}

#[derive(Clone, Debug, Default)]
struct Conversation {
    in_flight: InFlight,
    /// The head of a binary answer has come, its attachment has not.
    attachment_due: bool,
}

impl Talk {
    /// `links` connections are open already.
    pub fn new(kind: Kind, links: usize, load: Load, size: usize) -> Self {
        let rate = if let Load::PerSecond(rate) = load { rate } else { 1 };
        Self {
            words: Words::new(kind, size),
            load,
            schedule: Schedule::per_second(rate),
            links: vec![Conversation::default(); links],
            tally: Tally::default(),
        }
    }

    fn ask(&mut self, link: usize, due: Nanos, outbox: &mut Outbox) {
        let number = self.links[link].in_flight.send(due);
        self.words.push_question(outbox.to(link), Fields::new(link, number, 0));
        self.tally.asked(1);
    }

    fn ask_what_is_due(&mut self, now: Nanos, outbox: &mut Outbox) -> Nanos {
        loop {
            let due = self.schedule.next(now);
            let link = usize::try_from(self.schedule.count()).unwrap_or(0) % self.links.len();
            if due > now {
                return due;
            }
            if self.links[link].in_flight.len() >= MOST_WAITING {
                return now + 1_000_000;
            }
            self.schedule.done();
            self.ask(link, due, outbox);
        }
    }
}

impl Play for Talk {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn pulse(&mut self, at: Nanos, outbox: &mut Outbox) -> Option<Nanos> {
        match self.load {
            Load::PerSecond(_) => return Some(self.ask_what_is_due(at, outbox)),
            Load::InFlight(window) if self.tally.begins() => {
                for link in 0..self.links.len() {
                    (0..window).for_each(|_| self.ask(link, at, outbox));
                }
            }
            Load::InFlight(_) => {}
        }
        None
    }
}

impl Listener for Talk {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        let conversation = &mut self.links[link];
        let wrong = |expected| Failure::wrong(link, message.bytes(), expected);
        let (answer, expected) = match (message, &self.words.head) {
            (Message::Text(text), Some(head)) if !conversation.attachment_due => {
                conversation.attachment_due = head == text;
                return if head == text {
                    Ok(())
                } else {
                    Err(wrong("the head of a binary answer"))
                };
            }
            (Message::Binary(bytes), Some(_)) if conversation.attachment_due => {
                conversation.attachment_due = false;
                (self.words.answer.read(bytes), "the attachment that was sent")
            }
            (Message::Text(text), None) => {
                (self.words.answer.read(text), "the answer to a question")
            }
            _ => (None, "an answer of the other kind"),
        };
        let answer = answer.filter(|answer| answer.link as usize == link);
        let number = answer.ok_or_else(|| wrong(expected))?.number;
        let answered = conversation.in_flight.answer(number);
        self.tally.settle(answered.ok_or(Failure::Doubled { link, number })?, at);
        if self.tally.sending && matches!(self.load, Load::InFlight(_)) {
            self.ask(link, at, outbox);
        }
        Ok(())
    }
}

/// What is said, and what has to come back.
#[derive(Debug)]
struct Words {
    questions: Vec<Question>,
    /// The text in front of a binary answer.
    head: Option<Vec<u8>>,
    answer: Answer,
}

impl Words {
    fn new(kind: Kind, size: usize) -> Self {
        let payload = payload(size);
        let text = |parts: &[&[u8]]| parts.concat();
        let (asked, answered) = match kind {
            Kind::Echo => (text(&[b"42[\"message\",\""]), text(&[b"42[\"message-back\",\""])),
            Kind::Ack => (
                text(&[b"42", &[NUMBER; 8], b"[\"message-with-ack\",\""]),
                text(&[b"43", &[NUMBER; 8], b"[\""]),
            ),
            Kind::Binary => return Self::binary(&payload),
        };
        let question = text(&[&asked, &payload, b"\"]"]);
        Self {
            questions: vec![Question::new(frame::TEXT, &question)],
            head: None,
            answer: Answer::new(&text(&[&answered, &payload, b"\"]"])),
        }
    }

    fn binary(attachment: &[u8]) -> Self {
        const PLACE: &str = r#"{"_placeholder":true,"num":0}]"#;
        let head = format!(r#"451-["message",{PLACE}"#);
        Self {
            questions: vec![
                Question::new(frame::TEXT, head.as_bytes()),
                Question::new(frame::BINARY, attachment),
            ],
            head: Some(format!(r#"451-["message-back",{PLACE}"#).into_bytes()),
            answer: Answer::new(attachment),
        }
    }

    fn push_question(&self, out: &mut Vec<u8>, fields: Fields) {
        self.questions.iter().for_each(|question| question.push(out, fields));
    }
}
