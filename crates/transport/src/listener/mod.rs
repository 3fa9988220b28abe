//! A server of its own: accepts connections and speaks HTTP on them.
//!
//! ```text
//!  Listener ──▶ Lobby ───────────────────▶ Patient ──▶ HTTP/1.1
//!  TCP, Unix    PROXY header, if it is      its client has to take
//!               expected, within a deadline what is written
//! ```

mod bound;
#[cfg(unix)]
mod file;
mod http1;
mod lobby;
mod patient;
mod socket;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::Body;
use crate::proxy::{self, Progress, Source};
pub use bound::{Bound, Listener};
#[cfg(unix)]
pub use file::SocketFile;
use lobby::Lobby;
pub(crate) use patient::Patient;
pub(crate) use socket::{Duplex, Socket};

/// How [`serve`] treats its connections.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long the head of a request may take; also how long a kept-alive connection may be silent between
    /// two requests. Default 30 s.
    pub header_deadline: Duration,
    /// HTTP connections at a time, upgraded ones not counted. At the limit, new ones wait in the kernel's
    /// queue. Default 100 000.
    pub connections: usize,
    /// How long a client may take nothing of an answer that waits for it. Default 30 s.
    pub write_deadline: Duration,
    /// How long requests in progress may go on after the stop. Default 1 s.
    pub grace: Duration,
    /// Each connection begins with a header of the PROXY protocol, version 1 or 2, which says who the client is.
    /// One that does not is closed: nobody but the proxy may reach the listener, for whoever does says what it
    /// likes. Default: none is expected.
    pub proxy_protocol: bool,
    /// How long a connection may take before its first request can be read, for the PROXY header. Default 10 s.
    pub handshake_deadline: Duration,
    /// Connections at a time that have not come so far. Past it, the one that has been there for longest is
    /// closed. Default 1000.
    pub handshakes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            header_deadline: Duration::from_secs(30),
            connections: 100_000,
            write_deadline: Duration::from_secs(30),
            grace: Duration::from_secs(1),
            proxy_protocol: false,
            handshake_deadline: Duration::from_secs(10),
            handshakes: 1000,
        }
    }
}

/// Accepts connections until `stop` is ready, and answers every request with `answer`, which is told the address
/// of the client where that is known: over a Unix socket it is not.
///
/// # Errors
///
/// Only those of the listener itself that waiting cannot cure. A lack of file descriptors is waited out.
pub async fn serve<F, R>(
    listener: impl Into<Listener>,
    options: Options,
    answer: F,
    stop: impl Future<Output = ()>,
) -> io::Result<()>
where
    F: Fn(Request<Incoming>, Option<SocketAddr>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = listener.into();
    let places = Arc::new(Semaphore::new(options.connections.min(Semaphore::MAX_PERMITS)));
    let lobby = Lobby::new(options.handshakes);
    let (stopped, watcher) = watch::channel(());
    let mut stop = std::pin::pin!(stop);
    let grace = options.grace;
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (socket, remote, place) = accepted?;
        let host =
            Host { options: options.clone(), answer: answer.clone(), stopped: watcher.clone() };
        tokio::spawn(host.receive(socket, remote, place, Arc::clone(&lobby)));
    }
    drop((listener, watcher));
    let _ = stopped.send(());
    let _ = tokio::time::timeout(grace, stopped.closed()).await;
    Ok(())
}

/// Speaks HTTP on one stream that somebody else has accepted, from its first byte, until its end, its upgrade to
/// WebSocket, or `stop`. A [`TcpStream`](tokio::net::TcpStream) is as good as one that [`serve`] has accepted.
/// `remote` is the client's address, where it is known.
pub async fn serve_stream<F, R>(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    remote: Option<SocketAddr>,
    options: Options,
    answer: F,
    stop: impl Future<Output = ()>,
) where
    F: Fn(Request<Incoming>, Option<SocketAddr>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let (stopping, stopped) = watch::channel(());
    let grace = options.grace;
    let host = Host { options, answer, stopped };
    let mut served = std::pin::pin!(host.serve(Socket::new(stream), Visit { remote }));
    tokio::select! {
        () = &mut served => return,
        () = stop => {}
    }
    let _ = stopping.send(());
    let _ = tokio::time::timeout(grace, served).await;
}

async fn accept(
    listener: &Listener,
    places: &Arc<Semaphore>,
) -> io::Result<(Socket, Option<SocketAddr>, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((socket, remote)) => return Ok((socket, remote, place)),
            Err(error) if is_passing(&error) => {}
            Err(error) => {
                // Most likely no file descriptors are left: others have to close first.
                tracing::warn!(%error, "cannot accept connections for now");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// The connection was gone before it was accepted.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// What is known of whoever speaks on a connection.
#[derive(Clone, Copy, Debug)]
struct Visit {
    remote: Option<SocketAddr>,
}

/// What one connection needs.
struct Host<F> {
    options: Options,
    answer: F,
    stopped: watch::Receiver<()>,
}

impl<F, R> Host<F>
where
    F: Fn(Request<Incoming>, Option<SocketAddr>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    /// A connection that has just been accepted.
    async fn receive(
        mut self,
        socket: Socket,
        remote: Option<SocketAddr>,
        place: OwnedSemaphorePermit,
        lobby: Arc<Lobby>,
    ) {
        let _place = place;
        let mut visit = Visit { remote };
        if !self.options.proxy_protocol {
            return self.serve(socket, visit).await;
        }
        let deadline = self.options.handshake_deadline;
        let shaken = tokio::select! {
            shaken = lobby.pass(deadline, introduce(socket, &mut visit)) => shaken,
            _ = self.stopped.changed() => return,
        };
        match shaken {
            Ok(socket) => self.serve(socket, visit).await,
            Err(error) => tracing::debug!(?remote, %error, "a connection never came to HTTP"),
        }
    }

    /// Speaks HTTP.
    async fn serve(self, socket: Socket, visit: Visit) {
        let patient = Patient::new(socket, self.options.write_deadline);
        http1::serve(self, patient, visit).await;
    }
}

/// Reads the PROXY header, and no byte of what is behind it.
async fn introduce(mut socket: Socket, visit: &mut Visit) -> io::Result<Socket> {
    let mut header = Vec::new();
    loop {
        match proxy::parse(&header).map_err(io::Error::other)? {
            Progress::More(more) => {
                let read = (&mut socket).take(more as u64).read_buf(&mut header).await?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Progress::Done { source, .. } => {
                visit.remote = match source {
                    Source::Peer => visit.remote,
                    Source::Client(address) => Some(address),
                    Source::Unix => None,
                };
                return Ok(socket);
            }
        }
    }
}
