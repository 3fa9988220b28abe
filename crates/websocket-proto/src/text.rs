//! Text that arrives in pieces, checked as UTF-8 as it comes (RFC 6455, 8.1).

use std::str;

use crate::Error;
use crate::message::{self, Space};

/// The text so far, and the start of a character whose other bytes are still to come.
///
/// Every byte is checked once, on arrival: an invalid one fails the connection at once instead of
/// after megabytes, and the finished text needs no second look.
#[derive(Debug, Default)]
pub(crate) struct Text {
    whole: String,
    /// The bytes of an unfinished character; the first `begun_len` count.
    begun: [u8; 3],
    begun_len: u8,
}

impl Text {
    /// Bytes that have arrived.
    pub(crate) fn len(&self) -> usize {
        self.whole.len() + usize::from(self.begun_len)
    }

    /// Bytes taken from the heap.
    pub(crate) fn capacity(&self) -> usize {
        self.whole.capacity()
    }

    /// Takes in the next piece.
    pub(crate) fn push(&mut self, piece: &[u8], space: Space) -> Result<(), Error> {
        let arrived = self.len() + piece.len();
        let more = message::growth(self.whole.capacity(), self.whole.len(), arrived, space);
        self.whole.reserve_exact(more);
        let rest = self.finish_character(piece)?;
        self.append(rest)
    }

    /// The text, now that its last piece is here.
    pub(crate) fn finish(self) -> Result<String, Error> {
        if self.begun_len > 0 { Err(Error::InvalidText) } else { Ok(self.whole) }
    }

    /// Feeds the unfinished character from `piece`; returns what is left of the piece.
    fn finish_character<'a>(&mut self, mut piece: &'a [u8]) -> Result<&'a [u8], Error> {
        while self.begun_len > 0 {
            let Some((&next, rest)) = piece.split_first() else {
                break;
            };
            piece = rest;
            self.extend_character(next)?;
        }
        Ok(piece)
    }

    /// Adds one byte to the unfinished character, which may complete it.
    fn extend_character(&mut self, next: u8) -> Result<(), Error> {
        let begun = usize::from(self.begun_len);
        let mut character = [0; 4];
        character[..begun].copy_from_slice(&self.begun[..begun]);
        character[begun] = next;
        self.begun_len = 0;
        // Either it is whole now, or it still lacks bytes and goes back to where it was.
        self.append(&character[..=begun])
    }

    /// Appends what is whole and keeps an unfinished character at the end aside.
    fn append(&mut self, piece: &[u8]) -> Result<(), Error> {
        let (whole, begun) = piece.split_at(piece.len() - unfinished_tail(piece));
        self.whole.push_str(str::from_utf8(whole).map_err(|_| Error::InvalidText)?);
        if let Err(error) = str::from_utf8(begun) {
            // `error_len` is `None` where more bytes could still make it a character.
            if error.error_len().is_some() {
                return Err(Error::InvalidText);
            }
            self.begun[..begun.len()].copy_from_slice(begun);
            self.begun_len = u8::try_from(begun.len()).expect("at most three bytes");
        }
        Ok(())
    }
}

/// How many bytes at the end of `piece` belong to a character that goes on behind it: 0 to 3.
fn unfinished_tail(piece: &[u8]) -> usize {
    for (present, byte) in (1..4).zip(piece.iter().rev()) {
        let length = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0.. => 4,
            _ => 1,
        };
        return if length > present { present } else { 0 };
    }
    0
}
