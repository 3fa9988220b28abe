//! One builder for everything that is sent to, or done with, more than one socket.

use std::borrow::Cow;
use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use adapter::Audience;
use log::Durability;
use smallvec::SmallVec;
use socket_proto::Encoded;
use tokio::sync::mpsc;
use transport::{Class, Encoded as Packet, Pushed};

use crate::ack::{Asked, Waiter};
use crate::durable::{Address, Change, Durable, Members, NO_TOKEN, Outgoing};
use crate::emit::{self, Emitted, Recorded};
use crate::error::{EmitError, FetchError};
use crate::parser;
use crate::stats::count;
use crate::{AckStream, Args, FromArgs, Io, Namespace, RemoteSocket, Rooms, Socket, ToArgs};

/// Who is meant, and how: made by `to`, `except` and the like of [`Io`](crate::Io), [`Namespace`]
/// and [`Socket`], and narrowed by the same words.
///
/// Rooms named by `to` are united, each socket counts once, and what `except` names is taken away,
/// wherever it stands. No room at all means everybody.
///
/// ```
/// # let io = sockeye::Io::builder().build()?;
/// let staff = io.of("/chat").to(["editors", "authors"]).except("muted");
/// staff.clone().emit("deadline", "tomorrow")?;
/// staff.volatile().emit("weather", &("sunny", 21.5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until something is sent or done"]
pub struct Broadcast {
    namespace: Namespace,
    audience: Audience,
    /// Single sockets that are left out.
    except: SmallVec<[Socket; 1]>,
    class: Class,
    compress: bool,
    timeout: Option<Duration>,
    durability: Option<Durability>,
    key: Option<Box<str>>,
}

impl Broadcast {
    pub(crate) fn new(namespace: Namespace) -> Self {
        Broadcast {
            namespace,
            audience: Audience::everyone(),
            except: SmallVec::new(),
            class: Class::Normal,
            compress: true,
            timeout: None,
            durability: None,
            key: None,
        }
    }

    /// Adds the sockets of a room, or of several. The id of a socket is a room too.
    pub fn to(mut self, rooms: impl Rooms) -> Self {
        rooms.for_each(&mut |room| self.audience = std::mem::take(&mut self.audience).to(room));
        self
    }

    /// As [`to`](Self::to).
    pub fn in_(self, rooms: impl Rooms) -> Self {
        self.to(rooms)
    }

    /// Takes away the sockets of a room, or of several.
    pub fn except(mut self, rooms: impl Rooms) -> Self {
        rooms.for_each(&mut |room| self.audience = std::mem::take(&mut self.audience).except(room));
        self
    }

    /// Takes away one socket.
    pub fn except_socket(mut self, socket: &Socket) -> Self {
        self.except.push(socket.clone());
        self
    }

    /// Only the sockets of this node.
    pub fn local(self) -> Self {
        // There is one node; with more, this keeps the others out.
        self
    }

    /// What is sent may be lost: a client that is not ready for it does not get it.
    pub fn volatile(mut self) -> Self {
        self.class = Class::Volatile;
        self
    }

