//! RFC 6455, 8.1: text is UTF-8, and whoever sends something else learns it early.

mod common;

use common::{BOTH, Frame, Said, feed, fragment, frame, hear, heard_well, text};
use proptest::prelude::*;
use sockeye_websocket_proto::{Error, Limits, Opcode, Receiver};

/// One, two, three and four bytes a character.
const MIXED: &str = "aß€𝄞 κόσμε 👩‍👩‍👧 \u{10ffff}\u{7ff}\u{800}\u{ffff}\0";

#[test]
fn a_character_may_be_split_between_fragments_anywhere() {
    for role in BOTH {
        for cut in 0..=MIXED.len() {
            let (front, back) = MIXED.as_bytes().split_at(cut);
            let bytes =
                [fragment(role, Opcode::Text, front), frame(role, Opcode::Continuation, back)]
                    .concat();
            assert_eq!(heard_well(role, &bytes), [text(MIXED)]);
        }
    }
}

#[test]
fn a_character_may_come_in_fragments_of_one_byte_with_pings_between() {
    for role in BOTH {
        let mut bytes = fragment(role, Opcode::Text, "");
        for byte in MIXED.bytes() {
            bytes.extend(fragment(role, Opcode::Continuation, [byte]));
            bytes.extend(frame(role, Opcode::Ping, [0xff]));
        }
        bytes.extend(frame(role, Opcode::Continuation, ""));
        let said = heard_well(role, &bytes);
        assert_eq!(said.last(), Some(&text(MIXED)));
        assert_eq!(said.len(), MIXED.len() + 1);
    }
}

#[test]
fn a_frame_may_be_split_between_reads_inside_a_character() {
    for role in BOTH {
        let bytes = frame(role, Opcode::Text, MIXED);
        for cut in 0..=bytes.len() {
            let pieces = [&bytes[..cut], &bytes[cut..]];
            let heard = common::hear_pieces(role, Limits::default(), pieces);
            assert_eq!(heard, (vec![text(MIXED)], None));
        }
    }
}

/// What no UTF-8 contains: stray and missing continuation bytes, overlong forms, surrogates, code
/// points past the last, bytes that never occur.
const INVALID: [&[u8]; 14] = [
    b"\x80",
    b"\xbf",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\x80",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xff",
    b"\xe2\x82a",
    b"\xc3(",
];

#[test]
fn invalid_text_is_refused_however_it_comes() {
    for role in BOTH {
        for invalid in INVALID {
            let payload = [MIXED.as_bytes(), invalid, b" and on"].concat();
            let whole = frame(role, Opcode::Text, &payload);
            assert_eq!(hear(role, &whole), (vec![], Some(Error::InvalidText)), "{invalid:x?}");
            for cut in 0..=payload.len() {
                let fragments = [
                    fragment(role, Opcode::Text, &payload[..cut]),
                    frame(role, Opcode::Continuation, &payload[cut..]),
                ]
                .concat();
                assert_eq!(hear(role, &fragments), (vec![], Some(Error::InvalidText)));
            }
        }
    }
}

#[test]
fn an_unfinished_character_at_the_end_is_refused() {
    for role in BOTH {
        for unfinished in [&b"\xc3"[..], b"\xe2\x82", b"\xf0\x9d\x84"] {
            let bytes = frame(role, Opcode::Text, unfinished);
            assert_eq!(hear(role, &bytes), (vec![], Some(Error::InvalidText)));
            let bytes =
                [fragment(role, Opcode::Text, unfinished), frame(role, Opcode::Continuation, "")]
                    .concat();
            assert_eq!(hear(role, &bytes), (vec![], Some(Error::InvalidText)));
        }
    }
}

/// Feeds all of `payload` in a frame that announces more than that; what has been found by then?
fn found_so_far(role: sockeye_websocket_proto::Role, payload: &[u8]) -> Option<Error> {
    let mut bytes = Frame::to(role, Opcode::Text, [payload, &[b'.'; 100]].concat()).bytes();
    bytes.truncate(bytes.len() - 100);
    let mut heard = common::Heard::default();
    feed(&mut Receiver::new(role, Limits::default()), &bytes, &mut heard);
    heard.1
}

#[test]
fn invalid_text_is_refused_before_the_frame_is_whole() {
    for role in BOTH {
        for invalid in INVALID {
            let payload = [MIXED.as_bytes(), invalid].concat();
            assert_eq!(found_so_far(role, &payload), Some(Error::InvalidText), "{invalid:x?}");
        }
    }
}

#[test]
fn a_character_that_can_become_nothing_is_refused_at_its_second_byte() {
    for role in BOTH {
        for hopeless in [b"\xf4\x90", b"\xed\xa0", b"\xe0\x80", b"\xf0\x80"] {
            assert_eq!(found_so_far(role, hopeless), Some(Error::InvalidText));
        }
        for hopeful in [b"\xf4\x8f", b"\xed\x9f", b"\xe0\xa0", b"\xf0\x90"] {
            assert_eq!(found_so_far(role, hopeful), None);
        }
    }
}

#[test]
fn binary_messages_and_pings_are_not_text() {
    for role in BOTH {
        let bytes =
            [frame(role, Opcode::Binary, [0xff]), frame(role, Opcode::Ping, [0xff])].concat();
        assert_eq!(heard_well(role, &bytes), [Said::Binary(vec![0xff]), Said::Ping(vec![0xff])]);
    }
}

#[test]
fn invalid_text_closes_with_1007() {
    assert_eq!(Error::InvalidText.close_code(), 1007);
    assert_eq!(Error::InvalidReason.close_code(), 1007);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_in_any_fragments_is_judged_like_the_standard_library_does(
        payload in prop_oneof![
            any::<String>().prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..12),
            proptest::collection::vec(prop_oneof![
                Just(0x41), 0x80_u8..0xc0, 0xc2_u8..0xe0, 0xe0_u8..0xf5
            ], 0..8),
        ],
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
        cuts.sort_unstable();
        for role in BOTH {
            let mut bytes = Vec::new();
            let (mut opcode, mut start) = (Opcode::Text, 0);
            for &cut in &cuts {
                bytes.extend(fragment(role, opcode, &payload[start..cut]));
                (opcode, start) = (Opcode::Continuation, cut);
            }
            bytes.extend(frame(role, opcode, &payload[start..]));
            let expected = match String::from_utf8(payload.clone()) {
                Ok(valid) => (vec![Said::Text(valid)], None),
                Err(_) => (vec![], Some(Error::InvalidText)),
            };
            prop_assert_eq!(hear(role, &bytes), expected);
        }
    }
}
