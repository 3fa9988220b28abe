//! Events for whoever asks for them, instead of a handler.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use parking_lot::Mutex;
use socket_proto::Args as RawArgs;

use super::{Handled, Socket};
use crate::{AckSender, Args, lean};

/// An event that was [pulled](Socket::recv).
///
/// ```no_run
/// # async fn example(chat: sockeye_client::Socket) -> Result<(), Box<dyn std::error::Error>> {
/// while let Some(event) = chat.recv().await {
///     match &*event.name {
///         "add" => {
///             let (a, b): (i64, i64) = event.args.parse()?;
///             event.ack.send(&(a + b))?;
///         }
///         other => println!("{other}: {:?}", event.args),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Received {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Args,
    /// Answers it; dropped, it answers with an error, if an answer is wanted.
    pub ack: AckSender,
    /// Whoever has it may still be at it.
    handled: Option<Arc<Handled>>,
}

impl Received {
    pub(crate) fn new(
        name: &str,
        args: RawArgs<'_>,
        ack: AckSender,
        handled: Option<Arc<Handled>>,
    ) -> Self {
        Received { name: name.to_owned(), args: Args::of(args.to_owned()), ack, handled }
    }
}

/// The events of a socket, as a stream: see [`Socket::events`].
///
/// ```no_run
/// use futures_util::StreamExt;
///
/// # async fn example(chat: sockeye_client::Socket) {
/// let mut events = chat.events();
/// chat.start();
/// while let Some(event) = events.next().await {
///     println!("{}: {:?}", event.name, event.args);
/// }
/// # }
/// ```
pub struct Events {
    socket: Socket,
}

/// What waits to be pulled.
#[derive(Default)]
pub(crate) struct Inbox(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    events: VecDeque<Received>,
    /// What was pulled last: it has been handled when the next is asked for.
    last: Option<Arc<Handled>>,
    /// What they cost.
    bytes: usize,
    dropped: u64,
    pullers: Vec<Waker>,
    /// Somebody has called `recv`.
    pulled: bool,
    /// Streams that somebody holds.
    streams: usize,
}

impl Waiting {
    fn is_pulled(&self) -> bool {
        self.pulled || self.streams > 0
    }

    fn pop(&mut self) -> Option<Received> {
        let event = lean::pop_front(&mut self.events)?;
        self.bytes -= cost(&event);
        Some(event)
    }
}

impl Inbox {
    /// Whether somebody pulls: then nothing is dropped, and the server is kept waiting instead.
    pub(crate) fn is_pulled(&self) -> bool {
        self.0.lock().is_pulled()
    }

    /// Keeps an event. If nobody pulls, the oldest are dropped beyond `limit` bytes.
    pub(crate) fn put(&self, event: Received, limit: usize) {
        let mut waiting = self.0.lock();
        waiting.bytes += cost(&event);
        waiting.events.push_back(event);
        let mut dropped = Vec::new();
        while waiting.bytes > limit && waiting.events.len() > 1 && !waiting.is_pulled() {
            dropped.extend(waiting.pop());
            waiting.dropped += 1;
        }
        let pullers = std::mem::take(&mut waiting.pullers);
        drop(waiting);
        pullers.into_iter().for_each(Waker::wake);
        // Each answers, if it was asked.
        drop(dropped);
    }

    /// What is kept for those who pull.
    pub(crate) fn bytes(&self) -> usize {
        let waiting = self.0.lock();
        if waiting.is_pulled() { waiting.bytes } else { 0 }
    }

    /// Nobody can pull any more.
    pub(crate) fn clear(&self) {
        let old = std::mem::take(&mut *self.0.lock());
        let waiting = old.events.iter().filter_map(|event| event.handled.as_ref());
        waiting.chain(&old.last).for_each(|handled| handled.cut_off());
        drop(old);
    }

