//! Why sockets have left, for `reason-of`.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use sockeye::DisconnectReason;

/// The last sockets that left, newest first. The oldest is forgotten for the newest.
#[derive(Clone, Default)]
pub(crate) struct Reasons(Arc<Mutex<VecDeque<(String, DisconnectReason)>>>);

/// How many are remembered.
const MOST: usize = 10_000;

impl Reasons {
    pub(crate) fn remember(&self, id: &str, reason: DisconnectReason) {
        let mut reasons = self.0.lock();
        reasons.push_front((id.to_owned(), reason));
        reasons.truncate(MOST);
    }

    pub(crate) fn of(&self, id: &str) -> Option<DisconnectReason> {
        let reasons = self.0.lock();
        reasons.iter().find(|(known, _)| known == id).map(|(_, reason)| *reason)
    }
}
