//! From CONNECT to its answer: middleware, the extractors of `on_connect`, and its body.

use std::sync::Arc;
use std::task::Context;

use socket_proto::Slot;
use transport::Class;

use super::running::{Job, Task, start_guarded};
use super::{Client, Greeting, Phase, find};
use crate::extract::Call;
use crate::handler::{Entry, Running};
use crate::{Error, Socket};

impl Client {
    /// A CONNECT has come: the middlewares decide.
    pub(super) fn begin(&mut self, slot: Slot, cx: &mut Context<'_>) {
        let Some(member) = find(&self.members, slot) else {
            return;
        };
        let socket = member.socket.clone();
        let Some(middlewares) = socket.namespace().middlewares() else {
            return self.welcome(slot, cx);
        };
        let entry = Arc::clone(&middlewares[0]);
        let running = run_middlewares(socket.clone(), middlewares);
        self.run(Task::new(Job::Middleware(slot), socket, entry, running), cx);
    }

    /// The middlewares agree: the CONNECT is answered, unless an extractor of `on_connect` fails.
    pub(super) fn welcome(&mut self, slot: Slot, cx: &mut Context<'_>) {
        let Some(member) = find(&self.members, slot) else {
            return;
        };
        let socket = member.socket.clone();
        if has_ended(&socket) {
            return self.sweep(cx);
        }
        let greeting = match start_greeting(&socket) {
            Ok(greeting) => greeting,
            Err(error) => return self.refuse(slot, &error),
        };
        // By the part of `on_connect` that runs before the answer: its body never will.
        if has_ended(&socket) {
            return self.sweep(cx);
        }
        if socket.namespace().durable_part().is_some() {
            return self.admit(slot, greeting, cx);
        }
        if !self.protocol.accepted(slot) {
            return drop(self.take_member(slot));
        }
        let name = socket.namespace().name();
        let reply = socket.pack((socket.words().reply)(name, socket.id(), None));
        let _ = self.connection.push(&reply, Class::Normal);
        // From here on events of others reach it: behind the reply.
        let stays = socket.connect();
        if !stays {
            return self.turn_away(slot);
        }
        self.greet(slot, greeting, cx);
    }

    /// The CONNECT is answered: the body of `on_connect` runs.
    pub(super) fn greet(&mut self, slot: Slot, greeting: Option<Greeting>, cx: &mut Context<'_>) {
        let Some(member) = find(&self.members, slot) else {
            return;
        };
        let socket = member.socket.clone();
        match greeting {
            Some((entry, running)) => {
                self.set_phase(slot, Phase::Greeting);
                self.run(Task::new(Job::Greeting(slot), socket, entry, running), cx);
            }
            None => self.set_phase(slot, Phase::Open),
        }
    }

    /// Another thread has disconnected it while the answer left: the client hears both, and nobody
    /// has met it.
    pub(super) fn turn_away(&mut self, slot: Slot) {
        let Some(member) = self.take_member(slot) else {
            return;
        };
        member.socket.say_goodbye();
        let now = self.now().unwrap_or_default();
        let _ = self.protocol.left(slot, now);
        self.end_if_last(&member.socket);
    }

    pub(super) fn refuse(&mut self, slot: Slot, error: &Error) {
        let Some(member) = self.take_member(slot) else {
            return;
        };
        if self.protocol.refused(slot) {
            let name = member.socket.namespace().name();
            let encoded = (member.socket.words().refusal)(name, &error.message(), error.data());
            let _ = self.connection.push(&member.socket.pack(encoded), Class::Normal);
        }
        self.end_if_last(&member.socket);
    }

    pub(super) fn set_phase(&mut self, slot: Slot, phase: Phase) {
        if let Some(Some(member)) = self.members.get_mut(slot.index())
            && member.slot == slot
        {
            member.phase = phase;
        }
    }
}

/// Whether our own side has disconnected it, while it was connecting.
pub(super) fn has_ended(socket: &Socket) -> bool {
    socket.disconnect_reason().is_some()
}

/// Every middleware in turn; the first error refuses the socket.
fn run_middlewares(socket: Socket, middlewares: Arc<[Arc<Entry>]>) -> Running {
    // Tokio takes a wait that is too long to count for a long one.
    let patience = socket.namespace().core().middleware_timeout;
    let all = async move {
        for middleware in middlewares.iter() {
            let started = {
                let mut call = Call::bare(&socket);
                middleware.start(&mut call)
            };
            started.map_err(|error| Error::new(error.message()))?.await?;
        }
        Ok(None)
    };
    Box::pin(async move {
        match tokio::time::timeout(patience, all).await {
            Ok(result) => result,
            Err(_) => Err(Error::new("the middleware did not decide in time")),
        }
    })
}

/// The future of `on_connect`; its extractors have run. Several run one after the other.
fn start_greeting(socket: &Socket) -> Result<Option<Greeting>, Error> {
    let Some(entries) = socket.namespace().connect_handlers() else {
        return Ok(None);
    };
    let started = entries.iter().map(|entry| start_guarded(entry, &mut Call::bare(socket)));
    let mut started = started.collect::<Result<Vec<_>, _>>()?;
    let running = match started.pop() {
        Some(alone) if started.is_empty() => alone,
        last => Box::pin(async move {
            for body in started.into_iter().chain(last) {
                body.await?;
            }
            Ok(None)
        }),
    };
    Ok(Some((Arc::clone(&entries[0]), running)))
}
