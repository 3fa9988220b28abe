//! What pages of other origins are told.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use http::{HeaderName, Method, StatusCode};
use sockeye::{Builder, Cors, Io};
use support::{http, io, serve};
use tokio::net::TcpListener;

const TARGET: &str = "/socket.io/?EIO=4&transport=polling HTTP/1.1";

/// Status and headers of the answer to a page of this origin.
async fn asked(address: SocketAddr, method: &str, origin: &str) -> (u16, String) {
    let head = format!(
        "{method} {TARGET}\r\nOrigin: {origin}\r\nAccess-Control-Request-Headers: x-one, x-two"
    );
    let (status, headers, _) = http(address, &head, "").await;
    (status, headers)
}

fn names<const N: usize>(names: [&'static str; N]) -> [HeaderName; N] {
    names.map(HeaderName::from_static)
}

#[tokio::test]
async fn a_preflight_tells_what_cors_was_set_to() {
    let cors = Cors::default()
        .methods([Method::GET, Method::POST])
        .allowed_headers(names(["x-token"]))
        .exposed_headers(names(["x-shown", "x-too"]))
        .max_age(Duration::from_mins(10))
        .preflight_status(StatusCode::OK);
    let io = io(|io| io.allow_origin("https://a.example").credentials(true).cors(cors));
    let address = serve(&io).await;
    let (status, headers) = asked(address, "OPTIONS", "https://a.example").await;
    assert_eq!(status, 200);
    let told = [
        "access-control-allow-origin: https://a.example",
        "access-control-allow-credentials: true",
        "access-control-allow-methods: get,post\r",
        "access-control-allow-headers: x-token\r",
        "access-control-expose-headers: x-shown,x-too",
        "access-control-max-age: 600",
        "vary: origin",
    ];
    for line in told {
        assert!(headers.contains(line), "{line}: {headers}");
    }
    let (status, headers) = asked(address, "GET", "https://a.example").await;
    assert_eq!(status, 200);
    assert!(headers.contains("access-control-expose-headers: x-shown,x-too"), "{headers}");
    assert!(!headers.contains("access-control-allow-methods"), "{headers}");
    let (status, headers) = asked(address, "OPTIONS", "https://b.example").await;
    assert_eq!((status, headers.contains("access-control")), (400, false));
}

#[tokio::test]
async fn by_default_a_preflight_allows_the_headers_it_asks_for_and_says_nothing_of_others() {
    let address = serve(&io(Builder::any_origin)).await;
    let (status, headers) = asked(address, "OPTIONS", "https://a.example").await;
    assert_eq!(status, 204);
    assert!(headers.contains("access-control-allow-headers: x-one, x-two"), "{headers}");
    assert!(headers.contains("vary: access-control-request-headers"), "{headers}");
    assert!(headers.contains("access-control-allow-origin: *"), "{headers}");
    assert!(!headers.contains("max-age") && !headers.contains("expose"), "{headers}");

    let none = Cors::default().allowed_headers([]);
    let address = serve(&io(|io| io.any_origin().cors(none))).await;
    let (_, headers) = asked(address, "OPTIONS", "https://a.example").await;
    assert!(!headers.contains("access-control-allow-headers"), "{headers}");
}

#[tokio::test]
async fn allow_origin_if_decides_about_origins_that_are_not_listed() {
    let io = io(|io| {
        io.allow_origin("https://listed.test").allow_origin_if(|origin| {
            assert_ne!(origin, "https://panic.example", "as the test wants it");
            origin.ends_with(".example")
        })
    });
    let address = serve(&io).await;
    let cases = [
        ("https://a.example", 200),
        ("https://listed.test", 200),
        ("https://b.test", 403),
        ("https://panic.example", 403),
    ];
    for (origin, status) in cases {
        let (answered, headers) = asked(address, "GET", origin).await;
        assert_eq!(answered, status, "{origin}");
        let marked = headers.contains(&format!("access-control-allow-origin: {origin}\r"));
        assert_eq!(marked, status == 200, "{headers}");
    }
}

/// A server laid around an application that answers everything.
async fn laid_around(io: &Io) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(any(async || StatusCode::IM_A_TEAPOT));
    let app = app.layer(io.layer().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn with_preflight_continue_whoever_the_server_is_laid_around_answers_preflights() {
    let left = Cors::default().preflight_continue(true);
    let io = io(|io| io.any_origin().cors(left));
    let around = laid_around(&io).await;
    assert_eq!(asked(around, "OPTIONS", "https://a.example").await.0, 418);
    assert_eq!(asked(around, "GET", "https://a.example").await.0, 200);
    let alone = serve(&io).await;
    assert_eq!(asked(alone, "OPTIONS", "https://a.example").await.0, 400);

    let around = laid_around(&support::io(Builder::any_origin)).await;
    assert_eq!(asked(around, "OPTIONS", "https://a.example").await.0, 204);
}

#[test]
fn a_preflight_that_is_answered_with_a_failure_is_refused_when_it_is_built() {
    let cors = Cors::default().preflight_status(StatusCode::NOT_FOUND);
    let error = Io::builder().cors(cors).build().unwrap_err();
    assert!(error.to_string().contains("a status of success"), "{error}");
}

#[tokio::test]
async fn a_page_that_may_connect_can_read_why_it_is_refused() {
    let io = io(|io| io.allow_origin("https://a.example").credentials(true));
    let address = serve(&io).await;
    let head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nOrigin: https://a.example";
    let (status, headers, body) = http(address, head, "").await;
    assert_eq!((status, body.as_str()), (400, r#"{"code":3,"message":"Bad request"}"#));
    assert!(headers.contains("access-control-allow-origin: https://a.example"), "{headers}");
    assert!(headers.contains("access-control-allow-credentials: true"), "{headers}");
}

#[tokio::test]
async fn a_page_of_another_origin_that_may_connect_exchanges_messages() {
    let io = io(|io| io.allow_origin("https://a.example"));
    support::with_sync(&io);
    let address = serve(&io).await;
    let origin = "\r\nOrigin: https://a.example";
    let ask = async |method: &str, query: &str, body: &str| {
        let head = format!("{method} /socket.io/?EIO=4&transport=polling{query} HTTP/1.1{origin}");
        let (status, headers, body) = http(address, &head, body).await;
        assert_eq!(status, 200, "{body}");
        assert!(headers.contains("access-control-allow-origin: https://a.example"), "{headers}");
        body
    };
    let open = ask("GET", "", "").await;
    let sid = format!("&sid={}", open.split('"').nth(3).unwrap());
    assert_eq!(ask("POST", &sid, "40\u{1e}421[\"sync\"]").await, "ok");
    let mut heard = ask("GET", &sid, "").await;
    while !heard.ends_with("431[]") {
        heard = ask("GET", &sid, "").await;
    }
}
