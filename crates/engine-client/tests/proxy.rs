//! Through proxies of HTTP and SOCKS5, of the test's own.

mod support;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use sockeye_engine_client::http::Lane;
use sockeye_engine_client::{Dialer, EngineError, Proxy, Tls};
use support::{Client, header, ok, read_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::join;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

/// A client of a server that only the proxy can reach by this name.
fn client(url: &str, proxy: &str) -> Client {
    Client::new(url, Dialer::default().proxy(Proxy::new(proxy).expect("a proxy")))
}

/// Answers one request.
async fn serve(listener: TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let request = read_request(&mut stream).await;
    stream.write_all(ok("hello").as_bytes()).await.unwrap();
    request
}

/// What a client says to whom a proxy answers this.
async fn refused(answer: &str, credentials: &str) -> EngineError {
    let (proxy, port) = listener().await;
    let client = client("http://example.com", &format!("http://{credentials}127.0.0.1:{port}"));
    let answering = async {
        let (mut stream, _) = proxy.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
    };
    let mut lane = Lane::default();
    join!(client.get(&mut lane), answering).0.expect_err("no tunnel")
}

#[tokio::test]
async fn an_http_proxy_is_asked_for_a_tunnel_without_tls_as_well() {
    let ((proxy, port), (server, server_port)) = (listener().await, listener().await);
    let client = client("http://example.com:8080", &format!("http://me:s%3Acret@127.0.0.1:{port}"));
    let tunnel = async {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, server_port)).await.unwrap();
        (request, copy_bidirectional(&mut stream, &mut server).await)
    };
    let asked = async {
        let mut lane = Lane::default();
        client.get(&mut lane).await
    };
    let (got, request, (asked, _)) = join!(asked, serve(server), tunnel);
    assert_eq!(got.unwrap().body, "hello");
    assert!(asked.starts_with("CONNECT example.com:8080 HTTP/1.1\r\n"), "{asked}");
    assert_eq!(header(&asked, "host"), Some("example.com:8080"));
    assert_eq!(header(&asked, "proxy-authorization"), Some("Basic bWU6czpjcmV0"));
    assert!(request.starts_with("GET /socket.io/?"), "{request}");
    assert_eq!(header(&request, "proxy-authorization"), None, "the server does not hear of it");
}

#[tokio::test]
async fn a_proxy_that_says_no_is_told_apart_from_a_server() {
    let no_password = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    let error = refused(no_password, "").await;
    assert!(matches!(error, EngineError::Proxy { .. }), "{error:?}");
    assert!(
        error.to_string().ends_with("did not connect us: it wants a user name and a password"),
        "{error}"
    );
    let error = refused(no_password, "me:secret@").await;
    let told = format!("{error} {error:?}");
    assert!(told.contains("it does not take this user name and password"), "{told}");
    assert!(!told.contains("secret"), "{told}");
    let error = refused("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "").await;
    assert!(error.to_string().ends_with("it answered 403 Forbidden"), "{error}");
}

#[tokio::test]
async fn a_proxy_that_speaks_nonsense_or_ahead_or_not_at_all_is_told() {
    let error = refused("SSH-2.0-OpenSSH_9.6\r\n", "").await;
    assert!(matches!(error, EngineError::Proxy { .. }), "{error:?}");
    let error = refused("", "").await;
    assert!(matches!(error, EngineError::Proxy { .. }), "{error:?}");
    let error = refused("HTTP/1.1 200 OK\r\n\r\nahead", "").await;
    assert!(error.to_string().ends_with("it sent something behind its answer"), "{error}");
    let head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(90 << 10));
    let error = refused(&head, "").await;
    assert!(error.to_string().contains("too large"), "{error}");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told() {
    let (proxy, port) = listener().await;
    drop(proxy);
    let client = client("http://example.com", &format!("127.0.0.1:{port}"));
    let told = client.get(&mut Lane::default()).await.expect_err("nobody is there").to_string();
    assert!(
        told.starts_with(&format!("the proxy http://127.0.0.1:{port} did not connect us: ")),
        "{told}"
    );
}

#[tokio::test]
async fn whoever_is_excepted_is_reached_directly() {
    let (server, port) = listener().await;
    let proxy = Proxy::new("http://127.0.0.1:1").unwrap().except("10.0.0.1,127.0.0.0/8");
    let client = Client::new(&format!("http://127.0.0.1:{port}"), Dialer::default().proxy(proxy));
    let mut lane = Lane::default();
    let (got, _) = join!(client.get(&mut lane), serve(server));
    assert_eq!(got.unwrap().body, "hello");
}

#[tokio::test]
async fn tls_goes_through_a_tunnel_and_to_the_proxy_itself() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let tls = Tls::builder().roots(made.cert.pem().as_bytes()).unwrap().build().unwrap();
    let (proxy, port) = listener().await;
    let proxied = Proxy::new(&format!("https://localhost:{port}")).unwrap();
    let client = Client::new("https://localhost", Dialer::default().proxy(proxied).tls(tls));
    let tunnel = async {
        let (stream, _) = proxy.accept().await.unwrap();
        let mut outer = acceptor.accept(stream).await.unwrap();
        let asked = read_request(&mut outer).await;
        outer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        // The server is at the other end of the tunnel: here.
        let mut inner = acceptor.accept(outer).await.unwrap();
        read_request(&mut inner).await;
        inner.write_all(ok("inside").as_bytes()).await.unwrap();
        inner.flush().await.unwrap();
        (asked, inner)
    };
    let mut lane = Lane::default();
    let (got, (asked, _inner)) = join!(client.get(&mut lane), tunnel);
    assert_eq!(got.unwrap().body, "inside");
    assert!(asked.starts_with("CONNECT localhost:443 HTTP/1.1\r\n"), "{asked}");
}

