//! Durable namespaces: every event has a place in a log, and nobody who was a member misses it.
//!
//! | file        | what                                                                       |
//! |-------------|----------------------------------------------------------------------------|
//! | `order`     | what is logged and not delivered yet, and what was delivered a moment ago    |
//! | `deliver`   | from `emit` to the log, and from the log to the outboxes                     |
//! | `address`   | whom an event was for, by name                                             |
//! | `session`   | what a client is over all of its connections: rooms, position, questions     |
//! | `sessions`  | all of a namespace                                                         |
//! | `away`      | those that are away, and when they are given up                             |
//! | `family`    | what namespaces have in common that are durable in the same way: the children of a parent |
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
mod away;
mod deliver;
mod failure;
mod family;
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

use log::{Durability, Log, Shard};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::handler::Entry;
use crate::namespace::WeakNamespace;
use crate::{Io, Namespace, OnConnect};

pub(crate) use address::Address;
pub(crate) use admission::{Attached, Recall, Return};
pub(crate) use away::Away;
pub(crate) use deliver::{Members, NO_TOKEN, Outgoing, Receipt};
pub(crate) use family::Family;
pub(crate) use gap::{Gap, Missed};
pub(crate) use gone::Farewell;
pub use gone::Gone;
pub use history::{History, PastEvent};
pub(crate) use replay::Rejoin;
pub(crate) use rooms::Change;
pub(crate) use session::{Session, wish};

use once::Turns;
use order::Order;
use sessions::Sessions;

/// What a durable namespace has and another has not.
pub(crate) struct Durable {
    pub(crate) family: Arc<Family>,
    /// Those of the family.
    log: Log,
    class: Durability,
    shard: Shard,
    namespace: WeakNamespace,
    me: Weak<Durable>,
    /// Guards the one sequence of events and memberships.
    order: Mutex<Order>,
    sessions: Sessions,
    /// A client has confirmed something, or has come back.
    heard_from: Notify,
    turns: Turns,
    /// What logs call the work that is done for a socket here.
    pub(crate) entry: Arc<Entry>,
}

impl Durable {
    /// Takes the namespace's part of the log. In the log it is not there until somebody is, or something is said.
    pub(crate) fn open(family: &Arc<Family>, name: &str, namespace: WeakNamespace) -> Arc<Self> {
        let log = &family.log;
        let durable = Arc::new_cyclic(|me| Durable {
            family: Arc::clone(family),
            log: log.clone(),
            class: family.class,
            shard: log.namespace(name),
            namespace,
            me: Weak::clone(me),
            // Behind all that a child of this name had logged before it ended.
            order: Mutex::new(Order::new(log.head())),
            sessions: Sessions::default(),
            heard_from: Notify::new(),
            turns: Turns::default(),
            entry: Entry::new::<OnConnect, _, _>("durable".into(), async || ()),
        });
        family.add(&durable);
        durable
    }

    /// Those that an earlier run has left in the log may come back. To be said once, before clients come.
    pub(crate) fn take_up(&self) {
        match self.shard.sessions() {
            Ok(saved) => saved.into_iter().filter_map(Session::restored).for_each(|session| {
                self.sessions.add(&session);
                self.family.absent.add(Weak::clone(&self.me), &session, self.now());
            }),
            Err(error) => self.unread(&error),
        }
    }

    /// The names of those namespaces of the log in which an earlier run has left sessions.
    pub(crate) fn names_of_earlier(&self) -> Vec<Box<str>> {
        self.log.with_sessions().unwrap_or_else(|error| {
            self.unread(&error);
            Vec::new()
        })
    }

    fn unread(&self, error: &log::ReadError) {
        let namespace = self.shard.name();
        tracing::error!(namespace, %error, "the sessions of earlier cannot be read");
    }

    /// It ends, as a child without anybody: whoever still has it at hand reaches nobody.
    pub(crate) fn close(&self) {
        self.order.lock().closed = true;
    }

    fn io(&self) -> Option<Io> {
        self.family.io()
    }

    fn namespace(&self) -> Option<Namespace> {
        self.namespace.upgrade()
    }

    /// The time of the server.
    fn now(&self) -> Duration {
        self.family.now()
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        self.family.remove(self);
    }
}
