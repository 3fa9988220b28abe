//! What becomes of something that was sent.

use std::future::{Future, ready};
use std::sync::Arc;

use serde::Serialize;
use socket_proto::{EncodeError, Encoded};
use transport::{Encoded as Packet, Pushed};

use crate::ToArgs;
use crate::error::{DeliveryError, EmitError, StoreError};

/// What became of an event: it is in the outboxes of its recipients. May be dropped.
///
/// ```
/// # let io = sockeye::Io::builder().build()?;
/// let emitted = io.to("lobby").emit("news", &("hello", 1))?;
/// assert_eq!(emitted.recipients(), 0); // nobody is there
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emitted {
    queued: u32,
    dropped: u32,
    overflowed: u32,
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

    /// Waits until it is stored, and gives its position in the log. Without a log that is at once,
    /// and there is no position.
    ///
    /// # Errors
    ///
    /// If the log fails.
    pub fn stored(self) -> impl Future<Output = Result<Option<Token>, StoreError>> + Send {
        ready(Ok(None))
    }

    /// Waits until its recipients have confirmed it, and says how many have.
    ///
    /// # Errors
    ///
    /// Without a log nobody confirms: always [`DeliveryError::NoReceipts`]. Ask by
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
        ready(Err(DeliveryError::NoReceipts))
    }

    /// So many recipients are another worker's, who gives it to them.
    pub(crate) fn note_elsewhere(&mut self, recipients: usize) {
        self.queued += u32::try_from(recipients).unwrap_or(u32::MAX);
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded(());

impl Recorded {
    pub(crate) fn now() -> Self {
        Recorded(())
    }

    /// Waits until it is stored. Without a log that is at once.
    ///
    /// # Errors
    ///
    /// If the log fails.
    pub fn stored(self) -> impl Future<Output = Result<(), StoreError>> + Send {
        ready(Ok(()))
    }
}

/// An event's position in the log: the same for every recipient, and nobody's business what is in
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Token(Box<str>);

impl Token {
    /// The token as clients see it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An event in its final form, to be shared by all its recipients.
pub(crate) fn encode<T: ToArgs + ?Sized>(
    namespace: &str,
    event: &str,
    args: &T,
    ack: Option<u64>,
) -> Result<Arc<Packet>, EmitError> {
    args.encode_event(namespace, event, ack).map(packet).map_err(|error| match error {
        EncodeError::Reserved(_) => EmitError::Reserved { event: event.to_owned() },
        other => EmitError::Arguments { event: event.to_owned(), problem: other.to_string() },
    })
}

pub(crate) fn packet(encoded: Encoded) -> Arc<Packet> {
    Packet::text(encoded.buffer, encoded.start, encoded.attachments)
}
