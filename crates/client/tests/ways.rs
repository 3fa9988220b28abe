//! Ways to a server that are not plain TCP: through TLS, a proxy, a Unix socket; with the cookies of a balancer, compressed, and
//! what is remembered of a way.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use sockeye::Io;
use sockeye_client::{
    Client, ConnectError, Connecting, Connector, Dialer, EngineError, Jar, PerMessageDeflate,
    Proxy, Reconnection, Stream, Target, Tls, Transport,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// So long nothing here takes.
const HANG: Duration = Duration::from_secs(30);

/// A server that sets a cookie and answers `cookie?` with what it was sent; with TLS if there is a directory for its files. Its
/// address, and its certificate.
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
    (listen(io).await, made.cert.pem())
}

async fn listen(io: Io) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { io.serve_listener(listener).await });
    address
}

async fn moved_to_a_websocket(client: &Client) {
    let mut state = client.state();
    let moved = state.wait_for(|_| client.transport() == Some(Transport::WebSocket));
    timeout(HANG, moved).await.expect("moved").expect("open");
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
    let socket = client.socket();
    timeout(HANG, socket.connect()).await.expect("connected").expect("let in");
    moved_to_a_websocket(&client).await;
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

#[cfg(unix)]
#[tokio::test]
async fn a_client_comes_through_a_unix_socket_whatever_the_url_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let io = Io::builder().build().unwrap();
    io.of("/").on("add", async |sockeye::Data((a, b)): sockeye::Data<(i64, i64)>| a + b);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let io = io.clone();
            tokio::spawn(async move { io.serve_stream(stream, None).await });
        }
    });
    let dialer = Dialer::default().unix(&path);
    let client = Client::builder("http://chat.invalid").dialer(dialer).build().unwrap();
    let socket = client.socket();
    timeout(HANG, socket.connect()).await.expect("connected").expect("let in");
    moved_to_a_websocket(&client).await;
    let sum: i64 = socket.emit_with_ack("add", &(2, 3)).timeout(HANG).await.expect("an answer");
    assert_eq!(sum, 5);
    client.close().await;
}

#[tokio::test]
async fn a_lost_connection_is_taken_up_with_what_has_worked_before_if_that_is_wanted() {
    for (remember, again) in [(false, Transport::Polling), (true, Transport::WebSocket)] {
        let io = Io::builder().build().unwrap();
        let (begun, mut begins) = unbounded_channel();
        io.of("/").on_connect(move |socket: sockeye::Socket| {
            let _ = begun.send((socket.transport(), socket));
            async {}
        });
        let reconnection = Reconnection::default().delay(Duration::from_millis(1));
        let client = Client::builder(&format!("http://{}", listen(io).await))
            .reconnection(reconnection)
            .remember_upgrade(remember)
            .build()
            .unwrap();
        client.socket().start();
        let (first, socket) = timeout(HANG, begins.recv()).await.expect("connected").unwrap();
        assert_eq!(first, Transport::Polling);
        moved_to_a_websocket(&client).await;
        socket.close_transport();
        let (second, _) = timeout(HANG, begins.recv()).await.expect("connected again").unwrap();
        assert_eq!(second, again, "remember: {remember}");
        client.close().await;
    }
}

/// Leads to a server, and says at the end of each stream how many bytes went there and came back.
struct Counted(Io, UnboundedSender<(u64, u64)>);

impl Connector for Counted {
    fn connect(&self, _: &Target) -> Connecting {
        let (ours, mut near) = duplex(64 << 10);
        let (mut far, theirs) = duplex(64 << 10);
        let (io, counts) = (self.0.clone(), self.1.clone());
        tokio::spawn(async move { io.serve_stream(theirs, None).await });
        tokio::spawn(async move {
            let _ = counts.send(copy_bidirectional(&mut near, &mut far).await.unwrap());
        });
        Box::pin(async { Ok(Stream::new(ours)) })
    }
}

#[tokio::test(start_paused = true)]
async fn messages_are_compressed_if_both_sides_want_it_and_the_emit_does_not_say_no() {
    const SIZE: usize = 100_000;
    let ours = Some(PerMessageDeflate::default());
    for (options, compress, there, back) in
        [(None, true, false, false), (ours, true, true, true), (ours, false, false, true)]
    {
        let theirs = sockeye::PerMessageDeflate::default();
        let io = Io::builder().per_message_deflate(theirs).build().unwrap();
        io.of("/").on("echo", async |args: sockeye::Args| args);
        let (counts, mut counted) = unbounded_channel();
        let client = Client::builder("http://in-memory")
            .transports([Transport::WebSocket])
            .dialer(Dialer::default().connector(Counted(io, counts)))
            .per_message_deflate(options)
            .build()
            .unwrap();
        let socket = client.socket();
        socket.connect().await.unwrap();
        let text = "x".repeat(SIZE);
        let echo: String = socket.compress(compress).emit_with_ack("echo", &text).await.unwrap();
        assert_eq!(echo, text);
        client.close().await;
        let (sent, received) = counted.recv().await.unwrap();
        let is_small = |bytes: u64| bytes < SIZE as u64 / 10;
        assert_eq!((is_small(sent), is_small(received)), (there, back), "{sent} {received}");
    }
}
