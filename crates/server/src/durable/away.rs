//! Sessions that are away, and when they are given up: of one namespace, or of all children of a parent together.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Weak};
use std::time::Duration;

use foldhash::fast::RandomState;
use log::SessionId;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::family::Family;
use super::{Durable, Session};

/// How long clients of a durable namespace may be away, and how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Away {
    pub(crate) timeout: Duration,
    pub(crate) most: usize,
}

/// Those that are away.
pub(super) struct Absent {
    away: Away,
    /// Guards the table; nothing else is done under it.
    table: Mutex<Table>,
    /// Somebody has gone away who is to be given up before all others.
    sooner: Notify,
}

#[derive(Default)]
struct Table {
    /// Ids are random and our own, so a fast hash is safe.
    by_id: HashMap<SessionId, Entry, RandomState>,
    /// By the time at which they are given up.
    due: BTreeSet<(Duration, SessionId)>,
    watched: bool,
}

struct Entry {
    due: Duration,
    durable: Weak<Durable>,
    session: Arc<Session>,
}

impl Absent {
    pub(super) fn new(away: Away) -> Self {
        Absent { away, table: Mutex::default(), sooner: Notify::new() }
    }

    /// It is away from now on.
    pub(super) fn add(&self, durable: Weak<Durable>, session: &Arc<Session>, now: Duration) {
        let due = now.saturating_add(self.away.timeout);
        let entry = Entry { due, durable, session: Arc::clone(session) };
        let mut table = self.table.lock();
        let first = table.due.first().map(|(first, _)| *first);
        table.add(entry);
        // Whoever has been away for longest goes first.
        let is_full = table.due.len() > self.away.most;
        if is_full {
            table.hurry();
        }
        drop(table);
        if is_full || first.is_none_or(|first| due < first) {
            self.sooner.notify_one();
        }
    }

    /// It is here, or will not come back.
    pub(super) fn remove(&self, session: &Session) {
        self.table.lock().remove(session.id);
    }

    pub(super) fn len(&self) -> usize {
        self.table.lock().due.len()
    }

    fn next_due(&self) -> Option<Duration> {
        self.table.lock().due.first().map(|(due, _)| *due)
    }

    fn overdue(&self, now: Duration) -> Vec<(Arc<Durable>, Arc<Session>)> {
        let mut table = self.table.lock();
        let late = table.due.iter().take_while(|(due, _)| *due <= now);
        let late: Vec<SessionId> = late.map(|(_, id)| *id).collect();
        let whose = |id| {
            let entry = table.by_id.get(&id)?;
            let durable = entry.durable.upgrade();
            if durable.is_none() {
                table.remove(id);
            }
            Some((durable?, Arc::clone(&table.by_id.get(&id)?.session)))
        };
        late.into_iter().filter_map(whose).collect()
    }
}

impl Table {
    fn add(&mut self, entry: Entry) {
        let id = entry.session.id;
        self.due.insert((entry.due, id));
        if let Some(old) = self.by_id.insert(id, entry) {
            self.due.remove(&(old.due, id));
        }
    }

    fn remove(&mut self, id: SessionId) {
        if let Some(entry) = self.by_id.remove(&id) {
            self.due.remove(&(entry.due, id));
        }
    }

    /// The next one that is not to be given up at once already is.
    fn hurry(&mut self) {
        let at_once = (Duration::ZERO, SessionId::from([u8::MAX; 16]));
        let next = self.due.range((Bound::Excluded(at_once), Bound::Unbounded)).next().copied();
        if let Some((due, id)) = next
            && let Some(entry) = self.by_id.get_mut(&id)
        {
            entry.due = Duration::ZERO;
            self.due.remove(&(due, id));
            self.due.insert((Duration::ZERO, id));
        }
    }
}

impl Family {
    /// From now on sessions that are away are given up in time. Done once, where there is a runtime.
    pub(super) fn watch_the_time(self: &Arc<Self>) {
        if let Ok(runtime) = Handle::try_current()
            && !std::mem::replace(&mut self.absent.table.lock().watched, true)
        {
            runtime.spawn(watch(Arc::downgrade(self)));
        }
    }
}

async fn watch(family: Weak<Family>) {
    loop {
        let Some(family) = family.upgrade().filter(|family| family.io().is_some()) else {
            return;
        };
        let now = family.now();
        for (durable, session) in family.absent.overdue(now) {
            durable.give_up(&session);
        }
        // Looked at again now and then, for the server may be gone.
        let wait = family.absent.next_due().map_or(LONGEST, |due| due.saturating_sub(now));
        let sooner = family.absent.sooner.notified();
        let _ = tokio::time::timeout(wait.clamp(GRAIN, LONGEST), sooner).await;
    }
}

/// How exact the time is at which a session is given up.
const GRAIN: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_mins(1);
