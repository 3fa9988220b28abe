//! Session ids.

use std::collections::HashSet;

use proptest::prelude::*;
use sockeye_engine_proto::Sid;

#[test]
fn fifteen_bytes_are_twenty_url_safe_characters() {
    let sid = Sid::from_random([0xff; 15]);
    assert_eq!(sid.as_str(), "____________________");
    let sid = Sid::from_random(*b"fifteen letters");
    assert_eq!(sid.to_string(), "ZmlmdGVlbiBsZXR0ZXJz");
}

#[test]
fn what_cannot_be_ours_is_no_sid() {
    for text in [
        "",
        "short",
        "AAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAA+",
        "AAAAAAAAAAAAAAAAAAA ",
        "äAAAAAAAAAAAAAAAAAA",
        "__proto__",
    ] {
        assert_eq!(Sid::parse(text), None, "{text}");
    }
}

#[test]
fn a_log_line_does_not_give_the_session_away() {
    let sid = Sid::from_random(*b"fifteen letters");
    assert_eq!(format!("{sid:?}"), "Sid(Zmlm…)");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_sid_is_found_again_by_its_text(random in any::<[u8; 15]>(), other in any::<[u8; 15]>()) {
        let sid = Sid::from_random(random);
        prop_assert_eq!(Sid::parse(sid.as_str()), Some(sid));
        let both: HashSet<Sid> = [sid, Sid::from_random(other)].into();
        prop_assert_eq!(both.len(), if random == other { 1 } else { 2 });
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,24}") {
        if let Some(sid) = Sid::parse(&text) {
            prop_assert_eq!(sid.as_str(), text);
        }
    }
}
