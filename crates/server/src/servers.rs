//! Words from server to server. There is one server so far: nobody else is there to hear them, or to answer.

use std::future::{Future, ready};
use std::pin::Pin;

use crate::error::EmitError;
use crate::{FromArgs, Io, Namespace, ToArgs, emit};

/// What the other servers have answered: see [`Namespace::server_side_emit_with_ack`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerAnswers<T> {
    /// Their answers, in the order in which they came.
    pub answers: Vec<T>,
    /// How many servers gave none in time.
    pub missing: usize,
}

impl<T> ServerAnswers<T> {
    /// Whether every server has answered.
    pub fn is_complete(&self) -> bool {
        self.missing == 0
    }
}

/// The other servers have been asked.
type Asked<T> = Pin<Box<dyn Future<Output = Result<ServerAnswers<T>, EmitError>> + Send>>;

/// What a server announces itself.
const RESERVED: [&str; 3] = ["connect", "connection", "new_namespace"];

impl Namespace {
    /// Sends an event to the same namespace of all other servers, and to no client. Alone a server has nobody to send it
    /// to: that is no error.
    ///
    /// # Errors
    ///
    /// If the name is `connect`, `connection` or `new_namespace`, or the arguments cannot be sent.
    ///
    /// ```
    /// # let io = sockeye::Io::builder().build()?;
    /// io.of("/").server_side_emit("reload", &("prices", 17))?;
    /// assert!(io.server_side_emit("new_namespace", &()).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn server_side_emit<T: ToArgs + ?Sized>(
        &self,
        event: &str,
        args: &T,
    ) -> Result<(), EmitError> {
        if RESERVED.contains(&event) {
            return Err(EmitError::Reserved { event: event.to_owned() });
        }
        emit::encode(self.name(), event, args, None).map(drop)
    }

    /// The same, and every other server answers. Alone there is none, and no answer, at once.
    ///
    /// # Errors
    ///
    /// As [`server_side_emit`](Self::server_side_emit).
    ///
    /// ```
    /// # async fn example(io: sockeye::Io) -> Result<(), Box<dyn std::error::Error>> {
    /// let loads = io.of("/").server_side_emit_with_ack::<f64>("load?", &()).await?;
    /// println!("{} servers have answered, {} have not", loads.answers.len(), loads.missing);
    /// # Ok(())
    /// # }
    /// ```
    pub fn server_side_emit_with_ack<T: FromArgs + Send + 'static>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
    ) -> Asked<T> {
        let sent = self.server_side_emit(event, args);
        Box::pin(ready(sent.map(|()| ServerAnswers { answers: Vec::new(), missing: 0 })))
    }
}

impl Io {
    /// See [`Namespace::server_side_emit`]: of the main namespace.
    ///
    /// # Errors
    ///
    /// As [`Namespace::server_side_emit`].
    pub fn server_side_emit<T: ToArgs + ?Sized>(
        &self,
        event: &str,
        args: &T,
    ) -> Result<(), EmitError> {
        self.of("/").server_side_emit(event, args)
    }

    /// See [`Namespace::server_side_emit_with_ack`]: of the main namespace.
    ///
    /// # Errors
    ///
    /// As [`Namespace::server_side_emit`].
    pub fn server_side_emit_with_ack<T: FromArgs + Send + 'static>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
    ) -> Asked<T> {
        self.of("/").server_side_emit_with_ack(event, args)
    }
}
