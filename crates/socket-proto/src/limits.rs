//! What a peer may ask of one connection, in numbers.

use std::time::Duration;

/// The bounds of one connection. Each is checked before the memory is taken.
///
/// ```
/// use sockeye_socket_proto::Limits;
///
/// let limits = Limits { attachments: 32, ..Limits::default() };
/// assert_eq!(limits.attachment_bytes, 1_000_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most attachments that one packet may announce (default 10, as in the reference).
    pub attachments: usize,
    /// The most bytes that the attachments of one packet may have together (default 1 000 000).
    pub attachment_bytes: usize,
    /// How long the attachments of one packet may take to arrive, all of them, counted from the
    /// packet that announced them (default 20 s).
    pub attachment_deadline: Duration,
    /// How long a connection may stay without a joined namespace (default 45 s). On the client:
    /// how long one CONNECT may stay unanswered.
    pub connect_timeout: Duration,
    /// The most namespaces that one connection may have joined or be joining (default 64).
    pub namespaces: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attachments: 10,
            attachment_bytes: 1_000_000,
            attachment_deadline: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
            namespaces: 64,
        }
    }
}
