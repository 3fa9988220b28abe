//! HTTP/2 on one connection, with each WebSocket as a stream of it (RFC 8441).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::told::{Streams, Told};
use super::{Host, Patient, Visit};
use crate::Body;

/// What a client says first (RFC 9113, 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Streams of one connection at a time; more are refused.
const STREAMS: u32 = 200;
/// Bytes of one request's headers, each counted with 32 bytes more (RFC 9113, 6.5.2); more is answered with 431.
const HEADERS: u32 = 32 << 10;
/// What one stream may have sent that nobody has read, and what all streams of a connection may.
const WINDOWS: [u32; 2] = [256 << 10, 1 << 20];
/// What one stream keeps that its client does not take.
const SEND_BUFFER: usize = 64 << 10;
/// Streams that a client has opened and given up at once, before we have looked; more, and the connection ends.
const ABANDONED: usize = 20;
/// How often a silent client is asked whether it is there, and how long it may take to answer.
const ALIVE: Duration = Duration::from_secs(20);

pub(super) async fn serve<F, R>(host: Host<F>, patient: Patient, visit: Visit)
where
    F: Fn(Request<Incoming>, Option<SocketAddr>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let Host { options, answer, mut stopped } = host;
    let exchanges = Exchanges::default();
    let mut open = exchanges.0.subscribe();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let exchange = exchanges.begin();
        request.extensions_mut().insert(Arc::clone(&exchange));
        visit.mark(&mut request);
        let answer = answer(request, visit.remote);
        async move { Ok::<_, Infallible>(Told::of(answer.await, exchange).await) }
    });
    let streams = Streams { patience: options.write_deadline };
    let served = builder(streams).serve_connection(TokioIo::new(patient), service);
    let mut served = std::pin::pin!(served);
    let patience = tokio::select! {
        _ = &mut served => return,
        _ = stopped.changed() => options.grace,
        () = idle(&mut open, options.header_deadline) => options.write_deadline,
    };
    served.as_mut().graceful_shutdown();
    tokio::select! {
        _ = served => {}
        () = over(&mut open, patience) => {}
    }
}

fn builder(streams: Streams) -> http2::Builder<Streams> {
    let [stream, connection] = WINDOWS;
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADERS)
        .max_pending_accept_reset_streams(ABANDONED)
        .max_send_buf_size(SEND_BUFFER)
        .initial_stream_window_size(stream)
        .initial_connection_window_size(connection)
        .keep_alive_interval(ALIVE)
        .keep_alive_timeout(ALIVE);
    builder
}

/// Ready when nothing has been going on for so long.
async fn idle(open: &mut watch::Receiver<usize>, deadline: Duration) {
    loop {
        let _ = open.wait_for(|open| *open == 0).await;
        if timeout(deadline, open.wait_for(|open| *open > 0)).await.is_err() {
            return;
        }
    }
}

/// Ready when nothing is going on any more, and what was said last has had some time to be taken.
async fn over(open: &mut watch::Receiver<usize>, patience: Duration) {
    let _ = open.wait_for(|open| *open == 0).await;
    sleep(patience).await;
}

/// How many requests, and streams that are a WebSocket, are going on.
#[derive(Clone, Default)]
struct Exchanges(Arc<watch::Sender<usize>>);

impl Exchanges {
    fn begin(&self) -> Arc<Exchange> {
        self.0.send_modify(|open| *open += 1);
        Arc::new(Exchange(self.clone()))
    }
}

/// One of them; over when it is dropped.
pub(crate) struct Exchange(Exchanges);

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.0.send_modify(|open| *open -= 1);
    }
}
