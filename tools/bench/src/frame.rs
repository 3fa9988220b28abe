//! WebSocket frames (RFC 6455, 5.2), as much of them as a load generator and a floor need.
//!
//! Written anew rather than taken from `websocket-proto`, on purpose: a generator that shared the server's frame layer
//! would not notice where both are wrong.

/// A frame that carries text.
pub const TEXT: u8 = 0x1;
/// A frame that carries bytes.
pub const BINARY: u8 = 0x2;
/// The frame that says goodbye.
pub const CLOSE: u8 = 0x8;
/// Asks for a [`PONG`] with the same payload.
pub const PING: u8 = 0x9;
/// Answers a [`PING`].
pub const PONG: u8 = 0xA;

const FIN: u8 = 0x80;
const OPCODE: u8 = 0x0F;
const MASKED: u8 = 0x80;
/// The short length that says: two bytes with the length follow.
const TWO_BYTES: u8 = 0x7E;
/// The short length that says: eight bytes with the length follow.
const EIGHT_BYTES: u8 = 0x7F;

/// What stands in front of a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What the frame carries: [`TEXT`], [`BINARY`], …
    pub opcode: u8,
    /// The masking key; clients mask, servers do not (5.3).
    pub mask: Option<[u8; 4]>,
    /// Bytes the head itself takes.
    pub length: usize,
    /// Bytes of payload behind it.
    pub payload: usize,
}

impl Head {
    /// Reads the head at the start of `input`; `None` if it is not complete yet.
    ///
    /// # Errors
    ///
    /// [`FrameError`] for fragments and reserved bits, which no server has a reason to send here.
    ///
    /// ```
    /// use sockeye_bench::frame::{Head, TEXT};
    ///
    /// let head = Head::read(b"\x81\x02hi").unwrap().unwrap();
    /// assert_eq!((head.opcode, head.length, head.payload), (TEXT, 2, 2));
    /// ```
    pub fn read(input: &[u8]) -> Result<Option<Self>, FrameError> {
        let &[first, second, ref rest @ ..] = input else {
            return Ok(None);
        };
        if first & 0x70 != 0 {
            return Err(FrameError::Reserved(first));
        }
        if first & FIN == 0 || first & OPCODE == 0 {
            return Err(FrameError::Fragment);
        }
        let Some((payload, size)) = read_length(second & 0x7F, rest) else {
            return Ok(None);
        };
        let payload = usize::try_from(payload).map_err(|_| FrameError::Length(payload))?;
        let mut head = Self { opcode: first & OPCODE, mask: None, length: 2 + size, payload };
        if second & MASKED != 0 {
            let Some(key) = rest.get(size..).and_then(<[u8]>::first_chunk) else {
                return Ok(None);
            };
            head.mask = Some(*key);
            head.length += 4;
        }
        Ok(Some(head))
    }

    /// Bytes of the whole frame.
    pub fn frame(&self) -> usize {
        self.length.saturating_add(self.payload)
    }
}

/// The payload's length and the bytes its longer forms take.
fn read_length(short: u8, rest: &[u8]) -> Option<(u64, usize)> {
    match short {
        TWO_BYTES => rest.first_chunk().map(|&bytes| (u64::from(u16::from_be_bytes(bytes)), 2)),
        EIGHT_BYTES => rest.first_chunk().map(|&bytes| (u64::from_be_bytes(bytes), 8)),
        _ => Some((u64::from(short), 0)),
    }
}

/// A frame the generator does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Extensions were not negotiated, yet one of their bits is set.
    #[error("the frame's first byte 0x{0:02x} has reserved bits set")]
    Reserved(u8),
    /// Small messages in several frames: allowed by the specification, absent from every server measured.
    #[error("the message came in fragments")]
    Fragment,
    /// A length no memory holds.
    #[error("the frame announces {0} bytes")]
    Length(u64),
}

/// Appends one whole frame; `Some(key)` masks its payload.
pub fn push(out: &mut Vec<u8>, opcode: u8, mask: Option<[u8; 4]>, payload: &[u8]) {
    push_head(out, opcode, mask, payload.len());
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        unmask(key, &mut out[start..]);
    }
}

/// Appends the head of a frame whose payload the caller appends.
pub fn push_head(out: &mut Vec<u8>, opcode: u8, mask: Option<[u8; 4]>, payload: usize) {
    let masked = if mask.is_some() { MASKED } else { 0 };
    out.push(FIN | opcode);
    match (u8::try_from(payload), u16::try_from(payload)) {
        (Ok(short @ 0..TWO_BYTES), _) => out.push(masked | short),
        (_, Ok(medium)) => {
            out.push(masked | TWO_BYTES);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(masked | EIGHT_BYTES);
            out.extend_from_slice(&(payload as u64).to_be_bytes());
        }
    }
    if let Some(key) = mask {
        out.extend_from_slice(&key);
    }
}

/// Masks or unmasks (it is the same) a whole payload.
pub fn unmask(key: [u8; 4], data: &mut [u8]) {
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let mut chunks = data.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let word = u64::from_ne_bytes((&*chunk).try_into().expect("eight bytes"));
        chunk.copy_from_slice(&(word ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}
