//! What can go wrong, sorted by who has to act.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::Position;

/// Why a store did not do what it was asked. Cloning it is cheap: one failed batch tells everybody
/// who waits for it.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process, or another log of this one, has the directory open.
    #[error("{} is in use: another process has this log open", .0.display())]
    InUse(PathBuf),
    /// The directory holds something else; nothing in it was touched.
    #[error("{} holds no event log, but {found}: name a directory that is empty or not there yet", .dir.display())]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// One of the things that are not ours.
        found: String,
    },
    /// What is on the disk cannot be what was written.
    #[error("{} is damaged: {why}", .what.display())]
    Damaged {
        /// The file or directory.
        what: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// No space is left. Reading goes on; to write again, drop the store and open it anew.
    #[error("no space is left on the disk")]
    Full(#[source] Arc<io::Error>),
    /// An earlier write or sync failed, so this store takes no more. Reading goes on; to write again,
    /// drop the store and open it anew.
    #[error("closed for writing, since an earlier write failed")]
    Closed,
    /// The log was closed before this was stored.
    #[error("the log is closed")]
    Ended,
    /// The operating system refused.
    #[error("cannot {doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the operating system said.
        #[source]
        source: Arc<io::Error>,
    },
}

impl StoreError {
    /// A record of the log about itself that is not what was written.
    pub(crate) fn damaged(record: &str) -> Self {
        Self::Damaged { what: record.into(), why: "its checksum is wrong".into() }
    }
}

/// A log could not be opened. Damage is no reason: it is said in the [`Verdict`](crate::Verdict).
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open.
    #[error("the log is in use by another process")]
    InUse,
    /// The store cannot be opened, nor set aside.
    #[error("the log cannot be opened: {0}")]
    Store(#[from] StoreError),
}

/// Nothing was appended: the event has no position, and nobody will get it.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// What waits to be written has reached [`Options::queue_bytes`](crate::Options::queue_bytes).
    /// Try again when some of it is stored.
    #[error("too much waits to be written; try again when some of it is stored")]
    Busy,
    /// The store failed; the log accepts again as soon as it could reopen it.
    #[error("the log does not accept anything at the moment: {0}")]
    Failed(StoreError),
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// The name of a room has more than 65 535 bytes.
    #[error("the name of a room has {0} bytes; at most 65535 can be stored")]
    RoomTooLong(usize),
    /// The log has as many namespaces as it can have, and this is not one of them.
    #[error("the log has no room for another namespace")]
    TooManyNamespaces,
}

/// What was asked for cannot be had, or not all of it. Nothing is ever left out silently.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Events in this range may be missing: they are older than what is kept, were kept in memory by
    /// a process that has ended, or are damaged. Reading can go on from `up_to`.
    #[error("events after {after} up to {up_to} may be missing")]
    Gap {
        /// The last position before the gap.
        after: Position,
        /// The last position in the gap.
        up_to: Position,
    },
    /// The store cannot be read at the moment.
    #[error("the log cannot be read: {0}")]
    Store(#[from] StoreError),
}