    /// Whether it may be compressed, for clients that negotiated it ([`Builder::per_message_deflate`]), and in answers to
    /// polls ([`Builder::http_compression`]). Default true; false for what is compressed already. In a durable
    /// namespace, what is read from the log for somebody who missed it is compressed as usual.
    ///
    /// [`Builder::per_message_deflate`]: crate::Builder::per_message_deflate
    /// [`Builder::http_compression`]: crate::Builder::http_compression
    ///
    /// ```
    /// # let io = sockeye::Io::builder().build()?;
    /// let picture = sockeye::Bytes::from_static(b"\xff\xd8\xff");
    /// io.to("gallery").compress(false).emit("picture", &picture)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compress(mut self, compress: bool) -> Self {
        self.compress = compress;
        self
    }

    /// How safely the event has to be in the log before it leaves, instead of what the namespace is set
    /// to. Without effect in a namespace that is not durable, or is in memory.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// The event is sent once, however often it is sent with this key: who repeats it, for an answer was
    /// lost, gets the token of the first. Keys count per namespace, in a window of the newest 200 000 or
    /// what the log is set to. Without effect in a namespace that is not durable.
    ///
    /// ```
    /// use sockeye::{Durability, Io};
    ///
    /// # async fn example(io: Io) -> Result<(), Box<dyn std::error::Error>> {
    /// let once = io.to("lobby").key("order-17");
    /// let first = once.emit("paid", &17)?.stored().await?;
    /// let again = once.emit("paid", &17)?.stored().await?;
    /// assert_eq!(first, again); // and the lobby has heard it once
    /// # Ok(())
    /// # }
    /// ```
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into().into_boxed_str());
        self
    }

    /// What was sent to these rooms with this [`key`](Self::key), if that is remembered; nothing is sent. So who waited
    /// for [`delivered`](Emitted::delivered) when the server ended can go on waiting in its next run. The rooms have
    /// to be those that it was sent to.
    ///
    /// ```
    /// use sockeye::{Durability, Io};
    ///
    /// # async fn example(io: Io) -> Result<(), Box<dyn std::error::Error>> {
    /// let order = io.to("lobby").key("order-17");
    /// if let Some(emitted) = order.emitted() {
    ///     println!("{} have it", emitted.delivered().await?.to);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn emitted(&self) -> Option<Emitted> {
        let durable = self.namespace.durable_part()?;
        durable.emitted(self.key.as_deref()?, self.address(), self.durability)
    }

    /// How long [`emit_with_ack`](Self::emit_with_ack) waits, instead of
    /// [`Builder::ack_timeout`](crate::Builder::ack_timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends an event to all of them. Encoded once, however many they are. Acts at once; never
    /// blocks.
    ///
    /// # Errors
    ///
    /// If the name is reserved or the arguments cannot be sent. Clients that read too slowly are no
    /// error: they are counted in [`Emitted`] and disconnected.
    pub fn emit<T: ToArgs + ?Sized>(&self, event: &str, args: &T) -> Result<Emitted, EmitError> {
        let mut encoded = self.encode(event, args, None)?;
        if let Some(durable) = self.namespace.durable_part() {
            if self.class == Class::Normal {
                return self.log(durable, encoded, false);
            }
            encoded.push_argument(NO_TOKEN);
        }
        let packet = parser::pack(&self.namespace.core().parser, encoded);
        let mut emitted = Emitted::default();
        let Some(io) = self.namespace.server_of_several() else {
            self.offer(0, &packet, &mut emitted);
            return Ok(emitted);
        };
        let here = io.server().here();
        for worker in 0..self.namespace.members().len() {
            if worker == here {
                io.server().catch_up(worker);
                self.offer(worker, &packet, &mut emitted);
            } else {
                self.send(&io, worker, &packet, &mut emitted);
            }
        }
        Ok(emitted)
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
        emit::when_ready(first, again, |broadcast: &Broadcast, event, args| {
            broadcast.emit(event, args)
        })
    }

    /// Sends an event that asks each of them for an answer: a stream of the answers, or, awaited,
    /// all that came before the timeout.
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
    ) -> AckStream<T> {
        // One id serves everybody, so one packet does.
        let id = self.namespace.next_ack();
        let encoded = match self.encode(event, args, Some(id)) {
            Ok(encoded) => encoded,
            Err(error) => return AckStream::failed(error, self.namespace.core()),
        };
        let timeout = self.timeout.unwrap_or(self.namespace.core().ack_timeout);
        if let Some(durable) = self.namespace.durable_part() {
            return self.ask_durably(durable, encoded, id, timeout);
        }
        let packet = parser::pack(&self.namespace.core().parser, encoded);
        let (sender, answers) = mpsc::unbounded_channel();
        if let Some(io) = self.namespace.server_of_several() {
            (0..io.workers()).for_each(|worker| io.server().catch_up(worker));
        }
        let mut asked = self.sockets();
        asked.retain(|socket| {
            let noted = socket.ask(id, Waiter::Many(sender.clone())).is_ok();
            let sent = noted
                && !matches!(socket.offer(&packet, self.class), Pushed::Closed | Pushed::Dropped);
            // Whoever is not asked is not waited for; whoever left in between has been told of
            // already.
            sent || noted && !socket.forget_question(id)
        });
        let asked = asked.into_iter().map(Asked::Socket).collect();
        AckStream::new(id, asked, answers, timeout, self.namespace.core())
    }

    fn encode<T: ToArgs + ?Sized>(
        &self,
        event: &str,
        args: &T,
        ack: Option<u64>,
    ) -> Result<Encoded, EmitError> {
        let encoded = emit::encode(self.namespace.name(), event, args, ack)?;
        Ok(Encoded { compress: self.compress, ..encoded })
    }

    /// A question that reaches those who are away for a moment as well, and their late answers.
    fn ask_durably<T: FromArgs>(
        &self,
        durable: &Arc<Durable>,
        encoded: Encoded,
        id: u64,
        timeout: Duration,
    ) -> AckStream<T> {
        let core = self.namespace.core();
        let (sender, answers) = mpsc::unbounded_channel();
        let members = durable.members_now(&self.address()).map(Asked::Session);
        let (asked, refused): (Vec<_>, Vec<_>) =
            members.partition(|one| one.ask(id, &sender, core.limits.questions));
        if let Some(io) = self.namespace.io() {
            count(&core.counters(io.server().here()).questions_refused, refused.len());
        }
        match self.log(durable, encoded, true) {
            Ok(_) => AckStream::new(id, asked, answers, timeout, core),
            Err(error) => {
                for one in &asked {
                    one.forget(id);
                }
                AckStream::failed(error, core)
            }
        }
    }

    fn log(
        &self,
        durable: &Arc<Durable>,
        encoded: Encoded,
        asks: bool,
    ) -> Result<Emitted, EmitError> {
        durable.emit(Outgoing {
            namespace: &self.namespace,
            encoded,
            address: self.address(),
            members: Members::Of(&|worker| self.audience_of(worker).into_owned()),
            durability: self.durability,
            key: self.key.as_deref(),
            asks,
        })
    }

    /// Who is meant, by name.
    fn address(&self) -> Address {
        Address::of(&self.audience, self.except.iter().map(Socket::id))
    }

    /// What is known of each of them now.
    ///
    /// # Errors
    ///
    /// None in a single process.
    pub fn fetch_sockets(
        &self,
    ) -> impl Future<Output = Result<Vec<RemoteSocket>, FetchError>> + Send + use<> {
        ready(Ok(self.sockets().into_iter().map(RemoteSocket::new).collect()))
    }

    /// How many they are.
    ///
    /// # Errors
    ///
    /// None in a single process.
    pub fn count(&self) -> impl Future<Output = Result<usize, FetchError>> + Send + use<> {
        let mut count = 0;
        self.visit(|_| count += 1);
        ready(Ok(count))
    }

    /// Has each of them join a room, or several.
    pub fn sockets_join(&self, rooms: impl Rooms) -> Recorded {
        let mut names: Vec<String> = Vec::new();
        rooms.for_each(&mut |room| names.push(room.to_owned()));
        let sockets = self.sockets();
        if let Some(durable) = self.namespace.durable_part() {
            return durable.change_all(Change::Join, &sockets, &self.address(), &names);
        }
        for socket in sockets {
            // One that has left meanwhile is none of them.
            let _ = socket.join(&names);
        }
        Recorded::now()
    }

    /// Has each of them leave a room, or several.
    pub fn sockets_leave(&self, rooms: impl Rooms) -> Recorded {
        let mut names: Vec<String> = Vec::new();
        rooms.for_each(&mut |room| names.push(room.to_owned()));
        let sockets = self.sockets();
        if let Some(durable) = self.namespace.durable_part() {
            return durable.change_all(Change::Leave, &sockets, &self.address(), &names);
        }
        for socket in sockets {
            // One that has left meanwhile is none of them.
            let _ = socket.leave(&names);
        }
        Recorded::now()
    }

    /// Disconnects each of them; see [`Socket::disconnect`].
    pub fn disconnect_sockets(&self, close: bool) {
        for socket in self.sockets() {
            socket.disconnect(close);
        }
    }

    /// To the members that a worker has, at once.
    fn offer(&self, worker: usize, packet: &Arc<Packet>, emitted: &mut Emitted) {
        let each = |socket: &Socket| emitted.note(socket.offer(packet, self.class));
        visit(&self.namespace, worker, &self.audience_of(worker), each);
    }

    /// To the members that another worker has: one message for all of them.
    fn send(&self, io: &Io, worker: usize, packet: &Arc<Packet>, emitted: &mut Emitted) {
        let audience = self.audience_of(worker);
        let mut recipients = 0;
        visit(&self.namespace, worker, &audience, |_| recipients += 1);
        if recipients == 0 {
            return;
        }
        emitted.note_elsewhere(recipients);
        let (namespace, audience) = (self.namespace.clone(), audience.into_owned());
        let (packet, class) = (Arc::clone(packet), self.class);
        io.server().send(worker, move || {
            visit(&namespace, worker, &audience, |socket| _ = socket.offer(&packet, class));
        });
    }

    fn audience_of(&self, worker: usize) -> Cow<'_, Audience> {
        let mut audience = Cow::Borrowed(&self.audience);
        // A key means nothing to another worker.
        let here = self.except.iter().filter(|socket| socket.worker() == worker);
        for key in here.filter_map(Socket::key) {
            audience = Cow::Owned(audience.into_owned().except_socket(key));
        }
        audience
    }

    fn visit(&self, mut each: impl FnMut(&Socket)) {
        for worker in 0..self.namespace.members().len() {
            visit(&self.namespace, worker, &self.audience_of(worker), &mut each);
        }
    }

    /// Those that are connected to this server, in no order.
    pub(crate) fn sockets(&self) -> Vec<Socket> {
        let mut sockets = Vec::new();
        self.visit(|socket| sockets.push(socket.clone()));
        sockets
    }
}

/// Under the namespace's read lock: nothing but pushes, please.
fn visit(namespace: &Namespace, worker: usize, audience: &Audience, mut each: impl FnMut(&Socket)) {
    namespace.members()[worker].visit(audience, |socket| {
        if socket.is_connected() {
            each(socket);
        }
    });
}
