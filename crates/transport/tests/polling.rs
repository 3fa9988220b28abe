//! A session over HTTP long-polling and its upgrade, from outside.

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use engine_proto::CloseReason;
use sockeye_transport::{Class, Config, Encoded, Origins, Pushed};
use support::{Heard, Http, Ws, eventually, quick, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn the_open_packet_has_the_keys_and_the_order_of_the_reference() {
    let running = start(quick()).await;
    let answer =
        Http::connect(running.address).await.get("/engine.io/?EIO=4&transport=polling").await;
    let sid = answer.body.split('"').nth(3).unwrap();
    assert_eq!(sid.len(), 20);
    let expected = format!(
        "0{{\"sid\":\"{sid}\",\"upgrades\":[\"websocket\"],\"pingInterval\":300,\"pingTimeout\":200,\"maxPayload\":1000000}}"
    );
    assert_eq!(answer.body, expected);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn packets_of_one_body_come_back_together() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let posted = http.post(&session, "4a\u{1e}4b\u{1e}bAQI=").await;
    assert_eq!((posted.status, posted.body.as_str()), (200, "ok"));
    assert_eq!(posted.header("content-type"), Some("text/html"));
    assert_eq!(http.get(&session).await.body, "4a\u{1e}4b\u{1e}bAQI=");
}

#[tokio::test]
async fn a_held_poll_is_answered_by_what_others_push() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let connection = running.record.last();
    let early = connection.push(&Encoded::message("nobody waits"), Class::Volatile);
    assert_eq!(early, Pushed::Dropped);
    http.send("GET", &session, "", b"").await;
    eventually("the held poll", || {
        connection.push(&Encoded::message("hello"), Class::Volatile) == Pushed::Queued
    })
    .await;
    let answer = http.answer().await;
    assert!(answer.body.starts_with("4hello"), "{}", answer.body);
}

#[tokio::test]
async fn a_held_poll_is_answered_with_all_that_a_turn_has_said() {
    let running = start(Config::default()).await;
    let (mut poll, mut post) =
        (Http::connect(running.address).await, Http::connect(running.address).await);
    let session = poll.open().await;
    for _ in 0..20 {
        poll.send("GET", &session, "", b"").await;
        post.post(&session, "4a\u{1e}4b\u{1e}4c").await;
        assert_eq!(poll.answer().await.body, "4a\u{1e}4b\u{1e}4c");
    }
}

#[tokio::test]
async fn a_second_poll_ends_the_session() {
    let running = start(Config::default()).await;
    let (mut first, mut second) =
        (Http::connect(running.address).await, Http::connect(running.address).await);
    let session = first.open().await;
    first.send("GET", &session, "", b"").await;
    let connection = running.record.last();
    eventually("the held poll", || {
        connection.push(&Encoded::message("x"), Class::Volatile) == Pushed::Queued
    })
    .await;
    first.answer().await;
    first.send("GET", &session, "", b"").await;
    // Both polls are under way; whichever comes second is refused.
    second.send("GET", &session, "", b"").await;
    let mut answers = [first.answer().await, second.answer().await];
    answers.sort_by_key(|answer| answer.status);
    assert_eq!((answers[0].status, answers[0].body.as_str()), (200, "1"));
    assert_eq!((answers[1].status, answers[1].body.as_str()), (400, ""));
    assert_eq!(running.record.reasons(), [CloseReason::TransportError]);
}

#[tokio::test]
async fn a_second_post_ends_the_session() {
    let running = start(Config::default()).await;
    let (mut first, mut second) =
        (Http::connect(running.address).await, Http::connect(running.address).await);
    let session = first.open().await;
    let head = format!("POST {session} HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n4hal");
    first.socket.write_all(head.as_bytes()).await.unwrap();
    // The first body never completes; the second POST is refused as soon as both are known.
    let mut refused = None;
    for _ in 0..100 {
        let answer = second.post(&session, "4x").await;
        if answer.status == 400 {
            refused = Some(answer);
            break;
        }
    }
    assert_eq!(refused.expect("an overlap").body, "");
    eventually("the close", || running.record.reasons() == [CloseReason::TransportError]).await;
}

