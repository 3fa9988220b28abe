//! What has been registered in a namespace.

use std::sync::Arc;

use handler::States;

use crate::error::MountError;
use crate::handler::Entry;
use crate::listeners::{Chain, EventHandlers};

/// The handlers of a namespace, and of all children of a parent.
#[derive(Default)]
pub(crate) struct Handlers {
    /// What decides about a CONNECT.
    pub(crate) middleware: Option<Chain>,
    pub(crate) connect: Option<Chain>,
    pub(crate) events: EventHandlers,
    pub(crate) disconnecting: Option<Chain>,
    pub(crate) disconnect: Option<Chain>,
}

impl Handlers {
    fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let chains = [&self.middleware, &self.connect, &self.disconnecting, &self.disconnect];
        chains.into_iter().flatten().flat_map(|chain| chain.iter()).chain(self.events.all())
    }

    /// Whether everything is there that they need.
    pub(crate) fn check(&self, namespace: &str, states: &States) -> Result<(), MountError> {
        for entry in self.all() {
            let missing = entry.needs.iter().find(|need| !states.has(need.id));
            if let Some(need) = missing {
                return Err(MountError::MissingState {
                    namespace: namespace.to_owned(),
                    handler: entry.label.to_string(),
                    state: need.name,
                });
            }
        }
        Ok(())
    }
}
