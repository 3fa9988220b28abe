//! RFC 6455, 5.5.1 and 7.4: close frames.

mod common;

use common::{BOTH, Said, broken_rule, frame, heard_well, text};
use sockeye_websocket_proto::{Error, Limits, Opcode, Receiver, is_valid_code};

fn close(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_ref()].concat()
}

#[test]
fn a_close_may_say_nothing() {
    for role in BOTH {
        let bytes = frame(role, Opcode::Close, "");
        assert_eq!(heard_well(role, &bytes), [Said::Close(None)]);
    }
}

#[test]
fn a_close_carries_a_code_and_a_reason() {
    for role in BOTH {
        let bytes = frame(role, Opcode::Close, close(1001, "tschüß"));
        assert_eq!(heard_well(role, &bytes), [Said::Close(Some((1001, "tschüß".to_owned())))]);
    }
}

#[test]
fn the_longest_reason_has_123_bytes() {
    for role in BOTH {
        let reason = "x".repeat(123);
        let bytes = frame(role, Opcode::Close, close(1000, &reason));
        assert_eq!(heard_well(role, &bytes), [Said::Close(Some((1000, reason)))]);
        let longer = frame(role, Opcode::Close, close(1000, "x".repeat(124)));
        assert_eq!(broken_rule(role, &longer), Error::LongControl(Opcode::Close));
    }
}

#[test]
fn half_a_code_is_refused() {
    for role in BOTH {
        let bytes = frame(role, Opcode::Close, [3]);
        assert_eq!(broken_rule(role, &bytes), Error::TruncatedCloseCode);
    }
}

#[test]
fn every_code_is_taken_or_refused_as_the_registry_says() {
    let on_the_wire = |code| match code {
        1004 | 1005 | 1006 | 1015 => false,
        1000..=1014 | 3000..=4999 => true,
        _ => false,
    };
    for code in 0..=u16::MAX {
        assert_eq!(is_valid_code(code), on_the_wire(code), "{code}");
    }
}

#[test]
fn a_code_that_must_not_be_on_the_wire_is_refused() {
    for role in BOTH {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
            let bytes = frame(role, Opcode::Close, close(code, "why"));
            assert_eq!(broken_rule(role, &bytes), Error::InvalidCloseCode(code));
        }
    }
}

#[test]
fn a_reason_that_is_not_utf_8_is_refused() {
    for role in BOTH {
        let bytes =
            frame(role, Opcode::Close, close(1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0"));
        assert_eq!(broken_rule(role, &bytes), Error::InvalidReason);
    }
}

#[test]
fn after_a_close_nothing_is_heard() {
    for role in BOTH {
        let bytes = [
            frame(role, Opcode::Text, "before"),
            frame(role, Opcode::Close, close(1000, "")),
            frame(role, Opcode::Text, "after"),
            vec![0xff; 20],
        ]
        .concat();
        let said = [text("before"), Said::Close(Some((1000, String::new())))];
        assert_eq!(heard_well(role, &bytes), said);
    }
}

#[test]
fn after_a_close_the_receiver_is_done_and_holds_nothing() {
    for role in BOTH {
        let mut receiver = Receiver::new(role, Limits::default());
        let mut heard = common::Heard::default();
        common::feed(&mut receiver, &common::fragment(role, Opcode::Text, "begun"), &mut heard);
        assert!(!receiver.is_done());
        assert_ne!(receiver.buffered(), 0);
        common::feed(&mut receiver, &frame(role, Opcode::Close, ""), &mut heard);
        assert!(receiver.is_done());
        assert_eq!(receiver.buffered(), 0);
    }
}

#[test]
fn broken_close_frames_close_with_1002() {
    assert_eq!(Error::TruncatedCloseCode.close_code(), 1002);
    assert_eq!(Error::InvalidCloseCode(1005).close_code(), 1002);
}
