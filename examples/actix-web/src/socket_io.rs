//! Requests of actix-web for the service of Sockeye, and its answers for actix-web.
//!
//! What actix-web reads from a connection belongs to one thread, and a session of Sockeye may be on any. So the body
//! of a POST goes through a channel, and a WebSocket through a pipe.

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, rt};
use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use sockeye::{PromisedStream, Service, StreamGiver};
use tokio::io::{AsyncWriteExt as _, WriteHalf, duplex, split};
use tokio::sync::mpsc;
use tokio_util::io::ReaderStream;
use tower_service::Service as _;

/// Answers a request under the path of Socket.IO.
pub async fn answer(
    request: HttpRequest,
    payload: Payload,
    service: Data<Service>,
) -> actix_web::Result<HttpResponse> {
    let mut service = service.get_ref().clone();
    let (promised, giver) = PromisedStream::new();
    let mut translated = translate(&request)?;
    translated.extensions_mut().insert(promised);
    if request.head().upgrade() {
        let Ok(answer) = service.call(translated.map(|()| Empty::<Bytes>::new())).await;
        return Ok(switched(answer, payload, giver).await);
    }
    let Ok(answer) = service.call(translated.map(|()| body(payload))).await;
    Ok(plain(answer).await)
}

/// The head of a request in the types of the crate `http` 1; actix-web has those of 0.2.
fn translate(request: &HttpRequest) -> actix_web::Result<Request<()>> {
    let mut translated =
        Request::builder().method(request.method().as_str()).uri(request.uri().to_string());
    for (name, value) in request.headers() {
        translated = translated.header(name.as_str(), value.as_bytes());
    }
    if let Some(remote) = request.peer_addr() {
        translated = translated.extension(remote);
    }
    translated.body(()).map_err(actix_web::error::ErrorBadRequest)
}

/// The body of a request, piece by piece; whoever takes it in limits its size and its time.
fn body(mut payload: Payload) -> impl http_body::Body<Data = Bytes, Error = String> + Send {
    let (sender, mut receiver) = mpsc::channel(1);
    rt::spawn(async move {
        while let Some(piece) = payload.next().await {
            let piece = piece.map(http_body::Frame::data).map_err(|error| error.to_string());
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    StreamBody::new(poll_fn(move |cx| receiver.poll_recv(cx)))
}

/// An answer that is no more than that.
async fn plain(answer: Response<Full<Bytes>>) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let Ok(body) = body.collect().await;
    begin(&head).body(body.to_bytes())
}

/// The answer to a request for a WebSocket. If it is one, what the client sends goes into a pipe, and what comes out
/// of the pipe goes to the client.
async fn switched(
    answer: Response<Full<Bytes>>,
    payload: Payload,
    giver: StreamGiver,
) -> HttpResponse {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return plain(answer).await;
    }
    let (near, far) = duplex(64 << 10);
    giver.give(far, b"");
    let (out, into) = split(near);
    rt::spawn(copy(payload, into));
    let (head, _) = answer.into_parts();
    begin(&head).upgrade("websocket").streaming(ReaderStream::new(out))
}

async fn copy(mut payload: Payload, mut into: WriteHalf<tokio::io::DuplexStream>) {
    while let Some(Ok(piece)) = payload.next().await {
        if into.write_all(&piece).await.is_err() {
            return;
        }
    }
    let _ = into.shutdown().await;
}

/// Status and headers. Those that speak of the connection are actix-web's own.
fn begin(head: &http::response::Parts) -> HttpResponseBuilder {
    let status = actix_web::http::StatusCode::from_u16(head.status.as_u16());
    let mut response = HttpResponse::build(status.unwrap_or_default());
    for (name, value) in &head.headers {
        if name != header::CONNECTION && name != header::UPGRADE {
            response.append_header((name.as_str(), value.as_bytes()));
        }
    }
    response
}
