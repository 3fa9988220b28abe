//! What a handler holds: one client in one namespace.

mod durable;
mod ending;
mod handlers;
mod id;
mod inside;
mod outgoing;
mod parts;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use adapter::{Key, Room};
use engine_proto::Transport;
use parking_lot::Mutex;
use socket_proto::Acks;
use transport::{Class, Connection};

use crate::ack::Waiter;
use crate::broadcast::Broadcast;
use crate::durable::{Change, Gap, Recall, Return, Session};
use crate::emit::{self, Emitted, Recorded};
use crate::error::{EmitError, JoinError};
use crate::handshake::Handshake;
use crate::listeners::EventHandlers;
use crate::words::Words;
use crate::{AckFuture, Args, FromArgs, Namespace, Rooms, ToArgs};
pub use durable::Held;
pub(crate) use id::SocketId;
use outgoing::Outgoing;
pub use parts::{SocketData, SocketEmit};

/// One client in one namespace. Cloning counts a reference; holding one keeps no client connected.
///
/// Everything acts at once and from any thread; nothing has to be awaited to happen.
///
/// ```
/// # let io = sockeye::Io::builder().build()?;
/// use sockeye::{Data, Result, Socket};
///
/// io.of("/").on("enter", async |socket: Socket, Data(room): Data<String>| -> Result<()> {
///     socket.join(&room)?;
///     socket.emit("welcome", &("to", &room))?;
///     socket.to(&room).emit("entered", socket.id())?;
///     Ok(())
/// });
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

struct Inner {
    /// Public; never the session's, which is a secret of its client, unless that client knows no other.
    id: SocketId,
    namespace: Namespace,
    connection: Connection,
    handshake: Arc<transport::Handshake>,
    auth: Option<Box<Auth>>,
    /// Where the adapter has it.
    key: OnceLock<Key>,
    /// In a durable namespace: what its client is over all of its connections.
    session: OnceLock<Arc<Session>>,
    /// See [`state`].
    state: AtomicU8,
    /// The whole connection is to end with this socket.
    last: AtomicBool,
    /// Another socket has taken its session over.
    fenced: AtomicBool,
    /// Somebody wants to hear what is sent to it.
    overheard: AtomicBool,
    /// What few sockets have. Guards its fields; never held while encoding or awaiting.
    extra: Mutex<Option<Box<Extra>>>,
}

/// What came with a CONNECT, as it came. Behind one thin pointer: most bring nothing.
struct Auth(Box<str>);

/// The states of a socket: connecting, connected, and then the code of the reason why it is not.
mod state {
    pub(super) const CONNECTING: u8 = 254;
    pub(super) const CONNECTED: u8 = 255;
}

/// What a socket was when it came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Connecting,
    Connected,
    /// It had ended before.
    Before,
}

#[derive(Default)]
struct Extra {
    data: Option<Box<str>>,
    /// What is registered for this socket alone.
    handlers: Option<Box<EventHandlers>>,
    /// Who hears what is sent to it.
    outgoing: Option<Box<Outgoing>>,
    acks: Acks<Waiter>,
    /// Why it has left, in words.
    description: Option<Box<str>>,
    /// The rooms it was in when it left.
    last_rooms: Vec<Room>,
    /// Who it is, as a middleware has said.
    principal: Option<Box<str>>,
    /// It says that it comes back, and its CONNECT is not answered yet.
    returns: Option<Return>,
    /// What its client cannot be given, as far as it has not been told.
    gap: Gap,
    /// The token that it named, if it was none of ours.
    stale: Option<Box<str>>,
    /// It has come back, and missed nothing.
    returned: bool,
}

