//! What the options do, seen from outside.

mod support;

use std::time::Duration;

use sockeye::engine::Message;
use sockeye::{Answer, Io, Socket};
use support::{Client, Polling, http, io, serve, soon, with_sync};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server whose every wait is as long as can be said.
fn endless() -> Io {
    let never = Duration::MAX;
    let io = io(|io| {
        io.ping_interval(never)
            .ping_timeout(never)
            .upgrade_timeout(never)
            .connect_timeout(never)
            .attachment_deadline(never)
            .body_deadline(never)
            .allow_deadline(never)
            .allow_request(async |_| {
                tokio::task::yield_now().await;
                Ok::<(), String>(())
            })
            .header_deadline(never)
            .ack_timeout(never)
            .middleware_timeout(never)
            .handler_timeout(never)
            .slow_handler(never)
    });
    with_sync(&io);
    io.of("/").middleware(async || tokio::task::yield_now().await);
    io.of("/").on("ask", async |socket: Socket| {
        let named = socket.emit_with_ack::<String>("q", &()).timeout(Duration::MAX).await;
        named.map_err(|error| error.to_string())
    });
    io
}

#[tokio::test]
async fn a_wait_without_end_is_a_long_wait_and_panics_nowhere() {
    let io = endless();
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    client.send("427[\"ask\"]").await;
    client.expect("420[\"q\"]").await;
    client.send_all(&["430[\"Ada\"]"]).await;
    client.expect("437[\"Ada\"]").await;

    let one = tokio::spawn(io.socket(&id).unwrap().emit_with_ack::<u8>("q", &()).into_future());
    client.expect("421[\"q\"]").await;
    let mut all = io.timeout(Duration::MAX).emit_with_ack::<u8>("q", &());
    let all = tokio::spawn(async move { all.next().await });
    client.expect("422[\"q\"]").await;
    client.send_all(&["431[7]", "432[8]"]).await;
    assert_eq!(soon(one).await.unwrap().unwrap(), 7);
    let Answer { result, .. } = soon(all).await.unwrap().unwrap();
    assert_eq!(result.unwrap(), 8);

    client.send("451-[\"sync\",{\"_placeholder\":true,\"num\":0}]").await;
    client.send_binary(&[1]).await;
    client.sync().await;
    assert_eq!(io.stats().panics, 0);

    let reading = tokio::spawn(async move { client.rest().await });
    soon(io.close(Duration::MAX)).await;
    assert!(reading.await.unwrap().is_empty());
}

#[tokio::test]
async fn clients_are_told_of_no_wait_that_their_timers_could_not_hold() {
    let address = serve(&endless()).await;
    let (_, _, open) = http(address, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "").await;
    let open: serde_json::Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    let wait = open["pingInterval"].as_u64().unwrap() + open["pingTimeout"].as_u64().unwrap();
    assert!(wait < 1 << 31, "{open}");
}

/// Shorter than any default.
const SHORT: Duration = Duration::from_millis(50);

/// The head of an event that `sync` answers, with so many attachments.
fn announced(count: usize) -> String {
    let places: Vec<_> =
        (0..count).map(|num| format!("{{\"_placeholder\":true,\"num\":{num}}}")).collect();
    format!("45{count}-1[\"sync\",{}]", places.join(","))
}

async fn client_of(io: &Io) -> Client {
    with_sync(io);
    Client::join(serve(io).await).await.0
}

