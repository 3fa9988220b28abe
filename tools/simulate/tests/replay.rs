//! A seed is a bug report: the same seed, the same life.

use sockeye_simulate::live;

#[test]
fn a_seed_that_is_lived_twice_gives_the_same_record() {
    for seed in 0..40 {
        let (first, again) = (live(seed), live(seed));
        let differs = first.record.iter().zip(&again.record).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first, again, "seed {seed}");
    }
}

#[test]
fn other_seeds_are_other_lives() {
    assert_ne!(live(1).record, live(2).record);
}
