//! What a session waits for: one row per wait, and no task behind any of them.
//!
//! | wait    | who    | until                                   | then                       | lives in    |
//! |---------|--------|-----------------------------------------|----------------------------|-------------|
//! | ping    | server | `ping_interval` after opening or pong   | ping                       | [`Heartbeat::Resting`]  |
//! | pong    | server | `ping_timeout` after the ping           | close, `ping timeout`      | [`Heartbeat::Awaiting`] |
//! | upgrade | server | `upgrade_timeout` after the candidate   | drop the candidate         | `Phase::Probing` |
//! | open    | client | `open_timeout`                          | close, `transport error`   | `client::Phase::Opening` |
//! | ping    | client | interval + timeout after the last ping  | close, `ping timeout`      | `client::Session` |
//! | upgrade | client | `upgrade_timeout` after the order       | drop the candidate         | `client::Phase::Probing`, `Pausing` |

use std::time::Duration;

/// How long the accepting side waits for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) upgrade: Duration,
}

/// The accepting side's heartbeat: either the next ping is due at some time, or a pong is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heartbeat {
    /// Nothing is outstanding.
    Resting { ping_at: Duration },
    /// A ping went out.
    Awaiting {
        pong_by: Duration,
        /// The deadline was moved once already for this ping.
        extended: bool,
    },
}

impl Heartbeat {
    pub(crate) fn resting(patience: &Patience, now: Duration) -> Self {
        Heartbeat::Resting { ping_at: now.saturating_add(patience.interval) }
    }

    pub(crate) fn awaiting(patience: &Patience, now: Duration) -> Self {
        Heartbeat::Awaiting { pong_by: now.saturating_add(patience.timeout), extended: false }
    }

    pub(crate) fn next(self) -> Duration {
        match self {
            Heartbeat::Resting { ping_at } => ping_at,
            Heartbeat::Awaiting { pong_by, .. } => pong_by,
        }
    }

    /// A packet that is no pong came in.
    ///
    /// A pong may be stuck behind a large message; that the message arrives shows that the peer lives.
    /// But only once per ping, or a peer that never pongs could talk its way out for ever.
    #[inline]
    pub(crate) fn heard(&mut self, patience: &Patience, now: Duration) {
        if let Heartbeat::Awaiting { pong_by, extended: extended @ false } = self {
            *pong_by = now.saturating_add(patience.timeout);
            *extended = true;
        }
    }

    /// A pong came in. One that nobody asked for changes nothing: it may be late by a whole interval.
    pub(crate) fn pong(&mut self, patience: &Patience, now: Duration) {
        if let Heartbeat::Awaiting { .. } = self {
            *self = Heartbeat::resting(patience, now);
        }
    }
}
