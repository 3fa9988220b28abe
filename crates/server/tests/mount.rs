//! How requests get here: on axum, on plain hyper, alone; and which pages may.

mod support;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use http::{Extensions, HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sockeye::Socket;
use support::{Client, HANG, http, io, serve, soon, with_sync};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

async fn bound() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A client over each transport is served.
async fn served(address: SocketAddr) {
    let (mut client, _) = Client::join(address).await;
    client.sync().await;
    let polling = support::Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    assert!(polling.get().await.starts_with("40{"));
}

#[tokio::test]
async fn a_layer_around_a_router_of_axum_answers_its_path_and_leaves_the_rest() {
    let io = io(|io| io);
    with_sync(&io);
    let (listener, address) = bound().await;
    let page = axum::routing::get(async || "hello from axum");
    let app = Router::new().route("/", page).layer(io.layer().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    served(address).await;
    let (status, _, body) = http(address, "GET / HTTP/1.1", "").await;
    assert_eq!((status, body.as_str()), (200, "hello from axum"));
    assert_eq!(http(address, "GET /other HTTP/1.1", "").await.0, 404);
}

#[tokio::test]
async fn a_service_of_hyper_answers_its_path_and_the_rest_with_404() {
    let io = io(|io| io);
    with_sync(&io);
    let service = io.service().unwrap();
    let (listener, address) = bound().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
            tokio::spawn(connection.with_upgrades());
        }
    });
    served(address).await;
    assert_eq!(http(address, "GET /other HTTP/1.1", "").await.0, 404);
}

#[tokio::test]
async fn alone_it_answers_other_paths_with_404_and_its_own_with_the_reference_s_words() {
    let io = io(|io| io.path("/live"));
    let address = serve(&io).await;
    assert_eq!(http(address, "GET / HTTP/1.1", "").await.0, 404);
    assert_eq!(http(address, "GET /live?EIO=4 HTTP/1.1", "").await.0, 404);
    let (status, _, body) = http(address, "GET /live/?EIO=3&transport=polling HTTP/1.1", "").await;
    assert_eq!(
        (status, body.as_str()),
        (400, r#"{"code":5,"message":"Unsupported protocol version"}"#)
    );
    Client::open_at(address, "/live/").await;
}

#[tokio::test]
async fn a_port_in_use_is_said_in_one_sentence() {
    let (_listener, address) = bound().await;
    let error = io(|io| io).serve(address).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on {address}: ")), "{error}");
}

#[tokio::test]
async fn a_foreign_page_is_refused_on_both_transports_and_a_listed_one_is_not() {
    let io = io(|io| io.allow_origin("https://friend.example"));
    with_sync(&io);
    let address = serve(&io).await;
    let polling = |origin: &str| {
        let head = format!("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nOrigin: {origin}");
        async move { http(address, &head, "").await }
    };
    assert_eq!(polling("https://foe.example").await.0, 403);
    assert_eq!(polling("null").await.0, 403);
    assert_eq!(polling(&format!("http://{address}")).await.0, 200);
    let (status, head, _) = polling("https://friend.example").await;
    assert_eq!(status, 200);
    assert!(head.contains("access-control-allow-origin: https://friend.example"), "{head}");

    let websocket = |origin: &str| {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        Client::request(request)
    };
    let refused = websocket("https://foe.example").await.err().unwrap();
    assert!(refused.to_string().contains("403"), "{refused}");
    let mut client = websocket("https://friend.example").await.unwrap();
    client.connect("/", "").await;
    client.sync().await;
}

/// A server that tells its clients where they come from.
fn telling() -> sockeye::Io {
    let io = io(|io| io);
    io.of("/").on("where", async |socket: Socket| socket.handshake().address());
    io
}

async fn told(address: SocketAddr) -> String {
    let (mut client, _) = Client::join(address).await;
    client.send("421[\"where\"]").await;
    client.text().await
}

#[tokio::test]
async fn alone_the_peer_s_address_is_known() {
    assert!(told(serve(&telling()).await).await.starts_with("431[\"127.0.0.1:"));
}

#[tokio::test]
async fn a_layer_finds_the_peer_s_address_where_it_is_told_to() {
    let find = |extensions: &Extensions| {
        extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| *address)
    };
    let layer = telling().layer().unwrap();
    for (layer, known) in [(layer.clone().remote_addr(find), true), (layer, false)] {
        let (listener, address) = bound().await;
        let app = Router::new().layer(layer);
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let answer = told(address).await;
        assert_eq!(answer.starts_with("431[\"127.0.0.1:"), known, "{answer}");
        assert_eq!(answer == "431[null]", !known, "{answer}");
    }
}

#[tokio::test]
async fn a_service_finds_a_plain_address_unless_it_is_told_otherwise() {
    let fixed: SocketAddr = ([192, 0, 2, 7], 4000).into();
    let io = telling();
    let service = io.service().unwrap();
    let told_to = service.clone().remote_addr(move |_| Some(fixed));
    for (service, expected) in [(told_to, "431[\"192.0.2.7:4000\"]"), (service, "431[\"127.0.0.1:")]
    {
        let (listener, address) = bound().await;
        tokio::spawn(async move {
            let (stream, remote) = listener.accept().await.unwrap();
            let with_address = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(remote);
                hyper::service::Service::call(&service, request)
            });
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), with_address)
                .with_upgrades();
            connection.await.unwrap();
        });
        let answer = told(address).await;
        assert!(answer.starts_with(expected), "{answer}");
    }
}

