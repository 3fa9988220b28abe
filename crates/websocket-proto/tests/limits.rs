//! RFC 6455, 10.4: what a peer may make us keep.

mod common;

use common::{BOTH, Heard, Said, feed, fragment, frame, head, hear_pieces, text};
use sockeye_websocket_proto::{Error, Limits, Opcode, Receiver, Role};

const SMALL: Limits = Limits { frame: 10, message: 20, fragments: 4 };

/// What a side with small limits says, at once and byte by byte.
fn hear(role: Role, bytes: &[u8]) -> Heard {
    let whole = hear_pieces(role, SMALL, [bytes]);
    assert_eq!(whole, hear_pieces(role, SMALL, bytes.chunks(1)));
    whole
}

#[test]
fn a_frame_at_the_limit_is_taken_and_one_byte_more_refused() {
    for role in BOTH {
        let taken = frame(role, Opcode::Text, "0123456789");
        assert_eq!(hear(role, &taken), (vec![text("0123456789")], None));
        let refused = frame(role, Opcode::Text, "0123456789+");
        let error = Error::FrameTooLarge { length: 11, limit: 10 };
        assert_eq!(hear(role, &refused), (vec![], Some(error)));
    }
}

#[test]
fn a_message_at_the_limit_is_taken_and_one_byte_more_refused() {
    for role in BOTH {
        let start =
            [fragment(role, Opcode::Binary, [1; 10]), fragment(role, Opcode::Continuation, [1; 4])]
                .concat();
        let taken = [start.clone(), frame(role, Opcode::Continuation, [1; 6])].concat();
        assert_eq!(hear(role, &taken), (vec![Said::Binary(vec![1; 20])], None));
        let refused = [start, frame(role, Opcode::Continuation, [1; 7])].concat();
        let error = Error::MessageTooLarge { length: 21, limit: 20 };
        assert_eq!(hear(role, &refused), (vec![], Some(error)));
    }
}

#[test]
fn a_single_frame_is_held_to_the_message_limit_too() {
    let limits = Limits { frame: 100, message: 20, fragments: 4 };
    for role in BOTH {
        let refused = frame(role, Opcode::Binary, [1; 21]);
        let error = Error::MessageTooLarge { length: 21, limit: 20 };
        assert_eq!(hear_pieces(role, limits, [&refused[..]]), (vec![], Some(error)));
    }
}

#[test]
fn a_message_of_four_frames_is_taken_and_of_five_refused() {
    for role in BOTH {
        let start = [
            fragment(role, Opcode::Text, ""),
            fragment(role, Opcode::Continuation, ""),
            fragment(role, Opcode::Continuation, ""),
        ]
        .concat();
        let taken = [start.clone(), frame(role, Opcode::Continuation, "x")].concat();
        assert_eq!(hear(role, &taken), (vec![text("x")], None));
        let refused = [
            start,
            fragment(role, Opcode::Continuation, ""),
            frame(role, Opcode::Continuation, ""),
        ]
        .concat();
        let error = Error::TooManyFragments { limit: 4 };
        assert_eq!(hear(role, &refused), (vec![], Some(error)));
    }
}

#[test]
fn limits_count_anew_with_each_message() {
    for role in BOTH {
        let message = [
            fragment(role, Opcode::Binary, [1; 10]),
            fragment(role, Opcode::Continuation, []),
            fragment(role, Opcode::Continuation, []),
            frame(role, Opcode::Continuation, [1; 10]),
        ]
        .concat();
        let (said, error) = hear(role, &message.repeat(3));
        assert_eq!((said.len(), error), (3, None));
    }
}

#[test]
fn control_frames_are_outside_the_limits() {
    let none = Limits { frame: 0, message: 0, fragments: 0 };
    for role in BOTH {
        let ping = frame(role, Opcode::Ping, [3; 125]);
        let heard = hear_pieces(role, none, [&ping[..]]);
        assert_eq!(heard, (vec![Said::Ping(vec![3; 125])], None));
    }
}

#[test]
fn limits_of_zero_leave_empty_messages() {
    let none = Limits { frame: 0, message: 0, fragments: 0 };
    for role in BOTH {
        let empty = frame(role, Opcode::Text, "");
        assert_eq!(hear_pieces(role, none, [&empty[..]]), (vec![text("")], None));
        let one = frame(role, Opcode::Text, "x");
        let error = Error::FrameTooLarge { length: 1, limit: 0 };
        assert_eq!(hear_pieces(role, none, [&one[..]]), (vec![], Some(error)));
    }
}

