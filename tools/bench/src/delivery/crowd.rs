//! Clients of durable namespaces: who each of them is over its connections, where it stands, and whether it has got
//! every event once and in order.

use std::ops::Range;
use std::time::Duration;

use super::PAYLOAD;
use super::class::Class;
use crate::client::awaiting::{self, Answers, Awaiting};
use crate::client::fleet::Fleet;
use crate::client::listen::{Listener, Message};
use crate::client::message::{Answer, Fields, NUMBER, Question, TOKEN, payload};
use crate::client::open::{Guests, open_as};
use crate::client::sequence::FIRST;
use crate::client::{Failure, Nanos};
use crate::frame;
use crate::outbox::Outbox;

/// How long anything may take that is waited for here.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// The number of an event that is the only one.
pub const ONCE: Range<u32> = FIRST..FIRST + 1;
/// Connections on their way at a time: the backlog of the server is 128, and whoever finds it full waits for a second.
const ON_THE_WAY: usize = 100;

/// Opens connections to the namespace of a class, as somebody new.
///
/// # Errors
///
/// A [`Failure`] if one is refused.
pub fn enter(fleet: &mut Fleet, class: Class, count: usize) -> Result<(), Failure> {
    open_as(fleet, count, ON_THE_WAY, &mut Crowd::new(class, fleet.len() + count))
}

/// Events with these numbers from each of these connections, and all of the answers. The words may hold marks.
///
/// # Errors
///
/// A [`Failure`] if an answer is wrong or does not come.
pub fn ask(
    fleet: &mut Fleet,
    class: Class,
    links: Range<usize>,
    words: &[u8],
    numbers: Range<u32>,
) -> Result<(), Failure> {
    let head = format!("42{}", class.prefix());
    let question = [head.as_bytes(), &[NUMBER; 8], words].concat();
    let question = Question::new(frame::TEXT, &question);
    let missing = (links.len() * numbers.len()) as u64;
    for link in links {
        for number in numbers.clone() {
            question.push(fleet.outbox().to(link), Fields::new(link, number, 0));
        }
    }
    let head = format!("43{}", class.prefix());
    let is_right = |answer: &[u8]| acknowledged(answer, &head).is_some();
    let mut acks = Answers { missing, is_right, expected: "the acknowledgement of an event" };
    awaiting::wait(fleet, &mut acks, PATIENCE)
}

/// The number that an acknowledgement is for. What it says has to be `true`, or the token of an event, or that there is none.
pub fn acknowledged(text: &[u8], head: &str) -> Option<u32> {
    let (number, said) = text.strip_prefix(head.as_bytes())?.split_at_checked(8)?;
    let is_right = match said {
        b"[true]" | br#"[{"token":null}]"# => true,
        _ => said.starts_with(br#"[{"token":""#) && said.len() == TOKEN + 14,
    };
    str::from_utf8(number).ok()?.parse().ok().filter(|_| is_right)
}

/// Clients that are to get events `event` with rising numbers, all the same ones.
pub struct Crowd {
    class: Class,
    answer: Answer,
    members: Vec<Member>,
    /// Events that are still to come, for all together.
    pub missing: u64,
}

#[derive(Clone, Default)]
struct Member {
    pid: String,
    offset: String,
    got: u32,
}

impl Crowd {
    /// So many, who have got nothing yet.
    pub fn new(class: Class, count: usize) -> Self {
        let head = format!("42{}[\"event\",\"", class.prefix());
        Self {
            class,
            answer: Answer::new(&[head.as_bytes(), &payload(PAYLOAD), b"\"]"].concat()),
            members: vec![Member::default(); count],
            missing: 0,
        }
    }

    /// So many events more are for each.
    pub fn expect(&mut self, events: u32) {
        self.missing += self.members.len() as u64 * u64::from(events);
    }

    /// All of them connect: as somebody new, or as who they were.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if one is refused, or gets something that it should not.
    pub fn open(&mut self, fleet: &mut Fleet) -> Result<(), Failure> {
        open_as(fleet, self.members.len(), ON_THE_WAY, self)
    }

    /// Waits until everybody has everything.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if an event is missing, doubled, or not the next one.
    pub fn listen(&mut self, fleet: &mut Fleet) -> Result<(), Failure> {
        awaiting::wait(fleet, self, PATIENCE)
    }
}

impl Guests for Crowd {
    fn connect(&mut self, link: usize) -> Vec<u8> {
        let Member { pid, offset, .. } = &self.members[link];
        let prefix = self.class.prefix();
        let auth = match (pid.as_str(), offset.as_str()) {
            ("", _) => String::new(),
            (pid, "") => format!(r#"{{"pid":"{pid}"}}"#),
            (pid, offset) => format!(r#"{{"pid":"{pid}","offset":"{offset}"}}"#),
        };
        format!("40{prefix}{auth}").into_bytes()
    }

    /// Who comes back has to be who it was.
    fn connected(&mut self, link: usize, answer: &[u8]) -> Result<(), Failure> {
        let head = format!("40{}", self.class.prefix());
        let wrong = || Failure::wrong(link, answer, "the answer to CONNECT, for who it was");
        let json = answer.strip_prefix(head.as_bytes()).ok_or_else(wrong)?;
        let json: serde_json::Value = serde_json::from_slice(json).map_err(|_| wrong())?;
        let member = &mut self.members[link];
        let pid = json["pid"].as_str().unwrap_or_default();
        if !member.pid.is_empty() && member.pid != pid {
            return Err(wrong());
        }
        pid.clone_into(&mut member.pid);
        Ok(())
    }
}

impl Awaiting for Crowd {
    fn missing(&self) -> u64 {
        self.missing
    }
}

impl Listener for Crowd {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        _at: Nanos,
        _outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        let wrong = || Failure::wrong(link, message.bytes(), "the next event, with its token");
        let (Message::Text(text), member) = (message, &mut self.members[link]) else {
            return Err(wrong());
        };
        let number = self.answer.read(text).ok_or_else(wrong)?.number;
        if number < FIRST + member.got {
            return Err(Failure::Doubled { link, number });
        }
        let offset = token(text).filter(|_| number == FIRST + member.got).ok_or_else(wrong)?;
        offset.clone_into(&mut member.offset);
        member.got += 1;
        self.missing = self.missing.checked_sub(1).ok_or_else(wrong)?;
        Ok(())
    }
}

/// What an event ends in.
fn token(text: &[u8]) -> Option<&str> {
    let token = text.strip_suffix(b"\"]")?;
    str::from_utf8(token.get(token.len().checked_sub(TOKEN)?..)?).ok()
}
