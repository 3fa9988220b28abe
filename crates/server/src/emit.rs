//! What becomes of something that was sent.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use handler::ArgsError;
use serde::Serialize;
use socket_proto::{EncodeError, Encoded};
use transport::{Pushed, ROOM};

use crate::basis::NEVER;
use crate::durable::Receipt;
use crate::error::{DeliveryError, EmitError, StoreError};
use crate::{Args, ToArgs};

/// What became of an event: it is in the outboxes of its recipients. May be dropped.
///
/// ```
/// # let io = sockeye::Io::builder().build()?;
/// let emitted = io.to("lobby").emit("news", &("hello", 1))?;
/// assert_eq!(emitted.recipients(), 0); // nobody is there
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Emitted {
    queued: u32,
    dropped: u32,
    overflowed: u32,
    /// Its place in the log. In a box: most events have none.
    receipt: Option<Box<Receipt>>,
}

impl Emitted {
    /// How many outboxes of this node took it; those of another worker are those that are about to.
    pub fn recipients(&self) -> usize {
        self.queued as usize
    }

    /// How many clients it was kept from, since it was volatile and they were not ready.
    pub fn dropped(&self) -> usize {
        self.dropped as usize
    }

    /// How many clients are being disconnected since their outbox was full.
    pub fn overflowed(&self) -> usize {
        self.overflowed as usize
    }

    /// Whether it had been sent before, with the same [`key`](crate::Broadcast::key): nobody got it again.
    pub fn is_repeated(&self) -> bool {
        self.receipt.as_ref().is_some_and(|receipt| receipt.repeated)
    }

    pub(crate) fn position(&self) -> Option<log::Position> {
        self.receipt.as_ref().map(|receipt| receipt.position)
    }

    /// Waits until it is stored, and gives its position in the log. Without a log that is at once,
    /// and there is no position.
    ///
    /// # Errors
    ///
    /// If the log fails: then nobody has got the event. (Only if the server dies before the log is mended may the
    /// event be found on the disk by the next run, and be heard then.)
    pub fn stored(self) -> impl Future<Output = Result<Option<Token>, StoreError>> + Send {
        let receipt = self.receipt;
        async move {
            match receipt {
                Some(receipt) => receipt.stored().await.map(Some),
                None => Ok(None),
            }
        }
    }

    /// Waits until everybody it is for has confirmed it, and says how many they are. The page of each has taken
    /// it in, and its listeners have returned: see `docs/delivery.md`. It waits for those who are away, too, as
    /// long as they may come back: [`delivered_within`](Self::delivered_within) does so for a while only.
    ///
    /// # Errors
    ///
    /// In a namespace that is not durable nobody confirms: [`DeliveryError::NoReceipts`]. Ask by
    /// [`emit_with_ack`](crate::Socket::emit_with_ack) there.
    ///
    /// ```
    /// # async fn example(io: sockeye::Io) -> Result<(), Box<dyn std::error::Error>> {
    /// match io.to("lobby").emit("news", "hello")?.delivered().await {
    ///     Ok(delivered) => println!("{} of {} have it", delivered.to, delivered.of),
    ///     Err(error) => println!("sent; who has it is not known: {error}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn delivered(self) -> impl Future<Output = Result<Delivered, DeliveryError>> + Send {
        self.delivered_within(NEVER)
    }

    /// As [`delivered`](Self::delivered), but says after this time how many have confirmed it until then.
    ///
    /// # Errors
    ///
    /// As [`delivered`](Self::delivered).
    pub fn delivered_within(
        self,
        timeout: Duration,
    ) -> impl Future<Output = Result<Delivered, DeliveryError>> + Send {
        let receipt = self.receipt.ok_or(DeliveryError::NoReceipts);
        async move { Ok(receipt?.delivered(NEVER.min(timeout)).await) }
    }

    /// It has its place in the log, and so many are connected who are meant.
    pub(crate) fn logged(recipients: usize, receipt: Receipt) -> Self {
        let queued = u32::try_from(recipients).unwrap_or(u32::MAX);
        Emitted { queued, receipt: Some(Box::new(receipt)), ..Emitted::default() }
    }

    /// So many recipients are another worker's, who gives it to them.
    pub(crate) fn note_elsewhere(&mut self, recipients: usize) {
        self.queued += u32::try_from(recipients).unwrap_or(u32::MAX);
    }

    /// Both together. Where each stands in the log is forgotten.
    pub(crate) fn and(&self, other: &Emitted) -> Emitted {
        Emitted {
            queued: self.queued + other.queued,
            dropped: self.dropped + other.dropped,
            overflowed: self.overflowed + other.overflowed,
            receipt: None,
        }
    }

    pub(crate) fn note(&mut self, pushed: Pushed) {
        match pushed {
            Pushed::Queued => self.queued += 1,
            Pushed::Dropped => self.dropped += 1,
            Pushed::Overflow => self.overflowed += 1,
            Pushed::Closed => {}
        }
    }
}

