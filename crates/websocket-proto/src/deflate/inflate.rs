//! The payload of a compressed message in, the message out, in bounded pieces (RFC 7692, 7.2.2).

use std::cell::Cell;

use flate2::{Decompress, FlushDecompress, Status};

use super::{Context, TAIL};
use crate::Error;

/// Reads the compressed messages of one peer; given to a receiver by
/// [`Receiver::inflating`](crate::Receiver::inflating).
///
/// It takes memory when the first compressed message comes, some 47 KiB ([`CONTEXT`](super::CONTEXT)). A peer that
/// takes no context over costs them only while a message of it is not whole.
#[derive(Debug)]
pub struct Inflater {
    takeover: bool,
    /// `None` before the first message, and between messages that stand by themselves.
    state: Option<Decompress>,
    /// Bytes of the compressed message in progress, as they came.
    arrived: Option<usize>,
    /// A block said that it is the last one (7.2.3.4): what follows begins anew.
    ended: bool,
    /// Its place among those that are counted.
    place: Option<Context>,
}

impl Inflater {
    pub(super) fn new(takeover: bool) -> Self {
        Inflater { takeover, state: None, arrived: None, ended: false, place: None }
    }

    /// Holds a place among those that are counted, until its receiver is dropped or closed.
    #[must_use]
    pub fn counted(mut self, place: Context) -> Self {
        self.place = Some(place);
        self
    }

    /// Whether a compressed message is in progress.
    pub(crate) fn is_busy(&self) -> bool {
        self.arrived.is_some()
    }

    /// How much of it has come.
    pub(crate) fn arrived(&self) -> Option<usize> {
        self.arrived
    }

    /// A compressed message begins.
    pub(crate) fn begin(&mut self) {
        self.arrived = Some(0);
    }

    /// Takes in a piece of the payload; what comes out goes to `out` in pieces, until that refuses.
    pub(crate) fn push(
        &mut self,
        piece: &[u8],
        out: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.arrived = self.arrived.map(|arrived| arrived + piece.len());
        self.inflate(piece, out)
    }

    /// The payload is whole.
    pub(crate) fn finish(
        &mut self,
        out: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let arrived = self.arrived.take();
        // What was cut off is the end of an empty block. Nothing at all was no block.
        if arrived != Some(0) && !self.ended {
            self.inflate(&TAIL, out)?;
        }
        if !self.takeover {
            if let Some(state) = self.state.take() {
                give_back(state);
            }
            self.ended = false;
        }
        Ok(())
    }

    fn inflate(
        &mut self,
        mut piece: &[u8],
        mut out: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let state = self.state.get_or_insert_with(take);
        let mut scratch = [0; PIECE];
        while !(piece.is_empty() && self.ended) {
            if std::mem::take(&mut self.ended) {
                state.reset(false);
            }
            let before = (state.total_in(), state.total_out());
            let outcome = state.decompress(piece, &mut scratch, FlushDecompress::Sync);
            let taken = count(state.total_in() - before.0);
            let made = count(state.total_out() - before.1);
            // What came out in front of a fault counts: its own fault comes first.
            out(&scratch[..made])?;
            piece = &piece[taken..];
            match outcome {
                Ok(Status::StreamEnd) => self.ended = true,
                Ok(_) if piece.is_empty() && made < PIECE => return Ok(()),
                Ok(_) if taken + made > 0 => {}
                Ok(_) | Err(_) => return Err(Error::InvalidDeflate),
            }
        }
        Ok(())
    }
}

/// Bytes that come out at a time, and are looked at before there are more.
const PIECE: usize = 8 << 10;

fn count(bytes: u64) -> usize {
    usize::try_from(bytes).expect("no more than it was given")
}

thread_local! {
    /// One that nobody uses: messages that stand by themselves come one after the other.
    static SPARE: Cell<Option<Decompress>> = const { Cell::new(None) };
}

fn take() -> Decompress {
    SPARE.take().unwrap_or_else(|| Decompress::new(false))
}

fn give_back(mut state: Decompress) {
    state.reset(false);
    SPARE.set(Some(state));
}
