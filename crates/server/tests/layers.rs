//! What tower middleware does that a server stands behind, and what the server leaves to its host.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderValue, StatusCode};
use hyper_util::rt::TokioIo;
use support::{Client, Notes, Polling, http, io, soon, with_sync};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::connect_async;

const OPEN: &str = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1";

async fn run(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn url(address: SocketAddr) -> String {
    format!("ws://{address}/socket.io/?EIO=4&transport=websocket")
}

/// A middleware that notes its name, and adds two headers to the answer, as one for sessions and one for
/// security do.
async fn sign(
    notes: Arc<Notes<&'static str>>,
    name: &'static str,
    request: Request,
    next: Next,
) -> Response {
    notes.add(name);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.append("set-cookie", HeaderValue::from_static("visit=1; HttpOnly"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

#[tokio::test]
async fn layers_run_in_their_order_and_what_they_add_is_on_polls_and_on_the_101() {
    let io = io(|io| io);
    with_sync(&io);
    let notes = Notes::new();
    let layer = |name| {
        let notes = Arc::clone(&notes);
        from_fn(move |request: Request, next: Next| sign(Arc::clone(&notes), name, request, next))
    };
    let app = Router::new().layer(io.layer().unwrap());
    let address = run(app.layer(layer("third")).layer(layer("second")).layer(layer("first"))).await;

    let (status, headers, _) = http(address, OPEN, "").await;
    assert_eq!(status, 200);
    assert_eq!(notes.so_far(), ["first", "second", "third"]);
    assert_eq!(headers.matches("set-cookie: visit=1; httponly").count(), 3, "{headers}");
    assert!(headers.contains("x-content-type-options: nosniff"), "{headers}");

    let (_stream, answer) = soon(connect_async(url(address))).await.unwrap();
    assert_eq!(notes.so_far(), ["first", "second", "third"]);
    assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 3);
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    Client::join(address).await.0.sync().await;
}

#[tokio::test]
async fn a_layer_that_answers_itself_lets_no_session_open() {
    let io = io(|io| io);
    let closed = async |_: Request, _: Next| StatusCode::SERVICE_UNAVAILABLE.into_response();
    let address = run(Router::new().layer(io.layer().unwrap()).layer(from_fn(closed))).await;
    assert_eq!(http(address, OPEN, "").await.0, 503);
    let refused = connect_async(url(address)).await.unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    assert_eq!(io.stats().connections(), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_behind_a_layer_too() {
    let io = io(|io| io.max_payload(5));
    let pass = async |request: Request, next: Next| next.run(request).await;
    let address = run(Router::new().layer(io.layer().unwrap()).layer(from_fn(pass))).await;
    let client = Polling::open(address, "/socket.io/").await;
    let post = format!("POST {} HTTP/1.1", client.path());
    assert_eq!(http(address, &post, "40{\"too\":\"large\"}").await.0, 413);
    client.post("40").await;
    assert!(client.get().await.starts_with("40{"));
}

/// A request to become something else than a WebSocket.
fn other_upgrade(target: &str, address: SocketAddr) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: IRC/6.9\r\n\r\n"
    )
}

/// Echoes what a connection says once it has been upgraded.
async fn irc(mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let (mut read, mut write) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
        tokio::io::copy(&mut read, &mut write).await.unwrap();
    });
    let headers = [("connection", "Upgrade"), ("upgrade", "IRC/6.9")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// The first `length` bytes of what comes.
async fn read(stream: &mut TcpStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    soon(stream.read_exact(&mut bytes)).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn other_upgrades_are_the_host_s_and_last_as_long_as_it_wants() {
    let io = io(|io| io);
    with_sync(&io);
    let app = Router::new().route("/irc", any(irc)).route("/", any(async || "home"));
    let address = run(app.layer(io.layer().unwrap())).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(other_upgrade("/irc", address).as_bytes()).await.unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head += &read(&mut stream, 1).await;
    }
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    Client::join(address).await.0.sync().await;
    stream.write_all(b"hello").await.unwrap();
    assert_eq!(read(&mut stream, 5).await, "hello");
    assert_eq!(http(address, "GET / HTTP/1.1", "").await.2, "home");
}

#[tokio::test]
async fn a_server_that_is_alone_answers_other_upgrades_as_if_they_were_none() {
    let io = io(|io| io);
    let address = support::serve(&io).await;
    for (target, expected) in [
        ("/", "HTTP/1.1 404 "),
        ("/socket.io/?EIO=4&transport=polling", "HTTP/1.1 200 "),
        ("/socket.io/?EIO=4&transport=websocket", "HTTP/1.1 400 "),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(other_upgrade(target, address).as_bytes()).await.unwrap();
        assert_eq!(read(&mut stream, expected.len()).await, expected, "{target}");
    }
}
