//! The connecting side: asks for namespaces, and hears what the server says in them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::table::State;
use super::{Core, Delivery, Message, Slot, earliest};
use crate::args::Args;
use crate::decode::Body;
use crate::error::{ConnectError, ProtocolError};
use crate::json::NotJson;
use crate::limits::Limits;
use crate::{namespace, split};

/// What a server sends, as a state machine: messages and the time in, packets for the client out.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use sockeye_socket_proto::client::{Connection, Incoming};
/// use sockeye_socket_proto::{Limits, Message, encode};
///
/// let now = Duration::ZERO;
/// let mut connection = Connection::new(&Arc::new(Limits::default()));
///
/// let slot = connection.connect("/admin", now).unwrap();
/// assert_eq!(encode::connect("/admin", None, 0).text(), "0/admin,"); // to be sent
/// let reply = connection.receive(Message::Text(r#"0/admin,{"sid":"x1"}"#), now).unwrap();
/// assert_eq!(reply, Some(Incoming::Connected { slot, sid: "x1".into(), pid: None }));
/// ```
#[derive(Debug)]
pub struct Connection {
    core: Core,
    /// The CONNECTs without an answer, the oldest first, and when to give each up.
    unanswered: Vec<(Slot, Duration)>,
}

/// What the server did.
#[derive(Debug, PartialEq)]
pub enum Incoming<'a> {
    /// It let us in.
    Connected {
        /// What [`Connection::connect`] had returned.
        slot: Slot,
        /// The socket's public id.
        sid: Cow<'a, str>,
        /// The private id with which the session can be taken up again, if the server offers that.
        pid: Option<Cow<'a, str>>,
    },
    /// It did not let us in (`CONNECT_ERROR`). The slot is free already.
    Refused {
        /// What [`Connection::connect`] had returned.
        slot: Slot,
        /// Why, in the server's words.
        message: Cow<'a, str>,
        /// Further data, as JSON.
        data: Option<&'a str>,
    },
    /// It emitted an event.
    Event {
        /// Joined, or still pending: a server that recovers a session sends what was missed before
        /// its CONNECT reply. Such events are to be kept until then.
        slot: Slot,
        /// Not reserved. The digits, if the server sent an integer.
        name: Cow<'a, str>,
        /// Valid JSON, with valid placeholders.
        args: Args<'a>,
        /// The id to answer with, if an answer is wanted.
        ack: Option<u64>,
    },
    /// It answered an event of ours.
    Ack {
        /// Joined, or still pending.
        slot: Slot,
        /// Whatever the server says: it may be late, doubled or invented.
        id: u64,
        /// Valid JSON, with valid placeholders.
        args: Args<'a>,
    },
    /// It disconnected us from a namespace. The slot is free already.
    Disconnect {
        /// What [`Connection::connect`] had returned.
        slot: Slot,
    },
}

impl Connection {
    /// A connection that has just been opened.
    pub fn new(limits: &Arc<Limits>) -> Self {
        Self { core: Core::new(limits), unanswered: Vec::new() }
    }

    /// The name of the namespace in this slot, pending or joined; `None` for a stale slot.
    pub fn namespace(&self, slot: Slot) -> Option<&str> {
        self.core.namespaces.name(slot)
    }

    /// Whether the server has let us into the slot's namespace.
    pub fn is_joined(&self, slot: Slot) -> bool {
        self.core.namespaces.is_joined(slot)
    }

    /// Whether the server has let us into the namespace of this name.
    pub(crate) fn has_joined(&self, namespace: &str) -> bool {
        matches!(self.core.namespaces.find(namespace), Some((_, State::Joined)))
    }

    /// When to call [`timeout`](Self::timeout).
    pub fn next_timeout(&self) -> Option<Duration> {
        let unanswered = self.unanswered.first().map(|(_, answer_by)| *answer_by);
        earliest(unanswered, self.core.assembler.deadline())
    }

    /// Our user wants to join a namespace; [`encode::connect`](crate::encode::connect) is to be
    /// sent now. It may take [`Limits::connect_timeout`](crate::Limits) until the answer.
    ///
    /// # Errors
    ///
    /// It is joined already, or cannot be asked for.
    pub fn connect(&mut self, namespace: &str, now: Duration) -> Result<Slot, ConnectError> {
        if !namespace::is_valid(namespace) {
            return Err(ConnectError::InvalidNamespace);
        }
        if self.core.namespaces.find(namespace).is_some() {
            return Err(ConnectError::AlreadyConnected);
        }
        let limit = self.core.limits.namespaces;
        let Some(slot) = self.core.namespaces.reserve(namespace, limit) else {
            return Err(ConnectError::TooManyNamespaces { limit });
        };
        let answer_by = now.saturating_add(self.core.limits.connect_timeout);
        self.unanswered.push((slot, answer_by));
        Ok(slot)
    }

