//! What a socket is to a durable namespace: the present connection of a session.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use socket_proto::Encoded;
use transport::Connection;

use super::{Socket, SocketId};
use crate::durable::{Address, Durable, Gap, Members, Missed, Outgoing, Recall, Return, Session};
use crate::emit::{Emitted, Recorded};
use crate::error::{EmitError, JoinError};

/// Holds back what is for a socket: see [`Socket::hold`].
#[derive(Debug)]
#[must_use = "events go on when it is dropped"]
pub struct Held(Option<Socket>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(socket) = &self.0
            && let Some(session) = socket.session()
        {
            session.let_go(socket);
        }
    }
}

impl Socket {
    /// Events for this socket wait in the log until what comes back is dropped; then they go on in their order.
    /// So a handler can give "the state first, then everything after" to somebody who joins. In a namespace
    /// that is not [durable](crate::Namespace::durable) nothing waits. For a room that holds a single value there is
    /// [`join_with_last`](Self::join_with_last).
    ///
    /// ```
    /// use sockeye::{Data, Durability, Io, Namespace, Result, Socket};
    ///
    /// let io = Io::builder().build()?;
    /// let chat = io.of("/chat");
    /// chat.durable(Durability::Memory);
    /// chat.on("enter", async |chat: Namespace, socket: Socket, Data(room): Data<String>| -> Result<Vec<String>> {
    ///     let _held = socket.hold();
    ///     let joined = socket.join(&room)?;
    ///     let mut past = chat.history(&room).limit(50);
    ///     if let Some(token) = joined.token() {
    ///         past = past.before(&token); // what comes after is on its way by itself
    ///     }
    ///     let past = past.load().await?.into_iter();
    ///     Ok(past.filter_map(|event| event.args.parse().ok()).collect()) // goes first
    /// });
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn hold(&self) -> Held {
        match self.durable_session() {
            Some((durable, session)) => {
                durable.hold(self, session);
                Held(Some(self.clone()))
            }
            None => Held(None),
        }
    }

