//! The server: its namespaces, and its end.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use engine_proto::CloseReason;
use parking_lot::RwLock;
use tokio::net::{TcpListener, ToSocketAddrs};

use crate::basis::{Core, Counters};
use crate::broadcast::Broadcast;
use crate::builder::Builder;
use crate::connection::Client;
use crate::error::{MountError, ServeError};
use crate::mount::{self, Door, Layer, Service};
use crate::stop::Stop;
use crate::{Namespace, Socket};

/// A Socket.IO server. Cloning counts a reference; any thread may use any clone.
///
/// Its words of sending (`to`, `emit` and so on) mean the main namespace `/`.
///
/// ```no_run
/// use sockeye::{Data, Io, Socket};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let io = Io::builder().build()?;
/// io.of("/").on("hello", async |Data(name): Data<String>| format!("hello {name}"));
/// io.serve("127.0.0.1:3000").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Io(Arc<Shared>);

/// What all clones of an [`Io`] share.
pub(crate) struct Shared {
    core: Arc<Core>,
    /// Guards the table of namespaces. Held to find one or to add one.
    namespaces: RwLock<HashMap<Box<str>, Namespace, foldhash::fast::RandomState>>,
    main: Namespace,
    server: transport::Server<Application>,
    stop: Stop,
}

impl Io {
    /// Starts with the defaults of the reference.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn assemble(core: Core, config: transport::Config) -> Self {
        let core = Arc::new(core);
        let shared = Arc::new_cyclic(|io: &Weak<Shared>| {
            let main = Namespace::new("/", Arc::clone(&core), io.clone());
            let namespaces = HashMap::from_iter([(Box::from("/"), main.clone())]);
            let application = Application { io: io.clone() };
            let server = transport::Server::new(config, application);
            let stop = Stop::default();
            Shared { core, namespaces: RwLock::new(namespaces), main, server, stop }
        });
        Io(shared)
    }

    pub(crate) fn from_shared(shared: Arc<Shared>) -> Self {
        Io(shared)
    }

    /// The namespace of this name: created if it is not there yet, returned if it is. A leading
    /// slash may be left out.
    pub fn of(&self, name: &str) -> Namespace {
        let name = socket_proto::namespace::normalize(name);
        if let Some(namespace) = self.find(&name) {
            return namespace;
        }
        let mut namespaces = self.0.namespaces.write();
        let create = || Namespace::new(&name, Arc::clone(&self.0.core), Arc::downgrade(&self.0));
        namespaces.entry(Box::from(&*name)).or_insert_with(create).clone()
    }

    /// The namespace a client asks for, if it is there.
    pub(crate) fn find(&self, name: &str) -> Option<Namespace> {
        if name == "/" {
            return Some(self.0.main.clone());
        }
        self.0.namespaces.read().get(name).cloned()
    }

    /// A tower layer that answers the requests under the server's path, and leaves the others to
    /// what it is laid around.
    ///
    /// ```
    /// use axum::Router;
    /// use axum::routing::get;
    /// use sockeye::Io;
    ///
    /// let io = Io::builder().build()?;
    /// let app: Router = Router::new().route("/", get(async || "hello")).layer(io.layer()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a handler needs a `State<T>` that was not given, or was given twice: names the event and
    /// the type.
    pub fn layer(&self) -> Result<Layer, MountError> {
        self.check()?;
        Ok(Layer::new(Door::Io(self.clone())))
    }

    /// A service that answers the requests under the server's path, and all others with 404. It is
    /// a `tower` service and a `hyper` service.
    ///
    /// # Errors
    ///
    /// As [`layer`](Self::layer).
    pub fn service(&self) -> Result<Service, MountError> {
        self.check()?;
        Ok(Service::new(Door::Io(self.clone())))
    }

    /// Serves alone on this address, until [`close`](Self::close) is called.
    ///
    /// # Errors
    ///
    /// As [`layer`](Self::layer), and if the address cannot be listened on.
    pub async fn serve(&self, address: impl ToSocketAddrs + fmt::Debug) -> Result<(), ServeError> {
        self.check()?;
        let listener = mount::listen(address).await?;
        self.serve_listener(listener).await
    }

    /// Serves alone on this listener, until [`close`](Self::close) is called.
    ///
    /// # Errors
    ///
    /// As [`layer`](Self::layer), and if the listener fails.
    pub async fn serve_listener(&self, listener: TcpListener) -> Result<(), ServeError> {
        self.check()?;
        mount::serve(self.server().clone(), listener, self.0.stop.said()).await
    }

    /// Ends the server: no more clients are let in, those that are there are disconnected (`server
    /// shutting down`), what was sent before still goes out to clients that read, and their
    /// handlers are waited for. Returns when all of that is done, or after `deadline`: a client
    /// that does not read delays nothing.
    ///
    /// A handler that awaits it waits for itself, until the deadline: spawn it there.
    pub async fn close(&self, deadline: Duration) {
        // Said also if whoever awaits this gives up, or is a handler that ends with its session.
        let _ended = self.0.stop.say();
        self.server().close(CloseReason::ServerShuttingDown, deadline).await;
    }

    /// What has happened since the server was made.
    pub fn counters(&self) -> Counters {
        self.0.core.counters.read(self.server().connections())
    }

    /// The connected socket of the main namespace with this id.
    pub fn socket(&self, id: &str) -> Option<Socket> {
        self.0.main.socket(id)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    pub(crate) fn server(&self) -> &transport::Server<Application> {
        &self.0.server
    }

    pub(crate) fn everybody(&self) -> Broadcast {
        self.0.main.everybody()
    }

    pub(crate) fn workers(&self) -> usize {
        self.server().config().workers
    }

    /// What needs a runtime begins, if this is called inside of one.
    pub(crate) fn use_runtime(&self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.0.core.runtime.set(runtime).is_ok() {
            for namespace in self.0.namespaces.read().values() {
                if let Some(durable) = namespace.durable_part() {
                    durable.watch_the_time();
                }
            }
        }
    }

    /// Ends without a word to anybody: the server has hardly begun.
    pub(crate) fn give_up(&self) {
        drop(self.0.stop.say());
    }

    /// Ready when [`close`](Self::close) is done.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.stop.ended()
    }

    pub(crate) fn check(&self) -> Result<(), MountError> {
        self.use_runtime();
        self.0.namespaces.read().values().try_for_each(Namespace::check)
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespaces = self.0.namespaces.read();
        f.debug_struct("Io").field("namespaces", &namespaces.keys()).finish_non_exhaustive()
    }
}

/// Puts a [`Client`] on every engine session.
pub(crate) struct Application {
    io: Weak<Shared>,
}

impl transport::Application for Application {
    type Upper = Client;

    fn open(
        &self,
        connection: transport::Connection,
        handshake: Arc<transport::Handshake>,
        now: Duration,
    ) -> Client {
        Client::new(self.io.upgrade().map(Io), connection, handshake, now)
    }
}
