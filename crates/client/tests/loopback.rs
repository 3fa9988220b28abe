//! Over TCP, as it is used.

mod support;

use std::time::Duration;

use sockeye::{Io, Socket as Served};
use sockeye_client::{Client, ClientState, DisconnectReason, SocketState, Transport};
use support::{is_disconnected, server, until, until_client};
use tokio::net::TcpListener;

async fn serve(io: &Io) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let io = io.clone();
    tokio::spawn(async move { io.serve_listener(listener).await });
    url
}

#[tokio::test]
async fn the_short_way() {
    let io = server();
    io.of("/chat");
    let url = serve(&io).await;
    let chat = sockeye_client::connect(&format!("{url}/chat")).await.unwrap();
    assert_eq!(chat.namespace(), "/chat");
    assert!(io.of("/chat").socket(&chat.id().unwrap()).is_some());
    chat.client().close().await;
    let error = sockeye_client::connect("nowhere:0").await.unwrap_err();
    assert!(error.to_string().contains("the port must be"), "{error}");
}

#[tokio::test]
async fn a_connection_begins_with_polling_and_goes_on_over_a_websocket() {
    let io = server();
    let url = serve(&io).await;
    for (transports, upgrade, expected) in [
        (vec![Transport::Polling, Transport::WebSocket], true, Transport::WebSocket),
        (vec![Transport::Polling, Transport::WebSocket], false, Transport::Polling),
        (vec![Transport::Polling], true, Transport::Polling),
        (vec![Transport::WebSocket], true, Transport::WebSocket),
    ] {
        let builder = Client::builder(&url).transports(transports).upgrade(upgrade);
        let client = builder.build().unwrap();
        client.socket().connect().await.unwrap();
        let open = ClientState::Open { transport: expected };
        until_client(&client, |state| *state == open).await;
        assert_eq!(client.transport(), Some(expected));
        client.close().await;
    }
}

#[tokio::test]
async fn nobody_listens_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = sockeye_client::connect(&url).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot reach 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_server_that_goes_down_is_told_apart_from_one_that_sends_us_away() {
    let io = server();
    io.of("/away").on_connect(async |socket: Served| socket.disconnect(false));
    let url = serve(&io).await;
    let client = Client::builder(&url).reconnection(false).build().unwrap();
    let (main, away) = (client.socket(), client.of("/away"));
    main.connect().await.unwrap();
    away.start();
    let reason = |state| match state {
        SocketState::Disconnected { reason } => reason,
        other => panic!("{other:?}"),
    };
    let server_disconnect = Some(DisconnectReason::ServerDisconnect);
    assert_eq!(reason(until(&away, is_disconnected).await), server_disconnect);
    assert!(main.is_connected());
    io.close(Duration::from_secs(1)).await;
    let transport_close = Some(DisconnectReason::TransportClose);
    assert_eq!(reason(until(&main, is_disconnected).await), transport_close);
}
