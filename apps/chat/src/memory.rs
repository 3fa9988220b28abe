//! What a room remembers: its last messages, and the ids of some more.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use crate::names::{MessageId, Text};
use crate::people::Person;

/// A message as everybody in the room gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Made by the sender's page.
    pub id: MessageId,
    /// The place in the room's order, from 1.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    /// Who said it, under the name of that moment.
    pub person: Person,
    /// What was said.
    pub text: Text,
}

impl Message {
    /// The bytes that this message takes among others when it is sent: its JSON, and a comma.
    fn cost(&self) -> usize {
        serde_json::to_vec(self).map_or(usize::MAX, |json| json.len() + 1)
    }
}

/// The last messages of one room, numbered without gaps.
///
/// Bounded three ways: so many messages, so many bytes, so many ids. What is over leaves at the old end.
#[derive(Debug)]
pub struct Memory {
    messages: VecDeque<Kept>,
    bytes: usize,
    newest: u64,
    seen: HashMap<MessageId, Receipt>,
    seen_in_order: VecDeque<MessageId>,
}

#[derive(Debug)]
struct Kept {
    message: Arc<Message>,
    cost: usize,
}

/// Where and when a message was taken; also the answer to whoever has sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The place in the room's order.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at: u64,
}

/// What became of a message that was given to a [`Memory`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is new: everybody is to hear it.
    New(Arc<Message>),
    /// It was here before: its sender missed the answer and has sent it again.
    Again(Receipt),
}

impl Taken {
    /// The answer for the sender; the same both times.
    pub fn receipt(&self) -> Receipt {
        match self {
            Taken::New(message) => Receipt { seq: message.seq, at: message.at },
            Taken::Again(receipt) => *receipt,
        }
    }
}

impl Memory {
    /// Messages that are kept for those who come later.
    pub const MESSAGES: usize = 200;
    /// Bytes that are kept, counted as they are sent: escapes, names and ids take their place as well. With
    /// [`Limits`](crate::Limits) it keeps what a newcomer gets of all its rooms far below what may wait for a client
    /// that reads slowly.
    pub const BYTES: usize = 40 * 1024;
    /// Ids that are kept to recognise what is sent again: more than messages, since a page may have been away
    /// for longer than its own message was kept.
    pub const IDS: usize = 2000;

    /// An empty memory.
    pub fn new() -> Self {
        Memory {
            messages: VecDeque::new(),
            bytes: 0,
            newest: 0,
            seen: HashMap::new(),
            seen_in_order: VecDeque::new(),
        }
    }

    /// The number of the newest message; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Takes in a message, unless it is one sent again.
    pub fn take(&mut self, id: MessageId, person: Person, text: Text, at: u64) -> Taken {
        if let Some(receipt) = self.seen.get(&id) {
            return Taken::Again(*receipt);
        }
        self.newest += 1;
        let message = Arc::new(Message { id, seq: self.newest, at, person, text });
        self.seen.insert(id, Receipt { seq: message.seq, at });
        self.seen_in_order.push_back(id);
        let cost = message.cost();
        self.bytes += cost;
        self.messages.push_back(Kept { message: Arc::clone(&message), cost });
        self.forget();
        Taken::New(message)
    }

    /// What came after number `seq`, and how much of that is forgotten.
    pub fn since(&self, seq: u64) -> (Vec<Arc<Message>>, u64) {
        let oldest = self.newest - self.messages.len() as u64 + 1;
        let from = seq.saturating_add(1).max(oldest);
        let skipped = usize::try_from(from - oldest).unwrap_or(usize::MAX);
        let messages = self.messages.iter().skip(skipped);
        let messages = messages.map(|kept| Arc::clone(&kept.message)).collect();
        (messages, oldest.saturating_sub(seq.saturating_add(1)))
    }

    fn forget(&mut self) {
        // The newest message always stays, however long it is.
        while self.messages.len() > Self::MESSAGES
            || (self.bytes > Self::BYTES && self.messages.len() > 1)
        {
            let Some(old) = self.messages.pop_front() else {
                break;
            };
            self.bytes -= old.cost;
        }
        while self.seen_in_order.len() > Self::IDS {
            let Some(old) = self.seen_in_order.pop_front() else {
                break;
            };
            self.seen.remove(&old);
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}
