//! Many packets in one body.

use proptest::prelude::*;
use sockeye_engine_proto::{Message, Packet, PacketError, payload};

/// What a packet is, without borrowing from anything.
#[derive(Clone, Debug, PartialEq)]
enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Other(&'static str),
    Wrong(PacketError),
}

fn decoded(body: &[u8]) -> Vec<Owned> {
    let mut packets = payload::decode(body);
    let mut all = Vec::new();
    while let Some(packet) = packets.next() {
        all.push(match packet {
            Ok(Packet::Message(Message::Text(text))) => Owned::Text(text.to_owned()),
            Ok(Packet::Message(Message::Binary(data))) => Owned::Binary(data.to_vec()),
            Ok(other) => Owned::Other(other.name()),
            Err(error) => Owned::Wrong(error),
        });
    }
    all
}

fn encoded(packets: &[Owned]) -> Vec<u8> {
    let mut body = Vec::new();
    for packet in packets {
        match packet {
            Owned::Text(text) => payload::push_text(&mut body, &format!("4{text}")),
            Owned::Binary(data) => payload::push_binary(&mut body, data),
            Owned::Other(_) | Owned::Wrong(_) => payload::push_text(&mut body, "6"),
        }
    }
    body
}

#[test]
fn packets_of_a_payload_come_in_order() {
    assert_eq!(
        decoded(b"4one\x1ebAQI=\x1e6\x1e1"),
        [
            Owned::Text("one".into()),
            Owned::Binary(vec![1, 2]),
            Owned::Other("noop"),
            Owned::Other("close"),
        ]
    );
}

#[test]
fn an_empty_body_is_an_empty_packet() {
    assert_eq!(decoded(b""), [Owned::Wrong(PacketError::Empty)]);
}

#[test]
fn a_separator_too_many_is_an_empty_packet() {
    assert_eq!(decoded(b"4a\x1e"), [Owned::Text("a".into()), Owned::Wrong(PacketError::Empty)]);
    assert_eq!(decoded(b"\x1e4a"), [Owned::Wrong(PacketError::Empty)]);
}

#[test]
fn the_rest_of_a_payload_is_dropped_after_a_bad_packet() {
    assert_eq!(
        decoded(b"4a\x1eabc\x1e4b"),
        [Owned::Text("a".into()), Owned::Wrong(PacketError::UnknownType('a'))]
    );
}

#[test]
fn text_has_to_be_utf8() {
    assert_eq!(
        decoded(b"4a\x1e4\xff\x1e4b"),
        [Owned::Text("a".into()), Owned::Wrong(PacketError::NotUtf8)]
    );
}

#[test]
fn a_binary_packet_takes_as_many_bytes_as_it_is_said_to() {
    for len in 0..10 {
        let mut body = Vec::new();
        payload::push_binary(&mut body, &vec![7; len]);
        assert_eq!(body.len(), payload::binary_len(len));
    }
}

fn packet() -> impl Strategy<Value = Owned> {
    prop_oneof![
        "[^\u{1e}]{0,20}".prop_map(Owned::Text),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Owned::Binary),
        Just(Owned::Other("noop")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_is_decoded(packets in prop::collection::vec(packet(), 1..8)) {
        prop_assert_eq!(decoded(&encoded(&packets)), packets);
    }

    #[test]
    fn no_body_makes_the_decoder_panic(body in prop::collection::vec(
        prop_oneof![3 => any::<u8>(), 1 => Just(0x1e), 1 => b'0'..=b'6'], 0..200,
    )) {
        let packets = decoded(&body);
        let pieces = body.split(|&byte| byte == payload::SEPARATOR).count();
        prop_assert!(!packets.is_empty() && packets.len() <= pieces);
        let wrong = packets.iter().position(|packet| matches!(packet, Owned::Wrong(_)));
        prop_assert!(wrong.is_none_or(|place| place + 1 == packets.len()));
    }
}
