//! Acknowledgements, both ways: answering one, awaiting one, and awaiting one from each of many.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use socket_proto::{Encoded, OwnedArgs};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep};

use crate::basis::Core;
use crate::error::{AckError, EmitError};
use crate::{Error, FromArgs, Socket, ToArgs};

/// The acknowledgement of one event, to be answered by hand. A handler that takes it is not answered for: its
/// return value is ignored.
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
        AckSender {
            socket,
            id: Some(id),
        }
    }

    /// For an event that asked for no answer.
    pub(crate) fn unwanted(socket: &Socket) -> Self {
        AckSender {
            socket: socket.clone(),
            id: None,
        }
    }

    /// Whether the client waits for an answer.
    pub fn wanted(&self) -> bool {
        self.id.is_some()
    }

    /// Answers. Does nothing if the client did not ask.
    ///
    /// # Errors
    ///
    /// If the value cannot be sent, or the socket has left. The client then gets an error, if anything.
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
        if let Ok(encoded) = error
            .answer()
            .encode_ack(self.socket.namespace().name(), id)
        {
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
        f.debug_struct("AckSender")
            .field("socket", &self.socket)
            .field("id", &self.id)
            .finish()
    }
}

/// Who waits for a socket's answer.
pub(crate) enum Waiter {
    One(oneshot::Sender<Outcome>),
    Many(mpsc::UnboundedSender<(Socket, Outcome)>),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Silence {
    Timeout,
    Disconnected,
}

/// An answer, or why there is none.
pub(crate) type Outcome = Result<OwnedArgs, Silence>;

impl Waiter {
    /// Hands over what came of it. Whoever does not wait any more is not told.
    pub(crate) fn tell(self, socket: &Socket, outcome: Outcome) {
        match self {
            Waiter::One(sender) => drop(sender.send(outcome)),
            Waiter::Many(sender) => drop(sender.send((socket.clone(), outcome))),
        }
    }
}

/// The id of a question, and where its answer comes.
type Question = (u64, oneshot::Receiver<Outcome>);

/// The answer to an event, to be awaited. Made by [`emit_with_ack`](Socket::emit_with_ack); the event has been
/// sent when it exists.
///
/// It always ends: with the answer, with the timeout (20 s, or [`Builder::ack_timeout`](crate::Builder::ack_timeout),
/// or [`timeout`](Self::timeout)), or with the socket.
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
        AckFuture {
            socket,
            question: Ok((id, answer)),
            timer,
            answer: PhantomData,
        }
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
        Poll::Ready(read(&this.socket, outcome))
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
        f.debug_struct("AckFuture")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

fn read<T: FromArgs>(socket: &Socket, outcome: Outcome) -> Result<T, AckError> {
    let id = || socket.id().to_owned();
    match outcome {
        Ok(args) => T::from_args(args).map_err(|error| AckError::Answer {
            socket: id(),
            problem: error.to_string(),
        }),
        Err(Silence::Timeout) => Err(AckError::Timeout { socket: id() }),
        Err(Silence::Disconnected) => Err(AckError::Disconnected { socket: id() }),
    }
}

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
/// It ends when everybody has answered or left, or at the timeout; then it names whoever was silent.
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
    asked: Vec<Socket>,
    /// How many have not been heard of.
    open: usize,
    answers: mpsc::UnboundedReceiver<(Socket, Outcome)>,
    timer: Timer,
    over: bool,
    /// Found to be silent when the time was over.
    silent: VecDeque<Socket>,
    error: Option<EmitError>,
    answer: PhantomData<fn() -> T>,
}

impl<T> AckStream<T> {
    pub(crate) fn new(
        id: u64,
        asked: Vec<Socket>,
        answers: mpsc::UnboundedReceiver<(Socket, Outcome)>,
        timeout: Duration,
    ) -> Self {
        AckStream {
            id,
            open: asked.len(),
            asked,
            answers,
            timer: Timer::new(timeout),
            over: false,
            silent: VecDeque::new(),
            error: None,
            answer: PhantomData,
        }
    }

    pub(crate) fn failed(error: EmitError) -> Self {
        let (_, answers) = mpsc::unbounded_channel();
        let mut stream = AckStream::new(0, Vec::new(), answers, Duration::ZERO);
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
        self.silent = self
            .asked
            .iter()
            .filter(|socket| socket.forget_question(id))
            .cloned()
            .collect();
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
        let answer = |socket: &Socket, outcome| Answer {
            socket: socket.id().to_owned(),
            result: read(socket, outcome),
        };
        if self.open > 0 {
            match self.answers.poll_recv(cx) {
                Poll::Ready(Some((socket, outcome))) => {
                    self.open -= 1;
                    return Poll::Ready(Some(answer(&socket, outcome)));
                }
                Poll::Ready(None) => self.open = 0,
                Poll::Pending if !self.over => {
                    let core = self.asked[0].namespace().core().clone();
                    ready!(self.timer.poll(&core, cx));
                    self.give_up();
                }
                Poll::Pending => {}
            }
        }
        match self.silent.pop_front() {
            Some(socket) => Poll::Ready(Some(answer(&socket, Err(Silence::Timeout)))),
            None if self.open > 0 => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    async fn collect(mut self) -> Answers<T> {
        let error = self.error.take();
        let mut all = Answers {
            answers: Vec::new(),
            failed: Vec::new(),
            error,
        };
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
            for socket in &self.asked {
                socket.forget_question(self.id);
            }
        }
    }
}

impl<T> fmt::Debug for AckStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckStream")
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

/// The end of a wait; a real timer only once somebody has to wait.
struct Timer {
    began: Instant,
    timeout: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    fn new(timeout: Duration) -> Self {
        Timer {
            began: Instant::now(),
            timeout,
            sleep: None,
        }
    }

    fn set(&mut self, timeout: Duration) {
        self.timeout = timeout;
        self.sleep = None;
    }

    fn poll(&mut self, core: &Core, cx: &mut Context<'_>) -> Poll<()> {
        let (began, timeout) = (self.began, self.timeout);
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(core.sleep_until(began + timeout)));
        sleep.as_mut().poll(cx)
    }
}
