//! The threads of a server with several workers: a current-thread runtime each.
//!
//! One scheduler for all cores lets tasks wait that are ready (a server of a thousand connections: p99 of 130 ms
//! where a current-thread runtime has 15), so each core gets a runtime of its own, with its own connections,
//! flusher and timer wheel. A session stays with the worker of the thread that opened it; a request for it that
//! lands on another thread is handed over.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::task::Poll;
use std::thread::{Builder, JoinHandle};

use tokio::runtime;

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(0) };
    /// Whose turn it is, where one thread plays several workers.
    static PLAYED: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// Whether it is the turn of this worker.
type Turn = fn(usize) -> bool;

/// Which worker this thread is; 0 where nobody has said otherwise.
pub fn number() -> usize {
    NUMBER.get()
}

/// Starts a thread as worker `number`, with a current-thread runtime that runs `work` to its end.
///
/// Tasks that are left on the runtime then are dropped: `work` should outlast the sessions of its thread.
///
/// # Errors
///
/// The system lets no thread or no runtime start.
///
/// ```
/// use sockeye_transport::threads;
///
/// let thread = threads::spawn(3, || async { threads::number() })?;
/// assert_eq!(thread.join().unwrap(), 3);
/// assert_eq!(threads::number(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn spawn<W, F>(number: usize, work: W) -> io::Result<JoinHandle<F::Output>>
where
    W: FnOnce() -> F + Send + 'static,
    F: Future<Output: Send + 'static>,
{
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    Builder::new().name(format!("worker-{number}")).spawn(move || {
        NUMBER.set(number);
        runtime.block_on(async { work().await })
    })
}

/// Does something as worker `number`, for a simulation: one thread plays all workers. Tasks that begin meanwhile are
/// [played](played) as well.
#[doc(hidden)]
pub fn play<T>(number: usize, turn: Turn, act: impl FnOnce() -> T) -> T {
    let before = (NUMBER.replace(number), PLAYED.replace(Some(turn)));
    let done = act();
    NUMBER.set(before.0);
    PLAYED.set(before.1);
    done
}

/// A task of worker `number` on a thread that plays several. It goes on when `turn` says that it may.
#[doc(hidden)]
pub fn played<F: Future>(
    number: usize,
    turn: Turn,
    task: F,
) -> impl Future<Output = F::Output> + use<F> {
    let mut task = Box::pin(task);
    poll_fn(move |cx| {
        if turn(number) {
            return play(number, turn, || task.as_mut().poll(cx));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Begins a task of this worker.
pub(crate) fn begin<F: Future<Output: Send + 'static> + Send + 'static>(task: F) {
    match PLAYED.get() {
        None => drop(tokio::spawn(task)),
        Some(turn) => drop(tokio::spawn(played(number(), turn, task))),
    }
}
