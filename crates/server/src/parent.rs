//! Dynamic namespaces: made when a client asks for one whose name matches, and gone with their last socket.
//!
//! ```text
//!             CONNECT, the name matches           the last socket has left, or was refused
//!  (nothing) ───────────────────────────▶ child ─────────────────────────────────────────▶ (nothing)
//!                                         has the handlers of its parent
//! ```
//!
//! A durable child also stays for clients that are away and may come back, and is there again after a restart for those
//! that an earlier run has left in the log.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::broadcast::Broadcast;
use crate::emit::Emitted;
use crate::error::EmitError;
use crate::extract::{OnConnect, OnDisconnect, OnEvent};
use crate::{Durability, Gone, Handler, Io, Namespace, Rooms, Socket, ToArgs};

/// The namespaces whose names match a pattern: made by [`Io::of_matching`](crate::Io::of_matching).
///
/// Each comes into being when the first client asks for it, has the handlers that are registered here, and
/// ends with its last socket. Whether somebody may have one is for a [`middleware`](Self::middleware) to
/// say: a namespace whose only client is refused leaves nothing behind. They may be [durable](Self::durable).
///
/// ```
/// use sockeye::{Io, Namespace, Result, Socket};
///
/// let io = Io::builder().build()?;
/// let games = io.of_matching("/game-*");
/// games.on_connect(async |game: Namespace, socket: Socket| -> Result<()> {
///     game.emit("entered", socket.id())?; // this game, and no other
///     Ok(())
/// });
/// games.emit("maintenance", "at noon")?; // all of them
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ParentNamespace(Arc<Inner>);

struct Inner {
    matches: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// Has the handlers of all children, and no sockets.
    pattern: Namespace,
    /// Children stay when they are empty.
    keeps_empty: AtomicBool,
    /// Those that an earlier run has left in the log have been taken up.
    taken_up: AtomicBool,
}

/// What a namespace that was made for a client knows of itself.
pub(crate) struct Childhood {
    parent: ParentNamespace,
    /// Sockets that are connected or connecting, and one more that never leaves if it is to stay. Counted up under the lock of the table of namespaces.
    sockets: AtomicUsize,
}

/// Says which names match: a pattern, or a function of the name.
///
/// In a pattern `*` stands for any characters but `/`, none included. For regular expressions and all else give
/// a function: `move |name: &str| expression.is_match(name)`.
pub trait Matcher<M> {
    /// How it is called in error messages.
    #[doc(hidden)]
    fn label(&self) -> String;

    /// Whether this name, which begins with a slash, is meant.
    #[doc(hidden)]
    fn into_function(self) -> Box<dyn Fn(&str) -> bool + Send + Sync>;
}

/// Marks patterns: see [`Matcher`].
#[derive(Debug)]
pub enum ByPattern {}

/// Marks functions: see [`Matcher`].
#[derive(Debug)]
pub enum ByFunction {}

impl Matcher<ByPattern> for &str {
    fn label(&self) -> String {
        socket_proto::namespace::normalize(self).into_owned()
    }

    fn into_function(self) -> Box<dyn Fn(&str) -> bool + Send + Sync> {
        let pattern = self.label();
        Box::new(move |name| matches(&pattern, name))
    }
}

impl<F: Fn(&str) -> bool + Send + Sync + 'static> Matcher<ByFunction> for F {
    fn label(&self) -> String {
        "/(a function)".to_owned()
    }

    fn into_function(self) -> Box<dyn Fn(&str) -> bool + Send + Sync> {
        Box::new(self)
    }
}

/// Each `*` takes as little as it can; where that does not do, the last one takes one character more. So
/// the time is bounded by the product of the lengths, whatever a client asks for.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, taken)) = star.filter(|(_, taken)| name[*taken] != b'/') {
            star = Some((at, taken + 1));
            (p, n) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

