//! Packets and sessions of Engine.IO.

use std::time::Duration;

use engine_proto::{Config, Session, Transport, payload};

/// The packets of one turn, as text: mostly messages, some of them binary, and a pong.
pub const PACKETS: [&str; 16] = [
    r#"42["echo",1]"#,
    r#"42["echo",2]"#,
    r#"42["echo",3]"#,
    r#"42["typing",{"room":"lobby","who":"alice"}]"#,
    r#"42["message",{"room":"lobby","text":"hello, everybody"}]"#,
    r#"451-["file",{"_placeholder":true,"num":0}]"#,
    "bAAECAwQFBgcICQoLDA0ODw==",
    "3",
    r#"42["echo",4]"#,
    r#"42["echo",5]"#,
    r#"42["echo",6]"#,
    r#"42["typing",{"room":"lobby","who":"bob"}]"#,
    r#"42["message",{"room":"lobby","text":"hello, Alice"}]"#,
    r#"451-["file",{"_placeholder":true,"num":0}]"#,
    "bEBESExQVFhcYGRobHB0eHw==",
    "431[true]",
];

/// [`PACKETS`] as the body of one POST.
pub fn body() -> Vec<u8> {
    PACKETS.join(&char::from(payload::SEPARATOR).to_string()).into_bytes()
}

/// A session on WebSocket, opened at the origin of time.
pub fn streaming() -> Session {
    Session::accept(Transport::WebSocket, &Config::default(), Duration::ZERO)
}

/// A session on polling, opened at the origin of time.
pub fn polling() -> Session {
    Session::accept(Transport::Polling, &Config::default(), Duration::ZERO)
}
