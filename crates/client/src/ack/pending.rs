//! The questions of one socket that are on their way to the server.

use socket_proto::{Acks, OwnedArgs};

use super::{Silence, Waiter, tell};

/// Who waits for the answer to which id. What waits to be sent has its waiter with it, and comes here when it is sent.
///
/// A late, doubled or invented answer finds nobody, which is no error.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    acks: Acks<Waiter>,
}

impl Pending {
    pub(crate) fn len(&self) -> usize {
        self.acks.len()
    }

    /// The question is being sent. Of one whose asker does not wait any more, nothing is kept.
    pub(crate) fn sent(&mut self, id: u64, waiter: Waiter) {
        if !waiter.is_closed() {
            self.acks.ask_with(id, waiter);
        }
    }

    /// The server has answered.
    pub(crate) fn answered(&mut self, id: u64, args: OwnedArgs) {
        tell(self.acks.answer(id), Ok(args));
    }

    /// Nobody waits for this answer any more.
    pub(crate) fn forget(&mut self, id: u64) {
        self.acks.answer(id);
    }

    /// There will be no answers, for this reason.
    pub(crate) fn end(&mut self, why: &Silence) {
        for (_, waiter) in self.acks.drain() {
            tell(Some(waiter), Err(why.clone()));
        }
    }
}
