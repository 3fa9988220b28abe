//! From `emit` to the log, and from the log to the outboxes.

use std::sync::{Arc, Weak};

use adapter::Audience;
use bytes::Bytes;
use log::{AppendError, Appended, Durability, Position};
use parking_lot::MutexGuard;
use smallvec::smallvec;
use socket_proto::{Encoded, encode};
use transport::ROOM;

use super::order::{Logged, Order, Packets, Pending, Ready};
use super::{Address, Durable, Session};
use crate::emit::{Emitted, Token};
use crate::error::{EmitError, StoreError};
use crate::parser;
use crate::{Io, Namespace, Socket};

/// An event on its way to the log.
pub(crate) struct Outgoing<'a> {
    pub(crate) namespace: &'a Namespace,
    /// The event; nothing of the log is in it yet.
    pub(crate) encoded: Encoded,
    pub(crate) address: Address,
    pub(crate) members: Members<'a>,
    pub(crate) durability: Option<Durability>,
    pub(crate) key: Option<&'a str>,
    /// It asks for an answer: then its last argument is the client's callback, and its token follows in a tick.
    pub(crate) asks: bool,
}

/// Who of those that are connected is meant.
pub(crate) enum Members<'a> {
    /// The audience of each worker.
    Of(&'a dyn Fn(usize) -> Audience),
    One(&'a Arc<Session>),
}

/// Ends a volatile event instead of a token: the client takes no string for its position then, and the frame
/// still is the same for everybody.
pub(crate) const NO_TOKEN: &str = "null";

/// Where an event stands in the log, for who wants to know what became of it.
#[derive(Clone)]
pub(crate) struct Receipt {
    pub(crate) durable: Arc<Durable>,
    pub(crate) position: Position,
    pub(crate) durability: Durability,
    pub(crate) address: Arc<Address>,
    /// It had been logged before, by its key.
    pub(crate) repeated: bool,
}

impl Receipt {
    pub(crate) async fn stored(self) -> Result<Token, StoreError> {
        let stored = self.durable.log.stored(self.position, self.durability);
        stored.await.map_err(|error| StoreError::Log(error.to_string()))?;
        Ok(self.durable.token(self.position))
    }
}

/// The token stands at the end of the text, in quotes, in front of the bracket.
const TAIL: usize = 2;

impl Durable {
    /// Logs an event, and delivers it as soon as the log has it.
    pub(crate) fn emit(self: &Arc<Self>, outgoing: Outgoing<'_>) -> Result<Emitted, EmitError> {
        let outgoing = outgoing.with_place();
        self.emit_in(self.order.lock(), outgoing)
    }

    /// The same, behind what has been done under this lock. Unless it asks, the event has a
    /// [place](PLACEHOLDER) for its token, or the token of another one there.
    pub(super) fn emit_in(
        self: &Arc<Self>,
        mut order: MutexGuard<'_, Order>,
        outgoing: Outgoing<'_>,
    ) -> Result<Emitted, EmitError> {
        if order.closed {
            return Ok(Emitted::default());
        }
        let Outgoing { namespace, mut encoded, address, members, durability, key, asks } = outgoing;
        let durability = durability.unwrap_or(self.class);
        let address = Arc::new(address);
        let sessions = members.sessions(namespace);
        let size = size(&encoded, &address) + sessions.len() * size_of::<Arc<Session>>();
        let appended = self.shard.append(durability, key, size, |position| {
            if !asks {
                seal(&mut encoded, self.shard.token(position).as_bytes());
            }
            event(&encoded, &address, asks)
        });
        let receipt = |position, repeated| Receipt {
            durable: Arc::clone(self),
            position,
            durability,
            address: Arc::clone(&address),
            repeated,
        };
        let position = match appended.map_err(|error| refused(&error))? {
            Appended::New(position) => position,
            Appended::Repeated(position) => return Ok(Emitted::logged(0, receipt(position, true))),
        };
        let packets = self.packets(namespace, encoded, asks.then_some(position));
        let event = Logged { position, address: Arc::clone(&address), packets };
        let recipients = sessions.len();
        order.push(Pending { event, durability, sessions });
        self.deliver_pending(order, Thread::Any);
        Ok(Emitted::logged(recipients, receipt(position, false)))
    }

    /// What was emitted with this key before.
    pub(crate) fn emitted(
        self: &Arc<Self>,
        key: &str,
        address: Address,
        durability: Option<Durability>,
    ) -> Option<Emitted> {
        let position = self.shard.used(key)?;
        let receipt = Receipt {
            durable: Arc::clone(self),
            position,
            durability: durability.unwrap_or(self.class),
            address: Arc::new(address),
            repeated: true,
        };
        Some(Emitted::logged(0, receipt))
    }

    /// The event as it leaves; behind a question the tick that moves its client's position.
    pub(super) fn packets(
        &self,
        namespace: &Namespace,
        encoded: Encoded,
        question: Option<Position>,
    ) -> Packets {
        let door = &namespace.core().parser;
        let packet = parser::pack(door, encoded);
        match question {
            None => smallvec![packet],
            Some(position) => {
                let token = self.shard.token(position);
                let args = socket_proto::Args { json: "", attachments: &[] };
                let tick = encode::event_raw(namespace.name(), &token, args, None, ROOM);
                smallvec![packet, parser::pack(door, tick)]
            }
        }
    }

    /// The log has made progress.
    pub(super) fn deliver_ready(&self) {
        let mut order = self.order.lock();
        order.heard();
        self.deliver_pending(order, Thread::Log);
    }

    fn deliver_pending(&self, mut order: MutexGuard<'_, Order>, thread: Thread) {
        let mut ready = Vec::new();
        loop {
            ready.extend(std::iter::from_fn(|| order.next_ready(&self.log)));
            if !order.begins_to_wait() {
                break;
            }
            self.family.wait(Weak::clone(&self.me));
            // Once more, for what the log has taken in just before.
        }
        if !ready.is_empty() {
            self.hand_out(ready, thread);
        }
    }

    /// Under the order's lock: to each worker what its sessions get, in one message.
    fn hand_out(&self, ready: Vec<Ready>, thread: Thread) {
        let Some(io) = self.io() else { return };
        let workers = io.workers();
        if workers == 1 {
            return hand_to(&io, 0, ready, thread);
        }
        for (worker, ready) in by_worker(ready, workers).into_iter().enumerate() {
            if !ready.is_empty() {
                hand_to(&io, worker, ready, thread);
            }
        }
    }
}

/// Who delivers: the log's own thread leaves the work to the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thread {
    Log,
    Any,
}

