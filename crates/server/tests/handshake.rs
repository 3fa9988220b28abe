//! What a client said when it came, read on demand.

mod support;

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use support::{Client, io, serve};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

#[derive(Debug, Deserialize, PartialEq)]
struct Token {
    token: String,
}

#[tokio::test]
async fn a_handshake_has_every_field_of_the_reference() {
    let io = io(|io| io.allow_origin("https://example.com"));
    let address = serve(&io).await;
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket&a=1&a=2&b=c%20d");
    let mut request = url.into_client_request().unwrap();
    for (name, value) in
        [("origin", "https://example.com"), ("x-thing", "first"), ("x-thing", "second")]
    {
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let before = SystemTime::now();
    let mut client = Client::request(request).await.unwrap();
    let id = client.connect("/", "{\"token\":\"x\"}").await;
    let socket = io.socket(&id).unwrap();
    let handshake = socket.handshake();
    assert_eq!(handshake.header("x-thing"), Some("first"));
    assert_eq!(handshake.url(), "/socket.io/?EIO=4&transport=websocket&a=1&a=2&b=c%20d");
    assert_eq!(handshake.path(), "/socket.io/");
    assert_eq!(handshake.query_value("b").unwrap(), "c d");
    assert_eq!(handshake.query().filter(|(name, _)| name == "a").count(), 2);
    assert!(handshake.address().unwrap().ip().is_loopback());
    assert!(handshake.xdomain() && !handshake.secure());
    let issued = u128::from(handshake.issued());
    let milliseconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_millis();
    assert!((milliseconds(before)..=milliseconds(SystemTime::now())).contains(&issued));
    assert_eq!(milliseconds(handshake.time()), issued);
    assert_eq!(handshake.auth::<Token>().unwrap(), Token { token: "x".into() });
    let remote = io.fetch_sockets().await.unwrap().remove(0);
    assert_eq!(remote.handshake().issued(), handshake.issued());
}

#[tokio::test]
async fn the_request_of_a_handshake_is_made_anew_for_whoever_asks() {
    let io = io(|io| io);
    let address = serve(&io).await;
    let (_client, id) = Client::join(address).await;
    let socket = io.socket(&id).unwrap();
    assert!(!socket.handshake().xdomain(), "no page has asked");
    let request = socket.handshake().request().unwrap();
    assert_eq!(request.method(), http::Method::GET);
    assert_eq!(request.uri().path(), "/socket.io/");
    assert_eq!(request.headers()["host"], address.to_string());
    assert_eq!(request.headers().len(), socket.handshake().headers().count());
}
