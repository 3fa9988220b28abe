//! Why a socket is no longer connected: the reference's words, and ours beside them.

use std::fmt;

use engine_proto::CloseReason;
use serde::{Serialize, Serializer};

/// Why a socket left its namespace.
///
/// [`as_str`](Self::as_str) gives the words that users of the reference know; it is also what serde
/// writes. The last two reasons are this implementation's own.
///
/// ```
/// use sockeye::DisconnectReason;
///
/// let reason = DisconnectReason::ClientNamespaceDisconnect;
/// assert_eq!(reason.as_str(), "client namespace disconnect");
/// assert!(!reason.is_recoverable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The network or the transport's rules failed.
    TransportError,
    /// The connection was closed without a word.
    TransportClose,
    /// The engine session was closed by the server, or the client broke the protocol.
    ForcedClose,
    /// The connection was closed since it had joined no namespace.
    ForcedServerClose,
    /// The client did not answer a ping in time.
    PingTimeout,
    /// [`Io::close`](crate::Io::close) was called.
    ServerShuttingDown,
    /// The client sent an Engine.IO packet that is none.
    ParseError,
    /// The client left the namespace.
    ClientNamespaceDisconnect,
    /// The server called [`Socket::disconnect`](crate::Socket::disconnect).
    ServerNamespaceDisconnect,
    /// The client does not read what is sent to it, and its outbox was full.
    SlowConsumer,
    /// The client sent more events than may be parked.
    TooManyEvents,
}

impl DisconnectReason {
    const ALL: [DisconnectReason; 11] = [
        DisconnectReason::TransportError,
        DisconnectReason::TransportClose,
        DisconnectReason::ForcedClose,
        DisconnectReason::ForcedServerClose,
        DisconnectReason::PingTimeout,
        DisconnectReason::ServerShuttingDown,
        DisconnectReason::ParseError,
        DisconnectReason::ClientNamespaceDisconnect,
        DisconnectReason::ServerNamespaceDisconnect,
        DisconnectReason::SlowConsumer,
        DisconnectReason::TooManyEvents,
    ];

    /// The words, in the reference's spelling where it has them.
    pub fn as_str(self) -> &'static str {
        match self {
            DisconnectReason::TransportError => "transport error",
            DisconnectReason::TransportClose => "transport close",
            DisconnectReason::ForcedClose => "forced close",
            DisconnectReason::ForcedServerClose => "forced server close",
            DisconnectReason::PingTimeout => "ping timeout",
            DisconnectReason::ServerShuttingDown => "server shutting down",
            DisconnectReason::ParseError => "parse error",
            DisconnectReason::ClientNamespaceDisconnect => "client namespace disconnect",
            DisconnectReason::ServerNamespaceDisconnect => "server namespace disconnect",
            DisconnectReason::SlowConsumer => "slow consumer",
            DisconnectReason::TooManyEvents => "too many events",
        }
    }

    /// Whether the client may simply come back: neither side meant it to end.
    pub fn is_recoverable(self) -> bool {
        !matches!(
            self,
            DisconnectReason::ParseError
                | DisconnectReason::ClientNamespaceDisconnect
                | DisconnectReason::ServerNamespaceDisconnect
        )
    }

    /// A number that fits beside a socket's other states; see [`from_code`](Self::from_code).
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl From<CloseReason> for DisconnectReason {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::TransportError => DisconnectReason::TransportError,
            CloseReason::TransportClose => DisconnectReason::TransportClose,
            CloseReason::ForcedClose => DisconnectReason::ForcedClose,
            CloseReason::PingTimeout => DisconnectReason::PingTimeout,
            CloseReason::ParseError => DisconnectReason::ParseError,
            CloseReason::ServerShuttingDown => DisconnectReason::ServerShuttingDown,
            CloseReason::SlowConsumer => DisconnectReason::SlowConsumer,
            CloseReason::TooManyEvents => DisconnectReason::TooManyEvents,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_finds_its_reason() {
        for reason in DisconnectReason::ALL {
            assert_eq!(DisconnectReason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(DisconnectReason::from_code(200), None);
    }
}
