//! Many packets in one body of revision 3, as text and as bytes; its packets.

use proptest::prelude::*;
use sockeye_engine_proto::payload::Content;
use sockeye_engine_proto::v3::{self, payload};
use sockeye_engine_proto::{Message, Packet, PacketError};

/// What a packet is, without borrowing from anything.
#[derive(Clone, Debug, PartialEq)]
enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Other(&'static str),
    Wrong(PacketError),
}

impl From<Result<Packet<'_>, PacketError>> for Owned {
    fn from(packet: Result<Packet<'_>, PacketError>) -> Self {
        match packet {
            Ok(Packet::Message(Message::Text(text))) => Owned::Text(text.to_owned()),
            Ok(Packet::Message(Message::Binary(data))) => Owned::Binary(data.to_vec()),
            Ok(other) => Owned::Other(other.name()),
            Err(error) => Owned::Wrong(error),
        }
    }
}

fn decoded(content: Content, body: &[u8]) -> Vec<Owned> {
    let mut packets = payload::decode(content, body);
    let mut all = Vec::new();
    while let Some(packet) = packets.next() {
        all.push(packet.into());
    }
    all
}

fn text(body: &str) -> Vec<Owned> {
    decoded(Content::Text, body.as_bytes())
}

fn bytes(body: &[u8]) -> Vec<Owned> {
    decoded(Content::Binary, body)
}

fn said(text: &str) -> Owned {
    Owned::Text(text.to_owned())
}

const LENGTH: Owned = Owned::Wrong(PacketError::BadLength);

#[test]
fn packets_of_a_text_come_in_order() {
    let expected =
        [said("one"), Owned::Binary(vec![1, 2]), Owned::Other("ping"), Owned::Other("close")];
    assert_eq!(text("4:4one6:b4AQI=1:21:1"), expected);
}

#[test]
fn packets_of_bytes_come_in_order_texts_and_messages_mixed() {
    let body = b"\0\x04\xff4one\x01\x03\xff\x04\x01\x02\0\x01\xff2\x01\x01\x02\xff\x04abcdefghijk";
    let long = Owned::Binary(b"abcdefghijk".to_vec());
    let expected = [said("one"), Owned::Binary(vec![1, 2]), Owned::Other("ping"), long];
    assert_eq!(bytes(body), expected);
}

#[test]
fn a_length_counts_code_units_of_utf_16_in_text_and_bytes_in_bytes() {
    assert_eq!(text("2:4é3:4😀2:4€1:6"), [said("é"), said("😀"), said("€"), Owned::Other("noop")]);
    let packet = "4é😀";
    let head = [0, u8::try_from(packet.len()).expect("short"), 255];
    assert_eq!(bytes(&[&head, packet.as_bytes()].concat()), [said("é😀")]);
}

#[test]
fn a_length_that_ends_inside_of_a_surrogate_pair_is_a_lie() {
    assert_eq!(text("2:4😀"), [LENGTH]);
    assert_eq!(text("1:😀"), [LENGTH]);
}

#[test]
fn lengths_that_lie_or_are_none_end_the_payload() {
    for body in [
        "abc",
        "4hello",
        ":4a",
        "-1:4",
        "1.5:4a",
        "0x2:4a",
        " 2:4a",
        "3:4a",
        "2;4a",
        "2",
        "99999999999999999999999999:4a",
    ] {
        assert_eq!(text(body), [LENGTH], "{body}");
    }
    assert_eq!(text("2:4ab"), [said("a"), LENGTH], "what came before is taken");
    for body in [
        &b"\0"[..],
        b"\0\xff4a",
        b"\0\x02",
        b"\0\x02\xff4",
        b"\x02\x02\xff4a",
        b"4hello",
        b"\0\x0a\xff4a",
        b"\x01\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff\x04",
    ] {
        assert_eq!(bytes(body), [LENGTH], "{body:?}");
    }
}

#[test]
fn an_endless_length_is_read_once_and_refused() {
    assert_eq!(text(&"1".repeat(100_000)), [LENGTH]);
    assert_eq!(bytes(&[&[0][..], &vec![9; 100_000]].concat()), [LENGTH]);
}

