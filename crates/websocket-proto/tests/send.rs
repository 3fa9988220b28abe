//! RFC 6455, 6.1: messages become bytes.

mod common;

use common::{BOTH, Said, heard_well, text};
use proptest::prelude::*;
use sockeye_websocket_proto::{
    CLIENT_HEAD, Opcode, Role, SERVER_HEAD, push_close, push_frame, write_frame_head,
};

#[test]
fn a_server_writes_the_specifications_examples() {
    let mut out = Vec::new();
    push_frame(&mut out, Opcode::Text, true, None, b"Hello");
    assert_eq!(out, b"\x81\x05Hello");
    let mut out = Vec::new();
    push_frame(&mut out, Opcode::Binary, true, None, &[0; 256]);
    assert_eq!(out[..4], *b"\x82\x7e\x01\x00");
    let mut out = Vec::new();
    push_frame(&mut out, Opcode::Binary, true, None, &vec![0; 65_536]);
    assert_eq!(out[..10], *b"\x82\x7f\0\0\0\0\0\x01\0\0");
}

#[test]
fn a_client_writes_the_specifications_examples() {
    let mut out = Vec::new();
    push_frame(&mut out, Opcode::Text, true, Some([0x37, 0xfa, 0x21, 0x3d]), b"Hello");
    assert_eq!(out, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

#[test]
fn the_length_takes_the_fewest_bytes() {
    for (payload, head) in
        [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10), (usize::MAX >> 1, 10)]
    {
        let mut room = [0; SERVER_HEAD];
        assert_eq!(write_frame_head(&mut room, Opcode::Binary, payload), head);
    }
}

#[test]
fn no_head_is_longer_than_promised() {
    for (mask, most) in [(None, SERVER_HEAD), (Some([1, 2, 3, 4]), CLIENT_HEAD)] {
        let mut out = Vec::new();
        push_frame(&mut out, Opcode::Binary, true, mask, &vec![0; 70_000]);
        assert_eq!(out.len(), most + 70_000);
    }
}

#[test]
fn a_head_stands_at_the_end_of_the_room_and_leaves_the_rest_alone() {
    let mut room = [0xaa; 20];
    let head = write_frame_head(&mut room, Opcode::Text, 300);
    assert_eq!(head, 4);
    assert_eq!(room[..16], [0xaa; 16]);
    assert_eq!(room[16..], [0x81, 126, 1, 44]);
}

#[test]
fn frames_are_appended_to_what_is_there() {
    let mut out = b"kept".to_vec();
    push_frame(&mut out, Opcode::Ping, true, Some([9; 4]), b"p");
    push_close(&mut out, None, "", Some([9; 4]));
    assert_eq!(out[..4], *b"kept");
    let said = heard_well(Role::Server, &out[4..]);
    assert_eq!(said, [Said::Ping(b"p".to_vec()), Said::Close(None)]);
}

#[test]
fn a_close_says_its_code_and_reason_to_both_sides() {
    for role in BOTH {
        let mut out = Vec::new();
        let mask = (role == Role::Server).then_some([1, 2, 3, 4]);
        push_close(&mut out, Some(4001), "bis bald", mask);
        assert_eq!(heard_well(role, &out), [Said::Close(Some((4001, "bis bald".to_owned())))]);
    }
}

#[test]
fn a_close_without_a_code_has_no_reason() {
    let mut out = Vec::new();
    push_close(&mut out, None, "not said", None);
    assert_eq!(out, b"\x88\x00");
}

#[test]
fn a_reason_too_long_is_cut_between_characters() {
    let mut out = Vec::new();
    push_close(&mut out, Some(1000), &"€".repeat(50), None);
    assert_eq!(heard_well(Role::Client, &out), [Said::Close(Some((1000, "€".repeat(41))))]);
    let mut out = Vec::new();
    push_close(&mut out, Some(1000), &format!("x{}", "€".repeat(50)), None);
    assert_eq!(out.len(), 2 + 2 + 1 + 40 * 3);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_head_written_in_front_and_a_frame_pushed_are_the_same(
        (length, byte) in (0..70_000_usize, any::<u8>()),
        room in SERVER_HEAD..30,
    ) {
        let payload = vec![byte; length];
        let mut buffer = vec![0; room];
        buffer.extend_from_slice(&payload);
        let head = write_frame_head(&mut buffer[..room], Opcode::Binary, payload.len());
        let mut pushed = Vec::new();
        push_frame(&mut pushed, Opcode::Binary, true, None, &payload);
        prop_assert_eq!(&buffer[room - head..], &pushed[..]);
    }

    #[test]
    fn a_fragmented_text_is_heard_whole(parts in proptest::collection::vec(any::<String>(), 1..5)) {
        for role in BOTH {
            let mask = (role == Role::Server).then_some([3, 1, 4, 1]);
            let mut out = Vec::new();
            for (at, part) in parts.iter().enumerate() {
                let opcode = if at == 0 { Opcode::Text } else { Opcode::Continuation };
                push_frame(&mut out, opcode, at + 1 == parts.len(), mask, part.as_bytes());
            }
            prop_assert_eq!(heard_well(role, &out), [text(&parts.concat())]);
        }
    }
}
