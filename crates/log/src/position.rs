//! Where something stands in the log, and how safely it stands there.

use std::fmt;

/// Where a record stands in the order of its log, counted from 1. Positions never go back and are
/// never used twice, whatever the process, the machine or the disk went through; some are skipped.
///
/// ```
/// use sockeye_log::Position;
///
/// assert!(Position::ZERO < Position::from(1));
/// assert_eq!(Position::from(7).get(), 7);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before everything.
    pub const ZERO: Self = Self(0);

    /// Behind everything that there will ever be.
    pub const LAST: Self = Self(u64::MAX);

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<u64> for Position {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an event has to survive, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// Nothing: it is kept in memory. After a restart, reading across it is a gap.
    Memory,
    /// The end of the process, however it ends; a loss of power may take the last
    /// [`Options::sync_every`](crate::Options::sync_every).
    Async,
    /// A loss of power, from the moment on at which it counts as stored.
    Fsync,
}
