//! The accepting side: sends pings, holds a GET, judges a candidate.

mod time;

use std::time::Duration;

use super::heartbeat::{Beating, Heard, Heartbeat};
use super::phase::{Phase, Requests};
use super::timers::Patience;
use super::{Goodbye, Order, Pipe, Tray};
use crate::config::{Config, Transport};
use crate::packet::{Control, Message, Packet, PacketError};
use crate::reason::CloseReason;

/// The server's half of one session.
///
/// It is told what happens (`receive`, `poll_arrived`, `candidate_arrived`, …), that time passes
/// (`timeout`, to be called when [`next_timeout`](Self::next_timeout) is reached), and what our own user
/// wants (`close`, `ping`). What the driver has to do about it comes in the tray. No call panics, whatever
/// order they come in, and after the end they do nothing but refuse what arrives.
///
/// The open packet ([`open_packet`](crate::handshake::open_packet)) is the driver's first packet: over
/// polling it is the answer to the GET that made the session, which is not reported here.
///
/// ```
/// use std::{mem::take, time::Duration};
/// use sockeye_engine_proto::{CloseReason, Config, Control, Goodbye, Order, Packet, Pipe, Session, Transport, Tray};
///
/// let (now, mut out) = (Duration::ZERO, Tray::new());
/// let mut session = Session::accept(Transport::Polling, &Config::default(), now);
///
/// session.poll_arrived(&mut out); // held: nothing is to be done
/// assert!(out.is_empty());
///
/// session.candidate_arrived(now, &mut out); // a WebSocket for this session is open
/// session.receive(Pipe::Candidate, Ok(Packet::Ping("probe")), now, &mut out);
/// assert_eq!(take(&mut out).as_slice(), [
///     Order::Send(Pipe::Candidate, Control::ProbeAnswer),
///     Order::ReleasePoll, // so that the client can stop polling
/// ]);
///
/// session.receive(Pipe::Candidate, Ok(Packet::Upgrade), now, &mut out);
/// assert_eq!(take(&mut out).as_slice(), [Order::Switch]);
/// assert_eq!(session.transport(), Transport::WebSocket);
///
/// session.close(CloseReason::ForcedClose, &mut out);
/// assert_eq!(take(&mut out).as_slice(), [Order::Finish(Goodbye::Flush)]);
/// assert_eq!(session.closed(), Some(CloseReason::ForcedClose));
/// ```
///
/// A session has the heartbeat of revision 4, unless it is a [`v3::Session`](crate::v3::Session).
#[derive(Debug)]
pub struct Session<H = Beating> {
    phase: Phase,
    heartbeat: H,
    patience: Patience,
    /// What to answer a candidate that comes while polling.
    allow_upgrades: bool,
}

impl Session {
    /// A session that has just been opened on this transport. The first ping is due after the ping
    /// interval.
    pub fn accept(transport: Transport, config: &Config, now: Duration) -> Self {
        Session::begin(transport, config, now)
    }
}

impl<H: Heartbeat> Session<H> {
    /// As [`accept`](Session::accept), of either revision.
    pub fn begin(transport: Transport, config: &Config, now: Duration) -> Self {
        let patience = Patience::new(config);
        Session {
            phase: match transport {
                Transport::Polling => Phase::Polling(Requests::default()),
                Transport::WebSocket => Phase::Streaming,
            },
            heartbeat: H::begin(&patience, now),
            patience,
            allow_upgrades: config.offers_upgrade(),
        }
    }
}

/// Looking: free of consequences.
impl<H: Heartbeat> Session<H> {
    /// What the session speaks through, or spoke through when it ended; polling until an upgrade is
    /// complete.
    pub fn transport(&self) -> Transport {
        match self.phase {
            Phase::Polling(_) | Phase::Probing { .. } => Transport::Polling,
            Phase::Streaming => Transport::WebSocket,
            Phase::Closed { transport, .. } => transport,
        }
    }

    /// Why the session is over; `None` while it is open.
    pub fn closed(&self) -> Option<CloseReason> {
        match self.phase {
            Phase::Closed { reason, .. } => Some(reason),
            Phase::Polling(_) | Phase::Probing { .. } | Phase::Streaming => None,
        }
    }

    /// When [`timeout`](Self::timeout) is to be called; `None` only when the session is over.
    pub fn next_timeout(&self) -> Option<Duration> {
        match self.phase {
            Phase::Polling(_) | Phase::Streaming => Some(self.heartbeat.next()),
            Phase::Probing { give_up_at, .. } => Some(self.heartbeat.next().min(give_up_at)),
            Phase::Closed { .. } => None,
        }
    }

