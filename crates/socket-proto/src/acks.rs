//! Acknowledgements: finding who waits for an answer.
//!
//! Ids come from outside: one counter serves a whole namespace, so that a broadcast asks all of
//! its recipients with one id, in bytes that are shared.

use std::collections::BTreeMap;

/// Everyone at one socket who still waits for an answer.
///
/// A late, doubled or invented answer finds nobody, which is no error. The table grows with what
/// our own side asks, never with what the peer sends; who gives up waiting takes the entry back
/// with [`Acks::answer`].
///
/// ```
/// use sockeye_socket_proto::Acks;
///
/// let mut acks = Acks::new();
/// acks.ask_with(7, "alice");
/// assert_eq!(acks.answer(7), Some("alice"));
/// assert_eq!(acks.answer(7), None);
/// ```
#[derive(Clone, Debug)]
pub struct Acks<W> {
    /// Ordered, so that `drain` reports the oldest first; empty tables own no memory.
    waiting: BTreeMap<u64, W>,
}

impl<W> Acks<W> {
    /// Nobody waits.
    pub fn new() -> Self {
        Self { waiting: BTreeMap::new() }
    }

    /// `who` waits for the answer to `id`. Returns who waited for the same id before.
    pub fn ask_with(&mut self, id: u64, who: W) -> Option<W> {
        self.waiting.insert(id, who)
    }

    /// Takes out who waited for `id`.
    pub fn answer(&mut self, id: u64) -> Option<W> {
        self.waiting.remove(&id)
    }

    /// How many are waiting.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes out all who wait, with their ids, oldest id first: the socket is gone.
    pub fn drain(&mut self) -> impl Iterator<Item = (u64, W)> + use<W> {
        std::mem::take(&mut self.waiting).into_iter()
    }
}

impl<W> Default for Acks<W> {
    fn default() -> Self {
        Self::new()
    }
}
