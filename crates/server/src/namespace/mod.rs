//! A namespace: its handlers, and its members.

mod handlers;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use adapter::Local;
use log::Durability;
use parking_lot::RwLock;

use crate::basis::Core;
use crate::broadcast::Broadcast;
use crate::durable::{Away, Durable, Family, Farewell, Gone, History};
use crate::error::MountError;
use crate::io::Shared;
use crate::listeners::{Chain, Listeners};
use crate::parent::Childhood;
use crate::registry::Handlers;
use crate::{Io, Socket};

/// A namespace: the handlers of its sockets, registered once, before clients come; and everybody
/// who is connected to it.
///
/// ```
/// use sockeye::{Data, Io, Reason, Result, Socket};
///
/// let io = Io::builder().build()?;
/// io.of("/chat")
///     .on_connect(async |socket: Socket| -> Result<()> {
///         socket.join("lobby")?;
///         Ok(())
///     })
///     .on("message", async |socket: Socket, Data(text): Data<String>| -> Result<usize> {
///         let emitted = socket.to("lobby").emit("message", &text)?;
///         Ok(emitted.recipients())
///     })
///     .on_disconnect(async |socket: Socket, Reason(why): Reason| {
///         println!("{} left: {why}", socket.id());
///     });
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Namespace(Arc<Inner>);

struct Inner {
    name: Box<str>,
    core: Arc<Core>,
    io: Weak<Shared>,
    /// One index for each worker.
    members: Box<[Local<Socket>]>,
    /// Guards the handlers. Held to find one or to add one. Children have those of their parent.
    handlers: Arc<RwLock<Handlers>>,
    next_ack: AtomicU64,
    durable: OnceLock<Arc<Durable>>,
    kind: Kind,
}

/// How a namespace came into being.
enum Kind {
    /// It was asked for by its name.
    Named,
    /// It has the handlers of children, and nobody is ever in it.
    Pattern,
    /// It was made for a client that asked for it, or has a name that matches.
    Child(Childhood),
}

/// What does not keep it.
#[derive(Clone)]
pub(crate) struct WeakNamespace(Weak<Inner>);

impl WeakNamespace {
    pub(crate) fn upgrade(&self) -> Option<Namespace> {
        self.0.upgrade().map(Namespace)
    }
}

impl Namespace {
    pub(crate) fn new(name: &str, core: Arc<Core>, io: Weak<Shared>) -> Self {
        Self::with(name, core, io, Arc::default(), Kind::Named)
    }

    /// Has the handlers of children.
    pub(crate) fn pattern(label: &str, core: Arc<Core>, io: Weak<Shared>) -> Self {
        Self::with(label, core, io, Arc::default(), Kind::Pattern)
    }

    fn with(
        name: &str,
        core: Arc<Core>,
        io: Weak<Shared>,
        handlers: Arc<RwLock<Handlers>>,
        kind: Kind,
    ) -> Self {
        let workers = core.workers;
        Namespace(Arc::new(Inner {
            name: name.into(),
            core,
            io,
            members: (0..workers).map(|_| Local::new()).collect(),
            handlers,
            next_ack: AtomicU64::new(0),
            durable: OnceLock::new(),
            kind,
        }))
    }

    /// With these handlers, and as durable as this.
    pub(crate) fn child(&self, name: &str, childhood: Childhood) -> Self {
        let Inner { core, io, handlers, .. } = &*self.0;
        let (core, handlers) = (Arc::clone(core), Arc::clone(handlers));
        let child = Self::with(name, core, io.clone(), handlers, Kind::Child(childhood));
        if let Some(durable) = self.durable_part() {
            child.be_durable(|| Arc::clone(&durable.family));
        }
        child
    }

    /// Its name, with the leading slash.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The connected socket with this id.
    pub fn socket(&self, id: &str) -> Option<Socket> {
        let connected = |members: &Local<Socket>| members.by_id(id).filter(Socket::is_connected);
        self.members().iter().find_map(connected)
    }

