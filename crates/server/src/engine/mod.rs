//! Engine.IO alone: messages of text and of bytes, without namespaces, events and rooms.
//!
//! ```no_run
//! use sockeye::engine::{Server, Socket};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::builder().build()?;
//! server.on_connection(async |socket: Socket| {
//!     while let Some(message) = socket.recv().await {
//!         socket.send(message);
//!     }
//! });
//! server.serve("127.0.0.1:3000").await?;
//! # Ok(())
//! # }
//! ```

mod session;
mod socket;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use engine_proto::Transport;
use engine_proto::Transports;
use parking_lot::RwLock;
use tokio::net::ToSocketAddrs;
use transport::listener::Listener;

use crate::error::{BuildError, ServeError};
use crate::mount::{self, Door, Layer, Service};
use crate::options::{checked, engine_options};
use crate::stop::Stop;
pub use engine_proto::CloseReason;
use session::Session;
pub use socket::{Message, Socket};
pub use transport::{Refused, Stats};

/// A server of Engine.IO. Cloning counts a reference.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    server: transport::Server<Application>,
    hall: Arc<Hall>,
    stop: Stop,
}

/// What all sessions share.
#[derive(Default)]
struct Hall {
    /// Guards the handler. Held to set it, and to copy a reference.
    handler: RwLock<Option<Handler>>,
    inbox_bytes: usize,
}

/// What runs for a session.
type Handler = Arc<dyn Fn(Socket) -> Visit + Send + Sync>;

/// A handler on its way.
type Visit = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Options of a [`Server`]; made by [`Server::builder`].
#[derive(Debug)]
#[must_use = "nothing is made before `build`"]
pub struct Builder {
    transport: transport::Config,
    inbox_bytes: usize,
}

engine_options!(Builder, "/engine.io/");

impl Builder {
    /// Most bytes of messages that wait to be received; past it, the client is disconnected (`too
    /// many events`). Default 1 MiB.
    pub fn inbox_bytes(mut self, bytes: usize) -> Self {
        self.inbox_bytes = bytes;
        self
    }

    /// Builds it. Nothing runs before the first client comes.
    ///
    /// # Errors
    ///
    /// If an option makes no sense.
    pub fn build(self) -> Result<Server, BuildError> {
        let config = checked(self.transport)?;
        let hall = Arc::new(Hall { handler: RwLock::default(), inbox_bytes: self.inbox_bytes });
        let application = Application(Arc::clone(&hall));
        let server = transport::Server::new(config, application);
        Ok(Server(Arc::new(Inner { server, hall, stop: Stop::default() })))
    }
}

impl Server {
    /// Starts with the defaults of the reference.
    pub fn builder() -> Builder {
        Builder { transport: transport::Config::default(), inbox_bytes: 1 << 20 }
    }

    /// Sets what runs for each session: one future, polled by the session's own task. The session
    /// is closed when it returns. Sessions without it are open, and say nothing.
    pub fn on_connection<F, R>(&self, handler: F)
    where
        F: Fn(Socket) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |socket| Box::pin(handler(socket)));
        *self.0.hall.handler.write() = Some(handler);
    }

    /// A tower layer: see [`Io::layer`](crate::Io::layer).
    pub fn layer(&self) -> Layer {
        Layer::new(Door::Engine(self.clone()))
    }

    /// A service: see [`Io::service`](crate::Io::service).
    pub fn service(&self) -> Service {
        Service::new(Door::Engine(self.clone()))
    }

    /// Serves alone on this address, until [`close`](Self::close) is called.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub async fn serve(&self, address: impl ToSocketAddrs + fmt::Debug) -> Result<(), ServeError> {
        let listener = mount::listen(address).await?;
        self.serve_listener(listener).await
    }

    /// Serves alone on this listener, of TCP or of a Unix socket, until [`close`](Self::close) is called.
    ///
    /// # Errors
    ///
    /// If the listener fails.
    pub async fn serve_listener(&self, listener: impl Into<Listener>) -> Result<(), ServeError> {
        mount::serve(self.server().clone(), listener, self.0.stop.said()).await
    }

    /// Ends the server: see [`Io::close`](crate::Io::close).
    pub async fn close(&self, deadline: Duration) {
        let _ended = self.0.stop.say();
        self.server().close(CloseReason::ServerShuttingDown, deadline).await;
    }

    /// Sessions that are open now.
    pub fn connections(&self) -> usize {
        self.server().connections()
    }

    /// What has happened since the server was made, and how it is now. Looks at every session.
    pub fn stats(&self) -> Stats {
        self.server().stats()
    }

    pub(crate) fn server(&self) -> &transport::Server<Application> {
        &self.0.server
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

/// Puts a [`Session`] on every engine session.
pub(crate) struct Application(Arc<Hall>);

impl transport::Application for Application {
    type Upper = Session;

    fn open(
        &self,
        connection: transport::Connection,
        handshake: Arc<transport::Handshake>,
        _: Duration,
    ) -> Session {
        let handler = self.0.handler.read().clone();
        let socket = Socket::new(connection, handshake, self.0.inbox_bytes);
        Session::new(socket, handler.as_deref())
    }

    type OldUpper = Session;

    fn open_old(
        &self,
        connection: transport::Connection,
        handshake: Arc<transport::Handshake>,
        now: Duration,
    ) -> Session {
        transport::Application::open(self, connection, handshake, now)
    }
}
