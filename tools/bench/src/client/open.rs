//! From a TCP connection to a Socket.IO socket in a namespace.
//!
//! ```text
//!            101            0{…} → 40          40{…}
//!  Upgrading ────▶ Opening ───────────▶ Joining ────▶ Joined
//! ```

use std::time::Duration;

use super::fleet::{Fleet, Reader};
use super::listen::{Frame, Listener, Message, next_frame, push_text};
use super::{Failure, KEY, Nanos};
use crate::frame;
use crate::http::Head;
use crate::outbox::Outbox;

/// The key every connection asks with, and what it has to be answered with (the example of RFC 6455, 1.3).
pub const REQUEST_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The answer to [`REQUEST_KEY`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// How many connections are on their way at a time: below every server's backlog.
const ON_THE_WAY: usize = 64;
/// How long all of them may take together.
const DEADLINE: Duration = Duration::from_mins(1);

/// Who connects: what each says, and what it hears once it is in.
pub trait Guests: Listener {
    /// The CONNECT packet of a connection, as an Engine.IO message.
    fn connect(&mut self, link: usize) -> Vec<u8>;

    /// Its answer, which is one to a CONNECT.
    ///
    /// # Errors
    ///
    /// A [`Failure`] ends the measurement.
    fn connected(&mut self, link: usize, answer: &[u8]) -> Result<(), Failure>;
}

/// Opens `count` WebSocket connections and joins the namespace `/` with each.
///
/// # Errors
///
/// A [`Failure`] that names the connection and what it was answered, or [`Failure::Late`].
pub fn open(fleet: &mut Fleet, count: usize) -> Result<(), Failure> {
    open_as(fleet, count, ON_THE_WAY, &mut Anybody)
}

/// Opens `count` WebSocket connections, `on_the_way` of them at a time, and connects each as its guest wants. What comes
/// behind the answers is heard by the guests, too.
///
/// # Errors
///
/// As [`open`], and whatever the guests find wrong.
pub fn open_as(
    fleet: &mut Fleet,
    count: usize,
    on_the_way: usize,
    guests: &mut impl Guests,
) -> Result<(), Failure> {
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {REQUEST_KEY}\r\n\r\n",
        fleet.server()
    );
    let stages = Vec::with_capacity(count);
    let mut opening = Opening { first: fleet.len(), stages, joined: 0, guests };
    let give_up = fleet.now() + u64::try_from(DEADLINE.as_nanos()).expect("a minute");
    while opening.joined < count {
        while opening.stages.len() < count && opening.on_the_way() < on_the_way {
            let link = fleet.connect()?;
            fleet.outbox().to(link).extend_from_slice(request.as_bytes());
            opening.stages.push(Stage::Upgrading);
        }
        fleet.turn(&mut opening, Duration::from_millis(100))?;
        if fleet.now() > give_up {
            let missing = count - opening.joined;
            return Err(Failure::Late { missing, of: count, seconds: DEADLINE.as_secs() });
        }
    }
    Ok(())
}

/// Guests of the namespace `/`, to whom nobody speaks yet.
struct Anybody;

impl Guests for Anybody {
    fn connect(&mut self, _link: usize) -> Vec<u8> {
        b"40".to_vec()
    }

    fn connected(&mut self, _link: usize, _answer: &[u8]) -> Result<(), Failure> {
        Ok(())
    }
}

impl Listener for Anybody {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        _at: Nanos,
        _outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        Err(Failure::wrong(link, message.bytes(), "the answer to CONNECT"))
    }
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Upgrading,
    Opening,
    Joining,
    Joined,
}

struct Opening<'g, G> {
    first: usize,
    stages: Vec<Stage>,
    joined: usize,
    guests: &'g mut G,
}

impl<G: Guests> Opening<'_, G> {
    fn on_the_way(&self) -> usize {
        self.stages.len() - self.joined
    }

    fn frame(
        &mut self,
        link: usize,
        (opcode, payload): (u8, &[u8]),
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        let stage = &mut self.stages[link - self.first];
        match (*stage, opcode, payload) {
            (_, frame::TEXT, b"2") => push_text(outbox.to(link), b"3"),
            (_, frame::PING, _) => frame::push(outbox.to(link), frame::PONG, Some(KEY), payload),
            (Stage::Opening, frame::TEXT, [b'0', ..]) => {
                push_text(outbox.to(link), &self.guests.connect(link));
                *stage = Stage::Joining;
            }
            (Stage::Joining, frame::TEXT, [b'4', b'0', ..]) => {
                *stage = Stage::Joined;
                self.joined += 1;
                self.guests.connected(link, payload)?;
            }
            (Stage::Joined, frame::TEXT, [b'4', ..]) => {
                self.guests.message(link, Message::Text(payload), at, outbox)?;
            }
            (Stage::Opening, ..) => return Err(Failure::wrong(link, payload, "an open packet")),
            _ => return Err(Failure::wrong(link, payload, "the answer to CONNECT")),
        }
        Ok(())
    }
}

impl<G: Guests> Reader for Opening<'_, G> {
    fn read(
        &mut self,
        link: usize,
        input: &[u8],
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<usize, Failure> {
        let mut taken = 0;
        if matches!(self.stages[link - self.first], Stage::Upgrading) {
            let Some(head) = Head::read(input) else {
                return Ok(0);
            };
            if head.status() != Some(101) || head.header("sec-websocket-accept") != Some(ACCEPT) {
                return Err(Failure::wrong(link, input, "101 with the right Sec-WebSocket-Accept"));
            }
            self.stages[link - self.first] = Stage::Opening;
            taken = head.length;
        }
        while let Some(Frame { opcode, payload, length }) = next_frame(link, &input[taken..])? {
            taken += length;
            self.frame(link, (opcode, payload), at, outbox)?;
        }
        Ok(taken)
    }
}
