//! Wrong WebSocket frames: the sender is closed with the code of RFC 6455, and a client beside it notices nothing.

use sockeye_tests::client::{Client, beside_a_healthy_client};
use sockeye_tests::contract::Contract;
use sockeye_tests::websocket::Frame;

const FINAL: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A violation, and the code it is closed with.
type Violation = (&'static str, u16, fn(&mut Client));

const VIOLATIONS: [Violation; 14] = [
    ("a frame without mask", 1002, |client| client.websocket.raw(b"\x81\x05hello")),
    ("a reserved bit", 1002, |client| client.websocket.frame(FINAL | 0x40 | TEXT, b"43")),
    ("an unknown opcode", 1002, |client| client.websocket.frame(FINAL | 3, b"43")),
    ("an unknown control opcode", 1002, |client| client.websocket.frame(FINAL | 0xb, b"")),
    ("a control frame in pieces", 1002, |client| client.websocket.frame(PING, b"")),
    ("a long control frame", 1002, |client| client.websocket.frame(FINAL | PING, &[0; 126])),
    ("a continuation of nothing", 1002, |client| {
        client.websocket.frame(FINAL | CONTINUATION, b"3");
    }),
    ("a message within a message", 1002, |client| {
        client.websocket.frame(TEXT, b"4");
        client.websocket.frame(FINAL | TEXT, b"3");
    }),
    ("text that is no UTF-8", 1007, |client| client.websocket.frame(FINAL | TEXT, b"42[\"\xff\"]")),
    ("a surrogate in UTF-8", 1007, |client| {
        client.websocket.frame(FINAL | TEXT, b"42[\"echo\",\"\xed\xa0\x80\"]");
    }),
    ("a promise of too much", 1009, |client| client.websocket.promise(FINAL | BINARY, 2_000_001)),
    ("a promise of far too much", 1009, |client| client.websocket.promise(FINAL | TEXT, 1 << 40)),
    ("pieces that are too much together", 1009, |client| {
        client.websocket.frame(BINARY, &[0; 1_500_000]);
        client.websocket.promise(FINAL | CONTINUATION, 500_001);
    }),
    ("a code that nobody may send", 1002, |client| {
        client.websocket.frame(FINAL | CLOSE, &[3, 0xed]);
    }),
];

#[test]
fn a_violation_is_closed_with_its_code() {
    beside_a_healthy_client(Contract::port, |port| {
        for (name, code, violate) in VIOLATIONS {
            let mut client = Client::join(port);
            violate(&mut client);
            assert_eq!(client.websocket.closed(), Some(code), "{name}");
        }
    });
}

#[test]
fn a_frame_over_the_limit_is_a_transport_error() {
    beside_a_healthy_client(Contract::hasty_port, |port| {
        let mut client = Client::join(port);
        client.websocket.promise(FINAL | TEXT, 1001);
        assert_eq!(client.websocket.closed(), Some(1009));
        assert_eq!(Client::join(port).reason_of(&client.id), "transport error");
    });
}

#[test]
fn a_frame_at_the_limit_is_taken() {
    beside_a_healthy_client(Contract::hasty_port, |port| {
        let mut client = Client::join(port);
        let text = "x".repeat(1000 - r#"42["echo",""]"#.len());
        client.exchange(&format!(r#"2["echo","{text}"]"#), &format!(r#"2["echo-back","{text}"]"#));
    });
}

#[test]
fn a_message_may_come_in_pieces_with_pings_between() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        client.websocket.frame(TEXT, b"42[\"echo\",\"\xc3");
        client.websocket.frame(FINAL | PING, b"between");
        client.websocket.frame(CONTINUATION, b"\xa9");
        client.websocket.frame(FINAL | PONG, b"unasked");
        client.websocket.frame(FINAL | CONTINUATION, b"\"]");
        assert_eq!(client.websocket.next(), Frame::Pong(b"between".to_vec()));
        client.expect(r#"2["echo-back","é"]"#);
    });
}

#[test]
fn a_frame_may_come_byte_by_byte() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        let text = br#"42["echo","slowly"]"#;
        let mask = [9, 8, 7, 6];
        let masked = text.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        let length = u8::try_from(text.len()).expect("short");
        let mut frame = vec![FINAL | TEXT, 0x80 | length];
        frame.extend(mask);
        frame.extend(masked);
        for byte in frame {
            client.websocket.raw(&[byte]);
        }
        client.expect(r#"2["echo-back","slowly"]"#);
    });
}

#[test]
fn a_close_frame_is_answered() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut client = Client::join(port);
        client.websocket.frame(FINAL | CLOSE, &[3, 0xe8]);
        let Frame::Close(code) = client.websocket.next() else { panic!("no close frame") };
        assert!(matches!(code, Some(1000) | None));
        assert_eq!(client.websocket.next(), Frame::End);
        client.websocket.hang_up();
        assert_eq!(Client::join(port).reason_of(&client.id), "transport close");
    });
}