impl Socket {
    /// A socket whose CONNECT has come; its namespace knows it, but nothing reaches it yet.
    pub(crate) fn connecting(
        namespace: Namespace,
        connection: Connection,
        handshake: Arc<transport::Handshake>,
        auth: Option<&str>,
        recall: Recall,
    ) -> Self {
        let fresh = (Words::to(&connection).id)(namespace.name(), connection.sid());
        let id = match &recall {
            Recall::Back(back) => back.session.socket_id.clone(),
            Recall::New | Recall::Lost(..) => fresh.clone(),
        };
        let socket = Socket(Arc::new(Inner {
            id,
            namespace,
            connection,
            handshake,
            auth: auth.map(|words| Box::new(Auth(words.into()))),
            key: OnceLock::new(),
            session: OnceLock::new(),
            state: AtomicU8::new(state::CONNECTING),
            last: AtomicBool::new(false),
            fenced: AtomicBool::new(false),
            overheard: AtomicBool::new(false),
            extra: Mutex::new(None),
        }));
        // The id of one that comes back may still be another's: see `take_id`.
        let key = socket.index().add(fresh.as_str(), socket.clone());
        let _ = socket.0.key.set(key);
        socket.remember(recall);
        socket
    }

    /// The socket's public id: others may know it, and address it as a room.
    pub fn id(&self) -> &str {
        self.0.id.as_str()
    }