    /// Whether a ping has been sent that is not answered. A pong that makes it false is the answer; others
    /// change nothing.
    pub fn awaits_pong(&self) -> bool {
        let open = !matches!(self.phase, Phase::Closed { .. });
        open && self.heartbeat.awaits_pong()
    }

    /// Whether there is a candidate.
    pub fn is_upgrading(&self) -> bool {
        matches!(self.phase, Phase::Probing { .. })
    }
}

/// Something happened outside: packets.
impl<H: Heartbeat> Session<H> {
    /// Takes in one packet from the peer. A message comes back; everything else is dealt with here.
    ///
    /// A packet on the current pipe that breaks the protocol ends the session; a POST that carried it is
    /// answered `200 ok` all the same, as the reference does, and the rest of its payload is to be dropped
    /// (messages of a closed session do not come back). One on the candidate ends the candidate only.
    ///
    /// A close packet (`1`) ends the session on both transports. The reference ignores it on a WebSocket,
    /// and keeps a client that said goodbye until its next pong is missed.
    #[inline]
    pub fn receive<'p>(
        &mut self,
        from: Pipe,
        packet: Result<Packet<'p>, PacketError>,
        now: Duration,
        out: &mut Tray,
    ) -> Option<Message<'p>> {
        match (from, &self.phase) {
            (Pipe::Current, Phase::Polling(_) | Phase::Probing { .. } | Phase::Streaming) => {
                if let Ok(Packet::Message(message)) = packet {
                    self.heartbeat.heard(&self.patience, now);
                    return Some(message);
                }
                self.receive_control(packet, now, out);
            }
            (Pipe::Candidate, Phase::Probing { .. }) => self.receive_on_candidate(packet, out),
            (Pipe::Candidate, Phase::Polling(_) | Phase::Streaming) | (_, Phase::Closed { .. }) => {
            }
        }
        None
    }

    // Never inlined: it would be more than all that a message needs.
    #[inline(never)]
    fn receive_control(
        &mut self,
        packet: Result<Packet<'_>, PacketError>,
        now: Duration,
        out: &mut Tray,
    ) {
        match packet {
            Ok(Packet::Pong(_)) => {
                let heard = self.heartbeat.ponged(&self.patience, now);
                self.follow(heard, out);
            }
            Ok(Packet::Ping(_)) => {
                let heard = self.heartbeat.pinged(&self.patience, now);
                self.follow(heard, out);
            }
            Ok(Packet::Close) => self.hang_up(out),
            Err(_) => self.fail(CloseReason::ParseError, out),
            // Meaningless from an open client, and harmless.
            Ok(Packet::Open(_) | Packet::Upgrade | Packet::Noop | Packet::Message(_)) => {
                self.heartbeat.heard(&self.patience, now);
            }
        }
    }

    #[inline(never)]
    fn receive_on_candidate(&mut self, packet: Result<Packet<'_>, PacketError>, out: &mut Tray) {
        let Phase::Probing { requests, probed, .. } = &mut self.phase else {
            return;
        };
        match packet {
            Ok(Packet::Ping("probe")) if !*probed => {
                *probed = true;
                out.push(Order::Send(Pipe::Candidate, Control::ProbeAnswer));
                // "Upgrade": the client pauses polling, which takes until its open GET has returned.
                requests.release(out);
            }
            Ok(Packet::Upgrade) => {
                requests.release(out); // a client that skipped the probe may have one open
                self.phase = Phase::Streaming;
                out.push(Order::Switch);
            }
            // A second probe too: each would be answered, and nothing bounds how many there are.
            Ok(_) | Err(_) => self.drop_candidate(out),
        }
    }
}

/// Something happened outside: requests of a polling client.
impl<H: Heartbeat> Session<H> {
    /// A GET. If nothing in the tray says otherwise, the driver holds it, or answers it at once if
    /// something is queued, and then says [`poll_answered`](Self::poll_answered).
    ///
    /// A second GET is refused with 400, the first one is ended with `1`, and so is the session.
    pub fn poll_arrived(&mut self, out: &mut Tray) {
        match &mut self.phase {
            Phase::Polling(Requests { get: true, .. })
            | Phase::Probing { requests: Requests { get: true, .. }, .. } => {
                out.push(Order::RefuseRequest(400));
                self.fail(CloseReason::TransportError, out);
            }
            Phase::Probing { probed: true, .. } => out.push(Order::ReleasePoll),
            Phase::Polling(requests) | Phase::Probing { requests, .. } => requests.get = true,
            Phase::Closed { goodbye_waits: waits @ true, .. } => {
                *waits = false;
                out.push(Order::ReleasePoll);
            }
            Phase::Streaming | Phase::Closed { .. } => out.push(Order::RefuseRequest(400)),
        }
    }

