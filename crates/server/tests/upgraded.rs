//! A WebSocket on the stream of a server that is not hyper's: these tests are one.

mod support;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode};
use sockeye::{Builder, Bytes, Io, PromisedStream, StreamGiver};
use support::{Client, Notes, Polling, http, io, pass, soon, with_sync};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tower_service::Service as _;

/// What the server does with a connection that is to be a WebSocket.
#[derive(Clone)]
enum Hand {
    /// Gives it as it is.
    Socket,
    /// Gives a stream of which nobody knows what it is.
    Duplex,
    /// Keeps it, and the promise as well.
    Never(Arc<Notes<(StreamGiver, TcpStream)>>),
    /// Promises nothing.
    None,
}

/// A small HTTP server: one request for each connection.
async fn serve(io: &Io, hand: Hand) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let io = io.clone();
    tokio::spawn(async move {
        loop {
            let (socket, remote) = listener.accept().await.unwrap();
            tokio::spawn(connection(io.clone(), hand.clone(), socket, remote));
        }
    });
    address
}

async fn connection(io: Io, hand: Hand, mut socket: TcpStream, remote: SocketAddr) {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if socket.read_buf(&mut read).await.unwrap() == 0 {
            return;
        }
    };
    let head = String::from_utf8(read[..end].to_vec()).unwrap();
    let length = value(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    let upgrades = value(&head, "upgrade").is_some();
    let mut behind = read.split_off(end);
    while behind.len() < length {
        socket.read_buf(&mut behind).await.unwrap();
    }
    let mut request = request(&head, behind.drain(..length).collect());
    request.extensions_mut().insert(remote);
    let (promised, giver) = PromisedStream::new();
    if upgrades && !matches!(hand, Hand::None) {
        request.extensions_mut().insert(promised);
    }
    let answer = io.service().unwrap().call(request).await.unwrap();
    let switches = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    socket.write_all(&written(answer).await).await.unwrap();
    match hand {
        _ if !switches => {}
        Hand::Socket => giver.give(socket, &behind),
        Hand::Duplex => {
            let (mut near, far) = tokio::io::duplex(100);
            giver.give(far, &behind);
            let _ = tokio::io::copy_bidirectional(&mut socket, &mut near).await;
        }
        Hand::Never(notes) => notes.add((giver, socket)),
        Hand::None => unreachable!("nothing was promised"),
    }
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn request(head: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    let mut words = head.split(' ');
    let request = Request::builder().method(words.next().unwrap()).uri(words.next().unwrap());
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let request = lines.fold(request, |request, (name, value)| request.header(name, value));
    request.body(Full::from(body)).unwrap()
}

async fn written(answer: Response<impl http_body::Body<Error: std::fmt::Debug>>) -> Vec<u8> {
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut text = format!("HTTP/1.1 {}\r\n", parts.status);
    for (name, value) in &parts.headers {
        let _ = write!(text, "{name}: {}\r\n", value.to_str().unwrap());
    }
    if parts.status != StatusCode::SWITCHING_PROTOCOLS {
        let length = body.len();
        let _ = write!(text, "content-length: {length}\r\nconnection: close\r\n");
    }
    [text.as_bytes(), b"\r\n", &body].concat()
}

/// A request for a WebSocket.
const HEAD: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\n\
                    Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async fn websocket(address: SocketAddr, header: (&'static str, &str)) -> Result<Client, String> {
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert(header.0, header.1.parse().unwrap());
    Client::request(request).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_websocket_is_served_on_a_stream_that_another_server_has_upgraded() {
    for hand in [Hand::Socket, Hand::Duplex] {
        let io = io(|io| io);
        io.of("/").on("echo", async |sockeye::Data(text): sockeye::Data<String>| text);
        io.of("/").on("where", async |socket: sockeye::Socket| {
            socket.handshake().address().map(|address| address.ip().to_string())
        });
        let address = serve(&io, hand).await;
        let (mut client, _) = Client::join(address).await;
        client.send("421[\"where\"]").await;
        client.expect("431[\"127.0.0.1\"]").await;
        let long = "x".repeat(100_000);
        client.send(&format!("422[\"echo\",\"{long}\"]")).await;
        client.expect(&format!("432[\"{long}\"]")).await;
        client.hang_up();
    }
}

#[tokio::test]
async fn a_session_that_polls_goes_over_to_a_stream_that_another_server_has_upgraded() {
    for hand in [Hand::Socket, Hand::Duplex] {
        let io = io(|io| io);
        with_sync(&io);
        let address = serve(&io, hand).await;
        let polling = Polling::open(address, "/socket.io/").await;
        polling.post("40").await;
        assert!(polling.get().await.starts_with("40{"));
        let mut client = Client::candidate(&polling).await;
        client.send("2probe").await;
        client.expect("3probe").await;
        client.send("5").await;
        client.sync().await;
    }
}

#[tokio::test]
async fn what_came_with_the_request_is_read_first() {
    for hand in [Hand::Socket, Hand::Duplex] {
        let address = serve(&io(|io| io), hand).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        // A text frame, `40`, masked with zeros.
        let frame = [0x81, 0x82, 0, 0, 0, 0, b'4', b'0'];
        socket.write_all(&[HEAD.as_bytes(), &frame].concat()).await.unwrap();
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains("40{\"sid\"") {
            assert!(soon(socket.read_buf(&mut read)).await.unwrap() > 0);
        }
        let head = String::from_utf8_lossy(&read);
        assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    }
}

#[tokio::test]
async fn on_such_a_stream_too_only_those_come_who_may() {
    let asked = |io: Builder| {
        io.allow_request(async |request: sockeye::Request| {
            request.header("x-word").map(drop).ok_or("a stranger")
        })
    };
    let address = serve(&io(asked), Hand::Socket).await;
    assert!(websocket(address, ("x-word", "friend")).await.is_ok());
    let refused = |refusal: Result<Client, String>| refusal.err().unwrap();
    let foreign = websocket(address, ("origin", "https://foe.example")).await;
    assert!(refused(foreign).contains("403"));
    assert!(refused(websocket(address, ("x-other", "")).await).contains("403"));
    let unknown = "/socket.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA";
    let unknown =
        Client::request(format!("ws://{address}{unknown}").into_client_request().unwrap());
    assert!(unknown.await.err().unwrap().to_string().contains("400"));
    let address = serve(&io(|io| io), Hand::None).await;
    assert!(refused(websocket(address, ("x-word", "friend")).await).contains("400"));
}

#[tokio::test]
async fn a_stream_that_is_given_though_nobody_wants_it_is_closed() {
    let (promised, giver) = PromisedStream::new();
    drop(promised);
    let (mut near, far) = tokio::io::duplex(100);
    giver.give(far, b"");
    assert_eq!(soon(near.read(&mut [0; 1])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_stream_that_is_never_given_takes_nobody_s_place_for_long() {
    for drops in [true, false] {
        let io = io(|io| io.max_sessions(1));
        let notes = Notes::new();
        let address = serve(&io, Hand::Never(Arc::clone(&notes))).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(HEAD.as_bytes()).await.unwrap();
        let (giver, kept) = notes.next().await;
        let open = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1";
        assert_eq!(http(address, open, "").await.0, 503);
        let kept = if drops {
            drop(giver);
            (None, kept)
        } else {
            pass(Duration::from_secs(31)).await;
            (Some(giver), kept)
        };
        assert_eq!(http(address, open, "").await.0, 200);
        drop(kept);
    }
}
