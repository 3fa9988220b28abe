//! When reliable events are to be sent again, or given up.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::hub::Hub;

/// A timer for what is due next; none while nothing is.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready when something was due: it waits to be sent now.
    pub(super) fn poll(&mut self, hub: &Hub, cx: &mut Context<'_>) -> Poll<()> {
        let Some(due) = hub.outbox.lock().next_due() else {
            self.0 = None;
            return Poll::Pending;
        };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        let rung = sleep.as_mut().poll(cx);
        rung.map(|()| hub.outbox.lock().due(Instant::now()))
    }
}
