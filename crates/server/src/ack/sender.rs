//! Answering an event by hand.

use std::fmt;
use std::sync::Arc;
use transport::ROOM;

use super::Question;
use super::owed::{Slip, answer_with};
use crate::error::EmitError;
use crate::{Error, Socket, ToArgs};

/// The acknowledgement of one event, to be answered by hand. A handler that takes it is not
/// answered for: its return value is ignored.
///
/// Dropped without an answer, it answers with an error, so that no client waits for nothing; where the event has several
/// handlers, it leaves the answer to the others.
///
/// ```
/// # let io = sockeye::Io::builder().build()?;
/// use sockeye::{AckSender, Data, Result};
///
/// io.of("/").on("later", async |Data(name): Data<String>, ack: AckSender| -> Result<()> {
///     tokio::spawn(async move { ack.send(&("done", name)) });
///     Ok(())
/// });
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[must_use = "dropped, it answers with an error"]
pub struct AckSender {
    socket: Socket,
    /// `None` if the client asked for no answer, or has got it.
    id: Option<u64>,
    /// What it says if it is dropped; `None` if it has nothing to answer.
    slip: Option<Arc<Slip>>,
    /// Others may answer too.
    question: Option<Arc<Question>>,
}

impl AckSender {
    pub(super) fn new(socket: Socket, id: u64, slip: Arc<Slip>) -> Self {
        AckSender { socket, id: Some(id), slip: Some(slip), question: None }
    }

    /// For one of several handlers.
    pub(super) fn one_of(socket: Socket, question: Arc<Question>) -> Self {
        AckSender { socket, id: Some(question.id), slip: None, question: Some(question) }
    }

    /// For an event that asked for no answer.
    pub(crate) fn unwanted(socket: &Socket) -> Self {
        AckSender { socket: socket.clone(), id: None, slip: None, question: None }
    }

    /// Whether the client waits for an answer: not if it did not ask, or another handler of the event has answered.
    pub fn wanted(&self) -> bool {
        self.id.is_some() && !self.question.as_ref().is_some_and(|question| question.is_answered())
    }

    /// Answers. Does nothing if the client did not ask, or has its answer from another handler.
    ///
    /// # Errors
    ///
    /// If the value cannot be sent, or the socket has left. The client then gets an error, if
    /// anything.
    pub fn send<T: ToArgs + ?Sized>(mut self, value: &T) -> Result<(), EmitError> {
        let Some(id) = self.id else { return Ok(()) };
        let encoded = value.encode_ack(self.socket.namespace().name(), id, ROOM);
        let encoded = encoded.map_err(|error| EmitError::Arguments {
            event: "the acknowledgement".into(),
            problem: error.to_string(),
        })?;
        self.id = None;
        if self.may_answer() { self.socket.push_answer(encoded) } else { Ok(()) }
    }

    /// Answers with an error: `{"error":{"message":…}}`, with data if the error has any.
    pub fn send_error(mut self, error: impl Into<Error>) {
        self.fail(&error.into());
    }

    fn may_answer(&self) -> bool {
        self.question.as_ref().is_none_or(|question| question.claim())
    }

    fn fail(&mut self, error: &Error) {
        if let Some(id) = self.id.take()
            && self.may_answer()
        {
            answer_with(&self.socket, id, error);
        }
    }
}

impl Drop for AckSender {
    fn drop(&mut self) {
        let slip = self.slip.take().filter(|_| self.id.is_some());
        if let Some(words) = slip.as_ref().and_then(|slip| slip.last_words()) {
            self.fail(&Error::new(words));
        }
    }
}

impl fmt::Debug for AckSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckSender")
            .field("socket", &self.socket)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
