//! Packets as text, and what is none.

use proptest::prelude::*;
use sockeye_engine_proto::{Control, Message, Packet, PacketError};

fn parsed(text: &str) -> Result<String, PacketError> {
    Packet::parse(text, &mut Vec::new()).map(|packet| format!("{packet:?}"))
}

fn expect(text: &str, packet: Packet<'_>) {
    assert_eq!(Packet::parse(text, &mut Vec::new()), Ok(packet), "{text}");
}

#[test]
fn each_type_has_its_digit() {
    expect("0{}", Packet::Open("{}"));
    expect("1", Packet::Close);
    expect("2", Packet::Ping(""));
    expect("2probe", Packet::Ping("probe"));
    expect("3", Packet::Pong(""));
    expect("3probe", Packet::Pong("probe"));
    expect("4hello", Packet::Message(Message::Text("hello")));
    expect("4", Packet::Message(Message::Text("")));
    expect("5", Packet::Upgrade);
    expect("6", Packet::Noop);
}

#[test]
fn what_is_sent_is_what_is_understood() {
    let words = [
        (Control::Ping, "ping"),
        (Control::Pong, "pong"),
        (Control::Probe, "ping"),
        (Control::ProbeAnswer, "pong"),
        (Control::Upgrade, "upgrade"),
        (Control::Noop, "noop"),
        (Control::Close, "close"),
    ];
    for (control, name) in words {
        let packet = Packet::parse(control.as_str(), &mut Vec::new()).map(|packet| packet.name());
        assert_eq!(packet, Ok(name));
    }
}

#[test]
fn data_behind_close_upgrade_and_noop_is_ignored() {
    expect("1bye", Packet::Close);
    expect("5now", Packet::Upgrade);
    expect("6nothing", Packet::Noop);
}

#[test]
fn a_text_packet_with_a_b_is_a_binary_message() {
    expect("bAQI=", Packet::Message(Message::Binary(&[1, 2])));
    expect("b", Packet::Message(Message::Binary(&[])));
}

#[test]
fn base64_may_lack_its_padding() {
    expect("bAQI", Packet::Message(Message::Binary(&[1, 2])));
    expect("bAQ", Packet::Message(Message::Binary(&[1])));
}

#[test]
fn the_former_content_of_the_scratch_is_forgotten() {
    let mut scratch = vec![9; 100];
    let packet = Packet::parse("bAQI=", &mut scratch);
    assert_eq!(packet, Ok(Packet::Message(Message::Binary(&[1, 2]))));
}

#[test]
fn what_is_no_packet_says_why() {
    assert_eq!(parsed(""), Err(PacketError::Empty));
    assert_eq!(parsed("7"), Err(PacketError::UnknownType('7')));
    assert_eq!(parsed("abc"), Err(PacketError::UnknownType('a')));
    assert_eq!(parsed("ü2"), Err(PacketError::UnknownType('ü')));
    assert_eq!(parsed("b!!!!"), Err(PacketError::BadBase64));
    assert_eq!(parsed("bAQI=AQI="), Err(PacketError::BadBase64));
}

#[test]
fn errors_name_what_came_and_what_was_expected() {
    let error = PacketError::UnknownType('9').to_string();
    assert!(error.contains("'9'") && error.contains("expected 0 to 6 or b"), "{error}");
}

#[test]
fn only_messages_are_messages() {
    assert_eq!(Packet::Ping("").message(), None);
    assert_eq!(Packet::Message(Message::Text("a")).message(), Some(Message::Text("a")));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*|[0-9b][A-Za-z0-9+/=_-]{0,40}") {
        let mut scratch = Vec::new();
        let packet = Packet::parse(&text, &mut scratch);
        if let Ok(Packet::Message(Message::Binary(data))) = packet {
            prop_assert!(data.len() <= text.len());
        }
    }

    #[test]
    fn a_text_message_arrives_unchanged(text in any::<String>()) {
        let packet = format!("4{text}");
        let mut scratch = Vec::new();
        prop_assert_eq!(
            Packet::parse(&packet, &mut scratch),
            Ok(Packet::Message(Message::Text(&text)))
        );
    }
}
