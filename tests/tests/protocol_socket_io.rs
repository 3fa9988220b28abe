//! What the public suite of Socket.IO 5 asks of a server, against the contract server's profile `protocol`.

use serde_json::Value;
use sockeye_tests::client::{Client, ENGINE_IO, Packet, Polling, SOCKET_IO};
use sockeye_tests::contract::Contract;
use sockeye_tests::http::ask;
use sockeye_tests::websocket::Frame;

fn protocol() -> Contract {
    Contract::start("protocol")
}

/// A client of the main namespace that has been greeted.
fn joined(port: u16) -> Client {
    let mut client = Client::join(port);
    client.expect(r#"2["auth",{}]"#);
    client
}

/// Joins by hand and returns the CONNECT reply's payload.
fn reply(client: &mut Client, connect: &str, prefix: &str) -> Value {
    client.send(connect);
    let Packet::Text(reply) = client.next() else { panic!("no CONNECT reply") };
    serde_json::from_str(reply.strip_prefix(prefix).expect("a CONNECT reply")).expect("JSON")
}

#[track_caller]
fn assert_has_only_an_id(reply: &Value) {
    let reply = reply.as_object().expect("an object");
    assert_eq!(reply.keys().collect::<Vec<_>>(), ["sid"]);
    assert!(reply["sid"].as_str().is_some_and(|sid| !sid.is_empty()));
}

#[test]
fn the_main_namespace_is_joined_without_and_with_a_payload() {
    let server = protocol();
    let mut client = Client::open(server.port());
    assert_has_only_an_id(&reply(&mut client, "0", "0"));
    client.expect(r#"2["auth",{}]"#);

    let mut client = Client::open(server.port());
    assert_has_only_an_id(&reply(&mut client, r#"0{"token":"123"}"#, "0"));
    client.expect(r#"2["auth",{"token":"123"}]"#);
}

#[test]
fn a_custom_namespace_is_joined_without_and_with_a_payload() {
    let server = protocol();
    let mut client = Client::open(server.port());
    assert_has_only_an_id(&reply(&mut client, "0/custom,", "0/custom,"));
    client.expect(r#"2/custom,["auth",{}]"#);

    let mut client = Client::open(server.port());
    assert_has_only_an_id(&reply(&mut client, r#"0/custom,{"token":"abc"}"#, "0/custom,"));
    client.expect(r#"2/custom,["auth",{"token":"abc"}]"#);
}

#[test]
fn joining_works_by_polling_too() {
    let server = protocol();
    let session = Polling::open(server.port(), SOCKET_IO);
    session.post(r#"40{"token":"123"}"#);
    let packets = session.packets(2);
    let reply = packets[0].strip_prefix("40").expect("a CONNECT reply");
    assert_has_only_an_id(&serde_json::from_str(reply).expect("JSON"));
    assert_eq!(packets[1], r#"42["auth",{"token":"123"}]"#);
}

#[test]
fn the_socket_id_is_not_the_session_id() {
    let server = protocol();
    let session = Polling::join(server.port());
    assert_ne!(session.id, session.sid());
}

#[test]
fn an_unknown_namespace_is_refused_in_exactly_these_words() {
    let server = protocol();
    let mut client = Client::open(server.port());
    client.exchange("0/random,", r#"4/random,{"message":"Invalid namespace"}"#);
}

#[test]
fn an_invalid_handshake_closes_the_connection() {
    let server = protocol();
    for handshake in ["abc", "0abc", "2[\"message\"]", ""] {
        let mut client = Client::open(server.port());
        client.send(handshake);
        assert!(matches!(client.next(), Packet::Closed(_)), "{handshake:?}");
    }
}

#[test]
fn a_connection_that_joins_nothing_is_closed() {
    let server = protocol();
    let mut client = Client::open(server.port());
    assert!(matches!(client.next(), Packet::Closed(_)));
}

#[test]
fn leaving_the_main_namespace_keeps_the_connection() {
    let server = protocol();
    let mut client = joined(server.port());
    client.send("1");
    assert_eq!(client.websocket.next(), Frame::Text("2".to_owned()), "the next thing is a ping");
}

#[test]
fn leaving_one_namespace_keeps_the_other() {
    let server = protocol();
    let mut client = joined(server.port());
    client.connect("/custom");
    client.expect(r#"2/custom,["auth",{}]"#);
    client.send("1/custom,");
    client.exchange(
        r#"2["message","message to main namespace"]"#,
        r#"2["message-back","message to main namespace"]"#,
    );
}

#[test]
fn text_events_come_back_byte_for_byte() {
    let server = protocol();
    let mut client = joined(server.port());
    client
        .exchange(r#"2["message",1,"2",{"3":[true]}]"#, r#"2["message-back",1,"2",{"3":[true]}]"#);
    client.connect("/custom");
    client.expect(r#"2/custom,["auth",{}]"#);
    client.exchange(r#"2/custom,["message",1]"#, r#"2/custom,["message-back",1]"#);
}

#[test]
fn binary_events_come_back_byte_for_byte() {
    let server = protocol();
    let mut client = joined(server.port());
    let two = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    client.send(&format!(r#"52-["message",{two}]"#));
    client.websocket.binary(&[1, 2, 3]);
    client.websocket.binary(&[4, 5, 6]);
    client.expect(&format!(r#"52-["message-back",{two}]"#));
    assert_eq!(client.next(), Packet::Binary(vec![1, 2, 3]));
    assert_eq!(client.next(), Packet::Binary(vec![4, 5, 6]));
}

#[test]
fn text_events_are_acknowledged_byte_for_byte() {
    let server = protocol();
    let mut client = joined(server.port());
    client.exchange(
        r#"2456["message-with-ack",1,"2",{"3":[false]}]"#,
        r#"3456[1,"2",{"3":[false]}]"#,
    );
}

#[test]
fn binary_events_are_acknowledged_byte_for_byte() {
    let server = protocol();
    let mut client = joined(server.port());
    let two = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    client.send(&format!(r#"52-789["message-with-ack",{two}]"#));
    client.websocket.binary(&[1, 2, 3]);
    client.websocket.binary(&[4, 5, 6]);
    client.expect(&format!(r"62-789[{two}]"));
    assert_eq!(client.next(), Packet::Binary(vec![1, 2, 3]));
    assert_eq!(client.next(), Packet::Binary(vec![4, 5, 6]));
}

#[test]
fn binary_events_come_back_by_polling_too() {
    let server = protocol();
    let session = Polling::open(server.port(), SOCKET_IO);
    session.post("40");
    session.packets(2); // the reply, and the greeting
    session.post("451-[\"message\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID");
    let packets = session.packets(2);
    assert_eq!(packets, [r#"451-["message-back",{"_placeholder":true,"num":0}]"#, "bAQID"]);
}

#[test]
fn invalid_packets_close_the_connection() {
    let server = protocol();
    for packet in ["abc", "2{}", "2abc[\"message-with-ack\",1,\"2\",{\"3\":[false]}]"] {
        let mut client = joined(server.port());
        client.send(packet);
        assert!(matches!(client.next(), Packet::Closed(_)), "{packet:?}");
    }
}

#[test]
fn both_protocols_have_their_own_paths_and_sessions() {
    let server = protocol();
    let session = Polling::open(server.port(), ENGINE_IO);
    let elsewhere = session.url().replace(ENGINE_IO, SOCKET_IO);
    assert_eq!(
        ask(server.port(), "GET", &elsewhere).body,
        r#"{"code":1,"message":"Session ID unknown"}"#
    );
    assert_eq!(ask(server.port(), "GET", "/").status, 404);
    for path in [ENGINE_IO, SOCKET_IO] {
        let old = ask(server.port(), "GET", &format!("{path}?EIO=2&transport=polling"));
        assert_eq!(old.body, r#"{"code":5,"message":"Unsupported protocol version"}"#);
    }
}
