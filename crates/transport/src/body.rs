//! The body of an answer, and taking in that of a request.

use std::fmt;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, Full};

/// The body of every answer of a [`Server`](crate::Server): whole, and known in length.
pub type Body = Full<Bytes>;

/// Why a body could not be had.
pub(crate) enum Fault {
    TooLarge,
    Late,
    Broken,
}

/// All of a body, if it is not larger than `limit`.
pub(crate) async fn collect<B>(body: B, limit: usize) -> Result<Bytes, Fault>
where
    B: HttpBody,
    B::Error: fmt::Display,
{
    // Refused before the memory is taken, where the length is announced.
    if body.size_hint().lower() > limit as u64 {
        return Err(Fault::TooLarge);
    }
    let mut body = std::pin::pin!(body);
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Fault::Broken)?.into_data() else {
            continue;
        };
        if whole.len() + data.remaining() > limit {
            return Err(Fault::TooLarge);
        }
        let last = data.remaining() == data.chunk().len();
        if whole.is_empty() && last && body.is_end_stream() {
            let length = data.remaining();
            return Ok(data.copy_to_bytes(length));
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            whole.extend_from_slice(chunk);
            let length = chunk.len();
            data.advance(length);
        }
    }
    Ok(whole.into())
}

/// Reads away the small body of a request that is refused, so that its connection can be used again.
pub(crate) async fn discard<B>(body: B)
where
    B: HttpBody,
    B::Error: fmt::Display,
{
    const SMALL: usize = 16 * 1024;
    const PATIENCE: Duration = Duration::from_secs(1);
    if !body.is_end_stream() && body.size_hint().upper().is_some_and(|bytes| bytes <= SMALL as u64)
    {
        let _ = tokio::time::timeout(PATIENCE, collect(body, SMALL)).await;
    }
}
