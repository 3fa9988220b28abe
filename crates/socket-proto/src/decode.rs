//! From the text of a packet to its parts, every rule of form checked.

use std::borrow::Cow;

use crate::error::ProtocolError;
use crate::limits::Limits;
use crate::packet::{Head, Kind};
use crate::{placeholder, split};

/// A well-formed packet; whether it may come now is for the connection to say.
#[derive(Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) attachments: usize,
    pub(crate) body: Body<'a>,
}

/// What a packet says. All JSON in it is valid.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    /// The payload is an object, if there is one.
    Connect {
        payload: Option<&'a str>,
    },
    Disconnect,
    Event {
        name: Cow<'a, str>,
        json: &'a str,
        ack: Option<u64>,
    },
    Ack {
        id: Option<u64>,
        json: &'a str,
    },
    /// The payload is an object or a string.
    ConnectError {
        payload: &'a str,
    },
}

impl Body<'_> {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Connect { .. } => Kind::Connect,
            Self::Disconnect => Kind::Disconnect,
            Self::Event { .. } => Kind::Event,
            Self::Ack { .. } => Kind::Ack,
            Self::ConnectError { .. } => Kind::ConnectError,
        }
    }
}

impl<'a> Packet<'a> {
    pub(crate) fn parse(text: &'a str, limits: &Limits) -> Result<Self, ProtocolError> {
        let head = Head::parse(text)?;
        let Head { namespace, attachments, .. } = head;
        if attachments > limits.attachments {
            let limit = limits.attachments;
            return Err(ProtocolError::TooManyAttachments { announced: attachments, limit });
        }
        let body = match head.kind {
            Kind::Connect => Body::Connect { payload: connect(&head)? },
            Kind::Disconnect => disconnect(&head)?,
            Kind::Event => event(&head)?,
            Kind::Ack => ack(&head)?,
            Kind::ConnectError => Body::ConnectError { payload: connect_error(&head)? },
        };
        Ok(Self { namespace, attachments, body })
    }
}

fn connect<'a>(head: &Head<'a>) -> Result<Option<&'a str>, ProtocolError> {
    match (head.id, head.payload.bytes().next()) {
        (None, None) => Ok(None),
        (None, Some(b'{')) => split::whole(head.payload).map(Some),
        _ => Err(payload(head.kind, "an object or nothing")),
    }
}

fn disconnect<'a>(head: &Head<'a>) -> Result<Body<'a>, ProtocolError> {
    if head.id.is_some() || !head.payload.is_empty() {
        return Err(payload(head.kind, "nothing"));
    }
    Ok(Body::Disconnect)
}

#[inline]
fn event<'a>(head: &Head<'a>) -> Result<Body<'a>, ProtocolError> {
    let (name, json) = split::event(head.payload)?;
    check_placeholders(json, head.attachments)?;
    Ok(Body::Event { name, json, ack: head.id })
}

fn ack<'a>(head: &Head<'a>) -> Result<Body<'a>, ProtocolError> {
    let json = split::ack(head.payload)?;
    check_placeholders(json, head.attachments)?;
    Ok(Body::Ack { id: head.id, json })
}

fn connect_error<'a>(head: &Head<'a>) -> Result<&'a str, ProtocolError> {
    match (head.id, head.payload.bytes().next()) {
        (None, Some(b'{' | b'"')) => split::whole(head.payload),
        _ => Err(payload(head.kind, "an object or a string")),
    }
}

/// Without attachments nothing is a placeholder: then it is data that only looks like one.
fn check_placeholders(json: &str, attachments: usize) -> Result<(), ProtocolError> {
    if attachments > 0 && !placeholder::check(json, attachments) {
        return Err(ProtocolError::Placeholder { attachments });
    }
    Ok(())
}

fn payload(kind: Kind, expected: &'static str) -> ProtocolError {
    ProtocolError::Payload { packet: kind.name(), expected }
}
