//! Without the feature `outbox`, nothing survives the client.

use std::convert::Infallible;
use std::sync::Arc;

use socket_proto::Encoded;

/// There is none.
#[derive(Debug)]
pub(crate) struct DurableOutbox(Infallible);

/// Never made.
pub(crate) type Stored = std::future::Pending<Result<(), Infallible>>;

/// Never found.
pub(crate) struct Found {
    pub(crate) number: u64,
    never: Infallible,
}

impl DurableOutbox {
    pub(crate) fn watch(&self, _: impl Fn() + Send + Sync + 'static) {
        match self.0 {}
    }

    pub(crate) fn take(&mut self, _: &str) -> Vec<Found> {
        match self.0 {}
    }

    pub(crate) fn keep(&mut self, _: &str, _: &Encoded) -> Result<u64, Arc<str>> {
        match self.0 {}
    }

    pub(crate) fn outcome(&self, _: u64) -> Option<Result<(), Arc<str>>> {
        match self.0 {}
    }

    pub(crate) fn stored(&self, _: u64) -> Stored {
        match self.0 {}
    }

    pub(crate) fn done(&mut self, _: u64) {
        match self.0 {}
    }
}

impl Found {
    pub(crate) fn packet(&self, _: u64, _: usize) -> Option<Encoded> {
        match self.never {}
    }
}
