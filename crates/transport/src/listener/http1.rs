//! HTTP/1.1 on one connection.

use std::convert::Infallible;
use std::net::SocketAddr;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::{Host, Patient, Visit};
use crate::Body;

/// Most bytes of a request that are held unread: a head that does not fit is answered with 431.
const READ_BUFFER: usize = 64 << 10;

pub(super) async fn serve<F, R>(host: Host<F>, patient: Patient, visit: Visit)
where
    F: Fn(Request<Incoming>, Option<SocketAddr>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let Host { options, answer, mut stopped } = host;
    let service = service_fn(move |mut request| {
        visit.mark(&mut request);
        let answer = answer(request, visit.remote);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_deadline)
        .max_buf_size(READ_BUFFER)
        .serve_connection(TokioIo::new(patient), service)
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
        tracing::debug!(remote = ?visit.remote, %error, "HTTP connection ended");
    }
}
