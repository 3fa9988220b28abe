//! One namespace of a log: everything that is appended and read.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::event::{OVERHEAD, check_room};
use crate::inside::Core;
use crate::names::NOBODY;
use crate::queue::What;
use crate::read::{Reading, gap};
use crate::{
    AppendError, Chunk, Durability, Event, Interval, Log, Position, ReadError, SavedSession,
    Session, SessionId, StoredEvent, Token, history,
};

/// One namespace of a [`Log`]. Clones are the same namespace.
///
/// Everything that is appended here comes back with its position, before it is stored: whoever needs to
/// know that it is waits for [`Log::stored`], or [`watch`](Log::watch)es the progress.
#[derive(Clone)]
pub struct Shard {
    log: Log,
    name: Arc<Name>,
}

/// A namespace is not forgotten while somebody has this.
struct Name {
    text: Box<str>,
    core: Arc<Core>,
    /// Given when something is appended, or when it is known already.
    number: OnceLock<u32>,
}

impl Drop for Name {
    fn drop(&mut self) {
        if self.number.get().is_some() {
            self.core.let_go(&self.text);
        }
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It has this position.
    New(Position),
    /// Its key was used before, for the event at this position, which may not be stored yet.
    Repeated(Position),
}

impl Appended {
    /// The position of the event, now or before.
    pub fn position(self) -> Position {
        match self {
            Self::New(at) | Self::Repeated(at) => at,
        }
    }
}

impl Shard {
    pub(crate) fn new(log: Log, core: Arc<Core>, name: &str) -> Self {
        let name = Name { text: name.into(), core, number: OnceLock::new() };
        name.number(Core::hold);
        Self { log, name: Arc::new(name) }
    }

    /// The name of the namespace.
    pub fn name(&self) -> &str {
        &self.name.text
    }

    /// The log it belongs to.
    pub fn log(&self) -> &Log {
        &self.log
    }

    // Events.

    /// Appends an event.
    ///
    /// `make` is called with the position that it gets, under the lock of the queue: keep it short, and
    /// call nothing of the log but [`token`](Self::token). `size` is what the event counts for while
    /// it waits; 128 bytes are added.
    ///
    /// With a `key` that was used before in this namespace, and is among the newest
    /// [`Options::keys`](crate::Options::keys), nothing is appended, and `make` is not called.
    ///
    /// # Errors
    /// See [`AppendError`]; the event has no position then, and the one that `make` saw is given to
    /// another one.
    ///
    /// ```
    /// use sockeye_log::{Appended, Durability, Event, Log, Options};
    ///
    /// let chat = Log::memory(Options::default()).namespace("/chat");
    /// let first = chat.append(Durability::Async, Some("order 7"), 0, |_| Event::default())?;
    /// let again = chat.append(Durability::Async, Some("order 7"), 0, |_| unreachable!())?;
    /// assert_eq!(again, Appended::Repeated(first.position()));
    /// # Ok::<(), sockeye_log::AppendError>(())
    /// ```
    pub fn append(
        &self,
        durability: Durability,
        key: Option<&str>,
        size: usize,
        make: impl FnOnce(Position) -> Event,
    ) -> Result<Appended, AppendError> {
        let key = key.map(|key| self.log.core().secret.hash_key(key));
        self.log.core().append(self.number(), durability, key, size.saturating_add(OVERHEAD), make)
    }

    /// The position of the event that was appended with this key, if it is among those that are remembered.
    pub fn used(&self, key: &str) -> Option<Position> {
        let name = (self.known(), self.log.core().secret.hash_key(key));
        self.log.core().queue.lock().keys.find(name).map(Position::from)
    }

    /// The position as a client may see it.
    pub fn token(&self, at: Position) -> Token {
        self.log.core().secret.token(self.name(), at)
    }

    /// The position behind a token; `None` if this namespace of this log never made it.
    pub fn position(&self, token: &str) -> Option<Position> {
        self.log.core().secret.position(self.name(), token)
    }

    /// Reads what was sent to these rooms during these stays, behind `after` and up to `up_to`, or up to
    /// what is written. Stops when the events are `most_bytes` or more; at least one comes back
    /// if there is one. Whom an event leaves out is not looked at. Blocks while the disk is read.
    ///
    /// # Errors
    /// [`ReadError::Gap`] if something that was wanted directly behind `after` may be missing; what comes
    /// before a gap is read first.
    pub fn read(
        &self,
        wanted: &[Interval],
        after: Position,
        up_to: Position,
        most_bytes: usize,
    ) -> Result<Chunk, ReadError> {
        let reading = Reading { core: self.log.core(), shard: self.known(), wanted };
        reading.chunk(after.get(), up_to.get(), most_bytes)
    }

    /// Whether nothing of this is known to be missing, which [`read`](Self::read) would come upon. What is
    /// found to be damaged only when it is read is not known.
    ///
    /// # Errors
    /// [`ReadError::Gap`], with the first part that may be missing.
    pub fn look(
        &self,
        wanted: &[Interval],
        after: Position,
        up_to: Position,
    ) -> Result<(), ReadError> {
        let past = self.log.core().past.read();
        match past.gap(self.known(), wanted, after.get(), up_to.get()) {
            Some((from, to)) => Err(gap(from, to)),
            None => Ok(()),
        }
    }

