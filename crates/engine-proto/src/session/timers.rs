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

use crate::config::Config;

/// How long the accepting side waits for what. Every session has one, so it is kept small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    interval: Wait,
    timeout: Wait,
    upgrade: Wait,
}

impl Patience {
    pub(crate) fn new(config: &Config) -> Self {
        Patience {
            interval: Wait::of(config.ping_interval),
            timeout: Wait::of(config.ping_timeout),
            upgrade: Wait::of(config.upgrade_timeout),
        }
    }

    /// When a candidate that has come now is dropped.
    pub(crate) fn upgrade_ends(&self, now: Duration) -> Duration {
        self.upgrade.after(now)
    }
}

/// A time to wait, in whole milliseconds, rounded up. What is longer than 49 days is 49 days.
#[derive(Clone, Copy, Debug)]
struct Wait(u32);

impl Wait {
    fn of(time: Duration) -> Self {
        let millis = time.as_nanos().div_ceil(1_000_000);
        Wait(u32::try_from(millis).unwrap_or(u32::MAX))
    }

    fn after(self, now: Duration) -> Duration {
        now.saturating_add(Duration::from_millis(self.0.into()))
    }
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
        Heartbeat::Resting { ping_at: patience.interval.after(now) }
    }

    pub(crate) fn awaiting(patience: &Patience, now: Duration) -> Self {
        Heartbeat::Awaiting { pong_by: patience.timeout.after(now), extended: false }
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
            *pong_by = patience.timeout.after(now);
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
