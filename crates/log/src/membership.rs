//! Who was in which room, from when to when.

use crate::codec::{Fields, seal, unseal};
use crate::session::session_key;
use crate::{Position, SessionId};

/// A stay in a room: it hears the events behind `joined` and before `left`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The room; `""` is everyone.
    pub room: Box<str>,
    /// Where it joined; it hears what comes behind.
    pub joined: Position,
    /// Where it left; it hears what came before. `None`: it is still in.
    pub left: Option<Position>,
}

impl Interval {
    /// A stay that goes on.
    pub fn since(room: impl Into<Box<str>>, joined: Position) -> Self {
        Self { room: room.into(), joined, left: None }
    }

    /// Whether it hears something in `(after, up_to]`.
    pub(crate) fn meets(&self, after: u64, up_to: u64) -> bool {
        let first = self.joined.get().max(after).saturating_add(1);
        first <= up_to.min(self.last())
    }

    /// The last position it may hear.
    pub(crate) fn last(&self) -> u64 {
        self.left.map_or(u64::MAX, |left| left.get().saturating_sub(1))
    }

    /// What a store has under this key; `None` if it is not what was written.
    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Option<Self> {
        let left = Fields(unseal(key, value)?).u64()?;
        let mut fields = Fields(key.get(20..)?);
        Some(Self {
            joined: fields.u64()?.into(),
            room: std::str::from_utf8(fields.0).ok()?.into(),
            left: (left > 0).then_some(left.into()),
        })
    }
}

/// Namespace, session, position, room.
pub(crate) fn interval_key(shard: u32, id: SessionId, joined: Position, room: &str) -> Vec<u8> {
    let mut key = session_key(shard, id);
    key.extend_from_slice(&joined.get().to_be_bytes());
    key.extend_from_slice(room.as_bytes());
    key
}

/// When it left; zero while it is in.
pub(crate) fn encode_left(key: &[u8], left: Position) -> Vec<u8> {
    seal(key, left.get().to_be_bytes().to_vec())
}
