//! What arrived is JSON, and goes out again as it came.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;
use socket_proto::client::{Connection, Incoming};
use socket_proto::{Args, Encoded, Limits, Message, encode};

/// An event that a peer sent: another peer hears the same of us.
pub(super) fn check_event(name: &str, args: Args<'_>, ack: Option<u64>) {
    check(args);
    let packet = encode::event_raw(NAMESPACE, name, args, ack, ROOM);
    hear(&packet, |heard| {
        let Incoming::Event { name: heard_name, args: heard_args, ack: heard_ack, .. } = heard
        else {
            panic!("an event arrives as {heard:?}");
        };
        assert_eq!((&*heard_name, heard_ack, heard_args), (name, ack, args));
    });
}

/// An answer that a peer sent: another peer hears the same of us.
pub(super) fn check_ack(id: u64, args: Args<'_>) {
    check(args);
    let packet = encode::ack_raw(NAMESPACE, id, args, ROOM);
    hear(&packet, |heard| {
        let Incoming::Ack { id: heard_id, args: heard_args, .. } = heard else {
            panic!("an ack arrives as {heard:?}");
        };
        assert_eq!((heard_id, heard_args), (id, args));
    });
}

/// Our idea of JSON is that of `serde_json`, which judges without building anything either.
pub(super) fn judge_json(text: &str) {
    if text.trim_matches([' ', '\t', '\n', '\r']).is_empty() {
        return; // an empty list for one, a missing value for the other
    }
    let ours = Args { json: text, attachments: &[] }.validate().is_ok();
    let theirs = serde_json::from_str::<Vec<IgnoredAny>>(&format!("[{text}]")).is_ok();
    assert_eq!(ours, theirs, "is it JSON? {text}");
}

fn check(args: Args<'_>) {
    assert_eq!(args.validate(), Ok(()), "what was received is valid");
    let all: Vec<IgnoredAny> = serde_json::from_str(&format!("[{}]", args.json)).expect("JSON");
    assert_eq!(args.iter().count(), all.len());
    assert_eq!(args.is_empty(), all.is_empty());
    if let Some(first) = args.iter().next().filter(|_| args.attachments.is_empty()) {
        let theirs: Option<Value> = serde_json::from_str(first).ok();
        assert_eq!(args.parse::<Value>().ok(), theirs, "{first}");
    }
    if !args.attachments.is_empty()
        && let Ok(all) = serde_json::from_str(&format!("[{}]", args.json))
    {
        check_placeholders(&all, args.attachments.len());
    }
    parse(args);
}

/// What a JavaScript client would take for a placeholder has its attachment.
fn check_placeholders(value: &Value, attachments: usize) {
    match value {
        Value::Object(members) if members.get("_placeholder") == Some(&Value::Bool(true)) => {
            let index = members.get("num").and_then(Value::as_u64).expect("a placeholder's number");
            assert!(index < attachments as u64, "a placeholder points to {index}");
        }
        Value::Object(members) => {
            members.values().for_each(|value| check_placeholders(value, attachments));
        }
        Value::Array(list) => list.iter().for_each(|value| check_placeholders(value, attachments)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whatever type a handler wants, it gets one or an error that names an argument.
fn parse(args: Args<'_>) {
    assert!(args.parse::<()>().is_ok());
    let errors = [
        args.parse::<Value>().err(),
        args.parse::<Bytes>().err(),
        args.parse::<(String, Option<u64>)>().err(),
        args.parse::<(Vec<Value>, Option<Bytes>, Option<f64>)>().err(),
        args.parse::<std::collections::BTreeMap<String, Bytes>>().err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!((1..=3).contains(&error.argument()), "{error}");
    }
}

/// Hands a packet to a client that is in the namespace, and looks at what comes of it.
fn hear(packet: &Encoded, look: impl FnOnce(Incoming<'_>)) {
    assert!(packet.start >= ROOM);
    let now = Duration::ZERO;
    let mut client = Connection::new(&Arc::new(Limits::default()));
    client.connect(NAMESPACE, now).expect("a good name");
    let reply = encode::connect_reply(NAMESPACE, "sid", 0);
    client.receive(Message::Text(reply.text()), now).expect("a good reply");

    let mut messages = vec![Message::Text(packet.text())];
    messages.extend(packet.attachments.iter().map(|data| Message::Binary(data)));
    let last = messages.pop().expect("a packet has a text");
    for message in messages {
        assert_eq!(client.receive(message, now), Ok(None), "attachments are still to come");
    }
    look(client.receive(last, now).expect("what we send is valid").expect("it is complete"));
}

const NAMESPACE: &str = "/n";

/// What the floors below want in front.
const ROOM: usize = 11;
