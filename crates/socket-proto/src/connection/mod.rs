//! One connection's life in Socket.IO: which namespaces it has joined, and what may come when.

pub mod client;
mod left;
pub mod server;
mod table;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::args::Args;
use crate::assembler::Assembler;
use crate::decode::{Body, Packet};
use crate::error::ProtocolError;
use crate::limits::Limits;
pub use table::Slot;
use table::Table;

/// One message of the floor below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A packet.
    Text(&'a str),
    /// An attachment.
    Binary(&'a [u8]),
}

/// An event or an ack on its way up, the same for both sides.
#[derive(Debug)]
pub(crate) enum Delivery<'a> {
    Event { slot: Slot, name: Cow<'a, str>, args: Args<'a>, ack: Option<u64> },
    Ack { slot: Slot, id: u64, args: Args<'a> },
}

impl Delivery<'_> {
    fn slot(&self) -> Slot {
        match self {
            Self::Event { slot, .. } | Self::Ack { slot, .. } => *slot,
        }
    }
}

/// What both sides have: the namespaces, and the attachments under way.
#[derive(Debug)]
struct Core {
    limits: Arc<Limits>,
    namespaces: Table,
    assembler: Assembler,
}

impl Core {
    fn new(limits: &Arc<Limits>) -> Self {
        Self {
            limits: Arc::clone(limits),
            namespaces: Table::default(),
            assembler: Assembler::default(),
        }
    }

    /// A text message: a packet, unless attachments were to come first.
    #[inline]
    fn text<'a>(&mut self, text: &'a str) -> Result<Packet<'a>, ProtocolError> {
        match self.assembler.missing() {
            0 => Packet::parse(text, &self.limits),
            missing => Err(ProtocolError::TextInsideAttachments { missing }),
        }
    }

    /// A binary message: an attachment. What it completes is handed up if its namespace is still
    /// the one it was sent to.
    fn binary(&mut self, data: &[u8]) -> Result<Option<Delivery<'_>>, ProtocolError> {
        let complete = self.assembler.take(data, &self.limits)?;
        Ok(complete.filter(|delivery| self.namespaces.name(delivery.slot()).is_some()))
    }

    /// An event or an ack for `slot`, or for nobody: handed up, or kept until its attachments are
    /// complete. An ack without an id answers nothing.
    #[inline]
    fn deliver<'a>(
        &mut self,
        packet: Packet<'a>,
        slot: Option<Slot>,
        now: Duration,
    ) -> Option<Delivery<'a>> {
        let attachments = packet.attachments;
        let args = |json| Args { json, attachments: &[] };
        let delivery = slot.and_then(|slot| match packet.body {
            Body::Event { name, json, ack } => {
                Some(Delivery::Event { slot, name, args: args(json), ack })
            }
            Body::Ack { id, json } => Some(Delivery::Ack { slot, id: id?, args: args(json) }),
            _ => None,
        });
        if attachments == 0 {
            return delivery;
        }
        self.assembler.announce(delivery, attachments, &self.limits, now);
        None
    }

    /// Attachments that were due.
    fn overdue(&self, now: Duration) -> Result<(), ProtocolError> {
        match self.assembler.deadline() {
            Some(deadline) if deadline <= now => {
                Err(ProtocolError::AttachmentsOverdue { missing: self.assembler.missing() })
            }
            _ => Ok(()),
        }
    }
}

/// The earlier of two times that may not be set.
fn earliest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