impl ParentNamespace {
    pub(crate) fn new<M>(matcher: impl Matcher<M>, io: &Io) -> Self {
        let pattern = Namespace::pattern(&matcher.label(), Arc::clone(io.core()), io.downgrade());
        let matches = matcher.into_function();
        let (keeps_empty, taken_up) = (AtomicBool::new(false), AtomicBool::new(false));
        ParentNamespace(Arc::new(Inner { matches, pattern, keeps_empty, taken_up }))
    }

    /// See [`Namespace::middleware`].
    pub fn middleware<M: 'static>(&self, middleware: impl Handler<OnConnect, M>) -> &Self {
        self.0.pattern.middleware(middleware);
        self
    }

    /// See [`Namespace::event_middleware`].
    pub fn event_middleware<M: 'static>(&self, middleware: impl Handler<OnEvent, M>) -> &Self {
        self.0.pattern.event_middleware(middleware);
        self
    }

    /// See [`Namespace::on_connect`].
    pub fn on_connect<M: 'static>(&self, handler: impl Handler<OnConnect, M>) -> &Self {
        self.0.pattern.on_connect(handler);
        self
    }

    /// See [`Namespace::on`].
    pub fn on<M: 'static>(&self, event: &str, handler: impl Handler<OnEvent, M>) -> &Self {
        self.0.pattern.on(event, handler);
        self
    }

    /// See [`Namespace::off`].
    pub fn off(&self, event: &str) -> &Self {
        self.0.pattern.off(event);
        self
    }

    /// See [`Namespace::on_any`].
    pub fn on_any<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        self.0.pattern.on_any(handler);
        self
    }

    /// See [`Namespace::prepend_any`].
    pub fn prepend_any<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        self.0.pattern.prepend_any(handler);
        self
    }

    /// See [`Namespace::off_any`].
    pub fn off_any(&self) -> &Self {
        self.0.pattern.off_any();
        self
    }

    /// See [`Namespace::on_disconnecting`].
    pub fn on_disconnecting<M: 'static>(&self, handler: impl Handler<OnDisconnect, M>) -> &Self {
        self.0.pattern.on_disconnecting(handler);
        self
    }

    /// See [`Namespace::on_disconnect`].
    pub fn on_disconnect<M: 'static>(&self, handler: impl Handler<OnDisconnect, M>) -> &Self {
        self.0.pattern.on_disconnect(handler);
        self
    }

    /// From now on no event of these namespaces is missed: see [`Namespace::durable`]. A namespace then ends with its last
    /// socket when all clients that were cut off from it have come back and left, or stay away for longer than
    /// [`Builder::away_timeout`](crate::Builder::away_timeout). Those in which clients were when an earlier run ended are there
    /// again when the server is mounted. To be said once, before that.
    ///
    /// [`Builder::away_limit`](crate::Builder::away_limit) is for all of them together, and is at most 32 768 here. The log
    /// keeps what was said in a namespace that has ended as long as anything else, so [`Namespace::history`] finds it
    /// when a namespace of this name comes again; past 65 536 names the one that has not been used for longest is forgotten.
    ///
    /// ```
    /// use sockeye::{Data, Durability, Io, Namespace, Result};
    ///
    /// let io = Io::builder().build()?;
    /// let games = io.of_matching("/game-*");
    /// games.durable(Durability::Memory);
    /// games.on("say", async |game: Namespace, Data(text): Data<String>| -> Result<()> {
    ///     game.emit("said", &text)?; // also to those who have just lost their connection
    ///     Ok(())
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn durable(&self, class: Durability) -> &Self {
        self.0.pattern.durable(class);
        if let Some(durable) = self.0.pattern.durable_part() {
            for child in self.namespaces() {
                child.be_durable(|| Arc::clone(&durable.family));
            }
        }
        self
    }

    /// See [`Namespace::on_gone`]. Only if they are [durable](Self::durable).
    pub fn on_gone<F: Future<Output = ()> + Send + 'static>(
        &self,
        handler: impl Fn(Gone) -> F + Send + Sync + 'static,
    ) -> &Self {
        self.0.pattern.on_gone(handler);
        self
    }

    /// See [`Namespace::on_rejoin`]. Only if they are [durable](Self::durable).
    pub fn on_rejoin<F: Future<Output = bool> + Send + 'static>(
        &self,
        decide: impl Fn(Socket, String) -> F + Send + Sync + 'static,
    ) -> &Self {
        self.0.pattern.on_rejoin(decide);
        self
    }

    /// See [`Namespace::once`]: what is the same is so within one namespace. Only if they are [durable](Self::durable).
    pub fn once(&self, event: &str, path: &str) -> &Self {
        self.0.pattern.once(event, path);
        self
    }

    /// A namespace without sockets, whose handlers are those of all children: for what registers handlers on a
    /// [`Namespace`].
    ///
    /// ```
    /// use sockeye::{Io, Namespace};
    ///
    /// fn register(namespace: &Namespace) {
    ///     namespace.on("ping", async || "pong");
    /// }
    ///
    /// let io = Io::builder().build()?;
    /// register(&io.of("/"));
    /// register(io.of_matching("/game-*").handlers());
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn handlers(&self) -> &Namespace {
        &self.0.pattern
    }

    /// Whether a namespace stays when its last socket has left. Default false: what clients can make, they
    /// could make without end.
    pub fn keep_empty(&self, keep: bool) -> &Self {
        self.0.keeps_empty.store(keep, Ordering::Relaxed);
        self
    }

    /// Those that there are now, in no order.
    pub fn namespaces(&self) -> Vec<Namespace> {
        self.0.pattern.io().map_or_else(Vec::new, |io| io.children_of(self))
    }

    /// Everybody in these rooms, in all of the namespaces that there are now.
    pub fn to(&self, rooms: impl Rooms + Copy) -> Children {
        self.everybody().to(rooms)
    }

    /// Everybody but these rooms.
    pub fn except(&self, rooms: impl Rooms + Copy) -> Children {
        self.everybody().except(rooms)
    }

    /// Everybody, but what is sent may be lost.
    pub fn volatile(&self) -> Children {
        self.everybody().volatile()
    }

    /// Everybody, and whether what is sent may be compressed: see [`Broadcast::compress`].
    pub fn compress(&self, compress: bool) -> Children {
        self.everybody().compress(compress)
    }

    /// Sends an event to everybody in all of the namespaces that there are now. Where they are
    /// [durable](Self::durable) it is in the log once for each of them, and misses nobody who is away.
    ///
    /// # Errors
    ///
    /// If the name is reserved or the arguments cannot be sent; or if the log takes no more: then some of the namespaces
    /// have got it, and others have not. To know when it is stored, or to send it again under a
    /// [key](Broadcast::key), send it to each of the [`namespaces`](Self::namespaces).
    pub fn emit<T: ToArgs + ?Sized>(&self, event: &str, args: &T) -> Result<Emitted, EmitError> {
        self.everybody().emit(event, args)
    }

    fn everybody(&self) -> Children {
        Children(self.namespaces().iter().map(Namespace::everybody).collect())
    }

    pub(crate) fn check(&self) -> Result<(), crate::MountError> {
        self.0.pattern.check_handlers()
    }

    pub(crate) fn is(&self, other: &ParentNamespace) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether it is meant by a name. A function of the user's that panics means no.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let matches = catch_unwind(AssertUnwindSafe(|| (self.0.matches)(name)));
        matches.unwrap_or_else(|_| {
            tracing::error!(name, "the function that matches names of namespaces panicked");
            false
        })
    }

    /// Those of the log in which there are sessions; asked once.
    pub(crate) fn names_of_earlier(&self) -> Vec<Box<str>> {
        let durable = self.0.pattern.durable_part();
        let durable = durable.filter(|_| !self.0.taken_up.swap(true, Ordering::Relaxed));
        durable.map_or_else(Vec::new, |durable| durable.names_of_earlier())
    }

    /// Clients of a child of this parent that an earlier run has left in the log may come back.
    pub(crate) fn take_up(&self, child: &Namespace) {
        if child.childhood().is_some_and(|child| child.parent().is(self))
            && let Some(durable) = child.durable_part()
        {
            durable.take_up();
        }
    }

    /// A namespace of this name, for a client; or for our own side, and to stay.
    pub(crate) fn child(&self, name: &str, stays: bool) -> Namespace {
        let childhood = Childhood { parent: self.clone(), sockets: AtomicUsize::new(stays.into()) };
        self.0.pattern.child(name, childhood)
    }
}

