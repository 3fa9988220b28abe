//! What the handles of a client and its task have in common: the sockets, and a bell.
//!
//! ```text
//!  Client, Socket ──▶ Handle ──▶ Hub ◀── the connection's task
//!  (the last one closes)          └─▶ Core of each socket
//! ```
//!
//! Handles say what is wanted, and ring; the task looks at what is wanted, and does it. So nobody waits for the task but who wants
//! to, and whatever the task is doing when a wish changes, it sees the wish as it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::watch;

use crate::config::Config;
use crate::connection::Connection;
use crate::outbox::Outbox;
use crate::socket::{Core, Socket};
use crate::{ClientState, DisconnectReason};

pub(crate) struct Hub {
    pub(crate) config: Config,
    /// What waits to be sent. Locked for a few steps, behind the lock of a socket's life and before none.
    pub(crate) outbox: Arc<Mutex<Outbox>>,
    table: Mutex<Table>,
    state: watch::Sender<ClientState>,
    /// The task's.
    waker: AtomicWaker,
    /// A wish has changed since the task has looked.
    changed: AtomicBool,
    /// Nobody says goodbye to the server: it is to keep the sessions.
    detached: AtomicBool,
    /// The task is about to look at what waits to be sent, or has been woken to do so.
    looks: AtomicBool,
    handle: OnceLock<Weak<Handle>>,
}

#[derive(Default)]
struct Table {
    sockets: Sockets,
    /// There is a task, or there was one.
    has_task: bool,
    /// It is closed, for good.
    over: bool,
}

/// Nearly every client has one.
pub(crate) type Sockets = SmallVec<[Arc<Core>; 1]>;

/// Held by every [`Client`](crate::Client) and [`Socket`]: with the last one the connection ends.
pub(crate) struct Handle {
    pub(crate) hub: Arc<Hub>,
}

impl Handle {
    pub(crate) fn new(config: Config, outbox: Outbox) -> Arc<Handle> {
        let (state, _) = watch::channel(ClientState::Idle);
        let hub = Arc::new(Hub {
            config,
            outbox: Arc::new(Mutex::new(outbox)),
            table: Mutex::default(),
            state,
            waker: AtomicWaker::new(),
            changed: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            looks: AtomicBool::new(false),
            handle: OnceLock::new(),
        });
        let told = Arc::downgrade(&hub);
        hub.outbox.lock().watch(move || {
            told.upgrade().inspect(|hub| hub.nudge());
        });
        let handle = Arc::new(Handle { hub });
        let _ = handle.hub.handle.set(Arc::downgrade(&handle));
        handle
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.hub.let_go();
        // Nobody can ask for anything any more; what waits here knows its way back to us.
        for core in self.hub.sockets() {
            core.hearing.forget();
            core.hearing.inbox.clear();
        }
    }
}

// What handles do.
impl Hub {
    /// The socket of a namespace: always the same one.
    pub(crate) fn socket(&self, namespace: &str) -> Arc<Core> {
        let mut table = self.table.lock();
        if let Some(core) = table.sockets.iter().find(|core| core.namespace() == namespace) {
            return Arc::clone(core);
        }
        let core = Arc::new(Core::new(namespace, table.over, &self.outbox, &self.config.sending));
        table.sockets.push(Arc::clone(&core));
        core
    }

    /// A socket wants to be connected: there has to be a task.
    pub(crate) fn run(self: &Arc<Self>) {
        let mut table = self.table.lock();
        if !table.has_task && !table.over {
            tokio::spawn(Connection::new(Arc::clone(self)));
            table.has_task = true;
        }
        drop(table);
        self.ring();
    }

    /// A wish has changed.
    pub(crate) fn ring(&self) {
        self.changed.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// The task has to go on.
    pub(crate) fn nudge(&self) {
        self.waker.wake();
    }

    /// Something more waits to be sent. The task is woken once for all that comes before it looks; not at all by what its own
    /// handlers send.
    pub(crate) fn queued(&self) {
        if !self.looks.swap(true, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Every socket leaves, and none comes back. The task says goodbye, and ends.
    pub(crate) fn close(&self) {
        let mut table = self.table.lock();
        table.over = true;
        let (sockets, has_task) = (table.sockets.clone(), table.has_task);
        drop(table);
        for core in &sockets {
            core.close();
        }
        self.outbox.lock().end(DisconnectReason::ClientDisconnect);
        if !has_task {
            self.tell(ClientState::Closed);
        }
        self.ring();
    }

    /// As [`close`](Self::close), but nobody says goodbye.
    pub(crate) fn detach(&self) {
        if !self.is_over() {
            self.detached.store(true, Ordering::Release);
        }
        self.close();
    }

    /// Nobody holds the client any more. Whoever keeps positions wants to go on later.
    pub(crate) fn let_go(&self) {
        if self.config.sending.positions.is_some() { self.detach() } else { self.close() }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<ClientState> {
        self.state.subscribe()
    }

    pub(crate) fn state(&self) -> ClientState {
        self.state.borrow().clone()
    }
}

// What the task does.
impl Hub {
    pub(crate) fn listen(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// The task will look at what waits to be sent before it comes to rest: nobody has to wake it for that.
    pub(crate) fn will_look(&self) {
        self.looks.store(true, Ordering::Release);
    }

    /// The task looks from here on; what comes behind that wakes it.
    pub(crate) fn look(&self) {
        self.looks.swap(false, Ordering::AcqRel);
    }

    /// Whether a wish has changed since this was asked.
    pub(crate) fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    /// The task itself has changed what it has to look at.
    pub(crate) fn note_change(&self) {
        self.changed.store(true, Ordering::Release);
    }

    /// Whether those who leave say nothing.
    pub(crate) fn is_detached(&self) -> bool {
        self.detached.load(Ordering::Acquire)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.table.lock().over
    }

    pub(crate) fn sockets(&self) -> Sockets {
        self.table.lock().sockets.clone()
    }

    /// Whether a socket is connected, or wants to be.
    pub(crate) fn anybody(&self) -> bool {
        self.table.lock().sockets.iter().any(|core| core.life.is_active())
    }

    pub(crate) fn tell(&self, state: ClientState) {
        self.state.send_if_modified(|before| {
            let changes = *before != state && *before != ClientState::Closed;
            if changes {
                *before = state;
            }
            changes
        });
    }

    /// The socket as its handlers get it; `None` if nobody holds a handle any more, so that all is over.
    pub(crate) fn handle_of(&self, core: &Arc<Core>) -> Option<Socket> {
        let handle = self.handle.get()?.upgrade()?;
        Some(Socket::new(handle, Arc::clone(core)))
    }

    /// The task ends, whatever the reason is: nobody waits for it any more.
    pub(crate) fn ended(&self) {
        self.close();
        self.tell(ClientState::Closed);
    }
}
