//! What was published, and what became of it.

use std::collections::BTreeSet;

use sockeye::Durability;

/// Something that was published, by its number.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) step: usize,
    pub(crate) kind: Kind,
    pub(crate) class: Durability,
    pub(crate) address: Address,
    pub(crate) key: Option<String>,
    /// Sessions it is for.
    pub(crate) must: BTreeSet<usize>,
    /// Sessions that may be members, after the server had ended; nobody knows.
    pub(crate) may: BTreeSet<usize>,
    pub(crate) fate: Fate,
    /// How much had been said when that was known.
    pub(crate) known_at: usize,
    pub(crate) heard_by: BTreeSet<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    Volatile,
    Question,
}

/// Rooms, and those that are left out. Without rooms: everybody. A session's own room has its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Address {
    pub(crate) to: Vec<String>,
    pub(crate) except: Vec<String>,
}

/// What the server said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing yet; of questions never anything.
    Waiting,
    Stored,
    /// It is not stored, and nobody may hear it.
    Failed,
    /// It was not taken.
    Refused,
    /// The same had been said before, by its key.
    Repeated,
    /// The server ended before it was stored: it may be there or not, but the same for all.
    Unknown,
    /// The power went, and its class does not survive that.
    Lost,
}

impl Said {
    /// Whether whoever it is for has to hear it.
    pub(crate) fn is_due(&self) -> bool {
        if self.kind == Kind::Volatile {
            return false;
        }
        match self.fate {
            Fate::Stored => true,
            Fate::Waiting | Fate::Unknown | Fate::Failed => !self.heard_by.is_empty(),
            Fate::Refused | Fate::Repeated | Fate::Lost => false,
        }
    }

    /// Whether nobody may hear it.
    pub(crate) fn is_mute(&self) -> bool {
        let waits_for_the_log = self.class > Durability::Memory;
        match self.fate {
            Fate::Failed => waits_for_the_log,
            Fate::Refused | Fate::Repeated => true,
            _ => false,
        }
    }
}
