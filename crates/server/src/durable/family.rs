//! What durable namespaces have in common. One that was made by name has a family of its own; the children of a
//! [parent](crate::ParentNamespace) are one, however many there are: one limit for those that are away, one task for their
//! time, and one place that hears of the log's progress.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use log::{Durability, Log, Position, Progress};
use parking_lot::{Mutex, RwLock};

use super::away::Absent;
use super::once::Rules;
use super::{Away, Durable, Farewell, Rejoin};
use crate::Io;
use crate::io::Shared;

/// The namespaces that are durable in the same way.
pub(crate) struct Family {
    pub(super) log: Log,
    pub(super) class: Durability,
    io: Weak<Shared>,
    pub(super) absent: Absent,
    /// Guards the user's handlers of this kind; held to find one.
    pub(super) farewell: RwLock<Option<Farewell>>,
    pub(super) rejoin: RwLock<Option<Rejoin>>,
    pub(super) once: Rules,
    /// Guards the list of its namespaces, by their place in memory. Held to copy it, or to change it.
    members: Mutex<HashMap<usize, Weak<Durable>>>,
    waiting: Waiting,
    /// Failures of the log that have been heeded are up to here.
    failed: Mutex<Position>,
}

/// Those with events that the log has not taken in yet: it would be too much to look at all of them after each batch.
#[derive(Default)]
struct Waiting {
    /// Guards the list; nothing else is done under it.
    list: Mutex<Vec<Weak<Durable>>>,
    /// The memory of the last one, for the next.
    spare: Mutex<Vec<Weak<Durable>>>,
}

impl Family {
    pub(crate) fn new(log: &Log, class: Durability, away: Away, io: Weak<Shared>) -> Arc<Self> {
        let family = Arc::new(Family {
            log: log.clone(),
            class,
            io,
            absent: Absent::new(away),
            farewell: RwLock::default(),
            rejoin: RwLock::default(),
            once: Rules::default(),
            members: Mutex::default(),
            waiting: Waiting::default(),
            failed: Mutex::default(),
        });
        let told = Arc::downgrade(&family);
        log.watch(move |progress| {
            if let Some(family) = told.upgrade() {
                family.hear(progress);
            }
        });
        family
    }

    /// Up to here the log is written.
    pub(crate) fn written(&self) -> Position {
        self.log.progress().written
    }

    pub(super) fn io(&self) -> Option<Io> {
        self.io.upgrade().map(Io::from_shared)
    }

    /// The time of the server.
    pub(super) fn now(&self) -> Duration {
        self.io().map_or(Duration::ZERO, |io| io.server().now())
    }

    pub(super) fn add(&self, durable: &Arc<Durable>) {
        self.members.lock().insert(Arc::as_ptr(durable).addr(), Arc::downgrade(durable));
    }

    /// It is no more.
    pub(super) fn remove(&self, durable: &Durable) {
        self.members.lock().remove(&std::ptr::from_ref(durable).addr());
    }

    /// It hears of the next progress.
    pub(super) fn wait(&self, durable: Weak<Durable>) {
        self.waiting.list.lock().push(durable);
    }

    /// The log has made progress, or has failed.
    fn hear(&self, progress: &Progress) {
        self.heed_failure(progress);
        let mut waiting = self.waiting.spare.lock();
        std::mem::swap(&mut *waiting, &mut *self.waiting.list.lock());
        for durable in waiting.drain(..).filter_map(|durable| durable.upgrade()) {
            durable.deliver_ready();
        }
    }

    fn heed_failure(&self, progress: &Progress) {
        let Some((_, last)) = progress.failed else { return };
        let mut heeded = self.failed.lock();
        if last > *heeded {
            *heeded = last;
            let members: Vec<_> = self.members.lock().values().filter_map(Weak::upgrade).collect();
            for durable in members {
                durable.is_not_saved();
            }
        }
    }
}
