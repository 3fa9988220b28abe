//! permessage-deflate, from outside.

mod support;

use std::time::Duration;

use engine_proto::CloseReason;
use sockeye_transport::{Class, Config, Encoded, PerMessageDeflate};
use support::{Heard, Http, Running, Ws, eventually, start};
use websocket_proto::Opcode;

const OFFER: &str = "permessage-deflate; client_max_window_bits";
const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

fn config(options: PerMessageDeflate) -> Config {
    Config { per_message_deflate: Some(options), ..Config::default() }
}

async fn deflating() -> Running {
    start(config(PerMessageDeflate::default())).await
}

/// A session on a WebSocket that offers this; returns what was agreed on.
async fn open(running: &Running, offer: &str) -> (Ws, Option<String>) {
    let (mut ws, agreed) = Ws::offering(running.address, WEBSOCKET, offer).await;
    let Heard::Text(open) = ws.next().await else { panic!("no open packet") };
    assert!(open.starts_with("0{\"sid\":"), "{open}");
    (ws, agreed)
}

fn long(letter: &str) -> String {
    format!("4{}", letter.repeat(5000))
}

/// The bytes in which the answer to a long message comes.
async fn echoed(ws: &mut Ws) -> usize {
    let before = ws.read;
    ws.text(&long("a")).await;
    assert_eq!(ws.next_text().await, long("a"));
    ws.read - before
}

#[tokio::test]
async fn messages_are_compressed_both_ways_where_it_was_negotiated() {
    let running = deflating().await;
    let (mut ws, agreed) = open(&running, OFFER).await;
    assert_eq!(agreed.as_deref(), Some("permessage-deflate; server_no_context_takeover"));
    for letter in ["a", "é", "a"] {
        let before = ws.read;
        ws.compressed(Opcode::Text, long(letter).as_bytes()).await;
        assert_eq!(ws.next_text().await, long(letter));
        assert!(ws.read - before < 200, "{}", ws.read - before);
    }
    ws.compressed(Opcode::Binary, &[7; 5000]).await;
    assert_eq!(ws.next().await, Heard::Binary(vec![7; 5000]));
    ws.text("4short").await;
    assert_eq!(ws.next_text().await, "4short");
    assert!(echoed(&mut ws).await < 200);
}

#[tokio::test]
async fn whoever_does_not_ask_or_asks_a_server_that_does_not_compress_gets_frames_as_ever() {
    let (on, off) = (deflating().await, start(Config::default()).await);
    for (running, offer) in [(&on, ""), (&off, OFFER), (&on, "x-webkit-deflate-frame")] {
        let (mut ws, agreed) = open(running, offer).await;
        assert_eq!(agreed, None);
        assert!(echoed(&mut ws).await > 5000);
    }
}

#[tokio::test]
async fn an_offer_that_cannot_be_taken_or_is_nonsense_is_served_without_compression() {
    let running = deflating().await;
    for offer in [
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; client_max_window_bits=99",
        "permessage-deflate; fast",
        ",;=\"",
    ] {
        let (mut ws, agreed) = open(&running, offer).await;
        assert_eq!(agreed, None, "{offer}");
        assert!(echoed(&mut ws).await > 5000);
    }
    let two = "permessage-deflate; server_max_window_bits=10\r\nSec-WebSocket-Extensions: permessage-deflate";
    assert!(open(&running, two).await.1.is_some(), "two lines of a header are one list");
}

#[tokio::test]
async fn what_is_short_or_does_not_become_smaller_is_sent_as_it_is() {
    let running = start(config(PerMessageDeflate::default().threshold(100).level(9))).await;
    let (mut ws, _) = open(&running, OFFER).await;
    for (length, smaller) in [(98, false), (99, true), (5000, true)] {
        let (text, before) = (format!("4{}", "a".repeat(length)), ws.read);
        ws.text(&text).await;
        assert_eq!(ws.next_text().await, text);
        assert_eq!(ws.read - before < length, smaller, "{length}");
    }
    let noise: Vec<u8> = (0..150_u64).map(|n| (n * n * 0x9e37_79b9).to_le_bytes()[2]).collect();
    let before = ws.read;
    ws.frame(Opcode::Binary, &noise).await;
    assert_eq!(ws.next().await, Heard::Binary(noise));
    assert_eq!(ws.read - before, 4 + 150);
}

