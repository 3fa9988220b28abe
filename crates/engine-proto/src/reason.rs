//! Why sessions end: the words users know, and what an operator can do about it.

use std::fmt;

/// Why a session ended. [`as_str`](Self::as_str) gives the words Socket.IO users already search
/// their logs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The wire failed, or the peer broke a rule of the transport: overlapping requests, an aborted
    /// request, an oversize frame, a ping from the client.
    TransportError,
    /// The other side hung up, with a close packet or without one.
    TransportClose,
    /// Our own code closed the session.
    ForcedClose,
    /// No pong (server) or no ping (client) in time.
    PingTimeout,
    /// A packet that is none.
    ParseError,
    /// The server is going down.
    ServerShuttingDown,
    /// The peer does not read what is sent to it, and its outbox is full.
    SlowConsumer,
    /// The peer sends more events than its handlers can take, past what may be parked.
    TooManyEvents,
}

impl CloseReason {
    /// Every reason there is; for metrics that want a row for each.
    pub const ALL: [CloseReason; 8] = [
        CloseReason::TransportError,
        CloseReason::TransportClose,
        CloseReason::ForcedClose,
        CloseReason::PingTimeout,
        CloseReason::ParseError,
        CloseReason::ServerShuttingDown,
        CloseReason::SlowConsumer,
        CloseReason::TooManyEvents,
    ];

    /// The words, in the reference's spelling where it has them.
    pub fn as_str(self) -> &'static str {
        match self {
            CloseReason::TransportError => "transport error",
            CloseReason::TransportClose => "transport close",
            CloseReason::ForcedClose => "forced close",
            CloseReason::PingTimeout => "ping timeout",
            CloseReason::ParseError => "parse error",
            CloseReason::ServerShuttingDown => "server shutting down",
            CloseReason::SlowConsumer => "slow consumer",
            CloseReason::TooManyEvents => "too many events",
        }
    }

    /// What lies behind it and what can be done, for a log line or an admin page.
    pub fn hint(self) -> &'static str {
        match self {
            CloseReason::TransportError => {
                "a broken connection, an oversize message, or a client that breaks the protocol"
            }
            CloseReason::TransportClose => {
                "the other side hung up: a closed tab, or a proxy with a short idle limit"
            }
            CloseReason::ForcedClose => "our own code asked for it",
            CloseReason::PingTimeout => {
                "no heartbeat in time: a sleeping tab, a dead link, or a blocked event loop"
            }
            CloseReason::ParseError => {
                "the peer sent something that is no packet: not an Engine.IO 4 peer, or a meddling proxy"
            }
            CloseReason::ServerShuttingDown => {
                "the server is stopping; clients reconnect elsewhere"
            }
            CloseReason::SlowConsumer => {
                "the client reads more slowly than it is written to: send less, or raise the outbox limit"
            }
            CloseReason::TooManyEvents => {
                "events arrive faster than handlers finish: make them faster, or raise the parking limit"
            }
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
