//! Answering an event by hand.

use std::fmt;

use socket_proto::Encoded;

use crate::error::EmitError;
use crate::{Error, Socket, ToArgs};

/// The acknowledgement of one event, to be answered by hand. A handler that takes it is not
/// answered for: its return value is ignored.
///
/// Dropped without an answer, it answers with an error, so that no client waits for nothing.
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
}

impl AckSender {
    pub(crate) fn new(socket: Socket, id: u64) -> Self {
        AckSender { socket, id: Some(id) }
    }

    /// For an event that asked for no answer.
    pub(crate) fn unwanted(socket: &Socket) -> Self {
        AckSender { socket: socket.clone(), id: None }
    }

    /// Whether the client waits for an answer.
    pub fn wanted(&self) -> bool {
        self.id.is_some()
    }

    /// Answers. Does nothing if the client did not ask.
    ///
    /// # Errors
    ///
    /// If the value cannot be sent, or the socket has left. The client then gets an error, if
    /// anything.
    pub fn send<T: ToArgs + ?Sized>(mut self, value: &T) -> Result<(), EmitError> {
        let Some(id) = self.id else { return Ok(()) };
        let encoded = value.encode_ack(self.socket.namespace().name(), id);
        let encoded = encoded.map_err(|error| EmitError::Arguments {
            event: "the acknowledgement".into(),
            problem: error.to_string(),
        })?;
        self.id = None;
        self.socket.push_answer(encoded)
    }

    /// Answers with an error: `{"error":{"message":…}}`, with data if the error has any.
    pub fn send_error(self, error: impl Into<Error>) {
        self.send_failure(&error.into());
    }

    pub(crate) fn send_failure(mut self, error: &Error) {
        self.fail(error);
    }

    pub(crate) fn send_encoded(mut self, encoded: Encoded) {
        self.id = None;
        // A client that has left waits for nothing.
        let _ = self.socket.push_answer(encoded);
    }

    /// Where an answer goes: the namespace and the id.
    pub(crate) fn place(&self) -> Option<(&str, u64)> {
        self.id.map(|id| (self.socket.namespace().name(), id))
    }

    fn fail(&mut self, error: &Error) {
        let Some(id) = self.id.take() else { return };
        if let Ok(encoded) = error.answer().encode_ack(self.socket.namespace().name(), id) {
            let _ = self.socket.push_answer(encoded);
        }
    }
}

impl Drop for AckSender {
    fn drop(&mut self) {
        if self.id.is_some() {
            self.fail(&Error::new("the handler gave no answer"));
        }
    }
}

impl fmt::Debug for AckSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckSender").field("socket", &self.socket).field("id", &self.id).finish()
    }
}
