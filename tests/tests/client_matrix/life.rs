//! Coming, going, and being refused.

use serde_json::{Value, json};
use sockeye_client::{ClientState, ConnectError, DisconnectReason, SocketState, Transport};
use sockeye_tests::server::Kind;

use super::place::{Carrier, Place, ask, fence, next, say, until};

pub(crate) async fn the_server_knows_what_was_said_at_the_handshake(place: &Place) {
    let builder = place.builder("/").query("who", "ä b").header("x-who", "me");
    let client = builder.auth(&json!({"token": "t"})).build().expect("it can be built");
    let socket = client.socket();
    socket.connect().await.expect("the server lets us in");
    let known: Value = ask(&socket, "handshake", ()).await;
    assert_eq!(known["headers"]["x-who"], "me");
    assert_eq!(known["nsp"], "/");
    assert_eq!(known["eio"], if place.row.kind == Kind::Npm2 { 3 } else { 4 });
    // Python's server hands out the query as it came.
    let who = known["query"]["who"].as_str().map(|who| who.replace('+', "%20"));
    let encoded = "%C3%A4%20b";
    assert!(who.as_deref() == Some("ä b") || who.as_deref() == Some(encoded), "{known}");
    if place.row.kind != Kind::Npm2 {
        assert_eq!(known["auth"], json!({"token": "t"}));
    }
    let id: String = ask(&socket, "id", ()).await;
    assert_eq!(socket.id(), Some(id));
    client.close().await;
}

pub(crate) async fn the_transport_is_the_one_that_was_asked_for(place: &Place) {
    let socket = place.join("/").await;
    let wanted = match place.row.carrier {
        Carrier::Polling => Transport::Polling,
        Carrier::WebSocket | Carrier::Upgrade => Transport::WebSocket,
    };
    let mut state = socket.client().state();
    let reached = state.wait_for(|state| *state == ClientState::Open { transport: wanted }).await;
    reached.expect("the client is there");
    let name = if wanted == Transport::Polling { "polling" } else { "websocket" };
    assert_eq!(ask::<String>(&socket, "transport", ()).await, name);
    assert_eq!(socket.client().transport(), Some(wanted));
}

pub(crate) async fn namespaces_share_a_connection_and_nothing_else(place: &Place) {
    let main = place.join("/").await;
    let custom = main.client().of("/custom");
    custom.connect().await.expect("the server lets us in");
    assert_ne!(main.id(), custom.id());
    say(&main, "echo", "main").await;
    say(&custom, "echo", "custom").await;
    assert_eq!(next::<String>(&main, "echo-back").await, "main");
    assert_eq!(next::<String>(&custom, "echo-back").await, "custom");
    custom.disconnect();
    let reason = Some(DisconnectReason::ClientDisconnect);
    until(&custom, |state| *state == SocketState::Disconnected { reason }).await;
    fence(&main).await;
    custom.connect().await.expect("the server lets us in again");
    fence(&custom).await;
}

pub(crate) async fn who_is_not_authorized_is_told_why(place: &Place) {
    let main = place.join("/").await;
    let guarded = main.client().of("/auth");
    let refused = match guarded.connect().await {
        Err(ConnectError::Refused(refused)) => refused,
        other => panic!("it should be refused: {other:?}"),
    };
    let data = json!({"code": "E_AUTH", "retryAfter": 5});
    if place.row.kind == Kind::Npm2 {
        // An ERROR of that protocol has the data or the message, not both.
        assert!(format!("{refused:?}").contains("E_AUTH"), "{refused:?}");
    } else {
        assert_eq!(
            (refused.message.as_str(), refused.data.as_ref()),
            ("not authorized", Some(&data))
        );
    }
    assert!(!guarded.is_active());
    fence(&main).await;
}

pub(crate) async fn who_knows_the_secret_is_let_in(place: &Place) {
    let auth = json!({"token": "secret", "user": "u"});
    let builder = place.builder("/auth").auth(&auth);
    let socket = builder.build().expect("it can be built").socket();
    socket.connect().await.expect("the server lets us in");
    assert!(socket.is_connected());
}

pub(crate) async fn a_namespace_that_nobody_knows_refuses(place: &Place) {
    let client = place.builder("/nowhere").build().expect("it can be built");
    let refused = match client.socket().connect().await {
        Err(ConnectError::Refused(refused)) => refused,
        other => panic!("it should be refused: {other:?}"),
    };
    let message =
        if place.row.kind == Kind::Python { "Unable to connect" } else { "Invalid namespace" };
    assert_eq!(refused.message, message);
}

pub(crate) async fn who_is_kicked_out_stays_out_until_asked(place: &Place) {
    let main = place.join("/").await;
    let custom = main.client().of("/custom");
    custom.connect().await.expect("the server lets us in");
    let before = custom.id();
    say(&custom, "kick", ()).await;
    let reason = Some(DisconnectReason::ServerDisconnect);
    until(&custom, |state| *state == SocketState::Disconnected { reason }).await;
    assert!(!custom.is_active());
    fence(&main).await;
    custom.connect().await.expect("the server lets us in again");
    assert!(custom.is_connected());
    if place.row.kind != Kind::Npm2 {
        assert_ne!(custom.id(), before);
    }
}

pub(crate) async fn a_lost_transport_is_replaced_and_nothing_is_forgotten(place: &Place) {
    let socket = place.join("/").await;
    let before = socket.id().expect("it is connected");
    say(&socket, "kill-transport", ()).await;
    until(&socket, |state| !state.is_connected()).await;
    let prefix = format!("lost {before}.");
    let notes: Vec<String> = (0..20).map(|number| format!("{prefix}{number}")).collect();
    for note in &notes {
        say(&socket, "note", note).await;
    }
    until(&socket, SocketState::is_connected).await;
    assert_ne!(socket.id(), Some(before));
    fence(&socket).await;
    assert_eq!(ask::<(Vec<String>,)>(&socket, "notes", &prefix).await.0, notes);
}

pub(crate) async fn who_leaves_may_come_back(place: &Place) {
    let socket = place.join("/").await;
    for _ in 0..3 {
        socket.disconnect();
        until(&socket, |state| !state.is_active()).await;
        socket.connect().await.expect("the server lets us in again");
        fence(&socket).await;
    }
    socket.client().close().await;
    assert!(!socket.is_connected());
}

/// While another namespace keeps the connection; at once, and after a moment.
pub(crate) async fn who_leaves_a_namespace_may_come_back_to_it(place: &Place) {
    let main = place.join("/").await;
    let custom = main.client().of("/custom");
    let before = main.id();
    for pause in [0, 0, 1, 5, 20, 60] {
        custom.connect().await.expect("the server lets us in");
        fence(&custom).await;
        custom.disconnect();
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
    }
    fence(&main).await;
    assert_eq!(main.id(), before);
}