    /// The driver has answered the held GET of its own accord, with what was queued.
    pub fn poll_answered(&mut self) {
        if let Some(requests) = self.phase.requests() {
            requests.get = false;
        }
    }

    /// The client gave up the held GET before it was answered.
    pub fn poll_aborted(&mut self, out: &mut Tray) {
        match &mut self.phase {
            Phase::Polling(requests) | Phase::Probing { requests, .. } if requests.get => {
                requests.get = false;
                self.fail(CloseReason::TransportError, out);
            }
            // It was answered a moment ago.
            Phase::Polling(_) | Phase::Probing { .. } | Phase::Streaming | Phase::Closed { .. } => {
            }
        }
    }

    /// A POST; its body is still to come. [`post_finished`](Self::post_finished) or
    /// [`post_aborted`](Self::post_aborted) has to follow, unless it is refused here. A body over the
    /// limit counts as finished: it is answered 413, and the session stays.
    ///
    /// A second POST is refused with 400 and ends the session; the first one may be answered as the
    /// driver likes.
    pub fn post_arrived(&mut self, out: &mut Tray) {
        match &mut self.phase {
            Phase::Polling(requests) | Phase::Probing { requests, .. } if !requests.post => {
                requests.post = true;
            }
            Phase::Polling(_) | Phase::Probing { .. } => {
                out.push(Order::RefuseRequest(400));
                self.fail(CloseReason::TransportError, out);
            }
            // Sent before the client could know; its packets come to nothing.
            Phase::Closed { goodbye_waits: true, .. } => {}
            Phase::Streaming | Phase::Closed { .. } => out.push(Order::RefuseRequest(400)),
        }
    }

    /// The POST's body is complete: its packets have been handed to [`receive`](Self::receive), each from
    /// [`Pipe::Current`].
    pub fn post_finished(&mut self) {
        if let Some(requests) = self.phase.requests() {
            requests.post = false;
        }
    }

    /// The client gave up the POST before its body was complete.
    pub fn post_aborted(&mut self, out: &mut Tray) {
        match &mut self.phase {
            Phase::Polling(requests) | Phase::Probing { requests, .. } if requests.post => {
                requests.post = false;
                self.fail(CloseReason::TransportError, out);
            }
            Phase::Polling(_) | Phase::Probing { .. } | Phase::Streaming | Phase::Closed { .. } => {
            }
        }
    }

    /// A POST whose content type this revision does not have (`application/octet-stream`). Said instead of
    /// [`post_arrived`](Self::post_arrived).
    pub fn post_invalid_content(&mut self, out: &mut Tray) {
        out.push(Order::RefuseRequest(400));
        match self.phase {
            Phase::Polling(_) | Phase::Probing { .. } => {
                self.fail(CloseReason::TransportError, out);
            }
            Phase::Streaming | Phase::Closed { .. } => {}
        }
    }
}

/// Something happened outside: pipes come and go.
impl<H: Heartbeat> Session<H> {
    /// A WebSocket that names this session is open. It becomes the candidate, unless upgrades are not
    /// allowed, there is a candidate already, or the session is past polling.
    pub fn candidate_arrived(&mut self, now: Duration, out: &mut Tray) {
        match self.phase {
            Phase::Polling(requests) if self.allow_upgrades => {
                let give_up_at = self.patience.upgrade_ends(now);
                self.phase = Phase::Probing { requests, probed: false, give_up_at };
            }
            Phase::Polling(_) | Phase::Probing { .. } | Phase::Streaming | Phase::Closed { .. } => {
                out.push(Order::RefuseCandidate);
            }
        }
    }

    /// A pipe is gone: end of stream, I/O error, a close frame, or a frame that broke RFC 6455 (then the
    /// driver has sent the close frame with its code). The loss of a candidate harms nobody; the loss of
    /// the current pipe ends the session for this reason.
    pub fn pipe_lost(&mut self, pipe: Pipe, reason: CloseReason, out: &mut Tray) {
        match (pipe, &self.phase) {
            (Pipe::Current, Phase::Streaming) => self.finish(reason, Goodbye::Nothing, out),
            (Pipe::Current, Phase::Polling(_) | Phase::Probing { .. }) => self.fail(reason, out),
            (Pipe::Candidate, Phase::Probing { .. }) => self.drop_candidate(out),
            (Pipe::Candidate, Phase::Polling(_) | Phase::Streaming) | (_, Phase::Closed { .. }) => {
            }
        }
    }
}

