//! The front door, with whatever anybody may throw at it.

mod common;

use common::BOTH;
use proptest::prelude::*;
use sockeye_websocket_proto::{Error, Event, Limits, Receiver, Role};

/// What a control frame may add to [`Limits::message`]: see [`Receiver::buffered`].
const CONTROL: usize = 126;

/// Feeds `bytes` in pieces of these sizes. The body of the fuzz target for frames.
fn receiver_survives(role: Role, limits: Limits, mut bytes: &[u8], sizes: &[usize]) {
    let mut receiver = Receiver::new(role, limits);
    let mut done = false;
    for &size in sizes.iter().cycle() {
        let (piece, rest) = bytes.split_at(size.clamp(1, bytes.len().max(1)).min(bytes.len()));
        let mut piece = piece.to_vec();
        let mut incoming = receiver.receive(&mut piece);
        loop {
            match incoming.next() {
                Ok(None) => break,
                Ok(Some(event)) => {
                    assert!(!done, "nothing comes after a close or an error");
                    done = check(event, limits);
                }
                Err(error) => {
                    assert!(!done, "an error comes once");
                    judge(error);
                    done = true;
                }
            }
        }
        assert_eq!(receiver.is_done(), done);
        assert!(receiver.buffered() <= limits.message + CONTROL);
        bytes = rest;
        if bytes.is_empty() {
            return;
        }
    }
}

/// No event is larger than allowed. Returns whether it is the last.
fn check(event: Event<'_>, limits: Limits) -> bool {
    match event {
        Event::Text(text) => assert!(text.len() <= limits.message),
        Event::Binary(bytes) => assert!(bytes.len() <= limits.message),
        Event::Ping(payload) | Event::Pong(payload) => assert!(payload.len() <= 125),
        Event::Close(Some(frame)) => assert!(frame.reason.len() <= 123),
        Event::Close(None) => {}
    }
    matches!(event, Event::Close(_))
}

/// Every way out has a close code that may be sent.
fn judge(error: Error) {
    assert!(matches!(error.close_code(), 1002 | 1007 | 1009), "{error}");
}

/// Bytes that look like frames often enough to get past the first head.
fn almost_frames(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88]),
        1 => any::<u8>(),
    ];
    let length = prop_oneof![
        6 => (0..20_u8).prop_map(|n| vec![n]),
        1 => any::<u16>().prop_map(|n| [&[126][..], &n.to_be_bytes()].concat()),
        1 => any::<u64>().prop_map(|n| [&[127][..], &n.to_be_bytes()].concat()),
    ];
    let payload = proptest::collection::vec(prop_oneof![3 => Just(0x20), 1 => any::<u8>()], 0..20);
    let frame = (first, length, any::<[u8; 4]>(), payload, any::<bool>()).prop_map(
        move |(first, mut length, key, mut payload, honest)| {
            if honest {
                length = vec![u8::try_from(payload.len()).expect("under 20")];
            }
            let mut frame = vec![first];
            frame.append(&mut length);
            if role == Role::Server {
                frame[1] |= 0x80;
                frame.extend_from_slice(&key);
            }
            frame.append(&mut payload);
            frame
        },
    );
    proptest::collection::vec(frame, 0..30).prop_map(|frames| frames.concat())
}

fn limits() -> impl Strategy<Value = Limits> {
    (0..60_usize, 0..120_usize, 0..6_usize).prop_map(|(frame, message, fragments)| Limits {
        frame,
        message,
        fragments,
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 1000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn arbitrary_bytes_never_panic_and_never_keep_more_than_allowed(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        sizes in proptest::collection::vec(1..40_usize, 1..8),
        limits in limits(),
    ) {
        for role in BOTH {
            receiver_survives(role, limits, &bytes, &sizes);
        }
    }

    #[test]
    fn bytes_that_look_like_frames_to_a_server_never_panic_it(
        bytes in almost_frames(Role::Server),
        sizes in proptest::collection::vec(1..40_usize, 1..8),
        limits in limits(),
    ) {
        receiver_survives(Role::Server, limits, &bytes, &sizes);
    }

    #[test]
    fn bytes_that_look_like_frames_to_a_client_never_panic_it(
        bytes in almost_frames(Role::Client),
        sizes in proptest::collection::vec(1..40_usize, 1..8),
        limits in limits(),
    ) {
        receiver_survives(Role::Client, limits, &bytes, &sizes);
    }
}
