//! What is accepted: a TCP connection, which the flusher can write to, or any other stream.

use std::any::Any;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A stream that is no plain TCP connection.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// An accepted connection.
pub(crate) enum Socket {
    Tcp(TcpStream),
    /// TLS, Unix sockets, anything else.
    Foreign(Pin<Box<dyn Duplex>>),
}

impl Socket {
    /// Whatever it is: a TCP connection is recognised.
    pub(crate) fn new(stream: impl Duplex + 'static) -> Socket {
        let mut stream = Some(stream);
        let any: &mut dyn Any = &mut stream;
        if let Some(tcp) = any.downcast_mut::<Option<TcpStream>>().and_then(Option::take) {
            return Socket::Tcp(tcp);
        }
        Socket::Foreign(Box::pin(stream.expect("nobody has taken it")))
    }

    fn as_pin(self: Pin<&mut Self>) -> Pin<&mut dyn Duplex> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::<&mut TcpStream>::new(socket),
            Socket::Foreign(stream) => stream.as_mut(),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.as_pin().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.as_pin().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.as_pin().poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Socket::Tcp(socket) => socket.is_write_vectored(),
            Socket::Foreign(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_pin().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_pin().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_tcp_connection_is_recognised() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(matches!(Socket::new(stream), Socket::Tcp(_)));
        assert!(matches!(Socket::new(tokio::io::duplex(1).0), Socket::Foreign(_)));
    }
}
