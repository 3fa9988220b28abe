//! The handle of a log.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::inside::Core;
use crate::open::{self, Found};
use crate::shard::Shard;
use crate::store::OpenStore;
use crate::store::disk::Disk;
use crate::store::memory::Memory;
use crate::writer::{self, Writer};
use crate::{
    Durability, OpenError, Options, Position, Progress, ReadError, Stats, StoreError, Stored,
    Verdict, history,
};

/// A log: one order of positions for all its namespaces, in a directory or in memory. Clones are the same
/// log; it is closed when the last of them, and of their [`Shard`]s, is dropped.
///
/// ```
/// use sockeye_log::{Durability, Event, Interval, Log, Options, Position};
///
/// let log = Log::memory(Options::default());
/// let chat = log.namespace("/chat");
///
/// let said = chat.append(Durability::Async, None, 0, |at| Event {
///     to: ["lobby".into()].into_iter().collect(),
///     text: format!(r#"2["said","hello","{}"]"#, chat.token(at)).into(),
///     ..Event::default()
/// })?;
///
/// let in_lobby = [Interval::since("lobby", Position::ZERO)];
/// let chunk = chat.read(&in_lobby, Position::ZERO, said.position(), 1 << 20)?;
/// assert_eq!(chunk.events[0].position, said.position());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Log {
    handle: Arc<Handle>,
}

/// Closes the log when nobody holds it any more.
struct Handle {
    core: Arc<Core>,
    writing: Mutex<Writing>,
}

/// Who writes.
enum Writing {
    Nobody,
    Thread(JoinHandle<()>),
    /// A test, turn by turn.
    ByHand(Box<Writer>),
}