#[test]
fn a_frame_over_the_limit_is_refused_from_its_head_alone() {
    for role in BOTH {
        let announced = head(role, Opcode::Binary, true, 1 << 20);
        let error = Error::FrameTooLarge { length: 1 << 20, limit: 10 };
        assert_eq!(hear(role, &announced), (vec![], Some(error)));
    }
}

#[test]
fn the_longest_length_there_is_takes_no_memory_however_generous_the_limits() {
    let unlimited = Limits { frame: usize::MAX, message: usize::MAX, fragments: usize::MAX };
    for role in BOTH {
        for fin in [true, false] {
            let mut receiver = Receiver::new(role, unlimited);
            let mut heard = Heard::default();
            let announced = head(role, Opcode::Binary, fin, i64::MAX as u64);
            feed(&mut receiver, &announced, &mut heard);
            assert_eq!(heard, Heard::default());
            assert_eq!(receiver.buffered(), 0);
            feed(&mut receiver, &[0; 100], &mut heard);
            assert_eq!(receiver.buffered(), 100);
        }
    }
}

#[test]
fn a_second_fragment_of_the_longest_length_there_is_takes_no_memory_either() {
    let unlimited = Limits { frame: usize::MAX, message: usize::MAX, fragments: usize::MAX };
    for role in BOTH {
        let mut receiver = Receiver::new(role, unlimited);
        let mut heard = Heard::default();
        feed(&mut receiver, &fragment(role, Opcode::Binary, "abc"), &mut heard);
        feed(&mut receiver, &head(role, Opcode::Continuation, true, i64::MAX as u64), &mut heard);
        feed(&mut receiver, &[0; 100], &mut heard);
        assert_eq!(heard, Heard::default());
        assert!(receiver.buffered() < 300, "{}", receiver.buffered());
    }
}

#[test]
fn memory_follows_what_arrived_and_ends_at_the_size_of_the_message() {
    for role in BOTH {
        let mut receiver = Receiver::new(role, Limits::default());
        let bytes = frame(role, Opcode::Binary, vec![1; 100_000]);
        let (last, most) = bytes.split_last().expect("not empty");
        let mut heard = Heard::default();
        let mut arrived = 0;
        for piece in most.chunks(1000) {
            feed(&mut receiver, piece, &mut heard);
            arrived += piece.len();
            assert!(receiver.buffered() <= 2 * arrived);
            assert!(receiver.buffered() <= 100_000);
        }
        feed(&mut receiver, &[*last], &mut heard);
        assert_eq!(heard, (vec![Said::Binary(vec![1; 100_000])], None));
        assert_eq!(receiver.buffered(), 0);
    }
}

#[test]
fn text_takes_no_more_memory_than_it_has_bytes() {
    for role in BOTH {
        let mut receiver = Receiver::new(role, Limits::default());
        let bytes = frame(role, Opcode::Text, "€".repeat(1000));
        let mut heard = Heard::default();
        for piece in bytes.chunks(7) {
            feed(&mut receiver, piece, &mut heard);
            assert!(receiver.buffered() <= 3000);
        }
        assert_eq!(heard, (vec![text(&"€".repeat(1000))], None));
    }
}

#[test]
fn whole_messages_in_the_input_take_no_memory() {
    for role in BOTH {
        let mut receiver = Receiver::new(role, Limits::default());
        let mut bytes = frame(role, Opcode::Text, "twenty times").repeat(20);
        let mut incoming = receiver.receive(&mut bytes);
        let mut count = 0;
        while let Ok(Some(_)) = incoming.next() {
            count += 1;
        }
        assert_eq!(count, 20);
        assert_eq!(receiver.buffered(), 0);
    }
}

#[test]
fn an_idle_receiver_is_small() {
    assert!(size_of::<Receiver>() <= 104, "{} bytes", size_of::<Receiver>());
    assert_eq!(Receiver::new(Role::Server, Limits::default()).buffered(), 0);
}

#[test]
fn everything_over_a_limit_closes_with_1009() {
    assert_eq!(Error::FrameTooLarge { length: 2, limit: 1 }.close_code(), 1009);
    assert_eq!(Error::MessageTooLarge { length: 2, limit: 1 }.close_code(), 1009);
    assert_eq!(Error::TooManyFragments { limit: 1 }.close_code(), 1009);
}
