//! An answer that several handlers may give: the first that has something to say does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use handler::verdict::is_empty;
use socket_proto::Encoded;
use transport::ROOM;

use super::owed::{NO_ANSWER, answer_with};
use crate::{Error, Socket, ToArgs};

/// What the client of an event waits for that has several handlers. Each holds it as long as it may answer; when nobody
/// does any more and nothing was said, that is what the client hears.
#[derive(Debug)]
pub(crate) struct Question {
    socket: Socket,
    pub(super) id: u64,
    answered: AtomicBool,
    /// Somebody has returned `()`: that is an answer if there is no better one.
    returned: AtomicBool,
}

impl Question {
    pub(crate) fn new(socket: &Socket, id: u64) -> Arc<Self> {
        let [answered, returned] = [AtomicBool::new(false), AtomicBool::new(false)];
        Arc::new(Question { socket: socket.clone(), id, answered, returned })
    }

    /// Whether the answer has been given.
    pub(super) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    /// Whether the answer is whoever asks to give: true once.
    pub(super) fn claim(&self) -> bool {
        !self.answered.swap(true, Ordering::AcqRel)
    }

    /// A handler has returned this.
    pub(super) fn returned(&self, encoded: Encoded) {
        if is_empty(&encoded) {
            self.returned.store(true, Ordering::Release);
        } else if self.claim() {
            // A client that has left waits for nothing.
            let _ = self.socket.push_answer(encoded);
        }
    }

    /// A handler has failed.
    pub(super) fn failed(&self, error: &Error) {
        if self.claim() {
            answer_with(&self.socket, self.id, error);
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.claim() {
            return;
        }
        if !self.returned.load(Ordering::Acquire) {
            return answer_with(&self.socket, self.id, &Error::new(NO_ANSWER));
        }
        if let Ok(encoded) = ().encode_ack(self.socket.namespace().name(), self.id, ROOM) {
            let _ = self.socket.push_answer(encoded);
        }
    }
}
