//! Prebuilt messages with holes for numbers, and the answers they expect.
//!
//! A message is written once, with marks where numbers go; to send it is to copy it and fill the holes, to check an answer
//! is to compare every byte of it and to read the numbers.

use super::KEY;
use crate::frame;

/// Marks a digit of the connection's number.
pub const LINK: u8 = 1;
/// Marks a digit of the message's number.
pub const NUMBER: u8 = 2;
/// Marks a digit of the room's number.
pub const ROOM: u8 = 3;

/// The numbers in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Who sent it.
    pub link: u32,
    /// Which of the sender's messages it is.
    pub number: u32,
    /// Which room it is for; 0 where there is none.
    pub room: u32,
}

impl Fields {
    /// The numbers of one message, of parts that are counted in `usize` elsewhere.
    ///
    /// # Panics
    ///
    /// If there are more than 2^32 connections or rooms.
    pub fn new(link: usize, number: u32, room: usize) -> Self {
        let small = |number| u32::try_from(number).expect("connections and rooms are few");
        Self { link: small(link), number, room: small(room) }
    }

    fn get(self, mark: u8) -> u32 {
        match mark {
            LINK => self.link,
            NUMBER => self.number,
            _ => self.room,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Hole {
    mark: u8,
    start: usize,
    end: usize,
}

/// The holes are the runs of marks.
fn holes(text: &[u8]) -> Vec<Hole> {
    let mut start = 0;
    let runs = text.chunk_by(|a, b| a == b);
    let holes = runs.filter_map(|run| {
        start += run.len();
        let mark = run[0];
        (LINK..=ROOM).contains(&mark).then(|| Hole { mark, start: start - run.len(), end: start })
    });
    holes.collect()
}

/// A payload of `size` bytes that says whose it is and which: `00007-00000042-xxx…`, with marks for the digits.
///
/// ```
/// let payload = sockeye_bench::client::message::payload(32);
/// assert_eq!(payload.len(), 32);
/// ```
pub fn payload(size: usize) -> Vec<u8> {
    let mut payload = [[LINK; 5].as_slice(), b"-", &[NUMBER; 8], b"-"].concat();
    payload.resize(size.max(payload.len()), b'x');
    payload
}

/// A whole message with holes: a masked frame, or a request.
#[derive(Clone, Debug)]
pub struct Question {
    bytes: Vec<u8>,
    payload: usize,
    key: [u8; 4],
    holes: Vec<Hole>,
}

impl Question {
    /// A frame of this opcode; `text` may hold marks.
    pub fn new(opcode: u8, text: &[u8]) -> Self {
        let mut bytes = Vec::new();
        frame::push(&mut bytes, opcode, Some(KEY), text);
        Self { payload: bytes.len() - text.len(), bytes, key: KEY, holes: holes(text) }
    }

    /// A request with this head; `body` may hold marks.
    pub fn request(head: &str, body: &[u8]) -> Self {
        let bytes = [head.as_bytes(), body].concat();
        Self { payload: head.len(), bytes, key: [0; 4], holes: holes(body) }
    }

    /// Appends the message with these numbers in its holes.
    pub fn push(&self, out: &mut Vec<u8>, fields: Fields) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let payload = &mut out[start + self.payload..];
        for hole in &self.holes {
            let mut left = fields.get(hole.mark);
            for at in (hole.start..hole.end).rev() {
                let digit = u8::try_from(left % 10).expect("one digit");
                payload[at] = (b'0' + digit) ^ self.key[at % 4];
                left /= 10;
            }
        }
    }
}

/// What an answer has to be, but for its numbers.
#[derive(Clone, Debug)]
pub struct Answer {
    text: Vec<u8>,
    holes: Vec<Hole>,
}

impl Answer {
    /// An answer with this payload; `text` may hold marks.
    pub fn new(text: &[u8]) -> Self {
        Self { text: text.to_vec(), holes: holes(text) }
    }

    /// Compares every byte. The numbers, if it is what was expected; a number that stands in several places has to be the
    /// same everywhere. A durable server ends an event with its token.
    pub fn read(&self, got: &[u8]) -> Option<Fields> {
        let (text, got) = self.without_token(got);
        if got.len() != text.len() {
            return None;
        }
        let mut found = [None; 3];
        let mut from = 0;
        for hole in &self.holes {
            if got[from..hole.start] != text[from..hole.start] {
                return None;
            }
            let number = digits(&got[hole.start..hole.end])?;
            if *found[usize::from(hole.mark - LINK)].get_or_insert(number) != number {
                return None;
            }
            from = hole.end;
        }
        let [link, number, room] = found.map(Option::unwrap_or_default);
        (got[from..] == text[from..]).then_some(Fields { link, number, room })
    }

    /// What is to be compared: all of it, or all in front of `,"token"]`.
    fn without_token<'a>(&'a self, got: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let Some((b']', text)) = self.text.split_last() else {
            return (&self.text, got);
        };
        match got.get(text.len()..) {
            Some([b',', b'"', token @ .., b'"', b']']) if token.len() == TOKEN => {
                (text, &got[..text.len()])
            }
            _ => (&self.text, got),
        }
    }
}

/// Characters of the token that ends an event of a durable server.
pub const TOKEN: usize = 22;

fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |number: u32, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u32::from(digit))
    })
}
