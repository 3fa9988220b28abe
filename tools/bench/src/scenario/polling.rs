//! Long-polling clients: each keeps one connection for GETs and one for POSTs, and has one message in flight.
//!
//! ```text
//!             sid, POST 40          40{…}
//!  Handshake ──────────────▶ Joining ────▶ Open: POST a question, its answer comes with the waiting GET
//! ```

use std::time::Duration;

use super::window::{Game, Tally};
use crate::client::fleet::{Fleet, Reader};
use crate::client::message::{Answer, Fields, Question, payload};
use crate::client::sequence::InFlight;
use crate::client::{Failure, Nanos};
use crate::http::{Body, Head};
use crate::outbox::Outbox;

const PAYLOAD: usize = 32;
const ON_THE_WAY: usize = 32;
const DEADLINE: Duration = Duration::from_secs(30);
/// Separates packets in a body (Engine.IO 4, payload encoding).
const SEPARATOR: u8 = 0x1E;

/// See the module. Client `n` has the connections `2 n` (GET) and `2 n + 1` (POST).
#[derive(Debug)]
pub struct Polling {
    host: String,
    clients: Vec<Client>,
    open: usize,
    answer: Answer,
    tally: Tally,
}

#[derive(Debug)]
struct Client {
    stage: Stage,
    get: Vec<u8>,
    question: Question,
    pong: Vec<u8>,
    in_flight: InFlight,
    /// A POST is on its way; the next one waits.
    posting: bool,
    pong_due: bool,
    question_due: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Handshake,
    Joining,
    Open,
}

impl Polling {
    /// Opens `count` clients and joins the namespace `/` with each.
    ///
    /// # Errors
    ///
    /// A [`Failure`] that names the connection and what it was answered, or [`Failure::Late`].
    pub fn open(fleet: &mut Fleet, count: usize) -> Result<Self, Failure> {
        let host = fleet.server().to_string();
        let answer = [b"42[\"message-back\",\"", &*payload(PAYLOAD), b"\"]"].concat();
        let mut polling = Self {
            host,
            clients: Vec::with_capacity(count),
            open: 0,
            answer: Answer::new(&answer),
            tally: Tally::default(),
        };
        let give_up = fleet.now() + super::window::nanos(DEADLINE);
        while polling.open < count {
            while polling.clients.len() < count && polling.clients.len() - polling.open < ON_THE_WAY
            {
                polling.connect(fleet)?;
            }
            fleet.turn(&mut polling, Duration::from_millis(100))?;
            if fleet.now() > give_up {
                let missing = count - polling.open;
                return Err(Failure::Late { missing, of: count, seconds: DEADLINE.as_secs() });
            }
        }
        Ok(polling)
    }

    fn connect(&mut self, fleet: &mut Fleet) -> Result<(), Failure> {
        let get = fleet.connect()?;
        fleet.connect()?;
        let client = Client::new(&self.host);
        fleet.outbox().to(get).extend_from_slice(&client.get);
        self.clients.push(client);
        Ok(())
    }

    fn got(
        &mut self,
        number: usize,
        body: &[u8],
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        for packet in body.split(|&byte| byte == SEPARATOR) {
            self.packet(number, packet, at, outbox)?;
        }
        let client = &mut self.clients[number];
        outbox.to(2 * number).extend_from_slice(&client.get);
        client.post_what_is_due(number, at, &mut self.tally, outbox);
        Ok(())
    }

    fn packet(
        &mut self,
        number: usize,
        packet: &[u8],
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        let client = &mut self.clients[number];
        match (client.stage, packet) {
            (_, b"2") => client.pong_due = true,
            (_, b"6") => {}
            (Stage::Handshake, [b'0', open @ ..]) => {
                let sid = sid(open).ok_or_else(|| Failure::wrong(2 * number, packet, "a sid"))?;
                client.name(&self.host, sid);
                outbox.to(2 * number + 1).extend_from_slice(&post(&self.host, sid, "40"));
                client.posting = true;
            }
            (Stage::Joining, [b'4', b'0', ..]) => {
                client.stage = Stage::Open;
                self.open += 1;
            }
            (Stage::Open, _) => {
                let fields = self.answer.read(packet).filter(|found| found.link as usize == number);
                let wrong = || Failure::wrong(2 * number, packet, "the answer to a question");
                let number = fields.ok_or_else(wrong)?.number;
                let answered = client.in_flight.answer(number);
                let doubled = Failure::Doubled { link: 2 * number as usize, number };
                self.tally.settle(answered.ok_or(doubled)?, at);
                client.question_due = true;
            }
            _ => return Err(Failure::wrong(2 * number, packet, "a handshake")),
        }
        Ok(())
    }

