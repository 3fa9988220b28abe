//! What a client cannot be given, and how it is told.

use serde::Serialize;
use socket_proto::Encoded;

use crate::Namespace;
use crate::emit;
use crate::error::EmitError;

/// Why somebody who comes back cannot be given all that it has missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Missed {
    /// Nobody of this name is away: it was away for too long, has left, or was never here.
    UnknownSession,
    /// It names an event that there never was.
    UnknownPosition,
    /// It belongs to somebody else.
    OtherPrincipal,
    /// It has changed rooms more often than is remembered.
    Rooms,
    /// The log does not reach back so far, or has lost a part.
    Gap,
    /// The log cannot be read.
    Unreadable,
    /// Another connection has taken over; nobody is told.
    Fenced,
    /// What is for it is held back; nobody is told.
    Held,
}

/// The event that tells it.
const EVENT: &str = "sockeye:gap";

/// What it says.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Gap {
    /// Why not everything that it missed could be given to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Missed>,
    /// Rooms that it may not hear any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) rooms: Vec<String>,
}

impl Gap {
    pub(crate) fn is_none(&self) -> bool {
        self.reason.is_none() && self.rooms.is_empty()
    }

    pub(crate) fn encode(&self, namespace: &Namespace) -> Result<Encoded, EmitError> {
        emit::encode(namespace.name(), EVENT, self, None)
    }
}