    /// The namespace it is in.
    pub fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    /// The request that opened the connection, and what came with the CONNECT.
    pub fn handshake(&self) -> Handshake<'_> {
        Handshake::new(&self.0.handshake, self.auth())
    }

    /// The transport in use now.
    pub fn transport(&self) -> Transport {
        self.0.connection.transport()
    }

    /// Bytes that wait to be written to its client: for tests.
    #[doc(hidden)]
    pub fn queued_bytes(&self) -> usize {
        self.0.connection.queued_bytes()
    }

    /// Whether it is connected: not before its CONNECT was answered, and not after it has left.
    pub fn is_connected(&self) -> bool {
        self.0.state.load(Ordering::Acquire) == state::CONNECTED
    }

    /// Whether it has come back, with everything that it missed meanwhile; only in a
    /// [durable](Namespace::durable) namespace.
    pub fn recovered(&self) -> bool {
        self.0.extra.lock().as_ref().is_some_and(|extra| extra.returned)
    }

    /// Says who it is: to be called by a middleware of a [durable](Namespace::durable) namespace. A client
    /// that comes back as somebody else is somebody new, and gets nothing of what was for the other.
    pub fn set_principal(&self, principal: impl Into<String>) {
        let principal = principal.into().into_boxed_str();
        self.with_extra(|extra| extra.principal = Some(principal));
    }

    // ---- rooms ----

    /// The rooms it is in, in no order, without the room of its own id. After it has left: the
    /// rooms it was in.
    pub fn rooms(&self) -> Vec<String> {
        let names = |rooms: &[Room]| rooms.iter().map(ToString::to_string).collect();
        if self.disconnect_reason().is_some()
            && let Some(extra) = &*self.0.extra.lock()
            && !extra.last_rooms.is_empty()
        {
            return names(&extra.last_rooms);
        }
        self.key().map_or_else(Vec::new, |key| names(&self.index().rooms_of(key)))
    }

    /// Joins a room, or several. Joining twice is joining once.
    ///
    /// # Errors
    ///
    /// If it has left: nothing that is gone can be put into a room. Or it is in as many rooms as it
    /// [may be](crate::Builder::max_rooms); of several rooms, those before are joined.
    pub fn join(&self, rooms: impl Rooms) -> Result<Recorded, JoinError> {
        match self.durable_session() {
            Some((durable, session)) => durable.change(Change::Join, self, session, rooms),
            None => self.each_room(rooms, |key, room| self.enter_room(key, room)),
        }
    }

    /// Leaves a room, or several. Leaving a room it is not in is no error.
    ///
    /// # Errors
    ///
    /// If it has left its namespace, and every room with it.
    pub fn leave(&self, rooms: impl Rooms) -> Result<Recorded, JoinError> {
        match self.durable_session() {
            Some((durable, session)) => durable.change(Change::Leave, self, session, rooms),
            None => self.each_room(rooms, |key, room| {
                self.index().leave(key, room);
                Ok(())
            }),
        }
    }

    fn each_room(
        &self,
        rooms: impl Rooms,
        mut act: impl FnMut(Key, &str) -> Result<(), JoinError>,
    ) -> Result<Recorded, JoinError> {
        let gone = || JoinError::NotConnected { socket: self.id().to_owned() };
        if self.disconnect_reason().is_some() {
            return Err(gone());
        }
        let key = self.key().ok_or_else(gone)?;
        self.catch_up();
        let mut outcome = Ok(());
        rooms.for_each(&mut |room| {
            if outcome.is_ok() {
                outcome = act(key, room);
            }
        });
        outcome.map(|()| Recorded::now())
    }

    // ---- sending ----

    /// Sends an event to this client. Acts at once; never blocks.
    ///
    /// # Errors
    ///
    /// If the name is reserved, the arguments cannot be sent, the socket is not connected, or its
    /// client reads too slowly.
    pub fn emit<T: ToArgs + ?Sized>(&self, event: &str, args: &T) -> Result<Emitted, EmitError> {
        self.emit_as(event, args, Class::Normal, true)
    }

    /// As [`emit`](Self::emit), but waits where `emit` fails with [`EmitError::Busy`]. Without a
    /// log it never waits.
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit), without [`EmitError::Busy`].
    pub fn emit_when_ready<T: ToArgs + ?Sized>(
        &self,
        event: &str,
        args: &T,
    ) -> impl Future<Output = Result<Emitted, EmitError>> + Send + use<T> {
        let first = self.emit(event, args);
        let again =
            emit::is_busy(&first).then(|| (self.clone(), event.to_owned(), Args::new(args)));
        emit::when_ready(first, again, |socket: &Socket, event, args| socket.emit(event, args))
    }

    /// Sends an event that asks for an answer: await what comes back. `T` is the answer's first
    /// argument, the first n as a tuple, or [`Args`](crate::Args).
    ///
    /// ```
    /// # async fn example(socket: sockeye::Socket) -> Result<(), sockeye::AckError> {
    /// use std::time::Duration;
    ///
    /// let sure: bool = socket
    ///     .emit_with_ack("are you sure?", &())
    ///     .timeout(Duration::from_secs(60))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
    ) -> AckFuture<T> {
        self.ask_as(event, args, Class::Normal, true)
    }

    /// What is sent next may be lost: a client that is not ready for it does not get it, and is not asked either.
    pub fn volatile(&self) -> SocketEmit<'_> {
        SocketEmit { socket: self, class: Class::Volatile, compress: true }
    }

    /// Whether what is sent next may be compressed: see [`Broadcast::compress`].
    pub fn compress(&self, compress: bool) -> SocketEmit<'_> {
        SocketEmit { socket: self, class: Class::Normal, compress }
    }

    /// Everybody in these rooms but this socket.
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// As [`to`](Self::to).
    pub fn in_(&self, rooms: impl Rooms) -> Broadcast {
        self.to(rooms)
    }

    /// Everybody in the namespace but these rooms and this socket.
    pub fn except(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().except(rooms)
    }

    /// Everybody in the namespace but this socket.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(self.namespace().clone()).except_socket(self)
    }

    /// Everybody in the namespace on this node but this socket.
    pub fn local(&self) -> Broadcast {
        self.broadcast().local()
    }

    // ---- what belongs to it ----

    /// The socket's own data: one value, kept as JSON.
    pub fn data(&self) -> SocketData<'_> {
        SocketData { socket: self }
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.id())
            .field("namespace", &self.namespace().name())
            .finish_non_exhaustive()
    }
}

/// The default of [`Builder::ack_timeout`](crate::Builder::ack_timeout).
pub(crate) const ACK_TIMEOUT: Duration = Duration::from_secs(20);