impl fmt::Debug for Emitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitted")
            .field("queued", &self.queued)
            .field("dropped", &self.dropped)
            .field("overflowed", &self.overflowed)
            .field("logged", &self.receipt.is_some())
            .finish()
    }
}

/// Who has confirmed an event: see [`Emitted::delivered`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// How many recipients have confirmed it.
    pub to: usize,
    /// How many there were.
    pub of: usize,
}

/// What became of a change of membership: it is in force. May be dropped.
#[derive(Debug)]
pub struct Recorded(Option<Place>);

/// Where a change stands in the log.
#[derive(Debug)]
struct Place {
    token: Token,
    stored: log::Stored,
    /// Why a part of it is not in force.
    refused: Option<String>,
}

impl Recorded {
    pub(crate) fn now() -> Self {
        Recorded(None)
    }

    /// It is in force, and on its way to the log.
    pub(crate) fn logged(token: Token, stored: log::Stored, refused: Option<String>) -> Self {
        Recorded(Some(Place { token, stored, refused }))
    }

    /// Its place in the log, to be used with [`History::before`](crate::History::before): a member gets what
    /// comes after it. None in a namespace that is not durable.
    pub fn token(&self) -> Option<Token> {
        self.0.as_ref().map(|place| place.token.clone())
    }

    /// Waits until it is stored. Without a log that is at once.
    ///
    /// # Errors
    ///
    /// If the log fails, or has refused to take in the change of somebody who was meant: that one is as before.
    pub async fn stored(self) -> Result<(), StoreError> {
        match self.0 {
            Some(Place { refused: Some(refused), .. }) => Err(StoreError::Log(refused)),
            Some(Place { stored, .. }) => {
                stored.await.map_err(|error| StoreError::Log(error.to_string()))
            }
            None => Ok(()),
        }
    }
}

/// An event's position in the log: the same for every recipient, and nobody's business what is in
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Token(Box<str>);

impl Token {
    pub(crate) fn new(text: &str) -> Self {
        Token(text.into())
    }

    /// The token as clients see it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a client has named as a token; whether it is one, whoever takes it says.
impl From<String> for Token {
    fn from(text: String) -> Self {
        Token(text.into_boxed_str())
    }
}

/// What is left to do where the log was busy: whoever sends, the event's name, its arguments.
type Again<S> = (S, String, Result<Args, ArgsError>);

pub(crate) fn is_busy(outcome: &Result<Emitted, EmitError>) -> bool {
    matches!(outcome, Err(EmitError::Busy))
}

/// Waits and tries again where the log was busy.
pub(crate) async fn when_ready<S: Send + Sync>(
    first: Result<Emitted, EmitError>,
    again: Option<Again<S>>,
    emit: fn(&S, &str, &Args) -> Result<Emitted, EmitError>,
) -> Result<Emitted, EmitError> {
    let Some((sender, event, args)) = again else {
        return first;
    };
    let args = args.map_err(|problem| EmitError::Arguments {
        event: event.clone(),
        problem: problem.to_string(),
    })?;
    loop {
        tokio::time::sleep(BUSY).await;
        match emit(&sender, &event, &args) {
            Err(EmitError::Busy) => {}
            done => return done,
        }
    }
}

/// A full queue is written in some milliseconds.
const BUSY: Duration = Duration::from_millis(2);

/// An event in its final form, to be shared by all its recipients.
pub(crate) fn encode<T: ToArgs + ?Sized>(
    namespace: &str,
    event: &str,
    args: &T,
    ack: Option<u64>,
) -> Result<Encoded, EmitError> {
    args.encode_event(namespace, event, ack, ROOM).map_err(|error| match error {
        EncodeError::Reserved(_) => EmitError::Reserved { event: event.to_owned() },
        other => EmitError::Arguments { event: event.to_owned(), problem: other.to_string() },
    })
}
