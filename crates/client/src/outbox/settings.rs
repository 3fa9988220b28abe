//! What a client is told about sending when it is built.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Limits, Outbox, Overflow};
use crate::durable::DurableOutbox;
use crate::retry::{Keys, Retries};
use crate::{Builder, Positions};

/// The settings for what is sent, and for what is heard once more.
pub(crate) struct Settings {
    limits: Limits,
    ack_timeout: Duration,
    retries: Retries,
    positions: Option<Arc<dyn Positions>>,
    durable: Option<DurableOutbox>,
}

/// What sockets look at when they send.
pub(crate) struct Sending {
    pub(crate) ack_timeout: Duration,
    pub(crate) retries: Arc<Retries>,
    pub(crate) keys: Keys,
    pub(crate) positions: Option<Arc<dyn Positions>>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            limits: Limits { bytes: 4 << 20, overflow: Overflow::Wait, questions: 65_536 },
            ack_timeout: Duration::from_secs(20),
            retries: Retries::default(),
            positions: None,
            durable: None,
        }
    }
}

impl Settings {
    pub(crate) fn build(self) -> (Sending, Outbox) {
        let Settings { limits, ack_timeout, retries, positions, durable } = self;
        let sending =
            Sending { ack_timeout, retries: Arc::new(retries), keys: Keys::new(), positions };
        (sending, Outbox::new(limits, durable))
    }
}

impl Builder {
    /// How many bytes may wait to be sent for each socket, and one packet of any size: while it is not connected, or the server
    /// reads slowly. A packet counts for 128 bytes more than it has. What happens to more says [`overflow`](Self::overflow).
    /// Default 4 MiB.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").buffer_bytes(64 << 10).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.sending.limits.bytes = bytes;
        self
    }

    /// What happens to an event for which there is no room. Default: whoever awaits the emit waits.
    ///
    /// ```
    /// # use sockeye_client::{Client, Overflow};
    /// let client = Client::builder("http://localhost:3000").overflow(Overflow::DropOldest).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.sending.limits.overflow = overflow;
        self
    }

    /// How long an answer is waited for, from the emit on, where nothing else is [said](crate::AckFuture::timeout). Default
    /// 20 s.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let seconds = std::time::Duration::from_secs(5);
    /// let client = Client::builder("http://localhost:3000").ack_timeout(seconds).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.sending.ack_timeout = timeout;
        self
    }

    /// How many answers each socket may wait for; asking more fails: [`EmitError::TooManyQuestions`](crate::EmitError::TooManyQuestions).
    /// Default 65 536.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").max_pending_acks(100).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn max_pending_acks(mut self, acks: usize) -> Self {
        self.sending.limits.questions = acks;
        self
    }

    /// How events are sent [reliably](crate::Socket::reliably).
    ///
    /// ```
    /// # use sockeye_client::{Client, Retries};
    /// let client = Client::builder("http://localhost:3000").retries(Retries::default().attempts(3)).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn retries(mut self, retries: Retries) -> Self {
        self.sending.retries = retries;
        self
    }

    /// Where it is kept how far each socket has come in what the server sends, so that a client that is started anew is given what
    /// it has missed. Default: in memory, for the life of the client.
    ///
    /// ```
    /// # use sockeye_client::{Client, FilePositions};
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("positions.json");
    /// let client = Client::builder("http://localhost:3000").positions(FilePositions::open(path)?).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn positions(mut self, positions: impl Positions) -> Self {
        self.sending.positions = Some(Arc::new(positions));
        self
    }

    /// Where [reliable](crate::Socket::reliably) events stand until they are answered, over a restart of the client. Default: in
    /// memory. Feature `outbox`.
    ///
    /// ```no_run
    /// # use sockeye_client::{Client, DurableOutbox};
    /// let outbox = DurableOutbox::open("outbox")?;
    /// let client = Client::builder("http://localhost:3000").outbox(outbox).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "outbox")]
    pub fn outbox(mut self, outbox: DurableOutbox) -> Self {
        self.sending.durable = Some(outbox);
        self
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("ack_timeout", &self.ack_timeout)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}
