//! What happens with what comes for a socket, and with what it goes through.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Socket;
use crate::Handler;
use crate::extract::{OnConnect, OnConnectError, OnDisconnect, OnEvent};
use crate::handler::Entry;
use crate::listeners::{Chain, Handlers, Place, insert};

impl Socket {
    /// Adds what happens when an event of this name comes. An event that nobody handles is kept for whoever
    /// [pulls](Self::recv), or answered with an error: [`recv`](Self::recv) says when.
    ///
    /// Handlers are run by the connection's task, each polled in place: they start in the order in which events came, and those of
    /// one event in the order in which they were added; one that has to wait is kept aside, and the next starts meanwhile. At most
    /// [`max_unfinished_events`](crate::Builder::max_unfinished_events) are unfinished at a time. A handler must not block its thread.
    ///
    /// The first handler that has something to say answers: one that returns `()` leaves that to the others, and an answer
    /// without arguments goes out where none of them says more. One that panics is logged, and answered for with an error.
    ///
    /// Register before the socket is connected, so that no event comes too early. Handlers stay over all connections. What they
    /// capture they keep: one that captures a [`Socket`] or a [`Client`](crate::Client) keeps the connection, until it is taken
    /// back or the client is closed. Let it ask for them instead.
    ///
    /// ```
    /// use sockeye_client::{Client, Data, Socket};
    ///
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// client
    ///     .socket()
    ///     .on("news", async |Data(title): Data<String>| println!("{title}"))
    ///     .on("add", async |Data((a, b)): Data<(i64, i64)>| a + b) // answers
    ///     .on("who", async |socket: Socket| socket.id());
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the name is one of the protocol's own, such as `connect`: such events do not come. What is meant is
    /// [`on_connect`](Self::on_connect), [`on_disconnect`](Self::on_disconnect) or [`on_connect_error`](Self::on_connect_error).
    pub fn on<M: 'static>(&self, event: &str, handler: impl Handler<OnEvent, M>) -> &Self {
        self.handle_event(event, Entry::new("", handler))
    }

    /// As [`on`](Self::on), for the next event of this name and no other.
    ///
    /// ```
    /// use sockeye_client::{Client, Data};
    ///
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// client.socket().once("welcome", async |Data(name): Data<String>| println!("we are {name}"));
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`on`](Self::on).
    pub fn once<M: 'static>(&self, event: &str, handler: impl Handler<OnEvent, M>) -> &Self {
        self.handle_event(event, Entry::once(handler))
    }

    /// Takes back all handlers for events of this name. Those that are running go on.
    ///
    /// ```
    /// use sockeye_client::{Client, Socket};
    ///
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// client.socket().on("last news", async |socket: Socket| { socket.off("news"); });
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn off(&self, event: &str) -> &Self {
        self.change(|handlers| handlers.remove(event))
    }

    /// Adds what hears every event, before the handlers of that name start. It answers only the events that nobody else handles
    /// or pulls.
    ///
    /// ```
    /// use sockeye_client::{Args, Client, Event};
    ///
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// client.socket().on_any(async |Event(name): Event, args: Args| println!("<- {name} {args:?}"));
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn on_any<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        let entry = Entry::new("", handler);
        self.change(|handlers| insert(&mut handlers.any, entry, Place::Last))
    }

    /// As [`on_any`](Self::on_any), in front of those that were added before.
    ///
    /// ```
    /// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
    /// use sockeye_client::Event;
    ///
    /// client.socket().prepend_any(async |Event(name): Event| println!("first: {name}"));
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn prepend_any<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        let entry = Entry::new("", handler);
        self.change(|handlers| insert(&mut handlers.any, entry, Place::First))
    }

    /// Takes back all that [`on_any`](Self::on_any) and [`prepend_any`](Self::prepend_any) have added.
    ///
    /// ```
    /// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
    /// client.socket().off_any();
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn off_any(&self) -> &Self {
        self.change(|handlers| handlers.any.take())
    }

    /// Adds what hears every event that is sent, when it leaves for the server: acknowledgements not, nor what was volatile and
    /// dropped. [`Event`](crate::Event) is the name; the arguments are read as those of an event that comes. It cannot change
    /// them, and what it returns means nothing.
    ///
    /// It runs in the task of the connection, in the order of the events. So much may wait to be heard as may wait to be
    /// [handled](crate::Builder::parked_bytes); what is sent beyond that is not heard.
    ///
    /// ```
    /// use sockeye_client::{Args, Client, Event};
    ///
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// client.socket().on_any_outgoing(async |Event(name): Event, args: Args| println!("-> {name} {args:?}"));
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn on_any_outgoing<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        self.hear_outgoing(Entry::new("on_any_outgoing", handler), Place::Last)
    }

    /// As [`on_any_outgoing`](Self::on_any_outgoing), in front of those that were added before.
    ///
    /// ```
    /// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
    /// use sockeye_client::Event;
    ///
    /// client.socket().prepend_any_outgoing(async |Event(name): Event| println!("first: {name}"));
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn prepend_any_outgoing<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        self.hear_outgoing(Entry::new("on_any_outgoing", handler), Place::First)
    }

    /// Takes back all that hears what is sent.
    ///
    /// ```
    /// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
    /// client.socket().off_any_outgoing();
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn off_any_outgoing(&self) -> &Self {
        self.change(|handlers| handlers.outgoing.take());
        self.core.hearing.overheard.store(false, Ordering::Relaxed);
        self
    }

    /// Adds what happens whenever the socket is connected: the first time, and after each reconnection. It starts before the
    /// handlers of the first event.
    ///
    /// ```
    /// use sockeye_client::{Client, Socket};
    ///
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// client.socket().on_connect(async |socket: Socket| println!("connected as {:?}", socket.id()));
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn on_connect<M: 'static>(&self, handler: impl Handler<OnConnect, M>) -> &Self {
        let entry = Entry::new("on_connect", handler);
        self.change(|handlers| insert(&mut handlers.connect, entry, Place::Last))
    }

    /// Adds what happens whenever the socket is disconnected, whoever did it: [`Reason`](crate::Reason) says why. It starts behind
    /// the handlers of what had come before.
    ///
    /// ```
    /// use sockeye_client::{Client, Reason};
    ///
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// client.socket().on_disconnect(async |Reason(why): Reason| {
    ///     println!("{why}; {}", if why.will_reconnect() { "we come back" } else { "that is it" });
    /// });
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn on_disconnect<M: 'static>(&self, handler: impl Handler<OnDisconnect, M>) -> &Self {
        let entry = Entry::new("on_disconnect", handler);
        self.change(|handlers| insert(&mut handlers.disconnect, entry, Place::Last))
    }

    /// Adds what happens whenever an attempt to connect the socket fails: [`ConnectError`](crate::ConnectError) says why. Whether
    /// it is tried again, [`state`](Self::state) tells.
    ///
    /// ```
    /// use sockeye_client::{Client, ConnectError};
    ///
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// client.socket().on_connect_error(async |error: ConnectError| println!("no connection: {error}"));
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn on_connect_error<M: 'static>(&self, handler: impl Handler<OnConnectError, M>) -> &Self {
        let entry = Entry::new("on_connect_error", handler);
        self.change(|handlers| insert(&mut handlers.connect_error, entry, Place::Last))
    }

    fn handle_event(&self, event: &str, entry: Arc<Entry>) -> &Self {
        assert!(
            !socket_proto::event::is_reserved(event),
            "`{event}` is a reserved event name, and never comes: use `on_connect`, `on_disconnect` or `on_connect_error`"
        );
        self.change(|handlers| handlers.add(event, entry))
    }

    fn hear_outgoing(&self, entry: Arc<Entry>, place: Place) -> &Self {
        self.change(|handlers| insert(&mut handlers.outgoing, entry, place));
        self.core.hearing.overheard.store(true, Ordering::Relaxed);
        self
    }

    fn change(&self, change: impl FnOnce(&mut Handlers) -> Option<Chain>) -> &Self {
        self.core.hearing.change(change);
        self
    }
}