impl Childhood {
    pub(crate) fn parent(&self) -> &ParentNamespace {
        &self.parent
    }

    /// A socket comes.
    pub(crate) fn enter(&self) {
        self.sockets.fetch_add(1, Ordering::Relaxed);
    }

    /// It has left; true if it was the last.
    pub(crate) fn leave(&self) -> bool {
        self.sockets.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Nobody is there, and it is not to stay.
    pub(crate) fn is_over(&self) -> bool {
        let keeps = self.parent.0.keeps_empty.load(Ordering::Relaxed);
        !keeps && self.sockets.load(Ordering::Acquire) == 0
    }
}

impl fmt::Debug for ParentNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParentNamespace")
            .field("pattern", &self.0.pattern.name())
            .finish_non_exhaustive()
    }
}

/// A broadcast in all namespaces of a parent: made by [`ParentNamespace::to`] and the like.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until something is sent"]
pub struct Children(Vec<Broadcast>);

impl Children {
    /// Adds the sockets of a room, or of several.
    pub fn to(self, rooms: impl Rooms + Copy) -> Self {
        self.each(|broadcast| broadcast.to(rooms))
    }

    /// Takes away the sockets of a room, or of several.
    pub fn except(self, rooms: impl Rooms + Copy) -> Self {
        self.each(|broadcast| broadcast.except(rooms))
    }

