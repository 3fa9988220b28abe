//! The same bytes to us and to `tungstenite` (the core of `tokio-tungstenite`): the same messages
//! come out, and both accept or both refuse.
//!
//! The differences that were judged, all of them places where we keep to the letter of RFC 6455:
//!
//! | the peer sends                                | we                 | `tungstenite`            |
//! |-----------------------------------------------|--------------------|--------------------------|
//! | a length in more bytes than it needs (5.2)    | refuse             | accepts                  |
//! | a close code that must not be sent (7.4)      | refuse             | a close of its own, 1002 |
//! | close code 1014, registered since             | accept             | a close of its own, 1002 |
//! | invalid UTF-8 in a frame that is not yet whole | refuse            | waits for the whole frame |
//!
//! The last one cannot be seen here: what is fed ends in zeros enough to make every frame whole.

mod common;

use std::io::{self, Read, Write};

use common::{BOTH, Said, hear_pieces};
use proptest::prelude::*;
use proptest::sample::Index;
use sockeye_websocket_proto::{Error, Limits, Opcode, Role, push_frame};
use tungstenite::protocol::{Role as TheirRole, WebSocketConfig};
use tungstenite::{Error as TheirError, Message, WebSocket};

const LIMITS: Limits = Limits { frame: 2000, message: 3000, fragments: usize::MAX };

/// A connection that delivers `bytes` in reads of at most `most` and swallows all that is written.
struct Wire {
    bytes: Vec<u8>,
    at: usize,
    most: usize,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.most.min(into.len()).min(self.bytes.len() - self.at);
        into[..count].copy_from_slice(&self.bytes[self.at..][..count]);
        self.at += count;
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `tungstenite` makes of the bytes, and whether it refused them.
fn they_hear(role: Role, bytes: &[u8], most: usize) -> (Vec<Said>, Option<TheirError>) {
    let role = match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    };
    let config = WebSocketConfig::default()
        .max_frame_size(Some(LIMITS.frame))
        .max_message_size(Some(LIMITS.message));
    let wire = Wire { bytes: bytes.to_vec(), at: 0, most };
    let mut socket = WebSocket::from_raw_socket(wire, role, Some(config));
    let mut said = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => said.push(Said::Text(text.to_string())),
            Ok(Message::Binary(bytes)) => said.push(Said::Binary(bytes.to_vec())),
            Ok(Message::Ping(payload)) => said.push(Said::Ping(payload.to_vec())),
            Ok(Message::Pong(payload)) => said.push(Said::Pong(payload.to_vec())),
            Ok(Message::Close(frame)) => {
                let frame = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                said.push(Said::Close(frame));
                return (said, None);
            }
            Ok(Message::Frame(_)) => unreachable!("never read"),
            Err(TheirError::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return (said, None),
            Err(error) => return (said, Some(error)),
        }
    }
}

/// Compares both, but for the judged differences.
fn agree(role: Role, script: &[u8], most: usize) -> Result<(), TestCaseError> {
    let mut bytes = script.to_vec();
    bytes.resize(bytes.len() + LIMITS.frame + 14, 0);
    let (said, error) = hear_pieces(role, LIMITS, bytes.chunks(most));
    let (they_said, their_error) = they_hear(role, &bytes, most);
    let protested = Said::Close(Some((1002, "Protocol violation".to_owned())));
    match (error, said.last()) {
        (Some(Error::LengthNotMinimal(_)), _) => {
            prop_assert!(they_said.starts_with(&said));
        }
        // With a reason that is not UTF-8 on top they refuse as well.
        (Some(Error::InvalidCloseCode(_)), _) if their_error.is_none() => {
            prop_assert_eq!(they_said.split_last(), Some((&protested, &said[..])));
        }
        (None, Some(Said::Close(Some((1014, _))))) => {
            let before = &said[..said.len() - 1];
            prop_assert_eq!(they_said.split_last(), Some((&protested, before)));
        }
        _ => {
            prop_assert_eq!(said, they_said);
            prop_assert_eq!(
                error.is_some(),
                their_error.is_some(),
                "{:?} {:?}",
                error,
                their_error
            );
        }
    }
    Ok(())
}

/// Payloads of all lengths' forms, mostly text, sometimes not.
fn payloads() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => "[a-zé€𝄞]{0,30}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
        1 => (120..140_usize).prop_map(|length| vec![b'm'; length]),
        1 => (1000..2100_usize).prop_map(|length| vec![b'l'; length]),
    ]
}