#[tokio::test]
async fn a_body_over_the_limit_gets_413_and_the_session_stays() {
    let mut config = Config::default();
    config.engine.max_payload = 1000;
    let running = start(config).await;
    let session = Http::connect(running.address).await.open().await;
    let large = format!("4{}", "x".repeat(5000));
    let answer = Http::connect(running.address).await.post(&session, &large).await;
    assert_eq!((answer.status, answer.body.as_str()), (413, ""));
    let mut chunked = Http::connect(running.address).await;
    let head =
        format!("POST {session} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunked.socket.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..3 {
        chunked
            .socket
            .write_all(format!("190\r\n{}\r\n", "y".repeat(400)).as_bytes())
            .await
            .unwrap();
    }
    assert_eq!(chunked.answer().await.status, 413);
    let mut http = Http::connect(running.address).await;
    assert_eq!(http.post(&session, "4small").await.body, "ok");
    assert_eq!(http.get(&session).await.body, "4small");
}

#[tokio::test]
async fn a_body_that_never_completes_ends_at_its_deadline() {
    let config = Config { body_deadline: Duration::from_millis(200), ..Config::default() };
    let running = start(config).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let head = format!("POST {session} HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n4ha");
    http.socket.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(http.answer().await.status, 408);
    eventually("the close", || running.record.reasons() == [CloseReason::TransportError]).await;
}

#[tokio::test]
async fn an_aborted_poll_ends_the_session() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    http.send("GET", &session, "", b"").await;
    let connection = running.record.last();
    eventually("the held poll", || {
        connection.push(&Encoded::message("x"), Class::Volatile) == Pushed::Queued
    })
    .await;
    http.answer().await;
    http.send("GET", &session, "", b"").await;
    tokio::time::sleep(Duration::from_millis(50)).await; // the request is under way or held: both must end
    drop(http);
    eventually("the close", || running.record.reasons() == [CloseReason::TransportError]).await;
}

#[tokio::test]
async fn an_invalid_packet_is_answered_ok_and_ends_the_session() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    assert_eq!(http.post(&session, "abc").await.body, "ok");
    assert_eq!(running.record.reasons(), [CloseReason::ParseError]);
    let gone = http.get(&session).await;
    assert_eq!(
        (gone.status, gone.body.as_str()),
        (400, "{\"code\":1,\"message\":\"Session ID unknown\"}")
    );
}

#[tokio::test]
async fn a_session_closed_between_two_polls_says_so_to_the_next_one() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let connection = running.record.last();
    assert_eq!(connection.push(&Encoded::message("last words"), Class::Normal), Pushed::Queued);
    connection.close(CloseReason::ForcedClose);
    eventually("the close", || running.record.reasons() == [CloseReason::ForcedClose]).await;
    assert_eq!(http.get(&session).await.body, "4last words\u{1e}6\u{1e}1");
    assert_eq!(http.get(&session).await.status, 400);
}

#[tokio::test]
async fn refusals_are_the_reference_s_to_the_letter() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    for (target, body) in [
        ("/engine.io/?EIO=4", "{\"code\":0,\"message\":\"Transport unknown\"}"),
        (
            "/engine.io/?EIO=4&transport=constructor",
            "{\"code\":0,\"message\":\"Transport unknown\"}",
        ),
        (
            "/engine.io/?EIO=4&transport=polling&sid=nobody",
            "{\"code\":1,\"message\":\"Session ID unknown\"}",
        ),
        ("/engine.io/?EIO=4&transport=websocket", "{\"code\":3,\"message\":\"Bad request\"}"),
        (
            "/engine.io/?EIO=3&transport=polling",
            "{\"code\":5,\"message\":\"Unsupported protocol version\"}",
        ),
    ] {
        let answer = http.get(target).await;
        assert_eq!((answer.status, answer.body.as_str()), (400, body), "{target}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let answer = http.post("/engine.io/?EIO=4&transport=polling", "4x").await;
    assert_eq!(answer.body, "{\"code\":2,\"message\":\"Bad handshake method\"}");
    let session = http.open().await;
    http.send("PUT", &session, "", b"4x").await;
    let answer = http.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (500, ""));
}

