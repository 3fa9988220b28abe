//! A stream on which HTTP/1.1 is spoken.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::Response;
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::Outgoing;
use crate::{EngineError, Stream};

/// Most bytes of an answer's head.
const HEAD: usize = 16 << 10;

/// Most bytes that are read ahead: a head with room, and enough of a body for one read.
const READ_BUFFER: usize = 64 << 10;

pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Gone when it has ended and something still waited for it: so that hears of the end.
    driver: Option<Driver>,
    has_ended: bool,
}

type Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// Why there is no answer.
pub(crate) enum Failure {
    /// Nothing of the request has left: it may be sent elsewhere.
    Unsent(Box<Outgoing>),
    Broken(EngineError),
}

impl Connection {
    pub(crate) async fn open(stream: Stream) -> Result<Self, EngineError> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(READ_BUFFER).max_header_size(HEAD);
        let opened = builder.handshake(TokioIo::new(stream)).await;
        let (sender, driver) = opened.map_err(|error| EngineError::exchange(&error))?;
        Ok(Connection { sender, driver: Some(driver), has_ended: false })
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: Outgoing) -> Result<Response<Incoming>, Failure> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let (driver, has_ended) = (&mut self.driver, &mut self.has_ended);
        let answer = poll_fn(|cx| driven(driver, has_ended, cx, |cx| answer.as_mut().poll(cx)));
        answer.await.map_err(|mut failed| match failed.take_message() {
            Some(request) => Failure::Unsent(Box::new(request)),
            None => Failure::Broken(EngineError::exchange(failed.error())),
        })
    }

    /// Reads a body, of `limit` bytes at most.
    pub(super) async fn collect(
        &mut self,
        mut body: Incoming,
        limit: usize,
    ) -> Result<Bytes, EngineError> {
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large(limit));
        }
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(data) = self.next(&mut body).await? {
            if first.len().max(all.len()) + data.len() > limit {
                return Err(too_large(limit));
            }
            if first.is_empty() {
                first = data;
                continue;
            }
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
        // What came in one piece, and most answers do, is not copied.
        Ok(if all.is_empty() { first } else { all.freeze() })
    }

    /// Gives the stream back behind an answer that has switched protocols, with what was read of it already.
    pub(crate) async fn into_stream(self) -> Result<(Stream, Vec<u8>), EngineError> {
        let Some(driver) = self.driver else {
            return Err(EngineError::protocol("the connection ended with the answer"));
        };
        let parts = if self.has_ended {
            driver.into_parts()
        } else {
            driver.without_shutdown().await.map_err(|error| EngineError::exchange(&error))?
        };
        // Copied, so that hyper's buffer of 8 KiB does not live as long as the connection.
        Ok((parts.io.into_inner(), parts.read_buf.to_vec()))
    }

    /// Gives the stream back behind a whole exchange, if another one may follow on it.
    pub(crate) async fn into_idle(mut self) -> Option<Stream> {
        let may_follow = poll_fn(|cx| {
            drive(&mut self.driver, &mut self.has_ended, cx);
            Poll::Ready(!self.has_ended && self.sender.is_ready())
        });
        if !may_follow.await {
            return None;
        }
        let parts = self.driver?.into_parts();
        // More than was asked for is nothing that could be understood.
        parts.read_buf.is_empty().then(|| parts.io.into_inner())
    }

    async fn next(&mut self, body: &mut Incoming) -> Result<Option<Bytes>, EngineError> {
        let (driver, has_ended) = (&mut self.driver, &mut self.has_ended);
        loop {
            let mut frame = |cx: &mut Context<'_>| Pin::new(&mut *body).poll_frame(cx);
            let frame = poll_fn(|cx| driven(driver, has_ended, cx, &mut frame)).await;
            let frame = frame.transpose().map_err(|error| EngineError::exchange(&error))?;
            match frame.map(hyper::body::Frame::into_data) {
                None => return Ok(None),
                Some(Ok(data)) if !data.is_empty() => return Ok(Some(data)),
                Some(_) => {}
            }
        }
    }
}

fn drive(driver: &mut Option<Driver>, has_ended: &mut bool, cx: &mut Context<'_>) {
    // An error is told to whoever waits for the answer; if nobody does, the connection is not used again.
    if !*has_ended && let Some(driver) = driver {
        *has_ended = driver.poll_without_shutdown(cx).is_ready();
    }
}

/// Drives the connection, and looks whether what is waited for has come.
fn driven<T>(
    driver: &mut Option<Driver>,
    has_ended: &mut bool,
    cx: &mut Context<'_>,
    mut awaited: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    drive(driver, has_ended, cx);
    let outcome = awaited(cx);
    if outcome.is_ready() || !*has_ended {
        return outcome;
    }
    *driver = None;
    awaited(cx)
}

fn too_large(limit: usize) -> EngineError {
    EngineError::protocol(format!("the answer is larger than {limit} bytes"))
}