    /// The rooms in which somebody is, and how many sockets are in each; without the rooms of the sockets' own ids.
    /// A snapshot, for dashboards and tests: it looks at every room, some of them at a time, and holds up nobody for
    /// long. A room that is made or vanishes meanwhile may be left out.
    ///
    /// ```
    /// let io = sockeye::Io::builder().build()?;
    /// for (room, sockets) in io.of("/").rooms() {
    ///     println!("{sockets} in {room}");
    /// }
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn rooms(&self) -> HashMap<String, usize> {
        let mut rooms = HashMap::new();
        for members in self.members() {
            members.room_sizes(|room, size| match rooms.get_mut(room.as_str()) {
                Some(sum) => *sum += size,
                None => _ = rooms.insert(room.to_string(), size),
            });
        }
        rooms
    }

    /// From now on no event of this namespace is missed: each has a place in the log, is in it as safely as
    /// `class` says before it leaves, and reaches every member, also one whose connection was lost for a
    /// while. See `docs/delivery.md` for what is promised. To be said once, before clients come.
    ///
    /// Of class [`Memory`](Durability::Memory), or without [`Builder::log`](crate::Builder::log), the log is in
    /// memory: what is in it lives as long as the server, whatever is said for single events.
    ///
    /// ```
    /// use sockeye::{Durability, Io};
    ///
    /// let io = Io::builder().build()?;
    /// io.of("/chat").durable(Durability::Memory);
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn durable(&self, class: Durability) -> &Self {
        let is_new = self.durable_part().is_none();
        let durable = self.be_durable(|| self.family(class));
        if is_new && !self.is_pattern() {
            durable.take_up();
        }
        durable.watch_the_time();
        self
    }

    /// Sets what happens when somebody will not come back: it has disconnected, or was away for longer than
    /// [`Builder::away_timeout`](crate::Builder::away_timeout). Only in a [durable](Self::durable) namespace.
    ///
    /// ```
    /// use sockeye::{Durability, Io};
    ///
    /// let io = Io::builder().build()?;
    /// io.of("/chat").durable(Durability::Memory).on_gone(async |gone| {
    ///     let _ = gone.namespace().to(gone.rooms()).emit("has left", gone.id());
    /// });
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn on_gone<F: Future<Output = ()> + Send + 'static>(
        &self,
        handler: impl Fn(Gone) -> F + Send + Sync + 'static,
    ) -> &Self {
        if let Some(durable) = self.durable_part() {
            durable.on_gone(Farewell::new(handler));
        }
        self
    }

    /// Decides for each room whether somebody who comes back may hear it again, and what was said there
    /// meanwhile. It is asked after the middlewares. Without one, all rooms are as they were. Only in a
    /// [durable](Self::durable) namespace.
    pub fn on_rejoin<F: Future<Output = bool> + Send + 'static>(
        &self,
        decide: impl Fn(Socket, String) -> F + Send + Sync + 'static,
    ) -> &Self {
        if let Some(durable) = self.durable_part() {
            durable.on_rejoin(Arc::new(move |socket, room| Box::pin(decide(socket, room))));
        }
        self
    }

    /// Events of this name are handled once: one that a client sends again, since it has not heard the answer, is
    /// not handled again, but answered with what the first was answered with, also after a restart. What is the
    /// same is said by a key in the arguments, a text or a number; `path` is a JSON pointer (RFC 6901) into their
    /// list. Events without it are handled as ever, a key of more than 1024 bytes is refused. What a handler
    /// returns is kept; an error is not, nor what it answers by an [`AckSender`](crate::AckSender). The newest
    /// 200 000 keys are remembered, or what the log is set to. Only in a [durable](Self::durable) namespace.
    ///
    /// Handlers start in the order in which their events came. A repeat waits while the first is being handled; it is handled
    /// itself, late, if that fails.
    ///
    /// If the server dies between what the handler does and its answer, the event is handled again: give what it
    /// sends a [`key`](crate::Broadcast::key) of its own.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use sockeye::{Data, Durability, Io, Result, Socket, Token};
    ///
    /// #[derive(Deserialize, Serialize)]
    /// struct Message { id: String, text: String }
    ///
    /// let io = Io::builder().build()?;
    /// io.of("/")
    ///     .durable(Durability::Memory)
    ///     .once("message", "/0/id")
    ///     .on("message", async |socket: Socket, Data(message): Data<Message>| -> Result<Option<Token>> {
    ///         let sent = socket.to("lobby").key(&message.id).emit("message", &message)?;
    ///         Ok(sent.stored().await?)
    ///     });
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn once(&self, event: &str, path: &str) -> &Self {
        if let Some(durable) = self.durable_part() {
            durable.once(event, path);
        }
        self
    }

    /// What was said in a room; in a namespace that is not [durable](Self::durable), nothing.
    pub fn history(&self, room: impl Into<String>) -> History {
        History::new(self.clone(), room.into())
    }
}

