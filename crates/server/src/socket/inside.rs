//! What the rest of the house asks of a socket: its state, its outbox, its open questions.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use adapter::{Key, Local};
use socket_proto::{Acks, Args, Encoded};
use tokio::sync::oneshot;
use transport::{Class, Encoded as Packet, Pushed, Recipients};

use super::{Extra, Socket, state};
use crate::ack::{Silence, Waiter};
use crate::durable::NO_TOKEN;
use crate::emit::{self, Emitted};
use crate::error::{EmitError, JoinError};
use crate::parser;
use crate::stats::{Counters, count};
use crate::words::Words;
use crate::{AckFuture, FromArgs, ToArgs};

impl Socket {
    pub(crate) fn key(&self) -> Option<Key> {
        self.0.key.get().copied()
    }

    /// Its worker's members of the namespace: it is one of them.
    pub(super) fn index(&self) -> &Local<Socket> {
        &self.namespace().members()[self.worker()]
    }

    /// Which worker has its connection.
    pub(crate) fn worker(&self) -> usize {
        self.0.connection.worker()
    }

    /// Broadcasts of other workers come before whatever is done with the socket next.
    pub(crate) fn catch_up(&self) {
        self.0.connection.catch_up();
    }

    /// The CONNECT is answered now. `false` if the socket has left meanwhile.
    pub(crate) fn connect(&self) -> bool {
        self.catch_up();
        let (from, to) = (state::CONNECTING, state::CONNECTED);
        self.0.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Leaves every room, and the namespace's list. Idempotent.
    pub(crate) fn forget_membership(&self) {
        let Some(key) = self.key() else { return };
        self.catch_up();
        let rooms = self.index().rooms_of(key);
        if !rooms.is_empty() {
            self.with_extra(|extra| extra.last_rooms = rooms);
        }
        drop(self.index().remove(key));
        if let Some((durable, session)) = self.durable_session() {
            durable.release(self, session);
        }
    }

    pub(crate) fn encode<T: ToArgs + ?Sized>(
        &self,
        event: &str,
        args: &T,
        ack: Option<u64>,
    ) -> Result<Encoded, EmitError> {
        self.check()?;
        emit::encode(self.namespace().name(), event, args, ack)
    }

    pub(super) fn emit_as<T: ToArgs + ?Sized>(
        &self,
        event: &str,
        args: &T,
        class: Class,
        compress: bool,
    ) -> Result<Emitted, EmitError> {
        let mut encoded = Encoded { compress, ..self.encode(event, args, None)? };
        if let Some((durable, session)) = self.durable_session() {
            if class == Class::Normal {
                return self.log(durable, session, encoded, false);
            }
            encoded.push_argument(NO_TOKEN);
        }
        self.push_event(&self.pack(encoded), class)
    }

    pub(super) fn ask_as<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
        class: Class,
        compress: bool,
    ) -> AckFuture<T> {
        let (sender, answer) = oneshot::channel();
        let id = self.namespace().next_ack();
        let question = self.encode(event, args, Some(id)).and_then(|encoded| {
            self.ask(id, Waiter::One(sender))?;
            self.put_question(Encoded { compress, ..encoded }, class)
        });
        match question {
            Ok(()) => AckFuture::waiting(self.clone(), id, answer),
            Err(error) => {
                self.forget_question(id);
                AckFuture::failed(self.clone(), error)
            }
        }
    }

    fn put_question(&self, encoded: Encoded, class: Class) -> Result<(), EmitError> {
        let logged = self.durable_session().filter(|_| class == Class::Normal);
        let sent = match logged {
            Some((durable, session)) => self.log(durable, session, encoded, true)?,
            None => self.push_event(&self.pack(encoded), class)?,
        };
        match sent.dropped() {
            0 => Ok(()),
            _ => Err(EmitError::NotReady { socket: self.id().to_owned() }),
        }
    }

    /// An event, unlike an answer, is heard by those who want to hear what is sent.
    pub(super) fn push_event(
        &self,
        packet: &Arc<Packet>,
        class: Class,
    ) -> Result<Emitted, EmitError> {
        let emitted = self.push(packet, class)?;
        if emitted.recipients() > 0 {
            self.overhear(packet);
        }
        Ok(emitted)
    }

    fn check(&self) -> Result<(), EmitError> {
        if self.is_connected() { Ok(()) } else { Err(self.not_connected()) }
    }

    fn not_connected(&self) -> EmitError {
        EmitError::NotConnected { socket: self.id().to_owned() }
    }