#[tokio::test]
async fn an_upgrade_keeps_the_order_and_the_old_pipe_is_refused_afterwards() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    http.send("GET", &session, "", b"").await;
    let target = session.replace("polling", "websocket");
    let mut ws = Ws::connect(running.address, &target).await;
    ws.text("2probe").await;
    assert_eq!(ws.next().await, Heard::Text("3probe".into()));
    assert_eq!(http.answer().await.body, "6", "the waiting poll is released at once");
    let connection = running.record.last();
    assert_eq!(connection.push(&Encoded::message("while paused"), Class::Normal), Pushed::Queued);
    ws.text("5").await;
    ws.text("4first").await;
    assert_eq!(ws.next_text().await, "4while paused");
    assert_eq!(ws.next_text().await, "4first");
    let refused = http.get(&session).await;
    assert_eq!(refused.body, "{\"code\":3,\"message\":\"Bad request\"}");
    let mut second = Ws::connect(running.address, &target).await;
    assert_eq!(second.next().await, Heard::Close(None), "one session, one pipe");
    ws.text("4still").await;
    assert_eq!(ws.next_text().await, "4still");
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_the_answer_to_its_probe_gets_it_all_the_same() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    http.post(&session, "4before").await;
    let mut ws = Ws::connect(running.address, &session.replace("polling", "websocket")).await;
    ws.both("2probe", "5").await;
    assert_eq!(ws.next().await, Heard::Text("3probe".into()));
    assert_eq!(ws.next_text().await, "4before");
    ws.text("4after").await;
    assert_eq!(ws.next_text().await, "4after");
}

#[tokio::test]
async fn an_upgrade_that_never_completes_leaves_the_session_on_polling() {
    let mut config = Config::default();
    config.engine.upgrade_timeout = Duration::from_millis(200);
    let running = start(config).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let mut ws = Ws::connect(running.address, &session.replace("polling", "websocket")).await;
    assert_eq!(ws.next().await, Heard::Close(None));
    assert_eq!(ws.next().await, Heard::End);
    assert_eq!(http.post(&session, "4hello").await.body, "ok");
    assert_eq!(http.get(&session).await.body, "4hello");
}

#[tokio::test]
async fn a_session_that_ends_in_an_upgrade_waits_for_its_client_to_move() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    http.send("GET", &session, "", b"").await;
    let mut ws = Ws::connect(running.address, &session.replace("polling", "websocket")).await;
    ws.text("2probe").await;
    assert_eq!(ws.next().await, Heard::Text("3probe".into()));
    assert_eq!(http.answer().await.body, "6");
    running.record.last().close(CloseReason::ForcedClose);
    eventually("the session ends at once", || !running.record.reasons().is_empty()).await;
    // The official client has paused polling by now: closed before it moves, it would be deaf.
    assert!(ws.is_silent().await);
    ws.text("5").await;
    assert_eq!(ws.next().await, Heard::Close(None));
    assert_eq!(ws.next().await, Heard::End);
}

#[tokio::test]
async fn a_client_that_never_moves_is_not_waited_for_for_long() {
    let config = Config { linger: Duration::from_millis(100), ..Config::default() };
    let running = start(config).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let mut ws = Ws::connect(running.address, &session.replace("polling", "websocket")).await;
    ws.text("2probe").await;
    assert_eq!(ws.next().await, Heard::Text("3probe".into()));
    running.record.last().close(CloseReason::ForcedClose);
    assert_eq!(ws.next().await, Heard::End);
}

#[tokio::test]
async fn a_post_of_many_packets_takes_several_turns() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let packets: Vec<_> = (0..5000).map(|n| format!("4{n}")).collect();
    let body = packets.join("\x1e");
    assert_eq!(http.post(&session, &body).await.body, "ok");
    assert_eq!(http.get(&session).await.body, body);
    let longest = running.record.longest_turn.load(Ordering::SeqCst);
    assert!((1..=512).contains(&longest), "others wait for {longest} packets");
}

