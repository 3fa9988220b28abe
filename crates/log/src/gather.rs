//! Waking the writer once for all that one turn of a thread appends.
//!
//! The first append of a turn would wake it for a batch of one, and make the others wait for the end of that.

use std::cell::Cell;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Appending wakes the writer.
    None,
    /// It does not.
    Gathers,
    /// It has not, and somebody has to.
    Owes,
}

thread_local! {
    static TURN: Cell<Turn> = const { Cell::new(Turn::None) };
}

/// What this thread appends from now on does not wake the writer of any log, until [`gathered`] is called:
/// at the end of every turn, and without waiting for anything in between.
pub fn gather() {
    if TURN.get() == Turn::None {
        TURN.set(Turn::Gathers);
    }
}

/// The turn is over. `true` if a writer was not woken: [`Log::nudge`](crate::Log::nudge) has to be called.
///
/// ```
/// use sockeye_log::{Durability, Event, Log, gather, gathered};
///
/// let directory = tempfile::tempdir()?;
/// let log = Log::open(directory.path())?;
/// let chat = log.namespace("/chat");
/// gather();
/// for _ in 0..10 {
///     chat.append(Durability::Async, None, 0, |_| Event::default())?;
/// }
/// if gathered() {
///     log.nudge(); // one batch of ten
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "somebody has to wake the writer"]
pub fn gathered() -> bool {
    TURN.replace(Turn::None) == Turn::Owes
}

/// Whether the writer is to be woken later; whoever gathers knows then.
pub(crate) fn is_later() -> bool {
    let later = TURN.get() != Turn::None;
    if later {
        TURN.set(Turn::Owes);
    }
    later
}
