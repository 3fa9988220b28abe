//! Durable namespaces: every event has a place in a log, and nobody who was a member misses it.
//!
//! | file        | what                                                                       |
//! |-------------|----------------------------------------------------------------------------|
//! | `order`     | what is logged and not delivered yet, and what was delivered a moment ago    |
//! | `deliver`   | from `emit` to the log, and from the log to the outboxes                     |
//! | `address`   | whom an event was for, by name                                             |
//! | `session`   | what a client is over all of its connections: rooms, position, questions     |
//! | `sessions`  | all of them, and when those that are away are given up                      |
//! | `admission` | CONNECT: a new session, or one that comes back                               |
//! | `replay`    | reading the log for a session until it meets the live events                |
//! | `receipts`  | who has got an event: pongs, and what they prove                            |
//! | `gap`       | what a client cannot be given, and how it is told                            |
//! | `rooms`     | membership, which is in the log too                                         |
//! | `failure`   | what becomes of sessions when the log fails                                  |
//! | `once`      | events of clients that are handled once, however often they are sent         |
//! | `history`   | what was said in a room                                                    |
//! | `last`      | joining a room, and hearing what was said in it last                         |
//!
//! One lock, the *order*, makes one sequence of everything that is logged and of every change of
//! membership. Under it: the index of rooms, sessions, outboxes, the queue of the log; never the other way
//! round, and never anything that waits.

mod address;
mod admission;
mod deliver;
mod failure;
mod gap;
mod gone;
mod history;
mod last;
mod once;
mod order;
mod receipts;
mod replay;
mod rooms;
mod session;
mod sessions;

use std::sync::{Arc, Weak};
use std::time::Duration;

use log::{Durability, Log, Position, Shard};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use crate::handler::Entry;
use crate::io::Shared;
use crate::{Io, OnConnect};

pub(crate) use address::Address;
pub(crate) use admission::{Attached, Recall, Return};
pub(crate) use deliver::{Members, NO_TOKEN, Outgoing, Receipt};
pub(crate) use gap::{Gap, Missed};
pub(crate) use gone::Farewell;
pub use gone::Gone;
pub use history::{History, PastEvent};
pub(crate) use replay::Rejoin;
pub(crate) use rooms::Change;
pub(crate) use session::{Session, wish};

use once::Once;
use order::Order;
use sessions::Sessions;

/// How long clients may be away, and how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Away {
    pub(crate) timeout: Duration,
    pub(crate) most: usize,
}

/// What a durable namespace has and another has not.
pub(crate) struct Durable {
    log: Log,
    shard: Shard,
    class: Durability,
    away: Away,
    io: Weak<Shared>,
    /// Guards the one sequence of events and memberships.
    order: Mutex<Order>,
    sessions: Sessions,
    /// A client has confirmed something, or has come back.
    heard_from: Notify,
    once: Once,
    /// Failures of the log that have been heeded are up to here.
    failed: Mutex<Position>,
    /// Guards the user's handlers of this kind; held to find one.
    farewell: RwLock<Option<Farewell>>,
    rejoin: RwLock<Option<Rejoin>>,
    /// What logs call the work that is done for a socket here.
    pub(crate) entry: Arc<Entry>,
}

impl Durable {
    /// Takes the namespace's part of the log, with the sessions that an earlier run has left there.
    pub(crate) fn open(
        log: &Log,
        name: &str,
        class: Durability,
        away: Away,
        io: Weak<Shared>,
    ) -> Arc<Self> {
        let shard = log.namespace(name);
        let sessions = Sessions::default();
        match shard.sessions() {
            Ok(saved) => saved.into_iter().filter_map(Session::restored).for_each(|session| {
                sessions.add(&session);
                sessions.expire_at(&session, away.timeout, away.most);
            }),
            Err(error) => {
                tracing::error!(namespace = name, %error, "the sessions of earlier cannot be read");
            }
        }
        let durable = Arc::new(Durable {
            order: Mutex::new(Order::new(log.progress().written)),
            log: log.clone(),
            shard,
            class,
            away,
            io,
            sessions,
            heard_from: Notify::new(),
            once: Once::default(),
            failed: Mutex::default(),
            farewell: RwLock::default(),
            rejoin: RwLock::default(),
            entry: Entry::new::<OnConnect, _, _>("durable".into(), async || ()),
        });
        let told = Arc::downgrade(&durable);
        log.watch(move |progress| {
            if let Some(durable) = told.upgrade() {
                durable.heed_failure(progress);
                durable.deliver_ready();
            }
        });
        durable
    }

    fn io(&self) -> Option<Io> {
        self.io.upgrade().map(Io::from_shared)
    }

    /// The time of the server.
    fn now(&self) -> Duration {
        self.io().map_or(Duration::ZERO, |io| io.server().now())
    }
}
