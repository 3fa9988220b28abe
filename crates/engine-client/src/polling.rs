//! HTTP long-polling: one GET under way, and one POST at a time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use engine_proto::Packet;
use engine_proto::handshake::Open;

use crate::form::Form;
use crate::http::{Ask, Lane};
use crate::{Config, EngineError, Queue};

/// The current pipe of a session that polls.
pub(crate) struct Polling {
    config: Arc<Config>,
    /// `None` before the handshake is answered.
    sid: Option<Box<str>>,
    get: Request,
    post: Request,
    /// What is still to be read of the last answer to a GET.
    pub(crate) body: Bytes,
    /// An upgrade is about to be complete: nothing new is asked.
    pub(crate) paused: bool,
    brake: Brake,
}

/// Keeps a server, or a cache in between, that answers every GET at once with nothing from being asked without a pause.
#[derive(Default)]
struct Brake {
    asked: Duration,
    /// A ping that comes no earlier is one in its time.
    ping_after: Duration,
    /// When the last answer came, if nothing has been asked since.
    answered: Option<Duration>,
    /// Answers with nothing, one after the other.
    empty: u32,
}

/// So many of them are nothing unusual: a server of npm ends a poll with nothing every 100 ms while it is upgraded.
const FREE: u32 = 4;

/// The first rest behind those; it doubles with each further one.
const REST: Duration = Duration::from_millis(50);

/// The longest rest; and an answer that takes longer has not come at once.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// A server that wants to ping more often than this is not one that is polled.
const SHORTEST_PING: Duration = Duration::from_millis(10);

impl Brake {
    /// When the next GET may be asked.
    fn until(&self) -> Option<Duration> {
        let steps = self.empty.checked_sub(FREE + 1)?;
        let rest = REST.saturating_mul(2_u32.saturating_pow(steps)).min(LONGEST_REST);
        Some(self.answered?.saturating_add(rest))
    }

    fn ask(&mut self, now: Duration) {
        (self.asked, self.answered) = (now, None);
    }

    /// An answer has come. It is one with nothing, until something is found in it.
    fn answer(&mut self, now: Duration) {
        self.answered = Some(now);
        let at_once = now.saturating_sub(self.asked) < LONGEST_REST;
        self.empty = if at_once { self.empty.saturating_add(1) } else { 0 };
    }

    /// This was in the last answer.
    fn heard(&mut self, packet: &Packet<'_>) {
        let took = self.answered.unwrap_or_default().saturating_sub(self.asked);
        match packet {
            Packet::Message(_) => self.empty = 0,
            Packet::Ping(_) if took >= self.ping_after => self.empty = 0,
            _ => {}
        }
    }
}

/// Requests of one kind.
enum Request {
    Idle(Box<Lane>),
    UnderWay {
        exchange: Exchange,
        /// When it has taken too long, if it can.
        by: Option<Duration>,
    },
}

/// A request on its way; it takes its lane along.
type Exchange = Pin<Box<dyn Future<Output = (Box<Lane>, Result<Bytes, EngineError>)> + Send>>;

