//! What has been registered in a namespace.

use std::collections::HashMap;
use std::sync::Arc;

use crate::basis::States;
use crate::error::MountError;
use crate::handler::Entry;

/// The handlers of a namespace, and of all children of a parent.
#[derive(Default)]
pub(crate) struct Handlers {
    /// What decides about a CONNECT.
    pub(crate) middleware: Chain,
    /// What decides about an event.
    pub(crate) event_middleware: Option<Chain>,
    pub(crate) connect: Option<Arc<Entry>>,
    pub(crate) events: HashMap<Box<str>, Arc<Entry>, foldhash::fast::RandomState>,
    pub(crate) any: Option<Arc<Entry>>,
    pub(crate) disconnecting: Option<Arc<Entry>>,
    pub(crate) disconnect: Option<Arc<Entry>>,
    /// What was given twice.
    pub(crate) twice: Vec<String>,
}

/// Several, one after the other.
pub(crate) type Chain = Arc<[Arc<Entry>]>;

/// With one more at its end.
pub(crate) fn longer(chain: &[Arc<Entry>], entry: Arc<Entry>) -> Chain {
    chain.iter().cloned().chain([entry]).collect()
}

impl Handlers {
    /// Who handles an event of this name, and what decides before.
    pub(crate) fn of_event(&self, event: &str) -> (Option<Arc<Entry>>, Option<Chain>) {
        let handler = self.events.get(event).or(self.any.as_ref());
        (handler.cloned(), self.event_middleware.clone())
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let rare = [&self.connect, &self.any, &self.disconnecting, &self.disconnect];
        let chains =
            self.middleware.iter().chain(self.event_middleware.iter().flat_map(|all| &**all));
        chains.chain(rare.into_iter().flatten()).chain(self.events.values())
    }

    /// Whether everything is there that they need.
    pub(crate) fn check(&self, namespace: &str, states: &States) -> Result<(), MountError> {
        let namespace = || namespace.to_owned();
        if let Some(handler) = self.twice.first() {
            return Err(MountError::GivenTwice {
                namespace: namespace(),
                handler: handler.clone(),
            });
        }
        for entry in self.all() {
            let missing = entry.needs.iter().find(|need| !states.has(need.id));
            if let Some(need) = missing {
                let handler = entry.label.to_string();
                return Err(MountError::MissingState {
                    namespace: namespace(),
                    handler,
                    state: need.name,
                });
            }
        }
        Ok(())
    }
}
