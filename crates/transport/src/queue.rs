//! What waits, in order. Its first entry stands in place: most connections have one thing waiting at a time,
//! which then costs no memory of its own, and no look at another place when it is written.

use std::collections::VecDeque;

use crate::outbox::Entry;

/// A queue of entries.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// In front of `rest`; `None` only if that is empty too.
    first: Option<Entry>,
    rest: Option<Box<Rest>>,
}

/// In a box: an idle connection has none.
#[derive(Debug, Default)]
struct Rest(VecDeque<Entry>);

/// What is kept of the memory of a burst.
const KEPT: usize = 64;

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn front(&self) -> Option<&Entry> {
        self.first.as_ref()
    }

    /// The only entry, if there is just one.
    pub(crate) fn lone(&self) -> Option<&Entry> {
        if self.rest().is_none_or(VecDeque::is_empty) { self.first.as_ref() } else { None }
    }

    #[inline]
    pub(crate) fn push_back(&mut self, entry: Entry) {
        match self.first {
            Some(_) => self.rest.get_or_insert_default().0.push_back(entry),
            None => self.first = Some(entry),
        }
    }

    pub(crate) fn push_front(&mut self, entry: Entry) {
        if let Some(second) = self.first.replace(entry) {
            self.rest.get_or_insert_default().0.push_front(second);
        }
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<Entry> {
        let entry = self.first.take();
        self.first = self.rest.as_mut().and_then(|rest| rest.0.pop_front());
        entry
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.first.iter().chain(self.rest().into_iter().flatten())
    }

    /// Gives back the memory of a burst, once it is over.
    pub(crate) fn shrink(&mut self) {
        if self.rest().is_some_and(|rest| rest.is_empty() && rest.capacity() > KEPT) {
            self.rest = None;
        }
    }

    fn rest(&self) -> Option<&VecDeque<Entry>> {
        self.rest.as_ref().map(|rest| &rest.0)
    }
}

impl FromIterator<Entry> for Queue {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Queue {
        let mut queue = Queue::default();
        entries.into_iter().for_each(|entry| queue.push_back(entry));
        queue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoded;

    fn entry(text: &str) -> Entry {
        Entry::Packet(Encoded::message(text))
    }

    fn lengths(queue: &Queue) -> Vec<usize> {
        queue.iter().map(Entry::cost).collect()
    }

    #[test]
    fn entries_leave_in_the_order_in_which_they_came() {
        let mut queue: Queue = ["a", "bb", "ccc"].into_iter().map(entry).collect();
        let costs = lengths(&queue);
        queue.push_front(entry(""));
        assert_eq!(lengths(&queue)[1..], costs);
        let mut left = Vec::new();
        while let Some(entry) = queue.pop_front() {
            left.push(entry.cost());
        }
        assert_eq!(left[1..], costs);
        assert!(queue.is_empty() && queue.front().is_none());
    }

    #[test]
    fn one_thing_that_waits_takes_no_memory_and_a_burst_gives_its_memory_back() {
        let mut queue = Queue::default();
        queue.push_back(entry("a"));
        assert_eq!((queue.rest.is_none(), queue.lone().is_some()), (true, true));
        (0..1000).for_each(|_| queue.push_back(entry("a")));
        assert!(queue.lone().is_none());
        while queue.pop_front().is_some() {}
        queue.shrink();
        assert!(queue.rest.is_none());
    }
}
