//! What clients notice of limits on addresses and bytes, and that others notice nothing.

mod support;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use engine_proto::CloseReason;
use sockeye_transport::{Config, Limits, Proxies, Rate, Refused, Server};
use support::{Answer, Echo, Heard, Http, Running, Ws, eventually, quick, start};
use tokio::io::AsyncWriteExt;
use websocket_proto::{Opcode, push_frame};

const OPEN: &str = "/engine.io/?EIO=4&transport=polling";

async fn started(limits: Limits) -> Running {
    start(Config { limits, proxies: Proxies::from(1), ..Config::default() }).await
}

/// A handshake by a client of this address, told by a proxy.
async fn open_from(running: &Running, address: &str) -> Answer {
    let mut http = Http::connect(running.address).await;
    http.send("GET", OPEN, &format!("X-Forwarded-For: {address}\r\n"), b"").await;
    http.answer().await
}

fn refused(server: &Server<Echo>, why: Refused) -> u64 {
    server.stats().refused().find(|(found, _)| *found == why).map_or(0, |(_, times)| times)
}

#[tokio::test]
async fn an_address_with_too_many_connections_is_told_429_and_others_are_let_in() {
    let limits = Limits { connections_per_address: Some(2), ..Limits::default() };
    let running = started(limits).await;
    for _ in 0..2 {
        assert_eq!(open_from(&running, "192.0.2.1").await.status, 200);
    }
    let answer = open_from(&running, "192.0.2.1").await;
    assert_eq!((answer.status, &*answer.body), (429, "too many connections"));
    assert_eq!(open_from(&running, "192.0.2.2").await.status, 200);
    assert_eq!(refused(&running.server, Refused::TooManyConnections), 1);
    assert_eq!(running.server.stats().connections(), 3);
}

#[tokio::test]
async fn the_whole_64_of_an_ipv6_client_is_one_address() {
    let limits = Limits { connections_per_address: Some(1), ..Limits::default() };
    let running = started(limits).await;
    assert_eq!(open_from(&running, "2001:db8:1:2::1").await.status, 200);
    assert_eq!(open_from(&running, "2001:db8:1:2:ffff::9").await.status, 429);
    assert_eq!(open_from(&running, "2001:db8:1:3::1").await.status, 200);
}

#[tokio::test]
async fn who_hangs_up_makes_room_and_nothing_is_remembered_of_it() {
    let limits = Limits { connections_per_address: Some(1), ..Limits::default() };
    let running = started(limits).await;
    for _ in 0..3 {
        let ws = Ws::open(running.address).await;
        assert_eq!(running.server.stats().addresses, 1);
        drop(ws);
        eventually("its place is free", || running.server.stats().addresses == 0).await;
    }
}

#[tokio::test]
async fn an_address_that_opens_sessions_too_often_is_told_when_to_come_again() {
    let rate = Rate::per_second(1).burst(3);
    let limits = Limits { handshakes_per_address: Some(rate), ..Limits::default() };
    let running = started(limits).await;
    for _ in 0..3 {
        assert_eq!(open_from(&running, "192.0.2.1").await.status, 200, "a burst passes");
    }
    let answer = open_from(&running, "192.0.2.1").await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    assert_eq!(open_from(&running, "192.0.2.2").await.status, 200);
    assert_eq!(refused(&running.server, Refused::TooManyHandshakes), 1);
}

#[tokio::test]
async fn when_too_many_come_at_once_the_rest_is_told_to_come_later_with_503() {
    let limits = Limits { handshakes: Some(Rate::per_second(1).burst(5)), ..Limits::default() };
    let running = started(limits).await;
    let mut statuses = Vec::new();
    for client in 0..7 {
        let answer = open_from(&running, &format!("192.0.2.{client}")).await;
        assert_eq!(answer.header("retry-after").is_some(), answer.status == 503);
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 503, 503]);
    assert_eq!(refused(&running.server, Refused::Overloaded), 2);
    assert_eq!(running.server.stats().addresses, 0, "nobody's address is remembered for it");
}

#[tokio::test]
async fn requests_of_a_session_that_is_open_are_no_handshakes() {
    let limits = Limits { handshakes: Some(Rate::per_second(1).burst(1)), ..Limits::default() };
    let running = started(limits).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    for _ in 0..20 {
        assert_eq!(http.post(&session, "4hello").await.status, 200);
        assert_eq!(http.get(&session).await.body, "4hello");
    }
}

#[tokio::test]
async fn a_client_within_its_rate_of_bytes_is_never_held_up() {
    let limits = Limits { bytes: Some(Rate::per_second(10).burst(100_000)), ..Limits::default() };
    let running = started(limits).await;
    let mut ws = Ws::open(running.address).await;
    for _ in 0..9 {
        let text = format!("4{}", "x".repeat(10_000));
        ws.text(&text).await;
        assert_eq!(ws.next_text().await, text);
    }
    assert_eq!(running.server.stats().slowed, 0);
}

#[tokio::test]
async fn a_client_that_sends_too_fast_is_read_more_slowly_and_loses_neither_bytes_nor_its_session()
{
    // Several times what the ping timeout allows for: the pong lies behind what waits.
    let bytes = Some(Rate::per_second(40_000).burst(8_000));
    let limits = Limits { bytes, ..Limits::default() };
    let Running { address, server, record } = start(Config { limits, ..quick() }).await;
    let mut ws = Ws::open(address).await;
    let begun = tokio::time::Instant::now();
    let text = format!("4{}", "x".repeat(1_000));
    for _ in 0..60 {
        ws.text(&text).await;
    }
    for _ in 0..60 {
        assert_eq!(ws.next_text().await, text);
    }
    // 60 000 bytes, of which 8000 are a burst: 1.3 s at least.
    assert!(begun.elapsed() >= Duration::from_millis(1_300), "{:?}", begun.elapsed());
    assert!(server.stats().slowed > 0);
    assert_eq!(record.reasons(), []);
}

