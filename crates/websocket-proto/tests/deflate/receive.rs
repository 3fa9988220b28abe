//! Compressed messages, read and written.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use proptest::prelude::*;
use sockeye_websocket_proto::deflate::{self, Agreement, Deflater};
use sockeye_websocket_proto::{Error, Limits, Opcode, Receiver, Role, push_frame};

use crate::common::{BOTH, Frame, Heard, Said, feed, fragment, frame, text};

/// Both sides take context over.
const TAKEOVER: Agreement = Agreement {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: None,
    client_max_window_bits: None,
};

/// Neither does.
const ALONE: Agreement =
    Agreement { server_no_context_takeover: true, client_no_context_takeover: true, ..TAKEOVER };

/// The frame, marked as the first of a compressed message.
fn marked(mut frame: Vec<u8>) -> Vec<u8> {
    deflate::mark(&mut frame);
    frame
}

/// A whole compressed message to `role`.
fn compressed(role: Role, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    marked(frame(role, opcode, payload))
}

fn hear_within(
    role: Role,
    agreed: Agreement,
    limits: Limits,
    wire: &[u8],
    portion: usize,
) -> Heard {
    let mut receiver = Receiver::new(role, limits).inflating(agreed.inflater(role));
    let mut heard = Heard::default();
    for piece in wire.chunks(portion) {
        feed(&mut receiver, piece, &mut heard);
    }
    heard
}

/// What `role` makes of the bytes, at once and one by one.
fn hear(role: Role, agreed: Agreement, wire: &[u8]) -> Heard {
    let whole = hear_within(role, agreed, Limits::default(), wire, wire.len());
    let single = hear_within(role, agreed, Limits::default(), wire, 1);
    assert_eq!(whole, single, "byte by byte");
    whole
}

fn broken_rule(role: Role, agreed: Agreement, wire: &[u8]) -> Error {
    hear(role, agreed, wire).1.expect("a broken rule")
}

/// What another implementation of DEFLATE makes of a message.
fn deflate_elsewhere(message: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(message.len() * 2 + 64);
    let mut state = Compress::new(Compression::best(), false);
    state.compress_vec(message, &mut payload, FlushCompress::Sync).unwrap();
    assert!(payload.ends_with(&[0, 0, 0xff, 0xff]));
    payload.truncate(payload.len() - 4);
    payload
}