impl Log {
    /// Opens the log in a directory, which is made if it is not there, with [`Options::default`].
    ///
    /// Damage is no error: what can be read is kept, what is lost is a gap for whoever reads across it,
    /// and the [`verdict`](Self::verdict) says so.
    ///
    /// # Errors
    /// [`OpenError::InUse`] while another process has it open; [`OpenError::Store`] if the directory holds
    /// something else, or the operating system refuses.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(dir, Options::default())
    }

    /// Opens the log in a directory, with these options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(dir: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let disk = Disk::at(dir.as_ref()).map_err(in_use)?;
        // Old events are dropped in pieces.
        Self::with_store(disk.generation_bytes(options.event_bytes / 16), options)
    }

    /// Opens the log in a store of another kind.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_store(store: impl OpenStore, options: Options) -> Result<Self, OpenError> {
        let (core, writer) = opened(store, options)?;
        let theirs = Arc::clone(&core);
        let thread = std::thread::Builder::new().name("sockeye-log".to_owned());
        let thread = thread.spawn(move || writer::run(&theirs, writer)).map_err(no_thread)?;
        Ok(Self::of(core, Writing::Thread(thread)))
    }

    /// As [`with_store`](Self::with_store), but nothing is written until [`turn`](Self::turn) is called: for
    /// tests that say what happens when.
    #[doc(hidden)]
    pub fn by_hand(store: impl OpenStore, options: Options) -> Result<Self, OpenError> {
        let (core, writer) = opened(store, options)?;
        Ok(Self::of(core, Writing::ByHand(Box::new(writer))))
    }

    /// A turn of the writer of a log [by hand](Self::by_hand).
    #[doc(hidden)]
    pub fn turn(&self) {
        if let Writing::ByHand(writer) = &mut *self.handle.writing.lock() {
            writer.turn(&self.handle.core);
        }
    }

    /// A log in memory: nothing survives it, and everything is stored at once. It has no thread, and
    /// [`watch`](Self::watch)ers are not called: when [`append`](Shard::append) comes back, progress
    /// has been made.
    pub fn memory(options: Options) -> Self {
        let store = Memory::default().open().ok();
        let found = Found::empty(0, |_| Verdict::Fresh);
        Self::of(Arc::new(Core::new(options, found, store, true)), Writing::Nobody)
    }

    fn of(core: Arc<Core>, writing: Writing) -> Self {
        Self { handle: Arc::new(Handle { core, writing: Mutex::new(writing) }) }
    }

    /// Closes the log: accepts nothing any more, writes and syncs what is queued, marks the end as clean,
    /// and lets go of the store, so that it can be opened again. Blocks until that is done. Afterwards
    /// nothing can be read from the disk. Dropping the last handle does the same.
    pub fn close(&self) {
        self.handle.close();
    }

    /// What it keeps, and for how long.
    pub fn options(&self) -> &Options {
        &self.handle.core.options
    }

    /// In which state it was found.
    pub fn verdict(&self) -> &Verdict {
        &self.handle.core.verdict
    }

    /// A namespace of the log. A name is new until something is appended; there are at most 65 536. For one more, the
    /// one of which nobody has had a [`Shard`] for longest is forgotten, with its sessions; if there is none,
    /// [`append`](Shard::append) refuses.
    pub fn namespace(&self, name: &str) -> Shard {
        Shard::new(self.clone(), Arc::clone(&self.handle.core), name)
    }

    /// The names of the namespaces in which there are sessions, in no order; for the start. Blocks while the disk is
    /// read.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn with_sessions(&self) -> Result<Vec<Box<str>>, ReadError> {
        Ok(history::with_sessions(self.core())?)
    }

    /// Calls `told` whenever progress is made or something fails: on the writer's thread, outside of all
    /// locks, so it may append and read; keep it short, since the writer waits for it. It must not
    /// hold the log, or nobody ever drops it.
    ///
    /// Not called for what is stored when [`append`](Shard::append) comes back: everything in a
    /// [memory](Self::memory) log, and an event of class [`Memory`](Durability::Memory) before which
    /// nothing waits. Look at [`progress`](Self::progress) after appending.
    pub fn watch(&self, told: impl Fn(&Progress) + Send + Sync + 'static) {
        self.handle.core.told.watch(Arc::new(told));
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.handle.core.told.progress()
    }

    /// The last position that was handed out.
    pub fn head(&self) -> Position {
        (self.handle.core.queue.lock().next - 1).into()
    }

    /// Waits until a position that was handed out is as safe as `class` says. What is of class
    /// [`Memory`](Durability::Memory) is so at once.
    pub fn stored(&self, at: Position, class: Durability) -> Stored {
        Stored::new(Arc::clone(&self.handle.core), at.get(), class)
    }

    /// How it went with a position that was handed out, if that is known: whether it is as safe as `class` says,
    /// or why it never will be.
    pub fn outcome(&self, at: Position, class: Durability) -> Option<Result<(), StoreError>> {
        self.handle.core.told.outcome(at.get(), class)
    }

    /// Wakes the writer for what was [gathered](crate::gather).
    pub fn nudge(&self) {
        self.handle.core.nudge();
    }

    /// What it has done since it was opened, and what waits now.
    pub fn stats(&self) -> Stats {
        self.handle.core.stats()
    }

    pub(crate) fn core(&self) -> &Core {
        &self.handle.core
    }
}

impl Handle {
    fn close(&self) {
        self.core.shut();
        let mut writing = self.writing.lock();
        match std::mem::replace(&mut *writing, Writing::Nobody) {
            // A watcher that drops the last handle is on the thread that would be waited for.
            Writing::Thread(thread) if thread.thread().id() == std::thread::current().id() => {}
            Writing::Thread(thread) => drop(thread.join()),
            Writing::ByHand(mut writer) => writer.finish(&self.core),
            Writing::Nobody => {}
        }
        if self.core.memory {
            self.core.told.end();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

fn opened(store: impl OpenStore, options: Options) -> Result<(Arc<Core>, Writer), OpenError> {
    let opener: Box<dyn OpenStore> = Box::new(store);
    let (store, found) = open::open(&*opener, &options)?;
    let writer = Writer::new(opener, found.first - 1);
    Ok((Arc::new(Core::new(options, found, Some(store), false)), writer))
}

fn in_use(error: StoreError) -> OpenError {
    match error {
        StoreError::InUse(_) => OpenError::InUse,
        other => OpenError::Store(other),
    }
}

fn no_thread(error: std::io::Error) -> OpenError {
    let source = Arc::new(error);
    OpenError::Store(StoreError::Io { doing: "start the writer's thread", source })
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("verdict", self.verdict())
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}
