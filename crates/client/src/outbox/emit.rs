//! What becomes of an event that was emitted.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{EmitError, Entry, Placed};
use crate::durable::Stored;

/// An event that was emitted: it waits to be sent if there was room for it. Awaiting this waits until there is; dropping it
/// does not send what found none. So whoever emits more than the server takes is slowed down by `.await`.
///
/// With a [durable outbox](crate::Builder::outbox), awaiting a [reliable](crate::Socket::reliably) event waits until it is on the
/// disk, too.
///
/// ```no_run
/// # async fn example(socket: sockeye_client::Socket) -> Result<(), sockeye_client::EmitError> {
/// for line in 0..1_000_000 {
///     socket.emit("line", &line).await?; // as fast as the server takes them
/// }
/// let sent = socket.emit("tick", &1).now().is_ok(); // or not at all
/// # Ok(())
/// # }
/// ```
#[must_use = "without room for it, it is sent when it is awaited"]
pub struct Emit(State);

enum State {
    Done(Option<Result<(), EmitError>>),
    /// It waits for room.
    Enters(Entry),
    /// It waits for the disk.
    Stores(Stored),
}

impl Emit {
    pub(crate) fn new(placed: Result<Result<Placed, Entry>, EmitError>) -> Self {
        Emit(match placed {
            Ok(Ok((_, Some(stored)))) => State::Stores(stored),
            Ok(Ok((_, None))) => State::Done(Some(Ok(()))),
            Ok(Err(entry)) => State::Enters(entry),
            Err(error) => State::Done(Some(Err(error))),
        })
    }

    /// What became of it at once, without waiting for anything.
    ///
    /// # Errors
    ///
    /// [`EmitError::Full`] if there was no room: then it is not sent. Others as when it is awaited.
    ///
    /// ```
    /// use sockeye_client::Client;
    ///
    /// let socket = Client::builder("http://localhost:3000").build()?.socket();
    /// socket.emit("hello", "world").now()?; // it waits until the socket is connected
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn now(self) -> Result<(), EmitError> {
        match self.0 {
            State::Done(outcome) => outcome.unwrap_or(Ok(())),
            State::Enters(_) => Err(EmitError::Full),
            State::Stores(_) => Ok(()),
        }
    }
}

impl Future for Emit {
    type Output = Result<(), EmitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.0 {
                State::Done(outcome) => {
                    let outcome = outcome.take();
                    return Poll::Ready(outcome.expect("a future is not polled after its end"));
                }
                State::Enters(entry) => {
                    let placed = ready!(entry.poll(cx));
                    *self = Emit::new(placed.map(Ok));
                }
                State::Stores(stored) => {
                    let stored = ready!(Pin::new(stored).poll(cx));
                    let stored = stored
                        .map_err(|error| EmitError::Outbox { problem: error.to_string().into() });
                    self.0 = State::Done(Some(stored));
                }
            }
        }
    }
}

impl fmt::Debug for Emit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").finish_non_exhaustive()
    }
}
