//! Those who will not come back.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::session::State;
use super::{Durable, Session};
use crate::Namespace;
use crate::ack::Silence;
use crate::error::DataError;

/// Somebody who will not come back: handed to the handler of [`Namespace::on_gone`](crate::Namespace::on_gone).
#[derive(Clone, Debug)]
pub struct Gone {
    namespace: Namespace,
    id: String,
    rooms: Vec<String>,
    data: Option<Box<str>>,
    principal: Option<Box<str>>,
}

impl Gone {
    /// The namespace it was in, to tell others. (A handler that captures the server keeps it alive for ever.)
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The id that its sockets had.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The rooms it was in, without the room of its own id.
    pub fn rooms(&self) -> &[String] {
        &self.rooms
    }

    /// The principal that a middleware had named.
    pub fn principal(&self) -> Option<&str> {
        self.principal.as_deref()
    }

    /// Its data; `None` if none was set.
    ///
    /// # Errors
    ///
    /// If what was set is not a `T`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<Option<T>, DataError> {
        DataError::read(self.data.as_deref(), &self.id)
    }
}

/// A user's handler for them.
#[derive(Clone)]
pub(crate) struct Farewell(Arc<Handler>);

type Handler = dyn Fn(Gone) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

impl Farewell {
    pub(crate) fn new<F: Future<Output = ()> + Send + 'static>(
        handler: impl Fn(Gone) -> F + Send + Sync + 'static,
    ) -> Self {
        Farewell(Arc::new(move |gone| Box::pin(handler(gone))))
    }
}

impl fmt::Debug for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Farewell")
    }
}

impl Durable {
    pub(crate) fn on_gone(&self, farewell: Farewell) {
        *self.family.farewell.write() = Some(farewell);
    }

    /// Its time away is over. A child that was kept for it alone ends.
    pub(super) fn give_up(&self, session: &Arc<Session>) {
        let namespace = self.namespace();
        let order = self.order.lock();
        let mut state = session.state();
        // It may have come back at this very moment.
        if state.holder.is_none() {
            self.end(session, &mut state);
            drop((state, order));
            self.say_farewell(session);
            if let Some((io, namespace)) = self.io().zip(namespace) {
                io.end_if_over(&namespace);
            }
        } else {
            self.family.absent.remove(session);
        }
    }

    /// What is for it cannot be given to it: its client goes on as somebody new.
    pub(super) fn lose(&self, session: &Arc<Session>) {
        let order = self.order.lock();
        let mut state = session.state();
        if !state.ended {
            self.end(session, &mut state);
            drop((state, order));
            self.say_farewell(session);
        }
    }

    /// The one transition to the end, under the order's lock.
    pub(super) fn end(&self, session: &Arc<Session>, state: &mut State) {
        state.ended = true;
        state.live = false;
        state.holder = None;
        self.sessions.remove(session);
        self.family.absent.remove(session);
        if let Err(error) = self.shard.end_session(session.id, self.class) {
            tracing::warn!(socket = %session.socket_id, %error, "the end of a session is not logged");
        }
    }

    /// Tells the user, and whoever waits for an answer.
    pub(super) fn say_farewell(&self, session: &Arc<Session>) {
        let waiters: Vec<_> = session.acks().drain().collect();
        for (_, waiter) in waiters {
            waiter.tell(session.socket_id.clone(), Err(Silence::Disconnected));
        }
        let Some(Farewell(handler)) = self.family.farewell.read().clone() else {
            return;
        };
        let (Some(io), Some(namespace)) = (self.io(), self.namespace()) else {
            return;
        };
        let state = session.state();
        let gone = Gone {
            namespace,
            id: session.socket_id.as_str().to_owned(),
            rooms: state.current_rooms().iter().map(ToString::to_string).collect(),
            data: state.data.clone(),
            principal: state.principal.clone(),
        };
        drop(state);
        let runtime = Handle::try_current().ok().or_else(|| io.core().runtime.get().cloned());
        if let Some(runtime) = runtime {
            runtime.spawn(handler(gone));
        }
    }
}