#[tokio::test]
async fn a_preflight_of_a_listed_origin_is_answered() {
    let io = io(sockeye::Builder::any_origin);
    let address = serve(&io).await;
    let head = "OPTIONS /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nOrigin: https://a.example\r\n\
                Access-Control-Request-Method: POST";
    let (status, head, _) = http(address, head, "").await;
    assert_eq!(status, 204);
    assert!(
        head.contains("access-control-allow-methods: get,head,put,patch,post,delete"),
        "{head}"
    );
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused_when_it_is_built() {
    let error = sockeye::Io::builder().path("live").build().unwrap_err();
    assert!(error.to_string().contains("`live`"));
    assert!(sockeye::Io::builder().transports([]).build().is_err());
    assert!(sockeye::Io::builder().ping_timeout(std::time::Duration::ZERO).build().is_err());
    assert!(sockeye::Io::builder().max_payload(0).build().is_err());
    assert!(sockeye::Io::builder().max_unfinished_events(0).build().is_err());
}

#[tokio::test]
async fn serve_returns_after_close() {
    let io = io(|io| io);
    let (listener, address) = bound().await;
    let served = tokio::spawn({
        let io = io.clone();
        async move { io.serve_listener(listener).await }
    });
    let (mut client, _) = Client::join(address).await;
    let reading = tokio::spawn(async move { client.rest().await });
    io.close(HANG).await;
    assert!(reading.await.unwrap().is_empty());
    soon(served).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

/// A tower layer that turns away whoever does not know the word, and signs every answer.
async fn doorkeeper(request: axum::extract::Request, next: Next) -> axum::response::Response {
    let knows = request.headers().get("x-word").is_some_and(|word| word == "friend");
    let mut response =
        if knows { next.run(request).await } else { StatusCode::UNAUTHORIZED.into_response() };
    response.headers_mut().insert("x-signed", HeaderValue::from_static("doorkeeper"));
    response
}

#[tokio::test]
async fn a_tower_middleware_in_front_sees_polls_posts_and_the_upgrade() {
    let io = io(|io| io);
    with_sync(&io);
    let (listener, address) = bound().await;
    let app = Router::new().layer(io.layer().unwrap()).layer(from_fn(doorkeeper));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let open = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1";
    let (status, headers, _) = http(address, open, "").await;
    assert_eq!((status, headers.contains("x-signed: doorkeeper")), (401, true));
    let word = "\r\nX-Word: friend";
    let (status, headers, body) = http(address, &format!("{open}{word}"), "").await;
    assert_eq!((status, headers.contains("x-signed: doorkeeper")), (200, true));
    let sid = body.split('"').nth(3).unwrap();
    let post = format!("POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1");
    assert_eq!(http(address, &post, "40").await.0, 401);
    assert_eq!(http(address, &format!("{post}{word}"), "40").await.0, 200);

    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut request = url.into_client_request().unwrap();
    let refused = Client::request(request.clone()).await.err().unwrap();
    assert!(refused.to_string().contains("401"), "{refused}");
    request.headers_mut().insert("x-word", HeaderValue::from_static("friend"));
    let mut client = Client::request(request).await.unwrap();
    client.connect("/", "").await;
    client.sync().await;
}

#[tokio::test]
async fn middlewares_in_front_change_what_is_asked_in_their_order_on_both_transports() {
    let io = io(|io| {
        io.allow_request(async |request: sockeye::Request| match request.header("x-names") {
            Some("ada, bob") => Ok(()),
            other => Err(format!("{other:?}")),
        })
    });
    with_sync(&io);
    let first = async |mut request: axum::extract::Request, next: Next| {
        request.headers_mut().insert("x-names", HeaderValue::from_static("ada"));
        next.run(request).await
    };
    let second = async |mut request: axum::extract::Request, next: Next| {
        let names = format!("{}, bob", request.headers()["x-names"].to_str().unwrap());
        request.headers_mut().insert("x-names", names.parse().unwrap());
        next.run(request).await
    };
    let app = Router::new().layer(io.layer().unwrap()).layer(from_fn(second)).layer(from_fn(first));
    let (listener, address) = bound().await;
    tokio::spawn(async move { axum::serve(listener, app).await });
    let polling = support::Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    let (mut client, _) = Client::join(address).await;
    client.sync().await;
}

/// Who a middleware has found a client to be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct User(&'static str);

/// A server behind a middleware that knows everybody, and tells each client who it is.
async fn introduced(io: &sockeye::Io) -> SocketAddr {
    io.of("/").on("whoami", async |socket: Socket| {
        socket.handshake().extension::<User>().map(|user| user.0)
    });
    let (listener, address) = bound().await;
    let introduce = async |mut request: axum::extract::Request, next: Next| {
        request.extensions_mut().insert(User("ada"));
        next.run(request).await
    };
    let app = Router::new().layer(io.layer().unwrap()).layer(from_fn(introduce));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn what_a_middleware_in_front_found_out_reaches_handlers_and_hooks_if_it_is_kept() {
    let io = io(|io| {
        io.keep_extension::<User>().allow_request(async |request: sockeye::Request| {
            request.extension::<User>().map(drop).ok_or("a stranger")
        })
    });
    let address = introduced(&io).await;
    let (mut client, _) = Client::join(address).await;
    client.send("421[\"whoami\"]").await;
    client.expect("431[\"ada\"]").await;
    let polling = support::Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    polling.get().await;
    polling.post("421[\"whoami\"]").await;
    assert_eq!(polling.get().await, "431[\"ada\"]");

    let (mut client, _) = Client::join(introduced(&support::io(|io| io)).await).await;
    client.send("421[\"whoami\"]").await;
    client.expect("431[null]").await;
}
