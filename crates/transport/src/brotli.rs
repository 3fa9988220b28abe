//! The encoder for br (RFC 7932), behind the feature `brotli`.

use std::io::Write as _;

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;

/// Compresses an answer, piece by piece, so that others get their turns. Level 1 takes 6 µs for 1 KiB of events, a fifth
/// more than gzip here, to three quarters of its size, and 270 µs for 100 KiB, twice as long, to two thirds; level 3 takes
/// twice as long for another tenth, and from level 5 on every answer costs at least 700 µs.
///
/// An encoder is made for each answer: it is small where the answer is.
pub(crate) async fn in_pieces(plain: &[u8], piece: usize) -> Option<Vec<u8>> {
    const LEVEL: i32 = 1;
    let mut encoder = encoder(LEVEL, plain.len());
    for (number, piece) in plain.chunks(piece).enumerate() {
        if number > 0 {
            tokio::task::yield_now().await;
        }
        encoder.write_all(piece).ok()?;
    }
    Some(encoder.into_inner())
}

/// An encoder. What it was given is whole once it has been taken apart by `into_inner`.
pub(crate) type Encoder = CompressorWriter<Vec<u8>>;

/// An encoder of this level for so many bytes: its memory is as large as they need.
pub(crate) fn encoder(level: i32, bytes: usize) -> Encoder {
    const OUTPUT: usize = 4096;
    let params = BrotliEncoderParams {
        quality: level,
        size_hint: bytes,
        lgwin: window(bytes),
        ..BrotliEncoderParams::default()
    };
    CompressorWriter::with_params(Vec::with_capacity(bytes / 4), OUTPUT, &params)
}

/// The bits of a window that holds so many bytes, as far as one may be that wide (RFC 7932, 9.1).
fn window(bytes: usize) -> i32 {
    (10..22).find(|bits| bytes < 1 << bits).unwrap_or(22)
}
