//! The connecting side: answers pings, probes a WebSocket, pauses polling, falls back.

mod time;

use std::time::Duration;

use smallvec::SmallVec;

use super::Pipe;
use super::heartbeat::{Answering, Heard, Heartbeat};
use super::timers::Patience;
use crate::config::Transport;
use crate::handshake::Open;
use crate::packet::{Control, Message, Packet, PacketError};
use crate::reason::CloseReason;

/// The options of the connecting side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether to move from polling to a WebSocket when the server offers it. Default: yes.
    pub upgrade: bool,
    /// How long the open packet may take. Default 20 s.
    pub open_timeout: Duration,
    /// How long an upgrade may take, from the order to open a WebSocket to the switch. Default 10 s.
    pub upgrade_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            upgrade: true,
            open_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
        }
    }
}

/// What the driver of a client [`Session`] has to do now, in the order of the tray.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Send this packet. On the current pipe it joins the queue like any other packet; on the candidate it
    /// goes out at once.
    Send(Pipe, Control),
    /// Open a WebSocket for this session (`transport=websocket` and its `sid`), then say
    /// [`candidate_opened`](Session::candidate_opened), or [`pipe_lost`](Session::pipe_lost).
    OpenCandidate,
    /// Start no more requests, keep what is queued, let the GET and the POST that are under way come back
    /// (their packets still count), then say [`polling_paused`](Session::polling_paused).
    PausePolling,
    /// The upgrade has failed: go on polling.
    ResumePolling,
    /// The candidate is the current pipe now; what is queued goes there, behind what was sent to it.
    Switch,
    /// Close the candidate, or stop trying to open it.
    DropCandidate,
    /// The session is over, [`closed`](Session::closed) says why. Always the last order.
    Finish(Goodbye),
}

/// How a client says goodbye on the current pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    /// Nothing more can be said: let go, cancel what is under way. The queue is dropped.
    Nothing,
    /// Over a WebSocket: send an empty close frame and let go. Over polling: as `Nothing`. The queue is
    /// dropped.
    Hurry,
    /// Send what is queued, over polling in one last POST (it ends in a `1`), over a WebSocket with an empty
    /// close frame behind it. How long that may take is the driver's to bound.
    Flush,
}

/// Where a client [`Session`] puts its orders; the caller empties it.
pub type Tray = SmallVec<[Order; 4]>;

/// What a client's user gets to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming<'p> {
    /// The session is open. Comes once, before any message.
    Open(Box<Open>),
    /// A message from the server.
    Message(Message<'p>),
}

/// The client's half of one session.
///
/// The driver sends the handshake (a GET, or a WebSocket upgrade, without `sid`) and hands in what comes
/// back. While polling it keeps one GET under way and reports a request that failed as
/// [`pipe_lost`](Self::pipe_lost).
///
/// ```
/// use std::time::Duration;
/// use sockeye_engine_proto::client::{Config, Incoming, Order, Session, Tray};
/// use sockeye_engine_proto::{Control, Packet, Pipe, Transport};
///
/// let (now, mut out) = (Duration::ZERO, Tray::new());
/// let mut session = Session::connect(Transport::WebSocket, &Config::default(), now);
///
/// let json = r#"{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
/// let Some(Incoming::Open(open)) = session.receive(Pipe::Current, Ok(Packet::Open(json)), now, &mut out)
/// else { panic!("an open packet opens the session") };
/// assert_eq!(open.sid, "x");
///
/// session.receive(Pipe::Current, Ok(Packet::Ping("")), now, &mut out);
/// assert_eq!(out.as_slice(), [Order::Send(Pipe::Current, Control::Pong)]);
/// assert_eq!(session.next_timeout(), Some(Duration::from_secs(45)));
/// ```
///
/// A session has the heartbeat of revision 4, unless it is a [`v3::client::Session`](crate::v3::client::Session).
#[derive(Debug)]
pub struct Session<H = Answering> {
    phase: Phase,
    /// Begins with the open packet.
    heartbeat: H,
    /// What the open packet says; how long an upgrade may take is known before.
    patience: Patience,
    upgrade: bool,
}

/// The life of the connecting side.
///
/// ```text
///                `0`             open candidate          `3probe`            paused
///  Opening ──┬────────▶ Polling ────────────────▶ Probing ───────▶ Pausing ─────────▶ Streaming
///            │             ▲                         │                │     send `5`      ▲
///            │             └─────────────────────────┴────────────────┘                   │
///            │               candidate lost, late or breaking the rules                   │
///            └────────────────────────────────────────────────────────────────────────────┘
///                 opened over WebSocket
///
///  any of them ──▶ Closed: close by either side, pipe lost, no ping in time, bad packet
/// ```
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The handshake is under way.
    Opening { transport: Transport, give_up_at: Duration },
    /// Open, by polling; no upgrade is under way (any more).
    Polling,
    /// Open, by polling; a WebSocket is being opened and asked.
    Probing {
        /// The candidate is open and has been sent `2probe`.
        asked: bool,
        give_up_at: Duration,
    },
    /// The candidate has answered; the last requests are coming back.
    Pausing { give_up_at: Duration },
    /// Open, by WebSocket.
    Streaming,
    /// Over, for this reason.
    Closed { reason: CloseReason, transport: Transport },
}