#[test]
fn a_packet_of_no_length_is_passed_over() {
    assert_eq!(text("0:2:4a0:"), [said("a")]);
    assert_eq!(bytes(b"\0\0\xff\x01\x02\xff\x04\x07\0\0\xff"), [Owned::Binary(vec![7])]);
}

#[test]
fn an_empty_body_is_an_empty_packet() {
    assert_eq!(text(""), [Owned::Wrong(PacketError::Empty)]);
    assert_eq!(bytes(b""), [Owned::Wrong(PacketError::Empty)]);
}

#[test]
fn base64_that_is_none_ends_the_payload() {
    for packet in ["b4*", "b4A", "b4AQ=I", "b4é="] {
        let units = packet.encode_utf16().count();
        let body = format!("{units}:{packet}2:4a");
        assert_eq!(text(&body), [Owned::Wrong(PacketError::BadBase64)], "{packet}");
    }
    assert_eq!(text("1:b"), [Owned::Wrong(PacketError::Empty)]);
}

#[test]
fn text_that_is_no_utf_8_ends_the_payload() {
    let wrong = [Owned::Wrong(PacketError::NotUtf8)];
    assert_eq!(decoded(Content::Text, b"3:4\xffab2:4a"), wrong);
    assert_eq!(decoded(Content::Text, b"2:4\xe2\x28\xa1"), wrong);
    assert_eq!(bytes(b"\0\x02\xff4\xff"), wrong);
}

#[test]
fn a_client_that_sends_records_of_revision_4_is_told_apart_at_once() {
    assert_eq!(text("4hello\u{1e}4world"), [LENGTH]);
    let mut base64 = Vec::new();
    let unknown = |kind| Err(PacketError::UnknownType(kind));
    assert_eq!(v3::parse("bAQI=", &mut base64), unknown('A'));
    assert_eq!(v3::parse_binary(&[1, 2]), unknown('\u{1}'));
    assert_eq!(v3::parse_binary(b"4"), unknown('4'));
}

#[test]
fn only_messages_are_binary() {
    for kind in ['0', '1', '2', '3', '5', '6'] {
        let packet = format!("b{kind}AQI=");
        assert_eq!(v3::parse(&packet, &mut Vec::new()), Err(PacketError::UnknownType(kind)));
    }
    for kind in (0..=255).filter(|&kind| kind != v3::MESSAGE) {
        assert_eq!(v3::parse_binary(&[kind, 1]), Err(PacketError::UnknownType(char::from(kind))));
    }
}

#[test]
fn what_is_left_of_a_payload_can_be_read_later() {
    for (content, body) in
        [(Content::Text, &b"2:4a2:4b"[..]), (Content::Binary, b"\0\x02\xff4a\0\x02\xff4b")]
    {
        let mut packets = payload::decode(content, body);
        assert!(packets.next().is_some());
        let rest = packets.rest().expect("there is more");
        assert_eq!(decoded(content, rest), [said("b")]);
        assert!(packets.next().is_some());
        assert_eq!(packets.rest(), None);
    }
}

fn packet() -> impl Strategy<Value = Owned> {
    prop_oneof![
        "\\PC{0,12}".prop_map(Owned::Text),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Owned::Binary),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(packets in proptest::collection::vec(packet(), 1..8)) {
        let (mut as_text, mut as_bytes) = (Vec::new(), Vec::new());
        for packet in &packets {
            match packet {
                Owned::Binary(data) => {
                    payload::push_base64(&mut as_text, data);
                    payload::push_binary(&mut as_bytes, data);
                }
                Owned::Text(text) => {
                    payload::push_text(&mut as_text, &format!("4{text}"));
                    payload::push_text_as_bytes(&mut as_bytes, &format!("4{text}"));
                }
                Owned::Other(_) | Owned::Wrong(_) => unreachable!("not made above"),
            }
        }
        prop_assert_eq!(&decoded(Content::Text, &as_text), &packets);
        prop_assert_eq!(&decoded(Content::Binary, &as_bytes), &packets);
    }

    #[test]
    fn any_body_comes_to_its_end(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        for content in [Content::Text, Content::Binary] {
            prop_assert!(decoded(content, &body).len() <= body.len() + 1);
        }
    }
}
