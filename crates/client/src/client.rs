//! A connection, and the sockets on it.

use std::fmt;
use std::sync::Arc;

use engine_proto::Transport;
use socket_proto::namespace;
use tokio::sync::watch;

use crate::config::Config;
use crate::hub::Handle;
use crate::outbox::Outbox;
use crate::{Builder, ClientState, Socket};

/// One connection to a server, with a [`Socket`] for each namespace. Cloning it is cheap, and gives the same client.
///
/// There is a task for each client, on the runtime of whoever asks first that a socket be connected. It opens the connection when
/// a socket wants one, takes it up again when it was lost, and closes it when no socket wants it any more. It ends with
/// [`close`](Self::close), or when the last handle (clients, sockets) is dropped.
///
/// ```no_run
/// use sockeye_client::Client;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("http://localhost:3000").build()?;
/// let (chat, admin) = (client.of("/chat"), client.of("/admin"));
/// chat.connect().await?;
/// admin.connect().await?; // over the same connection
/// client.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

impl Client {
    /// Begins with the settings of a client for this server: `http`, `https`, `ws` or `wss`, a host, a port; `http` if there is no
    /// scheme. The path is a namespace, not the path of the HTTP requests (see [`Builder::path`]); a query is sent with every
    /// request.
    ///
    /// ```
    /// use sockeye_client::Client;
    ///
    /// let client = Client::builder("https://example.com/chat?token=x").build()?;
    /// assert_eq!(client.socket().namespace(), "/chat");
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    pub(crate) fn new(config: Config, outbox: Outbox) -> Client {
        Client { handle: Handle::new(config, outbox) }
    }

    pub(crate) fn from_handle(handle: Arc<Handle>) -> Client {
        Client { handle }
    }

    /// The socket of a namespace: always the same one. It is not connected before it is asked to be.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert_eq!(client.of("chat"), client.of("/chat"));
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn of(&self, namespace: &str) -> Socket {
        let core = self.handle.hub.socket(&namespace::normalize(namespace));
        Socket::new(Arc::clone(&self.handle), core)
    }

    /// The socket of the namespace that stands in the URL; the one of `/` if there is none.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert_eq!(client.socket().namespace(), "/");
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn socket(&self) -> Socket {
        self.of(&self.handle.hub.config.namespace)
    }

    /// Where the connection stands, now and from now on.
    ///
    /// ```
    /// # use sockeye_client::{Client, ClientState};
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert_eq!(*client.state().borrow(), ClientState::Idle);
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn state(&self) -> watch::Receiver<ClientState> {
        self.handle.hub.watch()
    }

    /// What carries the connection now; `None` if there is none.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert_eq!(client.transport(), None);
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn transport(&self) -> Option<Transport> {
        match self.handle.hub.state() {
            ClientState::Open { transport } => Some(transport),
            _ => None,
        }
    }

    /// Disconnects every socket, closes the connection, and waits until that is done. What was emitted before is sent first, if the
    /// server takes it in time. For good: no socket of this client can be connected any more. Their reason is
    /// [`ClientDisconnect`](crate::DisconnectReason::ClientDisconnect).
    ///
    /// If the future is dropped it is closed all the same.
    ///
    /// ```no_run
    /// # async fn example(client: sockeye_client::Client) {
    /// client.close().await;
    /// assert!(client.socket().connect().await.is_err());
    /// # }
    /// ```
    pub fn close(&self) -> impl Future<Output = ()> + Send + use<> {
        self.handle.hub.close();
        self.closed()
    }

    /// As [`close`](Self::close), but without a goodbye to the namespaces: a server that has connection state recovery, or a durable
    /// namespace, keeps the sessions for as long as it would after a lost connection. A client that is made anew with the same
    /// [`positions`](crate::Builder::positions) goes on where this one has ended. So does a client with positions whose last handle is
    /// dropped.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use sockeye_client::{Client, FilePositions};
    ///
    /// let positions = FilePositions::open("positions.json")?;
    /// let client = Client::builder("http://localhost:3000").positions(positions).build()?;
    /// client.socket().connect().await?;
    /// client.detach().await; // what is said from now on comes after the restart
    /// # Ok(())
    /// # }
    /// ```
    pub fn detach(&self) -> impl Future<Output = ()> + Send + use<> {
        self.handle.hub.detach();
        self.closed()
    }

    fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut state = self.state();
        async move {
            // The only other outcome is that the client itself is gone.
            let _ = state.wait_for(|state| *state == ClientState::Closed).await;
        }
    }

    /// Nobody holds it any more.
    #[cfg(feature = "blocking")]
    pub(crate) fn let_go(&self) {
        self.handle.hub.let_go();
    }
}

impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.handle, &other.handle)
    }
}

impl Eq for Client {}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hub = &self.handle.hub;
        f.debug_struct("Client")
            .field("server", &hub.config.engine.target.origin())
            .field("state", &hub.state())
            .finish_non_exhaustive()
    }
}
