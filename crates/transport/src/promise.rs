//! Streams of servers that are not hyper's: promised with the request, given behind the 101.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::listener::Socket;
use crate::upgrade::{Taken, own};

/// How long a stream is waited for behind the 101.
const PATIENCE: Duration = Duration::from_secs(30);

/// Says, among a request's extensions, that its connection will be given as a stream if the answer is `101 Switching
/// Protocols`: for servers that are not hyper's, and for connections whose upgrade somebody else has seen to.
///
/// The request is answered as any other: origin, `allow_request`, limits and the session's id are asked about first. The
/// answer is the server's to send, with the headers that it has; where somebody else has sent a 101 already, it
/// only says whether the stream is wanted.
///
/// A request that comes from hyper needs none: hyper promises in its own way.
///
/// `docs/frameworks.md` has an example.
#[derive(Clone)]
pub struct PromisedStream(Arc<Mutex<Option<Promise>>>);

/// Keeps the promise of a [`PromisedStream`]. If it is dropped, or keeps its stream for more than 30 s, the WebSocket is
/// given up.
pub struct StreamGiver(oneshot::Sender<Taken>);

/// The receiving end.
pub(crate) struct Promise(oneshot::Receiver<Taken>);

impl PromisedStream {
    /// A promise, and the way to keep it.
    #[must_use]
    pub fn new() -> (Self, StreamGiver) {
        let (giver, promise) = oneshot::channel();
        (PromisedStream(Arc::new(Mutex::new(Some(Promise(promise))))), StreamGiver(giver))
    }

    /// Takes the receiving end; there is one, however often the extensions were copied.
    pub(crate) fn claim(self) -> Option<Promise> {
        self.0.lock().take()
    }
}

impl StreamGiver {
    /// Gives the stream, and what was read of it already, behind the head of the request. A `TcpStream` is used
    /// directly, anything else as a foreign stream. Given to a request that was refused, it is closed.
    ///
    /// A stream that has to be polled on a runtime of its own stays there: wrap it into a `tokio::io::duplex` that is
    /// copied from and to.
    pub fn give<S>(self, stream: S, read: &[u8])
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        if let Ok(taken) = own(Socket::new(stream), read) {
            // Nobody waits for it any more: it is closed here.
            let _ = self.0.send(taken);
        }
    }
}

impl Promise {
    /// Waits for the stream.
    pub(crate) async fn kept(self) -> io::Result<Taken> {
        match tokio::time::timeout(PATIENCE, self.0).await {
            Ok(Ok(taken)) => Ok(taken),
            Ok(Err(_)) => Err(io::ErrorKind::ConnectionAborted.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl fmt::Debug for PromisedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PromisedStream").finish_non_exhaustive()
    }
}

impl fmt::Debug for StreamGiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamGiver").finish_non_exhaustive()
    }
}
