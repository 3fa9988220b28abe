//! Bytes to and from the server, whatever carries them.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What can carry a connection: every stream of tokio's that may be sent to another thread.
///
/// ```
/// fn carries(_: &impl sockeye_engine_client::Io) {}
///
/// let (ours, theirs) = tokio::io::duplex(1024);
/// carries(&ours);
/// # drop(theirs);
/// ```
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// A stream to the server. Plain TCP needs no memory of its own; everything else is boxed.
///
/// ```
/// use sockeye_engine_client::Stream;
///
/// let (ours, theirs) = tokio::io::duplex(1024);
/// let stream = Stream::new(ours);
/// # drop((stream, theirs));
/// ```
pub struct Stream(Carrier);

enum Carrier {
    Tcp(TcpStream),
    Other(Box<dyn Io>),
}

impl Stream {
    /// Any stream of bytes.
    ///
    /// ```
    /// let (ours, theirs) = tokio::io::duplex(1024);
    /// let stream = sockeye_engine_client::Stream::new(ours);
    /// # drop((stream, theirs));
    /// ```
    pub fn new(io: impl Io) -> Self {
        Stream(Carrier::Other(Box::new(io)))
    }

    fn io(self: Pin<&mut Self>) -> Pin<&mut dyn Io> {
        match &mut self.get_mut().0 {
            Carrier::Tcp(stream) => Pin::new(stream),
            Carrier::Other(stream) => Pin::new(stream.as_mut()),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Stream(Carrier::Tcp(stream))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Carrier::Tcp(stream) => stream.fmt(f),
            Carrier::Other(_) => f.write_str("Stream"),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Carrier::Tcp(stream) => stream.is_write_vectored(),
            Carrier::Other(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }
}
