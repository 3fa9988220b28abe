//! What becomes of sessions when the log fails: a full disk, or one that does not answer.
//!
//! Events are refused then, and whoever waits for one is told. Changes of sessions (who is in which room) stay in force,
//! but some of them are not on the disk. A session that came back from there after a restart would miss events, and
//! nobody would know. So the log forgets all of them: they go on as long as the server lives, and after a restart their
//! clients are told that there is a gap.

use super::{Durable, wish};

impl Durable {
    /// The log has failed.
    pub(super) fn is_not_saved(&self) {
        let _order = self.order.lock();
        for session in self.sessions.all() {
            let mut state = session.state();
            state.unsaved = true;
            let holder = state.holder.clone().filter(|_| state.notice.is_some());
            drop(state);
            if let Some(socket) = holder {
                session.wish(wish::TELL, &socket);
            }
        }
    }
}
