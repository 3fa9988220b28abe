//! Latencies in buckets.

use proptest::prelude::*;
use sockeye_bench::histogram::Histogram;

fn property_config() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

/// The value of which `percent` of the sorted values are not above.
fn exact(sorted: &[u64], percent: usize) -> u64 {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn a_percentile_is_at_most_a_sixty_fourth_too_high(
        mut values in proptest::collection::vec(0..3_600_000_000_000_u64, 1..200),
        percent in 1..=100_usize,
    ) {
        let mut histogram = Histogram::new();
        for &value in &values {
            histogram.record(value);
        }
        values.sort_unstable();
        let exact = exact(&values, percent);
        let told = histogram.percentile(f64::from(u8::try_from(percent).unwrap())).unwrap();
        prop_assert!(exact <= told && told <= exact + exact / 64 + 1, "{told} for {exact}");
    }
}

#[test]
fn an_empty_histogram_has_no_percentiles() {
    let histogram = Histogram::new();
    assert!(histogram.is_empty());
    assert_eq!(histogram.percentile(50.0), None);
}

#[test]
fn small_values_are_exact() {
    let mut histogram = Histogram::new();
    (0..128).for_each(|value| histogram.record(value));
    assert_eq!(histogram.percentile(0.0), Some(0));
    assert_eq!(histogram.percentile(50.0), Some(63));
    assert_eq!(histogram.percentile(100.0), Some(127));
}

#[test]
fn a_whole_percent_of_a_hundred_values_is_that_value() {
    let mut histogram = Histogram::new();
    (1..=100).for_each(|value| histogram.record(value));
    for percent in 1..=100_u8 {
        let told = histogram.percentile(f64::from(percent));
        assert_eq!(told, Some(u64::from(percent)), "{percent} %");
    }
}

#[test]
fn values_beyond_the_last_bucket_are_still_counted() {
    let mut histogram = Histogram::new();
    histogram.record(u64::MAX);
    assert_eq!(histogram.len(), 1);
    assert!(histogram.percentile(50.0).is_some());
}

#[test]
fn two_histograms_become_one() {
    let (mut low, mut high) = (Histogram::new(), Histogram::new());
    (0..9).for_each(|_| low.record(10));
    high.record(100);
    low.add(&high);
    assert_eq!((low.len(), low.percentile(90.0), low.percentile(91.0)), (10, Some(10), Some(100)));
}
