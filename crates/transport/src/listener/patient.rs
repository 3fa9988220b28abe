//! A socket whose client has to take what is written to it, within a deadline.
//!
//! Without it a polling client that does not read would keep its answer, its file descriptor and its place
//! among the listener's connections for as long as it likes: its session ends, but the answer is hyper's.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::Socket;

/// A connection of the listener.
pub(crate) struct Patient {
    socket: Socket,
    patience: Duration,
    /// What has been looked at, and is still to be read.
    seen: Vec<u8>,
    /// Runs while nothing is taken.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(crate) fn new(socket: Socket, patience: Duration) -> Patient {
        Patient { socket, patience, seen: Vec::new(), stalled: None }
    }

    pub(crate) fn into_inner(self) -> Socket {
        self.socket
    }

    /// Whether the client begins with these bytes. All that it has said is still to be read.
    #[cfg(feature = "http2")]
    pub(crate) async fn begins_with(&mut self, beginning: &[u8]) -> io::Result<bool> {
        use tokio::io::AsyncReadExt as _;
        while self.seen.len() < beginning.len() && beginning.starts_with(&self.seen) {
            let more = (beginning.len() - self.seen.len()) as u64;
            if (&mut self.socket).take(more).read_buf(&mut self.seen).await? == 0 {
                break;
            }
        }
        Ok(self.seen == beginning)
    }

    /// Starts the clock, or finds that it has run out.
    fn wait<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn settle<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_pending() {
            return self.wait(cx);
        }
        self.stalled = None;
        written
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.seen.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buffer);
        }
        let length = self.seen.len().min(buffer.remaining());
        buffer.put_slice(&self.seen[..length]);
        self.seen.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.settle(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, pieces);
        self.settle(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What TLS has taken it may still keep: a plain connection keeps nothing.
        let flushed = Pin::new(&mut self.socket).poll_flush(cx);
        self.settle(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.settle(shut, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up_at_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (silent, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (_silent, (socket, _)) = (silent.unwrap(), accepted.unwrap());
        tokio::time::pause();
        let mut patient = Patient::new(Socket::new(socket), Duration::from_secs(30));
        let failed = patient.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
    }
    #[tokio::test(start_paused = true)]
    async fn what_tls_keeps_for_a_client_that_takes_nothing_is_given_up_too() {
        let (stream, _silent) = tokio::io::duplex(16);
        let keeps = tokio::io::BufStream::new(stream);
        let mut patient = Patient::new(Socket::new(keeps), Duration::from_secs(30));
        patient.write_all(&[0; 100]).await.unwrap();
        assert_eq!(patient.flush().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
