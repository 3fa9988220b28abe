//! The bytes of a WebSocket: reading into a borrowed buffer, and the two kinds of streams.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
#[cfg(feature = "http2")]
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use websocket_proto::Receiver;

use crate::flusher::Sink;
use crate::listener::Duplex;
#[cfg(feature = "http2")]
use crate::listener::Exchange;
use crate::upgrade::Taken;

/// Bytes taken from a socket at a time.
const READ: usize = 64 * 1024;

thread_local! {
    /// Every connection of a thread reads into the same buffer: an idle one owns none.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the thread's read buffer. A nested call gets a new one.
pub(crate) fn with_buffer<R>(use_it: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = BUFFER.take();
    buffer.resize(READ, 0);
    let result = use_it(&mut buffer);
    BUFFER.set(buffer);
    result
}

/// An open WebSocket: the machine that reads frames, and the stream.
pub(crate) struct WebSocket {
    pub(crate) receiver: Receiver,
    pub(crate) stream: Stream,
}

impl WebSocket {
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self.stream, Stream::Foreign(_))
    }
}

/// A WebSocket that wants to become a session's pipe.
pub(crate) struct Candidate {
    /// `None` while it is being read.
    pub(crate) socket: Option<WebSocket>,
    pub(crate) write: Option<OwnedWriteHalf>,
    /// What came with the handshake.
    pub(crate) read: Box<[u8]>,
    /// What is to be written before the switch.
    pub(crate) out: Vec<u8>,
    /// Whether compression was negotiated.
    pub(crate) deflates: bool,
}

impl Candidate {
    pub(crate) fn new(taken: Taken, receiver: Receiver) -> Candidate {
        let (stream, write) = taken.stream.split();
        Candidate {
            deflates: receiver.inflates(),
            socket: Some(WebSocket { receiver, stream }),
            write,
            read: taken.read,
            out: Vec::new(),
        }
    }

    /// Waits until the client says something or hangs up, and closes.
    pub(crate) async fn see_off(mut self) {
        std::future::poll_fn(|cx| {
            // The answer to its probe may still be here.
            let _ = self.write_out(cx);
            let Some(socket) = &mut self.socket else { return Poll::Ready(()) };
            with_buffer(|buffer| socket.stream.poll_read(cx, buffer).map(drop))
        })
        .await;
        websocket_proto::push_close(&mut self.out, None, "", None);
        std::future::poll_fn(|cx| Poll::Ready(self.write_out(cx))).await;
    }

    /// Writes what is due; false if it could not be done at once: a pipe that blocks at its first bytes is
    /// not worth having.
    pub(crate) fn write_out(&mut self, cx: &mut Context<'_>) -> bool {
        if self.out.is_empty() {
            return true;
        }
        let out = std::mem::take(&mut self.out);
        let pieces = [IoSlice::new(&out)];
        let written = match (&self.write, &mut self.socket) {
            (Some(half), _) => Sink::write(&mut &*half, &pieces),
            (None, Some(socket)) => socket.stream.write_now(&pieces, cx),
            (None, None) => return false,
        };
        written.is_ok_and(|written| written == out.len())
    }
}

/// What bytes travel on.
pub(crate) enum Stream {
    /// A plain socket, before its write side is given to the flusher.
    Whole(TcpStream),
    /// A plain socket between two runtimes.
    Moving(std::net::TcpStream),
    /// The read side of a plain socket.
    Tcp(OwnedReadHalf),
    /// TLS, Unix sockets, anything else: only its own task can write to it.
    Foreign(Foreign),
}

/// A stream of unknown kind.
pub(crate) struct Foreign {
    stream: Pin<Box<dyn Duplex>>,
    /// It was written to, and may still keep something back.
    unflushed: bool,
    /// Where it is a part of an HTTP/2 connection, which is to stay as long as this.
    #[cfg(feature = "http2")]
    _exchange: Option<Arc<Exchange>>,
}

impl Foreign {
    fn write(&mut self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = ready!(self.stream.as_mut().poll_write_vectored(cx, pieces))?;
        self.unflushed = true;
        Poll::Ready(Ok(written))
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(self.stream.as_mut().poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl Stream {
    pub(crate) fn tcp(socket: TcpStream) -> Stream {
        Stream::Whole(socket)
    }

    pub(crate) fn foreign(stream: Pin<Box<dyn Duplex>>) -> Stream {
        Stream::Foreign(Foreign {
            stream,
            unflushed: false,
            #[cfg(feature = "http2")]
            _exchange: None,
        })
    }

    /// A foreign stream that is a part of an HTTP/2 connection.
    #[cfg(feature = "http2")]
    pub(crate) fn part(stream: Pin<Box<dyn Duplex>>, exchange: Option<Arc<Exchange>>) -> Stream {
        Stream::Foreign(Foreign { stream, unflushed: false, _exchange: exchange })
    }

    fn split(self) -> (Stream, Option<OwnedWriteHalf>) {
        match self {
            Stream::Whole(socket) => {
                let (read, write) = socket.into_split();
                (Stream::Tcp(read), Some(write))
            }
            other => (other, None),
        }
    }

    /// Reads once. `Ready(0)` is the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let outcome = match self {
            Stream::Whole(socket) => Pin::new(socket).poll_read(cx, &mut buffer),
            Stream::Tcp(half) => Pin::new(half).poll_read(cx, &mut buffer),
            Stream::Foreign(foreign) => foreign.stream.as_mut().poll_read(cx, &mut buffer),
            Stream::Moving(_) => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        ready!(outcome)?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Ready when the socket takes bytes again. A foreign stream is simply tried.
    pub(crate) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Stream::Tcp(half) => half.as_ref().poll_write_ready(cx).map(drop),
            Stream::Whole(socket) => socket.poll_write_ready(cx).map(drop),
            Stream::Foreign(_) | Stream::Moving(_) => Poll::Ready(()),
        }
    }

    fn write_now(&mut self, pieces: &[IoSlice<'_>], cx: &mut Context<'_>) -> io::Result<usize> {
        let written = self.with(cx).write(pieces)?;
        match self.poll_flush(cx) {
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(written),
        }
    }

    /// A sink for a foreign stream; its wakers are those of `cx`.
    pub(crate) fn with<'a, 'b>(&'a mut self, cx: &'a mut Context<'b>) -> Own<'a, 'b> {
        Own { stream: self, cx }
    }

    /// Pushes out what a foreign stream keeps back: TLS holds records until it is told to flush. A plain
    /// socket keeps nothing.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Foreign(foreign) => foreign.flush(cx),
            Stream::Whole(_) | Stream::Moving(_) | Stream::Tcp(_) => Poll::Ready(Ok(())),
        }
    }

    /// Ends the sending direction of a foreign stream (a plain socket's ends when its write side is
    /// dropped).
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Foreign(foreign) => foreign.stream.as_mut().poll_shutdown(cx),
            Stream::Whole(_) | Stream::Moving(_) | Stream::Tcp(_) => Poll::Ready(Ok(())),
        }
    }
}

/// A foreign stream in the hands of its own task.
pub(crate) struct Own<'a, 'b> {
    stream: &'a mut Stream,
    cx: &'a mut Context<'b>,
}

impl Sink for Own<'_, '_> {
    fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let Stream::Foreign(foreign) = self.stream else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        match foreign.write(self.cx, pieces) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}
