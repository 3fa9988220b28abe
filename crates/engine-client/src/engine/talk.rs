//! What is said on a session: the machine that knows the rules, and what waits to be sent.

use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use engine_proto::client::{Incoming, Order, Tray};
use engine_proto::handshake::Open;
use engine_proto::{CloseReason, Control, Packet, PacketError, Pipe, Transport};

use super::machine::Machine;
use crate::{Broken, Config, EngineError, Queue, Revision, Upper};

pub(super) struct Talk {
    pub(super) revision: Revision,
    pub(super) session: Machine,
    pub(super) queue: Queue,
    /// What the machine wants done.
    pub(super) orders: Tray,
    /// The time of this turn.
    pub(super) now: Duration,
    /// What the server said of itself.
    pub(super) open: Option<Box<Open>>,
    /// What has ended the session, or is about to.
    pub(super) error: Option<EngineError>,
    /// When the server was heard last, by the clock that goes on while the machine sleeps.
    heard: SystemTime,
}

impl Talk {
    pub(super) fn new(transport: Transport, config: &Config) -> Self {
        Talk {
            revision: config.revision,
            session: Machine::new(transport, config, Duration::ZERO),
            queue: Queue::new(config.revision),
            orders: Tray::new(),
            now: Duration::ZERO,
            open: None,
            error: None,
            heard: SystemTime::UNIX_EPOCH,
        }
    }

    /// Hands a packet to the machine, and its message to the floor above. `Break`: the session is over.
    pub(super) fn packet(
        &mut self,
        from: Pipe,
        packet: Result<Packet<'_>, PacketError>,
        upper: &mut impl Upper,
    ) -> ControlFlow<()> {
        let is_current = from == Pipe::Current;
        let broken = packet.as_ref().err().copied().filter(|_| is_current);
        let (pings, is_pong) = (self.session.pings(), matches!(packet, Ok(Packet::Pong(_))));
        let incoming = self.session.receive(from, packet, self.now, &mut self.orders);
        if let Some(incoming) = incoming {
            self.take_in(incoming, upper);
        }
        self.answer_pings(upper);
        if pings && is_current {
            self.hear();
            if is_pong {
                upper.pinged();
            }
        }
        let Some(reason) = self.session.closed() else { return ControlFlow::Continue(()) };
        match reason {
            CloseReason::ParseError if is_current => self.not_understood(broken),
            CloseReason::TransportClose => self.blame(EngineError::closed(None, "")),
            _ => {}
        }
        ControlFlow::Break(())
    }

    fn take_in(&mut self, incoming: Incoming<'_>, upper: &mut impl Upper) {
        match incoming {
            Incoming::Open(open) => {
                self.hear();
                upper.opened(&open, &mut self.queue);
                self.open = Some(open);
            }
            Incoming::Message(message) => {
                if let Err(broken) = upper.message(message, &mut self.queue) {
                    self.refuse(&broken);
                }
            }
        }
    }

    fn not_understood(&mut self, broken: Option<PacketError>) {
        // Nothing else can be wrong with what parses, but that it is not the open packet.
        let broken = broken.unwrap_or(PacketError::BadOpen);
        let words = match self.open {
            None => self.revision.not_opened(broken),
            Some(_) => broken.to_string(),
        };
        self.blame(EngineError::protocol(words));
    }

    /// Whether what comes next is read now.
    pub(super) fn listens(&self, upper: &impl Upper) -> bool {
        !self.session.is_open() || upper.takes_more()
    }

    /// The floor above cannot read a message.
    fn refuse(&mut self, broken: &Broken) {
        self.blame(EngineError::protocol(broken.words()));
        self.session.close(CloseReason::ParseError, &mut self.orders);
    }

    /// Answers to pings are due at once, so that many pings are one answer; other orders are for later.
    fn answer_pings(&mut self, upper: &mut impl Upper) {
        let pong = Order::Send(Pipe::Current, Control::Pong);
        while let Some(place) = self.orders.iter().position(|order| *order == pong) {
            self.orders.remove(place);
            self.queue.owe(Control::Pong);
            self.hear();
            upper.pinged();
        }
    }

    fn hear(&mut self) {
        self.heard = SystemTime::now();
    }

    /// Whether the server would have had to be heard by now, by either clock.
    pub(super) fn is_expired(&self, now: Duration) -> bool {
        let Some(open) = &self.open else { return false };
        let patience = open.ping_interval.saturating_add(open.ping_timeout);
        let silent = SystemTime::now().duration_since(self.heard).unwrap_or_default();
        self.session.is_expired(now) || (self.session.is_open() && silent > patience)
    }

    /// Tells the machine the time if it asked for it. If nobody has listened, silence is counted from now on.
    pub(super) fn pass_time(&mut self, unheard: bool) {
        if unheard {
            self.hear();
        }
        if self.session.next_timeout().is_none_or(|at| at > self.now) {
            return;
        }
        if unheard {
            self.session.timeout_unheard(self.now, &mut self.orders);
        } else {
            self.session.timeout(self.now, &mut self.orders);
        }
    }

    /// What is wrong, if the session ends now. What came first counts.
    pub(super) fn blame(&mut self, error: EngineError) {
        self.error.get_or_insert(error);
    }

    /// A pipe is gone.
    pub(super) fn lose(&mut self, pipe: Pipe, reason: CloseReason, error: EngineError) {
        match pipe {
            Pipe::Current => self.blame(error),
            Pipe::Candidate => {
                tracing::debug!(%error, "the upgrade failed; the session stays on polling");
            }
        }
        self.session.pipe_lost(pipe, reason, &mut self.orders);
    }

    /// Most bytes of a POST.
    pub(super) fn most_of_a_post(&self) -> usize {
        self.open.as_ref().and_then(|open| open.max_payload).unwrap_or(usize::MAX)
    }
}
