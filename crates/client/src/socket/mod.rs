//! A namespace, as its user sees it.

mod emit;
mod hearing;
mod life;
mod listen;
mod pull;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use socket_proto::{Args, Encoded};
use tokio::sync::watch;

use crate::config::{Auth, Config};
use crate::hub::Handle;
use crate::outbox::{LaneId, Outbox, Sending};
use crate::recovery::{Mark, Recovery};
use crate::{BuildError, Client, ConnectError, DisconnectReason, SocketState};
pub use emit::Emitter;
pub(crate) use hearing::{Handled, Hearing};
pub(crate) use life::{Ending, Life};
pub use pull::{Events, Received};

/// The connection to one namespace. Cloning it is cheap, and gives the same socket.
///
/// It is one of several that a [`Client`] may have, all over one connection. It stays the same over all connections: it is
/// disconnected and connected again, its [`id`](Self::id) changes.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let chat = sockeye_client::connect("http://localhost:3000/chat").await?;
/// println!("connected as {:?}", chat.id());
/// chat.disconnect();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Socket {
    handle: Arc<Handle>,
    core: Arc<Core>,
}

/// A socket, as the connection's task knows it.
pub(crate) struct Core {
    namespace: Box<str>,
    pub(crate) life: Life,
    pub(crate) hearing: Hearing,
    /// Instead of the client's.
    auth: Mutex<Option<Auth>>,
    /// All that waits to be sent, and its place there.
    outbox: Arc<Mutex<Outbox>>,
    lane: LaneId,
    /// The id of its next question.
    next_id: AtomicU64,
    recovery: Mutex<Recovery>,
}

impl Core {
    pub(crate) fn new(
        namespace: &str,
        closed: bool,
        outbox: &Arc<Mutex<Outbox>>,
        sending: &Sending,
    ) -> Self {
        let (lane, next_id) = outbox.lock().add(namespace, &sending.retries);
        Core {
            namespace: namespace.into(),
            life: Life::new(closed),
            hearing: Hearing::default(),
            auth: Mutex::new(None),
            outbox: Arc::clone(outbox),
            lane,
            next_id: AtomicU64::new(next_id),
            recovery: Mutex::new(Recovery::new(namespace, sending.positions.clone())),
        }
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn auth(&self) -> Option<Auth> {
        self.auth.lock().clone()
    }

    fn set_auth(&self, auth: Auth) {
        let before = self.auth.lock().replace(auth);
        // Outside of the lock: it is the application's code, and may come back here.
        drop(before);
    }

    /// What is to be sent in front of the goodbye.
    pub(crate) fn take_last_words(&self) -> VecDeque<Encoded> {
        self.outbox().take_last_words(self.lane)
    }

    /// Its user leaves. Whether there was anything to end.
    pub(crate) fn leave(&self) -> bool {
        let left = self.life.leave(|| self.cut());
        if left {
            self.hearing.leave();
        }
        self.hearing.inbox.look();
        left
    }

    /// The client is closed.
    pub(crate) fn close(&self) {
        self.life.close(|| self.cut());
        // Also of one that has been lost before.
        self.end_session(&mut self.outbox());
        self.hearing.leave();
        // It is the application's code, which may hold the socket.
        let auth = self.auth.lock().take();
        drop(auth);
        self.hearing.inbox.look();
    }

    /// What is sent with CONNECT: what its user says, and where it stands.
    pub(crate) fn payload(&self, auth: Option<&str>) -> Option<String> {
        self.recovery.lock().payload(auth)
    }

    /// The server has let it in. False if its user has left meanwhile.
    pub(crate) fn join(&self, turn: u64, id: &str, pid: Option<&str>) -> bool {
        let mut recovery = self.recovery.lock();
        let recovered = recovery.would_recover(pid);
        self.life.joined(turn, id, recovered, || {
            recovery.connected(pid);
            let mut outbox = self.outbox();
            if !recovered {
                self.end_session(&mut outbox);
            }
            outbox.join(self.lane);
        })
    }

    /// What was missed is more than can be kept: the next CONNECT begins a new session.
    pub(crate) fn forget_position(&self) {
        self.recovery.lock().connected(None);
    }

    /// An event's handlers are started, or it is handed out. A mark for [`handled`](Self::handled), if somebody keeps positions.
    pub(crate) fn took(&self, args: Args<'_>, asks: bool) -> Option<Mark> {
        self.recovery.lock().took(args, asks)
    }

    /// Whether it is no event, but moves the socket behind the question that has just come.
    pub(crate) fn ticked(&self, name: &str, args: Args<'_>, asks: bool) -> bool {
        self.recovery.lock().ticked(name, args, asks)
    }

    /// What was marked has been handled.
    pub(crate) fn handled(&self, mark: Mark) {
        self.recovery.lock().done(mark);
    }

    /// The connection is lost, or could not be had. What it was before, if that was anything.
    pub(crate) fn lose(&self, ending: &Ending) -> Option<SocketState> {
        let before = self.life.lost(ending, || self.part(ending.reason));
        self.hearing.inbox.look();
        before
    }

    /// It is disconnected, and stays so. False if its user has left meanwhile.
    pub(crate) fn dismiss(
        &self,
        turn: u64,
        reason: Option<DisconnectReason>,
        error: &ConnectError,
    ) -> bool {
        let why = reason.unwrap_or(DisconnectReason::ServerDisconnect);
        let dismissed = self.life.dismissed(turn, reason, error, || {
            self.part(why);
            self.end_session(&mut self.outbox());
        });
        self.hearing.inbox.look();
        dismissed
    }

    /// The server has answered a question.
    pub(crate) fn answered(&self, id: u64, args: Args<'_>) {
        self.outbox().answered(self.lane, id, args.to_owned());
    }

    /// An answer to a question that the server asked in this session: to the next one, its id means nothing.
    pub(crate) fn answer(&self, session: u64, packet: Encoded) {
        let mut outbox = self.outbox();
        if self.hearing.session() == session {
            outbox.answer(self.lane, packet);
        }
    }

    /// It is not connected any more. Answers that are still given wait for whether the session is taken up again.
    fn part(&self, reason: DisconnectReason) {
        self.outbox().part(self.lane, reason);
    }

    fn end_session(&self, outbox: &mut Outbox) {
        self.hearing.end_session();
        outbox.end_session(self.lane);
    }

    /// Its user ends the session, whether it is connected or being taken up again. What waits is to be sent in front of the goodbye.
    fn cut(&self) {
        let mut outbox = self.outbox();
        self.hearing.end_session();
        outbox.leave(self.lane, DisconnectReason::ClientDisconnect);
    }

    pub(crate) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock()
    }

