//! Awaiting the answer of one socket.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Outcome, Silence, Timer, read};
use crate::error::{AckError, EmitError};
use crate::{FromArgs, Socket};

/// The id of a question, and where its answer comes.
type Question = (u64, oneshot::Receiver<Outcome>);

/// The answer to an event, to be awaited. Made by [`emit_with_ack`](Socket::emit_with_ack); the
/// event has been sent when it exists.
///
/// It always ends: with the answer, with the timeout (20 s, or
/// [`Builder::ack_timeout`](crate::Builder::ack_timeout), or [`timeout`](Self::timeout)), or with
/// the socket.
#[must_use = "await it to get the answer"]
pub struct AckFuture<T> {
    socket: Socket,
    question: Result<Question, Option<EmitError>>,
    timer: Timer,
    answer: PhantomData<fn() -> T>,
}

impl<T> AckFuture<T> {
    pub(crate) fn waiting(socket: Socket, id: u64, answer: oneshot::Receiver<Outcome>) -> Self {
        let timer = Timer::new(socket.namespace().core().ack_timeout);
        AckFuture { socket, question: Ok((id, answer)), timer, answer: PhantomData }
    }

    pub(crate) fn failed(socket: Socket, error: EmitError) -> Self {
        AckFuture {
            socket,
            question: Err(Some(error)),
            timer: Timer::new(Duration::ZERO),
            answer: PhantomData,
        }
    }

    /// How long to wait, from the emit on.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timer.set(timeout);
        self
    }
}

impl<T: FromArgs> Future for AckFuture<T> {
    type Output = Result<T, AckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let (_, answer) = match &mut this.question {
            Ok(question) => question,
            Err(error) => {
                let error = error.take().expect("a future is not polled after its end");
                return Poll::Ready(Err(AckError::Emit(error)));
            }
        };
        let outcome = match Pin::new(answer).poll(cx) {
            // The sender is gone with the socket.
            Poll::Ready(outcome) => outcome.unwrap_or(Err(Silence::Disconnected)),
            Poll::Pending => {
                ready!(this.timer.poll(this.socket.namespace().core(), cx));
                Err(Silence::Timeout)
            }
        };
        Poll::Ready(read(this.socket.id(), outcome))
    }
}

impl<T> Drop for AckFuture<T> {
    fn drop(&mut self) {
        if let Ok((id, _)) = &self.question {
            self.socket.forget_question(*id);
        }
    }
}

impl<T> fmt::Debug for AckFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckFuture").field("socket", &self.socket).finish_non_exhaustive()
    }
}