    /// What its client is told in words of its own.
    pub(crate) fn words(&self) -> &'static Words {
        Words::to(&self.0.connection)
    }

    /// A packet in its final form.
    pub(crate) fn pack(&self, encoded: Encoded) -> Arc<Packet> {
        parser::pack(&self.namespace().core().parser, encoded)
    }

    pub(super) fn push(&self, packet: &Arc<Packet>, class: Class) -> Result<Emitted, EmitError> {
        let mut emitted = Emitted::default();
        self.catch_up();
        match self.0.connection.push(packet, class) {
            Pushed::Overflow => Err(EmitError::SlowConsumer { socket: self.id().to_owned() }),
            Pushed::Closed => Err(self.not_connected()),
            pushed => {
                emitted.note(pushed);
                Ok(emitted)
            }
        }
    }

    /// One more reference in the client's outbox, of a packet that others get as well.
    pub(crate) fn offer(&self, packet: &Arc<Packet>, class: Class) -> Pushed {
        let pushed = self.0.connection.push_to(packet, class, Recipients::Several);
        if pushed == Pushed::Queued {
            self.overhear(packet);
        }
        pushed
    }

    pub(crate) fn push_answer(&self, encoded: Encoded) -> Result<(), EmitError> {
        self.check()?;
        self.push(&self.pack(encoded), Class::Normal).map(drop)
    }

    /// Notes who waits for an answer with this id.
    pub(crate) fn ask(&self, id: u64, waiter: Waiter) -> Result<(), EmitError> {
        let limit = self.namespace().core().limits.questions;
        let asked = self.with_acks(|acks| {
            // Under the lock: a socket that ends fails its questions after this, or has failed them
            // before.
            if !self.is_connected() {
                return Err(self.not_connected());
            }
            if acks.len() >= limit {
                return Err(EmitError::TooManyQuestions { socket: self.id().to_owned(), limit });
            }
            drop(acks.ask_with(id, waiter));
            Ok(())
        });
        if matches!(asked, Err(EmitError::TooManyQuestions { .. })) {
            count(&self.counters().questions_refused, 1);
        }
        asked
    }

    /// Where what happens to it is counted.
    pub(crate) fn counters(&self) -> &Counters {
        self.namespace().core().counters(self.worker())
    }

    /// Puts it into a room of its namespace, which is not durable.
    pub(super) fn enter_room(&self, key: Key, room: &str) -> Result<(), JoinError> {
        let limit = self.namespace().core().limits.rooms;
        if self.index().memberships(key) >= limit && !self.index().is_in(key, room) {
            count(&self.counters().rooms_refused, 1);
            return Err(JoinError::TooManyRooms { socket: self.id().to_owned(), limit });
        }
        let here = self.index().join(key, room);
        if here { Ok(()) } else { Err(JoinError::NotConnected { socket: self.id().to_owned() }) }
    }

    /// An answer has come. One that nobody waits for, or a second one, is ignored.
    pub(crate) fn answered(&self, id: u64, args: Args<'_>) {
        let waiter = self.take_waiter(id);
        if let Some(waiter) = waiter {
            waiter.tell(self.public_id(), Ok(args.to_owned()));
        }
    }

    /// Nobody waits for this answer any more. Whether somebody did.
    pub(crate) fn forget_question(&self, id: u64) -> bool {
        self.take_waiter(id).is_some()
    }

    fn take_waiter(&self, id: u64) -> Option<Waiter> {
        match self.session() {
            Some(session) => session.acks().answer(id),
            None => self.0.extra.lock().as_mut()?.acks.answer(id),
        }
    }

    /// Its open questions. Those of a session outlive the socket.
    fn with_acks<R>(&self, act: impl FnOnce(&mut Acks<Waiter>) -> R) -> R {
        match self.session() {
            Some(session) => act(&mut session.acks()),
            None => self.with_extra(|extra| act(&mut extra.acks)),
        }
    }

    pub(super) fn fail_questions(&self) {
        if self.session().is_some() {
            // They may still be answered, on the next connection.
            return;
        }
        let waiters: Vec<_> = match &mut *self.0.extra.lock() {
            Some(extra) => extra.acks.drain().map(|(_, waiter)| waiter).collect(),
            None => return,
        };
        for waiter in waiters {
            waiter.tell(self.public_id(), Err(Silence::Disconnected));
        }
    }

    /// No event will be started any more. A handler may hold its own socket, which nothing else
    /// would free then.
    pub(crate) fn forget_handlers(&self) {
        let handlers = self
            .0
            .extra
            .lock()
            .as_mut()
            .map(|extra| (extra.handlers.take(), extra.outgoing.take()));
        // Outside of the lock, as above.
        drop(handlers);
    }

    /// Its data as JSON.
    pub(crate) fn data_json(&self) -> Option<Box<str>> {
        self.0.extra.lock().as_ref()?.data.clone()
    }

    pub(super) fn with_extra<R>(&self, act: impl FnOnce(&mut Extra) -> R) -> R {
        act(self.0.extra.lock().get_or_insert_with(Box::default))
    }
}
