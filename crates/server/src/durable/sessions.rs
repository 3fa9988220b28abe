//! All sessions of a namespace, and when those that are away are given up.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use std::time::Duration;

use foldhash::fast::RandomState;
use log::SessionId;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::{Durable, Session};
use crate::socket::SocketId;
use crate::stats::DurableStats;

#[derive(Default)]
pub(crate) struct Sessions {
    /// Guards the table; nothing else is done under it.
    table: Mutex<Table>,
    /// Somebody has gone away who is to be given up before all others.
    sooner: Notify,
}

#[derive(Default)]
struct Table {
    /// Both ids are random and our own, so a fast hash is safe.
    by_id: HashMap<SessionId, Entry, RandomState>,
    by_socket: HashMap<SocketId, SessionId, RandomState>,
    /// Those that are away, by the time at which they are given up.
    due: BTreeSet<(Duration, SessionId)>,
    watched: bool,
}

struct Entry {
    session: Arc<Session>,
    due: Option<Duration>,
}

impl Sessions {
    pub(crate) fn add(&self, session: &Arc<Session>) {
        let mut table = self.table.lock();
        table.by_socket.insert(session.socket_id.clone(), session.id);
        let entry = Entry { session: Arc::clone(session), due: None };
        table.by_id.insert(session.id, entry);
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<Arc<Session>> {
        self.table.lock().by_id.get(&id).map(|entry| Arc::clone(&entry.session))
    }

    /// Whose sockets have this id.
    pub(crate) fn by_socket(&self, socket_id: &str) -> Option<Arc<Session>> {
        let table = self.table.lock();
        let id = table.by_socket.get(socket_id)?;
        table.by_id.get(id).map(|entry| Arc::clone(&entry.session))
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.table.lock().by_id.values().map(|entry| Arc::clone(&entry.session)).collect()
    }

    fn add_to(&self, stats: &mut DurableStats) {
        let table = self.table.lock();
        stats.sessions += table.by_id.len() as u64;
        stats.away += table.due.len() as u64;
    }

    pub(crate) fn remove(&self, session: &Session) {
        let mut table = self.table.lock();
        let due = table.by_id.remove(&session.id).and_then(|entry| entry.due);
        if let Some(due) = due {
            table.due.remove(&(due, session.id));
        }
        if table.by_socket.get(&session.socket_id) == Some(&session.id) {
            table.by_socket.remove(&session.socket_id);
        }
    }

    /// It is away, and is given up at this time, or when more than so many are.
    pub(crate) fn expire_at(&self, session: &Session, due: Duration, most: usize) {
        let mut table = self.table.lock();
        let first = table.due.first().map(|(first, _)| *first);
        table.set_due(session.id, Some(due));
        // Whoever has been away for longest goes first.
        if table.due.len() > most
            && let Some((_, oldest)) = table.due.first().copied()
        {
            table.set_due(oldest, Some(Duration::ZERO));
        }
        drop(table);
        if first.is_none_or(|first| due < first) || self.next_due() == Some(Duration::ZERO) {
            self.sooner.notify_one();
        }
    }

    /// It is here.
    pub(crate) fn stay(&self, session: &Session) {
        self.table.lock().set_due(session.id, None);
    }

    fn next_due(&self) -> Option<Duration> {
        self.table.lock().due.first().map(|(due, _)| *due)
    }

    fn overdue(&self, now: Duration) -> Vec<Arc<Session>> {
        let table = self.table.lock();
        let late = table.due.iter().take_while(|(due, _)| *due <= now);
        late.filter_map(|(_, id)| table.by_id.get(id))
            .map(|entry| Arc::clone(&entry.session))
            .collect()
    }

    /// Whether nobody watches the time yet; whoever hears so does it.
    fn begin_to_watch(&self) -> bool {
        !std::mem::replace(&mut self.table.lock().watched, true)
    }
}

impl Table {
    fn set_due(&mut self, id: SessionId, due: Option<Duration>) {
        let Some(entry) = self.by_id.get_mut(&id) else {
            return;
        };
        if let Some(old) = std::mem::replace(&mut entry.due, due) {
            self.due.remove(&(old, id));
        }
        if let Some(due) = due {
            self.due.insert((due, id));
        }
    }
}

impl Durable {
    pub(crate) fn add_to(&self, stats: &mut DurableStats) {
        self.sessions.add_to(stats);
    }

    /// From now on sessions that are away are given up in time. Done once, where there is a runtime.
    pub(crate) fn watch_the_time(self: &Arc<Self>) {
        if let Ok(runtime) = Handle::try_current()
            && self.sessions.begin_to_watch()
        {
            runtime.spawn(watch(Arc::downgrade(self)));
        }
    }
}

async fn watch(durable: Weak<Durable>) {
    loop {
        let Some(durable) = durable.upgrade().filter(|durable| durable.io().is_some()) else {
            return;
        };
        let now = durable.now();
        for session in durable.sessions.overdue(now) {
            durable.give_up(&session);
        }
        // Looked at again now and then, for the server may be gone.
        let wait = durable.sessions.next_due().map_or(LONGEST, |due| due.saturating_sub(now));
        let sooner = durable.sessions.sooner.notified();
        let _ = tokio::time::timeout(wait.clamp(GRAIN, LONGEST), sooner).await;
    }
}

/// How exact the time is at which a session is given up.
const GRAIN: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_mins(1);
