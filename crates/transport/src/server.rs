//! The server: its sessions, and closing all of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use engine_proto::handshake::Revision;
use engine_proto::{CloseReason, Sid, Transport};
use parking_lot::RwLock;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::addresses::Addresses;
use crate::compress::Compressors;
use crate::connection::{Shared, flag};
use crate::deflate::Negotiation;
use crate::stats::{Refused, Stats};
use crate::threads;
use crate::worker::Worker;
use crate::{Application, Config, Connection};

/// Engine.IO over HTTP long-polling and WebSocket, with an [`Application`] on top. Cloning counts a reference.
pub struct Server<A: Application>(pub(crate) Arc<Inner<A>>);

impl<A: Application> Clone for Server<A> {
    fn clone(&self) -> Self {
        Server(Arc::clone(&self.0))
    }
}

pub(crate) struct Inner<A> {
    pub(crate) config: Config,
    pub(crate) application: A,
    workers: Box<[Arc<Worker>]>,
    pub(crate) sessions: Sessions,
    pub(crate) addresses: Option<Arc<Addresses>>,
    pub(crate) compressors: Compressors,
    pub(crate) negotiation: Negotiation,
}

impl<A: Application> Server<A> {
    /// Makes a server. Nothing runs before the first session.
    pub fn new(config: Config, application: A) -> Self {
        let origin = Instant::now();
        let workers = 0..config.workers.clamp(1, MOST_WORKERS);
        let compressors = Compressors::new(workers.end);
        let workers = workers.map(|number| Worker::new(number, origin, &config)).collect();
        let negotiation = Negotiation::new(config.per_message_deflate);
        let (sessions, addresses) = (Sessions::default(), Addresses::new(config.limits));
        Server(Arc::new(Inner {
            config,
            application,
            workers,
            sessions,
            addresses,
            compressors,
            negotiation,
        }))
    }

    /// Whether a request's path is this server's.
    pub fn handles(&self, path: &str) -> bool {
        let own = &self.0.config.path;
        let rest = path.strip_prefix(own.as_str());
        rest.is_some_and(|rest| own.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether a request of this method under the path is left to somebody else who is there:
    /// [`Cors::preflight_continue`](crate::Cors::preflight_continue).
    pub fn leaves(&self, method: &http::Method) -> bool {
        self.0.config.cors.leaves(method)
    }

    /// The application on top.
    pub fn application(&self) -> &A {
        &self.0.application
    }

    /// What the server was made with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Which worker this thread is.
    pub fn here(&self) -> usize {
        self.0.here().number()
    }

    /// Has a worker do something with its connections, on its own thread, behind what was sent before. The job
    /// must neither send nor catch up. Where the worker does not come for a while, whoever needs its connections
    /// runs the job, or whoever has sent too many.
    ///
    /// # Panics
    ///
    /// If there are not so many workers.
    pub fn send(&self, worker: usize, job: impl FnOnce() + Send + 'static) {
        self.0.workers[worker].send(Box::new(job));
    }

    /// As [`Connection::catch_up`], for all connections of a worker.
    ///
    /// # Panics
    ///
    /// If there are not so many workers.
    pub fn catch_up(&self, worker: usize) {
        self.0.workers[worker].inbox.catch_up();
    }

    /// The time since the server was made.
    pub fn now(&self) -> Duration {
        self.0.here().now()
    }

    /// Sessions that are open now.
    pub fn connections(&self) -> usize {
        self.0.sessions.table.read().len()
    }

    /// What has happened since the server was made, and how it is now. Looks at every connection.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        self.0.workers.iter().for_each(|worker| worker.add_to(&mut stats));
        stats.addresses = self.0.addresses.as_ref().map_or(0, |addresses| addresses.count() as u64);
        stats
    }

    /// Takes no more sessions: requests for one are answered with 503. Those that are open go on.
    pub fn refuse(&self) {
        self.0.sessions.refusing.store(true, Ordering::Release);
    }

    /// Closes the sessions that are open now one after the other, spread evenly over this time, so that those who come
    /// back elsewhere do not come at once. Sooner done where sessions end by themselves.
    ///
    /// Packets that were pushed before still go out, to clients that read.
    pub async fn spread(&self, reason: CloseReason, window: Duration) {
        let end = Instant::now() + window;
        let mut left = self.0.living();
        while let Some(next) = left.pop() {
            let next = Connection(next);
            if next.is_closed() {
                continue;
            }
            // Some of those that are left have gone by themselves.
            let open = u32::try_from(self.connections().min(left.len() + 1)).unwrap_or(u32::MAX);
            let now = Instant::now();
            let pause = end.saturating_duration_since(now) / open.max(1);
            let emptied = self.0.sessions.emptied();
            if tokio::time::timeout_at(now + pause, emptied).await.is_ok() {
                return;
            }
            next.close(reason);
        }
    }

    /// Takes no more sessions, closes those that are open, and waits until their tasks have ended.
    ///
    /// Packets that were pushed before still go out, to clients that read. After `deadline` whatever is
    /// left is dropped, unfinished handlers included: a client that does not read delays nothing.
    pub async fn close(&self, reason: CloseReason, deadline: Duration) {
        let sessions = &self.0.sessions;
        sessions.closing.store(true, Ordering::Release);
        // What other threads have sent goes out before the sessions are told.
        self.0.workers.iter().for_each(|worker| worker.inbox.catch_up());
        for session in self.0.living() {
            // One that is leaving already is told to hurry.
            session.raise(flag::CLOSE);
            Connection(session).close(reason);
        }
        if tokio::time::timeout(deadline, sessions.emptied()).await.is_err() {
            for session in self.0.living() {
                session.raise(flag::KILL);
            }
            // A task that is told so ends at its next turn; one whose handler holds the thread does not.
            let _ = tokio::time::timeout(Duration::from_millis(100), sessions.emptied()).await;
        }
    }
}

impl<A> Inner<A> {
    /// The worker of this thread.
    pub(crate) fn here(&self) -> &Arc<Worker> {
        // A thread that nobody has numbered, or that belongs to a server with more workers, may use any.
        &self.workers[threads::number() % self.workers.len()]
    }

