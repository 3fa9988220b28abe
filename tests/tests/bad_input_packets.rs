//! Wrong and odd packets, over WebSocket: what is malformed costs its sender the connection, what is only odd goes
//! through, and a client beside it notices nothing.

use serde_json::json;
use sockeye_tests::client::{Client, Packet, Polling, beside_a_healthy_client};
use sockeye_tests::contract::Contract;

/// Socket.IO packets (behind the Engine.IO digit `4`) that close the connection of a joined client.
const FATAL: &[&str] = &[
    // CONNECT, DISCONNECT, CONNECT_ERROR
    "",
    "0null",
    "0[]",
    "0c,",
    "0{",
    "0\"a\"",
    "1{}",
    "4{}",
    "4\"no\"",
    "4[\"handle me please\"]",
    "4{\"message\":\"no\"}",
    "0",
    // EVENT
    "2",
    "2[]",
    "2[null]",
    "2{}",
    "2\"a\"",
    "2[\"a\"",
    "2[\"a\"]x",
    "2[\"a\"]]",
    "2[a]",
    "2[\"a\",]",
    "2[[\"a\"]]",
    "2[true]",
    "2 [\"a\"]",
    "299",
    "2[\"connect\"]",
    "2[\"connect_error\"]",
    "2[\"disconnect\"]",
    "2[\"disconnecting\"]",
    "2[\"newListener\"]",
    "2[\"removeListener\"]",
    "2/never-joined,[\"a\"]",
    "29007199254740993[\"echo-ack\"]",
    "299999999999999999999[\"echo-ack\"]",
    // ACK
    "3{}",
    "3null",
    // binary
    "50-[\"a\"]",
    "501-[\"a\"]",
    "51e0-[\"a\"]",
    "5-1-[\"a\"]",
    "5",
    "5woooot",
    "5[\"a\"]",
    "51[\"a\"]",
    "511-[\"a\"]",
    // no such type
    "7",
    "8[\"a\"]",
    "a",
];

#[test]
fn a_malformed_packet_costs_its_sender_the_connection() {
    beside_a_healthy_client(Contract::port, |port| {
        for packet in FATAL {
            let mut client = Client::join(port);
            client.send(packet);
            assert!(!client.survives(), "{packet:?} is tolerated");
        }
    });
}

#[test]
fn a_malformed_packet_is_as_fatal_by_polling() {
    beside_a_healthy_client(Contract::port, |port| {
        for packet in ["4", "42[]", "42[\"disconnect\"]", "47", "450-[\"a\"]", "bAQI="] {
            let session = Polling::join(port);
            session.post(packet);
            let goodbye = session.poll();
            assert_eq!(goodbye.last().map(String::as_str), Some("1"), "{packet:?} is tolerated");
            assert!(session.is_forgotten());
        }
    });
}

#[test]
fn an_event_before_connect_is_fatal() {
    beside_a_healthy_client(Contract::port, |port| {
        for packet in [r#"2["a"]"#, r#"2/custom,["a"]"#, "3[]", "1", "abc"] {
            let mut client = Client::open(port);
            client.send(packet);
            assert!(matches!(client.next(), Packet::Closed(_)), "{packet:?}");
        }
    });
}

#[test]
fn engine_packets_of_the_wrong_kind_are_fatal_or_ignored_as_in_the_reference() {
    beside_a_healthy_client(Contract::port, |port| {
        for packet in ["", "7", "abc", "2", "2probe"] {
            let mut client = Client::join(port);
            client.websocket.text(packet);
            assert!(!client.survives(), "{packet:?} is tolerated");
        }
        let mut client = Client::join(port);
        for packet in ["3", "3with data", "5", "6"] {
            client.websocket.text(packet);
            assert!(client.survives(), "{packet:?} is fatal");
        }
    });
}

#[test]
fn an_attachment_must_come_when_it_was_announced_and_only_then() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        client.websocket.binary(b"out of the blue");
        assert!(!client.survives());

        let mut client = Client::join(port);
        client.send(r#"51-["echo",{"_placeholder":true,"num":0}]"#);
        client.send(r#"2["echo","between"]"#);
        assert!(!client.survives());

        let mut client = Client::join(port);
        client.send(r#"51-["echo",{"_placeholder":true,"num":0}]"#);
        client.websocket.binary(b"one");
        client.websocket.binary(b"one too many");
        assert!(!client.survives());
    });
}

