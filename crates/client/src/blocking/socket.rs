//! A namespace, for whoever waits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::thread::Thread;
use super::{Client, Error};
use crate::{FromArgs, Handler, OnEvent, Received, ToArgs};

/// The connection to one namespace. Cloning it is cheap, and gives the same socket; threads may share it.
///
/// ```no_run
/// use std::thread;
/// use sockeye_client::blocking;
///
/// let chat = blocking::connect("http://localhost:3000/chat")?;
/// let listener = chat.clone();
/// thread::spawn(move || {
///     while let Ok(Some(event)) = listener.recv() {
///         println!("{}: {:?}", event.name, event.args);
///     }
/// });
/// chat.emit("message", "hello")?;
/// # Ok::<(), blocking::Error>(())
/// ```
#[derive(Clone)]
pub struct Socket {
    inner: crate::Socket,
    thread: Arc<Thread>,
}

impl Socket {
    pub(super) fn new(inner: crate::Socket, thread: &Arc<Thread>) -> Self {
        Socket { inner, thread: Arc::clone(thread) }
    }

    /// The same socket, for all that does not wait: where it stands, its name, other kinds of handlers, volatile events.
    ///
    /// ```
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// let socket = client.socket();
    /// socket.as_async().on_disconnect(async || println!("disconnected"));
    /// socket.as_async().volatile().emit("tick", &1).now().ok();
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn as_async(&self) -> &crate::Socket {
        &self.inner
    }

    /// The client whose socket it is.
    ///
    /// ```
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// assert_eq!(client.socket().client().as_async(), client.as_async());
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn client(&self) -> Client {
        Client::from_thread(&self.thread)
    }

    /// The namespace's name, with its slash.
    ///
    /// ```
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// assert_eq!(client.of("chat").namespace(), "/chat");
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn namespace(&self) -> &str {
        self.inner.namespace()
    }

    /// What the server calls it; `None` if it is not connected.
    ///
    /// ```
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// assert_eq!(client.socket().id(), None);
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn id(&self) -> Option<String> {
        self.inner.id()
    }

    /// Whether the server has let us in.
    ///
    /// ```
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// assert!(!client.socket().is_connected());
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn is_connected(&self) -> bool {
        self.inner.is_connected()
    }

