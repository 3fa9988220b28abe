//! TLS of the server's own listener.

mod support;

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use sockeye::{Builder, Io, Tls};
use support::carried::{Carried, opened, said, telling};
use support::tls::{Files, connect, over};
use support::{HANG, io, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server with the certificate of these files.
async fn serve(
    files: &Files,
    options: impl FnOnce(Builder) -> Builder,
) -> (Io, Tls, SocketAddr, JoinHandle<()>) {
    let tls = Tls::from_files(&files.certificate, &files.key).unwrap();
    let io = io(|io| options(io).tls(tls.clone()));
    telling(&io);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = io.clone();
    let serving = tokio::spawn(async move { serving.serve_listener(listener).await.unwrap() });
    (io, tls, address, serving)
}

#[tokio::test]
async fn clients_come_over_tls_with_both_transports_and_say_so() {
    let files = Files::new();
    let certificate = files.renew();
    let (io, _, address, serving) = serve(&files, |io| io).await;
    let stream = connect(address, &certificate, &["http/1.1"]).await.unwrap();
    let mut client = Carried::join(stream).await;
    let told = client.told().await;
    assert!(told.starts_with("430[\"127.0.0.1:") && told.ends_with(",true]"), "{told}");
    let stream = connect(address, &certificate, &[]).await.unwrap();
    assert!(opened(stream).await.contains("\"sid\""));
    let closing = tokio::spawn(async move { io.close(HANG).await });
    assert!(client.is_ended().await);
    closing.await.unwrap();
    soon(serving).await.unwrap();
}

#[tokio::test]
async fn what_is_larger_than_tls_holds_at_once_arrives_whole() {
    let files = Files::new();
    let certificate = files.renew();
    let (io, _, address, _) = serve(&files, |io| io).await;
    let long = "x".repeat(900_000);
    let mut client = Carried::join(connect(address, &certificate, &[]).await.unwrap()).await;
    for _ in 0..3 {
        io.emit("long", &long).unwrap();
    }
    for _ in 0..3 {
        assert_eq!(client.text().await, format!("42[\"long\",\"{long}\"]"));
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_for_new_connections_and_old_ones_live_on() {
    let files = Files::new();
    let old = files.renew();
    let (_io, tls, address, _) = serve(&files, |io| io).await;
    let mut client = Carried::join(connect(address, &old, &[]).await.unwrap()).await;
    let new = files.renew();
    assert!(connect(address, &new, &[]).await.is_none(), "nobody has said so yet");
    tls.reload().unwrap();
    assert!(connect(address, &old, &[]).await.is_none());
    Carried::join(connect(address, &new, &[]).await.unwrap()).await;
    assert!(client.told().await.ends_with("true]"));
}

#[tokio::test]
async fn a_broken_file_leaves_the_old_certificate_and_says_what_is_wrong() {
    let files = Files::new();
    let old = files.renew();
    let (_io, tls, address, _) = serve(&files, |io| io).await;
    let key = fs::read(&files.key).unwrap();
    files.renew();
    fs::write(&files.key, &key).unwrap();
    let other = tls.reload().unwrap_err().to_string();
    assert!(other.contains("cert.pem cannot be used: with the key "), "{other}");
    fs::write(&files.certificate, "no certificate").unwrap();
    let none = tls.reload().unwrap_err().to_string();
    assert!(none.contains("there is no certificate in PEM in it"), "{none}");
    fs::write(&files.key, "no key").unwrap();
    files.renew();
    fs::remove_file(&files.key).unwrap();
    let gone = tls.reload().unwrap_err().to_string();
    assert!(gone.contains("the key in ") && gone.contains("key.pem"), "{gone}");
    Carried::join(connect(address, &old, &[]).await.unwrap()).await;
    assert!(Tls::from_files(&files.certificate, &files.key).is_err());
}

#[tokio::test]
async fn whoever_speaks_no_tls_is_sent_away_and_harms_nobody() {
    let files = Files::new();
    let certificate = files.renew();
    let (_io, _, address, _) = serve(&files, |io| io).await;
    let plain = opened(TcpStream::connect(address).await.unwrap()).await;
    assert!(!plain.contains("HTTP"), "{plain}");
    for garbage in [vec![0xff; 4096], b"\x16\x03\x01\xff\xff\x01".repeat(20_000), vec![0x16; 1]] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(&garbage).await;
        let _ = stream.shutdown().await;
        said(stream, b"").await;
    }
    Carried::join(connect(address, &certificate, &[]).await.unwrap()).await;
}

#[tokio::test]
async fn a_handshake_that_stalls_is_given_up_at_its_deadline() {
    let files = Files::new();
    files.renew();
    let deadline = Duration::from_millis(50);
    let (_io, _, address, _) = serve(&files, |io| io.handshake_deadline(deadline)).await;
    for begin in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00"] {
        let stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(said(stream, begin).await, "");
    }
}

#[tokio::test]
async fn many_handshakes_that_stall_keep_nobody_out_and_do_not_delay_the_end() {
    let files = Files::new();
    let certificate = files.renew();
    let patient = Duration::from_hours(1);
    let limits = |io: Builder| io.handshake_deadline(patient).max_handshakes(4);
    let (io, _, address, serving) = serve(&files, limits).await;
    let mut stalled = Vec::new();
    for _ in 0..50 {
        stalled.push(TcpStream::connect(address).await.unwrap());
    }
    Carried::join(connect(address, &certificate, &[]).await.unwrap()).await;
    assert_eq!(soon(stalled[0].read(&mut [0])).await.unwrap_or(0), 0);
    io.close(HANG).await;
    soon(serving).await.unwrap();
}

#[tokio::test]
async fn a_client_of_tls_that_vanishes_is_noticed_like_any_other() {
    let files = Files::new();
    let certificate = files.renew();
    let short = Duration::from_millis(50);
    let (io, _, address, _) = serve(&files, |io| io.ping_interval(short).ping_timeout(short)).await;
    let reasons = support::reasons(&io);
    let mut stream = connect(address, &certificate, &[]).await.unwrap();
    let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    // A masked text frame: `40`.
    stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'4', b'0']).await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(reasons.next().await, "ping timeout");
}

#[tokio::test]
async fn the_proxy_protocol_comes_before_tls() {
    let files = Files::new();
    let certificate = files.renew();
    let (_io, _, address, _) = serve(&files, |io| io.proxy_protocol(true)).await;
    assert!(connect(address, &certificate, &[]).await.is_none());
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"PROXY TCP4 192.0.2.1 192.0.2.7 4000 443\r\n").await.unwrap();
    let mut client = Carried::join(over(socket, &certificate, &[]).await.unwrap()).await;
    assert_eq!(client.told().await, "430[\"192.0.2.1:4000\",true]");
}

#[tokio::test]
async fn http_2_is_agreed_upon_inside_tls_and_http_1_where_a_client_wants_that() {
    let files = Files::new();
    let certificate = files.renew();
    let (_io, _, address, _) = serve(&files, |io| io).await;
    let stream = connect(address, &certificate, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    let target = "https://localhost/socket.io/?EIO=4&transport=polling";
    let request =
        http::Request::get(target).header("origin", "https://localhost").body(()).unwrap();
    let mut client: h2::client::SendRequest<bytes::Bytes> = soon(client.ready()).await.unwrap();
    let answer = soon(client.send_request(request, true).unwrap().0).await.unwrap();
    assert_eq!(answer.status(), 200);
    Carried::join(connect(address, &certificate, &["http/1.1"]).await.unwrap()).await;
}
