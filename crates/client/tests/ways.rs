//! Ways to a server that are not plain TCP: through TLS, through a proxy, with the cookies of a balancer.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use sockeye::Io;
use sockeye_client::{Client, ConnectError, Dialer, EngineError, Jar, Proxy, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// So long nothing here takes.
const HANG: Duration = Duration::from_secs(30);

/// A server that sets a cookie and answers `cookie?` with what it was sent; with TLS if there is a directory for its files. Its address, and
/// its certificate.
async fn serve(files: Option<&Path>) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut builder = Io::builder().cookie(sockeye::Cookie::new("node"));
    if let Some(directory) = files {
        let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        builder = builder.tls(sockeye::Tls::from_files(certificate, key).unwrap());
    }
    let io = builder.build().unwrap();
    io.of("/").on("cookie?", async |socket: sockeye::Socket| {
        let handshake = socket.handshake();
        let cookie = handshake.headers().find(|(name, _)| *name == "cookie");
        cookie.map_or(String::new(), |(_, value)| value.to_owned())
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { io.serve_listener(listener).await });
    (address, made.cert.pem())
}

/// Connects, asks which cookie the server was sent, and leaves.
async fn cookie(client: &Client) -> String {
    let socket = client.socket();
    timeout(HANG, socket.connect()).await.expect("connected").expect("let in");
    let answer = socket.emit_with_ack("cookie?", &()).timeout(HANG).await.expect("an answer");
    socket.disconnect();
    client.close().await;
    answer
}

fn trusting(certificate: &str) -> Dialer {
    let tls = Tls::builder().roots(certificate.as_bytes()).unwrap().build().unwrap();
    Dialer::default().tls(tls)
}

#[tokio::test]
async fn a_client_comes_over_tls_and_moves_to_a_websocket_there() {
    let directory = tempfile::tempdir().unwrap();
    let (address, certificate) = serve(Some(directory.path())).await;
    let url = format!("https://localhost:{}", address.port());
    let client = Client::builder(&url).dialer(trusting(&certificate)).build().unwrap();
    let mut state = client.state();
    let socket = client.socket();
    timeout(HANG, socket.connect()).await.expect("connected").expect("let in");
    let moved =
        state.wait_for(|_| client.transport() == Some(sockeye_client::Transport::WebSocket));
    timeout(HANG, moved).await.expect("moved").expect("open");
    let answer: String =
        socket.emit_with_ack("cookie?", &()).timeout(HANG).await.expect("an answer");
    assert_eq!(answer, "");
    client.close().await;
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_server_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (address, _) = serve(Some(directory.path())).await;
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let url = format!("wss://localhost:{}", address.port());
    let client = Client::builder(&url).dialer(trusting(&other.cert.pem())).build().unwrap();
    let outcome = timeout(HANG, client.socket().connect()).await.expect("an answer");
    let error = outcome.expect_err("a stranger");
    assert!(matches!(error, ConnectError::Unreachable(EngineError::Tls { .. })), "{error:?}");
    client.close().await;
}

#[tokio::test]
async fn cookies_come_back_with_the_next_connection_if_there_is_a_jar() {
    let (address, _) = serve(None).await;
    let url = format!("http://{address}");
    let without = || Client::builder(&url).build().unwrap();
    assert_eq!(
        (cookie(&without()).await, cookie(&without()).await),
        (String::new(), String::new())
    );
    let jar = Jar::default();
    let with = || Client::builder(&url).cookies(jar.clone()).build().unwrap();
    assert_eq!(cookie(&with()).await, "");
    let again = cookie(&with()).await;
    assert!(again.starts_with("node="), "{again}");
}

#[tokio::test]
async fn a_client_comes_through_a_proxy() {
    let (server, _) = serve(None).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    // Only the proxy knows who that is.
    let client = Client::builder("http://chat.invalid")
        .dialer(Dialer::default().proxy(proxy))
        .build()
        .unwrap();
    let tunnels = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(tunnel(stream, server));
        }
    };
    tokio::select! {
        answer = cookie(&client) => assert_eq!(answer, ""),
        () = tunnels => {}
    }
}

/// Reads a CONNECT, and leads to the server.
async fn tunnel(mut stream: TcpStream, server: SocketAddr) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"CONNECT chat.invalid:80 "), "{head:?}");
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let mut server = TcpStream::connect(server).await.unwrap();
    // Either side may reset it at the end.
    let _ended = copy_bidirectional(&mut stream, &mut server).await;
}