    fn posted(
        &mut self,
        number: usize,
        body: &[u8],
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        // python-engineio says it in capitals.
        if !body.eq_ignore_ascii_case(b"ok") {
            return Err(Failure::wrong(2 * number + 1, body, "`ok`"));
        }
        let client = &mut self.clients[number];
        client.posting = false;
        client.post_what_is_due(number, at, &mut self.tally, outbox);
        Ok(())
    }
}

impl Client {
    fn new(host: &str) -> Self {
        Self {
            stage: Stage::Handshake,
            get: get(host, ""),
            question: Question::request("", b""),
            pong: Vec::new(),
            in_flight: InFlight::default(),
            posting: false,
            pong_due: false,
            question_due: false,
        }
    }

    /// The session has a name: from now on every request carries it.
    fn name(&mut self, host: &str, sid: &str) {
        let body = [b"42[\"message\",\"", &*payload(PAYLOAD), b"\"]"].concat();
        self.stage = Stage::Joining;
        self.get = get(host, &format!("&sid={sid}"));
        self.pong = post(host, sid, "3");
        self.question = Question::request(&post_head(host, sid, body.len()), &body);
    }

    /// One POST at a time: a heartbeat first, then a question.
    fn post_what_is_due(
        &mut self,
        number: usize,
        at: Nanos,
        tally: &mut Tally,
        outbox: &mut Outbox,
    ) {
        if self.posting || self.stage == Stage::Handshake {
            return;
        }
        let out = 2 * number + 1;
        if std::mem::take(&mut self.pong_due) {
            outbox.to(out).extend_from_slice(&self.pong);
            self.posting = true;
        } else if self.question_due && tally.sending {
            let message = self.in_flight.send(at);
            self.question.push(outbox.to(out), Fields::new(number, message, 0));
            tally.asked(1);
            self.question_due = false;
            self.posting = true;
        }
    }
}

impl Game for Polling {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn pulse(&mut self, at: Nanos, outbox: &mut Outbox) -> Option<Nanos> {
        if self.tally.begins() {
            for (number, client) in self.clients.iter_mut().enumerate() {
                client.question_due = true;
                client.post_what_is_due(number, at, &mut self.tally, outbox);
            }
        }
        None
    }
}

impl Reader for Polling {
    fn read(
        &mut self,
        link: usize,
        input: &[u8],
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<usize, Failure> {
        let Some(head) = Head::read(input) else {
            return Ok(0);
        };
        let body = if head.status() == Some(200) { head.whole_body(input).ok() } else { None };
        let body = body.ok_or_else(|| Failure::wrong(link, input, "200 with a bounded body"))?;
        let Some(Body { bytes: body, end }) = body else {
            return Ok(0);
        };
        match link % 2 {
            0 => self.got(link / 2, &body, at, outbox)?,
            _ => self.posted(link / 2, &body, at, outbox)?,
        }
        Ok(end)
    }
}

fn get(host: &str, sid: &str) -> Vec<u8> {
    format!("GET /socket.io/?EIO=4&transport=polling{sid} HTTP/1.1\r\nHost: {host}\r\n\r\n")
        .into_bytes()
}

fn post_head(host: &str, sid: &str, body: usize) -> String {
    format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: {host}\r\n\
         Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {body}\r\n\r\n"
    )
}

fn post(host: &str, sid: &str, body: &str) -> Vec<u8> {
    (post_head(host, sid, body.len()) + body).into_bytes()
}

/// The session id of an open packet.
fn sid(open: &[u8]) -> Option<&str> {
    let (_, rest) = str::from_utf8(open).ok()?.split_once(r#""sid":""#)?;
    Some(rest.split_once('"')?.0)
}
