//! A server of its own: accepts TCP connections and speaks HTTP/1.1 on them.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::Body;
use crate::patient::Patient;

/// Most bytes of a request that are held unread: a head that does not fit is answered with 431.
const READ_BUFFER: usize = 64 << 10;

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
}

impl Default for Options {
    fn default() -> Self {
        Options {
            header_deadline: Duration::from_secs(30),
            connections: 100_000,
            write_deadline: Duration::from_secs(30),
            grace: Duration::from_secs(1),
        }
    }
}

/// Accepts connections until `stop` is ready, and answers every request with `answer`.
///
/// # Errors
///
/// Only those of the listener itself that waiting cannot cure. A lack of file descriptors is waited out.
pub async fn serve<F, R>(
    listener: TcpListener,
    options: Options,
    answer: F,
    stop: impl Future<Output = ()>,
) -> io::Result<()>
where
    F: Fn(Request<Incoming>, SocketAddr) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(options.connections.min(Semaphore::MAX_PERMITS)));
    let (stopped, watcher) = watch::channel(());
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (socket, remote, place) = accepted?;
        let (answer, watcher) = (answer.clone(), watcher.clone());
        tokio::spawn(connection(socket, remote, place, options.clone(), answer, watcher));
    }
    drop((listener, watcher));
    let _ = stopped.send(());
    let _ = tokio::time::timeout(options.grace, stopped.closed()).await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
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

async fn connection<F, R>(
    socket: TcpStream,
    remote: SocketAddr,
    place: OwnedSemaphorePermit,
    options: Options,
    answer: F,
    mut stopped: watch::Receiver<()>,
) where
    F: Fn(Request<Incoming>, SocketAddr) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let _place = place;
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| {
        let answer = answer(request, remote);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_deadline)
        .max_buf_size(READ_BUFFER)
        .serve_connection(TokioIo::new(Patient::new(socket, options.write_deadline)), service)
        .with_upgrades();
    let mut served = std::pin::pin!(served);
    let outcome = tokio::select! {
        outcome = &mut served => outcome,
        _ = stopped.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%remote, %error, "HTTP connection ended");
    }
}