    /// What is sent may be lost.
    pub fn volatile(self) -> Self {
        self.each(Broadcast::volatile)
    }

    /// Whether it may be compressed: see [`Broadcast::compress`].
    pub fn compress(self, compress: bool) -> Self {
        self.each(|broadcast| broadcast.compress(compress))
    }

    /// Sends an event to all of them. Encoded once for each namespace.
    ///
    /// # Errors
    ///
    /// If the name is reserved or the arguments cannot be sent: nobody has got it then. As
    /// [`ParentNamespace::emit`] if the log takes no more.
    pub fn emit<T: ToArgs + ?Sized>(&self, event: &str, args: &T) -> Result<Emitted, EmitError> {
        self.0.iter().try_fold(Emitted::default(), |sum, broadcast| {
            Ok(sum.and(&broadcast.emit(event, args)?))
        })
    }

    fn each(self, act: impl FnMut(Broadcast) -> Broadcast) -> Self {
        Children(self.0.into_iter().map(act).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything_but_a_slash() {
        for (pattern, yes, no) in [
            ("/game-*", vec!["/game-1", "/game-", "/game-a-b"], vec!["/game", "/game-1/2", "/"]),
            ("/a/*/c", vec!["/a/b/c", "/a//c"], vec!["/a/b/b/c", "/a/b/cd", "/a/b"]),
            ("/*x*", vec!["/x", "/axb", "/xx"], vec!["/", "/ab", "/x/"]),
            ("/plain", vec!["/plain"], vec!["/plain/", "/plai"]),
            ("/é*", vec!["/é", "/éà"], vec!["/e"]),
        ] {
            assert!(yes.iter().all(|name| matches(pattern, name)), "{pattern}");
            assert!(!no.iter().any(|name| matches(pattern, name)), "{pattern}");
        }
    }
}
