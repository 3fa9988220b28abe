//! A message that arrives in more than one piece, be it fragments or the parts of one frame.

use crate::text::Text;
use crate::{Error, Event, Opcode};

/// The unfinished message: what has arrived of it, and in how many frames.
#[derive(Debug)]
pub(crate) struct Message {
    content: Content,
    /// Frames whose head has arrived.
    pub(crate) fragments: usize,
}

#[derive(Debug)]
enum Content {
    Text(Text),
    Binary(Vec<u8>),
}

/// A whole message that had to be gathered.
#[derive(Debug)]
pub(crate) enum Gathered {
    Text(String),
    Binary(Vec<u8>),
}

impl Gathered {
    pub(crate) fn event(&self) -> Event<'_> {
        match self {
            Gathered::Text(text) => Event::Text(text),
            Gathered::Binary(bytes) => Event::Binary(bytes),
        }
    }
}

/// The most bytes that the message can reach: its size where the last frame's head is known, else
/// the limit. Keeps the buffer from growing past what can ever be needed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space(pub(crate) usize);

impl Message {
    /// A message whose first frame has this opcode (text or binary). Takes no memory.
    pub(crate) fn begin(opcode: Opcode) -> Self {
        let content = match opcode {
            Opcode::Text => Content::Text(Text::default()),
            _ => Content::Binary(Vec::new()),
        };
        Message { content, fragments: 1 }
    }

    /// Bytes that have arrived.
    pub(crate) fn len(&self) -> usize {
        match &self.content {
            Content::Text(text) => text.len(),
            Content::Binary(bytes) => bytes.len(),
        }
    }

    /// Bytes taken from the heap.
    pub(crate) fn capacity(&self) -> usize {
        match &self.content {
            Content::Text(text) => text.capacity(),
            Content::Binary(bytes) => bytes.capacity(),
        }
    }

    /// Takes in the next piece of the payload, unmasked.
    pub(crate) fn push(&mut self, piece: &[u8], space: Space) -> Result<(), Error> {
        match &mut self.content {
            Content::Text(text) => text.push(piece, space),
            Content::Binary(bytes) => {
                let arrived = bytes.len() + piece.len();
                bytes.reserve_exact(growth(bytes.capacity(), bytes.len(), arrived, space));
                bytes.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    /// Takes in the next piece of what a compressed payload becomes, as far as `limit` allows.
    pub(crate) fn push_within(&mut self, piece: &[u8], limit: usize) -> Result<(), Error> {
        let fits = limit.saturating_sub(self.len()).min(piece.len());
        self.push(&piece[..fits], Space(limit))?;
        if fits < piece.len() {
            // How much more is not known, and nobody's business.
            return Err(Error::MessageTooLarge { length: limit as u64 + 1, limit });
        }
        Ok(())
    }

    /// The whole message, now that its last piece is here.
    pub(crate) fn finish(self) -> Result<Gathered, Error> {
        match self.content {
            Content::Text(text) => text.finish().map(Gathered::Text),
            Content::Binary(bytes) => Ok(Gathered::Binary(bytes)),
        }
    }
}

/// What to reserve behind `len` bytes so that `needed` fit: twice the capacity, so that a long
/// message is not moved at every read, but never more than it has `space` for. A head alone, however
/// large the length it announces, takes nothing.
pub(crate) fn growth(capacity: usize, len: usize, needed: usize, space: Space) -> usize {
    if needed <= capacity {
        return 0;
    }
    let doubled = capacity.saturating_mul(2).max(SMALLEST);
    doubled.min(space.0).max(needed) - len
}

/// The first reservation, in bytes, so that a trickle does not start with a dozen moves.
const SMALLEST: usize = 64;
