//! What waits to be sent, of all sockets of a connection.
//!
//! | the question                                        | the file |
//! |-----------------------------------------------------|----------|
//! | What goes next, of all sockets?                     | here     |
//! | What waits in one namespace, and for what?          | `lane`   |
//! | How much may wait, and what if there is more?       | `room`   |
//! | How is something taken back?                        | `queue`  |
//! | What does whoever emits wait for?                   | `emit`, `entry` |
//!
//! Everything is encoded when it comes here, and handed to the connection when that can take it: so what waits survives
//! a reconnect, and what a connection took with it is little. It is one state under the hub's lock; nothing in it waits.

mod emit;
mod entry;
mod error;
mod lane;
mod queue;
mod room;
mod settings;

use std::collections::VecDeque;
use std::sync::Arc;

use engine_client::ROOM;
use smallvec::SmallVec;
use socket_proto::{Encoded, OwnedArgs};
use tokio::time::Instant;

use crate::DisconnectReason;
use crate::durable::{DurableOutbox, Stored};
use crate::retry::{Reliable, Retries};

pub use emit::Emit;
pub(crate) use entry::Entry;
pub use error::EmitError;
use lane::Lane;
pub(crate) use lane::{Event, Manner, Ticket};
pub use room::Overflow;
pub(crate) use room::{Cost, Room};
pub(crate) use settings::{Sending, Settings};

/// The outbox of a connection.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Nearly every client has one.
    lanes: SmallVec<[Lane; 1]>,
    /// What the next thing that is emitted is called. So the order of all emits is kept, over namespaces too.
    next: u64,
    limits: Limits,
    /// The client is closed: nothing is taken any more.
    is_over: bool,
    /// Where reliable events stand until they are answered, and what an earlier run has left of them.
    durable: Option<DurableOutbox>,
}

/// The numbers an outbox keeps to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// What may wait for each socket, in bytes.
    pub(crate) bytes: usize,
    pub(crate) overflow: Overflow,
    /// How many answers each socket may wait for.
    pub(crate) questions: usize,
}

/// A socket's place here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LaneId(usize);

/// An event has its place: where it is found again, and with a durable outbox when it is on the disk.
pub(crate) type Placed = (Ticket, Option<Stored>);

impl Outbox {
    pub(crate) fn new(limits: Limits, durable: Option<DurableOutbox>) -> Self {
        Outbox { lanes: SmallVec::new(), next: 0, limits, is_over: false, durable }
    }

    /// A place for one more socket, with the events that an earlier run has left for it. Also how many these are: ids of
    /// answers up to there are taken.
    pub(crate) fn add(&mut self, namespace: &str, retries: &Arc<Retries>) -> (LaneId, u64) {
        let mut lane = Lane::new(Room::new(self.limits.bytes));
        let found =
            self.durable.as_mut().map(|durable| durable.take(namespace)).unwrap_or_default();
        let mut id = 0;
        for found in found {
            let Some(packet) = found.packet(id, ROOM) else { continue };
            let cost = lane.room().take_what_is_left(lane.room().cost(&packet));
            let number = self.number();
            let mut event = Reliable::new(number, packet, cost, retries.clone(), Instant::now());
            event.entry = Some(found.number);
            lane.keep(id, event);
            id += 1;
        }
        if self.is_over {
            lane.end(DisconnectReason::ClientDisconnect);
        }
        self.lanes.push(lane);
        (LaneId(self.lanes.len() - 1), id)
    }

    /// The room of a socket, to wait for.
    pub(crate) fn room(&self, lane: LaneId) -> &Room {
        self.lane(lane).room()
    }

    /// An event is to be sent.
    ///
    /// # Errors
    ///
    /// Why not; with the event, if its sender may wait for [room](Self::room) and come with it to [`put`](Self::put).
    pub(crate) fn offer(
        &mut self,
        lane: LaneId,
        namespace: &str,
        event: Event,
    ) -> Result<Placed, (EmitError, Option<Box<Event>>)> {
        if event.is_volatile() && !self.lane(lane).is_joined() {
            return Err((EmitError::NotReady, None));
        }
        match self.admit(lane, event.cost, event.waiter.is_some()) {
            Ok(()) => self.put(lane, namespace, event).map_err(|error| (error, None)),
            Err(EmitError::Full) if event.is_volatile() => Err((EmitError::NotReady, None)),
            Err(EmitError::Full) if self.limits.overflow == Overflow::Wait => {
                Err((EmitError::Full, Some(Box::new(event))))
            }
            Err(error) => Err((error, None)),
        }
    }

    /// An event for which there is room is to be sent.
    ///
    /// # Errors
    ///
    /// If the durable outbox does not keep it.
    pub(crate) fn put(
        &mut self,
        lane: LaneId,
        namespace: &str,
        event: Event,
    ) -> Result<Placed, EmitError> {
        let (number, id) = (self.number(), event.id.unwrap_or_default());
        let ticket = Ticket { number, id };
        let Manner::Reliable(retries) = &event.manner else {
            self.lane_mut(lane).push(number, event);
            return Ok((ticket, None));
        };
        let entry = self.durable.as_mut().map(|durable| durable.keep(namespace, &event.packet));
        let entry = entry.transpose().map_err(|problem| {
            self.room(lane).give_back(event.cost);
            EmitError::Outbox { problem }
        })?;
        let stored = entry.zip(self.durable.as_ref()).map(|(entry, durable)| durable.stored(entry));
        let (retries, now) = (Arc::clone(retries), Instant::now());
        let mut kept = Reliable::new(number, event.packet, event.cost, retries, now);
        (kept.tell, kept.entry) = (event.waiter, entry);
        self.lane_mut(lane).keep(id, kept);
        Ok((ticket, stored))
    }