#[tokio::test]
async fn max_attachments_bounds_the_attachments_of_one_packet() {
    let mut client = client_of(&io(|io| io.max_attachments(12))).await;
    client.send(&announced(12)).await;
    for _ in 0..12 {
        client.send_binary(&[1]).await;
    }
    client.expect("431[]").await;
    client.send(&announced(13)).await;
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn attachment_bytes_bounds_what_the_attachments_of_one_packet_weigh_together() {
    let mut client = client_of(&io(|io| io.attachment_bytes(10))).await;
    for _ in 0..2 {
        client.send(&announced(2)).await;
        client.send_binary(&[1; 4]).await;
        client.send_binary(&[1; 6]).await;
        client.expect("431[]").await;
    }
    client.send(&announced(2)).await;
    client.send_binary(&[1; 4]).await;
    client.send_binary(&[1; 7]).await;
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn attachment_deadline_bounds_how_long_attachments_may_be_late() {
    let io = io(|io| io.attachment_deadline(SHORT));
    let mut client = client_of(&io).await;
    client.send(&announced(2)).await;
    client.send_binary(&[1]).await;
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn max_namespaces_bounds_where_one_client_may_be() {
    let io = io(|io| io.max_namespaces(2));
    for name in ["/a", "/b", "/c"] {
        io.of(name);
    }
    let address = serve(&io).await;
    let mut client = Client::open(address).await;
    client.connect("/a", "").await;
    client.connect("/b", "").await;
    client.send("41/a,").await; // one may leave for another
    client.connect("/c", "").await;
    client.send("40/a,").await;
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn max_sessions_bounds_who_is_let_in_until_somebody_leaves() {
    let io = io(|io| io.max_sessions(1));
    let address = serve(&io).await;
    let (client, _) = Client::join(address).await;
    let open = || http(address, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "");
    assert_eq!(open().await.0, 503);
    client.hang_up();
    while io.stats().connections() > 0 {
        tokio::task::yield_now().await;
    }
    let mut status = open().await.0;
    while status == 503 {
        status = open().await.0; // the task of the one that left is ending
    }
    assert_eq!(status, 200);
}

#[tokio::test]
async fn upgrade_timeout_bounds_a_candidate_and_the_session_stays() {
    let io = io(|io| io.upgrade_timeout(SHORT));
    with_sync(&io);
    let polling = Polling::open(serve(&io).await, "/socket.io/").await;
    polling.post("40").await;
    assert!(polling.get().await.starts_with("40{"));
    let mut candidate = Client::candidate(&polling).await;
    assert!(candidate.rest().await.is_empty());
    polling.post("421[\"sync\"]").await;
    assert_eq!(polling.get().await, "431[]");
}

#[tokio::test]
async fn without_allow_upgrades_a_session_stays_where_it_began() {
    let io = io(|io| io.allow_upgrades(false));
    let address = serve(&io).await;
    let (_, _, open) = http(address, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "").await;
    assert!(open.contains("\"upgrades\":[]"), "{open}");
    let polling = Polling::open(address, "/socket.io/").await;
    let mut candidate = Client::candidate(&polling).await;
    assert!(candidate.rest().await.is_empty());
    polling.post("40").await;
    assert!(polling.get().await.starts_with("40{"));
}

/// What is answered to bytes that are not a whole request, until the connection is closed.
async fn unfinished(address: std::net::SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // Closed in whatever way.
    let _ = soon(stream.read_to_string(&mut answer)).await;
    answer
}

#[tokio::test]
async fn body_deadline_bounds_a_post_that_does_not_end() {
    let io = io(|io| io.body_deadline(SHORT).header_deadline(Duration::from_secs(1)));
    let address = serve(&io).await;
    let polling = Polling::open(address, "/socket.io/").await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 10\r\n\r\n4",
        polling.path()
    );
    let answer = unfinished(address, &head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn header_deadline_bounds_a_head_that_does_not_end_and_a_connection_that_asks_nothing() {
    let io = io(|io| io.header_deadline(Duration::from_millis(300)));
    let address = serve(&io).await;
    let answer =
        unfinished(address, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHo").await;
    assert!(!answer.contains(" 200 "), "{answer}");
    let whole = format!("GET /none HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let answer = unfinished(address, &whole).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "answered, kept alive, and then closed: {answer}");
}

/// Asks for what is not there, on a connection that stays open, and takes the answer's head.
async fn is_answered(stream: &mut TcpStream) {
    stream.write_all(b"GET /none HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert!(soon(stream.read_buf(&mut head)).await.unwrap() > 0);
    }
    assert!(head.starts_with(b"HTTP/1.1 404 "));
}

#[tokio::test]
async fn max_http_connections_has_whoever_comes_then_wait_until_somebody_leaves() {
    let io = io(|io| io.max_http_connections(1));
    let address = serve(&io).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    is_answered(&mut first).await;
    let mut second = TcpStream::connect(address).await.unwrap();
    let waiting = tokio::spawn(async move { is_answered(&mut second).await });
    for _ in 0..20 {
        is_answered(&mut first).await;
    }
    assert!(!waiting.is_finished(), "there is one place");
    drop(first);
    soon(waiting).await.unwrap();
    // A WebSocket takes none.
    let _client = Client::open(address).await;
    is_answered(&mut TcpStream::connect(address).await.unwrap()).await;
}

#[tokio::test]
async fn trust_forwarded_host_takes_the_proxy_s_host_for_the_server_s_own() {
    let head = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n\
                Origin: https://front.example\r\nX-Forwarded-Host: front.example";
    for (trusted, status) in [(true, 200), (false, 403)] {
        let io = io(|io| io.trust_forwarded_host(trusted));
        assert_eq!(http(serve(&io).await, head, "").await.0, status);
    }
    let io = io(|io| io.trust_forwarded_host(true));
    let foe = head.replace("Origin: https://front", "Origin: https://foe");
    assert_eq!(http(serve(&io).await, &foe, "").await.0, 403);
}

#[tokio::test]
async fn max_head_bytes_bounds_what_a_session_keeps_of_its_first_request() {
    let address = serve(&io(|io| io.max_head_bytes(500))).await;
    let head = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nCookie: ";
    assert_eq!(http(address, &format!("{head}{}", "x".repeat(300)), "").await.0, 200);
    assert_eq!(http(address, &format!("{head}{}", "x".repeat(500)), "").await.0, 431);
}

/// Status of a handshake at this path.
async fn handshake_at(address: std::net::SocketAddr, path: &str) -> u16 {
    http(address, &format!("GET {path}?EIO=4&transport=polling HTTP/1.1"), "").await.0
}

#[tokio::test]
async fn without_a_trailing_slash_the_path_alone_is_the_server_s_and_longer_names_are_not() {
    for path in ["/live", "/live/"] {
        let address = serve(&io(|io| io.path(path).add_trailing_slash(false))).await;
        assert_eq!(handshake_at(address, "/live").await, 200);
        assert_eq!(handshake_at(address, "/live/").await, 200);
        assert_eq!(handshake_at(address, "/live/and/below/").await, 200);
        assert_eq!(handshake_at(address, "/lively").await, 404);
        assert_eq!(handshake_at(address, "/liv").await, 404);
        Client::open_at(address, "/live").await;
    }
    let address = serve(&io(|io| io.path("/live"))).await;
    assert_eq!(handshake_at(address, "/live").await, 404);
    assert_eq!(handshake_at(address, "/live/").await, 200);
}

#[tokio::test]
async fn initial_packet_is_what_a_session_hears_first_on_both_transports() {
    let io = io(|io| io.initial_packet(Message::Text("2[\"hello\"]".to_owned())));
    let address = serve(&io).await;
    let mut client = Client::open(address).await;
    client.expect("42[\"hello\"]").await;
    client.connect("/", "").await;
    let polling = Polling::open(address, "/socket.io/").await;
    assert_eq!(polling.get().await, "42[\"hello\"]");

    let bytes = Message::Binary(vec![1, 2].into());
    let io = support::io(|io| io.initial_packet(bytes));
    let mut client = Client::open(serve(&io).await).await;
    assert_eq!(client.binary().await, [1, 2]);
}
