//! Pings and pongs, from outside.

mod support;

use std::time::Duration;

use engine_proto::CloseReason;
use sockeye_transport::{Class, Config, Encoded, Pushed};
use support::{Heard, Http, Running, Ws, eventually, start};

/// Pings often, and waits long for pongs.
fn patient() -> Config {
    let mut config = Config::default();
    config.engine.ping_interval = Duration::from_millis(20);
    config.engine.ping_timeout = Duration::from_secs(20);
    config
}

/// Pings often, and waits for no pong.
fn hasty() -> Config {
    let mut config = patient();
    config.engine.ping_timeout = Duration::from_millis(20);
    config
}

/// Opens a session by polling and moves it.
async fn moved(running: &Running) -> Ws {
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let mut ws = Ws::connect(running.address, &session.replace("polling", "websocket")).await;
    ws.text("2probe").await;
    assert_eq!(ws.next().await, Heard::Text("3probe".into()));
    ws.text("5").await;
    ws
}

#[tokio::test]
async fn a_session_that_has_moved_is_pinged_over_websocket_and_lives_by_its_pongs() {
    let running = start(patient()).await;
    let mut ws = moved(&running).await;
    for _ in 0..5 {
        assert_eq!(ws.next().await, Heard::Text("2".into()));
        ws.text("3").await;
    }
    ws.text("4hello").await;
    assert_eq!(ws.next_text().await, "4hello");
    assert!(running.record.reasons().is_empty());

    let running = start(hasty()).await;
    let _silent = moved(&running).await;
    eventually("its end", || running.record.reasons() == [CloseReason::PingTimeout]).await;
}

#[tokio::test]
async fn a_polling_session_is_pinged_through_its_polls_and_ends_without_a_pong() {
    let running = start(patient()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    for _ in 0..3 {
        assert_eq!(http.get(&session).await.body, "2");
        assert_eq!(http.post(&session, "3").await.body, "ok");
    }
    assert!(running.record.reasons().is_empty());

    let running = start(hasty()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    http.send("GET", &session, "", b"").await;
    eventually("its end", || running.record.reasons() == [CloseReason::PingTimeout]).await;
}

#[tokio::test]
async fn a_session_that_its_server_has_closed_ends_though_its_client_never_polls_again() {
    let running = start(hasty()).await;
    let mut http = Http::connect(running.address).await;
    http.open().await;
    drop(http);
    running.record.last().close(CloseReason::ForcedClose);
    eventually("its end", || running.record.reasons() == [CloseReason::ForcedClose]).await;
    let deadline = Duration::from_hours(1);
    running.server.close(CloseReason::ServerShuttingDown, deadline).await;
    assert_eq!(running.server.connections(), 0);
}

#[tokio::test]
async fn pings_come_between_many_large_messages_and_all_of_them_arrive() {
    const MESSAGES: usize = 100;
    let running = start(Config { outbox_bytes: 64 << 20, ..patient() }).await;
    let mut ws = Ws::open(running.address).await;
    let connection = running.record.last();
    for number in 0..MESSAGES {
        let packet = Encoded::message(&format!("{}|{number}", "a".repeat(65_535)));
        assert_eq!(connection.push(&packet, Class::Normal), Pushed::Queued);
    }
    for number in 0..MESSAGES {
        let text = ws.next_text().await;
        assert!(text.len() > 65_536 && text.ends_with(&format!("a|{number}")));
    }
    // Its pongs have been heard.
    assert_eq!(ws.next().await, Heard::Text("2".into()));
    ws.text("3").await;
    assert!(running.record.reasons().is_empty());
}
