//! What is in flight, and in which order it comes back.

use std::collections::VecDeque;

use super::Nanos;

/// The number of the first message: eight digits from the start, none of them a leading zero, so that it can also be the id
/// of an acknowledgement.
pub const FIRST: u32 = 10_000_000;

/// The messages one sender has in flight, oldest first.
#[derive(Clone, Debug)]
pub struct InFlight {
    sent: VecDeque<(u32, Nanos)>,
    next: u32,
}

/// An answer that was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// When its question was due to be sent.
    pub sent: Nanos,
    /// Whether it overtook an older one.
    pub overtook: bool,
}

impl Default for InFlight {
    fn default() -> Self {
        Self { sent: VecDeque::new(), next: FIRST }
    }
}

impl InFlight {
    /// How many are in flight.
    pub fn len(&self) -> usize {
        self.sent.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// One more leaves, due at `at`; its number.
    pub fn send(&mut self, at: Nanos) -> u32 {
        let number = self.next;
        self.sent.push_back((number, at));
        self.next += 1;
        number
    }

    /// The answer to `number` has come. `None`: it came before, or was never asked for.
    pub fn answer(&mut self, number: u32) -> Option<Answered> {
        let place = self.sent.iter().position(|&(sent, _)| sent == number)?;
        let (_, sent) = self.sent.remove(place).expect("it was found there");
        Some(Answered { sent, overtook: place > 0 })
    }
}

/// How many numbers may be on their way to one recipient between the oldest that is missing and the newest.
pub const SPAN: u32 = 64;

/// What one recipient of a row of broadcasts has received: every number up to `next`, and some of the [`SPAN`] behind it.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    next: u32,
    ahead: u64,
}

impl Default for Received {
    fn default() -> Self {
        Self { next: FIRST, ahead: 0 }
    }
}

/// How a number came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// As the next one.
    InOrder,
    /// Before an older one.
    Overtook,
    /// A second time, or too far ahead ever to have been sent.
    Doubled,
}

impl Received {
    /// One more number has come.
    pub fn receive(&mut self, number: u32) -> Arrival {
        let Some(distance) = number.checked_sub(self.next).filter(|&distance| distance < SPAN)
        else {
            return Arrival::Doubled;
        };
        let bit = 1 << distance;
        if self.ahead & bit != 0 {
            return Arrival::Doubled;
        }
        self.ahead |= bit;
        let run = self.ahead.trailing_ones();
        self.ahead = self.ahead.checked_shr(run).unwrap_or(0);
        self.next += run;
        if distance == 0 { Arrival::InOrder } else { Arrival::Overtook }
    }
}
