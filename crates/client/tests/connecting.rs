//! From `connect` to the server's answer.

mod support;

use std::time::Duration;

use serde_json::json;
use sockeye::{Auth, Error, Socket as Served};
use sockeye_client::{ClientState, ConnectError, SocketState, Transport};
use support::{Wire, is_disconnected, server, soon, until, until_client};

#[tokio::test(start_paused = true)]
async fn connect_waits_until_the_server_has_let_us_in() {
    let io = server();
    let client = Wire::to(&io).client();
    let socket = client.socket();
    assert_eq!((socket.id(), socket.is_active()), (None, false));
    socket.connect().await.unwrap();
    let id = socket.id().expect("an id");
    assert!(io.socket(&id).is_some(), "the server calls it so, too");
    assert!(socket.is_connected() && socket.is_active() && !socket.recovered());
    assert_eq!(*socket.state().borrow(), SocketState::Connected { id, recovered: false });
    socket.connect().await.expect("it is connected already");
}

#[tokio::test(start_paused = true)]
async fn several_namespaces_share_one_connection() {
    let io = server();
    io.of("/chat");
    io.of("/admin");
    let wire = Wire::to(&io);
    let client =
        wire.builder("http://in-memory/chat").transports([Transport::WebSocket]).build().unwrap();
    let (chat, admin, main) = (client.socket(), client.of("admin"), client.of("/"));
    assert_eq!(chat.namespace(), "/chat");
    tokio::try_join!(chat.connect(), admin.connect(), main.connect()).unwrap();
    assert_eq!(wire.dialled(), 1);
    assert_ne!(chat.id(), admin.id());
    admin.disconnect();
    assert!(chat.is_connected() && !admin.is_active());
    soon(|| io.of("/admin").sockets().is_empty()).await;
    admin.connect().await.unwrap();
    assert_eq!(wire.dialled(), 1, "on the same connection");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_message_and_data_and_is_not_tried_again() {
    let io = server();
    io.of("/admin").middleware(async |_: Served| -> Result<(), Error> {
        Err(Error::new("no entry").with_data(&json!({ "code": 7 })))
    });
    let wire = Wire::to(&io);
    let client = wire.client();
    let admin = client.of("/admin");
    let Err(ConnectError::Refused(refused)) = admin.connect().await else { panic!("let in") };
    assert_eq!((&*refused.message, &refused.data), ("no entry", &Some(json!({ "code": 7 }))));
    assert_eq!(*admin.state().borrow(), SocketState::Disconnected { reason: None });

    admin.start();
    until(&admin, is_disconnected).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(!admin.is_active());
    until_client(&client, |state| *state == ClientState::Idle).await;
    soon(|| wire.open() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn there_is_no_such_namespace() {
    let io = server();
    let client = Wire::to(&io).client();
    let error = client.of("/nowhere").connect().await.unwrap_err();
    assert_eq!(error.to_string(), "the server refused: Invalid namespace");
    let error = client.of("/a,b").connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::InvalidNamespace { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn one_attempt_fails_where_nobody_is_there() {
    let wire = Wire::to(&server());
    wire.set_down(true);
    let client = wire.client();
    let error = client.socket().connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable(_)), "{error}");
    assert_eq!(*client.socket().state().borrow(), SocketState::Disconnected { reason: None });
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(wire.dialled(), 1, "one attempt");
    assert_eq!(*client.state().borrow(), ClientState::Idle);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_with_connect_is_heard_by_the_server() {
    let io = server();
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    for name in ["/", "/admin"] {
        let heard = heard.clone();
        io.of(name).on_connect(move |Auth(auth): Auth<serde_json::Value>| {
            heard.lock().unwrap().push(auth);
            async {}
        });
    }
    let wire = Wire::to(&io);
    let client = wire.builder("http://in-memory").auth(&json!({ "token": "x" })).build().unwrap();
    client.socket().connect().await.unwrap();
    let admin = client.of("/admin");
    admin.set_auth(&json!({ "token": "y" })).unwrap();
    assert!(admin.set_auth("no object").is_err());
    admin.connect().await.unwrap();
    soon(|| heard.lock().unwrap().len() == 2).await;
    assert_eq!(*heard.lock().unwrap(), [json!({ "token": "x" }), json!({ "token": "y" })]);
}

#[tokio::test(start_paused = true)]
async fn whoever_awaits_a_socket_that_stays_at_it_is_told_of_the_attempt_that_failed() {
    let wire = Wire::to(&server());
    wire.set_down(true);
    let socket = wire.client().socket();
    socket.start();
    let attempt = tokio::time::timeout(Duration::from_mins(1), socket.connect()).await;
    assert!(attempt.expect("not for ever").is_err());
    assert!(socket.is_active(), "it goes on trying");
    wire.set_down(false);
    until(&socket, SocketState::is_connected).await;
}
