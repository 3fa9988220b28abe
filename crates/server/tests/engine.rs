//! Engine.IO alone.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use sockeye::engine::{CloseReason, Server, Socket};
use support::{Client, Notes, Polling, serve_engine, soon};

async fn echo() -> (Server, SocketAddr) {
    let server = Server::builder().build().unwrap();
    server.on_connection(async |socket: Socket| {
        while let Some(message) = socket.recv().await {
            socket.send(message);
        }
    });
    let address = serve_engine(&server).await;
    (server, address)
}

#[tokio::test]
async fn text_and_bytes_are_echoed_on_both_transports() {
    let (_, address) = echo().await;
    let mut client = Client::open_at(address, "/engine.io/").await;
    client.send("4hello").await;
    client.expect("4hello").await;
    client.send_binary(&[1, 2]).await;
    assert_eq!(client.binary().await, [1, 2]);

    let polling = Polling::open(address, "/engine.io/").await;
    polling.post("4a\u{1e}bAQI=").await;
    let mut heard = polling.get().await;
    while heard.len() < "4a\u{1e}bAQI=".len() {
        heard = heard + "\u{1e}" + &polling.get().await;
    }
    assert_eq!(heard, "4a\u{1e}bAQI=");
}

#[tokio::test]
async fn the_handler_hears_the_end_and_its_return_closes_the_session() {
    let server = Server::builder().build().unwrap();
    let ended = Notes::new();
    let notes = std::sync::Arc::clone(&ended);
    server.on_connection(move |socket: Socket| {
        let notes = std::sync::Arc::clone(&notes);
        async move {
            socket.send_text("hi");
            let first = socket.recv().await;
            notes.add((first.is_some(), socket.close_reason()));
        }
    });
    let address = serve_engine(&server).await;
    let mut client = Client::open_at(address, "/engine.io/").await;
    client.expect("4hi").await;
    client.hang_up();
    assert_eq!(ended.next().await, (false, Some(CloseReason::TransportClose)));

    let mut client = Client::open_at(address, "/engine.io/").await;
    client.expect("4hi").await;
    client.send("4x").await;
    assert_eq!(ended.next().await, (true, None));
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_session_only_and_close_ends_all() {
    let server = Server::builder().build().unwrap();
    server.on_connection(async |socket: Socket| {
        while let Some(message) = socket.recv().await {
            assert_ne!(message, sockeye::engine::Message::Text("bad".into()));
            socket.send(message);
        }
    });
    let address = serve_engine(&server).await;
    let mut healthy = Client::open_at(address, "/engine.io/").await;
    let mut client = Client::open_at(address, "/engine.io/").await;
    client.send("4bad").await;
    assert!(client.rest().await.is_empty());
    healthy.send("4good").await;
    healthy.expect("4good").await;
    let reading = tokio::spawn(async move { healthy.rest().await });
    soon(server.close(Duration::from_mins(1))).await;
    assert!(reading.await.unwrap().is_empty());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_session_that_sends_more_than_its_handler_takes_is_closed() {
    let server = Server::builder().inbox_bytes(1000).build().unwrap();
    server.on_connection(async |_: Socket| std::future::pending().await);
    let address = serve_engine(&server).await;
    let mut client = Client::open_at(address, "/engine.io/").await;
    client.send_all(&vec![format!("4{}", "x".repeat(300)); 10]).await;
    assert!(client.rest().await.is_empty());
}
