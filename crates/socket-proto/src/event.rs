//! Event names, and the six that belong to the library; reading an event that was encoded here.

use std::borrow::Cow;

use crate::packet::{Head, Kind};
use crate::split;

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

/// An event as it stands in a packet's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its arguments as JSON, without the array's brackets.
    pub json: &'a str,
    /// Whether it asks for an answer.
    pub asks: bool,
}

/// Reads the text of an event; `None` if it is another packet.
///
/// ```
/// use sockeye_socket_proto::event;
///
/// let sent = event::read("2/admin,7[\"news\",1,{}]").unwrap();
/// assert_eq!((&*sent.name, sent.json, sent.asks), ("news", "1,{}", true));
/// assert_eq!(event::read("3/admin,7[1]"), None);
/// ```
pub fn read(text: &str) -> Option<Sent<'_>> {
    let head = Head::parse(text).ok().filter(|head| head.kind == Kind::Event)?;
    let (name, json) = split::event(head.payload).ok()?;
    Some(Sent { name, json, asks: head.id.is_some() })
}