#[tokio::test]
async fn one_packet_serves_clients_with_and_without_compression() {
    let running = deflating().await;
    let (mut smaller, _) = open(&running, OFFER).await;
    let (mut plain, _) = open(&running, "").await;
    let text = "news ".repeat(1000);
    let packets = [Encoded::message(&text), Encoded::message(&text).uncompressed()];
    for connection in &*running.record.connections.lock() {
        for packet in &packets {
            let _ = connection.push(packet, Class::Normal);
        }
    }
    for ws in [&mut smaller, &mut plain] {
        for _ in 0..2 {
            assert_eq!(ws.next_text().await, format!("4{text}"));
        }
    }
    assert!((5000..6000).contains(&smaller.read), "only one of two: {}", smaller.read);
    assert!(plain.read > 10_000);
}

#[tokio::test]
async fn past_the_bound_clients_may_not_refer_to_earlier_messages_until_one_has_left() {
    let running = start(config(PerMessageDeflate::default().context_bytes(100_000))).await;
    let mut clients = Vec::new();
    for alone in [false, false, true, true] {
        let (ws, agreed) = open(&running, OFFER).await;
        assert_eq!(agreed.unwrap().contains("client_no_context_takeover"), alone);
        clients.push(ws);
    }
    for ws in &mut clients {
        assert!(echoed(ws).await < 200);
    }
    drop(clients);
    eventually("they are gone", || running.record.reasons().len() == 4).await;
    let (_ws, agreed) = open(&running, OFFER).await;
    assert!(!agreed.unwrap().contains("client_no_context_takeover"));
}

#[tokio::test]
async fn a_client_that_may_not_take_its_context_over_is_told_so() {
    let options = PerMessageDeflate::default().client_context_takeover(false);
    let running = start(config(options)).await;
    let (mut ws, agreed) = open(&running, OFFER).await;
    let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    assert_eq!(agreed.as_deref(), Some(expected));
    for _ in 0..3 {
        ws.compressed(Opcode::Text, long("a").as_bytes()).await;
        assert_eq!(ws.next_text().await, long("a"));
    }
    // One that says so itself takes no place.
    let running = start(config(PerMessageDeflate::default().context_bytes(50_000))).await;
    let (_one, agreed) = open(&running, "permessage-deflate; client_no_context_takeover").await;
    assert_eq!(agreed.as_deref(), Some(expected));
    let (_other, agreed) = open(&running, OFFER).await;
    assert_eq!(agreed.as_deref(), Some("permessage-deflate; server_no_context_takeover"));
}

#[tokio::test]
async fn a_bomb_closes_its_connection_with_1009_and_nobody_else_s() {
    let running = deflating().await;
    let (mut good, _) = open(&running, OFFER).await;
    let (mut evil, _) = open(&running, OFFER).await;
    evil.compressed(Opcode::Binary, &vec![0; 30_000_000]).await;
    assert_eq!(evil.next().await, Heard::Close(Some(1009)));
    eventually("it is gone", || running.record.reasons() == [CloseReason::TransportError]).await;
    assert!(echoed(&mut good).await < 200);
}

#[tokio::test]
async fn a_client_whose_few_bytes_become_many_gets_no_longer_turns_than_others() {
    let running = deflating().await;
    let (mut evil, _) = open(&running, OFFER).await;
    let message = vec![b'x'; 100_000];
    let mut wire = Vec::new();
    for _ in 0..500 {
        evil.push_compressed(&mut wire, &message);
    }
    assert!((40_000..100_000).contains(&wire.len()), "{}", wire.len());
    evil.raw(&wire).await;
    for _ in 0..500 {
        assert_eq!(evil.next().await, Heard::Binary(message.clone()));
    }
    let longest = running.record.longest_turn.load(std::sync::atomic::Ordering::SeqCst);
    assert!(longest < 250, "{longest} messages in one turn");
}

#[tokio::test]
async fn what_is_compressed_without_agreement_or_is_none_closes_the_connection() {
    let running = deflating().await;
    let (mut ws, _) = open(&running, "").await;
    ws.raw(&[0xc1, 0x81, 1, 2, 3, 4, 1]).await;
    assert_eq!(ws.next().await, Heard::Close(Some(1002)));
    let (mut ws, _) = open(&running, OFFER).await;
    ws.raw(&[0xc1, 0x81, 0, 0, 0, 0, 0xff]).await;
    assert_eq!(ws.next().await, Heard::Close(Some(1007)));
    let (mut ws, _) = open(&running, OFFER).await;
    ws.raw(&[0xc9, 0x80, 0, 0, 0, 0]).await;
    assert_eq!(ws.next().await, Heard::Close(Some(1002)));
}

