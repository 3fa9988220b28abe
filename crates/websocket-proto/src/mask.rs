//! The XOR that masks a client's payload (RFC 6455, 5.3), and nothing else.
//!
//! Masking and unmasking are the same operation. It goes by words of eight bytes with the key in both
//! halves, a loop that the compiler turns into vector instructions; no `unsafe` needed. Small frames
//! are most frames, so nothing is prepared that only long ones would make good.

/// Masks or unmasks `data` in place.
///
/// `offset` is the place of `data` within its frame's payload, so that a payload can be unmasked
/// piece by piece as it arrives; only `offset % 4` matters.
///
/// ```
/// use sockeye_websocket_proto::mask;
///
/// let key = [0x37, 0xfa, 0x21, 0x3d];                       // the example of RFC 6455, 5.7
/// let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
/// let (head, tail) = payload.split_at_mut(3);
/// mask::apply(key, 0, head);
/// mask::apply(key, 3, tail);
/// assert_eq!(&payload, b"Hello");
/// ```
#[inline]
pub fn apply(key: [u8; 4], offset: usize, data: &mut [u8]) {
    let key = u32::from_le_bytes(rotate(key, offset));
    let double = u64::from(key) << 32 | u64::from(key);
    let (words, rest) = data.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_le_bytes(*word) ^ double).to_le_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(double.to_le_bytes()) {
        *byte ^= key;
    }
}

/// The key as it stands `offset` bytes further into the payload.
#[inline]
pub(crate) fn rotate(key: [u8; 4], offset: usize) -> [u8; 4] {
    let bits = [0, 8, 16, 24][offset % 4];
    u32::from_le_bytes(key).rotate_right(bits).to_le_bytes()
}
