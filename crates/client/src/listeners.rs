//! Who hears what: everything that is registered on one socket.

use std::collections::HashMap;
use std::sync::Arc;

use crate::handler::Entry;

/// Several, in their order.
pub(crate) type Chain = Arc<[Arc<Entry>]>;

/// Where among those that hear every event a new one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Last,
}

/// Puts one more where it belongs. What is given back is no longer needed: it may hold what the user has captured, which is not
/// to be dropped under a lock.
pub(crate) fn insert(chain: &mut Option<Chain>, entry: Arc<Entry>, place: Place) -> Option<Chain> {
    let others = chain.as_deref().unwrap_or_default().iter().cloned();
    let longer = match place {
        Place::First => [entry].into_iter().chain(others).collect(),
        Place::Last => others.chain([entry]).collect(),
    };
    chain.replace(longer)
}

/// What is registered on a socket.
#[derive(Default)]
pub(crate) struct Handlers {
    named: HashMap<Box<str>, Chain, foldhash::fast::RandomState>,
    /// What hears every event.
    pub(crate) any: Option<Chain>,
    /// What hears every event that is sent.
    pub(crate) outgoing: Option<Chain>,
    pub(crate) connect: Option<Chain>,
    pub(crate) disconnect: Option<Chain>,
    pub(crate) connect_error: Option<Chain>,
}

impl Handlers {
    /// One more for the events of this name.
    pub(crate) fn add(&mut self, event: &str, entry: Arc<Entry>) -> Option<Chain> {
        let mut chain = self.named.get(event).cloned();
        insert(&mut chain, entry, Place::Last);
        self.named.insert(event.into(), chain?)
    }

    /// Nobody handles events of this name any more.
    pub(crate) fn remove(&mut self, event: &str) -> Option<Chain> {
        self.named.remove(event)
    }

    /// Whether any event is handled at all.
    pub(crate) fn handles_events(&self) -> bool {
        self.any.is_some() || !self.named.is_empty()
    }

    /// Who hears an event of this name; whoever wanted to hear one event only has heard it.
    pub(crate) fn take(&mut self, event: &str) -> Listeners {
        let named = self.named.get(event).cloned();
        if let Some(all) = named.as_deref().filter(|all| all.iter().any(|one| one.once)) {
            let rest: Chain = all.iter().filter(|entry| !entry.once).cloned().collect();
            if rest.is_empty() {
                self.named.remove(event);
            } else {
                self.named.insert(event.into(), rest);
            }
        }
        Listeners { any: self.any.clone(), named }
    }
}

/// Who hears an event.
#[derive(Default)]
pub(crate) struct Listeners {
    pub(crate) any: Option<Chain>,
    pub(crate) named: Option<Chain>,
}

impl Listeners {
    /// Who answers: those that handle events of this name; where there are none, those that hear every event, unless the event is
    /// `pulled`.
    pub(crate) fn answering(&self, pulled: bool) -> &[Arc<Entry>] {
        let any = self.any.as_deref().filter(|_| !pulled);
        self.named.as_deref().or(any).unwrap_or_default()
    }

    /// Who only listens.
    pub(crate) fn watching(&self, pulled: bool) -> &[Arc<Entry>] {
        self.any.as_deref().filter(|_| pulled || self.named.is_some()).unwrap_or_default()
    }
}
