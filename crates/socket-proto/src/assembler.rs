//! Waits for the attachments that a packet announced.
//!
//! Three bounds: their number (checked when the packet is read), their bytes, and the time until
//! the last one. Nothing else of Socket.IO may come in between.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use crate::args::Args;
use crate::connection::{Delivery, Slot};
use crate::error::ProtocolError;
use crate::limits::Limits;

/// Owns no memory while it waits for nothing.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    packet: Option<Box<Gathered>>,
}

/// A packet, and as many of its attachments as have come.
#[derive(Debug)]
struct Gathered {
    /// For whom; `None` if it is to be read and forgotten.
    slot: Option<Slot>,
    what: What,
    json: Box<str>,
    attachments: Vec<Bytes>,
    /// How many attachments are still to come; 0 once the packet was handed up.
    missing: usize,
    bytes_left: usize,
    deadline: Duration,
}

#[derive(Debug)]
enum What {
    Event { name: Box<str>, ack: Option<u64> },
    Ack { id: u64 },
    Nothing,
}

impl Assembler {
    /// How many attachments are still to come.
    #[inline]
    pub(crate) fn missing(&self) -> usize {
        self.packet.as_ref().map_or(0, |packet| packet.missing)
    }

    /// When to give up on them.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let packet = self.packet.as_ref().filter(|packet| packet.missing > 0)?;
        Some(packet.deadline)
    }

    /// A packet came whose attachments will follow; `None` if nobody wants it any more.
    pub(crate) fn announce(
        &mut self,
        packet: Option<Delivery<'_>>,
        attachments: usize,
        limits: &Limits,
        now: Duration,
    ) {
        let (slot, what, json) = match packet {
            Some(Delivery::Event { slot, name, args, ack }) => {
                (Some(slot), What::Event { name: name.into(), ack }, args.json.into())
            }
            Some(Delivery::Ack { slot, id, args }) => {
                (Some(slot), What::Ack { id }, args.json.into())
            }
            None => (None, What::Nothing, Box::default()),
        };
        self.packet = Some(Box::new(Gathered {
            slot,
            what,
            json,
            attachments: Vec::new(),
            missing: attachments,
            bytes_left: limits.attachment_bytes,
            deadline: now.saturating_add(limits.attachment_deadline),
        }));
    }

    /// An attachment came. `Ok(None)` means "not yet", or that nobody wants the packet.
    pub(crate) fn take(
        &mut self,
        data: &[u8],
        limits: &Limits,
    ) -> Result<Option<Delivery<'_>>, ProtocolError> {
        let packet = self.packet.as_deref_mut().filter(|packet| packet.missing > 0);
        let Some(packet) = packet else {
            return Err(ProtocolError::BinaryOutOfTurn);
        };
        let Some(bytes_left) = packet.bytes_left.checked_sub(data.len()) else {
            return Err(ProtocolError::AttachmentsTooLarge { limit: limits.attachment_bytes });
        };
        packet.bytes_left = bytes_left;
        packet.missing -= 1;
        if packet.slot.is_some() {
            packet.attachments.push(Bytes::copy_from_slice(data));
        }
        Ok(if packet.missing == 0 { packet.delivery() } else { None })
    }

    /// Lets go of a packet that was handed up.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.packet.is_some() && self.missing() == 0 {
            self.packet = None;
        }
    }
}

impl Gathered {
    fn delivery(&self) -> Option<Delivery<'_>> {
        let args = Args { json: &self.json, attachments: &self.attachments };
        let slot = self.slot?;
        match &self.what {
            What::Event { name, ack } => {
                Some(Delivery::Event { slot, name: Cow::Borrowed(name), args, ack: *ack })
            }
            What::Ack { id } => Some(Delivery::Ack { slot, id: *id, args }),
            What::Nothing => None,
        }
    }
}
