//! Event names, and the six that belong to the library.

/// Names that no peer may use for an event of its own: the libraries announce the life of a
/// socket with them (Socket.IO 5, "EVENT").
pub const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Whether `name` is one of [`RESERVED`]. Sending or receiving such an event is an error.
///
/// ```
/// use sockeye_socket_proto::event;
///
/// assert!(event::is_reserved("disconnect"));
/// assert!(!event::is_reserved("error")); // an ordinary name, unlike in the first versions
/// ```
pub fn is_reserved(name: &str) -> bool {
    reserved(name).is_some()
}

/// The reserved name which `name` is, for error texts.
#[inline]
pub(crate) fn reserved(name: &str) -> Option<&'static str> {
    // Asked for each event: nearly all are told by the first letter.
    if !name.starts_with(['c', 'd', 'n', 'r']) {
        return None;
    }
    RESERVED.into_iter().find(|reserved| *reserved == name)
}
