//! Why a socket is no longer connected, in the reference's words.

use std::fmt;

use engine_proto::CloseReason;
use serde::{Serialize, Serializer};

/// Why a socket left its namespace.
///
/// [`as_str`](Self::as_str) gives the words that users of the JavaScript client know; it is also what serde writes.
///
/// ```
/// use sockeye_client::DisconnectReason;
///
/// let reason = DisconnectReason::ServerDisconnect;
/// assert_eq!(reason.as_str(), "io server disconnect");
/// assert!(!reason.will_reconnect());
/// assert!(DisconnectReason::PingTimeout.will_reconnect());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The server disconnected this socket: `Socket::disconnect` over there.
    ServerDisconnect,
    /// Our own code did: [`Socket::disconnect`](crate::Socket::disconnect), [`Client::close`](crate::Client::close), or every handle
    /// was dropped.
    ClientDisconnect,
    /// The server did not ping in time.
    PingTimeout,
    /// The connection was closed without a word: the server went away, the network changed.
    TransportClose,
    /// The network, or the rules of the transport, failed.
    TransportError,
    /// What came is no packet of Socket.IO.
    ParseError,
    /// The connection was closed on our side, since what the server sent went over a limit.
    ForcedClose,
}

impl DisconnectReason {
    /// The words, in the reference's spelling.
    ///
    /// ```
    /// assert_eq!(sockeye_client::DisconnectReason::PingTimeout.as_str(), "ping timeout");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServerDisconnect => "io server disconnect",
            Self::ClientDisconnect => "io client disconnect",
            Self::PingTimeout => "ping timeout",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
        }
    }

    /// Whether the client comes back by itself, if [reconnection](crate::Reconnection) is on: neither side meant it to end.
    ///
    /// ```
    /// use sockeye_client::DisconnectReason;
    ///
    /// assert!(DisconnectReason::TransportClose.will_reconnect());
    /// assert!(!DisconnectReason::ClientDisconnect.will_reconnect());
    /// ```
    pub fn will_reconnect(self) -> bool {
        !matches!(self, Self::ServerDisconnect | Self::ClientDisconnect)
    }
}

impl From<CloseReason> for DisconnectReason {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::TransportError => Self::TransportError,
            CloseReason::TransportClose => Self::TransportClose,
            CloseReason::PingTimeout => Self::PingTimeout,
            CloseReason::ParseError => Self::ParseError,
            // The others are a server's.
            _ => Self::ForcedClose,
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DisconnectReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