fn hand_to(io: &Io, worker: usize, ready: Vec<Ready>, thread: Thread) {
    let deliver = move || {
        for Ready { position, packets, sessions } in &ready {
            for session in sessions {
                session.deliver(*position, packets);
            }
        }
    };
    if thread == Thread::Any && io.server().here() == worker {
        io.server().catch_up(worker);
        deliver();
    } else {
        io.server().send(worker, deliver);
    }
}

/// Each session where its connection is now.
fn by_worker(ready: Vec<Ready>, workers: usize) -> Vec<Vec<Ready>> {
    let mut all: Vec<Vec<Ready>> = (0..workers).map(|_| Vec::new()).collect();
    for Ready { position, packets, sessions } in ready {
        let mut parts: Vec<Vec<Arc<Session>>> = vec![Vec::new(); workers];
        for session in sessions {
            let worker = session.state().holder.as_ref().map(Socket::worker);
            if let Some(worker) = worker {
                parts[worker].push(session);
            }
        }
        for (worker, sessions) in parts.into_iter().enumerate() {
            if !sessions.is_empty() {
                all[worker].push(Ready { position, packets: packets.clone(), sessions });
            }
        }
    }
    all
}

impl Members<'_> {
    /// Their sessions, under the order's lock: nobody joins or leaves meanwhile.
    fn sessions(self, namespace: &Namespace) -> Vec<Arc<Session>> {
        let audience = match self {
            Members::One(session) => return vec![Arc::clone(session)],
            Members::Of(audience) => audience,
        };
        let mut sessions = Vec::new();
        for (worker, members) in namespace.members().iter().enumerate() {
            // Also of a socket that has ended: until it is released, its session counts what was handed to it. Not of
            // one that was fenced off: its session may have left the rooms in which the socket still stands.
            members
                .visit(&audience(worker), |socket| sessions.extend(socket.own_session().cloned()));
        }
        sessions
    }
}

impl Outgoing<'_> {
    fn with_place(mut self) -> Self {
        if !self.asks {
            self.encoded.push_argument(PLACEHOLDER);
        }
        self
    }
}

/// Stands where the token will: as long as one, so that the text is made before the event has its place.
const PLACEHOLDER: &str = "\"0000000000000000000000\"";

/// Puts the token where the placeholder stands.
fn seal(encoded: &mut Encoded, token: &[u8]) {
    let end = encoded.buffer.len() - TAIL;
    encoded.buffer[end - token.len()..end].copy_from_slice(token);
}

fn event(encoded: &Encoded, address: &Address, asks: bool) -> log::Event {
    log::Event {
        to: address.to.clone(),
        except: address.except.clone(),
        asks,
        text: Bytes::copy_from_slice(&encoded.buffer[encoded.start..]),
        attachments: encoded.attachments.clone(),
    }
}

/// What it counts for in the log's queue.
fn size(encoded: &Encoded, address: &Address) -> usize {
    let attachments: usize = encoded.attachments.iter().map(Bytes::len).sum();
    let names = address.to.iter().chain(&address.except).map(|name| name.len() + 16);
    encoded.buffer.len() + attachments + names.sum::<usize>() + 128
}

fn refused(error: &AppendError) -> EmitError {
    match error {
        AppendError::Busy => EmitError::Busy,
        other => EmitError::Log { problem: other.to_string() },
    }
}