    /// Where the socket stands has changed: whoever pulls looks again.
    pub(crate) fn look(&self) {
        let pullers = std::mem::take(&mut self.0.lock().pullers);
        pullers.into_iter().for_each(Waker::wake);
    }
}

impl Socket {
    /// The next event that no handler takes; `None` when the socket is not active any more and nothing is left. Before it is
    /// started, and while a lost connection is being taken up again, it waits. Whoever asks first gets the event; dropped, the future
    /// has taken none.
    ///
    /// Events that no handler takes are kept for whoever asks for them:
    ///
    /// - **Before the first call** they are kept if no handler of events is registered at all: otherwise an event that
    ///   nobody handles is ignored, and answered with an error if it asks for an answer. At most
    ///   [`parked_bytes`](crate::Builder::parked_bytes) are kept; beyond that the oldest are dropped, answered with an error if they ask
    ///   for an answer, and counted in [`dropped_events`](Self::dropped_events).
    /// - **From the first call on** until one says `None` (or while there is a stream of [`events`](Self::events)) all are kept. When more than
    ///   `parked_bytes` wait, nothing more is read from the server until there is room: nothing is lost, but whoever stops
    ///   pulling loses the connection when the server has heard nothing for too long.
    ///
    /// Where [positions](crate::Builder::positions) are kept, an event that was pulled has been handled when it is dropped and the next
    /// one has been asked for.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let chat = sockeye_client::connect("http://localhost:3000/chat").await?;
    /// while let Some(event) = chat.recv().await {
    ///     println!("{}: {:?}", event.name, event.args);
    /// }
    /// println!("disconnected");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv(&self) -> Option<Received> {
        self.core.hearing.inbox.0.lock().pulled = true;
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The events that no handler takes, as a stream: the same as [`recv`](Self::recv), from now on and as long as the stream is
    /// held. Ask for it before the socket is connected and no event comes too early.
    ///
    /// ```no_run
    /// use futures_util::StreamExt;
    ///
    /// # async fn example(chat: sockeye_client::Socket) {
    /// let names = chat.events().map(|event| event.name);
    /// chat.start();
    /// names.for_each(async |name| println!("{name}")).await;
    /// # }
    /// ```
    #[must_use = "what comes is kept for it, and the server waits when that is too much"]
    pub fn events(&self) -> Events {
        self.core.hearing.inbox.0.lock().streams += 1;
        Events { socket: self.clone() }
    }

    /// How many events were dropped, since nobody [pulled](Self::recv) and too many waited.
    ///
    /// ```
    /// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
    /// assert_eq!(client.socket().dropped_events(), 0);
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn dropped_events(&self) -> u64 {
        self.core.hearing.inbox.0.lock().dropped
    }

    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Received>> {
        let mut waiting = self.core.hearing.inbox.0.lock();
        let before = waiting.bytes;
        let last = waiting.last.take();
        if let Some(event) = waiting.pop() {
            waiting.last.clone_from(&event.handled);
            drop(waiting);
            drop(last);
            let limit = self.config().handling.parked_bytes;
            if before >= limit {
                // The server may have been kept waiting.
                self.handle.hub.nudge();
            }
            return Poll::Ready(Some(event));
        }
        if self.core.life.is_over() {
            // Whoever pulls this one to its end need not pull the next.
            waiting.pulled = false;
            return Poll::Ready(None);
        }
        if !waiting.pullers.iter().any(|puller| puller.will_wake(cx.waker())) {
            waiting.pullers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Stream for Events {
    type Item = Received;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Received>> {
        self.socket.poll_recv(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.socket.core.hearing.inbox.0.lock().streams -= 1;
        // It may have kept the server waiting.
        self.socket.handle.hub.nudge();
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// What keeping an event, or an attachment, costs beside its bytes.
const KEEPING: usize = 160;

fn cost(event: &Received) -> usize {
    let attachments: usize = event.args.attachments().iter().map(|one| one.len() + KEEPING).sum();
    KEEPING + event.name.len() + event.args.json().len() + attachments
}
