//! Socket.IO connections, fed by messages that are cut out of the bytes.

mod args;
mod client;
mod server;

use std::time::Duration;

use socket_proto::v4::client::Interpreter;
use socket_proto::{Limits, Message, ProtocolError};

/// Lives the life of a connection as a server and as a client of either revision. Panics if a namespace has two lives at
/// once, if a limit or a deadline is passed, or if arguments cannot be passed on unchanged.
///
/// The bytes are steps with `SEPARATOR` in between; the first byte of a step is its kind:
///
/// | kind              | step                                                     |
/// |-------------------|----------------------------------------------------------|
/// | `a`, `r`, `l`, `c` | our own side accepts, refuses, leaves (which: the second byte) or connects |
/// | `w`               | time passes (how much: the second byte)                  |
/// | `b`               | a binary message                                         |
/// | anything else     | a text message, this byte included                       |
///
/// ```
/// sockeye_fuzz::packet(b"0\x1ea0\x1e51-[\"file\",{\"_placeholder\":true,\"num\":0}]\x1ebdata");
/// ```
pub fn packet(bytes: &[u8]) {
    server::live(steps(bytes));
    client::live(steps(bytes), None);
    client::live(steps(bytes), Some(Interpreter::new("x1")));
    let texts = || steps(bytes).filter_map(|step| std::str::from_utf8(step).ok());
    texts().for_each(args::judge_json);
    texts().for_each(crate::v3::packet);
}

/// Stands between two steps: the record separator, which JSON does not contain unescaped.
const SEPARATOR: u8 = 0x1e;

fn steps(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == SEPARATOR)
}

/// The message of a step that is one.
fn message(step: &[u8]) -> Option<Message<'_>> {
    match step {
        [b'b', data @ ..] => Some(Message::Binary(data)),
        text => std::str::from_utf8(text).ok().map(Message::Text),
    }
}

/// How much time passes: from nothing to beyond every deadline.
fn span(number: u8) -> Duration {
    Duration::from_millis(u64::from(number) * 300)
}

/// The full list of ways in which a message may end a connection. A new one does not compile until it
/// is judged here; comes back with whether only a client can meet it.
fn judge(error: ProtocolError) -> bool {
    assert!(!error.to_string().is_empty(), "an error explains itself");
    match error {
        ProtocolError::AttachmentsOverdue { .. } | ProtocolError::ConnectTimeout => {
            panic!("no message is late by itself: {error}")
        }
        ProtocolError::MessagePack { .. } => panic!("it is not spoken here: {error}"),
        ProtocolError::NoSid => true,
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
        | ProtocolError::TextInsideAttachments { .. }
        | ProtocolError::BinaryOutOfTurn
        | ProtocolError::AttachmentsTooLarge { .. } => false,
    }
}

/// Small enough that a fuzzer's input can pass each of them.
const LIMITS: Limits = Limits {
    attachments: 3,
    attachment_bytes: 64,
    attachment_deadline: Duration::from_secs(20),
    connect_timeout: Duration::from_secs(45),
    namespaces: 3,
};
