//! What happens when somebody comes, says something, and leaves.

use std::sync::Arc;

use super::Namespace;
use crate::Handler;
use crate::extract::{OnConnect, OnDisconnect, OnEvent};
use crate::handler::{Entry, ON_ANY};
use crate::listeners::{Chain, Place, append, insert};
use crate::registry::Handlers;

impl Namespace {
    /// Adds a middleware: it runs before a socket's CONNECT is answered, after those that were
    /// added before. Its error refuses the socket, with `CONNECT_ERROR`; so does a middleware that
    /// takes longer than [`Builder::middleware_timeout`](crate::Builder::middleware_timeout).
    ///
    /// ```
    /// # let io = sockeye::Io::builder().build()?;
    /// use serde_json::json;
    /// use sockeye::{Error, Socket};
    ///
    /// io.of("/admin").middleware(async |socket: Socket| {
    ///     match socket.handshake().query_value("token") {
    ///         Some(token) if token == "secret" => Ok(()),
    ///         _ => Err(Error::new("not authorized").with_data(&json!({"code": "E_AUTH"}))),
    ///     }
    /// });
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn middleware<M: 'static>(&self, middleware: impl Handler<OnConnect, M>) -> &Self {
        let mut handlers = self.0.handlers.write();
        let number = handlers.middleware.as_ref().map_or(0, |all| all.len()) + 1;
        append(&mut handlers.middleware, Entry::new(format!("middleware {number}"), middleware));
        drop(handlers);
        self
    }

    /// Adds a middleware for events: it runs before the handlers of each, after those that were added before, with
    /// whatever [extractors](crate::Extract) it asks for. Its error answers the event, whose handlers are not called
    /// then. What it returns else means nothing. There are those of a single socket as well, which come later:
    /// [`Socket::event_middleware`](crate::Socket::event_middleware).
    ///
    /// Where one waits, later events of the client go on: only what need not wait keeps the order in which handlers
    /// start.
    ///
    /// ```
    /// # let io = sockeye::Io::builder().build()?;
    /// use sockeye::{Error, Event, Result, Socket};
    ///
    /// io.of("/").event_middleware(async |socket: Socket, Event(name): Event| -> Result<()> {
    ///     match socket.data().get::<String>()? {
    ///         Some(_) => Ok(()),
    ///         None if name == "sign in" => Ok(()),
    ///         None => Err(Error::new("sign in first")),
    ///     }
    /// });
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn event_middleware<M: 'static>(&self, middleware: impl Handler<OnEvent, M>) -> &Self {
        let mut handlers = self.0.handlers.write();
        let before = &mut handlers.events.before;
        let number = before.as_ref().map_or(0, |all| all.len()) + 1;
        append(before, Entry::new(format!("event middleware {number}"), middleware));
        drop(handlers);
        self
    }

    /// Adds what happens when a socket connects. Its extractors run before the CONNECT is answered,
    /// so a failing one refuses the socket; its body runs after the answer. Its error disconnects
    /// the socket, and is logged; so does a body that takes longer than
    /// [`Builder::handler_timeout`](crate::Builder::handler_timeout). Events that arrive meanwhile
    /// wait until it has returned. Several run one after the other, up to the first that fails.
    pub fn on_connect<M: 'static>(&self, handler: impl Handler<OnConnect, M>) -> &Self {
        self.add(Entry::new("on_connect".into(), handler), |handlers| &mut handlers.connect)
    }

    /// Adds what happens when an event of this name comes. An event that nobody handles is ignored;
    /// one that asks for an answer gets an error.
    ///
    /// Several handlers of one event start in the order in which they were added, and none waits for another. The
    /// first that has something to say answers: a handler that returns `()` leaves that to the others, and an answer
    /// without arguments goes out where none of them says more.
    ///
    /// Register it before the layer is made: that is when it is checked whether each
    /// [`State`](crate::State) is there. A handler that comes later is called all the same, and one
    /// whose state is missing is answered for with an error that names it.
    ///
    /// ```
    /// use sockeye::{Data, Io, Socket};
    ///
    /// let io = Io::builder().build()?;
    /// io.of("/")
    ///     .on("order", async |Data(id): Data<u64>| format!("order {id} is taken")) // answers
    ///     .on("order", async |socket: Socket| println!("{} has ordered", socket.id()));
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn on<M: 'static>(&self, event: &str, handler: impl Handler<OnEvent, M>) -> &Self {
        let entry = Entry::new(format!("`{event}`"), handler);
        let old = self.0.handlers.write().events.add(event, entry);
        drop(old);
        self
    }

    /// Takes back all handlers of the events of this name, for all sockets. Those that are running go on.
    pub fn off(&self, event: &str) -> &Self {
        let old = self.0.handlers.write().events.remove(event);
        // Outside of the lock: what handlers capture is the user's code, and may come back here.
        drop(old);
        self
    }

    /// Adds what hears every event, whatever its name, before the handlers of that name start: to log, or to count.
    /// [`Event`](crate::Event) is the name. It answers only the events that nobody else handles; of several, the
    /// first that has something to say. Event middlewares come before it.
    ///
    /// ```
    /// use sockeye::{Args, Event, Io};
    ///
    /// let io = Io::builder().build()?;
    /// io.of("/").on_any(async |Event(name): Event, args: Args| println!("{name}: {} arguments", args.len()));
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn on_any<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        self.hear(Entry::new(ON_ANY.into(), handler), Place::Last)
    }

    /// As [`on_any`](Self::on_any), in front of those that were added before.
    pub fn prepend_any<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        self.hear(Entry::new(ON_ANY.into(), handler), Place::First)
    }

    /// Takes back all that [`on_any`](Self::on_any) and [`prepend_any`](Self::prepend_any) have added.
    pub fn off_any(&self) -> &Self {
        let old = self.0.handlers.write().events.any.take();
        // Outside of the lock, as above.
        drop(old);
        self
    }

    /// Adds what happens when a socket is about to leave: it still is in its rooms, until the
    /// handler first waits. Several start in the order in which they were added.
    pub fn on_disconnecting<M: 'static>(&self, handler: impl Handler<OnDisconnect, M>) -> &Self {
        self.add(Entry::new("on_disconnecting".into(), handler), |handlers| {
            &mut handlers.disconnecting
        })
    }

    /// Adds what happens when a socket has left, exactly once. For at most ten seconds it waits for
    /// the body of `on_connect`, and until the events that came before have been started; a handler
    /// that has been started may still be running. Events that have not been started by then are
    /// dropped, and counted; after [`Socket::disconnect`](crate::Socket::disconnect) none is waited for. Several start in the order
    /// in which they were added.
    pub fn on_disconnect<M: 'static>(&self, handler: impl Handler<OnDisconnect, M>) -> &Self {
        self.add(Entry::new("on_disconnect".into(), handler), |handlers| &mut handlers.disconnect)
    }

    fn add(&self, entry: Arc<Entry>, chain: fn(&mut Handlers) -> &mut Option<Chain>) -> &Self {
        append(chain(&mut self.0.handlers.write()), entry);
        self
    }

    fn hear(&self, entry: Arc<Entry>, place: Place) -> &Self {
        insert(&mut self.0.handlers.write().events.any, entry, place);
        self
    }
}
