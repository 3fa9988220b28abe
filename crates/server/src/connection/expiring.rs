//! Handlers that do not come to their end, and sockets that have waited for long enough.
//!
//! Only a handler that has to wait has a deadline, and the earliest of all is a number beside the
//! work: they are looked at when its time has come. While there is a session, the session's timer says so.
//! Afterwards nothing of the session is left but the handlers, which then need an alarm.

use std::future::Future;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::Client;

impl Client {
    /// Drops the handlers whose time is over, and lets go of the sockets that waited.
    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        let Some(now) = self.late() else { return };
        let expired = self.work.as_mut().map_or_else(Vec::new, |work| work.take_expired(now));
        for task in expired {
            let finished = task.expire();
            if let Some(work) = &mut self.work {
                work.ended(finished.job);
            }
            self.settle(finished, cx);
            self.sweep(cx);
        }
        self.lose_patience(now, cx);
        if let Some(work) = &mut self.work {
            work.look_ahead();
        }
    }

    /// The time, if it is late for anybody.
    fn late(&mut self) -> Option<Duration> {
        if !self.closed {
            return self.work.as_mut()?.late.take();
        }
        let now = self.now().ok()?;
        let due = self.work.as_ref()?.due?;
        (due <= now).then_some(now)
    }

    /// Sees to it that it is looked at again when something is due, where no session does. Last, for all that a turn
    /// does may be due earlier than what was.
    pub(super) fn set_alarm(&mut self, cx: &mut Context<'_>) {
        if !self.closed {
            return;
        }
        let (Ok(now), Some(work)) = (self.now(), &mut self.work) else { return };
        let Some(due) = work.due else { return };
        let until = Instant::now() + due.saturating_sub(now);
        let alarm = work.alarm.get_or_insert_with(|| Box::pin(sleep_until(until)));
        alarm.as_mut().reset(until);
        if alarm.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}