#[tokio::test]
async fn a_post_that_is_taken_in_portions_is_whole_before_its_client_moves() {
    const PACKETS: usize = 20_000;
    let running = start(Config { outbox_bytes: 64 << 20, ..Config::default() }).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let mut ws = Ws::connect(running.address, &session.replace("polling", "websocket")).await;
    ws.text("2probe").await;
    assert_eq!(ws.next().await, Heard::Text("3probe".into()));
    let packets: Vec<_> = (0..PACKETS).map(|number| format!("4{number}")).collect();
    http.send("POST", &session, "", packets.join("\x1e").as_bytes()).await;
    eventually("the first portion is taken", || {
        running.record.longest_turn.load(Ordering::SeqCst) > 0
    })
    .await;
    ws.text("5").await;
    assert_eq!(http.answer().await.body, "ok");
    for number in 0..PACKETS {
        assert_eq!(ws.next_text().await, format!("4{number}"));
    }
}

#[tokio::test]
async fn a_request_head_that_is_too_large_is_refused() {
    let running = start(Config { head_bytes: 1000, ..Config::default() }).await;
    let mut http = Http::connect(running.address).await;
    let cookie = format!("Cookie: {}\r\n", "x".repeat(1000));
    http.send("GET", "/engine.io/?EIO=4&transport=polling", &cookie, b"").await;
    assert_eq!(http.answer().await.status, 431);
    let mut http = Http::connect(running.address).await;
    let cookie = format!("Cookie: {}\r\n", "x".repeat(100_000));
    http.send("GET", "/engine.io/?EIO=4&transport=polling", &cookie, b"").await;
    assert_eq!(http.answer().await.status, 431, "not even the listener keeps it");
}

#[tokio::test]
async fn a_foreign_page_is_refused_on_both_transports() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    let origin = "Origin: https://evil.example\r\n";
    http.send("GET", "/engine.io/?EIO=4&transport=polling", origin, b"").await;
    let answer = http.answer().await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (403, "{\"code\":4,\"message\":\"Forbidden\"}")
    );
    let upgrade = "Origin: null\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    http.send("GET", "/engine.io/?EIO=4&transport=websocket", upgrade, b"").await;
    assert_eq!(http.answer().await.status, 403);
}

#[tokio::test]
async fn a_listed_page_is_let_in_and_its_preflight_answered() {
    let config =
        Config { origins: Origins::default().allow("https://a.example"), ..Config::default() };
    let running = start(config).await;
    let mut http = Http::connect(running.address).await;
    let headers = "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n\
                   Access-Control-Request-Headers: x-thing\r\n";
    http.send("OPTIONS", "/engine.io/?EIO=4&transport=polling", headers, b"").await;
    let answer = http.answer().await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"));
    assert_eq!(
        answer.header("access-control-allow-methods"),
        Some("GET,HEAD,PUT,PATCH,POST,DELETE")
    );
    assert_eq!(answer.header("access-control-allow-headers"), Some("x-thing"));
}

#[tokio::test]
async fn closing_the_server_does_not_wait_for_a_client_that_polls_no_more() {
    let running = start(Config::default()).await;
    let mut http = Http::connect(running.address).await;
    http.open().await;
    let deadline = Duration::from_hours(1);
    running.server.close(CloseReason::ServerShuttingDown, deadline).await;
    assert_eq!(running.server.connections(), 0);
    assert_eq!(running.record.reasons(), [CloseReason::ServerShuttingDown]);
}

#[tokio::test]
async fn a_request_head_that_never_ends_is_given_up() {
    let options = sockeye_transport::listener::Options {
        header_deadline: Duration::from_millis(100),
        ..Default::default()
    };
    let running = support::start_with(Config::default(), options).await;
    let mut http = Http::connect(running.address).await;
    http.socket.write_all(b"GET /engine.io/?EIO=4 HTTP/1.1\r\nHost: te").await.unwrap();
    let mut rest = Vec::new();
    http.socket.read_to_end(&mut rest).await.unwrap();
    let answer = String::from_utf8_lossy(&rest);
    assert!(rest.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
}