/// Our own user wants something.
impl<H: Heartbeat> Session<H> {
    /// Ends the session. What is queued still goes out, as far as the peer takes it: a held GET is answered
    /// with it and a `1`; without one the next GET gets it, within [`LINGER`](crate::LINGER); a WebSocket
    /// gets it and an empty close frame. The user can be told at once: nothing here waits for a write.
    pub fn close(&mut self, reason: CloseReason, out: &mut Tray) {
        self.end_candidate(out);
        match self.phase {
            Phase::Polling(Requests { get: true, .. }) => {
                out.push(Order::Send(Pipe::Current, Control::Close));
                out.push(Order::ReleasePoll);
                self.finish(reason, Goodbye::Nothing, out);
            }
            Phase::Polling(_) => {
                out.push(Order::Send(Pipe::Current, Control::Noop));
                out.push(Order::Send(Pipe::Current, Control::Close));
                self.finish(reason, Goodbye::NextPoll, out);
            }
            Phase::Streaming => self.finish(reason, Goodbye::Flush, out),
            Phase::Probing { .. } | Phase::Closed { .. } => {}
        }
    }

    /// Sends a ping now, to see whether the peer is still there. `false`, and no ping, if one is
    /// outstanding, the session is over, or it is the client that pings.
    pub fn ping(&mut self, now: Duration, out: &mut Tray) -> bool {
        let sent = self.closed().is_none() && self.heartbeat.hurry(&self.patience, now);
        if sent {
            out.push(Order::Send(Pipe::Current, Control::Ping));
        }
        sent
    }
}

/// The steps that more than one event leads to.
impl<H: Heartbeat> Session<H> {
    fn follow(&mut self, heard: Heard, out: &mut Tray) {
        match heard {
            Heard::Fine => {}
            Heard::Answer => out.push(Order::Send(Pipe::Current, Control::Pong)),
            Heard::Wrong => self.fail(CloseReason::TransportError, out),
        }
    }

    /// The peer is at fault, or silent. A held GET hears `1`, and what is queued for it is lost with the
    /// session, as it is in the reference.
    fn fail(&mut self, reason: CloseReason, out: &mut Tray) {
        self.end(reason, Control::Close, out);
    }

    /// The peer said goodbye; its held GET ends with a noop.
    fn hang_up(&mut self, out: &mut Tray) {
        self.end(CloseReason::TransportClose, Control::Noop, out);
    }

    fn end(&mut self, reason: CloseReason, last_word: Control, out: &mut Tray) {
        self.end_candidate(out);
        match self.phase {
            Phase::Polling(requests) => {
                if requests.get {
                    out.push(Order::EndPoll(last_word));
                }
                self.finish(reason, Goodbye::Nothing, out);
            }
            Phase::Streaming => {
                // Whoever was silent takes nothing more; others may read what was answered before.
                let silent = reason == CloseReason::PingTimeout;
                let goodbye = if silent { Goodbye::CloseFrame } else { Goodbye::Flush };
                self.finish(reason, goodbye, out);
            }
            Phase::Probing { .. } | Phase::Closed { .. } => {}
        }
    }

    fn finish(&mut self, reason: CloseReason, goodbye: Goodbye, out: &mut Tray) {
        let (transport, goodbye_waits) = (self.transport(), goodbye == Goodbye::NextPoll);
        self.phase = Phase::Closed { reason, transport, goodbye_waits };
        out.push(Order::Finish(goodbye));
    }

    /// Back to polling alone, from where a session ends. A candidate whose probe was answered may have a
    /// client that polls no more.
    fn end_candidate(&mut self, out: &mut Tray) {
        if let Phase::Probing { requests, probed: true, .. } = self.phase {
            self.phase = Phase::Polling(requests);
            out.push(Order::EndCandidate);
        }
        self.drop_candidate(out);
    }

    /// Back to polling alone, if there is a candidate.
    fn drop_candidate(&mut self, out: &mut Tray) {
        if let Phase::Probing { requests, .. } = self.phase {
            self.phase = Phase::Polling(requests);
            out.push(Order::DropCandidate);
        }
    }
}
