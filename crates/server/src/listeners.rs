//! Who hears an event: what is registered for events, in a namespace or on one socket.

use std::collections::HashMap;
use std::sync::Arc;

use crate::handler::Entry;

/// Several, in their order.
pub(crate) type Chain = Arc<[Arc<Entry>]>;

/// With one more at its end.
pub(crate) fn longer(chain: &[Arc<Entry>], entry: Arc<Entry>) -> Chain {
    chain.iter().cloned().chain([entry]).collect()
}

/// Puts one more at the end.
pub(crate) fn append(chain: &mut Option<Chain>, entry: Arc<Entry>) {
    *chain = Some(longer(chain.as_deref().unwrap_or_default(), entry));
}

/// Where among those that hear every event a new one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Last,
}

/// Puts one more where it belongs.
pub(crate) fn insert(chain: &mut Option<Chain>, entry: Arc<Entry>, place: Place) {
    match (place, &*chain) {
        (Place::First, Some(others)) => {
            *chain = Some([entry].into_iter().chain(others.iter().cloned()).collect());
        }
        _ => append(chain, entry),
    }
}

/// What is registered for events.
#[derive(Default)]
pub(crate) struct EventHandlers {
    /// What decides about every event.
    pub(crate) before: Option<Chain>,
    /// What hears every event.
    pub(crate) any: Option<Chain>,
    named: HashMap<Box<str>, Chain, foldhash::fast::RandomState>,
}

impl EventHandlers {
    /// One more for the events of this name. What is given back is no longer needed: it may hold what the user has
    /// captured, which is not to be dropped under a lock.
    pub(crate) fn add(&mut self, event: &str, entry: Arc<Entry>) -> Option<Chain> {
        let old = self.named.get(event).map_or(&[][..], |chain| chain);
        let chain = longer(old, entry);
        self.named.insert(event.into(), chain)
    }

    /// Nobody handles events of this name any more.
    pub(crate) fn remove(&mut self, event: &str) -> Option<Chain> {
        self.named.remove(event)
    }

    /// Who hears an event of this name.
    pub(crate) fn of(&self, event: &str) -> Listeners {
        Listeners {
            before: self.before.clone(),
            any: self.any.clone(),
            named: self.named.get(event).cloned(),
        }
    }

    /// As [`of`](Self::of), and whoever wanted to hear one event only has heard it.
    pub(crate) fn take(&mut self, event: &str) -> Listeners {
        let listeners = self.of(event);
        if let Some(named) = listeners.named.as_deref().filter(|all| all.iter().any(|one| one.once))
        {
            let rest: Chain = named.iter().filter(|entry| !entry.once).cloned().collect();
            if rest.is_empty() {
                self.named.remove(event);
            } else {
                self.named.insert(event.into(), rest);
            }
        }
        listeners
    }

    /// All that are registered.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let chains = [&self.before, &self.any].into_iter().flatten().chain(self.named.values());
        chains.flat_map(|chain| chain.iter())
    }
}

/// Who hears an event, and what decides before.
#[derive(Default)]
pub(crate) struct Listeners {
    pub(crate) before: Option<Chain>,
    pub(crate) any: Option<Chain>,
    pub(crate) named: Option<Chain>,
}

impl Listeners {
    /// With those of the socket itself: its handlers take the place of the namespace's, all else stands behind.
    pub(crate) fn and_own(self, own: Listeners) -> Listeners {
        Listeners {
            before: both(self.before, own.before),
            any: both(self.any, own.any),
            named: own.named.or(self.named),
        }
    }

    /// Who answers: those that handle events of this name; where there are none, those that hear every event.
    pub(crate) fn answering(&self) -> &[Arc<Entry>] {
        self.named.as_deref().or(self.any.as_deref()).unwrap_or_default()
    }

    /// Who only listens.
    pub(crate) fn watching(&self) -> &[Arc<Entry>] {
        self.any.as_deref().filter(|_| self.named.is_some()).unwrap_or_default()
    }
}

fn both(first: Option<Chain>, second: Option<Chain>) -> Option<Chain> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first.iter().chain(&*second).cloned().collect()),
        (first, second) => first.or(second),
    }
}