    /// A request was refused.
    pub(crate) fn refused(&self, why: Refused) {
        self.here().counts.refused(why);
    }

    fn living(&self) -> Vec<Arc<Shared>> {
        self.workers.iter().flat_map(|worker| worker.living()).collect()
    }
}

/// A connection's number has eight bits for its worker.
const MOST_WORKERS: usize = 256;

/// The sessions of a server, by their id.
#[derive(Default)]
pub(crate) struct Sessions {
    /// Guards the table. Ids are our own, so a fast hash is safe.
    table: RwLock<HashMap<Sid, Arc<Shared>, foldhash::fast::RandomState>>,
    /// How many tasks have not ended; a session leaves the table before its task does.
    tasks: AtomicUsize,
    /// No more are let in.
    refusing: AtomicBool,
    closing: AtomicBool,
    opening: AtomicUsize,
    empty: Notify,
}

impl Sessions {
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Whether no more are let in.
    pub(crate) fn is_refusing(&self) -> bool {
        self.refusing.load(Ordering::Acquire) || self.is_closing()
    }

    /// Takes one of `limit` places; it is given back by [`insert`](Self::insert) or [`give_up`](Self::give_up).
    pub(crate) fn reserve(&self, limit: usize) -> bool {
        let opening = self.opening.fetch_add(1, Ordering::AcqRel);
        let free = self.table.read().len().saturating_add(opening) < limit;
        if !free {
            self.give_up();
        }
        free
    }

    pub(crate) fn give_up(&self) {
        self.opening.fetch_sub(1, Ordering::AcqRel);
    }

    /// False if there is a session with this id: it stays, and the new one is none.
    pub(crate) fn insert(&self, session: &Arc<Shared>) -> bool {
        let fresh = match self.table.write().entry(session.sid) {
            Entry::Vacant(place) => {
                self.tasks.fetch_add(1, Ordering::AcqRel);
                place.insert(Arc::clone(session));
                true
            }
            Entry::Occupied(_) => false,
        };
        self.give_up();
        fresh
    }

    /// The session can be found no more.
    pub(crate) fn forget(&self, session: &Shared) {
        // Its id may have been given out once more, by an application that gives ids out.
        if let Entry::Occupied(place) = self.table.write().entry(session.sid)
            && std::ptr::eq(Arc::as_ptr(place.get()), session)
        {
            place.remove();
        }
    }

    /// The session's task has ended.
    pub(crate) fn ended(&self, session: &Shared) {
        self.forget(session);
        if self.tasks.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.empty.notify_waiters();
        }
    }

    pub(crate) fn get(&self, sid: Sid) -> Option<Arc<Shared>> {
        self.table.read().get(&sid).cloned()
    }

    pub(crate) fn kind_of(&self, sid: Sid) -> Option<(Transport, Revision)> {
        let session = Connection(self.get(sid)?);
        Some((session.transport(), session.revision()))
    }

    async fn emptied(&self) {
        let mut empty = std::pin::pin!(self.empty.notified());
        loop {
            empty.as_mut().enable();
            if self.tasks.load(Ordering::Acquire) == 0 {
                return;
            }
            empty.as_mut().await;
            empty.set(self.empty.notified());
        }
    }
}