impl Session {
    /// A session whose handshake is being sent over this transport.
    pub fn connect(transport: Transport, config: &Config, now: Duration) -> Self {
        Session::begin(transport, config, now)
    }
}

impl<H: Heartbeat> Session<H> {
    /// As [`connect`](Session::connect), of either revision.
    pub fn begin(transport: Transport, config: &Config, now: Duration) -> Self {
        let give_up_at = now.saturating_add(config.open_timeout);
        let patience = Patience::unopened(config.upgrade_timeout);
        Session {
            phase: Phase::Opening { transport, give_up_at },
            heartbeat: H::begin(&patience, now),
            patience,
            upgrade: config.upgrade,
        }
    }
}

/// Looking: free of consequences.
impl<H: Heartbeat> Session<H> {
    /// What the session speaks through, or spoke through when it ended; polling until an upgrade is
    /// complete.
    pub fn transport(&self) -> Transport {
        match self.phase {
            Phase::Polling | Phase::Probing { .. } | Phase::Pausing { .. } => Transport::Polling,
            Phase::Streaming => Transport::WebSocket,
            Phase::Opening { transport, .. } | Phase::Closed { transport, .. } => transport,
        }
    }

    /// Whether the open packet has come and the session is not over.
    pub fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Opening { .. } | Phase::Closed { .. })
    }

    /// Whether an upgrade is under way.
    pub fn is_upgrading(&self) -> bool {
        matches!(self.phase, Phase::Probing { .. } | Phase::Pausing { .. })
    }

    /// Why the session is over; `None` while it is not.
    pub fn closed(&self) -> Option<CloseReason> {
        match self.phase {
            Phase::Closed { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// When [`timeout`](Self::timeout) is to be called; `None` only when the session is over.
    pub fn next_timeout(&self) -> Option<Duration> {
        match self.phase {
            Phase::Opening { give_up_at, .. } => Some(give_up_at),
            Phase::Polling | Phase::Streaming => Some(self.heartbeat.next()),
            Phase::Probing { give_up_at, .. } | Phase::Pausing { give_up_at } => {
                Some(self.heartbeat.next().min(give_up_at))
            }
            Phase::Closed { .. } => None,
        }
    }
}

/// Something happened outside.
impl<H: Heartbeat> Session<H> {
    /// Takes in one packet from the server. What concerns the user comes back.
    #[inline]
    pub fn receive<'p>(
        &mut self,
        from: Pipe,
        packet: Result<Packet<'p>, PacketError>,
        now: Duration,
        out: &mut Tray,
    ) -> Option<Incoming<'p>> {
        match (from, self.phase) {
            (Pipe::Current, Phase::Opening { transport, .. }) => {
                return self.receive_opening(transport, packet, now, out);
            }
            (
                Pipe::Current,
                Phase::Polling | Phase::Probing { .. } | Phase::Pausing { .. } | Phase::Streaming,
            ) => {
                if let Ok(Packet::Message(message)) = packet {
                    self.heartbeat.heard(&self.patience, now);
                    return Some(Incoming::Message(message));
                }
                self.receive_control(packet, now, out);
            }
            (Pipe::Candidate, Phase::Probing { .. } | Phase::Pausing { .. }) => {
                self.receive_on_candidate(packet, out);
            }
            (Pipe::Candidate, Phase::Opening { .. } | Phase::Polling | Phase::Streaming)
            | (_, Phase::Closed { .. }) => {}
        }
        None
    }

    /// The candidate that was ordered is open.
    pub fn candidate_opened(&mut self, out: &mut Tray) {
        match &mut self.phase {
            Phase::Probing { asked: asked @ false, .. } => {
                *asked = true;
                out.push(Order::Send(Pipe::Candidate, Control::Probe));
            }
            // The one we know of has been reported already.
            Phase::Probing { .. } | Phase::Pausing { .. } => {}
            // Dropped while it was being opened.
            Phase::Opening { .. } | Phase::Polling | Phase::Streaming | Phase::Closed { .. } => {
                out.push(Order::DropCandidate);
            }
        }
    }

    /// No request is under way any more, and all that came back has been handed in.
    pub fn polling_paused(&mut self, out: &mut Tray) {
        match self.phase {
            Phase::Pausing { .. } => {
                self.phase = Phase::Streaming;
                out.push(Order::Send(Pipe::Candidate, Control::Upgrade));
                out.push(Order::Switch);
            }
            Phase::Opening { .. }
            | Phase::Polling
            | Phase::Probing { .. }
            | Phase::Streaming
            | Phase::Closed { .. } => {}
        }
    }

    /// A pipe is gone, or could not be opened: end of stream, I/O error, close frame, a request that failed
    /// or was refused. Without a candidate the session goes on polling; without the current pipe it is over.
    pub fn pipe_lost(&mut self, pipe: Pipe, reason: CloseReason, out: &mut Tray) {
        match pipe {
            Pipe::Current if self.closed().is_none() => self.finish(reason, Goodbye::Nothing, out),
            Pipe::Current => {}
            Pipe::Candidate => self.drop_candidate(out),
        }
    }
}

