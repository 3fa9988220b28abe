//! A message in, its compressed payload out (RFC 7692, 7.2.1).

use flate2::{Compress, Compression, FlushCompress};

use super::{TAIL, mark};
use crate::{Opcode, push_frame};

/// Compresses the messages of one sender, or of any number if it takes nothing over. Weighs about a quarter of a
/// megabyte.
///
/// ```
/// use sockeye_websocket_proto::deflate::Deflater;
///
/// let (mut deflater, mut payload) = (Deflater::alone(1), Vec::new());
/// deflater.compress(b"Hello", &mut payload);
/// assert_eq!(payload, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]); // RFC 7692, 7.2.3.1
/// ```
#[derive(Debug)]
pub struct Deflater {
    compress: Compress,
    takeover: bool,
}

impl Deflater {
    /// Compresses each message by itself, with the largest window: what a server needs that agrees to what
    /// [`accept`](super::accept) says. `level` is 1, the fastest, to 9, the smallest.
    ///
    /// # Panics
    ///
    /// If the level is none.
    pub fn alone(level: u32) -> Self {
        Deflater::new(level, super::LARGEST, false)
    }

    pub(super) fn new(level: u32, bits: u8, takeover: bool) -> Self {
        assert!((1..=9).contains(&level), "a level is 1 to 9, not {level}");
        let compress = Compress::new_with_window_bits(Compression::new(level), false, bits);
        Deflater { compress, takeover }
    }

    /// Appends the payload of a compressed message: of one frame, or cut anywhere of several. The first of them is
    /// to be [marked](super::mark).
    ///
    /// It may be longer than the message; then it need not be sent, unless context is taken over.
    pub fn compress(&mut self, message: &[u8], payload: &mut Vec<u8>) {
        let start = payload.len();
        payload.reserve(message.len() / 4 + ROOM);
        self.flush(message, payload);
        if payload[start..].ends_with(&TAIL) {
            payload.truncate(payload.len() - TAIL.len());
        }
        if payload.len() == start {
            // Nothing was said since the last flush: an empty block (7.2.3.6).
            payload.push(0);
        }
        if !self.takeover {
            self.compress.reset();
        }
    }

    /// Appends a whole message, text or binary, as one compressed frame; a client gives the key of its mask.
    ///
    /// ```
    /// use sockeye_websocket_proto::Opcode;
    /// use sockeye_websocket_proto::deflate::Deflater;
    ///
    /// let mut out = Vec::new();
    /// Deflater::alone(1).push_message(&mut out, Opcode::Text, None, b"Hello");
    /// assert_eq!(out, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0");    // RFC 7692, 7.2.3.1
    /// ```
    pub fn push_message(
        &mut self,
        out: &mut Vec<u8>,
        opcode: Opcode,
        key: Option<[u8; 4]>,
        message: &[u8],
    ) {
        let (start, mut payload) = (out.len(), Vec::new());
        self.compress(message, &mut payload);
        push_frame(out, opcode, true, key, &payload);
        mark(&mut out[start..]);
    }

    /// All of a message, up to and with an empty block.
    fn flush(&mut self, mut message: &[u8], payload: &mut Vec<u8>) {
        loop {
            let before = self.compress.total_in();
            let done = self.compress.compress_vec(message, payload, FlushCompress::Sync);
            done.expect("deflate takes any bytes");
            let taken = usize::try_from(self.compress.total_in() - before);
            message = &message[taken.expect("no more than it was given")..];
            // Where room is left it has said all.
            if message.is_empty() && payload.len() < payload.capacity() {
                return;
            }
            payload.reserve(message.len() / 2 + ROOM);
        }
    }
}

/// Free bytes that it is given at least, so that the last block is not written in pieces.
const ROOM: usize = 64;
