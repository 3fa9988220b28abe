//! The order of a durable namespace: what is logged leaves in the order of the log.
//!
//! ```text
//!            append                    written, or synced               every live session
//!  emit ─────────────▶ pending ─────────────────────────────▶ deliver ─────────────────────▶ outboxes
//!                      in log order, with whom it is for          └──▶ recent: for those who come a moment late
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use log::{Durability, Log, Position};
use smallvec::SmallVec;
use transport::Encoded as Packet;

use super::address::Address;
use super::session::{Session, State};

/// An event and, if it asks for an answer, the tick behind it that moves its client's position.
pub(crate) type Packets = SmallVec<[Arc<Packet>; 1]>;

/// Guarded by the namespace's one lock of that name.
pub(crate) struct Order {
    pending: VecDeque<Pending>,
    /// Everything up to here has been delivered.
    pub(super) delivered: Position,
    recent: VecDeque<Logged>,
    recent_bytes: usize,
    /// The last event that `recent` does not hold any more.
    pub(super) forgotten: Position,
    /// The log has noted that there are events in memory alone.
    noted: bool,
    /// Something is pending, and hears of the log's progress.
    waits: bool,
    /// The namespace has ended: nothing is logged any more.
    pub(super) closed: bool,
}

/// An event that has its place in the log.
pub(crate) struct Logged {
    pub(crate) position: Position,
    pub(crate) address: Arc<Address>,
    pub(crate) packets: Packets,
}

/// An event that is not in the log yet as safely as it has to be, or stands behind one.
pub(crate) struct Pending {
    pub(crate) event: Logged,
    pub(crate) durability: Durability,
    /// Who was a member when it was logged.
    pub(crate) sessions: Vec<Arc<Session>>,
}

/// What may be delivered now.
pub(crate) struct Ready {
    pub(crate) position: Position,
    pub(crate) packets: Packets,
    pub(crate) sessions: Vec<Arc<Session>>,
}

/// How much of the past is at hand for those who come back a moment late, or have just fallen behind.
const RECENT_EVENTS: usize = 512;
const RECENT_BYTES: usize = 512 * 1024;

impl Order {
    /// Begins at the end of the log.
    pub(crate) fn new(head: Position) -> Self {
        Order {
            pending: VecDeque::new(),
            delivered: head,
            recent: VecDeque::new(),
            recent_bytes: 0,
            forgotten: head,
            noted: false,
            waits: false,
            closed: false,
        }
    }

    /// The last event that has its place in the log, delivered or not.
    pub(crate) fn head(&self) -> Position {
        self.pending.back().map_or(self.delivered, |last| last.event.position)
    }

    pub(crate) fn push(&mut self, pending: Pending) {
        self.pending.push_back(pending);
    }

    /// True if something waits for the log, and nobody has asked yet to hear of its progress.
    pub(crate) fn begins_to_wait(&mut self) -> bool {
        !self.pending.is_empty() && !std::mem::replace(&mut self.waits, true)
    }

    /// It has heard of the log's progress.
    pub(crate) fn heard(&mut self) {
        self.waits = false;
    }

    /// The next event that the log has as safely as it has to be. What the log has lost is dropped.
    pub(crate) fn next_ready(&mut self, log: &Log) -> Option<Ready> {
        while let Some(first) = self.pending.front() {
            let (position, durability) = (first.event.position, first.durability);
            let outcome = log.outcome(position, durability)?;
            if durability == Durability::Memory && !self.is_noted(log, position) {
                return None;
            }
            if outcome.is_ok() && follows_a_failure(log, position) {
                return None;
            }
            let Pending { event, sessions, .. } = self.pending.pop_front()?;
            if outcome.is_ok() {
                let packets = event.packets.clone();
                self.remember(event);
                return Some(Ready { position, packets, sessions });
            }
        }
        None
    }

    /// The first event in memory alone waits until the log says that there was one: after a restart, whoever has not
    /// heard it has a gap.
    fn is_noted(&mut self, log: &Log, first: Position) -> bool {
        self.noted = self.noted || log.progress().written >= first;
        self.noted
    }

    /// It is delivered now.
    fn remember(&mut self, event: Logged) {
        self.delivered = event.position;
        self.recent_bytes += event.bytes();
        self.recent.push_back(event);
        while self.recent.len() > RECENT_EVENTS || self.recent_bytes > RECENT_BYTES {
            let Some(old) = self.recent.pop_front() else { return };
            self.recent_bytes -= old.bytes();
            self.forgotten = old.position;
        }
    }

    /// What was delivered after this; `None` if not all of it is at hand.
    pub(crate) fn since(&self, position: Position) -> Option<impl Iterator<Item = &Logged>> {
        if position < self.forgotten {
            return None;
        }
        let start = self.recent.partition_point(|event| event.position <= position);
        Some(self.recent.range(start..))
    }

    /// The newest event to a room that is at hand, delivered or not, and no question.
    pub(crate) fn last_to(&self, room: &str) -> Option<&Packet> {
        let pending = self.pending.iter().rev().map(|pending| &pending.event);
        let all = pending.chain(self.recent.iter().rev());
        all.filter(|event| event.address.to.iter().any(|name| **name == *room)).find_map(|event| {
            match &event.packets[..] {
                [event] => Some(&**event),
                _ => None,
            }
        })
    }

    /// A session that is live from now on gets what waits, if it is for it. One that is named twice hears it
    /// once: see [`Session::deliver`].
    pub(crate) fn add_to_pending(&mut self, session: &Arc<Session>, state: &State) {
        for pending in &mut self.pending {
            let Logged { position, ref address, .. } = pending.event;
            if position > state.cursor && session.wants(state, address, position) {
                pending.sessions.push(Arc::clone(session));
            }
        }
    }
}

/// Whether something in front of it has failed, and the log does not accept again yet. If the process ends now, what
/// has failed may be there all the same; whoever had heard this by then would never hear that.
fn follows_a_failure(log: &Log, position: Position) -> bool {
    let failed = log.outcome(position, Durability::Fsync).is_some_and(|outcome| outcome.is_err());
    failed && log.progress().synced < position
}

impl Logged {
    fn bytes(&self) -> usize {
        self.packets.iter().map(|packet| packet.len()).sum()
    }
}
