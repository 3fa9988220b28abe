//! Messages in, bytes out (RFC 6455, 6.1).
//!
//! A server's frames carry no mask, so one that was built once, its head written into room left in
//! front of the payload, serves every recipient. A client masks each frame with a fresh key.

use crate::close::fitting_reason;
use crate::frame::{FIN, LENGTH_16, LENGTH_64, MASK, Opcode};
use crate::mask;

/// The most bytes that an unmasked frame head takes.
pub const SERVER_HEAD: usize = 10;

/// The most bytes that a masked frame head takes.
pub const CLIENT_HEAD: usize = 14;

/// Writes the head of a final, unmasked frame with `payload` bytes into the end of `room`, so that it
/// stands right in front of a payload that follows; returns its length: 2, 4 or 10 bytes.
///
/// # Panics
///
/// If `room` has no space for the head; [`SERVER_HEAD`] bytes are always enough.
///
/// ```
/// use sockeye_websocket_proto::{Opcode, SERVER_HEAD, write_frame_head};
///
/// let mut buffer = vec![0; SERVER_HEAD];
/// buffer.extend_from_slice(b"Hello");
///
/// let (room, payload) = buffer.split_at_mut(SERVER_HEAD);
/// let head = write_frame_head(room, Opcode::Text, payload.len());
/// assert_eq!(&buffer[SERVER_HEAD - head..], b"\x81\x05Hello");
/// ```
#[inline]
pub fn write_frame_head(room: &mut [u8], opcode: Opcode, payload: usize) -> usize {
    let (head, len) = head(opcode, true, payload, false);
    let start = room.len() - len;
    room[start..].copy_from_slice(&head[..len]);
    len
}

/// As [`write_frame_head`], for a client: with the key that its payload is masked with, or will be; 6, 8 or 14 bytes.
///
/// # Panics
///
/// If `room` has no space for the head; [`CLIENT_HEAD`] bytes are always enough.
///
/// ```
/// use sockeye_websocket_proto::{CLIENT_HEAD, Opcode, mask, write_masked_head};
///
/// let mut buffer = vec![0; CLIENT_HEAD];
/// buffer.extend_from_slice(b"Hello");
///
/// let key = [0x37, 0xfa, 0x21, 0x3d];
/// let (room, payload) = buffer.split_at_mut(CLIENT_HEAD);
/// mask::apply(key, 0, payload);
/// let head = write_masked_head(room, Opcode::Text, payload.len(), key);
/// let frame = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";     // RFC 6455, 5.7
/// assert_eq!(&buffer[CLIENT_HEAD - head..], frame);
/// ```
#[inline]
pub fn write_masked_head(room: &mut [u8], opcode: Opcode, payload: usize, key: [u8; 4]) -> usize {
    let (head, len) = head(opcode, true, payload, true);
    let (front, space) = room.split_at_mut(room.len() - key.len());
    space.copy_from_slice(&key);
    let start = front.len() - len;
    front[start..].copy_from_slice(&head[..len]);
    len + key.len()
}

/// Appends one whole frame to `out`. `Some(key)` masks it, as a client must with a key that cannot be
/// foreseen (5.3); `None` does not, as a server must. `fin` is false where fragments of the same
/// message follow.
///
/// Whoever calls keeps the rules of fragmentation and of control frames: `payload` of at most 125
/// bytes, `fin` set.
///
/// ```
/// use sockeye_websocket_proto::{Opcode, push_frame};
///
/// let mut out = Vec::new();
/// push_frame(&mut out, Opcode::Text, false, None, b"Hel");
/// push_frame(&mut out, Opcode::Continuation, true, None, b"lo");
/// assert_eq!(out, b"\x01\x03Hel\x80\x02lo");                   // RFC 6455, 5.7
/// ```
#[inline]
pub fn push_frame(
    out: &mut Vec<u8>,
    opcode: Opcode,
    fin: bool,
    mask: Option<[u8; 4]>,
    payload: &[u8],
) {
    debug_assert!(!opcode.is_control() || (fin && payload.len() <= 125), "RFC 6455, 5.5");
    let (head, len) = head(opcode, fin, payload.len(), mask.is_some());
    out.reserve(len + 4 + payload.len());
    out.extend_from_slice(&head[..len]);
    out.extend_from_slice(mask.as_ref().map_or(&[], |key| &key[..]));
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        mask::apply(key, 0, &mut out[start..]);
    }
}

/// Appends a close frame to `out`, masked if `mask` is given. Without a code it is empty and `reason`
/// is left out; a reason of more than 123 bytes is cut between two characters.
///
/// ```
/// use sockeye_websocket_proto::push_close;
///
/// let mut out = Vec::new();
/// push_close(&mut out, Some(1000), "bye", None);
/// assert_eq!(out, b"\x88\x05\x03\xe8bye");
/// ```
pub fn push_close(out: &mut Vec<u8>, code: Option<u16>, reason: &str, mask: Option<[u8; 4]>) {
    let mut payload = Vec::new();
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(fitting_reason(reason).as_bytes());
    }
    push_frame(out, Opcode::Close, true, mask, &payload);
}

/// The head without its key, and how many bytes of it count.
#[inline]
fn head(opcode: Opcode, fin: bool, payload: usize, masked: bool) -> ([u8; SERVER_HEAD], usize) {
    let mut head = [0; SERVER_HEAD];
    head[0] = opcode as u8 | if fin { FIN } else { 0 };
    let masked = if masked { MASK } else { 0 };
    // The fewest bytes that hold the length (5.2).
    let len = if let Some(short) = u8::try_from(payload).ok().filter(|&short| short < LENGTH_16) {
        head[1] = masked | short;
        2
    } else if let Ok(length) = u16::try_from(payload) {
        head[1] = masked | LENGTH_16;
        head[2..4].copy_from_slice(&length.to_be_bytes());
        4
    } else {
        head[1] = masked | LENGTH_64;
        head[2..].copy_from_slice(&(payload as u64).to_be_bytes());
        10
    };
    (head, len)
}