impl Polling {
    /// Nothing is asked yet; the first GET is the handshake.
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Polling {
            config,
            sid: None,
            get: Request::Idle(Box::default()),
            post: Request::Idle(Box::default()),
            body: Bytes::new(),
            paused: false,
            brake: Brake::default(),
        }
    }

    /// The handshake is answered.
    pub(crate) fn opened(&mut self, open: &Open) {
        self.sid = Some(open.sid.as_str().into());
        self.brake.ping_after = SHORTEST_PING.max(open.ping_interval / 2);
    }

    /// Asks for packets, unless that is done already, or it is not time yet.
    pub(crate) fn ask(&mut self, now: Duration) {
        if self.brake.until().is_some_and(|until| until > now) {
            return;
        }
        if let Request::Idle(lane) = &mut self.get {
            let lane = std::mem::take(lane);
            self.get = self.request(lane, None, now);
            self.brake.ask(now);
        }
    }

    /// This was in what has come.
    pub(crate) fn heard(&mut self, packet: &Packet<'_>) {
        self.brake.heard(packet);
    }

    /// Sends what is due, unless something is on its way already; whether it is.
    pub(crate) fn send(&mut self, queue: &mut Queue, limit: usize, now: Duration) -> bool {
        let Request::Idle(lane) = &mut self.post else { return true };
        let (form, body) = queue.take_payload(limit);
        if body.is_empty() {
            return false;
        }
        let lane = std::mem::take(lane);
        self.post = self.request(lane, Some((form, body)), now);
        true
    }

    fn request(&self, lane: Box<Lane>, body: Option<(Form, Vec<u8>)>, now: Duration) -> Request {
        let exchange = exchange(Arc::clone(&self.config), self.sid.clone(), lane, body);
        let by = self.config.request_timeout.map(|timeout| now.saturating_add(timeout));
        Request::UnderWay { exchange: Box::pin(exchange), by }
    }

    /// Waits for the answer to the GET, and keeps it in `body`. `Pending` if none is under way.
    pub(crate) fn poll_get(
        &mut self,
        now: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), EngineError>> {
        self.body = ready!(self.get.poll(cx))?;
        self.brake.answer(now);
        Poll::Ready(Ok(()))
    }

    /// Waits for the answer to the POST; `Ready` if none is under way.
    pub(crate) fn poll_post(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), EngineError>> {
        if self.post.is_idle() {
            return Poll::Ready(Ok(()));
        }
        self.post.poll(cx).map_ok(drop)
    }

    /// Whether no POST is under way.
    pub(crate) fn may_post(&self) -> bool {
        self.post.is_idle()
    }

    /// Whether nothing is under way, and all that came has been read.
    pub(crate) fn is_idle(&self) -> bool {
        self.get.is_idle() && self.post.is_idle() && self.body.is_empty()
    }

    /// When there is something to be done, later than now. `held`: what the server says is not read.
    pub(crate) fn next(&self, now: Duration, held: bool) -> Option<Duration> {
        let rest = self.brake.until().filter(|&until| until > now);
        [self.deadline(held), rest].into_iter().flatten().min()
    }

    /// When a request has taken too long. A GET whose answer is not read may have been answered.
    pub(crate) fn deadline(&self, held: bool) -> Option<Duration> {
        let get = self.get.by().filter(|_| !held);
        [get, self.post.by()].into_iter().flatten().min()
    }
}

impl Request {
    fn is_idle(&self) -> bool {
        matches!(self, Request::Idle(_))
    }

    fn by(&self) -> Option<Duration> {
        match self {
            Request::Idle(_) => None,
            Request::UnderWay { by, .. } => *by,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, EngineError>> {
        let Request::UnderWay { exchange, .. } = self else { return Poll::Pending };
        let (lane, outcome) = ready!(exchange.as_mut().poll(cx));
        *self = Request::Idle(lane);
        Poll::Ready(outcome)
    }
}

/// One request and its answer.
async fn exchange(
    config: Arc<Config>,
    sid: Option<Box<str>>,
    mut lane: Box<Lane>,
    body: Option<(Form, Vec<u8>)>,
) -> (Box<Lane>, Result<Bytes, EngineError>) {
    // Chance is new each time as well, and says nothing about our clock.
    let stamp = format!("{:x}", rand::random::<u64>());
    let mut query = vec![("EIO", config.revision.number()), ("transport", "polling")];
    query.extend(config.timestamp.as_deref().map(|name| (name, &*stamp)));
    query.extend(sid.as_deref().map(|sid| ("sid", sid)));
    let ask = match body {
        None => Ask::get(&query).at_most(config.max_payload),
        Some((form, body)) => Ask::post(&query, body.into(), form.content_type()),
    };
    let answer = lane.exchange(config.site(), ask).await;
    (lane, answer.and_then(crate::http::Answer::success))
}
