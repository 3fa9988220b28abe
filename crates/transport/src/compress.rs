//! Answers to polls, made smaller for clients that take that.

use flate2::{Compress, Compression, FlushCompress, Status};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::coding::Coding;

/// The encoders of a server. One weighs a quarter of a megabyte, so there are few, and they are used again.
pub(crate) struct Compressors {
    /// Whoever compresses has one of so many permits; others wait in line.
    permits: Semaphore,
    most: usize,
    /// Encoders that nobody uses at the moment.
    idle: Mutex<Vec<(Coding, Compress)>>,
}

/// Bytes that are compressed before others get their turn: some 30 µs, or 90 with br.
const PIECE: usize = 32 << 10;

impl Compressors {
    pub(crate) fn new(workers: usize) -> Compressors {
        let most = (2 * workers).max(8);
        Compressors { permits: Semaphore::new(most), most, idle: Mutex::default() }
    }

    /// `None` if it cannot be done.
    pub(crate) async fn compress(&self, coding: Coding, plain: &[u8]) -> Option<Vec<u8>> {
        let _permit = self.permits.acquire().await.ok()?;
        match coding {
            #[cfg(feature = "brotli")]
            Coding::Br => crate::brotli::in_pieces(plain, PIECE).await,
            Coding::Gzip | Coding::Deflate => self.deflate(coding, plain).await,
        }
    }

    async fn deflate(&self, coding: Coding, plain: &[u8]) -> Option<Vec<u8>> {
        let mut encoder = self.take(coding);
        let mut out = Vec::with_capacity(plain.len() / 2);
        let mut rest = plain;
        while rest.len() > PIECE {
            let (piece, later) = rest.split_at(PIECE);
            feed(&mut encoder, piece, FlushCompress::None, &mut out)?;
            rest = later;
            tokio::task::yield_now().await;
        }
        feed(&mut encoder, rest, FlushCompress::Finish, &mut out)?;
        self.give_back(coding, encoder);
        Some(out)
    }

    fn take(&self, coding: Coding) -> Compress {
        let mut idle = self.idle.lock();
        let place = idle.iter().position(|(found, _)| *found == coding);
        let found = place.map(|place| idle.swap_remove(place));
        drop(idle);
        found.map_or_else(|| new(coding), |(_, encoder)| encoder)
    }

    fn give_back(&self, coding: Coding, mut encoder: Compress) {
        encoder.reset();
        let mut idle = self.idle.lock();
        if idle.len() < self.most {
            idle.push((coding, encoder));
        }
    }
}

/// An encoder of the fastest level: 3 µs for 1 KiB of events, a third of what zlib's default takes, to a quarter of
/// their size.
fn new(coding: Coding) -> Compress {
    const WINDOW_BITS: u8 = 15;
    if coding == Coding::Gzip {
        Compress::new_gzip(Compression::fast(), WINDOW_BITS)
    } else {
        Compress::new(Compression::fast(), true)
    }
}

/// Has an encoder take in all of a piece, and at the end give out all that it holds.
fn feed(
    encoder: &mut Compress,
    mut piece: &[u8],
    flush: FlushCompress,
    out: &mut Vec<u8>,
) -> Option<()> {
    const ROOM: usize = 4 << 10;
    loop {
        out.reserve(ROOM);
        let before = encoder.total_in();
        let status = encoder.compress_vec(piece, out, flush).ok()?;
        let taken = usize::try_from(encoder.total_in() - before).ok()?;
        piece = &piece[taken..];
        let finishing = matches!(flush, FlushCompress::Finish);
        if piece.is_empty() && (!finishing || status == Status::StreamEnd) {
            return Some(());
        }
    }
}
