//! All sessions of a namespace, whether their clients are here or away.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use log::SessionId;
use parking_lot::Mutex;

use super::{Durable, Session};
use crate::socket::SocketId;
use crate::stats::DurableStats;

#[derive(Default)]
pub(crate) struct Sessions {
    /// Guards the table; nothing else is done under it.
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// Both ids are random and our own, so a fast hash is safe.
    by_id: HashMap<SessionId, Arc<Session>, RandomState>,
    by_socket: HashMap<SocketId, SessionId, RandomState>,
}

impl Sessions {
    pub(crate) fn add(&self, session: &Arc<Session>) {
        let mut table = self.table.lock();
        table.by_socket.insert(session.socket_id.clone(), session.id);
        table.by_id.insert(session.id, Arc::clone(session));
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<Arc<Session>> {
        self.table.lock().by_id.get(&id).cloned()
    }

    /// Whose sockets have this id.
    pub(crate) fn by_socket(&self, socket_id: &str) -> Option<Arc<Session>> {
        let table = self.table.lock();
        let id = table.by_socket.get(socket_id)?;
        table.by_id.get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.table.lock().by_id.values().cloned().collect()
    }

    fn len(&self) -> usize {
        self.table.lock().by_id.len()
    }

    pub(crate) fn remove(&self, session: &Session) {
        let mut table = self.table.lock();
        table.by_id.remove(&session.id);
        if table.by_socket.get(&session.socket_id) == Some(&session.id) {
            table.by_socket.remove(&session.socket_id);
        }
    }
}

impl Durable {
    /// Nobody is here, and nobody is away.
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.len() == 0
    }

    pub(crate) fn add_sessions_to(&self, stats: &mut DurableStats) {
        stats.sessions += self.sessions.len() as u64;
    }

    /// Those of its whole family.
    pub(crate) fn add_absent_to(&self, stats: &mut DurableStats) {
        stats.away += self.family.absent.len() as u64;
    }

    /// See [`Family::watch_the_time`](super::Family::watch_the_time).
    pub(crate) fn watch_the_time(&self) {
        self.family.watch_the_time();
    }
}
