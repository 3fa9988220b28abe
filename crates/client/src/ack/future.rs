//! Awaiting the server's answer.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

use super::error::read;
use super::{AckError, Outcome, Silence};
use crate::outbox::{EmitError, Entry, Ticket};
use crate::{FromArgs, Socket};

/// The answer to an event, to be awaited. Made by [`emit_with_ack`](Socket::emit_with_ack); the event has been sent, or waits to
/// be, when it exists. Only where there was [no room](crate::Overflow::Wait) it is sent when this is awaited.
///
/// It always ends: with the answer, with the timeout (20 s, or [`Builder::ack_timeout`](crate::Builder::ack_timeout), or
/// [`timeout`](Self::timeout)), or with the connection, if the event had been sent. A [reliable](Socket::reliably) event
/// is sent again after a lost connection, and given up as its [`Retries`](crate::Retries) say, unless there is a
/// [`timeout`](Self::timeout).
///
/// Whoever drops it waits no more; the event is sent all the same.
///
/// ```no_run
/// # async fn example(socket: sockeye_client::Socket) -> Result<(), sockeye_client::AckError> {
/// use std::time::Duration;
///
/// let members: usize = socket.emit_with_ack("join", "lobby").timeout(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "await it to get the answer"]
pub struct AckFuture<T> {
    asked: Asked,
    answer: oneshot::Receiver<Outcome>,
    timer: Timer,
    kind: PhantomData<fn() -> T>,
}

enum Asked {
    /// It was not sent.
    Failed(Option<EmitError>),
    /// It waits for room.
    Enters(Entry),
    /// It has been sent, or waits to be.
    Placed(Socket, Ticket),
    /// There is an answer, or there will be none.
    Over,
}

impl<T> AckFuture<T> {
    pub(crate) fn new(
        socket: &Socket,
        placed: Result<Result<Ticket, Entry>, EmitError>,
        answer: oneshot::Receiver<Outcome>,
        timeout: Option<Duration>,
    ) -> Self {
        let asked = match placed {
            Ok(Ok(ticket)) => Asked::Placed(socket.clone(), ticket),
            Ok(Err(entry)) => Asked::Enters(entry),
            Err(error) => Asked::Failed(Some(error)),
        };
        AckFuture { asked, answer, timer: Timer::new(timeout), kind: PhantomData }
    }

    /// How long to wait, from the emit on. An event that has not been sent by then is taken back; a
    /// [reliable](Socket::reliably) one is given up.
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let members: usize = socket.emit_with_ack("join", "lobby").timeout(Duration::from_secs(5)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timer.set(timeout);
        self
    }
}

impl<T: FromArgs> Future for AckFuture<T> {
    type Output = Result<T, AckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match this.asked.poll(cx) {
            Poll::Ready(Err(error)) => return Poll::Ready(Err(AckError::Emit(error))),
            Poll::Ready(Ok(())) => {
                if let Poll::Ready(outcome) = Pin::new(&mut this.answer).poll(cx) {
                    this.asked = Asked::Over;
                    // Whoever takes an event out of its place says why: a closed channel has nobody behind it.
                    return Poll::Ready(read(outcome.unwrap_or(Err(Silence::Dropped))));
                }
            }
            Poll::Pending => {}
        }
        ready!(this.timer.poll(cx));
        if let Asked::Placed(socket, ticket) = std::mem::replace(&mut this.asked, Asked::Over) {
            socket.take_back(ticket);
        }
        Poll::Ready(Err(AckError::Timeout))
    }
}

impl Asked {
    /// Until it has its place.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), EmitError>> {
        if let Asked::Enters(entry) = self {
            let placed = ready!(entry.poll(cx));
            *self = match placed {
                Ok((ticket, _)) => Asked::Placed(entry.socket().clone(), ticket),
                Err(error) => Asked::Failed(Some(error)),
            };
        }
        match self {
            Asked::Failed(error) => {
                let error = error.take().expect("a future is not polled after its end");
                Poll::Ready(Err(error))
            }
            Asked::Placed(..) | Asked::Enters(_) | Asked::Over => Poll::Ready(Ok(())),
        }
    }
}

impl<T> Drop for AckFuture<T> {
    fn drop(&mut self) {
        if let Asked::Placed(socket, ticket) = &self.asked {
            socket.forget(*ticket);
        }
    }
}

impl<T> fmt::Debug for AckFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckFuture").finish_non_exhaustive()
    }
}

/// The end of a wait; a real timer only once somebody has to wait.
struct Timer {
    began: Instant,
    timeout: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    fn new(timeout: Option<Duration>) -> Self {
        Timer { began: Instant::now(), timeout, sleep: None }
    }

    fn set(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
        self.sleep = None;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A time that no clock will ever show is no end.
        let Some(end) = self.timeout.and_then(|timeout| self.began.checked_add(timeout)) else {
            return Poll::Pending;
        };
        self.sleep.get_or_insert_with(|| Box::pin(sleep_until(end))).as_mut().poll(cx)
    }
}
