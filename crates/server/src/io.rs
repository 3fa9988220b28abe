//! The server: its namespaces, and its end.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use engine_proto::CloseReason;
use parking_lot::RwLock;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::ToSocketAddrs;
use transport::listener::Listener;

use crate::basis::{Core, NEVER};
use crate::broadcast::Broadcast;
use crate::builder::Builder;
use crate::connection::Application;
use crate::durable::Durable;
use crate::error::{MountError, ServeError};
use crate::mount::{self, Door, Layer, Service};
use crate::stats::Stats;
use crate::stop::Stop;
use crate::{Matcher, Namespace, ParentNamespace, Socket};

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
pub struct Io(pub(crate) Arc<Shared>);

/// Called for each new namespace.
type OnNew = Arc<dyn Fn(&Namespace) + Send + Sync>;

/// What all clones of an [`Io`] share.
pub(crate) struct Shared {
    core: Arc<Core>,
    /// Guards the table of namespaces. Held to find one or to add one.
    pub(crate) namespaces: RwLock<HashMap<Box<str>, Namespace, foldhash::fast::RandomState>>,
    /// Guards the list of dynamic namespaces. Held to copy it, for matching calls the user's functions.
    pub(crate) parents: RwLock<Arc<[ParentNamespace]>>,
    /// Guards what is to be called for each new namespace.
    pub(crate) on_new: RwLock<Option<OnNew>>,
    pub(crate) main: Namespace,
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
            let application = Application::new(io.clone());
            let server = transport::Server::new(config, application);
            let stop = Stop::default();
            let namespaces = RwLock::new(namespaces);
            let (parents, on_new) = (RwLock::new([].into()), RwLock::default());
            Shared { core, namespaces, parents, on_new, main, server, stop }
        });
        Io(shared)
    }

    pub(crate) fn from_shared(shared: Arc<Shared>) -> Self {
        Io(shared)
    }

    /// The namespace of this name: created if it is not there yet, returned if it is. A leading
    /// slash may be left out. One whose name [matches](Self::of_matching) has the handlers of its parent, and stays.
    pub fn of(&self, name: &str) -> Namespace {
        let name = socket_proto::namespace::normalize(name);
        self.find(&name).unwrap_or_else(|| {
            let parent = self.parent_of(&name);
            let alone = || Namespace::new(&name, Arc::clone(&self.0.core), self.downgrade());
            let make = || parent.map_or_else(alone, |parent| parent.child(&name, true));
            self.get_or_make(&name, make, |_| {})
        })
    }

    /// The namespaces whose names match: each is made when the first client asks for it, and ends with its last
    /// socket. A pattern, in which `*` stands for anything but a slash, or a function of the name: see
    /// [`Matcher`]. Namespaces that are there already come first, then the matchers in the order in which
    /// they were given.
    ///
    /// ```
    /// use sockeye::{Data, Io, Socket};
    ///
    /// let io = Io::builder().build()?;
    /// io.of_matching("/room-*").on("say", async |socket: Socket, Data(text): Data<String>| {
    ///     let _ = socket.namespace().emit("said", &text);
    /// });
    /// io.of_matching(|name: &str| name.strip_prefix("/user/").is_some_and(|id| id.parse::<u64>().is_ok()));
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn of_matching<M>(&self, names: impl Matcher<M>) -> ParentNamespace {
        let parent = ParentNamespace::new(names, self);
        let mut parents = self.0.parents.write();
        *parents = parents.iter().chain([&parent]).cloned().collect();
        drop(parents);
        parent
    }

    /// Calls `hook` for each namespace that is made from now on, by [`of`](Self::of) or for a client, before
    /// anybody is in it: to register handlers, or to count. One that panics is logged. There is one
    /// hook: the last that was given.
    ///
    /// ```
    /// let io = sockeye::Io::builder().build()?;
    /// io.on_new_namespace(|namespace| println!("{} is there", namespace.name()));
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn on_new_namespace(&self, hook: impl Fn(&Namespace) + Send + Sync + 'static) {
        *self.0.on_new.write() = Some(Arc::new(hook));
    }

    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.0)
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

    /// Serves alone on this listener, of TCP or of a Unix socket, until [`close`](Self::close) is called.
    ///
    /// # Errors
    ///
    /// As [`layer`](Self::layer), and if the listener fails.
    pub async fn serve_listener(&self, listener: impl Into<Listener>) -> Result<(), ServeError> {
        self.check()?;
        mount::serve(self.server().clone(), listener, self.0.stop.said()).await
    }

    /// Serves alone on a Unix socket at this path, until [`close`](Self::close) is called; then its file goes away. One
    /// that a server has left behind which is no more is replaced. Who may connect is what the permissions of its
    /// directory say; clients have no address, unless a [trusted](Builder::trust_forwarded_for) proxy tells it.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let io = sockeye::Io::builder().trust_forwarded_for(1).build()?;
    /// io.serve_unix("/run/sockeye/http.sock").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`layer`](Self::layer), and if nobody can listen there: somebody else does, or something else is there.
    #[cfg(unix)]
    pub async fn serve_unix(&self, path: impl AsRef<Path>) -> Result<(), ServeError> {
        self.check()?;
        let (listener, _file) = mount::listen_at(path.as_ref())?;
        self.serve_listener(listener).await
    }

    /// Serves one stream that you have accepted, and on which no byte has been read of the client's HTTP: of whatever
    /// kind, after whatever came before. `address` is the client's, if you know it. Ends with the stream,
    /// when it has become a WebSocket (which lives on by itself), or when [`close`](Self::close) is called; so it
    /// belongs into a task of its own. A TCP stream is as good here as one that [`serve`](Self::serve) has
    /// accepted.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let io = sockeye::Io::builder().build()?;
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    /// loop {
    ///     let (stream, address) = listener.accept().await?;
    ///     let io = io.clone();
    ///     tokio::spawn(async move { io.serve_stream(stream, Some(address)).await });
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`layer`](Self::layer). What goes wrong on the stream ends it, and is no error of the server.
    pub async fn serve_stream(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        address: Option<SocketAddr>,
    ) -> Result<(), MountError> {
        self.check()?;
        let stop = self.0.stop.said();
        mount::serve_stream(self.server().clone(), stream, address, stop).await;
        Ok(())
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

    /// Ends the server without a rush elsewhere: from now on nobody new is let in (handshakes are answered with 503, for
    /// balancers to see), and those that are here are sent away one by one, spread over `window`. They come back by
    /// themselves, and a balancer gives them to another server. Then everything ends as with
    /// [`close`](Self::close), which takes `deadline` at most.
    ///
    /// Until it is their turn clients are served as ever; sockets whose turn it is leave with `server shutting down`.
    /// It is sooner done where they leave by themselves, or `close` is called.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let io = sockeye::Io::builder().build()?;
    /// // … the service manager says that it is time:
    /// io.drain(Duration::from_secs(60), Duration::from_secs(5)).await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn drain(&self, window: Duration, deadline: Duration) {
        self.server().refuse();
        self.server().spread(CloseReason::ServerShuttingDown, NEVER.min(window)).await;
        self.close(deadline).await;
    }

    /// What has happened since the server was made, and how it is now: one snapshot, for dashboards and tests. It looks at
    /// every connection, from the thread of whoever asks, and holds up nobody: once a second is fine, once for each
    /// event is not.
    ///
    /// ```
    /// let io = sockeye::Io::builder().build()?;
    /// let stats = io.stats();
    /// println!("{} clients, {} of them poll", stats.connections(), stats.engine.polling);
    /// println!("{:?} in {} handlers", stats.handled.sum, stats.handled.count());
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn stats(&self) -> Stats {
        let mut stats = self.0.core.stats();
        stats.engine = self.server().stats();
        for namespace in self.0.namespaces.read().values() {
            if let Some(durable) = namespace.durable_part() {
                durable.add_sessions_to(&mut stats.durable);
            }
        }
        self.each_family(|durable| durable.add_absent_to(&mut stats.durable));
        stats
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
            self.each_family(Durable::watch_the_time);
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
        self.0.parents.read().iter().try_for_each(ParentNamespace::check)?;
        self.0.namespaces.read().values().try_for_each(Namespace::check)?;
        let parents = Arc::clone(&*self.0.parents.read());
        parents.iter().for_each(|parent| self.take_up(parent));
        Ok(())
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespaces = self.0.namespaces.read();
        f.debug_struct("Io").field("namespaces", &namespaces.keys()).finish_non_exhaustive()
    }
}
