//! Reliable events that survive the client's own restart: they stand in a log until they are answered.

mod found;
mod journal;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use log::{Log, OpenError, Options, store::OpenStore};
use socket_proto::Encoded;

use found::Found;
use journal::Journal;

/// Resolves when an event is on the disk.
pub(crate) use log::Stored;

/// Where [reliable](crate::Socket::reliably) events are kept until they are answered, over a restart of the client:
/// [`Builder::outbox`](crate::Builder::outbox). Feature `outbox`.
///
/// An event is on the disk (synced) before it is sent and before [`emit`](crate::Emitter::emit) says that it has been taken. After
/// a restart, what was not answered is sent with the same key and in the same order, as soon as its namespace is
/// [made](crate::Client::of) and connected. An event is removed when it is answered or given up; should the power fail just then, it is
/// sent once more, with its key.
///
/// A disk that is full or fails is an error of `emit`: [`EmitError::Outbox`](crate::EmitError::Outbox).
///
/// ```no_run
/// use sockeye_client::{Client, DurableOutbox};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("http://localhost:3000").outbox(DurableOutbox::open("outbox")?).build()?;
/// let orders = client.socket();
/// orders.start();
/// orders.reliably().emit("order", &("tea", 2)).await?; // it will arrive, whatever happens to us now
/// # Ok(())
/// # }
/// ```
pub struct DurableOutbox {
    journal: Journal,
    found: Vec<Found>,
}

/// What may be kept, if nothing else is said.
const BYTES: u64 = 64 << 20;

impl DurableOutbox {
    /// Opens the outbox in a directory, which is made if it is not there. It holds at most 64 MiB of events; beyond that
    /// [`emit`](crate::Emitter::emit) fails. The directory takes up to eight times as much.
    ///
    /// ```
    /// let directory = tempfile::tempdir()?;
    /// let outbox = sockeye_client::DurableOutbox::open(directory.path())?;
    /// assert!(outbox.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If another client has it open, or the directory cannot be read or holds something else. Damage is no error: what
    /// can be read is sent, what cannot is logged.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, OutboxError> {
        Self::open_with(directory, BYTES)
    }

    /// Opens the outbox in a directory, for so many bytes of events.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    ///
    /// ```
    /// let directory = tempfile::tempdir()?;
    /// let outbox = sockeye_client::DurableOutbox::open_with(directory.path(), 1 << 20)?;
    /// assert_eq!(outbox.len(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_with(directory: impl AsRef<Path>, bytes: u64) -> Result<Self, OutboxError> {
        Self::of(Log::open_with(directory, options(bytes)), bytes)
    }

    /// Opens it in a store of another kind.
    #[doc(hidden)]
    pub fn with_store(store: impl OpenStore, bytes: u64) -> Result<Self, OutboxError> {
        Self::of(Log::with_store(store, options(bytes)), bytes)
    }

    fn of(log: Result<Log, OpenError>, bytes: u64) -> Result<Self, OutboxError> {
        let log = log.map_err(|error| OutboxError(error.to_string()))?;
        let shard = log.namespace("outbox");
        let found = found::read(&shard).map_err(|error| OutboxError(error.to_string()))?;
        let mut journal = Journal::new(shard, bytes);
        for found in &found {
            journal.found(found);
        }
        Ok(DurableOutbox { journal, found })
    }

    /// How many events it has from an earlier run.
    ///
    /// ```
    /// let directory = tempfile::tempdir()?;
    /// let outbox = sockeye_client::DurableOutbox::open(directory.path())?;
    /// println!("{} events of an earlier run", outbox.len());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there is nothing from an earlier run.
    ///
    /// ```
    /// let directory = tempfile::tempdir()?;
    /// let outbox = sockeye_client::DurableOutbox::open(directory.path())?;
    /// assert!(outbox.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Calls `told` when it has become known of something whether it is stored.
    pub(crate) fn watch(&self, told: impl Fn() + Send + Sync + 'static) {
        self.journal.watch(told);
    }

    /// What an earlier run has left for a namespace.
    pub(crate) fn take(&mut self, namespace: &str) -> Vec<Found> {
        let mut left = std::mem::take(&mut self.found);
        let taken = left.extract_if(.., |found| *found.namespace == *namespace).collect();
        self.found = left;
        taken
    }

    /// Keeps an event; see [`Journal::keep`].
    pub(crate) fn keep(&mut self, namespace: &str, packet: &Encoded) -> Result<u64, Arc<str>> {
        self.journal.keep(namespace, packet)
    }

    /// Whether an event is stored, if that is known.
    pub(crate) fn outcome(&self, number: u64) -> Option<Result<(), Arc<str>>> {
        self.journal.outcome(number)
    }

    /// Waits until an event is stored.
    pub(crate) fn stored(&self, number: u64) -> Stored {
        self.journal.stored(number)
    }

    /// An event is answered or given up.
    pub(crate) fn done(&mut self, number: u64) {
        self.journal.done(number);
    }
}

impl fmt::Debug for DurableOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableOutbox").field("found", &self.found.len()).finish_non_exhaustive()
    }
}

/// An outbox could not be opened.
///
/// ```
/// let file = tempfile::NamedTempFile::new()?;
/// let error = sockeye_client::DurableOutbox::open(file.path()).unwrap_err();
/// assert!(error.to_string().starts_with("the outbox cannot be opened"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("the outbox cannot be opened: {0}")]
pub struct OutboxError(String);

/// Nothing is dropped for its age; and for its size only what has been copied forward long ago.
fn options(bytes: u64) -> Options {
    Options {
        event_age: Duration::from_hours(24 * 36_500),
        event_bytes: bytes.saturating_mul(8),
        keys: 0,
        ..Options::default()
    }
}

#[cfg(test)]
mod tests;
