//! What other threads have for a worker's connections: run in order, before anything else happens to them.
//!
//! ```text
//!             send                       the worker's turn, or `catch_up`
//!  others ───────────▶ jobs ─────────────────────────────────────────────▶ run
//! ```
//!
//! Whoever does something to a connection of the worker calls [`catch_up`](Inbox::catch_up) first, on whatever
//! thread: so what is sent here and what is done at once keep their order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Something to do with a worker's connections. It must not send, nor catch up.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Jobs that wait before whoever sends has to run them.
const MOST: usize = 4096;

#[derive(Default)]
pub(crate) struct Inbox {
    /// Jobs that are not done: those in the queue, and one that may be running.
    pending: AtomicUsize,
    /// Guards the queue, and nothing else.
    jobs: Mutex<VecDeque<Job>>,
    /// Held by whoever runs jobs: they are run one after the other. Others that need the connections wait for
    /// it, as they would wait for what it does.
    running: Mutex<()>,
}

impl Inbox {
    /// Leaves a job; true if it is the first, and the worker has to be woken.
    pub(crate) fn send(&self, job: Job) -> bool {
        let mut jobs = self.jobs.lock();
        jobs.push_back(job);
        let before = self.pending.fetch_add(1, Ordering::Release);
        drop(jobs);
        if before >= MOST {
            self.catch_up();
        }
        before == 0
    }

    /// Runs what was sent before this moment; returns when it is done.
    #[inline]
    pub(crate) fn catch_up(&self) {
        let pending = self.pending.load(Ordering::Acquire);
        if pending > 0 {
            self.run(pending);
        }
    }

    /// Whether something has been sent meanwhile: whoever sent it woke nobody.
    pub(crate) fn has_jobs(&self) -> bool {
        self.pending.load(Ordering::Acquire) > 0
    }

    #[cold]
    fn run(&self, most: usize) {
        let _one_at_a_time = self.running.lock();
        for _ in 0..most {
            let job = self.jobs.lock().pop_front();
            let Some(job) = job else { return };
            // Counted until it is done, also by a job that panics.
            let _done = Done(&self.pending);
            job();
        }
    }
}

struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn jobs_run_once_in_the_order_in_which_they_were_sent() {
        let (inbox, seen) = (Inbox::default(), Arc::new(Mutex::new(Vec::new())));
        for number in 0..3 {
            let seen = Arc::clone(&seen);
            assert_eq!(inbox.send(Box::new(move || seen.lock().push(number))), number == 0);
        }
        inbox.catch_up();
        inbox.catch_up();
        assert_eq!(*seen.lock(), [0, 1, 2]);
    }

    #[test]
    fn whoever_catches_up_sees_all_that_was_sent_before_whatever_thread_runs_it() {
        let inbox = Inbox::default();
        let done = AtomicUsize::new(0);
        let done: &'static AtomicUsize = Box::leak(Box::new(done));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let before = done.load(Ordering::SeqCst);
                        let count = || _ = done.fetch_add(1, Ordering::SeqCst);
                        inbox.send(Box::new(count));
                        inbox.catch_up();
                        assert!(done.load(Ordering::SeqCst) > before);
                    }
                });
            }
        });
        assert_eq!(done.load(Ordering::SeqCst), 8000);
    }

    #[test]
    fn a_worker_that_does_not_come_does_not_let_its_jobs_grow_for_ever() {
        let inbox = Inbox::default();
        for _ in 0..3 * MOST {
            inbox.send(Box::new(|| {}));
        }
        assert!(inbox.jobs.lock().len() <= MOST + 1);
    }

    #[test]
    fn a_job_that_panics_is_over() {
        let inbox = Inbox::default();
        inbox.send(Box::new(|| panic!("a job")));
        inbox.send(Box::new(|| {}));
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| inbox.catch_up()));
        assert!(run.is_err());
        inbox.catch_up();
        assert_eq!(inbox.pending.load(Ordering::SeqCst), 0);
    }
}
