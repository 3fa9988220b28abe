//! What the public suite of Engine.IO 3 asks of a server, against the contract server's profile `protocol`.

use std::time::{Duration, Instant};

use serde_json::Value;
use sockeye_tests::client::{ENGINE_IO, eventually};
use sockeye_tests::contract::Contract;
use sockeye_tests::http::{Response, ask, ask_with};
use sockeye_tests::websocket::{Frame, WebSocket};

fn protocol() -> Contract {
    Contract::start("protocol")
}

fn url(more: &str) -> String {
    format!("{ENGINE_IO}?EIO=3&transport={more}")
}

/// The packet of a payload that has just one, and the length in front of it.
fn lone(body: &str) -> (&str, &str) {
    body.split_once(':').expect("a length and a packet")
}

/// A polling session, by the path of its requests.
struct Session {
    port: u16,
    sid: String,
}

impl Session {
    fn open(port: u16) -> Session {
        let answer = ask(port, "GET", &url("polling&b64=1"));
        let open: Value = serde_json::from_str(&lone(&answer.body).1[1..]).expect("an open packet");
        Session { port, sid: open["sid"].as_str().expect("a sid").to_owned() }
    }

    fn path(&self, transport: &str) -> String {
        url(&format!("{transport}&sid={}", self.sid))
    }

    fn poll(&self) -> Response {
        ask(self.port, "GET", &self.path("polling"))
    }

    fn post(&self, body: &str) -> Response {
        ask_with(self.port, "POST", &self.path("polling"), &[], body)
    }

    /// What is posted comes back.
    fn echoes(&self, body: &str) {
        let answer = self.post(body);
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
        assert_eq!(self.poll().body, body);
    }

    fn is_gone(&self) -> bool {
        self.poll().status == 400
    }
}

fn websocket(port: u16) -> WebSocket {
    let mut websocket = WebSocket::open(port, &url("websocket")).expect("a WebSocket");
    let Frame::Text(open) = websocket.next() else { panic!("no open packet") };
    assert_open(&open, &serde_json::json!([]));
    websocket
}

fn assert_open(packet: &str, upgrades: &Value) {
    let open = packet.strip_prefix('0').expect("an open packet");
    let open: Value = serde_json::from_str(open).expect("JSON");
    assert!(open["sid"].is_string());
    assert_eq!(&open["upgrades"], upgrades);
    assert_eq!((&open["pingInterval"], &open["pingTimeout"]), (&300.into(), &200.into()));
    assert_eq!(open["maxPayload"], 1_000_000);
}

fn text(text: &str) -> Frame {
    Frame::Text(text.to_owned())
}

#[test]
fn an_old_session_opens_by_polling_with_its_length_in_front() {
    let server = protocol();
    let answer = ask(server.port(), "GET", &url("polling"));
    let (length, packet) = lone(&answer.body);
    assert_eq!((answer.status, length), (200, &*packet.len().to_string()));
    assert_open(packet, &serde_json::json!(["websocket"]));
}

#[test]
fn an_old_session_opens_by_websocket() {
    websocket(protocol().port());
}

#[test]
fn an_old_handshake_with_anything_wrong_is_refused() {
    let server = protocol();
    for query in
        ["?EIO=3", "?EIO=3&transport=abc", "?transport=polling", "?EIO=abc&transport=polling"]
    {
        let answer = ask(server.port(), "GET", &format!("{ENGINE_IO}{query}"));
        assert_eq!(answer.status, 400, "{query}");
    }
    assert_eq!(ask(server.port(), "POST", &url("polling")).status, 400);
    for query in
        ["?EIO=3", "?EIO=3&transport=abc", "?transport=websocket", "?EIO=abc&transport=websocket"]
    {
        let refused = WebSocket::open(server.port(), &format!("{ENGINE_IO}{query}")).err();
        assert_eq!(refused.expect(query).status, 400, "{query}");
    }
}

#[test]
fn old_messages_come_back_by_polling() {
    let server = protocol();
    for body in ["6:4hello", "6:4test16:4test26:4test3", "6:4hello10:b4AQIDBA=="] {
        Session::open(server.port()).echoes(body);
    }
}

#[test]
fn old_messages_come_back_by_websocket() {
    let server = protocol();
    let mut websocket = websocket(server.port());
    websocket.text("4hello");
    assert_eq!(websocket.next(), text("4hello"));
    websocket.binary(&[4, 1, 2, 3, 4]);
    assert_eq!(websocket.next(), Frame::Binary(vec![4, 1, 2, 3, 4]));
}

#[test]
fn an_invalid_packet_closes_an_old_session() {
    let server = protocol();
    let session = Session::open(server.port());
    session.post("abc");
    assert!(session.is_gone());
    let mut websocket = websocket(server.port());
    websocket.text("abc");
    websocket.closed();
}

#[test]
fn an_old_client_pings_and_is_answered() {
    let server = protocol();
    let session = Session::open(server.port());
    let mut websocket = websocket(server.port());
    for _ in 0..3 {
        assert_eq!(session.post("1:2").status, 200);
        assert_eq!(session.poll().body, "1:3");
        websocket.text("2");
        assert_eq!(websocket.next(), text("3"));
    }
}

#[test]
fn an_old_client_that_does_not_ping_is_closed() {
    let server = protocol();
    let (session, opened) = (Session::open(server.port()), Instant::now());
    websocket(server.port()).closed();
    assert!(opened.elapsed() > Duration::from_millis(400), "not before it is late");
    assert!(eventually(|| session.post("1:2").status == 400));
}

#[test]
fn an_old_client_says_goodbye() {
    let server = protocol();
    let session = Session::open(server.port());
    assert_eq!(session.post("1:1").status, 200);
    assert!(session.is_gone());
    let mut websocket = websocket(server.port());
    websocket.text("1");
    websocket.closed();
}

#[test]
fn an_old_session_moves_to_a_websocket_and_is_not_to_be_had_otherwise_then() {
    let server = protocol();
    let session = Session::open(server.port());
    let path = session.path("websocket");
    let mut websocket = WebSocket::open(server.port(), &path).expect("a WebSocket");
    websocket.text("2probe");
    assert_eq!(websocket.next(), text("3probe"));
    assert_eq!(session.poll().body, "1:6");
    websocket.text("5");
    websocket.text("4hello");
    assert_eq!(websocket.next(), text("4hello"));
    assert!(session.is_gone());
    let mut second =
        WebSocket::open(server.port(), &path).expect("the answer comes behind the 101");
    second.closed();
    websocket.text("4still here");
    assert_eq!(websocket.next(), text("4still here"));
}
