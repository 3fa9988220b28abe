//! What a server counts, seen by whoever reads its statistics.

mod support;

use engine_proto::CloseReason;
use sockeye_transport::{Class, Config, Encoded, Refused, Server, Stats};
use support::{Echo, Http, Running, Ws, eventually, start};

fn closed(stats: &Stats, reason: CloseReason) -> u64 {
    stats.closed().find(|(found, _)| *found == reason).map_or(0, |(_, times)| times)
}

fn refused(server: &Server<Echo>, why: Refused) -> u64 {
    server.stats().refused().find(|(found, _)| *found == why).map_or(0, |(_, times)| times)
}

#[tokio::test]
async fn a_session_is_counted_from_its_opening_over_its_upgrade_to_its_end() {
    let Running { address, server, .. } = start(Config::default()).await;
    let mut http = Http::connect(address).await;
    let session = http.open().await;
    let stats = server.stats();
    assert_eq!((stats.polling, stats.websocket, stats.opened_polling), (1, 0, 1));

    let mut ws = Ws::connect(address, &session.replace("polling", "websocket")).await;
    ws.text("2probe").await;
    assert_eq!(ws.next_text().await, "3probe");
    ws.both("5", "4hello").await;
    assert_eq!(ws.next_text().await, "4hello");
    let stats = server.stats();
    assert_eq!((stats.polling, stats.websocket, stats.upgrades), (0, 1, 1));
    assert_eq!((stats.opened_polling, stats.opened_websocket), (1, 0));

    ws.text("1").await;
    eventually("the session ends", || server.stats().connections() == 0).await;
    assert_eq!(closed(&server.stats(), CloseReason::TransportClose), 1);
    assert_eq!(server.stats().closed().map(|(_, times)| times).sum::<u64>(), 1);
}

#[tokio::test]
async fn packets_and_bytes_are_counted_both_ways_on_both_transports() {
    let Running { address, server, .. } = start(Config::default()).await;
    let mut ws = Ws::open(address).await;
    eventually("its open packet is counted", || server.stats().packets_out == 1).await;
    let before = server.stats();
    ws.text("4hello").await;
    assert_eq!(ws.next_text().await, "4hello");
    let stats = server.stats();
    // Of the client: a head of two bytes, the mask, the packet.
    assert_eq!((stats.packets_in - before.packets_in, stats.bytes_in - before.bytes_in), (1, 12));
    eventually("what was sent is counted", || server.stats().packets_out > before.packets_out)
        .await;
    assert_eq!(server.stats().bytes_out - before.bytes_out, 8);

    let mut http = Http::connect(address).await;
    let session = http.open().await;
    let before = server.stats();
    assert_eq!(http.post(&session, "4one\u{1e}4two").await.body, "ok");
    assert_eq!(http.get(&session).await.body, "4one\u{1e}4two");
    let stats = server.stats();
    assert_eq!((stats.packets_in - before.packets_in, stats.bytes_in - before.bytes_in), (2, 9));
    assert_eq!(
        (stats.packets_out - before.packets_out, stats.bytes_out - before.bytes_out),
        (2, 9)
    );
}

#[tokio::test]
async fn what_waits_for_clients_is_seen_and_what_they_do_not_get_is_counted() {
    let Running { address, server, record } = start(Config::default()).await;
    let mut http = Http::connect(address).await;
    let session = http.open().await;
    let connection = record.last();
    let _ = connection.push(&Encoded::message(&"x".repeat(10_000)), Class::Normal);
    let _ = connection.push(&Encoded::message("volatile"), Class::Volatile);
    let stats = server.stats();
    assert!(stats.queued_bytes > 10_000, "{stats:?}");
    assert_eq!(stats.queued_bytes, connection.queued_bytes() as u64);
    assert_eq!(stats.dropped, 1);
    http.get(&session).await;
    assert_eq!(server.stats().queued_bytes, 0);
}

#[tokio::test]
async fn requests_that_are_refused_are_counted_by_what_was_wrong() {
    let config = Config { sessions: 1, ..Config::default() };
    let Running { address, server, .. } = start(config).await;
    let mut http = Http::connect(address).await;
    http.open().await;
    for (target, status, why) in [
        ("/engine.io/?EIO=3&transport=polling", 400, Refused::UnsupportedVersion),
        ("/engine.io/?EIO=4&transport=pigeon", 400, Refused::TransportUnknown),
        ("/engine.io/?EIO=4&transport=polling&sid=unknown", 400, Refused::UnknownSession),
        ("/engine.io/?EIO=4&transport=polling", 503, Refused::Full),
    ] {
        assert_eq!(http.get(target).await.status, status, "{target}");
        assert_eq!(refused(&server, why), 1, "{why:?}");
    }
    server.refuse();
    assert_eq!(http.get("/engine.io/?EIO=4&transport=polling").await.status, 503);
    assert_eq!(refused(&server, Refused::Leaving), 1);
}

#[tokio::test]
async fn a_session_that_does_not_answer_pings_ends_as_a_ping_timeout() {
    let Running { address, server, .. } = start(support::quick()).await;
    let _ws = Ws::open(address).await;
    eventually("it ends", || closed(&server.stats(), CloseReason::PingTimeout) == 1).await;
    assert_eq!(server.stats().connections(), 0);
}