    /// Takes room for a packet, by dropping others if that is the policy.
    fn admit(&mut self, lane: LaneId, cost: Cost, asks: bool) -> Result<(), EmitError> {
        let limits = self.limits;
        let lane = self.lane_mut(lane);
        if asks && lane.questions() >= limits.questions {
            return Err(EmitError::TooManyQuestions { limit: limits.questions });
        }
        loop {
            if lane.room().take(cost) {
                return Ok(());
            }
            if lane.room().is_closed() {
                return Err(EmitError::Closed);
            }
            if limits.overflow != Overflow::DropOldest || !lane.drop_oldest() {
                return Err(EmitError::Full);
            }
        }
    }

    /// An answer to a question of the server. It always finds room; but see [`is_crowded`](Self::is_crowded).
    pub(crate) fn answer(&mut self, lane: LaneId, packet: Encoded) {
        let number = self.number();
        self.lane_mut(lane).answer(number, packet);
    }

    /// Whether somebody waits for an answer of the server.
    pub(crate) fn awaits_answers(&self) -> bool {
        self.lanes.iter().any(|lane| lane.questions() > 0)
    }

    /// Whether so many answers wait for a server that does not take them that no more of its questions are to be read. What waits for
    /// a CONNECT to be answered is not its fault.
    pub(crate) fn is_crowded(&self) -> bool {
        let joined = self.lanes.iter().filter(|lane| lane.is_joined());
        joined.map(Lane::owed).sum::<usize>() > self.limits.bytes
    }

    /// What is to be sent next; the oldest of what can be sent. `writable`: whether the connection takes it at once.
    pub(crate) fn pull(&mut self, writable: bool, now: Instant) -> Option<Encoded> {
        loop {
            self.settle();
            let lanes = self.lanes.iter().enumerate();
            let ready = lanes.filter_map(|(at, lane)| lane.first().map(|number| (number, at)));
            let (_, at) = ready.min()?;
            // Of what is volatile or gone, nothing comes.
            if let Some(packet) = self.lanes[at].pull(writable, now) {
                return Some(packet);
            }
        }
    }

    /// The server has let a socket in: what waits for it can be sent.
    pub(crate) fn join(&mut self, lane: LaneId) {
        self.lane_mut(lane).join();
    }

    /// A socket is not connected any more, by the server or with the connection.
    pub(crate) fn part(&mut self, lane: LaneId, reason: DisconnectReason) {
        self.lane_mut(lane).part(reason);
    }

    /// A socket's session is over, or cannot be taken up again.
    pub(crate) fn end_session(&mut self, lane: LaneId) {
        self.lane_mut(lane).end_session();
    }

    /// Our user leaves a namespace. What waits is kept apart, to be sent in front of the goodbye.
    pub(crate) fn leave(&mut self, lane: LaneId, reason: DisconnectReason) {
        self.lane_mut(lane).leave(reason);
    }

    /// What is to be sent in front of the goodbye.
    pub(crate) fn take_last_words(&mut self, lane: LaneId) -> VecDeque<Encoded> {
        self.lane_mut(lane).take_last_words()
    }

    /// The client is closed: all who wait are told, but what is to be sent in front of a goodbye still is.
    pub(crate) fn end(&mut self, reason: DisconnectReason) {
        self.is_over = true;
        self.lanes.iter_mut().for_each(|lane| lane.end(reason));
    }

    /// The server has answered a question.
    pub(crate) fn answered(&mut self, lane: LaneId, id: u64, args: OwnedArgs) {
        let event = self.lane_mut(lane).answered(id, args);
        self.done(event);
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn forget(&mut self, lane: LaneId, ticket: Ticket) {
        self.lane_mut(lane).forget(ticket);
    }

    /// The answer has not come in time: nothing is sent any more that waits.
    pub(crate) fn take_back(&mut self, lane: LaneId, ticket: Ticket) {
        let event = self.lane_mut(lane).take_back(ticket);
        self.done(event);
    }

    /// Calls `told` when it has become known of a reliable event whether it is on the disk.
    pub(crate) fn watch(&self, told: impl Fn() + Send + Sync + 'static) {
        if let Some(durable) = &self.durable {
            durable.watch(told);
        }
    }

    /// When to call [`due`](Self::due).
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.lanes.iter().filter_map(|lane| lane.kept.next_due()).min()
    }

    /// Time has passed: some reliable events are to be sent again, others are given up.
    pub(crate) fn due(&mut self, now: Instant) {
        for at in 0..self.lanes.len() {
            while let Some(event) = self.lanes[at].due(now) {
                self.done(Some(event));
            }
        }
    }

    /// A reliable event is answered or given up.
    fn done(&mut self, event: Option<Reliable>) {
        let entry = event.and_then(|event| event.entry);
        if let Some((durable, entry)) = self.durable.as_mut().zip(entry) {
            durable.done(entry);
        }
    }

    /// What is to be sent next goes when it is on the disk, and what did not get there does not go.
    fn settle(&mut self) {
        let Some(durable) = &mut self.durable else { return };
        for lane in &mut self.lanes {
            lane.is_held = false;
            while let Some((id, entry)) = lane.first_entry() {
                match durable.outcome(entry) {
                    Some(Ok(())) => break,
                    Some(Err(problem)) => {
                        lane.refuse(id, problem);
                        durable.done(entry);
                    }
                    None => {
                        lane.is_held = true;
                        break;
                    }
                }
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn lane(&self, lane: LaneId) -> &Lane {
        &self.lanes[lane.0]
    }

    fn lane_mut(&mut self, lane: LaneId) -> &mut Lane {
        &mut self.lanes[lane.0]
    }
}

#[cfg(test)]
mod tests;