/// What a proxy of SOCKS5 heard.
#[derive(Debug, PartialEq)]
struct Heard {
    methods: Vec<u8>,
    user: Option<(Vec<u8>, Vec<u8>)>,
    address: Vec<u8>,
}

/// A proxy of SOCKS5 (RFC 1928) that chooses this method and gives these answers; the server is behind its back.
async fn socks(proxy: TcpListener, method: u8, auth: u8, reply: u8) -> Heard {
    let (mut stream, _) = proxy.accept().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), 5);
    let mut methods = vec![0; stream.read_u8().await.unwrap().into()];
    stream.read_exact(&mut methods).await.unwrap();
    let mut heard = Heard { methods, user: None, address: Vec::new() };
    stream.write_all(&[5, method]).await.unwrap();
    if method == 0xff {
        return heard;
    }
    if method == 2 {
        assert_eq!(stream.read_u8().await.unwrap(), 1);
        let mut user = vec![0; stream.read_u8().await.unwrap().into()];
        stream.read_exact(&mut user).await.unwrap();
        let mut password = vec![0; stream.read_u8().await.unwrap().into()];
        stream.read_exact(&mut password).await.unwrap();
        heard.user = Some((user, password));
        stream.write_all(&[1, auth]).await.unwrap();
        if auth != 0 {
            return heard;
        }
    }
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(head[..3], [5, 1, 0], "CONNECT");
    let length = match head[3] {
        1 => 4,
        4 => 16,
        _ => stream.read_u8().await.unwrap().into(),
    };
    heard.address = vec![0; length + 2];
    stream.read_exact(&mut heard.address).await.unwrap();
    stream.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    if reply == 0 {
        read_request(&mut stream).await;
        stream.write_all(ok("hello").as_bytes()).await.unwrap();
    }
    heard
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name_itself() {
    let (proxy, port) = listener().await;
    let client = client("http://example.invalid:300", &format!("socks5h://127.0.0.1:{port}"));
    let mut lane = Lane::default();
    let (got, heard) = join!(client.get(&mut lane), socks(proxy, 0, 0, 0));
    assert_eq!(got.unwrap().body, "hello");
    let address = [b"example.invalid".as_slice(), &300_u16.to_be_bytes()].concat();
    assert_eq!(heard, Heard { methods: vec![0], user: None, address });
}

