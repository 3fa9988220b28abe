//! In which state a log was found.

use std::fmt;

use crate::Position;

/// In which state a log was found when it was opened; `Display` says it in one sentence.
///
/// ```
/// use sockeye_log::{Log, Options, Verdict};
///
/// let log = Log::memory(Options::default());
/// assert_eq!(*log.verdict(), Verdict::Fresh);
/// assert_eq!(log.verdict().to_string(), "there was nothing yet");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// There was nothing yet.
    Fresh,
    /// It was closed in order.
    Clean,
    /// Its process ended otherwise, and nothing that was written is missing.
    Recovered,
    /// Less is there than was written. Reading across what is lost is a gap.
    Damaged {
        /// The last position before what is lost.
        after: Position,
        /// The last position that is lost.
        up_to: Position,
    },
    /// It could not be read at all. It was moved away, and an empty one begun: every event, session and
    /// token from before is lost.
    SetAside {
        /// Where the old one is now.
        place: String,
        /// What was wrong with it.
        why: String,
        /// The last position that is lost.
        up_to: Position,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh => f.write_str("there was nothing yet"),
            Self::Clean => f.write_str("everything is there"),
            Self::Recovered => {
                f.write_str("it was not closed, and everything that was written is there")
            }
            Self::Damaged { after, up_to } => {
                write!(f, "damaged: what was written after {after} up to {up_to} is lost")
            }
            Self::SetAside { place, why, up_to } => write!(
                f,
                "{why}; it was moved to {place} and a new one begun: everything up to {up_to} is lost"
            ),
        }
    }
}
