//! The namespaces of a log: each has a number, under which everything of it stands.
//!
//! ```text
//!            something is appended            the last handle is dropped
//!  (nothing) ────────────────────▶ held ──────────────────────────────▶ idle ───▶ forgotten, with its sessions
//!                                    ◀────────────────────────────────            when there are too many: the one that
//!                                              a handle is made                   has been idle for longest
//! ```
//!
//! A number is given once: what a forgotten namespace has left in the log is never another one's. So that the next start
//! knows which were given, one is forgotten only for another one, whose number is higher.

use std::collections::{BTreeMap, HashMap};

/// Who is called what.
#[derive(Default)]
pub(crate) struct Names {
    all: HashMap<Box<str>, Name>,
    /// Those that nobody holds, in the order in which they were let go.
    idle: BTreeMap<u64, Box<str>>,
    /// How often one was let go.
    turns: u64,
    /// The number that is given next.
    next: u32,
}

struct Name {
    number: u32,
    state: State,
}

enum State {
    /// By so many handles.
    Held(usize),
    /// Since this turn.
    Idle(u64),
}

/// A namespace that was made, and those that were forgotten for it.
pub(crate) struct Made {
    pub(crate) number: u32,
    pub(crate) forgotten: Vec<(Box<str>, u32)>,
}

/// Names of a log.
const MOST: usize = 1 << 16;

/// The number of a namespace that has none: nothing is accepted under it, and nothing found.
pub(crate) const NOBODY: u32 = u32::MAX;

impl Names {
    /// Those of an earlier process; nobody holds them yet.
    pub(crate) fn found(found: HashMap<Box<str>, u32>) -> Self {
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_unstable_by_key(|(_, number)| *number);
        let mut names = Self::default();
        for (name, number) in found {
            names.next = number.saturating_add(1);
            names.all.insert(name.clone(), Name { number, state: State::Held(1) });
            names.let_go(&name);
        }
        names
    }

    /// The number of one that is known, for one more handle.
    pub(crate) fn hold(&mut self, name: &str) -> Option<u32> {
        let name = self.all.get_mut(name)?;
        match &mut name.state {
            State::Held(handles) => *handles += 1,
            State::Idle(since) => {
                self.idle.remove(since);
                name.state = State::Held(1);
            }
        }
        Some(name.number)
    }

    /// A handle is dropped.
    pub(crate) fn let_go(&mut self, name: &str) {
        let Some(Name { state, .. }) = self.all.get_mut(name) else { return };
        match state {
            State::Held(handles) if *handles > 1 => *handles -= 1,
            State::Held(_) => {
                self.turns += 1;
                *state = State::Idle(self.turns);
                self.idle.insert(self.turns, name.into());
            }
            State::Idle(_) => {}
        }
    }

    /// One that is not known, for its first handle. `None` if all that there may be are held.
    pub(crate) fn make(&mut self, name: &str) -> Option<Made> {
        let number = Some(self.next).filter(|next| *next < NOBODY)?;
        let mut forgotten = Vec::new();
        while self.all.len() >= MOST {
            let (_, oldest) = self.idle.pop_first()?;
            let old = self.all.remove(&oldest)?;
            forgotten.push((oldest, old.number));
        }
        self.next = number + 1;
        self.all.insert(name.into(), Name { number, state: State::Held(1) });
        Some(Made { number, forgotten })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.all.iter().map(|(name, one)| (&**name, one.number))
    }
}
