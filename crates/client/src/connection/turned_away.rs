//! Whom the server turns away each time, and whose application comes back each time: `socket.start()` in `on_disconnect` or in
//! `on_connect_error`, as many write it.
//!
//! That is the application's wish and no attempt of ours, so the back-off of lost connections has no part in it. The first
//! times it is fulfilled at once; then with a rest in front, or both would be busy with nothing else.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::socket::Core;

/// Who was turned away a short time ago.
#[derive(Default)]
pub(super) struct TurnedAway(Vec<Visitor>);

struct Visitor {
    core: Arc<Core>,
    times: u32,
    last: Instant,
}

/// So often it may come back at once.
const FREE: u32 = 3;

/// The first rest behind those; it doubles with each further time.
const REST: Duration = Duration::from_millis(100);

const LONGEST_REST: Duration = Duration::from_secs(5);

/// After so long without being turned away, what was before does not count.
const FORGOTTEN: Duration = Duration::from_secs(15);

impl TurnedAway {
    /// Once more.
    pub(super) fn note(&mut self, core: &Arc<Core>) {
        self.0.retain(|visitor| visitor.last.elapsed() < FORGOTTEN);
        let last = Instant::now();
        match self.0.iter_mut().find(|visitor| Arc::ptr_eq(&visitor.core, core)) {
            Some(visitor) => {
                (visitor.times, visitor.last) = (visitor.times.saturating_add(1), last);
            }
            None => self.0.push(Visitor { core: Arc::clone(core), times: 1, last }),
        }
    }

    /// How long it has to wait before it may ask again, if it has to.
    pub(super) fn rest(&self, core: &Arc<Core>) -> Option<Duration> {
        let visitor = self.0.iter().find(|visitor| Arc::ptr_eq(&visitor.core, core))?;
        let steps = visitor.times.checked_sub(FREE + 1)?;
        let rest = REST.saturating_mul(2_u32.saturating_pow(steps)).min(LONGEST_REST);
        rest.checked_sub(visitor.last.elapsed()).filter(|rest| !rest.is_zero())
    }
}
