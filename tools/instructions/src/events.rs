//! Packets and connections of Socket.IO.

use std::sync::Arc;
use std::time::Duration;

use socket_proto::server::{Connection, Incoming};
use socket_proto::{Limits, Message};

/// An event as chats send it, which wants an answer.
pub const SMALL_EVENT: &str = r#"27["message",{"room":"lobby","text":"hello, everybody"}]"#;

/// An event with one attachment of [`attachment`].
pub const BINARY_EVENT: &str =
    r#"51-["file",{"name":"a.png","data":{"_placeholder":true,"num":0}}]"#;

/// An answer to an event of the server.
pub const ACK: &str = r#"37[{"ok":true,"id":4711}]"#;

/// A server's half of a connection that has joined the main namespace.
pub fn joined() -> Connection {
    let mut connection = Connection::new(&Arc::new(Limits::default()), Duration::ZERO);
    let connect = connection.receive(Message::Text("0"), Duration::ZERO);
    let Ok(Some(Incoming::Connect { slot, .. })) = connect else {
        unreachable!("a CONNECT asks to join");
    };
    assert!(connection.accepted(slot), "the client is still there");
    connection
}

/// An event with nested arguments of 1 KiB: objects, arrays, escapes, numbers.
pub fn nested_event() -> String {
    let order = r#"{"id":4711,"tags":["new","\u00e4rger\n"],"at":{"x":-1.5,"y":2e3},"open":true}"#;
    format!(r#"2["orders",[{}]]"#, [order; 12].join(","))
}

/// The bytes of an attachment.
pub fn attachment() -> Vec<u8> {
    (0..=u8::MAX).cycle().take(1024).collect()
}
