//! Servers that say what they should not.

mod support;

use std::time::Duration;

use sockeye_client::{ConnectError, DisconnectReason, SocketState};
use support::{Script, Wire, is_disconnected, until};
use tokio::time::{sleep, timeout};

/// Whether the server hears nothing more for a while.
async fn is_quiet(script: &mut Script) -> bool {
    timeout(Duration::from_secs(5), script.hear()).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_connect_twice_is_left_and_tried_again() {
    let (wire, mut accepted) = Wire::raw();
    let socket = wire.websocket_client().socket();
    socket.start();
    let mut script = Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"a"}"#).await;
    script.say(r#"40{"sid":"b"}"#).await;
    while script.hear().await.is_some() {}
    until(&socket, |state| matches!(state, SocketState::Waiting { .. })).await;
    let mut script = Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
}

#[tokio::test(start_paused = true)]
async fn answers_and_events_that_nobody_asked_for_are_not_heard() {
    let (wire, mut accepted) = Wire::raw();
    let socket = wire.websocket_client().socket();
    socket.start();
    let mut script = Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"a"}"#).await;
    for packet in [
        r#"40/other,{"sid":"x"}"#,
        r#"44/other,{"message":"no"}"#,
        "41/other,",
        r#"42/other,1["event"]"#,
        "43/other,7[]",
        "437[1,2,3]",
    ] {
        script.say(packet).await;
    }
    assert!(is_quiet(&mut script).await);
    assert_eq!(socket.id().as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sends_us_away_before_it_has_let_us_in_is_not_asked_again() {
    let (wire, mut accepted) = Wire::raw();
    let client = wire.websocket_client();
    let (main, other) = (client.socket(), client.of("/other"));
    main.start();
    let mut script = Script::open(&mut accepted).await;
    script.hear().await;
    script.say(r#"40{"sid":"a"}"#).await;
    let attempt = tokio::spawn({
        let other = other.clone();
        async move { other.connect().await }
    });
    assert_eq!(script.hear().await.as_deref(), Some("40/other,"));
    script.say("41/other,").await;
    let error = attempt.await.unwrap().unwrap_err();
    let expected = DisconnectReason::ServerDisconnect;
    assert!(matches!(error, ConnectError::Disconnected { reason } if reason == expected));
    assert!(!other.is_active() && main.is_connected());
    assert!(is_quiet(&mut script).await);
}

#[tokio::test(start_paused = true)]
async fn what_comes_for_a_namespace_that_we_have_left_harms_nobody() {
    let (wire, mut accepted) = Wire::raw();
    let client = wire.websocket_client();
    let (main, other) = (client.socket(), client.of("/other"));
    main.start();
    let mut script = Script::open(&mut accepted).await;
    script.hear().await;
    script.say(r#"40{"sid":"a"}"#).await;
    other.start();
    assert_eq!(script.hear().await.as_deref(), Some("40/other,"));
    script.say(r#"40/other,{"sid":"o"}"#).await;
    until(&other, SocketState::is_connected).await;
    other.disconnect();
    for packet in [r#"42/other,["late"]"#, "43/other,1[]", "41/other,", r#"42/other,1["asks"]"#] {
        script.say(packet).await;
    }
    assert_eq!(script.hear().await.as_deref(), Some("41/other,"));
    assert!(is_quiet(&mut script).await, "nobody answers for it");
    assert!(main.is_connected());
}

#[tokio::test(start_paused = true)]
async fn more_than_can_be_kept_before_the_answer_to_connect_begins_a_new_session() {
    let (wire, mut accepted) = Wire::raw();
    let socket = wire.websocket_client().socket();
    socket.start();
    let mut script = Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"a","pid":"p1"}"#).await;
    until(&socket, SocketState::is_connected).await;
    drop(script);

    let mut script = Script::open(&mut accepted).await;
    let asked = script.hear().await.unwrap();
    assert!(asked.contains(r#""pid":"p1""#), "{asked}");
    let missed = format!(r#"42["missed","{}"]"#, "x".repeat(1 << 20));
    for _ in 0..20 {
        script.say(&missed).await;
    }
    while script.hear().await.is_some() {}

    let mut script = Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"), "not once more");
    script.say(r#"40{"sid":"b","pid":"p2"}"#).await;
    until(&socket, SocketState::is_connected).await;
    assert!(!socket.recovered());
}

#[tokio::test(start_paused = true)]
async fn attachments_that_do_not_come_end_the_connection() {
    let (wire, mut accepted) = Wire::raw();
    let builder = wire.builder("http://in-memory").reconnection(false);
    let client = builder.transports([sockeye_client::Transport::WebSocket]).build().unwrap();
    let socket = client.socket();
    socket.start();
    let mut script = Script::open(&mut accepted).await;
    script.hear().await;
    script.say(r#"40{"sid":"a"}"#).await;
    script.say(r#"451-["file",{"_placeholder":true,"num":0}]"#).await;
    sleep(Duration::from_secs(19)).await;
    assert!(socket.is_connected());
    let state = until(&socket, is_disconnected).await;
    assert_eq!(state, SocketState::Disconnected { reason: Some(DisconnectReason::ParseError) });
    assert_eq!(script.hear().await, None);
}
