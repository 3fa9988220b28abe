//! The frame layer: RFC 6455, and RFC 7692 on it, as bytes that may be anything.

use websocket_proto::deflate::Agreement;
use websocket_proto::{CloseFrame, Error, Event, Limits, Opcode, Receiver, Role};
use websocket_proto::{push_close, push_frame};

use crate::input::Input;

/// Reads bytes as either side of a connection. Panics if it matters in which portions they arrive, if a
/// limit is passed, or if a message that was read cannot be sent on and read again.
///
/// The first byte chooses the side, the second the portions, the third whether messages may be compressed; the
/// rest is the wire.
pub fn frame(bytes: &[u8]) {
    let mut input = Input(bytes);
    let role = if input.flag() { Role::Client } else { Role::Server };
    let seed = input.byte();
    let compression = compression(input.byte());
    let wire = input.rest();

    let new = || receiver(role, compression);
    let whole = read(new(), wire, |_| wire.len());
    let torn = read(new(), wire, |turn| portion(seed, turn));
    let single = read(new(), wire, |_| 1);
    assert_eq!(whole, torn, "portions of seed {seed} matter");
    assert_eq!(whole, single, "portions of one byte matter");
    send_on(&whole.0);
}

/// What was negotiated: nothing, or with or without context takeover.
fn compression(byte: u8) -> Option<Agreement> {
    let alone = byte & 1 != 0;
    (byte & 2 != 0).then(|| Agreement {
        server_no_context_takeover: alone,
        client_no_context_takeover: alone,
        ..Agreement::default()
    })
}

fn receiver(role: Role, compression: Option<Agreement>) -> Receiver {
    let receiver = Receiver::new(role, LIMITS);
    match compression {
        Some(agreed) => receiver.inflating(agreed.inflater(role)),
        None => receiver,
    }
}

/// An event that outlives the buffer it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

impl From<Event<'_>> for Heard {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.to_owned()),
            Event::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Event::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Event::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Event::Close(frame) => {
                Self::Close(frame.map(|CloseFrame { code, reason }| (code, reason.to_owned())))
            }
        }
    }
}

/// Everything that is heard, and the error in which it ends, if it does.
fn read(
    mut receiver: Receiver,
    wire: &[u8],
    mut portion: impl FnMut(usize) -> usize,
) -> (Vec<Heard>, Option<Error>) {
    let (mut heard, mut failed) = (Vec::new(), None);
    let (mut rest, mut turn) = (wire, 0);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(portion(turn).clamp(1, rest.len()));
        (rest, turn) = (later, turn + 1);
        take_in(&mut receiver, now, &mut heard, &mut failed);
        assert!(receiver.buffered() <= LIMITS.message + 126, "keeps {}", receiver.buffered());
    }
    (heard, failed)
}

fn take_in(
    receiver: &mut Receiver,
    bytes: &[u8],
    heard: &mut Vec<Heard>,
    failed: &mut Option<Error>,
) {
    let was_done = receiver.is_done();
    let mut buffer = bytes.to_vec();
    let mut incoming = receiver.receive(&mut buffer);
    loop {
        match incoming.next() {
            Ok(None) => break,
            Ok(Some(event)) => {
                assert!(!was_done, "nothing comes after the end");
                check_size(&event);
                heard.push(event.into());
            }
            Err(error) => {
                assert!(!was_done && failed.is_none(), "one error is the last thing that comes");
                assert!(matches!(error.close_code(), 1002 | 1007 | 1009));
                *failed = Some(error);
            }
        }
    }
    if failed.is_some() || matches!(heard.last(), Some(Heard::Close(_))) {
        assert!(receiver.is_done());
        assert_eq!(receiver.buffered(), 0, "nothing is kept after the end");
    }
}

fn check_size(event: &Event<'_>) {
    match event {
        Event::Text(text) => assert!(text.len() <= LIMITS.message),
        Event::Binary(bytes) => assert!(bytes.len() <= LIMITS.message),
        Event::Ping(bytes) | Event::Pong(bytes) => assert!(bytes.len() <= 125),
        Event::Close(None) => {}
        Event::Close(Some(frame)) => {
            assert!(frame.reason.len() <= 123);
            let on_the_wire = matches!(frame.code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            assert!(on_the_wire, "RFC 6455, 7.4, and the registry: not {}", frame.code);
        }
    }
}

/// What was heard is sent as a server and as a client would; the other side hears the same.
fn send_on(heard: &[Heard]) {
    for (mask, role) in [(None, Role::Client), (Some([0x37, 0xfa, 0x21, 0x3d]), Role::Server)] {
        let mut wire = Vec::new();
        for event in heard {
            send(event, &mut wire, mask);
        }
        // One message may have come in several frames, each within its own limit.
        let limits = Limits { frame: LIMITS.message, ..LIMITS };
        let mut receiver = Receiver::new(role, limits);
        let (mut again, mut failed) = (Vec::new(), None);
        take_in(&mut receiver, &wire, &mut again, &mut failed);
        assert_eq!((again.as_slice(), failed), (heard, None), "sent on as {role:?}");
    }
}

fn send(event: &Heard, wire: &mut Vec<u8>, mask: Option<[u8; 4]>) {
    match event {
        Heard::Text(text) => push_frame(wire, Opcode::Text, true, mask, text.as_bytes()),
        Heard::Binary(bytes) => push_frame(wire, Opcode::Binary, true, mask, bytes),
        Heard::Ping(bytes) => push_frame(wire, Opcode::Ping, true, mask, bytes),
        Heard::Pong(bytes) => push_frame(wire, Opcode::Pong, true, mask, bytes),
        Heard::Close(None) => push_close(wire, None, "", mask),
        Heard::Close(Some((code, reason))) => push_close(wire, Some(*code), reason, mask),
    }
}

/// Portions of different sizes, the same for the same seed.
fn portion(seed: u8, turn: usize) -> usize {
    1 + (usize::from(seed) + turn * 7) % 19
}

/// Small enough that a fuzzer's input can pass each of them.
const LIMITS: Limits = Limits { frame: 300, message: 500, fragments: 5 };