/// The bits of a question's id: clients of other languages read it as a number of 32 bits with a sign.
const ASKED: u64 = 0x7fff_ffff;

/// So many clients may be away from all children of a parent: each of them may be the only one of its namespace, and the
/// log has a place for twice as many.
const MOST_AWAY: usize = 32_768;

impl Namespace {
    /// Durable with the others of this family.
    pub(crate) fn be_durable(&self, family: impl FnOnce() -> Arc<Family>) -> &Arc<Durable> {
        self.0.durable.get_or_init(|| {
            let family = family();
            // Ids of questions are not used again by another run.
            let past = family.written().get() & ASKED;
            self.0.next_ack.fetch_max(past, Ordering::Relaxed);
            Durable::open(&family, self.name(), WeakNamespace(Arc::downgrade(&self.0)))
        })
    }

    /// A family for this namespace, or for all that have its handlers.
    fn family(&self, class: Durability) -> Arc<Family> {
        let core = &self.0.core;
        let most = if self.is_pattern() { MOST_AWAY } else { usize::MAX };
        let away = Away { most: core.away.most.min(most), ..core.away };
        Family::new(core.log(class), class, away, self.0.io.clone())
    }

    fn is_pattern(&self) -> bool {
        matches!(self.0.kind, Kind::Pattern)
    }
}

// What the rest of the house asks of a namespace.
impl Namespace {
    pub(crate) fn durable_part(&self) -> Option<&Arc<Durable>> {
        self.0.durable.get()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    pub(crate) fn io(&self) -> Option<Io> {
        self.0.io.upgrade().map(Io::from_shared)
    }

    /// The server, if others than this thread may have members.
    pub(crate) fn server_of_several(&self) -> Option<Io> {
        if self.0.members.len() > 1 { self.io() } else { None }
    }

    /// Who is here, worker by worker.
    pub(crate) fn members(&self) -> &[Local<Socket>] {
        &self.0.members
    }

    pub(crate) fn everybody(&self) -> Broadcast {
        Broadcast::new(self.clone())
    }

    /// An id for an acknowledgement. One counter serves the namespace, so one packet can ask a
    /// whole room.
    pub(crate) fn next_ack(&self) -> u64 {
        self.0.next_ack.fetch_add(1, Ordering::Relaxed) & ASKED
    }

    pub(crate) fn middlewares(&self) -> Option<Chain> {
        self.0.handlers.read().middleware.clone()
    }

    pub(crate) fn connect_handlers(&self) -> Option<Chain> {
        self.0.handlers.read().connect.clone()
    }

    /// Who hears an event of this name.
    pub(crate) fn listeners(&self, event: &str) -> Listeners {
        self.0.handlers.read().events.of(event)
    }

    pub(crate) fn disconnecting_handlers(&self) -> Option<Chain> {
        self.0.handlers.read().disconnecting.clone()
    }

    pub(crate) fn disconnect_handlers(&self) -> Option<Chain> {
        self.0.handlers.read().disconnect.clone()
    }

    pub(crate) fn childhood(&self) -> Option<&Childhood> {
        match &self.0.kind {
            Kind::Child(childhood) => Some(childhood),
            Kind::Named | Kind::Pattern => None,
        }
    }

    pub(crate) fn is(&self, other: &Namespace) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether clients can ask for it, and everything is there that the handlers need.
    pub(crate) fn check(&self) -> Result<(), MountError> {
        if !socket_proto::namespace::is_valid(self.name()) {
            return Err(MountError::Unreachable { namespace: self.name().to_owned() });
        }
        self.check_handlers()
    }

    /// Whether everything is there that the handlers need.
    pub(crate) fn check_handlers(&self) -> Result<(), MountError> {
        self.0.handlers.read().check(self.name(), &self.0.core.state)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace")
            .field("name", &self.name())
            .field("sockets", &self.members().iter().map(Local::len).sum::<usize>())
            .finish_non_exhaustive()
    }
}
