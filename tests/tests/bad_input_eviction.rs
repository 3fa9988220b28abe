//! Clients that are slow, silent or gone: each is let go at its deadline, and a client beside it notices nothing.
//!
//! These tests wait for the server's own deadlines; none asserts how long that took.

use serde_json::json;
use sockeye_tests::client::{
    Client, Packet, Polling, SOCKET_IO, beside_a_healthy_client, eventually,
};
use sockeye_tests::contract::Contract;
use sockeye_tests::http::Wire;
use sockeye_tests::websocket::{Frame, WebSocket};

#[test]
fn a_client_that_never_pongs_is_let_go() {
    beside_a_healthy_client(Contract::hasty_port, |port| {
        let mut client = Client::join(port);
        client.websocket.closed();
        assert_eq!(Client::join(port).reason_of(&client.id), "ping timeout");
    });
}

#[test]
fn a_client_that_never_polls_is_let_go() {
    beside_a_healthy_client(Contract::hasty_port, |port| {
        let session = Polling::join(port);
        assert_eq!(Client::join(port).reason_of(&session.id), "ping timeout");
    });
}

#[test]
fn a_client_that_never_reads_is_let_go_with_what_waits_for_it() {
    beside_a_healthy_client(Contract::hasty_port, |port| {
        let mut observer = Client::join(port);
        let mut client = Client::join(port);
        let id = client.id.clone();
        client.send(r#"21["join","the deaf"]"#);
        client.send(r#"2["burst",1000000]"#);
        let reason = observer.reason_of(&id);
        assert!(["slow consumer", "ping timeout"].contains(&&*reason), "{reason}");
        assert_eq!(observer.ask(&json!(["count", "the deaf"])), json!(0));
    });
}

#[test]
fn a_client_that_reads_nothing_of_what_others_send_is_let_go() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut observer = Client::join(port);
        let mut client = Client::join(port);
        client.send(r#"21["join","the deaf"]"#);
        let joined = eventually(|| observer.ask(&json!(["count", "the deaf"])) == json!(1));
        assert!(joined);
        let letter = "x".repeat(100_000);
        let mut sent = 0;
        while observer.ask(&json!(["count", "the deaf"])) == json!(1) {
            observer.send(&format!(r#"2["to-room","the deaf","letter","{letter}"]"#));
            sent += 1;
            assert!(sent < 1000, "a hundred megabytes wait for a client that does not read");
        }
        assert_eq!(observer.reason_of(&client.id), "slow consumer");
    });
}

#[test]
fn a_body_that_never_ends_does_not_keep_its_session() {
    beside_a_healthy_client(Contract::hasty_port, |port| {
        let session = Polling::join(port);
        let mut post = Wire::open(port);
        post.head("POST", &session.url(), &[("Content-Length", "100")]);
        post.send("42[");
        assert_eq!(Client::join(port).reason_of(&session.id), "ping timeout");
        post.is_let_go();
    });
}

#[test]
fn a_body_that_never_ends_does_not_last_with_a_living_session() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        let mut post = Wire::open(port);
        post.head("POST", &session.url(), &[("Content-Length", "100")]);
        post.send("42[");
        post.is_let_go();
    });
}

#[test]
fn an_upgrade_that_is_never_finished_is_given_up_and_the_session_stays() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        let mut candidate = WebSocket::open(port, &session.upgrade_url()).expect("a WebSocket");
        candidate.text("2probe");
        assert_eq!(candidate.next(), Frame::Text("3probe".to_owned()));
        candidate.closed();
        session.post(r#"42["echo","still here"]"#);
        assert_eq!(session.packets(1), [r#"42["echo-back","still here"]"#]);
    });
}

#[test]
fn an_upgrade_that_says_nothing_is_given_up_and_the_session_stays() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        let mut candidate = WebSocket::open(port, &session.upgrade_url()).expect("a WebSocket");
        candidate.closed();
        session.post(r#"42["echo","still here"]"#);
        assert_eq!(session.packets(1), [r#"42["echo-back","still here"]"#]);
    });
}

#[test]
fn an_upgrade_that_says_something_else_is_given_up_and_the_session_stays() {
    beside_a_healthy_client(Contract::port, |port| {
        for wrong in ["2", "6", "3probe", "4hello", "abc", ""] {
            let session = Polling::join(port);
            let mut candidate = WebSocket::open(port, &session.upgrade_url()).expect("a WebSocket");
            candidate.text(wrong);
            candidate.closed();
            session.post(r#"42["echo","still here"]"#);
            assert_eq!(session.packets(1), [r#"42["echo-back","still here"]"#], "{wrong:?}");
        }
    });
}

#[test]
fn attachments_that_never_come_cost_the_connection() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        client.send(r#"52-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
        client.websocket.binary(b"the first");
        assert!(matches!(client.next(), Packet::Closed(_)));
    });
}

#[test]
fn who_joins_no_namespace_is_let_go() {
    beside_a_healthy_client(Contract::hasty_port, |port| {
        let mut client = Client::open(port);
        assert!(matches!(client.next(), Packet::Closed(_)));

        let mut refused = Client::open(port);
        refused.exchange("0/nowhere,", r#"4/nowhere,{"message":"Invalid namespace"}"#);
        assert!(matches!(refused.next(), Packet::Closed(_)));

        let mut left = Client::join(port);
        left.send("1");
        assert!(matches!(left.next(), Packet::Closed(_)), "there is no namespace any more");
    });
}

#[test]
fn a_frame_that_never_ends_is_let_go() {
    beside_a_healthy_client(Contract::hasty_port, |port| {
        let mut client = Client::join(port);
        client.websocket.promise(0x81, 900);
        client.websocket.raw(b"only so much");
        client.websocket.closed();
        assert_eq!(Client::join(port).reason_of(&client.id), "ping timeout");
    });
}

#[test]
fn a_client_that_vanishes_is_gone_at_once() {
    beside_a_healthy_client(Contract::port, |port| {
        let client = Client::join(port);
        let id = client.id.clone();
        client.websocket.hang_up();
        let reason = Client::join(port).reason_of(&id);
        assert!(["transport close", "transport error"].contains(&&*reason), "{reason}");
    });
}

#[test]
fn headers_that_never_end_are_let_go() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut silent = Wire::open(port);
        let mut unfinished = Wire::open(port);
        unfinished.send(format!("GET {SOCKET_IO}?EIO=4&transport=polling HTTP/1.1\r\nHost: loc"));
        unfinished.is_let_go();
        silent.is_let_go();
    });
}

#[test]
fn two_hundred_connections_that_say_nothing_are_in_nobodys_way() {
    beside_a_healthy_client(Contract::port, |port| {
        let silent: Vec<_> = (0..200).map(|_| Wire::open(port)).collect();
        let mut client = Client::join(port);
        client.is_alive();
        drop(silent);
    });
}