    /// The newest `limit` events to a room (`""`: to everyone) before a position, oldest first: for
    /// looking back, whoever was in it. Events that are gone are left out. Blocks while the disk is
    /// read.
    ///
    /// # Errors
    /// [`ReadError::Gap`] if one of them is damaged.
    ///
    /// ```
    /// use sockeye_log::{Durability, Event, Log, Options};
    ///
    /// let chat = Log::memory(Options::default()).namespace("/chat");
    /// for text in ["2[1]", "2[2]", "2[3]"] {
    ///     let event = Event { text: text.into(), ..Event::default() };
    ///     chat.append(Durability::Async, None, 0, |_| event)?;
    /// }
    /// let newest = chat.history("", None, 2)?;
    /// assert_eq!(newest[0].event.text, "2[2]");
    /// let older = chat.history("", Some(newest[0].position), 2)?;
    /// assert_eq!(older.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn history(
        &self,
        room: &str,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, ReadError> {
        let last = before.map_or(u64::MAX, |before| before.get().saturating_sub(1));
        history::newest(self.log.core(), self.known(), room, last, limit)
    }

    /// Up to here, events may be gone because they are old.
    pub fn low_water(&self) -> Position {
        self.log.core().past.read().low().into()
    }

    // Sessions and stays. In a directory's log those of class `Memory` get a position and are not kept:
    // nobody could ask for them but after a restart.

    /// Writes the record of a session, whether or not there is one.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn save_session(
        &self,
        session: &Session,
        durability: Durability,
    ) -> Result<Position, AppendError> {
        let texts = [Some(&session.socket), session.principal.as_ref(), session.data.as_ref()];
        let size = texts.into_iter().flatten().map(|text| text.len()).sum();
        self.record(durability, size, What::Session(Box::new(session.clone())))
    }

    /// Removes a session and its stays.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn end_session(
        &self,
        id: SessionId,
        durability: Durability,
    ) -> Result<Position, AppendError> {
        self.record(durability, 0, What::End(id))
    }

    /// The session is in a room from now on: it hears what comes behind the position that comes back.
    ///
    /// # Errors
    /// See [`AppendError`].
    ///
    /// ```
    /// use sockeye_log::{Durability, Log, Options, SessionId};
    ///
    /// let chat = Log::memory(Options::default()).namespace("/chat");
    /// let id = SessionId::random();
    /// let joined = chat.join(id, "lobby", Durability::Async)?;
    /// let left = chat.leave(id, "lobby", joined, Durability::Async)?;
    /// assert!(joined < left);
    /// # Ok::<(), sockeye_log::AppendError>(())
    /// ```
    pub fn join(
        &self,
        id: SessionId,
        room: &str,
        durability: Durability,
    ) -> Result<Position, AppendError> {
        check_room(room)?;
        self.record(durability, room.len(), What::Join(id, room.into()))
    }

    /// The session, which is in a room since `joined`, leaves it: it hears what comes before the position
    /// that comes back.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn leave(
        &self,
        id: SessionId,
        room: &str,
        joined: Position,
        durability: Durability,
    ) -> Result<Position, AppendError> {
        check_room(room)?;
        self.record(durability, room.len(), What::Leave(id, room.into(), joined))
    }

    /// Forgets a stay that is over and that the session has heard everything of.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn forget_interval(
        &self,
        id: SessionId,
        room: &str,
        joined: Position,
        durability: Durability,
    ) -> Result<Position, AppendError> {
        check_room(room)?;
        self.record(durability, room.len(), What::Forget(id, room.into(), joined))
    }

    /// All sessions with their stays, by id; for the start. A session whose record is damaged is not among
    /// them. Blocks while the disk is read.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn sessions(&self) -> Result<Vec<SavedSession>, ReadError> {
        Ok(history::sessions(self.log.core(), self.known())?)
    }

    /// Its number, for what is appended.
    fn number(&self) -> u32 {
        self.name.number(Core::name)
    }

    /// Its number, if it has one, for what is read.
    fn known(&self) -> u32 {
        self.name.number(Core::hold)
    }

    fn record(
        &self,
        durability: Durability,
        size: usize,
        what: What,
    ) -> Result<Position, AppendError> {
        self.log.core().record(self.number(), durability, size.saturating_add(OVERHEAD), what)
    }
}

impl Name {
    fn number(&self, find: fn(&Core, &str) -> Option<u32>) -> u32 {
        if let Some(number) = self.number.get() {
            return *number;
        }
        let Some(number) = find(&self.core, &self.text) else { return NOBODY };
        if self.number.set(number).is_err() {
            // Another thread has found it at the same time, and holds it.
            self.core.let_go(&self.text);
        }
        number
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard").field("name", &self.name()).finish_non_exhaustive()
    }
}
