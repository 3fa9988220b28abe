//! What the public suite of Engine.IO 4 asks of a server, against the contract server's profile `protocol`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sockeye_tests::client::{ENGINE_IO, Polling};
use sockeye_tests::contract::Contract;
use sockeye_tests::http::ask;
use sockeye_tests::websocket::{Frame, WebSocket};

fn protocol() -> Contract {
    Contract::start("protocol")
}

/// A WebSocket session, and its open packet.
fn open_websocket(port: u16) -> (WebSocket, Value) {
    let path = format!("{ENGINE_IO}?EIO=4&transport=websocket");
    let mut websocket = WebSocket::open(port, &path).expect("a WebSocket");
    let Frame::Text(open) = websocket.next() else { panic!("no open packet") };
    let open = open.strip_prefix('0').expect("an open packet");
    (websocket, serde_json::from_str(open).expect("JSON"))
}

/// A polling session, and a WebSocket that has been answered on its way to it.
fn probing(port: u16) -> (Polling, WebSocket) {
    let session = Polling::open(port, ENGINE_IO);
    let mut websocket = WebSocket::open(port, &session.upgrade_url()).expect("a WebSocket");
    websocket.text("2probe");
    assert_eq!(websocket.next(), text("3probe"));
    (session, websocket)
}

/// The next frame that is no ping of Engine.IO; pings are answered.
fn next(websocket: &mut WebSocket) -> Frame {
    loop {
        match websocket.next() {
            Frame::Text(text) if text == "2" => websocket.text("3"),
            other => return other,
        }
    }
}

fn text(text: &str) -> Frame {
    Frame::Text(text.to_owned())
}

#[track_caller]
fn assert_open(open: &Value, upgrades: &Value) {
    let keys: BTreeSet<_> =
        open.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        BTreeSet::from(["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"])
    );
    assert!(open["sid"].as_str().is_some_and(|sid| !sid.is_empty()));
    assert_eq!(&open["upgrades"], upgrades);
    assert_eq!(open["pingInterval"], 300);
    assert_eq!(open["pingTimeout"], 200);
    assert_eq!(open["maxPayload"], 1_000_000);
}

#[test]
fn a_polling_session_opens_with_exactly_these_keys() {
    let server = protocol();
    assert_open(&Polling::open(server.port(), ENGINE_IO).open, &json!(["websocket"]));
}

#[test]
fn a_websocket_session_opens_with_exactly_these_keys() {
    let server = protocol();
    assert_open(&open_websocket(server.port()).1, &json!([]));
}

#[test]
fn a_handshake_with_anything_wrong_is_refused_by_polling() {
    let server = protocol();
    for (method, query) in [
        ("GET", "transport=polling"),
        ("GET", "EIO=abc&transport=polling"),
        ("GET", "EIO=4"),
        ("GET", "EIO=4&transport=abc"),
        ("POST", "EIO=4&transport=polling"),
        ("PUT", "EIO=4&transport=polling"),
    ] {
        let answer = ask(server.port(), method, &format!("{ENGINE_IO}?{query}"));
        assert_eq!(answer.status, 400, "{method} {query}");
    }
}

#[test]
fn a_handshake_with_anything_wrong_is_refused_by_websocket() {
    let server = protocol();
    for query in
        ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"]
    {
        let refused = WebSocket::open(server.port(), &format!("{ENGINE_IO}?{query}")).err();
        assert_eq!(refused.expect(query).status, 400, "{query}");
    }
}

#[test]
fn a_message_comes_back_by_polling() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    session.post("4hello é🐟");
    assert_eq!(session.packets(1), ["4hello é🐟"]);
}

#[test]
fn a_batch_comes_back_in_order() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    session.post("4test1\x1e4test2\x1e4test3");
    assert_eq!(session.packets(3), ["4test1", "4test2", "4test3"]);
}

#[test]
fn what_was_sent_between_two_polls_comes_in_one_payload() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    session.post("4one");
    session.post("4two");
    session.post("bAQIDBA==");
    let polled = session.poll();
    let messages: Vec<_> = polled.iter().filter(|packet| *packet != "2").collect();
    assert_eq!(messages, ["4one", "4two", "bAQIDBA=="]);
}

#[test]
fn text_and_binary_mix_in_a_batch() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    session.post("4test\x1ebAQIDBA==\x1e4\x1eb");
    assert_eq!(session.packets(4), ["4test", "bAQIDBA==", "4", "b"]);
}

#[test]
fn messages_come_back_by_websocket() {
    let server = protocol();
    let (mut websocket, _) = open_websocket(server.port());
    for message in ["4hello", "4é🐟", "4", "4\x1e"] {
        websocket.text(message);
        assert_eq!(next(&mut websocket), text(message));
    }
    for message in [vec![1, 2, 3, 4], vec![], vec![4; 100_000]] {
        websocket.binary(&message);
        assert_eq!(next(&mut websocket), Frame::Binary(message));
    }
}

