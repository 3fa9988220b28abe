//! What happens, counted. Each worker has counters of its own, so that cores do not fight over them; they are
//! summed when somebody reads them. What can be seen by looking, such as how much waits, is not counted at all.

use std::sync::atomic::{AtomicU64, Ordering};

use engine_proto::{CloseReason, Refusal, Transport};

/// What has happened since a server was made, and how it is now. Counts begin at 0 and only grow.
///
/// ```
/// use sockeye_transport::Stats;
///
/// let stats = Stats::default();
/// assert_eq!(stats.connections(), 0);
/// assert!(stats.closed().all(|(_, times)| times == 0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions that are open now, and poll.
    pub polling: u64,
    /// Sessions that are open now, on a WebSocket.
    pub websocket: u64,
    /// Sessions that were opened by polling.
    pub opened_polling: u64,
    /// Sessions that were opened on a WebSocket.
    pub opened_websocket: u64,
    /// Sessions that went over from polling to a WebSocket.
    pub upgrades: u64,
    /// Packets of Engine.IO that came, heartbeats included.
    pub packets_in: u64,
    /// Bytes that came: of a WebSocket with their frames, and the bodies of requests.
    pub bytes_in: u64,
    /// What was sent: packets, each with the attachments that belong to it, and control frames.
    pub packets_out: u64,
    /// Bytes that were sent: of a WebSocket with their frames, and the bodies of answers before they are compressed.
    pub bytes_out: u64,
    /// Bytes that wait to be sent now, and what holding them costs: the sum of
    /// [`Connection::queued_bytes`](crate::Connection::queued_bytes).
    pub queued_bytes: u64,
    /// Volatile packets that a client did not get, since it was not ready.
    pub dropped: u64,
    /// Times a client had to wait, since it had sent more bytes than its [rate](crate::Limits::bytes).
    pub slowed: u64,
    /// Addresses that are remembered now, for the [limits](crate::Limits) on them.
    pub addresses: u64,
    closed: [u64; REASONS],
    refused: [u64; Refused::ALL.len()],
}

impl Stats {
    /// Sessions that are open now.
    pub fn connections(&self) -> u64 {
        self.polling + self.websocket
    }

    /// How many sessions have ended, for every reason there is.
    pub fn closed(&self) -> impl Iterator<Item = (CloseReason, u64)> + use<> {
        CloseReason::ALL.into_iter().zip(self.closed)
    }

    /// How many requests were refused, for every reason there is.
    pub fn refused(&self) -> impl Iterator<Item = (Refused, u64)> + use<> {
        Refused::ALL.into_iter().zip(self.refused)
    }

    /// Adds a session that is there.
    pub(crate) fn see(&mut self, transport: Transport, queued: usize) {
        match transport {
            Transport::Polling => self.polling += 1,
            Transport::WebSocket => self.websocket += 1,
        }
        self.queued_bytes += queued as u64;
    }
}

const REASONS: usize = CloseReason::ALL.len();

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// It names no transport, or one that is not offered (code 0).
    TransportUnknown,
    /// No session has its id: it has ended, or is somebody else's (code 1).
    UnknownSession,
    /// A handshake that is no GET (code 2).
    BadHandshakeMethod,
    /// It contradicts its session or itself (code 3).
    BadRequest,
    /// A foreign page, or the application said no (code 4).
    Forbidden,
    /// Another revision of Engine.IO (code 5).
    UnsupportedVersion,
    /// Its head is larger than [`Config::head_bytes`](crate::Config::head_bytes) (431).
    HeadTooLarge,
    /// There are as many sessions as there may be (503).
    Full,
    /// The server lets nobody new in: it drains, or closes (503).
    Leaving,
    /// Its address has as many sessions as it may have (429).
    TooManyConnections,
    /// Its address opens sessions too often (429).
    TooManyHandshakes,
    /// Everybody together opens sessions too often (503).
    Overloaded,
}

impl Refused {
    /// Every reason there is.
    pub const ALL: [Refused; 12] = [
        Refused::TransportUnknown,
        Refused::UnknownSession,
        Refused::BadHandshakeMethod,
        Refused::BadRequest,
        Refused::Forbidden,
        Refused::UnsupportedVersion,
        Refused::HeadTooLarge,
        Refused::Full,
        Refused::Leaving,
        Refused::TooManyConnections,
        Refused::TooManyHandshakes,
        Refused::Overloaded,
    ];

