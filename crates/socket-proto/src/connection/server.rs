//! The accepting side: CONNECT first, then events, and a peer that joins nothing has to go.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::left::Left;
use super::table::State;
use super::{Core, Delivery, Message, Slot, earliest};
use crate::args::Args;
use crate::decode::{Body, Packet};
use crate::error::ProtocolError;
use crate::limits::Limits;
use crate::namespace;
use crate::packet::Kind;

/// What a client sends, as a state machine: messages and the time in, packets for the server out.
///
/// It answers nothing by itself. Whoever owns it decides on each [`Incoming::Connect`], tells the
/// machine ([`accepted`](Self::accepted), [`refused`](Self::refused)) and sends the answer; the
/// same with [`left`](Self::left) when it disconnects a socket.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use sockeye_socket_proto::server::{Connection, Incoming};
/// use sockeye_socket_proto::{Limits, Message};
///
/// let now = Duration::ZERO;
/// let mut connection = Connection::new(&Arc::new(Limits::default()), now);
///
/// let connect = connection.receive(Message::Text("0"), now).unwrap();
/// let Some(Incoming::Connect { slot, namespace: "/", auth: None }) = connect else { panic!() };
/// assert!(connection.accepted(slot));
///
/// let event = connection.receive(Message::Text(r#"27["add",1,2]"#), now).unwrap();
/// let Some(Incoming::Event { name, args, ack, .. }) = event else { panic!() };
/// assert_eq!((&*name, ack), ("add", Some(7)));
/// assert_eq!(args.parse::<(u32, u32)>().unwrap(), (1, 2));
/// ```
#[derive(Debug)]
pub struct Connection {
    core: Core,
    left: Left,
    /// When the peer has to have joined a namespace. It runs whenever none is joined, also while
    /// one is pending: a middleware that never ends must not hold the connection for ever. Being
    /// refused does not prolong it, or asking for nonsense again and again would.
    connect_by: Option<Duration>,
}

/// What the client did.
#[derive(Debug, PartialEq)]
pub enum Incoming<'a> {
    /// It wants to join a namespace.
    Connect {
        /// Pending until [`Connection::accepted`] or [`Connection::refused`].
        slot: Slot,
        /// The name, with its leading slash. Nothing says that such a namespace exists.
        namespace: &'a str,
        /// A JSON object.
        auth: Option<&'a str>,
    },
    /// It emitted an event.
    Event {
        /// Joined.
        slot: Slot,
        /// Not reserved. The digits, if the client sent an integer.
        name: Cow<'a, str>,
        /// Valid JSON, with valid placeholders.
        args: Args<'a>,
        /// The id to answer with, if an answer is wanted.
        ack: Option<u64>,
    },
    /// It answered an event of the server.
    Ack {
        /// Joined.
        slot: Slot,
        /// Whatever the client says: it may be late, doubled or invented.
        id: u64,
        /// Valid JSON, with valid placeholders.
        args: Args<'a>,
    },
    /// It answered an event of an earlier connection, and has not joined the namespace on this one, or not
    /// yet: the official client does so when its handler answers while it reconnects.
    EarlyAck {
        /// Where the event came from. Nothing says that such a namespace exists.
        namespace: &'a str,
        /// Whatever the client says: it may be invented.
        id: u64,
        /// Valid JSON, without attachments: an answer that has some is not kept.
        args: Args<'a>,
    },
    /// It left a namespace, or took its CONNECT back. The slot is free already.
    Disconnect {
        /// What [`Incoming::Connect`] had named.
        slot: Slot,
    },
}

impl Connection {
    /// A connection that has just been opened; the connect timeout runs from `now`.
    pub fn new(limits: &Arc<Limits>, now: Duration) -> Self {
        let connect_by = Some(now.saturating_add(limits.connect_timeout));
        Self { core: Core::new(limits), left: Left::default(), connect_by }
    }

    /// The name of the namespace in this slot, pending or joined; `None` for a stale slot.
    pub fn namespace(&self, slot: Slot) -> Option<&str> {
        self.core.namespaces.name(slot)
    }

    /// Whether the slot's namespace is joined.
    pub fn is_joined(&self, slot: Slot) -> bool {
        self.core.namespaces.is_joined(slot)
    }

    /// When to call [`timeout`](Self::timeout).
    pub fn next_timeout(&self) -> Option<Duration> {
        earliest(self.connect_by, self.core.assembler.deadline())
    }

