//! Events that are sent again until they are answered: many at a time, each with a key by which a server can tell a repeat.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket_proto::Encoded;
use tokio::time::Instant;

use crate::ack::Waiter;
use crate::outbox::Cost;

/// How events are sent [reliably](crate::Socket::reliably).
///
/// An event is sent again when its answer has not come within the [timeout](Self::timeout), and whenever the socket is
/// connected again. The reference (`retries`) has one event in flight and nothing by which a server could tell that one
/// comes twice; here all are in flight, and each carries a key.
///
/// ```
/// use std::time::Duration;
/// use sockeye_client::{Client, Retries};
///
/// let retries = Retries::default().timeout(Duration::from_secs(3)).attempts(5);
/// let client = Client::builder("http://localhost:3000").retries(retries).build()?;
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retries {
    pub(crate) timeout: Duration,
    pub(crate) attempts: u32,
    pub(crate) give_up_after: Option<Duration>,
    pub(crate) key: bool,
}

impl Default for Retries {
    fn default() -> Self {
        let timeout = Duration::from_secs(10);
        Retries { timeout, attempts: 10, give_up_after: None, key: true }
    }
}

impl Retries {
    /// How long an answer may take before the event is sent again; 10 s.
    ///
    /// ```
    /// let retries = sockeye_client::Retries::default().timeout(std::time::Duration::from_secs(3));
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many answers may fail to come in time before the event is given up; 10, at least 1. An attempt that ends with the
    /// connection does not count: an event waits for the server for as long as it takes, but see
    /// [`give_up_after`](Self::give_up_after).
    ///
    /// ```
    /// let retries = sockeye_client::Retries::default().attempts(5);
    /// ```
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How long after the emit the event is given up, connected or not; never, by default.
    ///
    /// ```
    /// let retries = sockeye_client::Retries::default().give_up_after(std::time::Duration::from_secs(3600));
    /// ```
    #[must_use]
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.give_up_after = Some(time);
        self
    }

    /// Without the key: for servers whose handlers would stumble over one argument more. They cannot tell a repeat then.
    ///
    /// The key is a string, the last argument. No other event has the same, of this client or another, now or later. A
    /// `sockeye` server handles an event once by `Namespace::once(event, pointer)`, where the pointer says where the key stands:
    /// `"/1"` for an event of one argument.
    ///
    /// ```
    /// let retries = sockeye_client::Retries::default().without_key();
    /// ```
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.key = false;
        self
    }
}

/// Makes the keys of a client's reliable events: one that no other client has, and a number.
#[derive(Debug)]
pub(crate) struct Keys {
    client: u128,
    next: AtomicU64,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Keys { client: rand::random(), next: AtomicU64::new(0) }
    }

    /// One more, as JSON.
    pub(crate) fn next(&self) -> String {
        format!("\"{:032x}-{}\"", self.client, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// The reliable events of a socket that are not answered, in the order of their first emit.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    events: BTreeMap<u64, Reliable>,
    /// When to look at which: its next attempt, or its end.
    due: BTreeSet<(Instant, u64)>,
}

/// An event that is kept until it is answered or given up.
#[derive(Debug)]
pub(crate) struct Reliable {
    /// Its place among all that is emitted.
    pub(crate) number: u64,
    /// What is sent, each time a copy of it.
    pub(crate) packet: Encoded,
    pub(crate) cost: Cost,
    pub(crate) retries: Arc<Retries>,
    /// When it was emitted.
    pub(crate) since: Instant,
    /// Whoever wants to know what became of it.
    pub(crate) tell: Option<Waiter>,
    /// Its number in the durable outbox, if it is there.
    pub(crate) entry: Option<u64>,
    /// The attempts that have failed.
    failed: u32,
    state: State,
}

/// ```text
///  Waits ── pulled ──▶ Sent ── answered ──▶ (gone)
///    ▲                  │
///    └── no answer in time, connection lost
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It stands in the queue.
    Waits,
    /// The answer has to be here by then.
    Sent(Instant),
}

