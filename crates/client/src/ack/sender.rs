//! Answering an event by hand.

use std::fmt;
use std::sync::Arc;

use engine_client::ROOM;

use super::Question;
use crate::{ArgsError, Error, ToArgs};

/// The acknowledgement of one event, to be answered by hand. A handler that takes it is not
/// answered for: its return value is ignored.
///
/// Dropped without an answer, it answers with an error, so that no server waits for nothing; where the event has several
/// handlers, it leaves the answer to the others. An answer belongs to the session in which it was asked for: when the socket
/// has been disconnected since, even if it is connected again, it goes nowhere.
///
/// ```
/// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
/// use sockeye_client::{AckSender, Data, Result};
///
/// client.socket().on("later", async |Data(name): Data<String>, ack: AckSender| -> Result<()> {
///     tokio::spawn(async move { ack.send(&("done", name)) });
///     Ok(())
/// });
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[must_use = "dropped, it answers with an error"]
pub struct AckSender {
    /// `None` if the server asked for no answer.
    question: Option<Arc<Question>>,
}

impl AckSender {
    pub(crate) fn new(question: Option<Arc<Question>>) -> Self {
        AckSender { question }
    }

    /// Whether the server waits for an answer: not if it did not ask, if another handler of the event has answered, or if the
    /// socket has been disconnected since.
    ///
    /// ```
    /// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
    /// use sockeye_client::AckSender;
    ///
    /// client.socket().on("report", async |ack: AckSender| {
    ///     if ack.wanted() {
    ///         ack.send("done").ok();
    ///     }
    /// });
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn wanted(&self) -> bool {
        self.question.as_ref().is_some_and(|question| !question.is_over())
    }

    /// Answers. Does nothing if the server does not wait for it: see [`wanted`](Self::wanted).
    ///
    /// ```
    /// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
    /// use sockeye_client::AckSender;
    ///
    /// client.socket().on("who", async |ack: AckSender| ack.send(&("ada", 36)).ok().map(drop));
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the value cannot be sent. The server then gets an error.
    pub fn send<T: ToArgs + ?Sized>(self, value: &T) -> Result<(), ArgsError> {
        let Some(question) = self.question else { return Ok(()) };
        match value.encode_ack(question.namespace(), question.id(), ROOM) {
            Ok(answer) => {
                question.answer(answer);
                Ok(())
            }
            Err(problem) => {
                let problem = format!("the answer: {problem}");
                question.failed(&Error::new(problem.clone()));
                Err(ArgsError::new(problem))
            }
        }
    }

    /// Answers with an error: `{"error":{"message":…}}`, with data if the error has any.
    ///
    /// ```
    /// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
    /// use sockeye_client::{AckSender, Error};
    ///
    /// client.socket().on("erase", async |ack: AckSender| {
    ///     ack.send_error(Error::new("we do not erase"));
    /// });
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn send_error(self, error: impl Into<Error>) {
        if let Some(question) = self.question {
            question.failed(&error.into());
        }
    }
}

impl fmt::Debug for AckSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckSender").field("wanted", &self.wanted()).finish_non_exhaustive()
    }
}
