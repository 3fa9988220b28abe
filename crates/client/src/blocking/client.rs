//! A connection, for whoever waits.

use std::fmt;
use std::sync::Arc;

use super::thread::Thread;
use super::{Error, Socket};
use crate::Builder;

/// One connection to a server, with a [`Socket`] for each namespace, and a thread of its own. Cloning it is cheap, and gives the
/// same client.
///
/// ```no_run
/// use sockeye_client::blocking::Client;
///
/// let client = Client::builder("http://localhost:3000").build_blocking()?;
/// let (chat, admin) = (client.of("/chat"), client.of("/admin"));
/// chat.connect()?;
/// admin.connect()?; // over the same connection
/// client.close()?;
/// # Ok::<(), sockeye_client::blocking::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    thread: Arc<Thread>,
}

impl Client {
    /// Begins with the settings of a client for this server, as [`crate::Client::builder`];
    /// [`build_blocking`](Builder::build_blocking) ends them.
    ///
    /// ```
    /// use sockeye_client::blocking::Client;
    ///
    /// let client = Client::builder("https://example.com/chat").build_blocking()?;
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    pub(super) fn new(client: crate::Client) -> Result<Self, Error> {
        Ok(Client { thread: Arc::new(Thread::start(client)?) })
    }

    /// The socket of a namespace: always the same one. It is not connected before it is asked to be.
    ///
    /// ```
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// assert_eq!(client.of("chat").namespace(), "/chat");
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn of(&self, namespace: &str) -> Socket {
        Socket::new(self.thread.client.of(namespace), &self.thread)
    }

    /// The socket of the namespace that stands in the URL; the one of `/` if there is none.
    ///
    /// ```
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// assert_eq!(client.socket().namespace(), "/");
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn socket(&self) -> Socket {
        Socket::new(self.thread.client.socket(), &self.thread)
    }

    /// The same client, for all that does not wait: where it stands, what carries it.
    ///
    /// ```
    /// use sockeye_client::ClientState;
    ///
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// assert_eq!(*client.as_async().state().borrow(), ClientState::Idle);
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    pub fn as_async(&self) -> &crate::Client {
        &self.thread.client
    }

    /// Waits for whatever else can be awaited, on the calling thread.
    ///
    /// ```no_run
    /// # let chat = sockeye_client::blocking::connect("http://localhost:3000/chat")?;
    /// # let client = chat.client();
    /// // Until it is connected, whoever connects it.
    /// let mut state = chat.as_async().state();
    /// client.wait(state.wait_for(|state| state.is_connected()))?.ok();
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InsideRuntime`].
    pub fn wait<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        self.thread.wait(future)
    }

    /// Disconnects every socket, closes the connection, and waits until that is done; as [`crate::Client::close`]. Whoever waits for
    /// something of this client is told so at once.
    ///
    /// ```no_run
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// client.close()?;
    /// assert!(client.socket().connect().is_err());
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InsideRuntime`]: then it is closed all the same, and nobody has waited for it.
    pub fn close(&self) -> Result<(), Error> {
        self.thread.wait(self.thread.client.close())
    }

    /// As [`close`](Self::close), but the server keeps the sessions: see [`crate::Client::detach`].
    ///
    /// ```no_run
    /// # let client = sockeye_client::blocking::Client::builder("http://localhost:3000").build_blocking()?;
    /// client.detach()?;
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InsideRuntime`]: then it is done all the same, and nobody has waited for it.
    pub fn detach(&self) -> Result<(), Error> {
        self.thread.wait(self.thread.client.detach())
    }

    pub(super) fn from_thread(thread: &Arc<Thread>) -> Self {
        Client { thread: Arc::clone(thread) }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.thread.client.fmt(f)
    }
}
