//! What people may call themselves, their rooms and their messages.

use proptest::prelude::*;
use sockeye_chat::{Key, MessageId, PersonId, PersonName, RoomName, Text};

#[test]
fn a_name_is_taken_without_the_space_around_it() {
    assert_eq!(PersonName::new("\t Ada  Lovelace\n").unwrap().as_str(), "Ada Lovelace");
}

#[test]
fn a_name_of_forty_letters_is_taken_and_one_of_forty_one_is_not() {
    assert!(PersonName::new(&"ö".repeat(40)).is_ok());
    assert!(PersonName::new(&"ö".repeat(41)).is_err());
}

#[test]
fn a_name_cannot_turn_the_text_around_it() {
    assert_eq!(PersonName::new("\u{202e}Ada").unwrap().as_str(), "Ada");
    assert!(PersonName::new("\u{202e}\u{2066}").is_err());
}

#[test]
fn a_name_has_no_control_characters() {
    for bad in ["\u{1}", "\u{7}", "\u{1b}", "\u{7f}", "\u{9f}"] {
        assert!(PersonName::new(&format!("A{bad}da")).is_err());
        assert!(RoomName::new(&format!("a{bad}da")).is_err());
    }
}

#[test]
fn markup_in_a_name_is_a_name() {
    assert_eq!(PersonName::new("<b>Ada</b>").unwrap().as_str(), "<b>Ada</b>");
}

#[test]
fn a_room_is_named_in_one_way_only() {
    assert!(RoomName::new("lobby").is_ok());
    assert!(RoomName::new("日本語_1").is_ok());
    for bad in ["", "Lobby", "two words", "a/b", "#a", &"r".repeat(33)] {
        assert!(RoomName::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_message_says_something_but_not_too_much() {
    assert!(Text::new("é".repeat(4000)).is_ok());
    assert!(Text::new("é".repeat(4001)).is_err());
    assert!(Text::new(" \n\t".to_owned()).is_err());
}

#[test]
fn a_message_has_lines_and_tabs_but_no_other_control_characters() {
    assert!(Text::new("one\n\ttwo".to_owned()).is_ok());
    for bad in ["\u{0}", "\u{1}", "\u{1b}[31m", "\r\n", "\u{7f}", "\u{9f}"] {
        let why = Text::new(format!("a{bad}b")).unwrap_err();
        assert_eq!(why.to_string(), "a message has no control characters but newline and tab");
    }
}

#[test]
fn a_key_shows_nothing_of_itself() {
    let key = Key::new("0123456789abcdef".to_owned()).unwrap();
    assert_eq!(format!("{key:?}"), "Key(…)");
    assert_eq!(key.person().to_string().len(), 16);
}

#[test]
fn one_key_is_one_person_and_two_keys_are_two() {
    let key = |text: &str| Key::new(text.to_owned()).unwrap().person();
    assert_eq!(key("0123456789abcdef"), key("0123456789abcdef"));
    assert_ne!(key("0123456789abcdef"), key("0123456789abcdeg"));
}

#[test]
fn a_persons_id_is_read_back_as_it_was_written() {
    let person = Key::new("0123456789abcdef".to_owned()).unwrap().person();
    assert_eq!(person.to_string().parse::<PersonId>(), Ok(person));
    assert!("nobody".parse::<PersonId>().is_err());
}

#[test]
fn a_message_id_is_written_in_one_way_only() {
    for bad in [
        "",
        "0B9C4AD2-9A0E-4F6E-8D5B-3F8A5A7F1C11",
        "0b9c4ad29a0e4f6e8d5b3f8a5a7f1c11",
        "+b9c4ad2-9a0e-4f6e-8d5b-3f8a5a7f1c11",
        "0b9c4ad2-9a0e-4f6e-8d5b-3f8a5a7f1c1",
        "0b9c4ad2-9a0e-4f6e-8d5b-3f8a5a7f1c111",
    ] {
        assert!(MessageId::new(bad).is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_uuid_is_read_and_written_back(id in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}") {
        prop_assert_eq!(MessageId::new(&id).unwrap().to_string(), id);
    }

    #[test]
    fn whatever_is_typed_as_a_name_gives_a_name_or_a_reason(typed in ".{0,60}") {
        if let Ok(name) = PersonName::new(&typed) {
            prop_assert!((1..=40).contains(&name.as_str().chars().count()));
            // Taken once, it is taken again, unchanged.
            prop_assert_eq!(PersonName::new(name.as_str()).unwrap(), name);
        }
    }
}