    /// Joins a room of a [durable](crate::Namespace::durable) namespace, and hears what was said to it last: the newest
    /// event that is still in the log and no question is emitted again, to this socket alone. It comes before
    /// everything that is said from then on, and like everything else it is not missed if the connection breaks.
    /// So whoever watches a room that holds a value (a price, a score, who is typing) need not ask for it.
    ///
    /// Who is in the room already hears it again. In a namespace that is not durable this is
    /// [`join`](Self::join).
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join); or the log cannot be read. After [`JoinError::Busy`] it may be a member and not have
    /// heard the value: call it again.
    ///
    /// ```
    /// # fn main() -> Result<(), sockeye::BuildError> {
    /// use sockeye::{Data, Durability, Io, Result, Socket};
    ///
    /// let io = Io::builder().build()?;
    /// let prices = io.of("/prices");
    /// prices.durable(Durability::Memory);
    /// prices.on("watch", async |socket: Socket, Data(share): Data<String>| -> Result<()> {
    ///     socket.join_with_last(&share).await?;
    ///     Ok(())
    /// });
    /// prices.to("ACME").emit("price", &17.5).unwrap(); // who watches ACME from now on hears this first
    /// # Ok(())
    /// # }
    /// ```
    pub async fn join_with_last(&self, room: &str) -> Result<Recorded, JoinError> {
        match self.durable_session() {
            Some((durable, session)) => durable.join_with_last(self, session, room).await,
            None => self.join(room),
        }
    }

    /// What came with its CONNECT, as it came.
    pub(crate) fn auth(&self) -> Option<&str> {
        self.0.auth.as_ref().map(|auth| &*auth.0)
    }

    pub(crate) fn public_id(&self) -> SocketId {
        self.0.id.clone()
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// Has its connection's task look around.
    pub(crate) fn wake(&self) {
        self.0.connection.wake();
    }

    pub(crate) fn session(&self) -> Option<&Arc<Session>> {
        self.0.session.get()
    }

    pub(crate) fn set_session(&self, session: Arc<Session>) {
        let _ = self.0.session.set(session);
    }

    /// Another one has its session from now on; said under the order's lock.
    pub(crate) fn fence(&self) {
        self.0.fenced.store(true, Ordering::Relaxed);
    }

    /// Its session, unless another one has it; asked under the order's lock.
    pub(crate) fn own_session(&self) -> Option<&Arc<Session>> {
        self.session().filter(|_| !self.0.fenced.load(Ordering::Relaxed))
    }

    /// Its session, and the part of the namespace that knows it.
    pub(crate) fn durable_session(&self) -> Option<(&Arc<Durable>, &Arc<Session>)> {
        Some((self.namespace().durable_part()?, self.session()?))
    }

    /// What its CONNECT says of earlier.
    pub(super) fn remember(&self, recall: Recall) {
        match recall {
            Recall::New => {}
            Recall::Lost(missed, token) => {
                self.set_missed(missed);
                self.with_extra(|extra| extra.stale = token);
            }
            Recall::Back(back) => {
                let data = back.session.state().data.clone();
                self.with_extra(|extra| {
                    extra.data = data;
                    extra.returned = true;
                    extra.returns = Some(back);
                });
            }
        }
    }

    /// Whom it claims to be, until it is admitted.
    pub(crate) fn take_return(&self) -> Option<Return> {
        self.0.extra.lock().as_mut()?.returns.take()
    }

    /// Whether it claims a session that belongs to somebody else.
    pub(crate) fn claims_another(&self) -> bool {
        let extra = self.0.extra.lock();
        let Some(extra) = extra.as_ref() else { return false };
        let another = |back: &Return| back.session.state().principal != extra.principal;
        extra.returns.as_ref().is_some_and(another)
    }

    /// It comes back, and not everything that it missed can be given to it: it is somebody new.
    pub(crate) fn set_missed(&self, missed: Missed) {
        self.with_extra(|extra| {
            extra.returned = false;
            extra.gap.reason = Some(missed);
        });
    }

    pub(crate) fn add_refused(&self, room: &str) {
        self.with_extra(|extra| extra.gap.rooms.push(room.to_owned()));
    }

    /// What its client has to be told.
    pub(crate) fn take_gap(&self) -> Option<Gap> {
        let gap = std::mem::take(&mut self.0.extra.lock().as_mut()?.gap);
        (!gap.is_none()).then_some(gap)
    }

    pub(crate) fn stale_token(&self) -> Option<Box<str>> {
        self.0.extra.lock().as_ref()?.stale.clone()
    }

    /// What keeps it from coming back.
    pub(crate) fn missed(&self) -> Option<Missed> {
        self.0.extra.lock().as_ref()?.gap.reason
    }

    pub(crate) fn principal(&self) -> Option<Box<str>> {
        self.0.extra.lock().as_ref()?.principal.clone()
    }

    /// It is found by its id from now on, and not the one that had it before.
    pub(crate) fn take_id(&self) {
        if let Some(key) = self.key() {
            self.index().rename(key, self.id());
        }
    }

    /// Into a room of the index, and nowhere else.
    pub(crate) fn enter(&self, room: &str) {
        if let Some(key) = self.key() {
            self.index().join(key, room);
        }
    }

    /// Out of a room of the index, and of nothing else.
    pub(crate) fn exit(&self, room: &str) {
        if let Some(key) = self.key() {
            self.index().leave(key, room);
        }
    }

    pub(crate) fn log(
        &self,
        durable: &Arc<Durable>,
        session: &Arc<Session>,
        encoded: Encoded,
        asks: bool,
    ) -> Result<Emitted, EmitError> {
        durable.emit(Outgoing {
            namespace: self.namespace(),
            encoded,
            address: Address::one(self.id()),
            members: Members::One(session),
            durability: None,
            key: None,
            asks,
        })
    }
}