#[tokio::test]
async fn a_polling_client_that_posts_too_fast_waits_for_its_answers() {
    let bytes = Some(Rate::per_second(10_000).burst(1_000));
    let running = started(Limits { bytes, ..Limits::default() }).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let text = format!("4{}", "x".repeat(2_000));
    assert_eq!(http.post(&session, &text).await.body, "ok");
    let begun = tokio::time::Instant::now();
    assert_eq!(http.post(&session, &text).await.body, "ok");
    assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
    assert_eq!(http.get(&session).await.body, format!("{text}\u{1e}{text}"));
    assert!(running.server.stats().slowed > 0);
}

#[tokio::test]
async fn a_client_that_vanishes_while_it_has_to_wait_is_noticed_by_its_ping_timeout() {
    let bytes = Some(Rate::per_second(2_000).burst(100));
    let limits = Limits { bytes, ..Limits::default() };
    let Running { address, record, .. } = start(Config { limits, ..quick() }).await;
    let mut ws = Ws::open(address).await;
    ws.text(&format!("4{}", "x".repeat(500))).await;
    // It says nothing more, and answers no ping.
    eventually("it is given up", || record.reasons() == [CloseReason::PingTimeout]).await;
}

#[tokio::test]
async fn a_client_that_has_to_wait_for_long_is_pinged_all_the_same_and_does_not_miss_the_server() {
    let bytes = Some(Rate::per_second(4_000).burst(2_000));
    let limits = Limits { bytes, ..Limits::default() };
    let Running { address, record, .. } = start(Config { limits, ..quick() }).await;
    let mut ws = Ws::open(address).await;
    let text = format!("4{}", "x".repeat(9_000));
    ws.text(&text).await;
    // 9000 bytes, of which 2000 are a burst: 1.7 s, in which a client of today would give the server up.
    let mut pings = 0;
    loop {
        match ws.next().await {
            Heard::Text(heard) if heard == "2" => {
                pings += 1;
                ws.text("3").await;
            }
            heard => {
                assert_eq!(heard, Heard::Text(text));
                break;
            }
        }
    }
    assert!(pings > 0, "not pinged");
    assert_eq!(record.reasons(), []);
}

#[tokio::test]
async fn what_a_client_sends_together_with_its_handshake_counts_as_well() {
    let bytes = Some(Rate::per_second(4_000).burst(1_000));
    let running = started(Limits { bytes, ..Limits::default() }).await;
    let mut http = Http::connect(running.address).await;
    let mut frames = Vec::new();
    let text = format!("4{}", "x".repeat(1_500));
    for _ in 0..2 {
        push_frame(&mut frames, Opcode::Text, true, Some([1, 2, 3, 4]), text.as_bytes());
    }
    let head = "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: test\r\n\
                Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    http.socket.write_all(&[head.as_bytes(), &frames].concat()).await.unwrap();
    assert_eq!(http.answer().await.status, 101);
    eventually("both have come", || running.server.stats().packets_in == 2).await;
    assert!(running.server.stats().slowed > 0);
    assert_eq!(running.record.reasons(), []);
}

#[tokio::test]
async fn a_session_counts_where_it_was_opened_whatever_address_its_later_requests_name() {
    let limits = Limits { connections_per_address: Some(1), ..Limits::default() };
    let running = started(limits).await;
    let open = open_from(&running, "192.0.2.1").await;
    let target = format!("{OPEN}&sid={}", open.body.split('"').nth(3).unwrap());
    let mut http = Http::connect(running.address).await;
    for address in ["192.0.2.2", "192.0.2.3", "nonsense"] {
        http.send("POST", &target, &format!("X-Forwarded-For: {address}\r\n"), b"4a").await;
        assert_eq!(http.answer().await.status, 200);
    }
    assert_eq!(running.server.stats().addresses, 1);
    assert_eq!(open_from(&running, "192.0.2.2").await.status, 200);
    assert_eq!(open_from(&running, "192.0.2.1").await.status, 429);
    http.send("POST", &target, "X-Forwarded-For: 192.0.2.2\r\n", b"1").await;
    http.answer().await;
    eventually("its place is free", || running.server.stats().addresses == 1).await;
    assert_eq!(open_from(&running, "192.0.2.2").await.status, 429, "its own is not");
    assert_eq!(open_from(&running, "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn a_client_that_has_to_wait_delays_neither_its_own_end_nor_that_of_the_server() {
    let bytes = Some(Rate::per_second(1).burst(1_000));
    let running = started(Limits { bytes, ..Limits::default() }).await;
    let mut ws = Ws::open(running.address).await;
    ws.text(&format!("4{}", "x".repeat(5_000))).await;
    eventually("it has to wait", || running.server.stats().slowed == 1).await;
    running.record.last().close(CloseReason::ForcedClose);
    assert!(matches!(ws.next().await, Heard::Close(_)));
    ws.frame(Opcode::Close, &[]).await;
    assert_eq!(ws.next().await, Heard::End);
    eventually("nothing of it is left", || running.record.dropped.load(Relaxed) == 1).await;

    let mut other = Ws::open(running.address).await;
    other.text(&format!("4{}", "x".repeat(5_000))).await;
    eventually("it has to wait", || running.server.stats().slowed == 2).await;
    let patience = Duration::from_mins(1);
    let closed = running.server.close(CloseReason::ServerShuttingDown, patience);
    tokio::time::timeout(Duration::from_secs(20), closed).await.expect("closed");
    assert_eq!(running.record.dropped.load(Relaxed), 2);
}
