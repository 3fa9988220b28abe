//! RFC 6455, 5.4: fragmentation.

mod common;

use common::{BOTH, Said, broken_rule, fragment, frame, hear, heard_well, text};
use sockeye_websocket_proto::{Error, Opcode};

#[test]
fn fragments_become_one_message() {
    for role in BOTH {
        let bytes = [
            fragment(role, Opcode::Text, "one "),
            fragment(role, Opcode::Continuation, "two "),
            frame(role, Opcode::Continuation, "three"),
        ]
        .concat();
        assert_eq!(heard_well(role, &bytes), [text("one two three")]);
    }
}

#[test]
fn binary_fragments_become_one_message() {
    for role in BOTH {
        let bytes = [
            fragment(role, Opcode::Binary, [0xff, 0xfe]),
            frame(role, Opcode::Continuation, [0xfd]),
        ]
        .concat();
        assert_eq!(heard_well(role, &bytes), [Said::Binary(vec![0xff, 0xfe, 0xfd])]);
    }
}

#[test]
fn fragments_may_be_empty() {
    for role in BOTH {
        let bytes = [
            fragment(role, Opcode::Text, ""),
            fragment(role, Opcode::Continuation, "middle"),
            fragment(role, Opcode::Continuation, ""),
            frame(role, Opcode::Continuation, ""),
        ]
        .concat();
        assert_eq!(heard_well(role, &bytes), [text("middle")]);
    }
}

#[test]
fn a_message_of_empty_fragments_is_empty() {
    for role in BOTH {
        let bytes =
            [fragment(role, Opcode::Binary, ""), frame(role, Opcode::Continuation, "")].concat();
        assert_eq!(heard_well(role, &bytes), [Said::Binary(vec![])]);
    }
}

#[test]
fn pings_between_fragments_are_heard_at_once_and_disturb_nothing() {
    for role in BOTH {
        let bytes = [
            fragment(role, Opcode::Text, "first "),
            frame(role, Opcode::Ping, "a"),
            fragment(role, Opcode::Continuation, "second "),
            frame(role, Opcode::Ping, "b"),
            frame(role, Opcode::Pong, ""),
            frame(role, Opcode::Continuation, "third"),
        ]
        .concat();
        let ping = |payload: &str| Said::Ping(payload.into());
        assert_eq!(
            heard_well(role, &bytes),
            [ping("a"), ping("b"), Said::Pong(vec![]), text("first second third")]
        );
    }
}

#[test]
fn a_close_between_fragments_ends_the_connection_without_the_message() {
    for role in BOTH {
        let bytes = [
            fragment(role, Opcode::Text, "never finished"),
            frame(role, Opcode::Close, b"\x03\xe8"),
            frame(role, Opcode::Continuation, "too late"),
        ]
        .concat();
        assert_eq!(heard_well(role, &bytes), [Said::Close(Some((1000, String::new())))]);
    }
}

#[test]
fn a_continuation_without_a_start_is_refused() {
    for role in BOTH {
        let alone = frame(role, Opcode::Continuation, "what?");
        assert_eq!(broken_rule(role, &alone), Error::UnexpectedContinuation);
        let unfinished = fragment(role, Opcode::Continuation, "what?");
        assert_eq!(broken_rule(role, &unfinished), Error::UnexpectedContinuation);
    }
}

#[test]
fn a_continuation_after_the_end_is_refused() {
    for role in BOTH {
        let bytes = [
            fragment(role, Opcode::Text, "a"),
            frame(role, Opcode::Continuation, "b"),
            frame(role, Opcode::Continuation, "c"),
        ]
        .concat();
        assert_eq!(hear(role, &bytes), (vec![text("ab")], Some(Error::UnexpectedContinuation)));
    }
}

#[test]
fn a_new_message_inside_another_is_refused() {
    for role in BOTH {
        for opcode in [Opcode::Text, Opcode::Binary] {
            let bytes = [fragment(role, Opcode::Text, "a"), frame(role, opcode, "b")].concat();
            assert_eq!(broken_rule(role, &bytes), Error::ExpectedContinuation(opcode));
        }
    }
}

#[test]
fn broken_fragmentation_closes_with_1002() {
    assert_eq!(Error::UnexpectedContinuation.close_code(), 1002);
    assert_eq!(Error::ExpectedContinuation(Opcode::Text).close_code(), 1002);
}
