//! What happens with the events of one socket alone.

use std::sync::Arc;

use super::Socket;
use crate::Handler;
use crate::extract::OnEvent;
use crate::handler::{Entry, ON_ANY};
use crate::listeners::{EventHandlers, Listeners, Place, append, insert};

impl Socket {
    /// Adds a handler for this socket alone; where there are such, those of the namespace are not called. Only for what
    /// truly is per socket: events that come before it is registered do not find it. Several handlers of one event
    /// start in the order in which they were added, and answer as those of a
    /// [namespace](crate::Namespace::on).
    ///
    /// Whether a [`State`](crate::State) that it needs is there cannot be checked in advance: an event
    /// that misses it is answered with an error that names the type.
    ///
    /// It may capture its socket: it is dropped when the last event of the socket has been started.
    /// Once the socket has left, nothing is registered.
    pub fn on<M: 'static>(&self, event: &str, handler: impl Handler<OnEvent, M>) -> &Self {
        let entry = Entry::new(format!("`{event}`"), handler);
        self.register(|handlers| handlers.add(event, entry));
        self
    }

    /// As [`on`](Self::on), for the next event of this name and no other.
    ///
    /// ```
    /// use sockeye::{Data, Io, Result, Socket};
    ///
    /// let io = Io::builder().build()?;
    /// io.of("/").on_connect(async |socket: Socket| -> Result<()> {
    ///     socket.once("ready", async |Data(version): Data<String>| println!("version {version} is ready"));
    ///     Ok(())
    /// });
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn once<M: 'static>(&self, event: &str, handler: impl Handler<OnEvent, M>) -> &Self {
        let entry = Entry::once(format!("`{event}`"), handler);
        self.register(|handlers| handlers.add(event, entry));
        self
    }

    /// Takes back all handlers that were registered for events of this name on this socket alone; those of the
    /// namespace, if there are any, come to their right again. Those that are running go on.
    ///
    /// ```
    /// use sockeye::{Io, Socket};
    ///
    /// let io = Io::builder().build()?;
    /// io.of("/").on("pause", async |socket: Socket| { socket.on("news", async || "later"); });
    /// io.of("/").on("resume", async |socket: Socket| { socket.off("news"); });
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn off(&self, event: &str) -> &Self {
        self.unregister(|handlers| handlers.remove(event));
        self
    }

    /// Adds what hears every event of this socket, behind what hears every event of the
    /// [namespace](crate::Namespace::on_any), and before the handlers of that name start. It answers only the events that nobody
    /// else handles.
    pub fn on_any<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        self.hear(Entry::new(ON_ANY.into(), handler), Place::Last)
    }

    /// As [`on_any`](Self::on_any), in front of those that were added to this socket before.
    pub fn prepend_any<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        self.hear(Entry::new(ON_ANY.into(), handler), Place::First)
    }

    /// Takes back all that [`on_any`](Self::on_any) and [`prepend_any`](Self::prepend_any) have added to this socket.
    pub fn off_any(&self) -> &Self {
        self.unregister(|handlers| handlers.any.take());
        self
    }

    /// Adds a middleware for the events of this socket: it comes behind those of the
    /// [namespace](crate::Namespace::event_middleware), and is like them.
    pub fn event_middleware<M: 'static>(&self, middleware: impl Handler<OnEvent, M>) -> &Self {
        let entry = Entry::new("event middleware".into(), middleware);
        self.register(|handlers| {
            append(&mut handlers.before, entry);
            None::<()>
        });
        self
    }

    fn hear(&self, entry: Arc<Entry>, place: Place) -> &Self {
        self.register(|handlers| {
            insert(&mut handlers.any, entry, place);
            None::<()>
        });
        self
    }

    /// Adds something for this socket alone, unless it has left. What is given back may hold what the user has
    /// captured, which may come back here: it is dropped outside of the lock.
    fn register<T>(&self, add: impl FnOnce(&mut EventHandlers) -> Option<T>) {
        let mut guard = self.0.extra.lock();
        // Under the lock: a socket that has ended forgets its handlers after this, or has done so.
        if self.disconnect_reason().is_some() {
            return drop((guard, add));
        }
        let old = add(guard.get_or_insert_default().handlers.get_or_insert_default());
        drop(guard);
        drop(old);
    }

    fn unregister<T>(&self, remove: impl FnOnce(&mut EventHandlers) -> Option<T>) {
        let mut guard = self.0.extra.lock();
        let handlers = guard.as_mut().and_then(|extra| extra.handlers.as_deref_mut());
        let old = handlers.and_then(remove);
        drop(guard);
        drop(old);
    }

    /// Who hears an event of this name that is about to be started.
    pub(crate) fn listeners(&self, event: &str) -> Listeners {
        let all = self.namespace().listeners(event);
        match self.own_listeners(event) {
            None => all,
            Some(own) => all.and_own(own),
        }
    }

    fn own_listeners(&self, event: &str) -> Option<Listeners> {
        Some(self.0.extra.lock().as_mut()?.handlers.as_mut()?.take(event))
    }
}
