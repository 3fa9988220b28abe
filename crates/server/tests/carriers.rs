//! What a server can be reached by: Unix sockets, streams that somebody else has accepted, proxies that say who speaks.

mod support;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sockeye::{Builder, Io};
use support::carried::{Carried, opened, said, telling};
use support::{HANG, io, serve, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

fn carried(options: impl FnOnce(Builder) -> Builder) -> Io {
    let io = io(options);
    telling(&io);
    io
}

/// A directory that goes away, and a path in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("http.sock");
    (directory, path)
}

async fn reached(path: &PathBuf) -> UnixStream {
    soon(async {
        loop {
            match UnixStream::connect(path).await {
                Ok(stream) => return stream,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await
}

#[tokio::test]
async fn clients_come_through_a_unix_socket_whose_file_goes_with_the_server() {
    let (_directory, path) = place();
    let io = carried(|io| io);
    let serving = tokio::spawn({
        let (io, path) = (io.clone(), path.clone());
        async move { io.serve_unix(path).await }
    });
    let mut client = Carried::join(reached(&path).await).await;
    assert_eq!(client.told().await, "430[null,false]");
    assert!(opened(reached(&path).await).await.contains("\"sid\""));
    let closing = tokio::spawn(async move { io.close(HANG).await });
    assert!(client.is_ended().await);
    closing.await.unwrap();
    soon(serving).await.unwrap().unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_trusted_proxy_on_a_unix_socket_says_who_speaks() {
    let (_directory, path) = place();
    let io = carried(|io| {
        io.trust_forwarded_for(1).allow_request(async |request: sockeye::Request| {
            match request.address() {
                Some(address) if address.ip().to_string() == "192.0.2.1" => Ok(()),
                _ => Err("nobody"),
            }
        })
    });
    let listener = UnixListener::bind(&path).unwrap();
    let serving = io.clone();
    tokio::spawn(async move { serving.serve_listener(listener).await });
    let request =
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
    let named = format!("{request}X-Forwarded-For: 192.0.2.1\r\n\r\n");
    assert!(said(reached(&path).await, named.as_bytes()).await.starts_with("HTTP/1.1 200"));
    let unnamed = format!("{request}\r\n");
    assert!(said(reached(&path).await, unnamed.as_bytes()).await.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_one_that_is_in_use_or_something_else_is_not() {
    let (_directory, path) = place();
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let io = carried(|io| io);
    let serving = io.clone();
    let there = path.clone();
    tokio::spawn(async move { serving.serve_unix(there).await });
    Carried::join(reached(&path).await).await;
    let error = carried(|io| io).serve_unix(&path).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {}: ", path.display())), "{error}");

    let (_directory, path) = place();
    std::fs::write(&path, "a letter").unwrap();
    assert!(carried(|io| io).serve_unix(&path).await.is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a letter");
}

#[test]
fn several_workers_accept_from_one_unix_socket() {
    let (_directory, path) = place();
    let io = carried(|io| io.workers(2));
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let serving = io.clone();
    let serving = std::thread::spawn(move || serving.run_listener(listener));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..4 {
            let mut client = Carried::join(reached(&path).await).await;
            assert_eq!(client.told().await, "430[null,false]");
        }
        io.close(HANG).await;
    });
    serving.join().unwrap().unwrap();
}

#[tokio::test]
async fn a_stream_that_somebody_else_has_accepted_is_served_from_its_first_byte() {
    let io = carried(|io| io);
    let hand_over = |address: Option<SocketAddr>| {
        let (ours, theirs) = tokio::io::duplex(512);
        let io = io.clone();
        (ours, tokio::spawn(async move { io.serve_stream(theirs, address).await }))
    };
    let (stream, served) = hand_over("192.0.2.1:80".parse().ok());
    let mut client = Carried::join(stream).await;
    assert_eq!(client.told().await, "430[\"192.0.2.1:80\",false]");
    soon(served).await.unwrap().unwrap(); // the WebSocket lives on by itself
    assert!(opened(hand_over(None).0).await.contains("\"sid\""));
    let (silent, served) = hand_over(None);
    let closing = Instant::now();
    io.close(HANG).await;
    soon(served).await.unwrap().unwrap();
    assert!(closing.elapsed() < HANG / 2);
    assert_eq!(said(silent, b"").await, "");
}

#[tokio::test]
async fn an_accepted_tcp_stream_is_recognised_as_one() {
    let io = carried(|io| io);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stream, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (accepted, from) = accepted.unwrap();
    let serving = io.clone();
    tokio::spawn(async move { serving.serve_stream(accepted, Some(from)).await });
    let mut client = Carried::join(stream.unwrap()).await;
    assert_eq!(client.told().await, format!("430[\"{from}\",false]"));
}

/// A header of version 2 of the PROXY protocol.
fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, block].concat()
}

/// What a client is told that comes behind this header.
async fn told_behind(address: SocketAddr, header: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(header).await.unwrap();
    Carried::join(stream).await.told().await
}

#[tokio::test]
async fn the_proxy_protocol_says_who_the_client_is_in_both_versions() {
    let address = serve(&carried(|io| io.proxy_protocol(true))).await;
    let line = b"PROXY TCP4 192.0.2.1 192.0.2.7 4000 443\r\n";
    assert_eq!(told_behind(address, line).await, "430[\"192.0.2.1:4000\",false]");
    let block = [192, 0, 2, 1, 192, 0, 2, 7, 0x0f, 0xa0, 1, 0xbb];
    let header = binary(0x21, 0x11, &block);
    assert_eq!(told_behind(address, &header).await, "430[\"192.0.2.1:4000\",false]");
    let from_unix = binary(0x21, 0x31, &[0; 216]);
    assert_eq!(told_behind(address, &from_unix).await, "430[null,false]");
    for own in [&b"PROXY UNKNOWN\r\n"[..], &binary(0x20, 0, &[])] {
        let told = told_behind(address, own).await;
        assert!(told.starts_with("430[\"127.0.0.1:"), "{told}");
    }
}

#[tokio::test]
async fn a_header_and_a_forwarded_address_go_together() {
    let io = carried(|io| {
        io.proxy_protocol(true)
            .trust_forwarded_for("192.0.2.0/24".parse::<sockeye::Proxies>().unwrap())
    });
    let address = serve(&io).await;
    let line = b"PROXY TCP4 198.51.100.1 192.0.2.7 4000 443\r\n";
    assert_eq!(told_behind(address, line).await, "430[\"198.51.100.1:4000\",false]");
}

#[tokio::test]
async fn a_connection_that_does_not_begin_with_the_header_is_closed_without_a_word() {
    let address = serve(&carried(|io| io.proxy_protocol(true))).await;
    let connect = async || TcpStream::connect(address).await.unwrap();
    assert_eq!(opened(connect().await).await, "");
    assert_eq!(said(connect().await, b"PROXY TCP4 me you 1 2\r\nGET / HTTP/1.1\r\n\r\n").await, "");
    let endless = [&b"PROXY UNKNOWN "[..], &[b'x'; 4096]].concat();
    assert_eq!(said(connect().await, &endless).await, "");
    assert!(told_behind(address, b"PROXY UNKNOWN\r\n").await.starts_with("430[\"127.0.0.1:"));
}

#[tokio::test]
async fn a_header_that_never_ends_is_given_up_at_its_deadline() {
    let io = carried(|io| io.proxy_protocol(true).handshake_deadline(Duration::from_millis(50)));
    let address = serve(&io).await;
    for begin in [&b""[..], b"PROXY TC", b"\r\n\r\n"] {
        let stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(said(stream, begin).await, "");
    }
}

#[tokio::test]
async fn whoever_has_waited_longest_makes_room_when_too_many_say_nothing() {
    let io = carried(|io| {
        io.proxy_protocol(true).handshake_deadline(Duration::from_hours(1)).max_handshakes(2)
    });
    let address = serve(&io).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    assert!(told_behind(address, b"PROXY UNKNOWN\r\n").await.starts_with("430"));
    assert_eq!(soon(silent[0].read(&mut [0])).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_delay_the_end() {
    let io = carried(|io| io.proxy_protocol(true).handshake_deadline(Duration::from_hours(1)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn({
        let io = io.clone();
        async move { io.serve_listener(listener).await }
    });
    assert!(told_behind(address, b"PROXY UNKNOWN\r\n").await.starts_with("430"));
    let silent = TcpStream::connect(address).await.unwrap();
    io.close(HANG).await;
    soon(serving).await.unwrap().unwrap();
    assert_eq!(said(silent, b"").await, "");
}
