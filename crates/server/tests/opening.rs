//! What is known of a session of Engine.IO when it opens, and what its client is told.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use sockeye::Transport;
use sockeye::engine::{Builder, Server, Socket};
use support::{Client, Polling, http, serve_engine, soon};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// A server that answers each message with what this function says of the session.
async fn telling(tell: fn(&Socket) -> String) -> (Server, SocketAddr) {
    let server = Server::builder().build().unwrap();
    server.on_connection(move |socket: Socket| async move {
        while socket.recv().await.is_some() {
            socket.send_text(&tell(&socket));
        }
    });
    let address = serve_engine(&server).await;
    (server, address)
}

#[tokio::test]
async fn a_session_is_counted_from_its_opening_to_its_end() {
    let (server, address) = telling(Socket::id).await;
    assert_eq!(server.connections(), 0);
    let client = Client::open_at(address, "/engine.io/").await;
    let polling = Polling::open(address, "/engine.io/").await;
    assert_eq!(server.connections(), 2);
    client.hang_up();
    polling.post("1").await;
    let empty = async {
        while server.connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    soon(empty).await;
}

#[tokio::test]
async fn a_session_knows_by_which_transport_its_client_speaks_before_and_after_it_has_moved() {
    let (_, address) = telling(|socket| socket.transport().as_str().to_owned()).await;
    let mut direct = Client::open_at(address, "/engine.io/").await;
    direct.send("4").await;
    direct.expect("4websocket").await;

    let polling = Polling::open(address, "/engine.io/").await;
    polling.post("4").await;
    assert_eq!(polling.get().await, "4polling");
    let mut candidate = Client::candidate(&polling).await;
    candidate.send("2probe").await;
    candidate.expect("3probe").await;
    candidate.send("5").await;
    candidate.send("4").await;
    candidate.expect("4websocket").await;
}

/// What a client that opens a session over this transport is told; `None` if it is refused.
async fn open_packet(address: SocketAddr, transport: Transport) -> Option<Value> {
    let target = format!("/engine.io/?EIO=4&transport={}", transport.as_str());
    let open = if transport == Transport::Polling {
        let (status, _, open) = http(address, &format!("GET {target} HTTP/1.1"), "").await;
        (status == 200).then_some(open)?
    } else {
        let (mut stream, _) = connect_async(format!("ws://{address}{target}")).await.ok()?;
        soon(stream.next()).await?.ok()?.into_text().ok()?.to_string()
    };
    serde_json::from_str(open.strip_prefix('0')?).ok()
}

type Options = fn(Builder) -> Builder;

#[tokio::test]
async fn an_upgrade_is_offered_where_there_is_one_and_a_transport_that_is_off_opens_nothing() {
    use Transport::{Polling, WebSocket};
    let upgrade = || Some(json!(["websocket"]));
    let none = || Some(json!([]));
    let cases: [(Options, _, _); 4] = [
        (|server| server, upgrade(), none()),
        (|server| server.allow_upgrades(false), none(), none()),
        (|server| server.transports([Polling]), none(), None),
        (|server| server.transports([WebSocket]), None, none()),
    ];
    for (options, polling, websocket) in cases {
        let server = options(Server::builder()).build().unwrap();
        let address = serve_engine(&server).await;
        for (transport, expected) in [(Polling, polling), (WebSocket, websocket)] {
            let open = open_packet(address, transport).await;
            assert_eq!(open.map(|open| open["upgrades"].clone()), expected, "{transport:?}");
        }
    }
}

#[tokio::test]
async fn a_client_is_told_pings_and_limit_as_they_were_set() {
    let server = Server::builder()
        .ping_interval(Duration::from_millis(1234))
        .ping_timeout(Duration::from_millis(123))
        .max_payload(50_000)
        .build()
        .unwrap();
    let address = serve_engine(&server).await;
    for transport in [Transport::Polling, Transport::WebSocket] {
        let mut open = open_packet(address, transport).await.unwrap();
        assert_eq!(open["sid"].as_str().unwrap().len(), 20);
        open["sid"] = Value::Null;
        open["upgrades"] = Value::Null;
        let told = json!({
            "sid": null, "upgrades": null,
            "pingInterval": 1234, "pingTimeout": 123, "maxPayload": 50_000
        });
        assert_eq!(open, told);
    }
}

/// Query, headers, address and revision of the request that opened a session.
fn first_request(socket: &Socket) -> String {
    let handshake = socket.handshake();
    let query: Vec<_> = handshake.query().collect();
    json!({
        "query": query,
        "token": handshake.header("x-token"),
        "cookie": handshake.header("cookie"),
        "address": handshake.address().map(|address| address.ip()),
        "revision": handshake.protocol(),
    })
    .to_string()
}

#[tokio::test]
async fn query_headers_and_address_of_the_first_request_are_known_on_both_transports_to_the_end() {
    let (_, address) = telling(first_request).await;
    let expected = |transport: &str| {
        let query = [["EIO", "4"], ["transport", transport], ["a", "b c"], ["d", ""]];
        let told = json!({
            "query": query, "token": "secret", "cookie": "user=1; x=2",
            "address": "127.0.0.1", "revision": 4
        });
        format!("4{told}")
    };
    let url = format!("ws://{address}/engine.io/?EIO=4&transport=websocket&a=b%20c&d=");
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("x-token", "secret".parse().unwrap());
    request.headers_mut().insert("cookie", "user=1; x=2".parse().unwrap());
    let mut client = Client::request(request).await.unwrap();
    client.send("4").await;
    client.expect(&expected("websocket")).await;

    let headers = "\r\nX-Token: secret\r\nCookie: user=1; x=2";
    let open = format!("GET /engine.io/?EIO=4&transport=polling&a=b%20c&d= HTTP/1.1{headers}");
    let (_, _, open) = http(address, &open, "").await;
    let sid = open.split('"').nth(3).unwrap();
    // What later requests say is theirs alone.
    let later = format!("/engine.io/?EIO=4&transport=polling&a=else&sid={sid} HTTP/1.1");
    assert_eq!(http(address, &format!("POST {later}"), "4").await.2, "ok");
    assert_eq!(http(address, &format!("GET {later}"), "").await.2, expected("polling"));
}