#[test]
fn a_placeholder_must_name_an_attachment() {
    beside_a_healthy_client(Contract::port, |port| {
        for number in ["-1", "1", "0.5", "1e3", "99999999999999999999", "\"0\"", "null"] {
            let mut client = Client::join(port);
            client.send(&format!(r#"51-["echo",{{"_placeholder":true,"num":{number}}}]"#));
            client.websocket.binary(b"x");
            assert!(!client.survives(), "{number} is tolerated");
        }
    });
}

#[test]
fn ten_attachments_are_taken_and_eleven_are_not() {
    beside_a_healthy_client(Contract::port, |port| {
        let placeholders = |count: usize| -> String {
            let each =
                (0..count).map(|number| json!({"_placeholder": true, "num": number}).to_string());
            each.collect::<Vec<_>>().join(",")
        };
        let mut client = Client::join(port);
        client.send(&format!(r#"510-["echo",{}]"#, placeholders(10)));
        for number in 0..10 {
            client.websocket.binary(&[number]);
        }
        client.expect(&format!(r#"510-["echo-back",{}]"#, placeholders(10)));
        for number in 0..10 {
            assert_eq!(client.next(), Packet::Binary(vec![number]));
        }
        client.send(&format!(r#"511-["echo",{}]"#, placeholders(11)));
        assert!(!client.survives());
    });
}

#[test]
fn odd_uses_of_attachments_are_accepted() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        let twice = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}"#;
        client.send(&format!(r#"51-/,["echo-ack",{twice}]"#));
        client.websocket.text("3");
        client.websocket.binary(b"x");
        assert!(client.survives(), "one placeholder twice, and a pong between");

        let mut client = Client::join(port);
        client.send(r#"51-["echo","unused"]"#);
        client.websocket.binary(b"x");
        assert!(client.survives(), "an attachment that nothing stands for");

        let mut client = Client::join(port);
        client.send(r#"51-["echo",{"_placeholder":true,"num":0}]"#);
        client.websocket.text("bAQI=");
        client.expect(r#"51-["echo-back",{"_placeholder":true,"num":0}]"#);
        assert_eq!(client.next(), Packet::Binary(vec![1, 2]));
    });
}

#[test]
fn odd_events_are_accepted() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        client.send(r"2[1,2]");
        client.send(r#"2["error","a plain event here"]"#);
        client.send(r#"2["","no name"]"#);
        client.send("3999[]");
        client.send("3[]");
        client.send("31");
        client.is_alive();
        client.exchange(r#"2007["echo-ack",1]"#, "37[1]");
        client.exchange(r#"2["\u0065cho",1]"#, r#"2["echo-back",1]"#);
        client.exchange(r#"2/,["echo",1]"#, r#"2["echo-back",1]"#);
    });
}

#[test]
fn what_is_only_passed_on_is_never_rewritten() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        for args in [
            "1e400",
            "-1e400",
            "9007199254740993,18446744073709551615,-9223372036854775808",
            "123456789012345678901234567890",
            "-0,-0.0,1.0,1.50,1E5,1e+5,0.1000000000000000055511151231257827",
            r#""\ud800","\udc00x","\u0041","\/","\u2028""#,
            r#"{"__proto__":{"a":1},"a":1,"a":2}"#,
            r#"{"_placeholder":false,"num":0}"#,
        ] {
            client.exchange(&format!(r#"2["echo",{args}]"#), &format!(r#"2["echo-back",{args}]"#));
            client.exchange(&format!(r#"212["echo-ack",{args}]"#), &format!("312[{args}]"));
        }
    });
}

#[test]
fn nesting_is_passed_on_however_deep() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        client.exchange(&format!(r#"2["echo",{deep}]"#), &format!(r#"2["echo-back",{deep}]"#));
        let deep = format!("{}1{}", r#"{"a":"#.repeat(50_000), "}".repeat(50_000));
        client.exchange(&format!(r#"2["echo",{deep}]"#), &format!(r#"2["echo-back",{deep}]"#));
    });
}

#[test]
fn nesting_too_deep_for_a_type_is_an_error_of_that_event_alone() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        for event in ["join", "count", "big", "reason-of"] {
            let answer = client.ask(
                &serde_json::value::RawValue::from_string(format!(r#"["{event}",{deep}]"#))
                    .expect("JSON"),
            );
            assert!(answer["error"]["message"].is_string(), "{event}: {answer}");
        }
        client.is_alive();
    });
}

#[test]
fn a_hundred_thousand_arguments_are_passed_on() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        let args = vec!["0"; 100_000].join(",");
        client.exchange(&format!(r#"2["echo",{args}]"#), &format!(r#"2["echo-back",{args}]"#));
    });
}

#[test]
fn a_late_event_for_a_namespace_left_a_moment_ago_is_ignored() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        client.connect("/custom");
        client.send("1/custom,");
        client.send(r#"2/custom,["echo","late"]"#);
        client.send("3/custom,1[]");
        client.is_alive();

        client.connect("/custom");
        client.send(r#"2/custom,["kick",false]"#);
        client.send(r#"2/custom,["echo","late"]"#);
        client.expect("1/custom,");
        client.is_alive();
    });
}

#[test]
fn a_second_connect_for_a_namespace_is_fatal() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        client.connect("/custom");
        client.send("0/custom,");
        assert!(!client.survives());
    });
}

#[test]
fn a_thousand_unknown_namespaces_are_refused_one_by_one() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        for number in 0..1000 {
            client.exchange(
                &format!("0/nowhere-{number},"),
                &format!(r#"4/nowhere-{number},{{"message":"Invalid namespace"}}"#),
            );
        }
        client.is_alive();
    });
}

#[test]
fn wrong_arguments_are_an_error_of_that_event_alone() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        for event in
            [json!(["join"]), json!(["join", 5]), json!(["big", -1, "text"]), json!(["big", "x"])]
        {
            let answer = client.ask(&event);
            assert!(answer["error"]["message"].is_string(), "{event}: {answer}");
        }
        client.is_alive();
    });
}