/// What is to be done with an event whose time has come.
#[derive(Debug)]
pub(crate) enum Due {
    /// Into the queue again: its number there, and its id.
    Again { number: u64, id: u64 },
    /// It is given up.
    GivenUp(Reliable),
}

impl Reliable {
    pub(crate) fn new(
        number: u64,
        packet: Encoded,
        cost: Cost,
        retries: Arc<Retries>,
        since: Instant,
    ) -> Self {
        let (tell, entry, failed, state) = (None, None, 0, State::Waits);
        Reliable { number, packet, cost, retries, since, tell, entry, failed, state }
    }

    /// How many attempts there were.
    pub(crate) fn attempts(&self) -> u32 {
        self.failed
    }

    fn ends(&self) -> Option<Instant> {
        self.since.checked_add(self.retries.give_up_after?)
    }

    fn due(&self) -> Option<Instant> {
        match self.state {
            State::Waits => self.ends(),
            State::Sent(again) => Some(self.ends().map_or(again, |end| end.min(again))),
        }
    }
}

impl Kept {
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn keep(&mut self, id: u64, event: Reliable) {
        self.due.extend(event.due().map(|due| (due, id)));
        self.events.insert(id, event);
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Reliable> {
        self.events.get(&id)
    }

    /// It is being sent: the bytes to send.
    pub(crate) fn send(&mut self, id: u64, now: Instant) -> Option<Encoded> {
        let event = self.events.get(&id)?;
        let again = now.checked_add(event.retries.timeout).unwrap_or(now + FAR);
        let packet = copy(&event.packet);
        self.set(id, State::Sent(again));
        Some(packet)
    }

    /// Takes out what is answered, or given up.
    pub(crate) fn take(&mut self, id: u64) -> Option<Reliable> {
        let event = self.events.remove(&id)?;
        if let Some(due) = event.due() {
            self.due.remove(&(due, id));
        }
        Some(event)
    }

    /// Whoever waited for the answer does not any more; the event stays.
    pub(crate) fn tell_nobody(&mut self, id: u64) {
        if let Some(event) = self.events.get_mut(&id) {
            event.tell = None;
        }
    }

    /// When to call [`due`](Self::due).
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The next event whose time has come.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Due> {
        let (_, id) = self.due.first().copied().filter(|(due, _)| *due <= now)?;
        let event = self.events.get_mut(&id)?;
        let late = matches!(event.state, State::Sent(again) if again <= now);
        event.failed += u32::from(late);
        let number = event.number;
        let ended = event.ends().is_some_and(|end| end <= now);
        if ended || event.failed >= event.retries.attempts {
            return self.take(id).map(Due::GivenUp);
        }
        self.set(id, State::Waits);
        Some(Due::Again { number, id })
    }

    /// The connection is lost, or the namespace left: what was sent waits again. Their numbers and ids.
    pub(crate) fn lost(&mut self) -> Vec<(u64, u64)> {
        let sent = self.events.iter().filter(|(_, event)| event.state != State::Waits);
        let sent: Vec<_> = sent.map(|(id, event)| (event.number, *id)).collect();
        for (_, id) in &sent {
            self.set(*id, State::Waits);
        }
        sent
    }

    /// Takes out all of them: there will be no connection any more.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (u64, Reliable)> + use<> {
        self.due.clear();
        std::mem::take(&mut self.events).into_iter()
    }

    fn set(&mut self, id: u64, state: State) {
        let Some(event) = self.events.get_mut(&id) else { return };
        if let Some(due) = event.due() {
            self.due.remove(&(due, id));
        }
        event.state = state;
        self.due.extend(event.due().map(|due| (due, id)));
    }
}

/// As good as never, and no overflow.
const FAR: Duration = Duration::from_hours(24 * 365);

fn copy(packet: &Encoded) -> Encoded {
    Encoded {
        buffer: packet.buffer.clone(),
        start: packet.start,
        attachments: packet.attachments.clone(),
        compress: packet.compress,
    }
}
