//! The one timer of a session.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Time since the first look at it.
#[derive(Debug, Default)]
pub(super) struct Clock {
    origin: Option<Instant>,
}

impl Clock {
    pub(super) fn start(&mut self) {
        self.origin.get_or_insert_with(Instant::now);
    }

    pub(super) fn now(&self) -> Duration {
        self.origin.map_or(Duration::ZERO, |origin| origin.elapsed())
    }

    fn at(&self, time: Duration) -> Option<Instant> {
        self.origin?.checked_add(time)
    }
}

/// Wakes whoever polls the session. It is set anew only for an earlier time: one that has moved to a later time, as each
/// ping makes it, is found to be too early when it rings, and set then.
#[derive(Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    /// For when it is set; `None` once it has rung.
    set: Option<Duration>,
}

impl Alarm {
    /// Rings if it is time, or sets itself.
    pub(super) fn poll(&mut self, next: Duration, clock: &Clock, cx: &mut Context<'_>) -> Poll<()> {
        if self.set.is_none_or(|set| next < set) {
            // Too far away to be told in numbers is never.
            let Some(at) = clock.at(next) else { return Poll::Pending };
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(at),
                None => self.sleep = Some(Box::pin(sleep_until(at))),
            }
            self.set = Some(next);
        }
        let Some(sleep) = &mut self.sleep else { return Poll::Pending };
        let rung = sleep.as_mut().poll(cx);
        if rung.is_ready() {
            self.set = None;
        }
        rung
    }
}
