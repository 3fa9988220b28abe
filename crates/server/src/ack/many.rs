//! Awaiting an answer from each of many sockets.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::mpsc;

use super::{Outcome, Silence, Timer, Waiter, read};
use crate::basis::Core;
use crate::durable::Session;
use crate::error::{AckError, EmitError};
use crate::socket::SocketId;
use crate::{FromArgs, Socket};

/// What one socket answered.
#[derive(Debug)]
pub struct Answer<T> {
    /// The socket's id.
    pub socket: String,
    /// Its answer, or why there is none.
    pub result: Result<T, AckError>,
}

/// What all sockets of an audience answered; what had come when the time was over.
#[derive(Debug)]
pub struct Answers<T> {
    /// The answers, each with the id of its socket, in the order in which they came.
    pub answers: Vec<(String, T)>,
    /// The sockets that gave none, and why.
    pub failed: Vec<(String, AckError)>,
    /// The question could not be sent at all.
    pub error: Option<EmitError>,
}

impl<T> Answers<T> {
    /// The answers alone.
    pub fn into_values(self) -> Vec<T> {
        self.answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// Whether everybody has answered.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.error.is_none()
    }
}

/// The answers of an audience: a stream of each as it comes, or, awaited, all of them.
///
/// It ends when everybody has answered or left, or at the timeout; then it names whoever was
/// silent.
///
/// ```
/// # async fn example(io: sockeye::Io) {
/// use std::time::Duration;
///
/// let asked = io.to("lobby").timeout(Duration::from_secs(2)).emit_with_ack::<String>("who", &());
/// let answers = asked.await;
/// println!("{} answered, {} did not", answers.answers.len(), answers.failed.len());
/// # }
/// ```
#[must_use = "await it, or read it as a stream, to get the answers"]
pub struct AckStream<T> {
    id: u64,
    /// Everybody who was asked.
    asked: Vec<Asked>,
    core: Arc<Core>,
    /// How many have not been heard of.
    open: usize,
    answers: mpsc::UnboundedReceiver<(SocketId, Outcome)>,
    timer: Timer,
    over: bool,
    /// Found to be silent when the time was over.
    silent: VecDeque<SocketId>,
    error: Option<EmitError>,
    answer: PhantomData<fn() -> T>,
}

/// Somebody who was asked.
pub(crate) enum Asked {
    Socket(Socket),
    /// It may be away, and answer when it is back.
    Session(Arc<Session>),
}

impl Asked {
    fn id(&self) -> SocketId {
        match self {
            Asked::Socket(socket) => socket.public_id(),
            Asked::Session(session) => session.socket_id.clone(),
        }
    }

    /// A session is waited for, also while it is away.
    /// False if it has as many questions to answer as it may have.
    pub(crate) fn ask(
        &self,
        id: u64,
        answers: &mpsc::UnboundedSender<(SocketId, Outcome)>,
        most: usize,
    ) -> bool {
        let Asked::Session(session) = self else {
            return true;
        };
        let mut acks = session.acks();
        let free = acks.len() < most;
        if free {
            acks.ask_with(id, Waiter::Many(answers.clone()));
        }
        free
    }

    /// It is waited for no longer. Whether it was.
    pub(crate) fn forget(&self, id: u64) -> bool {
        match self {
            Asked::Socket(socket) => socket.forget_question(id),
            Asked::Session(session) => session.acks().answer(id).is_some(),
        }
    }
}

impl<T> AckStream<T> {
    pub(crate) fn new(
        id: u64,
        asked: Vec<Asked>,
        answers: mpsc::UnboundedReceiver<(SocketId, Outcome)>,
        timeout: Duration,
        core: &Arc<Core>,
    ) -> Self {
        AckStream {
            id,
            open: asked.len(),
            asked,
            core: Arc::clone(core),
            answers,
            timer: Timer::new(timeout),
            over: false,
            silent: VecDeque::new(),
            error: None,
            answer: PhantomData,
        }
    }

    pub(crate) fn failed(error: EmitError, core: &Arc<Core>) -> Self {
        let (_, answers) = mpsc::unbounded_channel();
        let mut stream = AckStream::new(0, Vec::new(), answers, Duration::ZERO, core);
        stream.error = Some(error);
        stream
    }

    /// How many sockets were asked.
    pub fn asked(&self) -> usize {
        self.asked.len()
    }

    /// Why nobody was asked, if the question could not be sent.
    pub fn error(&self) -> Option<&EmitError> {
        self.error.as_ref()
    }

    /// The time is over: whoever can be forgotten is silent. Who cannot is just answering.
    fn give_up(&mut self) {
        let id = self.id;
        self.silent = self.asked.iter().filter(|one| one.forget(id)).map(Asked::id).collect();
        self.open -= self.silent.len();
        self.over = true;
    }
}

impl<T: FromArgs> AckStream<T> {
    /// The next answer; `None` when there will be no more.
    pub async fn next(&mut self) -> Option<Answer<T>> {
        std::future::poll_fn(|cx| self.poll_answer(cx)).await
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<Answer<T>>> {
        let answer = |socket: SocketId, outcome| Answer {
            socket: socket.as_str().to_owned(),
            result: read(socket.as_str(), outcome),
        };
        if self.open > 0 {
            match self.answers.poll_recv(cx) {
                Poll::Ready(Some((socket, outcome))) => {
                    self.open -= 1;
                    return Poll::Ready(Some(answer(socket, outcome)));
                }
                Poll::Ready(None) => self.open = 0,
                Poll::Pending if !self.over => {
                    let core = Arc::clone(&self.core);
                    ready!(self.timer.poll(&core, cx));
                    self.give_up();
                }
                Poll::Pending => {}
            }
        }
        match self.silent.pop_front() {
            Some(socket) => Poll::Ready(Some(answer(socket, Err(Silence::Timeout)))),
            None if self.open > 0 => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    async fn collect(mut self) -> Answers<T> {
        let error = self.error.take();
        let mut all = Answers { answers: Vec::new(), failed: Vec::new(), error };
        while let Some(Answer { socket, result }) = self.next().await {
            match result {
                Ok(answer) => all.answers.push((socket, answer)),
                Err(error) => all.failed.push((socket, error)),
            }
        }
        all
    }
}

impl<T: FromArgs> Stream for AckStream<T> {
    type Item = Answer<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Answer<T>>> {
        self.poll_answer(cx)
    }
}

impl<T: FromArgs + Send + 'static> IntoFuture for AckStream<T> {
    type Output = Answers<T>;
    type IntoFuture = Pin<Box<dyn Future<Output = Answers<T>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.collect())
    }
}

impl<T> Drop for AckStream<T> {
    fn drop(&mut self) {
        if self.open > 0 {
            for one in &self.asked {
                one.forget(self.id);
            }
        }
    }
}

impl<T> fmt::Debug for AckStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckStream").field("open", &self.open).finish_non_exhaustive()
    }
}
