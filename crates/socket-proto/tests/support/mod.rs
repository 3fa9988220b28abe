//! Connections in the state where a test begins, and values that hold binary.
#![allow(dead_code, reason = "each test file uses its own part of this")]

pub(crate) mod node;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::ProptestConfig;
use sockeye_socket_proto::server::{Connection, Incoming};
use sockeye_socket_proto::{Encoded, Limits, Message, OwnedArgs, ProtocolError, Slot};

pub(crate) const NOW: Duration = Duration::ZERO;

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases, ..ProptestConfig::default() }
}

pub(crate) fn fresh() -> Connection {
    Connection::new(&Arc::new(Limits::default()), NOW)
}

/// A connection that has joined `namespace`.
pub(crate) fn joined(namespace: &str) -> (Connection, Slot) {
    let mut connection = fresh();
    let slot = join(&mut connection, namespace);
    (connection, slot)
}

pub(crate) fn join(connection: &mut Connection, namespace: &str) -> Slot {
    let slot = connect(connection, namespace);
    assert!(connection.accepted(slot));
    slot
}

/// Sends CONNECT and leaves it pending.
pub(crate) fn connect(connection: &mut Connection, namespace: &str) -> Slot {
    match text(connection, &format!("0{namespace},")) {
        Ok(Some(Incoming::Connect { slot, .. })) => slot,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn text<'a>(
    connection: &'a mut Connection,
    text: &'a str,
) -> Result<Option<Incoming<'a>>, ProtocolError> {
    connection.receive(Message::Text(text), NOW)
}

pub(crate) fn binary<'a>(
    connection: &'a mut Connection,
    data: &'a [u8],
) -> Result<Option<Incoming<'a>>, ProtocolError> {
    connection.receive(Message::Binary(data), NOW)
}

/// What a client that has joined `/` gets for this text.
pub(crate) fn verdict(packet: &str) -> Result<(), ProtocolError> {
    let (mut connection, _) = joined("/");
    text(&mut connection, packet).map(|_| ())
}

/// The name, the arguments' text and the ack id of an event to `/`.
pub(crate) fn event(packet: &str) -> (String, String, Option<u64>) {
    let (mut connection, _) = joined("/");
    match text(&mut connection, packet) {
        Ok(Some(Incoming::Event { name, args, ack, .. })) => {
            (name.into_owned(), args.json.to_owned(), ack)
        }
        other => panic!("{other:?}"),
    }
}

/// The arguments as they arrive in `namespace` at the other side, name and ack id with them.
pub(crate) fn carry(packet: &Encoded, namespace: &str) -> (String, OwnedArgs, Option<u64>) {
    let (mut connection, _) = joined(namespace);
    let mut messages = vec![Message::Text(packet.text())];
    messages.extend(packet.attachments.iter().map(|data| Message::Binary(data)));
    let (last, first) = messages.split_last().expect("one text");
    for message in first {
        assert_eq!(connection.receive(*message, NOW), Ok(None));
    }
    match connection.receive(*last, NOW) {
        Ok(Some(Incoming::Event { name, args, ack, .. })) => {
            (name.into_owned(), args.to_owned(), ack)
        }
        Ok(Some(Incoming::Ack { id, args, .. })) => (String::new(), args.to_owned(), Some(id)),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn attachments(parts: &[&'static [u8]]) -> Vec<Bytes> {
    parts.iter().map(|part| Bytes::from_static(part)).collect()
}
