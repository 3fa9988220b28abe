//! How much may wait, and what happens to what is too much.

use std::sync::Arc;

use socket_proto::Encoded;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// What happens to an event for which there is no room: so much waits for a socket already as
/// [`Builder::buffer_bytes`](crate::Builder::buffer_bytes) allows, since it is not connected or the server reads slowly.
///
/// ```
/// use sockeye_client::{Client, Overflow};
///
/// let client = Client::builder("http://localhost:3000")
///     .buffer_bytes(64 << 10)
///     .overflow(Overflow::DropOldest)
///     .build()?;
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Whoever awaits the [`emit`](crate::Socket::emit) waits until there is room; those who wait get it in turn.
    #[default]
    Wait,
    /// The new event is refused: [`EmitError::Full`](crate::EmitError::Full).
    Refuse,
    /// The oldest events that wait are dropped, but no [reliable](crate::Socket::reliably) ones; whoever waits for the
    /// answer to one is told so. If nothing can be dropped, the new event is refused.
    DropOldest,
}

/// The room of one socket, in bytes. A packet that is larger than all of it fits when nothing else waits.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    bytes: u32,
}

/// What a packet takes of it.
pub(crate) type Cost = u32;

/// What holding a packet costs beside its bytes: its place in the queue, its list of attachments.
const HOLDING: usize = 128;

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).max(1);
        let permits = Semaphore::MAX_PERMITS.min(usize::try_from(bytes).unwrap_or(usize::MAX));
        Room { free: Arc::new(Semaphore::new(permits)), bytes }
    }

    pub(crate) fn cost(&self, packet: &Encoded) -> Cost {
        let text = packet.buffer.len() - packet.start;
        let attachments = packet.attachments.iter().map(|one| one.len() + HOLDING).sum::<usize>();
        u32::try_from(HOLDING + text + attachments).unwrap_or(u32::MAX).min(self.bytes)
    }

    /// Takes room, if there is so much and nobody waits for it.
    pub(crate) fn take(&self, cost: Cost) -> bool {
        self.free.try_acquire_many(cost).map(tokio::sync::SemaphorePermit::forget).is_ok()
    }

    /// Takes what is left of it, and no more: for what an earlier run has accepted. What it took.
    pub(crate) fn take_what_is_left(&self, cost: Cost) -> Cost {
        let taken = self.free.forget_permits(usize::try_from(cost).unwrap_or(usize::MAX));
        Cost::try_from(taken).unwrap_or(cost)
    }

    /// Waits for room, behind those who wait already. To be forgotten when something is put there.
    pub(crate) fn wait(
        &self,
        cost: Cost,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send + use<> {
        Arc::clone(&self.free).acquire_many_owned(cost)
    }

    pub(crate) fn give_back(&self, cost: Cost) {
        self.free.add_permits(usize::try_from(cost).unwrap_or(usize::MAX));
    }

    /// Nobody gets anything any more.
    pub(crate) fn close(&self) {
        self.free.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.free.is_closed()
    }

    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        usize::try_from(self.bytes).unwrap() - self.free.available_permits()
    }
}
