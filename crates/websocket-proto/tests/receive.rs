//! RFC 6455, 6.2: bytes come in any portions and mean the same.

mod common;

use common::{BOTH, Heard, Said, feed, fragment, frame, hear, hear_pieces, text};
use proptest::prelude::*;
use sockeye_websocket_proto::{
    Error, Event, Limits, Opcode, Receiver, Role, push_close, push_frame,
};

#[test]
fn a_whole_message_is_handed_out_from_where_it_was_read() {
    for role in BOTH {
        let mut bytes = frame(role, Opcode::Binary, [7; 40]);
        let place = bytes.as_ptr_range();
        let mut receiver = Receiver::new(role, Limits::default());
        let mut incoming = receiver.receive(&mut bytes);
        let Ok(Some(Event::Binary(payload))) = incoming.next() else { panic!("a message") };
        assert_eq!(payload, [7; 40]);
        assert!(place.contains(&payload.as_ptr()), "a copy was made");
    }
}

#[test]
fn many_messages_in_one_read_come_in_order() {
    for role in BOTH {
        let bytes: Vec<u8> =
            (0..500).flat_map(|n| frame(role, Opcode::Text, format!("number {n}"))).collect();
        let expected: Vec<Said> = (0..500).map(|n| text(&format!("number {n}"))).collect();
        assert_eq!(hear(role, &bytes), (expected, None));
    }
}

#[test]
fn a_message_may_be_split_anywhere_between_two_reads() {
    for role in BOTH {
        let payload = "long enough for a length of two bytes ".repeat(10);
        let bytes =
            [frame(role, Opcode::Text, &payload), frame(role, Opcode::Pong, "after")].concat();
        for cut in 0..=bytes.len() {
            let pieces = [&bytes[..cut], &bytes[cut..]];
            let said = vec![text(&payload), Said::Pong(b"after".to_vec())];
            assert_eq!(hear_pieces(role, Limits::default(), pieces), (said, None), "cut at {cut}");
        }
    }
}

#[test]
fn a_ping_split_between_reads_inside_a_fragmented_message_is_heard() {
    for role in BOTH {
        let bytes = [
            fragment(role, Opcode::Text, "a"),
            frame(role, Opcode::Ping, "0123456789"),
            frame(role, Opcode::Continuation, "b"),
        ]
        .concat();
        for size in 1..bytes.len() {
            let heard = hear_pieces(role, Limits::default(), bytes.chunks(size));
            let said = vec![Said::Ping(b"0123456789".to_vec()), text("ab")];
            assert_eq!(heard, (said, None), "pieces of {size}");
        }
    }
}

#[test]
fn an_empty_read_changes_nothing() {
    for role in BOTH {
        let bytes = frame(role, Opcode::Text, "Hello");
        let pieces = [&[][..], &bytes[..3], &[], &bytes[3..], &[]];
        assert_eq!(hear_pieces(role, Limits::default(), pieces), (vec![text("Hello")], None));
    }
}

#[test]
fn what_came_before_a_broken_rule_is_heard_and_nothing_after() {
    for role in BOTH {
        let bytes = [
            frame(role, Opcode::Text, "good"),
            frame(role, Opcode::Continuation, "bad"),
            frame(role, Opcode::Text, "not heard"),
        ]
        .concat();
        assert_eq!(hear(role, &bytes), (vec![text("good")], Some(Error::UnexpectedContinuation)));
    }
}

#[test]
fn after_a_broken_rule_the_receiver_is_done_and_holds_nothing() {
    for role in BOTH {
        let mut receiver = Receiver::new(role, Limits::default());
        let mut heard = Heard::default();
        feed(&mut receiver, &fragment(role, Opcode::Text, "begun"), &mut heard);
        feed(&mut receiver, &frame(role, Opcode::Text, "bad"), &mut heard);
        assert_eq!(heard.1, Some(Error::ExpectedContinuation(Opcode::Text)));
        assert!(receiver.is_done());
        assert_eq!(receiver.buffered(), 0);
        feed(&mut receiver, &frame(role, Opcode::Text, "more"), &mut heard);
        assert_eq!(heard.0, []);
    }
}

