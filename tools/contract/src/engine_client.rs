//! Profile `engine-client`: the server that the test suite of npm `engine.io-client` expects.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, SET_COOKIE};
use axum::serve::ListenerExt as _;
use sockeye::Request;
use sockeye::engine::{Message, Server, Socket};

use crate::{Result, listen, ready};

pub(crate) async fn run(port: u16) -> Result<()> {
    let server = Server::builder()
        .ping_interval(Duration::from_millis(500))
        .max_payload(100)
        .any_origin()
        .allow_request(async |request: Request| match request.query_value("deny") {
            Some(_) => Err("denied"),
            None => Ok(()),
        })
        .initial_headers(|headers, _| set_cookies(headers))
        .build()?;
    server.on_connection(converse);
    let listener = listen(port).await?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    ready("engine-client", port);
    Ok(axum::serve(listener, Router::new().layer(server.layer())).await?)
}

/// Two of them are to be kept.
const COOKIES: [&str; 4] = [
    "1=1; Max-Age=86400",
    "2=2; Path=/; HttpOnly; Secure; SameSite=Strict",
    "3=3; Max-Age=0",
    "4=4; Expires=Thu, 26 Nov 2026 06:00:00 GMT",
];

fn set_cookies(headers: &mut HeaderMap) {
    for cookie in COOKIES {
        headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
    }
}

/// Greets, and says what it hears, but for what it is asked.
async fn converse(socket: Socket) {
    socket.send_text("hi");
    while let Some(message) = socket.recv().await {
        let asked = match &message {
            Message::Text(text) => Some(text.as_str()),
            Message::Binary(_) => None,
        };
        match asked {
            Some("give binary") => socket.send_binary(vec![0, 1, 2, 3, 4]),
            Some("give utf8") => socket.send_text("пойду спать всем спокойной ночи"),
            Some("sendHeaders") => socket.send_text(&headers_of(&socket)),
            _ => socket.send(message),
        };
    }
}

/// As JSON: those of the first request, for the suite sends the same with each.
fn headers_of(socket: &Socket) -> String {
    let headers: BTreeMap<_, _> = socket.handshake().headers().collect();
    serde_json::to_string(&headers).expect("texts can be written")
}
