//! A socket's public id: others may know it, and address it as a room.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use engine_proto::Sid;

/// Twenty characters of its own, or what an old client makes of its connection's: `/chat#` and twenty characters.
#[derive(Clone)]
pub(crate) enum SocketId {
    Own(Sid),
    Made(Arc<str>),
}

impl SocketId {
    /// One that nobody has.
    pub(crate) fn fresh() -> Self {
        SocketId::Own(Sid::from_random(rand::random()))
    }

    /// One that was written down; `None` if it is none of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.rsplit_once('#') {
            None => Sid::parse(text).map(SocketId::Own),
            Some((_, sid)) => Sid::parse(sid).map(|_| SocketId::Made(text.into())),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            SocketId::Own(sid) => sid.as_str(),
            SocketId::Made(text) => text,
        }
    }
}

impl Borrow<str> for SocketId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for SocketId {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for SocketId {}

/// As its text, by which it is looked up.
impl Hash for SocketId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        for text in
            ["AAAAAAAAAAAAAAAAAAAA", "/chat#AAAAAAAAAAAAAAAAAAAA", "/a#b#AAAAAAAAAAAAAAAAAAAA"]
        {
            assert_eq!(SocketId::parse(text).map(|id| id.to_string()).as_deref(), Some(text));
        }
        for text in ["", "short", "/chat#", "/chat#short"] {
            assert!(SocketId::parse(text).is_none(), "{text}");
        }
    }
}