/// What a peer may write.
#[derive(Clone, Debug)]
enum Act {
    Message(Opcode, Vec<Vec<u8>>),
    Control(Opcode, Vec<u8>),
    Close(Option<(u16, String)>),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let bytes = |most| proptest::collection::vec(any::<u8>(), 0..most);
    let binary = proptest::collection::vec(bytes(300), 1..4)
        .prop_map(|fragments| Act::Message(Opcode::Binary, fragments));
    let text = (any::<String>(), proptest::collection::vec(any::<prop::sample::Index>(), 0..3))
        .prop_map(|(text, cuts)| Act::Message(Opcode::Text, cut(text.as_bytes(), &cuts)));
    let control = (prop_oneof![Just(Opcode::Ping), Just(Opcode::Pong)], bytes(126))
        .prop_map(|(opcode, payload)| Act::Control(opcode, payload));
    let close = proptest::option::of((3000..5000_u16, "[a-z]{0,20}")).prop_map(Act::Close);
    let act = prop_oneof![4 => binary, 4 => text, 2 => control];
    (proptest::collection::vec(act, 0..8), proptest::option::of(close))
        .prop_map(|(acts, close)| acts.into_iter().chain(close).collect())
}

fn cut(bytes: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain(std::iter::once(bytes.len()));
    starts.zip(ends).map(|(start, end)| bytes[start..end].to_vec()).collect()
}

/// Writes the acts with the crate's own sending half, a ping behind each fragment.
fn written(role: Role, acts: &[Act], key: [u8; 4]) -> (Vec<u8>, Vec<Said>) {
    let mask = (role == Role::Server).then_some(key);
    let (mut out, mut said) = (Vec::new(), Vec::new());
    for act in acts {
        match act {
            Act::Message(opcode, fragments) => {
                for (at, fragment) in fragments.iter().enumerate() {
                    let opcode = if at == 0 { *opcode } else { Opcode::Continuation };
                    let fin = at + 1 == fragments.len();
                    push_frame(&mut out, opcode, fin, mask, fragment);
                    if !fin {
                        push_frame(&mut out, Opcode::Ping, true, mask, b"between");
                        said.push(Said::Ping(b"between".to_vec()));
                    }
                }
                let whole = fragments.concat();
                said.push(match opcode {
                    Opcode::Text => Said::Text(String::from_utf8(whole).expect("it was a string")),
                    _ => Said::Binary(whole),
                });
            }
            Act::Control(opcode, payload) => {
                push_frame(&mut out, *opcode, true, mask, payload);
                let payload = payload.clone();
                said.push(match opcode {
                    Opcode::Ping => Said::Ping(payload),
                    _ => Said::Pong(payload),
                });
            }
            Act::Close(frame) => {
                let (code, reason) = frame.clone().unzip();
                push_close(&mut out, code, &reason.unwrap_or_default(), mask);
                said.push(Said::Close(frame.clone()));
            }
        }
    }
    (out, said)
}

fn pieces<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
        if bytes.is_empty() {
            return pieces;
        }
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_one_side_writes_the_other_hears_in_any_pieces(
        acts in acts(),
        key: [u8; 4],
        sizes in proptest::collection::vec(1..200_usize, 1..6),
    ) {
        for role in BOTH {
            let (bytes, said) = written(role, &acts, key);
            prop_assert_eq!(hear(role, &bytes), (said.clone(), None));
            let heard = hear_pieces(role, Limits::default(), pieces(&bytes, &sizes));
            prop_assert_eq!(heard, (said, None));
        }
    }

    #[test]
    fn damaged_bytes_mean_the_same_in_any_pieces(
        acts in acts(),
        key: [u8; 4],
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        sizes in proptest::collection::vec(1..50_usize, 1..6),
    ) {
        for role in BOTH {
            let (mut bytes, _) = written(role, &acts, key);
            bytes.push(0);
            for (at, value) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            let whole = hear(role, &bytes);
            let heard = hear_pieces(role, Limits::default(), pieces(&bytes, &sizes));
            prop_assert_eq!(heard, whole);
        }
    }
}