    /// The server has let us in before it was asked, as one of [revision 4](crate::v4) may. False if the slot is not pending.
    pub fn accepted(&mut self, slot: Slot) -> bool {
        self.answered(slot);
        self.core.namespaces.join(slot)
    }

    /// Our user leaves a namespace; [`encode::disconnect`](crate::encode::disconnect) is to be sent
    /// now. False if the slot is stale: then nothing is to be sent. What the server has sent
    /// meanwhile is ignored.
    pub fn left(&mut self, slot: Slot) -> bool {
        self.answered(slot);
        self.core.namespaces.free(slot).is_some()
    }

    /// Takes in one message. `Ok(None)` means that there is nothing to do: attachments are still to
    /// come, or the packet was for a namespace that we are not in.
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

    /// Time has passed; calling too early is harmless. `Some` is a CONNECT that the server did not
    /// answer, whose slot is free now; to be called until it says `None`.
    ///
    /// # Errors
    ///
    /// The server took too long with attachments: the whole connection is to be closed.
    pub fn timeout(&mut self, now: Duration) -> Result<Option<Slot>, ProtocolError> {
        self.core.overdue(now)?;
        let Some((slot, _)) = self.unanswered.first().filter(|(_, answer_by)| *answer_by <= now)
        else {
            return Ok(None);
        };
        let slot = *slot;
        self.left(slot);
        Ok(Some(slot))
    }

    /// Which packets a server may send, and when. What is for a namespace that we are not in was
    /// under way when we left it.
    #[inline]
    fn packet<'a>(
        &mut self,
        text: &'a str,
        now: Duration,
    ) -> Result<Option<Incoming<'a>>, ProtocolError> {
        let packet = self.core.text(text)?;
        let found = self.core.namespaces.find(packet.namespace);
        match (&packet.body, found) {
            (Body::Event { .. } | Body::Ack { .. }, _) => {
                let slot = found.map(|(slot, _)| slot);
                Ok(self.core.deliver(packet, slot, now).map(Incoming::from))
            }
            (_, None) => Ok(None),
            (Body::Connect { payload }, Some((slot, State::Pending))) => {
                self.connected(slot, *payload).map(Some)
            }
            (Body::ConnectError { payload }, Some((slot, State::Pending))) => {
                self.refused(slot, payload).map(Some)
            }
            (Body::Disconnect, Some((slot, _))) => {
                self.left(slot);
                Ok(Some(Incoming::Disconnect { slot }))
            }
            (Body::Connect { .. } | Body::ConnectError { .. }, Some(_)) => {
                Err(ProtocolError::AlreadyConnected)
            }
        }
    }

    fn connected<'a>(
        &mut self,
        slot: Slot,
        payload: Option<&'a str>,
    ) -> Result<Incoming<'a>, ProtocolError> {
        let payload = payload.unwrap_or("{}");
        let Some(sid) = string_member(payload, "sid")? else {
            return Err(ProtocolError::NoSid);
        };
        let pid = string_member(payload, "pid")?;
        self.accepted(slot);
        Ok(Incoming::Connected { slot, sid, pid })
    }

    /// The payload is `{"message": …, "data": …}`, or the message alone from earlier servers.
    fn refused<'a>(&mut self, slot: Slot, payload: &'a str) -> Result<Incoming<'a>, ProtocolError> {
        self.left(slot);
        if payload.starts_with('"') {
            return Ok(Incoming::Refused { slot, message: split::unquote(payload), data: None });
        }
        let message = string_member(payload, "message")?;
        Ok(Incoming::Refused {
            slot,
            message: message.unwrap_or(Cow::Borrowed("refused")),
            data: split::member(payload, "data")?,
        })
    }

    fn answered(&mut self, slot: Slot) {
        self.unanswered.retain(|(unanswered, _)| *unanswered != slot);
    }
}

/// A member of an object, if it is there and a string.
fn string_member<'a>(object: &'a str, key: &str) -> Result<Option<Cow<'a, str>>, NotJson> {
    let member = split::member(object, key)?;
    Ok(member.filter(|value| value.starts_with('"')).map(split::unquote))
}

impl<'a> From<Delivery<'a>> for Incoming<'a> {
    fn from(delivery: Delivery<'a>) -> Self {
        match delivery {
            Delivery::Event { slot, name, args, ack } => Self::Event { slot, name, args, ack },
            Delivery::Ack { slot, id, args } => Self::Ack { slot, id, args },
        }
    }
}
