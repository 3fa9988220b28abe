//! Queues that hold no memory while nothing waits in them: a client that is idle was busy once.

use std::collections::VecDeque;

/// Places that an empty queue keeps, so that whoever has one thing on its way at a time does not take memory each time.
pub(crate) const KEPT: usize = 4;

/// The first of what waits. With the last one goes what a burst has made the queue grow to.
pub(crate) fn pop_front<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let first = queue.pop_front();
    if queue.is_empty() && queue.capacity() > KEPT {
        *queue = VecDeque::new();
    }
    first
}
