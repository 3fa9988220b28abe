//! A queue in the order of the emits, from whose middle something may be taken back.

use std::collections::VecDeque;

use crate::lean;

/// What waits, each with its number; the numbers grow from front to back.
///
/// Taking back leaves a hole, so that a thousand events that time out at once cost a thousand steps. There are never
/// more holes than half of the queue.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    places: VecDeque<(u64, Option<T>)>,
    holes: usize,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Queue { places: VecDeque::new(), holes: 0 }
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.holes
    }

    /// The number of the first.
    pub(crate) fn first(&self) -> Option<u64> {
        // A hole never stands in front: see `tidy`.
        self.places.front().map(|(number, _)| *number)
    }

    /// A look at the first.
    pub(crate) fn peek(&self) -> Option<&T> {
        self.places.front().and_then(|(_, one)| one.as_ref())
    }

    /// At its place by its number: nearly always the end, or the front for what is sent again.
    pub(crate) fn put(&mut self, number: u64, one: T) {
        if self.places.back().is_none_or(|(last, _)| *last < number) {
            return self.places.push_back((number, Some(one)));
        }
        match self.find(number) {
            // A hole of its own from earlier.
            Ok(at) => {
                self.holes -= usize::from(self.places[at].1.is_none());
                self.places[at].1 = Some(one);
            }
            Err(at) => self.places.insert(at, (number, Some(one))),
        }
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, T)> {
        let (number, one) = lean::pop_front(&mut self.places)?;
        self.tidy();
        one.map(|one| (number, one))
    }

    /// Takes back what has this number, if it still waits.
    pub(crate) fn take(&mut self, number: u64) -> Option<T> {
        let at = self.find(number).ok()?;
        self.take_at(at)
    }

    /// Takes back the first of which this is true.
    pub(crate) fn take_first(&mut self, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.places.iter().position(|(_, one)| one.as_ref().is_some_and(&is_it))?;
        self.take_at(at)
    }

    /// Takes back all of which this is true, in their order.
    pub(crate) fn take_all(&mut self, is_it: impl Fn(&T) -> bool) -> Vec<T> {
        let places = std::mem::take(&mut self.places).into_iter();
        let mut taken = Vec::new();
        for (number, one) in places {
            match one {
                Some(one) if is_it(&one) => taken.push(one),
                Some(one) => self.places.push_back((number, Some(one))),
                None => {}
            }
        }
        self.holes = 0;
        taken
    }

    fn find(&self, number: u64) -> Result<usize, usize> {
        self.places.binary_search_by_key(&number, |(number, _)| *number)
    }

    fn take_at(&mut self, at: usize) -> Option<T> {
        let one = self.places[at].1.take()?;
        self.holes += 1;
        self.tidy();
        Some(one)
    }

    fn tidy(&mut self) {
        while let Some((_, None)) = self.places.front() {
            lean::pop_front(&mut self.places);
            self.holes -= 1;
        }
        if self.holes > self.places.len() / 2 {
            self.places.retain(|(_, one)| one.is_some());
            self.holes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Queue;
    use crate::lean::KEPT;

    #[derive(Clone, Debug)]
    enum Step {
        Put(u64),
        Pop,
        Take(u64),
        TakeEven,
        TakeAllOdd,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0_u64..40).prop_map(Step::Put),
            2 => Just(Step::Pop),
            4 => (0_u64..40).prop_map(Step::Take),
            1 => Just(Step::TakeEven),
            1 => Just(Step::TakeAllOdd),
        ]
    }

    proptest! {
        #[test]
        fn a_queue_with_holes_is_a_sorted_map(steps in prop::collection::vec(step(), 1..200)) {
            let (mut queue, mut model) = (Queue::new(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Put(number) => {
                        queue.put(number, number);
                        model.insert(number, number);
                    }
                    Step::Pop => prop_assert_eq!(queue.pop(), model.pop_first()),
                    Step::Take(number) => prop_assert_eq!(queue.take(number), model.remove(&number)),
                    Step::TakeEven => {
                        let first = model.keys().copied().find(|number| number % 2 == 0);
                        first.map(|number| model.remove(&number));
                        prop_assert_eq!(queue.take_first(|number| number % 2 == 0), first);
                    }
                    Step::TakeAllOdd => {
                        let odd: Vec<u64> = model.keys().copied().filter(|one| one % 2 == 1).collect();
                        model.retain(|number, _| number % 2 == 0);
                        prop_assert_eq!(queue.take_all(|number| number % 2 == 1), odd);
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
                prop_assert_eq!(queue.first(), model.keys().next().copied());
                prop_assert_eq!(queue.peek(), model.keys().next());
                prop_assert!(queue.holes <= queue.places.len() / 2);
                prop_assert!(queue.first().is_some() || queue.places.capacity() <= KEPT);
            }
        }
    }
}