    pub(crate) fn lane(&self) -> LaneId {
        self.lane
    }

    /// The id of its next question.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}

impl Socket {
    pub(crate) fn new(handle: Arc<Handle>, core: Arc<Core>) -> Self {
        Socket { handle, core }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.handle.hub.config
    }

    /// The namespace's name, with its slash.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert_eq!(client.of("chat").namespace(), "/chat");
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn namespace(&self) -> &str {
        &self.core.namespace
    }

    /// The client whose socket it is.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert_eq!(client.socket().client(), client);
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn client(&self) -> Client {
        Client::from_handle(Arc::clone(&self.handle))
    }

    /// Where it stands, now and from now on.
    ///
    /// ```
    /// # use sockeye_client::{Client, SocketState};
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert_eq!(*client.socket().state().borrow(), SocketState::Disconnected { reason: None });
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn state(&self) -> watch::Receiver<SocketState> {
        self.core.life.watch()
    }

    /// What the server calls it; `None` if it is not connected. Another one after each CONNECT, unless it is
    /// [`recovered`](Self::recovered): no name for a user.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert_eq!(client.socket().id(), None);
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn id(&self) -> Option<String> {
        match &*self.core.life.state() {
            SocketState::Connected { id, .. } => Some(id.clone()),
            _ => None,
        }
    }

    /// Whether the server has let us in.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert!(!client.socket().is_connected());
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn is_connected(&self) -> bool {
        self.core.life.state().is_connected()
    }

    /// Whether it is connected, or is going to be by itself.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert!(!client.socket().is_active());
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn is_active(&self) -> bool {
        self.core.life.is_active()
    }

    /// Whether the server has kept the session of before the last reconnection: nothing that it sent was missed.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// assert!(!client.socket().recovered());
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn recovered(&self) -> bool {
        matches!(*self.core.life.state(), SocketState::Connected { recovered: true, .. })
    }

    /// What is sent with CONNECT from now on, instead of the client's [`auth`](crate::Builder::auth).
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// client.of("/admin").set_auth(&serde_json::json!({ "token": "x" }))?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it is no object.
    pub fn set_auth<T: Serialize + ?Sized>(&self, auth: &T) -> Result<(), BuildError> {
        self.core.set_auth(Auth::fixed(auth)?);
        Ok(())
    }

    /// What is sent with CONNECT, asked anew each time, instead of the client's; as
    /// [`Builder::auth_with`](crate::Builder::auth_with).
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").build()?;
    /// client.socket().set_auth_with(async || {
    ///     Ok::<_, std::io::Error>(serde_json::json!({ "token": "x" }))
    /// });
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn set_auth_with<F, Fut, T, E>(&self, auth: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Serialize + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.core.set_auth(Auth::asked(auth));
    }

    /// Connects it, and stays at it: whenever the connection is lost, or cannot be had, it is tried again, as
    /// [`Reconnection`](crate::Reconnection) says. It does not wait; [`state`](Self::state) tells what comes of it. A socket that
    /// the server refuses or disconnects is not connected again by itself.
    ///
    /// ```no_run
    /// # async fn example(client: sockeye_client::Client) {
    /// let chat = client.of("/chat");
    /// chat.start();
    /// chat.state().wait_for(|state| state.is_connected()).await.ok();
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, if it is the first socket of the client.
    pub fn start(&self) {
        if self.core.life.start() {
            self.handle.hub.run();
        }
    }

    /// Connects it, and waits until the server has let us in. One attempt: if it fails the socket is disconnected, unless it was
    /// [started](Self::start). Once it is connected it is taken up again by itself.
    ///
    /// Where the connection is just being waited for (another socket has lost it), the attempt is the next one. If the future is
    /// dropped before it is done, the attempt is given up.
    ///
    /// ```no_run
    /// # async fn example(client: sockeye_client::Client) -> Result<(), sockeye_client::ConnectError> {
    /// let chat = client.of("/chat");
    /// chat.connect().await?;
    /// assert!(chat.is_connected());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Why the socket is not connected.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub async fn connect(&self) -> Result<(), ConnectError> {
        let Some(attempt) = self.core.life.attempt(self)? else {
            return Ok(());
        };
        self.handle.hub.run();
        attempt.outcome().await
    }

    /// Disconnects it. Final: whatever is under way (an attempt, a wait, a CONNECT), it stays disconnected until somebody connects it
    /// again. What was emitted before is sent first. The connection is closed if no other socket is active.
    ///
    /// ```no_run
    /// # fn example(chat: sockeye_client::Socket) {
    /// chat.disconnect();
    /// assert!(!chat.is_active());
    /// # }
    /// ```
    pub fn disconnect(&self) {
        if self.core.leave() {
            self.handle.hub.ring();
        }
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("namespace", &self.namespace())
            .field("state", &*self.core.life.state())
            .finish_non_exhaustive()
    }
}