/// One frame: mostly what a peer may send at that point, always well formed in itself.
fn frames(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let data = prop::sample::select(vec![Opcode::Text, Opcode::Binary, Opcode::Continuation]);
    let control = prop::sample::select(vec![Opcode::Ping, Opcode::Pong]);
    let key = any::<[u8; 4]>().prop_map(move |key| (role == Role::Server).then_some(key));
    let close = (prop_oneof![Just(1000_u16), 995..1020_u16, any::<u16>()], "[a-zé]{0,20}")
        .prop_map(|(code, reason)| [&code.to_be_bytes()[..], reason.as_bytes()].concat());
    let close = prop_oneof![8 => close, 1 => proptest::collection::vec(any::<u8>(), 0..9)];
    let frame = prop_oneof![
        10 => (data, any::<bool>(), payloads()),
        3 => (control, Just(true), "[ -~]{0,125}".prop_map(String::into_bytes)),
        1 => (Just(Opcode::Close), Just(true), close),
    ];
    (frame, key).prop_map(|((opcode, fin, payload), key)| {
        let mut out = Vec::new();
        push_frame(&mut out, opcode, fin, key, &payload);
        out
    })
}

/// A whole message in one to four frames, with pings between them.
fn messages(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop::sample::select(vec![Opcode::Text, Opcode::Binary]);
    (opcode, "[a-zé€𝄞]{0,60}", proptest::collection::vec(any::<Index>(), 0..4)).prop_map(
        move |(first, text, cuts)| {
            let key = (role == Role::Server).then_some([7, 77, 177, 217]);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.sort_unstable();
            let (mut out, mut opcode, mut start) = (Vec::new(), first, 0);
            for cut in cuts {
                push_frame(&mut out, opcode, false, key, &text.as_bytes()[start..cut]);
                push_frame(&mut out, Opcode::Ping, true, key, b"between");
                (opcode, start) = (Opcode::Continuation, cut);
            }
            push_frame(&mut out, opcode, true, key, &text.as_bytes()[start..]);
            out
        },
    )
}

fn scripts(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![3 => messages(role), 1 => frames(role)];
    proptest::collection::vec(part, 0..10).prop_map(|parts| parts.concat())
}

/// What happens to a script on its way.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let damage = prop_oneof![
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, to)| Damage::Set(at, to)),
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => any::<Index>().prop_map(Damage::Remove),
        1 => any::<Index>().prop_map(Damage::Cut),
    ];
    proptest::collection::vec(damage, 1..5)
}

fn damaged(mut script: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let place = |at: &Index| at.index(script.len());
        match damage {
            _ if script.is_empty() => {}
            Damage::Set(at, to) => {
                let at = place(at);
                script[at] = *to;
            }
            Damage::Flip(at, bit) => {
                let at = place(at);
                script[at] ^= 1 << bit;
            }
            Damage::Insert(at, byte) => script.insert(place(at), *byte),
            Damage::Remove(at) => {
                let at = place(at);
                script.remove(at);
            }
            Damage::Cut(at) => script.truncate(place(at)),
        }
    }
    script
}

#[test]
fn the_judged_differences_are_still_there() {
    for role in BOTH {
        let mut long = common::Frame::to(role, Opcode::Binary, [1]);
        long.length = vec![126, 0, 1];
        let bytes = long.bytes();
        assert_eq!(common::hear(role, &bytes), (vec![], Some(Error::LengthNotMinimal(1))));
        assert_eq!(they_hear(role, &bytes, 100).0, [Said::Binary(vec![1])]);

        let protested = Said::Close(Some((1002, "Protocol violation".to_owned())));
        for code in [1005_u16, 1014] {
            let bytes = common::frame(role, Opcode::Close, code.to_be_bytes());
            assert_eq!(common::hear(role, &bytes).1.is_some(), code == 1005);
            assert_eq!(they_hear(role, &bytes, 100).0, std::slice::from_ref(&protested));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 1000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_servers_hear_the_same(script in scripts(Role::Server), most in 1..3000_usize) {
        agree(Role::Server, &script, most)?;
    }

    #[test]
    fn both_clients_hear_the_same(script in scripts(Role::Client), most in 1..3000_usize) {
        agree(Role::Client, &script, most)?;
    }

    #[test]
    fn both_servers_judge_damage_the_same(
        script in scripts(Role::Server),
        damages in damages(),
        most in 1..3000_usize,
    ) {
        agree(Role::Server, &damaged(script, &damages), most)?;
    }

    #[test]
    fn both_clients_judge_damage_the_same(
        script in scripts(Role::Client),
        damages in damages(),
        most in 1..3000_usize,
    ) {
        agree(Role::Client, &damaged(script, &damages), most)?;
    }
}
