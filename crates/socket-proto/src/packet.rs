//! The head of a packet: type, attachment count, namespace, ack id.
//!
//! `type [attachments "-"] ["/namespace" ","] [ack id] [JSON]` (Socket.IO 5, "Packet encoding"),
//! read by hand in one pass. Everything in it is a slice of the message.

use crate::error::ProtocolError;
use crate::namespace;

/// What a packet is for. There are no binary kinds: those follow from the attachment count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

impl Kind {
    /// The specification's word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Disconnect => "DISCONNECT",
            Self::Event => "EVENT",
            Self::Ack => "ACK",
            Self::ConnectError => "CONNECT_ERROR",
        }
    }
}

/// A packet whose payload has not been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) kind: Kind,
    /// 0 in a packet without attachments, which is never what a binary packet announces.
    pub(crate) attachments: usize,
    pub(crate) namespace: &'a str,
    pub(crate) id: Option<u64>,
    pub(crate) payload: &'a str,
}

impl<'a> Head<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, ProtocolError> {
        let Some(got) = text.chars().next() else {
            return Err(ProtocolError::Empty);
        };
        let (kind, binary) = match got {
            '0' => (Kind::Connect, false),
            '1' => (Kind::Disconnect, false),
            '2' => (Kind::Event, false),
            '3' => (Kind::Ack, false),
            '4' => (Kind::ConnectError, false),
            '5' => (Kind::Event, true),
            '6' => (Kind::Ack, true),
            _ => return Err(ProtocolError::UnknownType { got }),
        };
        let rest = &text[1..];
        let (attachments, rest) = if binary { attachments(rest)? } else { (0, rest) };
        let (namespace, rest) = namespace(rest);
        let (id, payload) = ack_id(rest)?;
        Ok(Self { kind, attachments, namespace, id, payload })
    }
}

/// `<n>-`: digits only, one or more attachments.
fn attachments(text: &str) -> Result<(usize, &str), ProtocolError> {
    let (count, rest) = number(text);
    match (count, rest.strip_prefix('-')) {
        (Some(1..), Some(rest)) => {
            Ok((usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX), rest))
        }
        _ => Err(ProtocolError::AttachmentCount),
    }
}

/// `/name,`, where the comma may be missing at the end of the packet.
fn namespace(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return (namespace::MAIN, text);
    }
    text.split_once(',').unwrap_or((text, ""))
}

/// Digits below 2^53: JavaScript could not answer a greater id exactly.
fn ack_id(text: &str) -> Result<(Option<u64>, &str), ProtocolError> {
    match number(text) {
        (Some(id), _) if id >= 1 << 53 => Err(ProtocolError::AckId),
        found => Ok(found),
    }
}

/// Digits at the start, and what follows them. What is too large for 64 bits stays the largest.
#[inline]
fn number(text: &str) -> (Option<u64>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return (None, text);
    }
    let value = text[..digits].bytes().fold(0_u64, |value, digit| {
        value.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    });
    (Some(value), &text[digits..])
}