/// The examples of RFC 7692, 7.2.3.
#[test]
fn the_examples_of_the_specification_say_hello() {
    const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for role in BOTH {
        for payload in [
            &HELLO[..],
            // A block that is stored.
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            // The last block of its stream, with and without what should follow.
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            // Two blocks.
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ] {
            let twice = compressed(role, Opcode::Text, payload).repeat(2);
            for agreed in [TAKEOVER, ALONE] {
                let said = (vec![text("Hello"), text("Hello")], None);
                assert_eq!(hear(role, agreed, &twice), said, "{payload:02x?}");
            }
        }
        // In two frames; and the second time as a reference to the first.
        let fragmented = [
            marked(fragment(role, Opcode::Text, &HELLO[..3])),
            frame(role, Opcode::Ping, "!"),
            frame(role, Opcode::Continuation, &HELLO[3..]),
            compressed(role, Opcode::Text, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
        ];
        let said = vec![Said::Ping(b"!".to_vec()), text("Hello"), text("Hello")];
        assert_eq!(hear(role, TAKEOVER, &fragmented.concat()), (said, None));
    }
}

#[test]
fn an_empty_message_is_an_empty_block_or_nothing() {
    for role in BOTH {
        for payload in [&[0x00][..], &[], &[0x03, 0x00], &[0x02, 0x00]] {
            let wire = [
                compressed(role, Opcode::Binary, payload),
                compressed(role, Opcode::Text, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
            ];
            for agreed in [TAKEOVER, ALONE] {
                let said = vec![Said::Binary(Vec::new()), text("Hello")];
                assert_eq!(hear(role, agreed, &wire.concat()), (said, None), "{payload:02x?}");
            }
        }
    }
}

#[test]
fn uncompressed_messages_pass_among_compressed_ones() {
    for role in BOTH {
        let wire = [
            compressed(role, Opcode::Text, &deflate_elsewhere(b"one")),
            frame(role, Opcode::Text, "two"),
            fragment(role, Opcode::Text, "th"),
            frame(role, Opcode::Continuation, "ree"),
            compressed(role, Opcode::Text, &deflate_elsewhere(b"four")),
        ];
        let said = ["one", "two", "three", "four"].map(text).to_vec();
        assert_eq!(hear(role, ALONE, &wire.concat()), (said, None));
    }
}

#[test]
fn the_bit_is_refused_where_it_means_nothing() {
    for role in BOTH {
        for opcode in [Opcode::Ping, Opcode::Pong, Opcode::Close, Opcode::Continuation] {
            let wire =
                [marked(fragment(role, Opcode::Text, [0xf2])), marked(frame(role, opcode, []))];
            let first = 0xc0 | opcode as u8;
            assert_eq!(
                broken_rule(role, ALONE, &wire.concat()),
                Error::ReservedBits(first),
                "{opcode}"
            );
        }
        for bits in [0x20, 0x10, 0x60, 0x50] {
            let mut wire = Frame::to(role, Opcode::Text, [0]);
            wire.first |= bits;
            let error = broken_rule(role, ALONE, &wire.bytes());
            assert_eq!((error, error.close_code()), (Error::ReservedBits(wire.first), 1002));
        }
        // Nobody has negotiated anything.
        let wire = compressed(role, Opcode::Text, &[0]);
        let first = Error::ReservedBits(0xc1);
        assert_eq!(crate::common::broken_rule(role, &wire), first);
    }
}

#[test]
fn text_is_checked_after_it_was_decompressed() {
    for role in BOTH {
        let payload = deflate_elsewhere("grüße, 世界".as_bytes());
        let wire = compressed(role, Opcode::Text, &payload);
        assert_eq!(hear(role, ALONE, &wire), (vec![text("grüße, 世界")], None));
        for bytes in [&b"\xffabc"[..], b"abc\xc3", b"\xed\xa0\x80"] {
            let payload = deflate_elsewhere(bytes);
            let wire = compressed(role, Opcode::Text, &payload);
            assert_eq!(broken_rule(role, ALONE, &wire), Error::InvalidText);
            let wire = compressed(role, Opcode::Binary, &payload);
            assert_eq!(hear(role, ALONE, &wire), (vec![Said::Binary(bytes.to_vec())], None));
        }
    }
}

#[test]
fn what_is_not_compressed_is_refused_with_1007() {
    for role in BOTH {
        for payload in [&[0xff; 10][..], b"hello", &[0x00, 0x05, 0x00, 0xfa, 0xfe, 0x48]] {
            let error = broken_rule(role, TAKEOVER, &compressed(role, Opcode::Binary, payload));
            assert_eq!((error, error.close_code()), (Error::InvalidDeflate, 1007));
        }
    }
}

#[test]
fn who_promised_messages_that_stand_alone_cannot_refer_to_earlier_ones() {
    for role in BOTH {
        let wire = [
            compressed(role, Opcode::Text, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
            compressed(role, Opcode::Text, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
        ];
        let (said, error) = hear(role, ALONE, &wire.concat());
        assert_eq!((said, error), (vec![text("Hello")], Some(Error::InvalidDeflate)));
    }
}

#[test]
fn a_message_may_be_as_large_as_the_limit_and_not_larger() {
    let limits = Limits { frame: 1000, message: 1000, fragments: 10 };
    for role in BOTH {
        let payload = deflate_elsewhere(&[7; 1000]);
        let wire = compressed(role, Opcode::Binary, &payload);
        let said = (vec![Said::Binary(vec![7; 1000])], None);
        assert_eq!(hear_within(role, ALONE, limits, &wire, 7), said);
        for more in [1001, 100_000] {
            let payload = deflate_elsewhere(&vec![7; more]);
            for portion in [1, 7, 1000] {
                let wire = compressed(role, Opcode::Binary, &payload);
                let (_, error) = hear_within(role, ALONE, limits, &wire, portion);
                let error = error.expect("it is too large");
                let expected = Error::MessageTooLarge { length: 1001, limit: 1000 };
                assert_eq!((error, error.close_code()), (expected, 1009));
            }
        }
    }
}

#[test]
fn what_cannot_be_made_smaller_may_grow_a_little_on_its_way() {
    let limits = Limits { frame: 1000, message: 1000, fragments: 10 };
    let stored = |length: u16| {
        let mut payload = vec![0];
        payload.extend_from_slice(&length.to_le_bytes());
        payload.extend_from_slice(&(!length).to_le_bytes());
        payload.resize(payload.len() + usize::from(length), 0xab);
        payload.push(0);
        payload
    };
    for role in BOTH {
        let wire = compressed(role, Opcode::Binary, &stored(1000));
        let said = (vec![Said::Binary(vec![0xab; 1000])], None);
        assert_eq!(hear_within(role, ALONE, limits, &wire, wire.len()), said);
        // Blocks in which nothing is, without an end.
        let wire = compressed(role, Opcode::Binary, &[0, 0, 0, 0xff, 0xff].repeat(500));
        let (_, error) = hear_within(role, ALONE, limits, &wire, wire.len());
        let expected = Error::FrameTooLarge { length: 2500, limit: 2149 };
        assert_eq!(error, Some(expected));
        let part = [0, 0, 0, 0xff, 0xff].repeat(200);
        let wire = [
            marked(fragment(role, Opcode::Binary, &part)),
            fragment(role, Opcode::Continuation, &part),
            fragment(role, Opcode::Continuation, &part),
        ];
        let (_, error) = hear_within(role, ALONE, limits, &wire.concat(), 9);
        assert_eq!(error, Some(Error::MessageTooLarge { length: 3000, limit: 2149 }));
    }
}

#[test]
fn what_we_compress_another_implementation_reads() {
    let mut ours = TAKEOVER.deflater(Role::Server, 6).expect("a usual window");
    let mut theirs = Decompress::new(false);
    for number in 0..50_usize {
        let message = format!("{number}: {}", "abcdefgh ".repeat(number * number));
        let mut payload = Vec::new();
        ours.compress(message.as_bytes(), &mut payload);
        payload.extend_from_slice(&[0, 0, 0xff, 0xff]);
        let mut read = Vec::with_capacity(message.len() + 1);
        theirs.decompress_vec(&payload, &mut read, FlushDecompress::Sync).unwrap();
        assert!(read == message.as_bytes(), "message {number}");
    }
}

#[test]
fn a_message_compressed_alone_is_the_same_every_time() {
    let mut deflater = Deflater::alone(1);
    let mut once = || {
        let mut payload = vec![1, 2];
        deflater.compress(&b"the same words ".repeat(300), &mut payload);
        payload
    };
    let first = once();
    assert_eq!(first[..2], [1, 2]);
    assert!(first.len() < 200, "{}", first.len());
    assert_eq!(once(), first);
}

#[test]
fn there_is_a_compressor_for_every_window_but_the_smallest() {
    for bits in 8..=15 {
        let agreed = Agreement { client_max_window_bits: Some(bits), ..TAKEOVER };
        let deflater = agreed.deflater(Role::Client, 9);
        assert_eq!(deflater.is_some(), bits > 8);
        let Some(mut deflater) = deflater else { continue };
        // Words that repeat at a distance that a smaller window does not reach.
        let message: Vec<u8> = (0..60_000_u32).flat_map(|n| (n % 3000).to_le_bytes()).collect();
        let mut payload = Vec::new();
        deflater.compress(&message, &mut payload);
        let wire = compressed(Role::Server, Opcode::Binary, &payload);
        let (said, error) = hear_within(Role::Server, agreed, Limits::default(), &wire, 1000);
        assert_eq!(error, None);
        assert!(said == [Said::Binary(message)], "{bits} bits");
    }
}

/// Words that can be compressed, and noise that cannot.
fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 0..300),
        ("[a-d]{1,8}", 1..3000_usize).prop_map(|(word, times)| word.repeat(times).into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_come_out_as_they_went_in_however_they_are_cut(
        messages in proptest::collection::vec((message(), any::<bool>()), 1..8),
        alone in any::<bool>(),
        level in 1..=9_u32,
        cut in 1..200_usize,
        portion in 1..2000_usize,
    ) {
        let agreed = if alone { ALONE } else { TAKEOVER };
        for (role, other) in [(Role::Server, Role::Client), (Role::Client, Role::Server)] {
            let mut deflater = agreed.deflater(other, level).expect("a usual window");
            let mask = (role == Role::Server).then_some([0xa1, 0x02, 0xf3, 0x74]);
            let mut wire = Vec::new();
            for (message, compress) in &messages {
                let mut payload = Vec::new();
                if *compress {
                    deflater.compress(message, &mut payload);
                } else {
                    payload.extend_from_slice(message);
                }
                let (start, mut opcode) = (wire.len(), Opcode::Binary);
                let mut rest = &payload[..];
                loop {
                    let (piece, later) = rest.split_at(cut.min(rest.len()));
                    push_frame(&mut wire, opcode, later.is_empty(), mask, piece);
                    push_frame(&mut wire, Opcode::Ping, true, mask, b"");
                    (rest, opcode) = (later, Opcode::Continuation);
                    if rest.is_empty() {
                        break;
                    }
                }
                if *compress {
                    deflate::mark(&mut wire[start..]);
                }
            }
            let (said, error) = hear_within(role, agreed, Limits::default(), &wire, portion);
            prop_assert_eq!(error, None);
            let heard: Vec<_> = said.into_iter().filter(|said| *said != Said::Ping(Vec::new())).collect();
            let expected: Vec<_> =
                messages.iter().map(|(message, _)| Said::Binary(message.clone())).collect();
            prop_assert!(heard == expected);
        }
    }

    #[test]
    fn arbitrary_payloads_never_panic_and_portions_never_matter(
        payloads in proptest::collection::vec(
            (proptest::collection::vec(prop_oneof![Just(0), Just(0xff), any::<u8>()], 0..60), any::<bool>()),
            1..6,
        ),
        alone in any::<bool>(),
        message in 0..200_usize,
        portion in 1..40_usize,
    ) {
        let agreed = if alone { ALONE } else { TAKEOVER };
        let limits = Limits { frame: 60, message, fragments: 4 };
        for role in BOTH {
            let frames = payloads.iter().map(|(payload, is_text)| {
                compressed(role, if *is_text { Opcode::Text } else { Opcode::Binary }, payload)
            });
            let wire = frames.collect::<Vec<_>>().concat();
            let whole = hear_within(role, agreed, limits, &wire, wire.len());
            prop_assert_eq!(&whole, &hear_within(role, agreed, limits, &wire, portion));
            prop_assert_eq!(&whole, &hear_within(role, agreed, limits, &wire, 1));
            for said in whole.0 {
                match said {
                    Said::Text(text) => prop_assert!(text.len() <= message),
                    Said::Binary(bytes) => prop_assert!(bytes.len() <= message),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }
}
