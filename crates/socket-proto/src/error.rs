//! What can go wrong, sorted by who has to act.
//!
//! [`ProtocolError`]: the peer broke the protocol; its connection is closed. [`DecodeError`]: the
//! peer's arguments are not what the handler's type wants; the connection lives. [`EncodeError`]
//! and [`ConnectError`]: our own caller asked for something that cannot be sent.

use std::fmt;

/// The peer broke a rule of Socket.IO 5: the whole connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// A message without even a packet type.
    Empty,
    /// The first character is none of the packet types `0` to `6`.
    UnknownType {
        /// The character in place of the type.
        got: char,
    },
    /// The attachment count of a binary packet is not a number of one or more, or has no `-`.
    AttachmentCount,
    /// More attachments announced than [`Limits::attachments`](crate::Limits) allows.
    TooManyAttachments {
        /// How many were announced.
        announced: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The ack id is 2^53 or more, which a JavaScript peer could not have meant exactly.
    AckId,
    /// The payload is not JSON, or something follows it.
    Json {
        /// The byte of the payload at which it ceases to be JSON.
        at: usize,
    },
    /// The payload is JSON of the wrong kind, missing, or in a packet that has none.
    Payload {
        /// The packet's type.
        packet: &'static str,
        /// What its payload must be.
        expected: &'static str,
    },
    /// The first element of an event is neither a string nor an integer.
    EventName,
    /// The event has one of the names in [`event::RESERVED`](crate::event::RESERVED).
    ReservedName {
        /// The name.
        name: &'static str,
    },
    /// A placeholder points to no attachment of its packet, or carries more than its number.
    Placeholder {
        /// How many attachments the packet announced.
        attachments: usize,
    },
    /// CONNECT for a name longer than [`namespace::MAX_BYTES`](crate::namespace::MAX_BYTES).
    NamespaceTooLong {
        /// The name's length in bytes.
        bytes: usize,
    },
    /// CONNECT for more namespaces than [`Limits::namespaces`](crate::Limits) allows.
    TooManyNamespaces {
        /// How many are allowed.
        limit: usize,
    },
    /// CONNECT for a namespace that is joined, or whose CONNECT is not answered yet.
    AlreadyConnected,
    /// A packet for a namespace that is not joined.
    NotConnected {
        /// The packet's type.
        packet: &'static str,
    },
    /// A packet type that only the other side may send.
    Unexpected {
        /// The packet's type.
        packet: &'static str,
    },
    /// The CONNECT reply carries no `sid`: the server speaks a revision before 5.
    NoSid,
    /// A text message while attachments are still missing.
    TextInsideAttachments {
        /// How many are missing.
        missing: usize,
    },
    /// A binary message that no packet announced.
    BinaryOutOfTurn,
    /// The attachments of one packet exceed [`Limits::attachment_bytes`](crate::Limits).
    AttachmentsTooLarge {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// Attachments did not arrive within [`Limits::attachment_deadline`](crate::Limits).
    AttachmentsOverdue {
        /// How many are missing.
        missing: usize,
    },
    /// No namespace was joined within [`Limits::connect_timeout`](crate::Limits).
    ConnectTimeout,
    /// A message of the [MessagePack](crate::msgpack) parser is no packet.
    MessagePack {
        /// What is wrong with it.
        what: &'static str,
    },
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("peer sent an empty message; expected a packet type"),
            Self::UnknownType { got } => {
                write!(f, "peer sent packet type {got:?}; expected `0` to `6`")
            }
            Self::AttachmentCount => f.write_str(
                "peer sent a binary packet without a count of attachments; \
                 expected digits, at least 1, then `-`",
            ),
            Self::TooManyAttachments { announced, limit } => write!(
                f,
                "peer announced {announced} attachments; the limit is {limit} \
                 (see `Limits::attachments`)"
            ),
            Self::AckId => f.write_str("peer sent an ack id of 2^53 or more"),
            Self::Json { at } => {
                write!(f, "peer sent a payload that is not one JSON text, from byte {at} on")
            }
            Self::Payload { packet, expected } => {
                write!(f, "peer sent {packet} with a wrong payload; expected {expected}")
            }
            Self::EventName => {
                f.write_str("peer sent an event without a name; expected a string or an integer")
            }
            Self::ReservedName { name } => {
                write!(f, "peer sent an event with the reserved name `{name}`")
            }
            Self::Placeholder { attachments } => write!(
                f,
                "peer sent a placeholder that points to none of its {attachments} attachments"
            ),
            Self::NamespaceTooLong { bytes } => write!(
                f,
                "peer sent CONNECT for a namespace of {bytes} bytes; the limit is {}",
                crate::namespace::MAX_BYTES
            ),
            Self::TooManyNamespaces { limit } => write!(
                f,
                "peer sent CONNECT for one namespace too many; the limit is {limit} \
                 (see `Limits::namespaces`)"
            ),
            Self::AlreadyConnected => {
                f.write_str("peer sent a second CONNECT for a namespace; expected one")
            }
            Self::NotConnected { packet } => {
                write!(f, "peer sent {packet} for a namespace that is not joined; expected CONNECT")
            }
            Self::Unexpected { packet } => {
                write!(f, "peer sent {packet}, which is for the other side to send")
            }
            Self::NoSid => f.write_str(
                "peer answered CONNECT without a sid; expected a server of Socket.IO 3 or later",
            ),
            Self::TextInsideAttachments { missing } => {
                write!(f, "peer sent a text message; expected {missing} more attachment(s) first")
            }
            Self::BinaryOutOfTurn => {
                f.write_str("peer sent a binary message; expected a packet that announces it")
            }
            Self::AttachmentsTooLarge { limit } => write!(
                f,
                "peer sent attachments of more than {limit} bytes in one packet \
                 (see `Limits::attachment_bytes`)"
            ),
            Self::AttachmentsOverdue { missing } => write!(
                f,
                "peer let {missing} attachment(s) wait for too long \
                 (see `Limits::attachment_deadline`)"
            ),
            Self::MessagePack { what } => write!(f, "peer sent no packet in MessagePack: {what}"),
            Self::ConnectTimeout => {
                f.write_str("peer joined no namespace for too long (see `Limits::connect_timeout`)")
            }
        }
    }
}

