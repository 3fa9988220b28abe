//! The life of the accepting side, drawn.

use std::time::Duration;

use super::{Order, Tray};
use crate::config::Transport;
use crate::reason::CloseReason;

/// Which pipe the session speaks through. Each phase owns what only that phase needs.
///
/// ```text
///   accept(Polling)                                          accept(WebSocket)
///        │                                                          │
///        ▼       candidate arrives              `5`                 ▼
///     Polling ─────────────────────▶ Probing ──────────────────▶ Streaming
///        ▲                            │    │                        │
///        └────────────────────────────┘    │                        │
///        │   candidate lost, silent        │                        │
///        │   or breaking the rules         │                        │
///        │                                 │                        │
///        └─────────────────────────────────┴────────────────────────┴────▶ Closed
///            close by either side, pipe lost, pong late, bad packet,
///            overlapping or aborted requests
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// Packets leave in answers to GETs and arrive in POSTs.
    Polling(Requests),
    /// Still polling, and a WebSocket is being tried out.
    Probing {
        requests: Requests,
        /// The candidate has sent `2probe`. From here on no GET is held: the client says `5` only after
        /// its last GET has returned.
        probed: bool,
        /// When the candidate is dropped.
        give_up_at: Duration,
    },
    /// One WebSocket is all there is.
    Streaming,
    /// Over, for this reason.
    Closed {
        reason: CloseReason,
        /// What it spoke through in the end.
        transport: Transport,
        /// A goodbye is queued, and the next GET takes it.
        goodbye_waits: bool,
    },
}

/// The HTTP requests of a polling client that are being served. One of each kind is all it may have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Requests {
    /// A GET is held until there is something to say.
    pub(crate) get: bool,
    /// A POST's body is arriving.
    pub(crate) post: bool,
}

impl Requests {
    /// Lets go of the held GET, if there is one.
    pub(crate) fn release(&mut self, out: &mut Tray) {
        if self.get {
            self.get = false;
            out.push(Order::ReleasePoll);
        }
    }
}

impl Phase {
    /// The requests of the polling pipe, while that is the current one.
    pub(crate) fn requests(&mut self) -> Option<&mut Requests> {
        match self {
            Phase::Polling(requests) | Phase::Probing { requests, .. } => Some(requests),
            Phase::Streaming | Phase::Closed { .. } => None,
        }
    }
}
