//! RFC 6455, 5.2 and 5.5: a frame's head.

mod common;

use common::{BOTH, Frame, KEY, Said, broken_rule, frame, heard_well, text};
use sockeye_websocket_proto::{Error, Opcode, Role};

#[test]
fn both_sides_read_a_text_frame() {
    for role in BOTH {
        assert_eq!(heard_well(role, &frame(role, Opcode::Text, "Hello")), [text("Hello")]);
    }
}

#[test]
fn both_sides_read_a_binary_frame() {
    for role in BOTH {
        let bytes = frame(role, Opcode::Binary, [0, 255, 128]);
        assert_eq!(heard_well(role, &bytes), [Said::Binary(vec![0, 255, 128])]);
    }
}

#[test]
fn an_empty_message_is_a_message() {
    for role in BOTH {
        let bytes = [frame(role, Opcode::Text, ""), frame(role, Opcode::Binary, "")].concat();
        assert_eq!(heard_well(role, &bytes), [text(""), Said::Binary(vec![])]);
    }
}

#[test]
fn pings_and_pongs_carry_up_to_125_bytes() {
    for role in BOTH {
        let longest = vec![7; 125];
        let bytes =
            [frame(role, Opcode::Ping, &longest), frame(role, Opcode::Pong, &longest)].concat();
        assert_eq!(heard_well(role, &bytes), [Said::Ping(longest.clone()), Said::Pong(longest)]);
    }
}

#[test]
fn all_three_forms_of_length_are_read() {
    for role in BOTH {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let bytes = frame(role, Opcode::Binary, vec![9; length]);
            assert_eq!(heard_well(role, &bytes), [Said::Binary(vec![9; length])]);
        }
    }
}

#[test]
fn the_examples_of_the_specification_are_read() {
    assert_eq!(heard_well(Role::Client, b"\x81\x05\x48\x65\x6c\x6c\x6f"), [text("Hello")]);
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(heard_well(Role::Server, masked), [text("Hello")]);
    let fragments = b"\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f";
    assert_eq!(heard_well(Role::Client, fragments), [text("Hello")]);
    let ping = b"\x89\x05\x48\x65\x6c\x6c\x6f";
    assert_eq!(heard_well(Role::Client, ping), [Said::Ping(b"Hello".to_vec())]);
    let pong = b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(heard_well(Role::Server, pong), [Said::Pong(b"Hello".to_vec())]);
}

#[test]
fn a_reserved_bit_is_refused_in_every_kind_of_frame() {
    for role in BOTH {
        for opcode in [Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong] {
            for bits in 1..8 {
                let mut bad = Frame::to(role, opcode, "");
                bad.first |= bits << 4;
                assert_eq!(broken_rule(role, &bad.bytes()), Error::ReservedBits(bad.first));
            }
        }
    }
}

#[test]
fn a_reserved_opcode_is_refused() {
    for role in BOTH {
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            let mut bad = Frame::to(role, Opcode::Text, "");
            bad.first = 0x80 | opcode;
            assert_eq!(broken_rule(role, &bad.bytes()), Error::UnknownOpcode(opcode));
        }
    }
}

#[test]
fn a_fragmented_control_frame_is_refused() {
    for role in BOTH {
        for opcode in [Opcode::Close, Opcode::Ping, Opcode::Pong] {
            let bad = Frame::to(role, opcode, "").unfinished();
            assert_eq!(broken_rule(role, &bad.bytes()), Error::FragmentedControl(opcode));
        }
    }
}

#[test]
fn a_control_frame_of_126_bytes_is_refused() {
    for role in BOTH {
        for opcode in [Opcode::Close, Opcode::Ping, Opcode::Pong] {
            let bad = frame(role, opcode, vec![0; 126]);
            assert_eq!(broken_rule(role, &bad), Error::LongControl(opcode));
        }
    }
}

#[test]
fn the_server_refuses_a_frame_without_a_mask() {
    let bad = frame(Role::Client, Opcode::Text, "Hello");
    assert_eq!(broken_rule(Role::Server, &bad), Error::Unmasked);
}

#[test]
fn the_client_refuses_a_frame_with_a_mask() {
    let bad = frame(Role::Server, Opcode::Text, "Hello");
    assert_eq!(broken_rule(Role::Client, &bad), Error::Masked);
}

#[test]
fn an_empty_frame_needs_its_mask_too() {
    let bad = frame(Role::Client, Opcode::Ping, "");
    assert_eq!(broken_rule(Role::Server, &bad), Error::Unmasked);
    let bad = frame(Role::Server, Opcode::Ping, "");
    assert_eq!(broken_rule(Role::Client, &bad), Error::Masked);
}

#[test]
fn a_length_in_more_bytes_than_it_needs_is_refused() {
    for role in BOTH {
        for short in [0_u16, 5, 125] {
            let mut bad = Frame::to(role, Opcode::Binary, "");
            bad.length = [&[126][..], &short.to_be_bytes()].concat();
            assert_eq!(broken_rule(role, &bad.bytes()), Error::LengthNotMinimal(short.into()));
        }
        for middle in [0_u64, 125, 126, 65_535] {
            let mut bad = Frame::to(role, Opcode::Binary, "");
            bad.length = [&[127][..], &middle.to_be_bytes()].concat();
            assert_eq!(broken_rule(role, &bad.bytes()), Error::LengthNotMinimal(middle));
        }
    }
}

#[test]
fn a_length_with_the_highest_bit_set_is_refused() {
    for role in BOTH {
        for length in [1 << 63, u64::MAX] {
            let bad = common::head(role, Opcode::Binary, true, length);
            assert_eq!(broken_rule(role, &bad), Error::LengthOverflow(length));
        }
    }
}

#[test]
fn a_bad_first_byte_is_refused_before_the_second_comes() {
    for role in BOTH {
        assert_eq!(broken_rule(role, &[0xc1]), Error::ReservedBits(0xc1));
        assert_eq!(broken_rule(role, &[0x09]), Error::FragmentedControl(Opcode::Ping));
    }
}

#[test]
fn a_bad_second_byte_is_refused_before_the_rest_comes() {
    assert_eq!(broken_rule(Role::Server, &[0x81, 0x05]), Error::Unmasked);
    assert_eq!(broken_rule(Role::Client, &[0x81, 0x85]), Error::Masked);
    assert_eq!(broken_rule(Role::Server, &[0x89, 0xfe]), Error::LongControl(Opcode::Ping));
}

#[test]
fn a_key_may_be_anything() {
    let mut bytes = b"\x81\x85\0\0\0\0Hello".to_vec();
    assert_eq!(heard_well(Role::Server, &bytes), [text("Hello")]);
    bytes[2..6].copy_from_slice(&KEY);
    sockeye_websocket_proto::mask::apply(KEY, 0, &mut bytes[6..]);
    assert_eq!(heard_well(Role::Server, &bytes), [text("Hello")]);
}

#[test]
fn every_broken_rule_of_the_head_closes_with_1002() {
    let rules = [
        Error::ReservedBits(0xc1),
        Error::UnknownOpcode(3),
        Error::FragmentedControl(Opcode::Ping),
        Error::LongControl(Opcode::Ping),
        Error::Unmasked,
        Error::Masked,
        Error::LengthNotMinimal(5),
        Error::LengthOverflow(u64::MAX),
    ];
    for rule in rules {
        assert_eq!(rule.close_code(), 1002, "{rule}");
    }
}