/// Our own user wants something.
impl<H: Heartbeat> Session<H> {
    /// Ends the session; what is queued still goes out.
    pub fn close(&mut self, reason: CloseReason, out: &mut Tray) {
        match self.phase {
            Phase::Closed { .. } => {}
            // The server does not know us yet, or we do not know our sid.
            Phase::Opening { .. } => self.finish(reason, Goodbye::Hurry, out),
            Phase::Streaming => self.finish(reason, Goodbye::Flush, out),
            Phase::Polling | Phase::Probing { .. } | Phase::Pausing { .. } => {
                out.push(Order::Send(Pipe::Current, Control::Close));
                self.finish(reason, Goodbye::Flush, out);
            }
        }
    }
}

/// The steps behind them.
impl<H: Heartbeat> Session<H> {
    fn receive_opening<'p>(
        &mut self,
        transport: Transport,
        packet: Result<Packet<'p>, PacketError>,
        now: Duration,
        out: &mut Tray,
    ) -> Option<Incoming<'p>> {
        let opened = match packet {
            Ok(Packet::Open(json)) => Open::parse(json),
            // Nothing can come before the open packet.
            Ok(_) => Err(PacketError::BadOpen),
            Err(error) => Err(error),
        };
        let Ok(open) = opened else {
            self.finish(CloseReason::ParseError, Goodbye::Hurry, out);
            return None;
        };
        self.patience.told(&open);
        self.heartbeat = H::begin(&self.patience, now);
        self.phase = self.opened(transport, &open, now, out);
        Some(Incoming::Open(Box::new(open)))
    }

    fn opened(&self, transport: Transport, open: &Open, now: Duration, out: &mut Tray) -> Phase {
        match transport {
            Transport::WebSocket => Phase::Streaming,
            Transport::Polling if self.upgrade && open.offers_websocket() => {
                out.push(Order::OpenCandidate);
                let give_up_at = self.patience.upgrade_ends(now);
                Phase::Probing { asked: false, give_up_at }
            }
            Transport::Polling => Phase::Polling,
        }
    }

    fn receive_control(
        &mut self,
        packet: Result<Packet<'_>, PacketError>,
        now: Duration,
        out: &mut Tray,
    ) {
        match packet {
            Ok(Packet::Ping(_)) => {
                let heard = self.heartbeat.pinged(&self.patience, now);
                follow(heard, out);
            }
            Ok(Packet::Pong(_)) => {
                let heard = self.heartbeat.ponged(&self.patience, now);
                follow(heard, out);
            }
            Ok(Packet::Close) => self.finish(CloseReason::TransportClose, Goodbye::Hurry, out),
            Err(_) => self.finish(CloseReason::ParseError, Goodbye::Hurry, out),
            // A noop only ends a poll; the others mean nothing here, and do no harm.
            Ok(Packet::Noop | Packet::Open(_) | Packet::Upgrade | Packet::Message(_)) => {
                self.heartbeat.heard(&self.patience, now);
            }
        }
    }

    fn receive_on_candidate(&mut self, packet: Result<Packet<'_>, PacketError>, out: &mut Tray) {
        match (packet, self.phase) {
            (Ok(Packet::Pong("probe")), Phase::Probing { asked: true, give_up_at }) => {
                self.phase = Phase::Pausing { give_up_at };
                out.push(Order::PausePolling);
            }
            _ => self.drop_candidate(out),
        }
    }

    /// Back to polling alone, if an upgrade is under way.
    fn drop_candidate(&mut self, out: &mut Tray) {
        match self.phase {
            Phase::Probing { .. } => out.push(Order::DropCandidate),
            Phase::Pausing { .. } => out.extend([Order::DropCandidate, Order::ResumePolling]),
            Phase::Opening { .. } | Phase::Polling | Phase::Streaming | Phase::Closed { .. } => {
                return;
            }
        }
        self.phase = Phase::Polling;
    }

    fn finish(&mut self, reason: CloseReason, goodbye: Goodbye, out: &mut Tray) {
        if self.is_upgrading() {
            out.push(Order::DropCandidate);
        }
        self.phase = Phase::Closed { reason, transport: self.transport() };
        out.push(Order::Finish(goodbye));
    }
}

/// What the heartbeat wants. A server that beats in the wrong direction is not heard, which does no harm.
fn follow(heard: Heard, out: &mut Tray) {
    match heard {
        Heard::Answer => out.push(Order::Send(Pipe::Current, Control::Pong)),
        Heard::Fine | Heard::Wrong => {}
    }
}