    /// Words for it, as metrics have them.
    pub fn as_str(self) -> &'static str {
        match self {
            Refused::TransportUnknown => "transport unknown",
            Refused::UnknownSession => "unknown session",
            Refused::BadHandshakeMethod => "bad handshake method",
            Refused::BadRequest => "bad request",
            Refused::Forbidden => "forbidden",
            Refused::UnsupportedVersion => "unsupported version",
            Refused::HeadTooLarge => "head too large",
            Refused::Full => "server full",
            Refused::Leaving => "server leaving",
            Refused::TooManyConnections => "too many connections",
            Refused::TooManyHandshakes => "too many handshakes",
            Refused::Overloaded => "server overloaded",
        }
    }
}

impl From<&Refusal> for Refused {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::TransportUnknown => Refused::TransportUnknown,
            Refusal::UnknownSession => Refused::UnknownSession,
            Refusal::BadHandshakeMethod => Refused::BadHandshakeMethod,
            Refusal::BadRequest(_) => Refused::BadRequest,
            Refusal::Forbidden(_) => Refused::Forbidden,
            Refusal::UnsupportedVersion => Refused::UnsupportedVersion,
        }
    }
}

/// What one worker counts. Alone on its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counts {
    opened_polling: AtomicU64,
    opened_websocket: AtomicU64,
    upgrades: AtomicU64,
    packets_in: AtomicU64,
    bytes_in: AtomicU64,
    packets_out: AtomicU64,
    bytes_out: AtomicU64,
    dropped: AtomicU64,
    slowed: AtomicU64,
    closed: [AtomicU64; REASONS],
    refused: [AtomicU64; Refused::ALL.len()],
}

impl Counts {
    pub(crate) fn opened(&self, transport: Transport) {
        match transport {
            Transport::Polling => add(&self.opened_polling, 1),
            Transport::WebSocket => add(&self.opened_websocket, 1),
        }
    }

    pub(crate) fn upgraded(&self) {
        add(&self.upgrades, 1);
    }

    pub(crate) fn received(&self, packets: usize, bytes: usize) {
        add(&self.packets_in, packets);
        add(&self.bytes_in, bytes);
    }

    pub(crate) fn sent(&self, packets: usize, bytes: usize) {
        add(&self.packets_out, packets);
        add(&self.bytes_out, bytes);
    }

    pub(crate) fn dropped(&self) {
        add(&self.dropped, 1);
    }

    pub(crate) fn slowed(&self) {
        add(&self.slowed, 1);
    }

    pub(crate) fn closed(&self, reason: CloseReason) {
        if let Some(place) = CloseReason::ALL.iter().position(|other| *other == reason) {
            add(&self.closed[place], 1);
        }
    }

    pub(crate) fn refused(&self, why: Refused) {
        if let Some(place) = Refused::ALL.iter().position(|other| *other == why) {
            add(&self.refused[place], 1);
        }
    }

    pub(crate) fn add_to(&self, stats: &mut Stats) {
        for (sum, cell) in [
            (&mut stats.opened_polling, &self.opened_polling),
            (&mut stats.opened_websocket, &self.opened_websocket),
            (&mut stats.upgrades, &self.upgrades),
            (&mut stats.packets_in, &self.packets_in),
            (&mut stats.bytes_in, &self.bytes_in),
            (&mut stats.packets_out, &self.packets_out),
            (&mut stats.bytes_out, &self.bytes_out),
            (&mut stats.dropped, &self.dropped),
            (&mut stats.slowed, &self.slowed),
        ] {
            *sum += cell.load(Ordering::Relaxed);
        }
        let closed = stats.closed.iter_mut().zip(&self.closed);
        let refused = stats.refused.iter_mut().zip(&self.refused);
        closed.chain(refused).for_each(|(sum, cell)| *sum += cell.load(Ordering::Relaxed));
    }
}

fn add(cell: &AtomicU64, n: usize) {
    cell.fetch_add(n as u64, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_count_of_its_own() {
        let counts = Counts::default();
        for (times, reason) in CloseReason::ALL.into_iter().enumerate() {
            (0..times).for_each(|_| counts.closed(reason));
        }
        for (times, why) in Refused::ALL.into_iter().enumerate() {
            (0..times).for_each(|_| counts.refused(why));
        }
        let mut stats = Stats::default();
        counts.add_to(&mut stats);
        assert!(stats.closed().enumerate().all(|(place, (_, times))| times == place as u64));
        assert!(stats.refused().enumerate().all(|(place, (_, times))| times == place as u64));
        let words: std::collections::HashSet<_> = Refused::ALL.map(Refused::as_str).into();
        assert_eq!(words.len(), Refused::ALL.len());
    }
}
