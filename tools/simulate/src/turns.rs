//! A runtime on which the same happens each time: its one thread, and the helper that reads the log for it, never
//! run at the same time.
//!
//! What was handed to the helper begins when nobody else has anything to do, and is done, all of it, before
//! anybody goes on. So it does not matter how long a read takes.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::runtime::{Builder, Runtime};

/// Whoever has the turn runs.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<(Mutex<bool>, Condvar)>);

impl Turns {
    /// Waits until nobody runs.
    pub(crate) fn take(&self) {
        let mut taken = self.0.0.lock();
        self.0.1.wait_while(&mut taken, |taken| *taken);
        *taken = true;
    }

    pub(crate) fn give(&self) {
        *self.0.0.lock() = false;
        self.0.1.notify_one();
    }

    /// Time is virtual, and goes on when everybody is idle. Whoever runs it has the turn.
    pub(crate) fn runtime(&self) -> Runtime {
        let on = |act: fn(&Turns)| {
            let turns = self.clone();
            move || act(&turns)
        };
        let mut builder = Builder::new_current_thread();
        builder.enable_time().start_paused(true);
        builder.on_thread_park(on(Turns::give)).on_thread_unpark(on(Turns::take));
        // Else it would count how often it was woken, and a wake-up in vain would change the order of tasks.
        builder.global_queue_interval(1);
        // A helper lives for what is there to do now: its life is its turn.
        builder.max_blocking_threads(1).thread_keep_alive(Duration::ZERO);
        builder.on_thread_start(on(Turns::take)).on_thread_stop(on(Turns::give));
        builder.build().expect("a runtime without I/O")
    }
}