#[tokio::test]
async fn what_waits_during_an_upgrade_leaves_compressed() {
    let running = deflating().await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let target = session.replace("polling", "websocket");
    let (mut ws, agreed) = Ws::offering(running.address, &target, OFFER).await;
    assert!(agreed.is_some());
    ws.text("2probe").await;
    assert_eq!(ws.next().await, Heard::Text("3probe".to_owned()));
    let _ = running.record.last().push(&Encoded::message(&long("b")[1..]), Class::Normal);
    ws.text("5").await;
    assert_eq!(ws.next_text().await, long("b"));
    assert!(ws.read < 300, "{}", ws.read);
}

#[tokio::test]
async fn an_answer_to_a_poll_is_compressed_if_one_of_its_packets_may_be() {
    let running = start(Config::default()).await;
    let text = "x".repeat(5000);
    let (plain, any) = (Encoded::message(&text).uncompressed(), Encoded::message(&text));
    for (packets, coding) in [
        (vec![&plain, &plain], None),
        (vec![&any], Some("gzip")),
        (vec![&plain, &any, &plain], Some("gzip")),
    ] {
        let mut http = Http::connect(running.address).await;
        let session = http.open().await;
        for packet in packets {
            let _ = running.record.last().push(packet, Class::Normal);
        }
        http.send("GET", &session, "Accept-Encoding: gzip\r\n", b"").await;
        assert_eq!(http.answer().await.header("content-encoding"), coding);
    }
}

#[tokio::test]
async fn the_place_of_a_client_that_may_refer_to_earlier_messages_is_free_however_it_goes() {
    let options = PerMessageDeflate::default().context_bytes(50_000); // one place
    let running = start(config(options)).await;
    let free = "permessage-deflate; server_no_context_takeover";
    let is_free = async |what: &str| {
        for _ in 0..100 {
            let (ws, agreed) = open(&running, OFFER).await;
            drop(ws);
            if agreed.as_deref() == Some(free) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the place is not free: {what}");
    };
    let upgrading = async || {
        eventually("the others are gone", || running.server.stats().connections() == 0).await;
        let mut http = Http::connect(running.address).await;
        let session = http.open().await;
        let target = session.replace("polling", "websocket");
        let (ws, agreed) = Ws::offering(running.address, &target, OFFER).await;
        assert_eq!(agreed.as_deref(), Some(free), "the one place is its");
        (http, session, ws)
    };
    is_free("at first").await;
    let (mut http, session, candidate) = upgrading().await;
    drop(candidate);
    is_free("its client has dropped the candidate").await;
    http.post(&session, "1").await;

    let (mut http, session, mut candidate) = upgrading().await;
    candidate.text("4no probe").await;
    while !matches!(candidate.next().await, Heard::End) {}
    is_free("the candidate broke a rule").await;
    http.post(&session, "1").await;

    let (mut http, session, mut candidate) = upgrading().await;
    let second = session.replace("polling", "websocket");
    let (mut second, agreed) = Ws::offering(running.address, &second, OFFER).await;
    assert_ne!(agreed.as_deref(), Some(free));
    while !matches!(second.next().await, Heard::End) {}
    http.post(&session, "1").await;
    while !matches!(candidate.next().await, Heard::End) {}
    is_free("the session has ended under its candidate").await;

    let (_http, _, mut moved) = upgrading().await;
    moved.text("2probe").await;
    assert_eq!(moved.next().await, Heard::Text("3probe".to_owned()));
    moved.text("5").await;
    moved.compressed(Opcode::Text, long("a").as_bytes()).await;
    assert_eq!(moved.next_text().await, long("a"));
    moved.raw(&[0x70, 0x80, 0, 0, 0, 0]).await;
    while !matches!(moved.next().await, Heard::End) {}
    is_free("the session broke a rule after it had moved").await;

    // Whoever hangs up before the 101 is there, again and again.
    for _ in 0..20 {
        let mut http = Http::connect(running.address).await;
        let headers = format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: {OFFER}\r\n"
        );
        http.send("GET", WEBSOCKET, &headers, b"").await;
        drop(http);
    }
    is_free("its client has not waited for the 101").await;
}
