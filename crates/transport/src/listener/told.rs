//! Answers over HTTP/2: each has to be taken, as what is written to a connection has.
//!
//! `patient` sees whether a client takes anything at all; one of HTTP/2 may take one stream and leave another. hyper asks
//! a body for more when there is room for it, so an answer is given in pieces; where none is asked for in time, the
//! task of its stream is dropped with all that is left. That resets this stream alone, as soon as the client has taken
//! the rest of the last piece, which is all that is kept.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::rt::Executor;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Exchange;
use crate::Body;

/// Bytes given at a time: what fits into a frame of HTTP/2 if nothing else was agreed upon.
const PIECE: usize = 16 << 10;

tokio::task_local! {
    /// Bytes of the answer that have not been asked for, told by the stream whose task this is.
    static LEFT: watch::Sender<usize>;
}

/// Runs the tasks of a connection's streams.
#[derive(Clone, Copy)]
pub(super) struct Streams {
    /// How long a client may take nothing of an answer.
    pub(super) patience: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
{
    fn execute(&self, stream: F) {
        let left = watch::Sender::new(0);
        let stalled = stalled(left.subscribe(), self.patience);
        tokio::spawn(LEFT.scope(left, async move {
            tokio::select! {
                biased;
                _ = stream => {}
                () = stalled => {}
            }
        }));
    }
}

/// Ready when nothing has been asked for of what is left, for so long.
async fn stalled(mut left: watch::Receiver<usize>, patience: Duration) {
    loop {
        let waits = *left.borrow_and_update() > 0;
        if waits && timeout(patience, left.changed()).await.is_err() {
            return;
        }
        if left.wait_for(|left| *left > 0).await.is_err() {
            return pending().await;
        }
    }
}

/// The body of an answer, in pieces.
pub(super) struct Told {
    rest: Bytes,
    /// Whether there is more than one piece: each is a copy then, or the last one would keep all of them.
    several: bool,
    /// Over when it is whole.
    _exchange: Arc<Exchange>,
}

impl Told {
    /// An answer, as this connection gives it.
    pub(super) async fn of(answer: Response<Body>, exchange: Arc<Exchange>) -> Response<Told> {
        let (head, body) = answer.into_parts();
        let Ok(whole) = body.collect().await;
        let rest = whole.to_bytes();
        note(rest.len());
        let several = rest.len() > PIECE;
        Response::from_parts(head, Told { rest, several, _exchange: exchange })
    }
}

fn note(left: usize) {
    let _ = LEFT.try_with(|told| told.send_replace(left));
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.rest.len().min(PIECE);
        if length == 0 {
            return Poll::Ready(None);
        }
        let piece = self.rest.split_to(length);
        note(self.rest.len());
        let piece = if self.several { Bytes::copy_from_slice(&piece) } else { piece };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