    /// Adds what happens when an event of this name comes, as [`crate::Socket::on`]: a handler of the other face, on the client's
    /// thread, which it must not block. Events whose handling takes its time are better [pulled](Self::recv).
    ///
    /// ```
    /// use sockeye_client::Data;
    ///
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// client.socket().on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the name is one of the protocol's own, such as `connect`.
    pub fn on<M: 'static>(&self, event: &str, handler: impl Handler<OnEvent, M>) -> &Self {
        self.inner.on(event, handler);
        self
    }

    /// Connects it, and stays at it in the background, as [`crate::Socket::start`]: it does not wait.
    ///
    /// ```
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// client.socket().start();
    /// client.socket().emit("hello", "world")?; // it waits until the socket is connected
    /// # client.socket().disconnect();
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn start(&self) {
        self.thread.enter(|| self.inner.start());
    }

    /// Connects it, and waits until the server has let us in, as [`crate::Socket::connect`]: one attempt.
    ///
    /// ```no_run
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// client.of("/chat").connect()?;
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Connect`]: why the socket is not connected; [`Error::InsideRuntime`].
    pub fn connect(&self) -> Result<(), Error> {
        Ok(self.thread.wait(self.inner.connect())??)
    }

    /// Disconnects it, as [`crate::Socket::disconnect`]. It does not wait; whoever waits for an event of it gets `None`.
    ///
    /// ```no_run
    /// # let chat = sockeye_client::blocking::connect("http://localhost:3000")?;
    /// chat.disconnect();
    /// assert!(chat.recv()?.is_none());
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn disconnect(&self) {
        self.inner.disconnect();
    }

    /// Sends an event, as [`crate::Socket::emit`], and waits until there is room for it; usually it does not wait at all. Where the
    /// [overflow](crate::Overflow) is another policy it never waits.
    ///
    /// ```no_run
    /// # let chat = sockeye_client::blocking::connect("http://localhost:3000")?;
    /// for line in 0..1_000_000 {
    ///     chat.emit("line", &line)?; // as fast as the server takes them
    /// }
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Emit`]; [`Error::InsideRuntime`]: then nothing was sent.
    pub fn emit<T: ToArgs + ?Sized>(&self, event: &str, args: &T) -> Result<(), Error> {
        Ok(self.thread.wait(async { self.inner.emit(event, args).await })??)
    }

    /// Sends an event [reliably](crate::Socket::reliably): until it is answered. It waits until the event has its place, which with
    /// a [durable outbox](crate::Builder::outbox) is on the disk; not until it has arrived.
    ///
    /// ```no_run
    /// # let shop = sockeye_client::blocking::connect("http://localhost:3000")?;
    /// shop.emit_reliably("order", &("tea", 2))?;
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit).
    pub fn emit_reliably<T: ToArgs + ?Sized>(&self, event: &str, args: &T) -> Result<(), Error> {
        Ok(self.thread.wait(async { self.inner.reliably().emit(event, args).await })??)
    }

    /// Sends an event and waits for its answer, for [`Builder::ack_timeout`](crate::Builder::ack_timeout) at most (20 s by default).
    ///
    /// ```no_run
    /// # let chat = sockeye_client::blocking::connect("http://localhost:3000")?;
    /// let members: usize = chat.emit_with_ack("join", "lobby")?;
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Ack`]: why there is no answer; [`Error::InsideRuntime`]: then nothing was sent.
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
    ) -> Result<T, Error> {
        Ok(self.thread.wait(async { self.inner.emit_with_ack(event, args).await })??)
    }

    /// As [`emit_with_ack`](Self::emit_with_ack), for so long at most.
    ///
    /// ```no_run
    /// # let chat = sockeye_client::blocking::connect("http://localhost:3000")?;
    /// let soon = std::time::Duration::from_secs(2);
    /// let members: usize = chat.emit_with_ack_timeout("join", "lobby", soon)?;
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`emit_with_ack`](Self::emit_with_ack).
    pub fn emit_with_ack_timeout<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
        timeout: Duration,
    ) -> Result<T, Error> {
        let asked = async { self.inner.emit_with_ack(event, args).timeout(timeout).await };
        Ok(self.thread.wait(asked)??)
    }

    /// Waits for the next event that no handler takes, as [`crate::Socket::recv`]; `None` when the socket is not active and nothing
    /// is left. Of several threads that wait, one gets it.
    ///
    /// ```no_run
    /// # let chat = sockeye_client::blocking::connect("http://localhost:3000")?;
    /// while let Some(event) = chat.recv()? {
    ///     println!("{}: {:?}", event.name, event.args);
    /// }
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InsideRuntime`].
    pub fn recv(&self) -> Result<Option<Received>, Error> {
        self.thread.wait(self.inner.recv())
    }

    /// As [`recv`](Self::recv), for so long at most.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sockeye_client::blocking::Error;
    ///
    /// # let chat = sockeye_client::blocking::connect("http://localhost:3000")?;
    /// match chat.recv_timeout(Duration::from_secs(1)) {
    ///     Ok(Some(event)) => println!("{}", event.name),
    ///     Ok(None) => println!("disconnected"),
    ///     Err(Error::Timeout) => println!("nothing, yet"),
    ///     Err(other) => return Err(other),
    /// }
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if nothing came; [`Error::InsideRuntime`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Option<Received>, Error> {
        let next = async { tokio::time::timeout(timeout, self.inner.recv()).await };
        self.thread.wait(next)?.map_err(|_| Error::Timeout)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
