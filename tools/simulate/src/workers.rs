//! Several workers of a server, played by one thread: a seed says who does what, and whose turn it is.

use std::cell::RefCell;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use transport::threads;

thread_local! {
    static CAST: RefCell<Option<Cast>> = const { RefCell::new(None) };
}

struct Cast {
    random: SmallRng,
    /// How many of a hundred turns each of them takes: some are slow.
    zeal: Vec<u32>,
    /// Who has the next connection.
    next: usize,
}

/// A process begins, with so many workers.
pub(crate) fn begin(number: usize, seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let zeal = |_| *[100, 70, 30, 5].choose(&mut random).expect("a number");
    let zeal = (0..number).map(zeal).collect();
    CAST.set(Some(Cast { random, zeal, next: 0 }));
}

/// A task of the worker whose turn it is to have one.
pub(crate) fn spawn<F: Future<Output: Send> + Send + 'static>(task: F) {
    let next = |cast: &mut Cast| {
        cast.next += 1;
        cast.next % cast.zeal.len()
    };
    match with_several(next) {
        Some(worker) => {
            _ = tokio::spawn(async move { _ = threads::played(worker, turn, task).await });
        }
        None => _ = tokio::spawn(async move { _ = task.await }),
    }
}

/// Something that is done on the thread of one of them.
pub(crate) fn act<T>(act: impl FnOnce() -> T) -> T {
    match with_several(|cast| cast.random.random_range(0..cast.zeal.len())) {
        Some(worker) => threads::play(worker, turn, act),
        None => act(),
    }
}

fn turn(worker: usize) -> bool {
    with_several(|cast| cast.random.random_ratio(cast.zeal[worker], 100)).unwrap_or(true)
}

/// One worker is the thread itself.
fn with_several<T>(ask: impl FnOnce(&mut Cast) -> T) -> Option<T> {
    CAST.with_borrow_mut(|cast| cast.as_mut().filter(|cast| cast.zeal.len() > 1).map(ask))
}
