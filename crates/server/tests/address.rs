//! Where a client is: the peer's address, or what proxies say that are believed.

mod support;

use std::net::SocketAddr;

use sockeye::{Builder, Io, Proxies, Socket};
use support::{Client, http, io, serve};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const OPEN: &str = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1";

/// A server that tells each client where it is.
fn telling(options: impl FnOnce(Builder) -> Builder) -> Io {
    let io = io(options);
    io.of("/").on("where", async |socket: Socket| {
        socket.handshake().address().map(|address| address.ip().to_string())
    });
    io
}

/// What a client over WebSocket is told that says this of itself.
async fn told(address: SocketAddr, forwarded_for: &str) -> String {
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("x-forwarded-for", forwarded_for.parse().unwrap());
    let mut client = Client::request(request).await.unwrap();
    client.connect("/", "").await;
    client.send("420[\"where\"]").await;
    client.text().await
}

#[tokio::test]
async fn a_client_cannot_say_where_it_is() {
    let address = serve(&telling(|io| io)).await;
    assert_eq!(told(address, "192.0.2.1").await, "430[\"127.0.0.1\"]");
    let far: Proxies = "10.0.0.0/8".parse().unwrap();
    let address = serve(&telling(|io| io.trust_forwarded_for(far))).await;
    assert_eq!(told(address, "192.0.2.1").await, "430[\"127.0.0.1\"]");
}

#[tokio::test]
async fn a_trusted_proxy_says_where_a_client_is() {
    let local: Proxies = "127.0.0.0/8".parse().unwrap();
    for proxies in [Proxies::from(1), local] {
        let address = serve(&telling(|io| io.trust_forwarded_for(proxies))).await;
        assert_eq!(told(address, "6.6.6.6, 192.0.2.1").await, "430[\"192.0.2.1\"]");
    }
}

#[tokio::test]
async fn hooks_are_told_the_same_address() {
    let notes = support::Notes::new();
    let heard = std::sync::Arc::clone(&notes);
    let io = io(|io| {
        io.trust_forwarded_for(1).on_connection_error(move |error| {
            heard.add(error.request().address().map(|address| address.ip().to_string()));
        })
    });
    let address = serve(&io).await;
    let refused = OPEN.replace("EIO=4", "EIO=1");
    http(address, &format!("{refused}\r\nX-Forwarded-For: 192.0.2.1"), "").await;
    assert_eq!(notes.next().await.as_deref(), Some("192.0.2.1"));
}
