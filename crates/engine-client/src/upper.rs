//! What sits on top of a session, and what it is told at the end.

use std::borrow::Cow;
use std::time::Duration;

use engine_proto::handshake::Open;
use engine_proto::{CloseReason, Message, Transport};

use crate::{EngineError, Queue};

/// What sits on top of an [`Engine`](crate::Engine): called within [`poll`](crate::Engine::poll), by whoever polls.
///
/// ```
/// use sockeye_engine_client::{Broken, Message, Open, Packet, Queue, Upper};
///
/// /// Says hello, and repeats what it hears.
/// struct Echo;
///
/// impl Upper for Echo {
///     fn opened(&mut self, _: &Open, queue: &mut Queue) {
///         queue.push(Packet::text("hello"));
///     }
///     fn message(&mut self, message: Message<'_>, queue: &mut Queue) -> Result<(), Broken> {
///         let Message::Text(text) = message else {
///             return Err("expected text".into());
///         };
///         queue.push(Packet::text(text));
///         Ok(())
///     }
/// }
/// ```
pub trait Upper {
    /// The session is open. Called once, before any message.
    fn opened(&mut self, open: &Open, queue: &mut Queue);

    /// Takes one message of the server. The slices live only for this call.
    ///
    /// # Errors
    ///
    /// What is wrong with it: the session ends with `parse error`.
    fn message(&mut self, message: Message<'_>, queue: &mut Queue) -> Result<(), Broken>;

    /// Little waits to be sent: what comes next? Called before each write of an open session, and again for as long as
    /// something was pushed and less than [`LOW`](crate::LOW) bytes wait. `writable` says whether what is pushed now leaves at
    /// once, as far as one can know: the same for all that is pushed together.
    fn refill(&mut self, _writable: bool, _queue: &mut Queue) {}

    /// Whether more messages are taken now; what one read from a WebSocket has brought (64 KiB at most) is still handed over.
    /// `false` leaves what the server says unread, its pings too; that it is not heard meanwhile is not held against it.
    /// Whoever says `false` sees to it that the engine is polled again later, and before the server's patience is over (its
    /// ping timeout): it does not know why it has no answer.
    fn takes_more(&self) -> bool {
        true
    }

    /// The session has moved to this transport.
    fn upgraded(&mut self, _transport: Transport) {}

    /// The server has asked whether we are there, and is answered; in revision 3, it has answered our asking.
    fn pinged(&mut self) {}
}

/// What is wrong with a message, in words for whoever has to mend the server.
///
/// ```
/// use sockeye_engine_client::Broken;
///
/// let broken = Broken::from("expected a packet of Socket.IO");
/// assert_eq!(broken.words(), "expected a packet of Socket.IO");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(Cow<'static, str>);

impl Broken {
    /// The words.
    ///
    /// ```
    /// assert_eq!(sockeye_engine_client::Broken::from("no packet").words(), "no packet");
    /// ```
    pub fn words(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Broken {
    fn from(words: &'static str) -> Self {
        Broken(Cow::Borrowed(words))
    }
}

impl From<String> for Broken {
    fn from(words: String) -> Self {
        Broken(Cow::Owned(words))
    }
}

/// How a session has ended.
///
/// ```
/// use sockeye_engine_client::Ended;
///
/// fn told(ended: &Ended) -> String {
///     match &ended.error {
///         Some(error) => format!("{}: {error}", ended.reason),
///         None => ended.reason.to_string(),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ended {
    /// Why, in one of the words that users know.
    pub reason: CloseReason,
    /// Whether it had been open.
    pub opened: bool,
    /// What happened, where something did.
    pub error: Option<EngineError>,
    /// How long the server asked to be left alone (`Retry-After` of a refusal).
    pub retry_after: Option<Duration>,
}