#[test]
fn an_invalid_packet_closes_the_session() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    session.post("abc");
    assert!(session.is_forgotten());

    let (mut websocket, _) = open_websocket(server.port());
    websocket.text("abc");
    websocket.closed();
}

#[test]
fn a_second_poll_closes_the_session() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    let (mut one, mut other) = (session.get(), session.get());
    let mut statuses = [one.response().status, other.response().status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    assert!(session.is_forgotten());
}

#[test]
fn a_cancelled_poll_closes_the_session() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    session.get().hang_up();
    assert!(session.is_forgotten());
}

#[test]
fn pongs_keep_a_polling_session_open() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    for _ in 0..3 {
        assert_eq!(session.poll(), ["2"]);
        session.post("3");
    }
    session.post("4still here");
    assert_eq!(session.packets(1), ["4still here"]);
}

#[test]
fn pongs_keep_a_websocket_session_open() {
    let server = protocol();
    let (mut websocket, _) = open_websocket(server.port());
    for _ in 0..3 {
        assert_eq!(websocket.next(), text("2"));
        websocket.text("3");
    }
    websocket.text("4still here");
    assert_eq!(next(&mut websocket), text("4still here"));
}

#[test]
fn a_missing_pong_closes_the_session() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    assert_eq!(session.poll(), ["2"]);
    // What the next poll is told when the pong is overdue is no packet that goes on.
    let answer = session.try_poll();
    assert!(answer.status == 400 || answer.body == "1" || answer.body == "6", "{answer:?}");
    assert!(session.is_forgotten());

    let (mut websocket, _) = open_websocket(server.port());
    assert_eq!(websocket.next(), text("2"));
    websocket.closed();
}

#[test]
fn a_close_packet_closes_the_session() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    let mut poll = session.get();
    session.post("1");
    let answer = poll.response();
    assert!(answer.body == "6" || answer.status == 400, "{answer:?}");
    assert!(session.is_forgotten());

    let (mut websocket, _) = open_websocket(server.port());
    websocket.text("1");
    websocket.closed();
}

#[test]
fn a_session_moves_from_polling_to_websocket() {
    let server = protocol();
    let (_session, mut websocket) = probing(server.port());
    websocket.text("5");
    websocket.text("4hello");
    assert_eq!(next(&mut websocket), text("4hello"));
    websocket.binary(&[1, 2]);
    assert_eq!(next(&mut websocket), Frame::Binary(vec![1, 2]));
}

#[test]
fn a_waiting_poll_is_released_when_the_probe_comes() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    let mut poll = session.get();
    let mut websocket =
        WebSocket::open(server.port(), &session.upgrade_url()).expect("a WebSocket");
    websocket.text("2probe");
    assert_eq!(websocket.next(), text("3probe"));
    assert_eq!(poll.response().body, "6");
}

#[test]
fn what_waited_for_a_poll_goes_by_websocket_after_the_upgrade() {
    let server = protocol();
    let (session, mut websocket) = probing(server.port());
    session.post("4text\x1ebAQI=");
    websocket.text("5");
    let mut arrived = Vec::new();
    while arrived.len() < 2 {
        match next(&mut websocket) {
            Frame::Text(noop) if noop == "6" => {}
            frame => arrived.push(frame),
        }
    }
    assert_eq!(arrived, [text("4text"), Frame::Binary(vec![1, 2])]);
}

#[test]
fn an_upgraded_session_is_not_reachable_by_polling_or_another_websocket() {
    let server = protocol();
    let (session, mut websocket) = probing(server.port());
    websocket.text("5");
    websocket.text("4upgraded");
    assert_eq!(next(&mut websocket), text("4upgraded"));

    assert_eq!(session.try_poll().status, 400);
    assert_eq!(session.try_post("4hello").status, 400);
    if let Ok(mut second) = WebSocket::open(server.port(), &session.upgrade_url()) {
        second.text("2probe");
        second.closed();
    }
    websocket.text("4alone");
    assert_eq!(next(&mut websocket), text("4alone"));
}

#[test]
fn a_browser_of_any_origin_is_served() {
    let server = protocol();
    let path = format!("{ENGINE_IO}?EIO=4&transport=polling");
    let origin = [("Origin", "http://localhost:8080")];
    let answer = sockeye_tests::http::ask_with(server.port(), "GET", &path, &origin, "");
    assert_eq!(answer.status, 200);
    assert!(answer.header("access-control-allow-origin").is_some());
}
