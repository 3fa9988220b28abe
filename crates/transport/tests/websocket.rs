//! A session over WebSocket, from outside.

mod support;

use std::time::Duration;

use engine_proto::CloseReason;
use sockeye_transport::{Class, Config, Encoded, Pushed};
use support::{Heard, Http, Running, Ws, eventually, quick, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use websocket_proto::Opcode;

#[tokio::test]
async fn texts_and_bytes_come_back_in_order() {
    let running = start(Config::default()).await;
    let mut ws = Ws::open(running.address).await;
    for number in 0..100 {
        ws.text(&format!("4{number}")).await;
    }
    ws.frame(Opcode::Binary, &[1, 2, 3]).await;
    for number in 0..100 {
        assert_eq!(ws.next().await, Heard::Text(format!("4{number}")));
    }
    assert_eq!(ws.next().await, Heard::Binary(vec![1, 2, 3]));
}

#[tokio::test]
async fn a_large_message_survives_being_cut_into_pieces() {
    let running = start(Config::default()).await;
    let mut ws = Ws::open(running.address).await;
    let text = format!("4{}", "é".repeat(400_000));
    let mut frame = Vec::new();
    websocket_proto::push_frame(
        &mut frame,
        Opcode::Text,
        true,
        Some([9, 8, 7, 6]),
        text.as_bytes(),
    );
    for piece in frame.chunks(7001) {
        ws.socket.write_all(piece).await.unwrap();
    }
    assert_eq!(ws.next().await, Heard::Text(text));
}

#[tokio::test]
async fn what_another_thread_pushes_arrives_without_the_task_being_woken() {
    let running = start(Config::default()).await;
    let mut ws = Ws::open(running.address).await;
    let connection = running.record.last();
    std::thread::spawn(move || {
        assert_eq!(connection.push(&Encoded::message("hello"), Class::Normal), Pushed::Queued);
        assert_eq!(connection.push(&Encoded::message("again"), Class::Volatile), Pushed::Queued);
    })
    .join()
    .unwrap();
    assert_eq!(ws.next_text().await, "4hello");
    assert_eq!(ws.next_text().await, "4again");
}

#[tokio::test]
async fn a_client_that_answers_pings_stays_and_a_silent_one_goes() {
    let running = start(quick()).await;
    let mut good = Ws::open(running.address).await;
    let _silent = Ws::open(running.address).await;
    for _ in 0..3 {
        assert_eq!(good.next().await, Heard::Text("2".into()));
        good.text("3").await;
    }
    assert_eq!(running.record.reasons(), [CloseReason::PingTimeout]);
    good.text("4still here").await;
    assert_eq!(good.next_text().await, "4still here");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_evicted_by_its_ping_timeout() {
    let running = start(quick()).await;
    let mut stalled = Ws::open(running.address).await;
    let mut good = Ws::open(running.address).await;
    stalled.text("4flood 3000").await;
    // Four pings are longer than the stalled client has.
    for _ in 0..4 {
        assert_eq!(good.next().await, Heard::Text("2".into()));
        good.text("3").await;
    }
    assert_eq!(running.record.reasons(), [CloseReason::PingTimeout]);
    assert_eq!(running.server.connections(), 1);
    good.text("4unharmed").await;
    assert_eq!(good.next_text().await, "4unharmed");
}

#[tokio::test]
async fn a_full_outbox_closes_the_connection_as_a_slow_consumer() {
    let config = Config { outbox_bytes: 100_000, ..Config::default() };
    let running = start(config).await;
    let mut stalled = Ws::open(running.address).await;
    stalled.text("4flood 50000").await;
    eventually("the eviction", || running.record.reasons() == [CloseReason::SlowConsumer]).await;
    eventually("the memory's return", || running.server.connections() == 0).await;
}

#[tokio::test]
async fn an_oversize_frame_is_refused_with_1009_before_it_has_come() {
    let running = start(Config::default()).await;
    let mut ws = Ws::open(running.address).await;
    // A head that announces 2 MB, and a little of it.
    let mut head = vec![0x81, 0xff, 0, 0, 0, 0, 0, 0x1e, 0x84, 0x80, 1, 2, 3, 4];
    head.extend_from_slice(&[0; 1000]);
    ws.socket.write_all(&head).await.unwrap();
    assert_eq!(ws.next().await, Heard::Close(Some(1009)));
    assert_eq!(ws.next().await, Heard::End);
    eventually("the close", || running.record.reasons() == [CloseReason::TransportError]).await;
}

#[tokio::test]
async fn a_packet_that_is_none_closes_this_connection_and_no_other() {
    let running = start(Config::default()).await;
    let mut bad = Ws::open(running.address).await;
    let mut good = Ws::open(running.address).await;
    bad.text("x").await;
    assert_eq!(bad.next().await, Heard::Close(None));
    eventually("the close", || running.record.reasons() == [CloseReason::ParseError]).await;
    good.text("4hello").await;
    assert_eq!(good.next_text().await, "4hello");
}

#[tokio::test]
async fn a_closing_client_gets_its_code_back() {
    let running = start(Config::default()).await;
    let mut ws = Ws::open(running.address).await;
    ws.frame(Opcode::Close, &[0x03, 0xe8]).await;
    assert_eq!(ws.next().await, Heard::Close(Some(1000)));
    eventually("the close", || running.record.reasons() == [CloseReason::TransportClose]).await;
}

#[tokio::test]
async fn what_was_pushed_before_a_close_still_arrives() {
    let running = start(Config::default()).await;
    let mut ws = Ws::open(running.address).await;
    ws.text("4flood 1000").await;
    ws.text("4close").await;
    for _ in 0..1000 {
        assert_eq!(ws.next_text().await.len(), 1025);
    }
    assert_eq!(ws.next().await, Heard::Close(None));
    assert_eq!(ws.next().await, Heard::End);
    assert_eq!(running.record.reasons(), [CloseReason::ForcedClose]);
}

#[tokio::test]
async fn a_closed_connection_is_forgotten_and_its_application_dropped() {
    let running = start(Config::default()).await;
    let ws = Ws::open(running.address).await;
    let connection = running.record.last();
    drop(ws);
    eventually("the end of the task", || {
        running.record.dropped.load(std::sync::atomic::Ordering::SeqCst) == 1
    })
    .await;
    assert_eq!(running.server.connections(), 0);
    assert_eq!(connection.push(&Encoded::message("late"), Class::Normal), Pushed::Closed);
    assert!(connection.is_closed());
}

#[tokio::test]
async fn closing_the_server_is_not_held_up_by_a_client_that_does_not_read() {
    let running = start(Config::default()).await;
    let mut stalled = Ws::open(running.address).await;
    stalled.text("4flood 3500").await;
    let mut good = Ws::open(running.address).await;
    good.text("4hello").await;
    assert_eq!(good.next_text().await, "4hello");
    running.server.close(CloseReason::ServerShuttingDown, Duration::from_millis(300)).await;
    assert_eq!(running.server.connections(), 0);
    assert_eq!(good.next().await, Heard::Close(None));
    assert_eq!(running.record.reasons().len(), 2);
    let refused =
        Http::connect(running.address).await.get("/engine.io/?EIO=4&transport=polling").await;
    assert_eq!(refused.status, 503);
}

#[tokio::test]
async fn a_client_that_answers_the_close_frame_but_keeps_its_socket_delays_nothing() {
    let running = start(Config { linger: Duration::from_hours(1), ..Config::default() }).await;
    let mut ws = Ws::open(running.address).await;
    running.record.last().close(CloseReason::ForcedClose);
    assert_eq!(ws.next().await, Heard::Close(None));
    ws.frame(Opcode::Close, &[]).await;
    let deadline = Duration::from_hours(1);
    running.server.close(CloseReason::ServerShuttingDown, deadline).await;
    assert_eq!(ws.next().await, Heard::End);
}

#[tokio::test]
async fn a_websocket_ping_is_answered() {
    let running = start(Config::default()).await;
    let mut ws = Ws::open(running.address).await;
    ws.frame(Opcode::Ping, b"abc").await;
    assert_eq!(ws.next().await, Heard::Binary(b"abc".to_vec()));
}

#[tokio::test]
async fn the_base64_form_of_a_binary_message_is_taken_as_text_too() {
    let running = start(Config::default()).await;
    let mut ws = Ws::open(running.address).await;
    ws.text("bAQI=").await;
    assert_eq!(ws.next().await, Heard::Binary(vec![1, 2]));
}

#[tokio::test]
async fn what_came_before_a_violation_is_still_answered() {
    let running = start(Config::default()).await;
    for violation in ["9", "1"] {
        let mut ws = Ws::open(running.address).await;
        ws.both("4hello", violation).await;
        assert_eq!(ws.next_text().await, "4hello");
        assert_eq!(ws.next().await, Heard::Close(None));
        ws.frame(Opcode::Close, b"").await;
        assert_eq!(ws.next().await, Heard::End);
    }
}

#[tokio::test]
async fn a_message_in_too_many_fragments_is_refused() {
    let running = start(Config { fragments: 3, ..Config::default() }).await;
    let mut ws = Ws::open(running.address).await;
    ws.fragments(&["4", "a", "b"]).await;
    assert_eq!(ws.next_text().await, "4ab");
    ws.fragments(&["4", "a", "b", "c"]).await;
    assert_eq!(ws.next().await, Heard::Close(Some(1009)));
}

#[tokio::test]
async fn an_upgrade_may_come_in_several_header_lines() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let headers = "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    http.send("GET", "/engine.io/?EIO=4&transport=websocket", headers, b"").await;
    assert_eq!(http.answer().await.status, 101);
}

/// What is answered to a request for a WebSocket with these bytes right behind its head, until the end.
async fn followed_by(running: &Running, target: &str, length: &str, bytes: &[u8]) -> String {
    let mut http = Http::connect(running.address).await;
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{length}\r\n"
    )
    .into_bytes();
    request.extend_from_slice(bytes);
    http.socket.write_all(&request).await.unwrap();
    http.socket.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let read = http.socket.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("it ends").ok();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn what_is_no_frame_behind_the_request_for_a_websocket_costs_its_sender_alone() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let candidate = session.replace("transport=polling", "transport=websocket");
    for target in ["/engine.io/?EIO=4&transport=websocket", &candidate] {
        for length in ["", "Content-Length: 4\r\n"] {
            followed_by(&running, target, length, b"test").await;
        }
    }
    assert_eq!(http.post(&session, "4still here").await.body, "ok");
    assert_eq!(http.get(&session).await.body, "4still here");
    eventually("the others are gone", || running.server.connections() == 1).await;
}

#[tokio::test]
async fn frames_right_behind_the_request_for_a_websocket_are_read() {
    let running = start(Config::default()).await;
    let mut frames = Vec::new();
    websocket_proto::push_frame(&mut frames, Opcode::Text, true, Some([1, 2, 3, 4]), b"4early");
    let answer = followed_by(&running, "/engine.io/?EIO=4&transport=websocket", "", &frames).await;
    assert!(answer.ends_with("4early"), "{answer:?}");
}

#[tokio::test]
async fn the_first_of_the_sub_protocols_that_are_offered_is_spoken() {
    let running = start(Config::default()).await;
    for (offered, spoken) in [("Sec-WebSocket-Protocol: one, two\r\n", Some("one")), ("", None)] {
        let mut http = Http::connect(running.address).await;
        let headers = format!(
            "{offered}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        );
        http.send("GET", "/engine.io/?EIO=4&transport=websocket", &headers, b"").await;
        let answer = http.answer().await;
        assert_eq!(answer.status, 101);
        assert_eq!(answer.header("sec-websocket-protocol"), spoken);
    }
}