impl std::error::Error for ProtocolError {}

/// An event or an ack that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The event's name is one of [`event::RESERVED`](crate::event::RESERVED).
    Reserved(&'static str),
    /// The data holds both attachments and a key `_placeholder` of its own, which the receiver
    /// could not tell from the place of an attachment.
    Placeholder,
    /// The type's own `Serialize` failed, or it is none that JSON can express.
    Serialize(String),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserved(name) => {
                write!(f, "`{name}` is reserved for the library; choose another event name")
            }
            Self::Placeholder => {
                f.write_str("data with binary parts must not have a key `_placeholder` of its own")
            }
            Self::Serialize(message) => write!(f, "data cannot be written as JSON: {message}"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// Arguments that are not what the wanted type needs. The connection lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    argument: usize,
    message: Box<str>,
}

impl DecodeError {
    /// Keeps at most [`MESSAGE_BYTES`] of the message: it may quote what the peer sent.
    pub(crate) fn new(argument: usize, mut message: String) -> Self {
        if message.len() > MESSAGE_BYTES {
            message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
            message.push('…');
        }
        Self { argument, message: message.into() }
    }

    /// Which argument was wrong; the first is 1.
    pub fn argument(&self) -> usize {
        self.argument
    }

    /// What came and what was expected, without the argument's position.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "argument {}: {}", self.argument, self.message)
    }
}

impl std::error::Error for DecodeError {}

/// A namespace which the client side cannot ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// It is joined, or its CONNECT is not answered yet.
    AlreadyConnected,
    /// See [`namespace::is_valid`](crate::namespace::is_valid).
    InvalidNamespace,
    /// [`Limits::namespaces`](crate::Limits) are joined or being joined.
    TooManyNamespaces {
        /// How many are allowed.
        limit: usize,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyConnected => f.write_str("this namespace is joined or being joined"),
            Self::InvalidNamespace => {
                f.write_str("a namespace starts with a slash, has no comma, and is not overlong")
            }
            Self::TooManyNamespaces { limit } => {
                write!(f, "one namespace too many; the limit is {limit} (see `Limits::namespaces`)")
            }
        }
    }
}

impl std::error::Error for ConnectError {}

/// The longest message of a [`DecodeError`], in bytes.
const MESSAGE_BYTES: usize = 300;
