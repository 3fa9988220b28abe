//! Arbitrary peers: whatever they send in whatever order, nothing panics and every way out is
//! listed.

mod support;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sockeye_socket_proto::{Args, Limits, Message, ProtocolError, Slot, client, encode, server};
use support::{cases, secs};

/// One thing that happens to a connection.
#[derive(Clone, Debug)]
enum Step {
    Text(String),
    Binary(Vec<u8>),
    Accept(usize),
    Refuse(usize),
    Leave(usize),
    Wait(u64),
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => packet().prop_map(Step::Text),
        3 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Step::Binary),
        3 => (0..4_usize).prop_map(Step::Accept),
        1 => (0..4_usize).prop_map(Step::Refuse),
        1 => (0..4_usize).prop_map(Step::Leave),
        1 => (0..30_u64).prop_map(Step::Wait),
        1 => Just(Step::Release),
    ];
    prop::collection::vec(step, 0..40)
}

/// Packets that are mostly well formed, so that a sequence gets somewhere.
fn packet() -> impl Strategy<Value = String> {
    let kind =
        prop::sample::select(vec!["0", "0", "1", "2", "3", "51-", "52-", "61-", "4", "9", ""]);
    let namespace = prop::sample::select(vec!["", "", "/,", "/a,", "/b,", "/c", "/?x=1,"]);
    let id = prop::sample::select(vec!["", "", "7", "007", "-1"]);
    let payload = prop_oneof![
        prop::sample::select(vec![
            "",
            "[]",
            "{}",
            r#"{"sid":"x"}"#,
            r#"["a"]"#,
            r#"["a",1,{"b":[null]}]"#,
            r#"["\u0061"]"#,
            r#"["a",{"_placeholder":true,"num":0}]"#,
            r#"["a",{"_placeholder":true,"num":1}]"#,
            r#"["connect"]"#,
            "[1]",
            r#"{"message":"m","data":[1]}"#,
            "\"m\"",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let composed = (kind, namespace, id, payload)
        .prop_map(|(kind, namespace, id, payload)| format!("{kind}{namespace}{id}{payload}"));
    prop_oneof![9 => composed, 1 => any::<String>()]
}

fn limits() -> Arc<Limits> {
    Arc::new(Limits { attachment_bytes: 100, namespaces: 3, ..Limits::default() })
}

/// What is handed up can be used in every way without a panic.
fn use_up(args: Args<'_>) {
    assert!(args.validate().is_ok());
    assert_eq!(args.len(), args.iter().count());
    let _ = args.parse::<serde_json::Value>();
    let _ = args.parse::<(Option<bytes::Bytes>, Option<String>)>();
    let _ = args.parse::<Vec<u8>>();
    let relayed = encode::event_raw("/", "relay", args, None, 11);
    let (_, arrived, _) = support::carry(&relayed, "/");
    assert_eq!(arrived.as_args(), args);
}

fn server_survives(steps: &[Step]) -> Result<(), ProtocolError> {
    let mut now = Duration::ZERO;
    let mut connection = server::Connection::new(&limits(), now);
    let mut slots: Vec<Slot> = Vec::new();
    for step in steps {
        let slot = |at: usize| slots.get(at).copied();
        match step {
            Step::Text(text) => hear(&mut connection, Message::Text(text), now, &mut slots)?,
            Step::Binary(data) => hear(&mut connection, Message::Binary(data), now, &mut slots)?,
            Step::Accept(at) => drop(slot(*at).map(|slot| connection.accepted(slot))),
            Step::Refuse(at) => drop(slot(*at).map(|slot| connection.refused(slot))),
            Step::Leave(at) => drop(slot(*at).map(|slot| connection.left(slot, now))),
            Step::Wait(seconds) => now += secs(*seconds),
            Step::Release => connection.release(),
        }
        let due = connection.next_timeout().is_some_and(|at| at <= now);
        assert_eq!(connection.timeout(now).is_err(), due);
        connection.timeout(now)?;
        let joined = slots.iter().filter(|slot| connection.is_joined(**slot)).count();
        assert!(joined <= 3);
        assert!(joined > 0 || connection.next_timeout().is_some(), "no way to stay for ever");
    }
    Ok(())
}

fn hear(
    connection: &mut server::Connection,
    message: Message<'_>,
    now: Duration,
    slots: &mut Vec<Slot>,
) -> Result<(), ProtocolError> {
    match connection.receive(message, now)? {
        None => {}
        Some(server::Incoming::Connect { slot, auth, .. }) => {
            assert!(auth.is_none_or(|auth| auth.starts_with('{')));
            assert!(slot.index() < 3);
            slots.insert(0, slot);
        }
        Some(
            server::Incoming::Event { slot, args, .. } | server::Incoming::Ack { slot, args, .. },
        ) => {
            use_up(args);
            assert!(connection.is_joined(slot));
        }
        Some(server::Incoming::EarlyAck { args, .. }) => use_up(args),
        Some(server::Incoming::Disconnect { slot }) => assert_eq!(connection.namespace(slot), None),
    }
    Ok(())
}

fn client_survives(steps: &[Step]) -> Result<(), ProtocolError> {
    let mut now = Duration::ZERO;
    let mut connection = client::Connection::new(&limits());
    let mut slots: Vec<Slot> = Vec::new();
    for step in steps {
        let heard = match step {
            Step::Text(text) => connection.receive(Message::Text(text), now)?,
            Step::Binary(data) => connection.receive(Message::Binary(data), now)?,
            Step::Accept(at) => {
                slots.extend(connection.connect(["/", "/a", "/b", "/c"][*at], now));
                None
            }
            Step::Refuse(at) | Step::Leave(at) => {
                slots.get(*at).map(|slot| connection.left(*slot));
                None
            }
            Step::Wait(seconds) => {
                now += secs(*seconds);
                None
            }
            Step::Release => {
                connection.release();
                None
            }
        };
        if let Some(client::Incoming::Event { args, .. } | client::Incoming::Ack { args, .. }) =
            heard
        {
            use_up(args);
        }
        while connection.timeout(now)?.is_some() {}
        assert!(connection.next_timeout().is_none_or(|at| at > now));
    }
    Ok(())
}

/// The full list of ways out. A new kind of error fails to compile until it is judged here.
fn judge(end: Result<(), ProtocolError>) {
    let Err(error) = end else { return };
    assert!(error.to_string().starts_with("peer "), "{error}");
    match error {
        ProtocolError::Empty
        | ProtocolError::UnknownType { .. }
        | ProtocolError::AttachmentCount
        | ProtocolError::TooManyAttachments { .. }
        | ProtocolError::AckId
        | ProtocolError::Json { .. }
        | ProtocolError::Payload { .. }
        | ProtocolError::EventName
        | ProtocolError::ReservedName { .. }
        | ProtocolError::Placeholder { .. }
        | ProtocolError::NamespaceTooLong { .. }
        | ProtocolError::TooManyNamespaces { .. }
        | ProtocolError::AlreadyConnected
        | ProtocolError::NotConnected { .. }
        | ProtocolError::Unexpected { .. }
        | ProtocolError::NoSid
        | ProtocolError::TextInsideAttachments { .. }
        | ProtocolError::BinaryOutOfTurn
        | ProtocolError::AttachmentsTooLarge { .. }
        | ProtocolError::AttachmentsOverdue { .. }
        | ProtocolError::ConnectTimeout => {}
        // Not of this parser.
        ProtocolError::MessagePack { .. } => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a_server_survives_any_client(steps in steps()) {
        judge(server_survives(&steps));
    }

    #[test]
    fn a_client_survives_any_server(steps in steps()) {
        judge(client_survives(&steps));
    }

    #[test]
    fn arguments_from_anywhere_do_not_panic(json in any::<String>(), data in any::<Vec<u8>>()) {
        let attachments = [data.into()];
        for attachments in [&attachments[..], &[]] {
            let args = Args { json: &json, attachments };
            let _ = (args.validate(), args.len(), args.parse::<serde_json::Value>());
            let _ = args.parse::<(Vec<bytes::Bytes>, std::collections::BTreeMap<u8, String>)>();
        }
    }
}
