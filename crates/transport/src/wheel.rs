//! The timer wheel: who has to be woken, and when. One for a worker, instead of a timer for each connection.
//!
//! Pure: time comes in as a number. A wheel never fires early, and at most one [`TICK`] late.

use std::time::Duration;

/// The grain of the wheel.
pub(crate) const TICK: Duration = Duration::from_millis(8);

/// Ticks in one rotation (32.8 s): a longer wait goes round again.
const SLOTS: usize = 4096;

/// Keys of type `K` that wait for their time.
#[derive(Debug)]
pub(crate) struct Wheel<K> {
    slots: Vec<Vec<(u64, K)>>,
    /// One bit for each slot that holds anything, so that the next one is found quickly.
    occupied: Vec<u64>,
    /// The last tick that has been served.
    served: u64,
}

impl<K: Copy> Wheel<K> {
    pub(crate) fn new() -> Self {
        Wheel { slots: Vec::new(), occupied: vec![0; SLOTS / 64], served: 0 }
    }

    /// Asks for `key` to come out at `at`.
    pub(crate) fn arm(&mut self, key: K, at: Duration) {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, Vec::new);
        }
        let tick = tick_after(at).max(self.served + 1);
        let slot = slot_of(tick);
        self.slots[slot].push((tick, key));
        self.occupied[slot / 64] |= 1 << (slot % 64);
    }

    /// Hands out every key whose time has come.
    pub(crate) fn advance(&mut self, now: Duration, due: &mut Vec<K>) {
        let until = tick_before(now);
        // After a long pause each slot needs to be looked at only once.
        let from = (self.served + 1).max((until + 1).saturating_sub(SLOTS as u64));
        for tick in from..=until {
            self.serve(slot_of(tick), until, due);
        }
        self.served = self.served.max(until);
    }

    fn serve(&mut self, slot: usize, until: u64, due: &mut Vec<K>) {
        if self.occupied[slot / 64] & (1 << (slot % 64)) == 0 {
            return;
        }
        let entries = &mut self.slots[slot];
        entries.retain(|&(tick, key)| {
            let waits = tick > until;
            if !waits {
                due.push(key);
            }
            waits
        });
        if entries.is_empty() {
            *entries = Vec::new();
            self.occupied[slot / 64] &= !(1 << (slot % 64));
        }
    }

    /// When to come back; `None` if nobody waits. An entry of a later rotation may make this early.
    pub(crate) fn next(&self) -> Option<Duration> {
        let first = slot_of(self.served + 1);
        let ahead = self.slots_ahead(first)?;
        Some(TICK * u32::try_from(self.served + 1 + ahead as u64).unwrap_or(u32::MAX))
    }

    /// How many slots after `first` the next occupied one is.
    fn slots_ahead(&self, first: usize) -> Option<usize> {
        let words = self.occupied.len();
        for step in 0..=words {
            let word = (first / 64 + step) % words;
            let mut bits = self.occupied[word];
            if step == 0 {
                bits &= u64::MAX << (first % 64);
            }
            if bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                return Some((slot + SLOTS - first) % SLOTS);
            }
        }
        None
    }
}

#[allow(clippy::cast_possible_truncation)] // below SLOTS
fn slot_of(tick: u64) -> usize {
    (tick % SLOTS as u64) as usize
}

#[allow(clippy::cast_possible_truncation)] // 584 million years
fn tick_before(time: Duration) -> u64 {
    (time.as_millis() / TICK.as_millis()) as u64
}

#[allow(clippy::cast_possible_truncation)]
fn tick_after(time: Duration) -> u64 {
    time.as_nanos().div_ceil(TICK.as_nanos()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(wheel: &mut Wheel<u32>, at: Duration) -> Vec<u32> {
        let mut due = Vec::new();
        wheel.advance(at, &mut due);
        due
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_key_comes_out_once_never_early_and_one_tick_late_at_most() {
        let mut wheel = Wheel::new();
        wheel.arm(7, ms(100));
        assert_eq!(due(&mut wheel, ms(99)), Vec::<u32>::new());
        assert_eq!(due(&mut wheel, ms(108)), [7]);
        assert_eq!(due(&mut wheel, ms(10_000)), Vec::<u32>::new());
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn a_wait_longer_than_a_rotation_goes_round_again() {
        let mut wheel = Wheel::new();
        wheel.arm(7, ms(100_000));
        for second in 1..100 {
            assert_eq!(due(&mut wheel, ms(second * 1000)), Vec::<u32>::new(), "at {second} s");
        }
        assert_eq!(due(&mut wheel, ms(100_008)), [7]);
    }

    #[test]
    fn a_time_in_the_past_comes_out_at_the_next_tick() {
        let mut wheel = Wheel::new();
        assert_eq!(due(&mut wheel, ms(1000)), Vec::<u32>::new());
        wheel.arm(7, ms(10));
        assert_eq!(due(&mut wheel, ms(1008)), [7]);
    }

    #[test]
    fn after_a_pause_of_hours_everybody_comes_out() {
        let mut wheel = Wheel::new();
        for key in 0..100 {
            wheel.arm(key, ms(u64::from(key) * 700));
        }
        let mut all = due(&mut wheel, ms(10_000_000));
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn next_is_never_later_than_the_earliest_wait() {
        let mut wheel = Wheel::new();
        due(&mut wheel, ms(12_345));
        wheel.arm(1, ms(50_000));
        wheel.arm(2, ms(12_400));
        assert_eq!(wheel.next(), Some(ms(12_400)));
        assert_eq!(due(&mut wheel, ms(12_400)), [2]);
        assert!(wheel.next().unwrap() <= ms(50_000));
    }

    #[test]
    fn a_model_that_sorts_agrees() {
        let (mut wheel, mut seed) = (Wheel::new(), 1_u64);
        let mut model: Vec<(u64, u32)> = Vec::new();
        let mut now = 0;
        for key in 0..2000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = now + (seed >> 33) % 90_000;
            wheel.arm(key, ms(at));
            model.push((at, key));
            now += (seed >> 20) % 300;
            let mut out = due(&mut wheel, ms(now));
            out.sort_unstable();
            let (mut expected, mut maybe) = (Vec::new(), Vec::new());
            model.retain(|&(at, key)| {
                if at + 8 <= now {
                    expected.push(key);
                } else if at <= now && out.contains(&key) {
                    maybe.push(key);
                } else {
                    return true;
                }
                false
            });
            expected.extend(maybe);
            expected.sort_unstable();
            assert_eq!(out, expected, "at {now}");
        }
    }
}