#[tokio::test]
async fn a_socks_proxy_gets_user_and_password_if_there_are_some() {
    let (proxy, port) = listener().await;
    let client = client("http://[::1]", &format!("socks5://me:s%3Acret@127.0.0.1:{port}"));
    let mut lane = Lane::default();
    let (got, heard) = join!(client.get(&mut lane), socks(proxy, 2, 0, 0));
    assert_eq!(got.unwrap().body, "hello");
    assert_eq!(heard.user, Some((b"me".to_vec(), b"s:cret".to_vec())));
    assert_eq!(heard.address.len(), 18, "an address stays one");
}

#[tokio::test]
async fn a_socks_proxy_that_says_no_says_why() {
    for (credentials, method, auth, reply) in
        [("", 0xff, 0, 0), ("me:wrong@", 2, 1, 0), ("", 0, 0, 5), ("", 0, 0, 2)]
    {
        let (proxy, port) = listener().await;
        let client =
            client("http://example.com", &format!("socks5://{credentials}127.0.0.1:{port}"));
        let mut lane = Lane::default();
        let (got, _) = join!(client.get(&mut lane), socks(proxy, method, auth, reply));
        let error = got.expect_err("no");
        assert!(matches!(error, EngineError::Proxy { .. }), "{error:?}");
        let told = error.to_string();
        assert!(
            told.starts_with(&format!("the proxy socks5://127.0.0.1:{port} did not ")),
            "{told}"
        );
        assert!(!told.contains("wrong"), "{told}");
    }
}

#[tokio::test]
async fn a_socks_proxy_that_speaks_http_is_told() {
    let (proxy, port) = listener().await;
    let client = client("http://example.com", &format!("socks5://127.0.0.1:{port}"));
    let answering = async {
        let (mut stream, _) = proxy.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let mut lane = Lane::default();
    let (got, _stream) = join!(client.get(&mut lane), answering);
    assert!(matches!(got, Err(EngineError::Proxy { .. })), "{got:?}");
}

#[test]
fn what_is_no_proxy_is_told_when_it_is_given() {
    let told = |url: &str| Proxy::new(url).expect_err(url).to_string();
    assert_eq!(
        told("ftp://me:secret@x"),
        "`ftp://…@x`: a proxy speaks http, https or socks5, not `ftp`"
    );
    assert!(told("").contains("no URL of a proxy"));
    assert!(told("http://").contains("no URL of a proxy"));
    assert!(Proxy::new("proxy.example:3128").is_ok());
}

#[test]
fn a_proxy_shows_no_password() {
    for url in ["http://me:secret@proxy:1", "socks5://me:secret@proxy:1"] {
        let shown = format!("{:?}", Dialer::default().proxy(Proxy::new(url).unwrap()));
        assert!(shown.contains("proxy:1") && !shown.contains("secret"), "{shown}");
    }
}

#[tokio::test]
async fn a_proxy_that_answers_anything_at_all_lets_nobody_through() {
    let beginnings: [&[u8]; 12] = [
        b"",
        b"\x05\x00",
        b"\x05\x00\x05\x00\x00\x03\xff",
        b"\x05\x00\x05\x00\x00\x01\x7f",
        b"\x05\x02\x01\x00",
        b"\x05\x02\x01\x01",
        b"\x05\xff",
        b"\x04\x5a",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 99999999999 ?\r\n\r\n",
    ];
    let (proxy, port) = listener().await;
    tokio::spawn(async move {
        for seed in 0.. {
            let mut random = SmallRng::seed_from_u64(seed);
            let Ok((mut stream, _)) = proxy.accept().await else { return };
            let mut answer = beginnings.choose(&mut random).unwrap().to_vec();
            answer.extend((0..random.random_range(0..40)).map(|_| random.random::<u8>()));
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
            // What was not read would take the answer along.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    for scheme in ["http", "http://me:pw@", "socks5", "socks5://me:pw@"] {
        let (scheme, user) = scheme.split_once("://").unwrap_or((scheme, ""));
        let client = client("http://example.com", &format!("{scheme}://{user}127.0.0.1:{port}"));
        for number in 0..100 {
            let mut lane = Lane::default();
            let answer = client.get(&mut lane);
            let answer = tokio::time::timeout(Duration::from_secs(20), answer).await;
            let error = answer.expect("an end").expect_err("no server behind it").to_string();
            assert!(!error.contains("pw") && error.len() < 500, "{number}: {error}");
        }
    }
}
