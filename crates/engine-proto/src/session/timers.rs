//! What a session waits for: one row per wait, and no task behind any of them.
//!
//! | wait    | who    | until                                   | then                       | lives in    |
//! |---------|--------|-----------------------------------------|----------------------------|-------------|
//! | ping    | server | `ping_interval` after opening or pong   | ping                       | [`Beating::Resting`](super::heartbeat::Beating)  |
//! | pong    | server | `ping_timeout` after the ping           | close, `ping timeout`      | [`Beating::Awaiting`](super::heartbeat::Beating) |
//! | ping, revision 3 | server | interval + timeout after the last ping | close, `ping timeout` | [`Answering`](super::heartbeat::Answering) |
//! | upgrade | server | `upgrade_timeout` after the candidate   | drop the candidate         | `Phase::Probing` |
//! | open    | client | `open_timeout`                          | close, `transport error`   | `client::Phase::Opening` |
//! | ping    | client | interval + timeout after the last ping  | close, `ping timeout`      | [`Answering`](super::heartbeat::Answering) |
//! | ping, revision 3 | client | `ping_interval` after opening or pong | ping              | [`Beating::Resting`](super::heartbeat::Beating) |
//! | pong, revision 3 | client | `ping_timeout` after the ping  | close, `ping timeout`      | [`Beating::Awaiting`](super::heartbeat::Beating) |
//! | upgrade | client | `upgrade_timeout` after the order       | drop the candidate         | `client::Phase::Probing`, `Pausing` |

use std::time::Duration;

use crate::config::Config;
use crate::handshake::Open;

/// How long a side waits for what. Every session has one, so it is kept small.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
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

    /// That of a client that has yet to be told when pings come.
    pub(crate) fn unopened(upgrade_timeout: Duration) -> Self {
        Patience { interval: Wait(0), timeout: Wait(0), upgrade: Wait::of(upgrade_timeout) }
    }

    /// What the server says. It may say anything: no time at all would be a heartbeat without a rest.
    pub(crate) fn told(&mut self, open: &Open) {
        self.interval = Wait::of(open.ping_interval).at_least(SHORTEST_INTERVAL);
        self.timeout = Wait::of(open.ping_timeout).at_least(1);
    }

    /// When a candidate that has come now is dropped.
    pub(crate) fn upgrade_ends(&self, now: Duration) -> Duration {
        self.upgrade.after(now)
    }

    /// When a ping is due if nothing was said since now.
    pub(crate) fn interval_ends(&self, now: Duration) -> Duration {
        self.interval.after(now)
    }

    /// When a ping that goes out now has to be answered.
    pub(crate) fn timeout_ends(&self, now: Duration) -> Duration {
        self.timeout.after(now)
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

    fn at_least(self, millis: u32) -> Self {
        Wait(self.0.max(millis))
    }

    fn after(self, now: Duration) -> Duration {
        now.saturating_add(Duration::from_millis(self.0.into()))
    }
}

/// The shortest interval that a server can make us ping at, in milliseconds.
const SHORTEST_INTERVAL: u32 = 10;
