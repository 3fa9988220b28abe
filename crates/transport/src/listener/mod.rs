//! A server of its own: accepts connections and speaks HTTP on them.
//!
//! ```text
//!  Listener ──▶ Lobby ───────────────────▶ Patient ──▶ HTTP/1.1
//!  TCP, Unix    PROXY header, TLS           its client has to take   HTTP/2
//!               within a deadline           what is written
//! ```

mod bound;
#[cfg(unix)]
mod file;
mod http1;
#[cfg(feature = "http2")]
mod http2;
mod lobby;
mod patient;
mod socket;
#[cfg(feature = "http2")]
mod told;

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
#[cfg(feature = "http2")]
pub(crate) use http2::Exchange;
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
    /// With this certificate, connections speak TLS, and nothing else. Default: none.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::Tls>,
    /// How long a connection may take before its first request can be read: for the PROXY header and the handshake
    /// of TLS together. Default 10 s.
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
            #[cfg(feature = "tls")]
            tls: None,
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
    let mut served =
        std::pin::pin!(host.serve(Socket::new(stream), Visit { remote, ..Visit::default() }));
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

impl Options {
    /// Whether HTTP begins with the first byte.
    fn are_plain(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return false;
        }
        !self.proxy_protocol
    }
}

/// What is known of whoever speaks on a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Visit {
    remote: Option<SocketAddr>,
    /// Over TLS.
    secure: bool,
    /// What was agreed upon inside TLS, or else the first bytes tell.
    #[cfg(feature = "http2")]
    http2: Option<bool>,
}

impl Visit {
    /// Says on a request what its URI does not.
    fn mark<B>(&self, request: &mut Request<B>) {
        if self.secure {
            request.extensions_mut().insert(Secure);
        }
    }
}

/// Among a request's extensions: it came over TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secure;

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
        let mut visit = Visit { remote, ..Visit::default() };
        if self.options.are_plain() {
            return self.serve(socket, visit).await;
        }
        let deadline = self.options.handshake_deadline;
        let shaken = tokio::select! {
            shaken = lobby.pass(deadline, shake(&self.options, socket, &mut visit)) => shaken,
            _ = self.stopped.changed() => return,
        };
        match shaken {
            Ok(socket) => self.serve(socket, visit).await,
            Err(error) => tracing::debug!(?remote, %error, "a connection never came to HTTP"),
        }
    }

    /// Speaks HTTP.
    #[cfg_attr(not(feature = "http2"), allow(unused_mut))]
    async fn serve(mut self, socket: Socket, visit: Visit) {
        let mut patient = Patient::new(socket, self.options.write_deadline);
        #[cfg(feature = "http2")]
        match self.speaks_http2(&mut patient, visit).await {
            // Boxed: a connection of HTTP/1.1 has no room for it.
            Some(true) => return Box::pin(http2::serve(self, patient, visit)).await,
            Some(false) => {}
            None => return,
        }
        http1::serve(self, patient, visit).await;
    }

    /// Which version it is. `None` if nobody says in time.
    #[cfg(feature = "http2")]
    async fn speaks_http2(&mut self, patient: &mut Patient, visit: Visit) -> Option<bool> {
        if let Some(agreed) = visit.http2 {
            return Some(agreed);
        }
        let begins = patient.begins_with(http2::PREFACE);
        let begins = tokio::time::timeout(self.options.header_deadline, begins);
        tokio::select! {
            begins = begins => begins.ok()?.ok(),
            _ = self.stopped.changed() => None,
        }
    }
}

/// What comes before HTTP.
async fn shake(options: &Options, mut socket: Socket, visit: &mut Visit) -> io::Result<Socket> {
    if options.proxy_protocol {
        socket = introduce(socket, visit).await?;
    }
    #[cfg(feature = "tls")]
    if let Some(tls) = &options.tls {
        socket = secure(tls, socket, visit).await?;
    }
    Ok(socket)
}

/// Agrees upon TLS, and what is spoken inside.
#[cfg(feature = "tls")]
async fn secure(tls: &crate::Tls, socket: Socket, visit: &mut Visit) -> io::Result<Socket> {
    let acceptor = tokio_rustls::TlsAcceptor::from(tls.current());
    let stream = acceptor.accept(socket).await?;
    visit.secure = true;
    #[cfg(feature = "http2")]
    {
        visit.http2 = Some(stream.get_ref().1.alpn_protocol() == Some(crate::tls::HTTP2));
    }
    Ok(Socket::Foreign(Box::pin(stream)))
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