    /// Takes in one message. `Ok(None)` means that there is nothing to do: attachments are still to
    /// come, or the packet was for a namespace left a moment ago.
    ///
    /// # Errors
    ///
    /// The peer broke the protocol: the whole connection is to be closed.
    #[inline]
    pub fn receive<'a>(
        &'a mut self,
        message: Message<'a>,
        now: Duration,
    ) -> Result<Option<Incoming<'a>>, ProtocolError> {
        self.core.assembler.release();
        match message {
            Message::Text(text) => self.packet(text, now),
            Message::Binary(data) => Ok(self.core.binary(data)?.map(Incoming::from)),
        }
    }

    /// Frees the attachments that the last [`Incoming`] borrowed; the next `receive` would do it,
    /// but may be long in coming.
    pub fn release(&mut self) {
        self.core.assembler.release();
    }

    /// Time has passed; calling too early is harmless.
    ///
    /// # Errors
    ///
    /// The peer took too long: the whole connection is to be closed.
    pub fn timeout(&mut self, now: Duration) -> Result<(), ProtocolError> {
        self.core.overdue(now)?;
        match self.connect_by {
            Some(connect_by) if connect_by <= now => Err(ProtocolError::ConnectTimeout),
            _ => Ok(()),
        }
    }

    /// The server lets the client in, and will send the CONNECT reply. False if the client has gone
    /// from there meanwhile: then nothing is to be sent.
    pub fn accepted(&mut self, slot: Slot) -> bool {
        let joined = self.core.namespaces.join(slot);
        if joined {
            self.connect_by = None;
        }
        joined
    }

    /// The server does not let the client in, and will send `CONNECT_ERROR`. False if the client
    /// has gone from there meanwhile: then nothing is to be sent.
    pub fn refused(&mut self, slot: Slot) -> bool {
        self.core.namespaces.free(slot).is_some()
    }

    /// The server disconnects the client from the namespace, and will send DISCONNECT. False if the
    /// client has left by itself: then nothing is to be sent.
    pub fn left(&mut self, slot: Slot, now: Duration) -> bool {
        let Some(name) = self.core.namespaces.free(slot) else {
            return false;
        };
        self.left.remember(name, now, self.core.limits.namespaces);
        if self.connect_by.is_none() && !self.core.namespaces.any_joined() {
            self.connect_by = Some(now.saturating_add(self.core.limits.connect_timeout));
        }
        true
    }

    /// Which packets a client may send, and when.
    #[inline]
    fn packet<'a>(
        &mut self,
        text: &'a str,
        now: Duration,
    ) -> Result<Option<Incoming<'a>>, ProtocolError> {
        let packet = self.core.text(text)?;
        match packet.body {
            Body::Event { .. } | Body::Ack { .. } => self.delivery(packet, now),
            Body::Connect { payload } => self.connect(packet.namespace, payload).map(Some),
            Body::Disconnect => Ok(self.disconnect(packet.namespace, now)),
            Body::ConnectError { .. } => {
                Err(ProtocolError::Unexpected { packet: Kind::ConnectError.name() })
            }
        }
    }

    #[inline]
    fn delivery<'a>(
        &mut self,
        packet: Packet<'a>,
        now: Duration,
    ) -> Result<Option<Incoming<'a>>, ProtocolError> {
        let slot = match self.core.namespaces.find(packet.namespace) {
            Some((slot, State::Joined)) => Some(slot),
            None if self.left.contains(packet.namespace, now) => None,
            _ if matches!(packet.body, Body::Ack { .. }) => return Ok(self.early(packet, now)),
            _ => {
                return Err(ProtocolError::NotConnected { packet: packet.body.kind().name() });
            }
        };
        Ok(self.core.deliver(packet, slot, now).map(Incoming::from))
    }

    /// An answer for a namespace that is not joined.
    fn early<'a>(&mut self, packet: Packet<'a>, now: Duration) -> Option<Incoming<'a>> {
        match packet.body {
            Body::Ack { id: Some(id), json } if packet.attachments == 0 => {
                let args = Args { json, attachments: &[] };
                Some(Incoming::EarlyAck { namespace: packet.namespace, id, args })
            }
            // What belongs to it still has to be read, and is forgotten.
            _ => self.core.deliver(packet, None, now).map(Incoming::from),
        }
    }

    fn connect<'a>(
        &mut self,
        namespace: &'a str,
        auth: Option<&'a str>,
    ) -> Result<Incoming<'a>, ProtocolError> {
        if self.core.namespaces.find(namespace).is_some() {
            return Err(ProtocolError::AlreadyConnected);
        }
        if namespace.len() > namespace::MAX_BYTES {
            return Err(ProtocolError::NamespaceTooLong { bytes: namespace.len() });
        }
        let limit = self.core.limits.namespaces;
        match self.core.namespaces.reserve(namespace, limit) {
            Some(slot) => Ok(Incoming::Connect { slot, namespace, auth }),
            None => Err(ProtocolError::TooManyNamespaces { limit }),
        }
    }

    /// One for a namespace that is not joined says nothing new: both sides may have left at once.
    fn disconnect(&mut self, namespace: &str, now: Duration) -> Option<Incoming<'static>> {
        let (slot, _) = self.core.namespaces.find(namespace)?;
        self.left(slot, now);
        Some(Incoming::Disconnect { slot })
    }
}

impl<'a> From<Delivery<'a>> for Incoming<'a> {
    fn from(delivery: Delivery<'a>) -> Self {
        match delivery {
            Delivery::Event { slot, name, args, ack } => Self::Event { slot, name, args, ack },
            Delivery::Ack { slot, id, args } => Self::Ack { slot, id, args },
        }
    }
}
