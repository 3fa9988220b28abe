//! Ways to a server: TCP, a Unix socket, a stream of the user's own.

mod support;

use std::io;
use std::net::Ipv4Addr;

use sockeye_engine_client::http::Lane;
use sockeye_engine_client::{Connecting, Connector, Dialer, EngineError, Target};
use support::{Client, ok, pair, read_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;
use tokio::net::{TcpListener, UnixListener};

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

fn target(url: &str) -> Target {
    Target::parse(url).expect("a URL").0
}

#[tokio::test]
async fn a_server_is_reached_by_tcp() {
    let (listener, port) = listener().await;
    let client = Client::new(&format!("http://127.0.0.1:{port}"), Dialer::default());
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        stream.write_all(ok("hello").as_bytes()).await.unwrap();
        request
    };
    let mut lane = Lane::default();
    let (got, request) = join!(client.get(&mut lane), serve);
    assert_eq!(got.unwrap().body, "hello");
    assert!(request.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{request}");
}

#[tokio::test]
async fn a_name_with_several_addresses_is_reached_at_the_one_that_listens() {
    // `localhost` is ::1 as well on most machines; nobody listens there.
    let (listener, port) = listener().await;
    let (stream, accepted) = {
        let target = target(&format!("http://localhost:{port}"));
        let dialer = Dialer::default();
        join!(async move { dialer.dial(&target).await }, listener.accept())
    };
    assert!(stream.is_ok() && accepted.is_ok(), "{stream:?}");
}

#[tokio::test]
async fn where_nobody_listens_nobody_is_reached() {
    let (listener, port) = listener().await;
    drop(listener);
    let outcome = Dialer::default().dial(&target(&format!("http://127.0.0.1:{port}"))).await;
    let error = outcome.expect_err("nobody listens");
    let EngineError::Dial { address, source } = &error else { panic!("{error:?}") };
    assert_eq!(&**address, format!("127.0.0.1:{port}"));
    assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().starts_with(&format!("cannot reach 127.0.0.1:{port}: ")), "{error}");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_told() {
    let outcome = Dialer::default().dial(&target("http://nobody.invalid:3000")).await;
    let told = outcome.expect_err("no such name").to_string();
    assert!(told.starts_with("cannot reach nobody.invalid:3000: "), "{told}");
}

#[tokio::test]
async fn a_server_is_reached_by_its_unix_socket_whatever_the_url_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server.sock");
    let missing = Dialer::default().unix(&path);
    let told = missing.dial(&target("http://anywhere")).await.expect_err("not there").to_string();
    assert!(told.starts_with(&format!("cannot reach {}: ", path.display())), "{told}");

    let listener = UnixListener::bind(&path).unwrap();
    let client = Client::new("http://example.com/", Dialer::default().unix(&path));
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        stream.write_all(ok("hello").as_bytes()).await.unwrap();
        request
    };
    let mut lane = Lane::default();
    let (got, request) = join!(client.get(&mut lane), serve);
    assert_eq!(got.unwrap().body, "hello");
    assert!(request.contains("host: example.com\r\n"), "{request}");
}

#[tokio::test]
async fn a_connector_makes_every_stream() {
    let (client, mut server) = pair("http://example.com");
    let (first, second) =
        join!(client.dialer.dial(&client.target), client.dialer.dial(&client.target));
    let (mut first, _second) = (first.unwrap(), second.unwrap());
    assert_eq!(server.waiting(), 2);
    let mut theirs = server.accept().await;
    first.write_all(b"hi").await.unwrap();
    assert_eq!(theirs.read_u16().await.unwrap(), u16::from_be_bytes(*b"hi"));
}

#[tokio::test]
async fn a_connector_that_fails_is_named_by_the_target() {
    struct Never;
    impl Connector for Never {
        fn connect(&self, _: &Target) -> Connecting {
            Box::pin(async { Err(io::Error::other("the tunnel is down")) })
        }
    }
    let dialer = Dialer::default().connector(Never);
    let told =
        dialer.dial(&target("http://example.com")).await.expect_err("it never does").to_string();
    assert_eq!(told, "cannot reach example.com:80: the tunnel is down");
}

#[test]
fn a_dialer_says_which_way_it_goes() {
    let shown = |dialer: Dialer| format!("{dialer:?}");
    assert!(shown(Dialer::default()).contains("Tcp"));
    assert!(shown(Dialer::default().unix("/run/x.sock")).contains("/run/x.sock"));
}
