//! Latencies counted in buckets that widen with the value, so that nothing is sampled away and nothing grows.

/// Buckets per power of two: a reported value is at most 1/64 (1.6 %) above the true one.
const STEPS: u64 = 64;
const STEPS_BITS: u32 = STEPS.ilog2();
/// Values up to about 2^43 ns (two hours) have a bucket of their own; larger ones share the last.
const BUCKETS: usize = 38 * 64;

/// A histogram of nanoseconds.
///
/// ```
/// let mut latency = sockeye_bench::histogram::Histogram::new();
/// (1..=100).for_each(|micros| latency.record(micros * 1_000));
/// let median = latency.percentile(50.0).unwrap();
/// assert!((50_000..51_000).contains(&median));
/// ```
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// An empty one; takes 19 KiB.
    pub fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }

    /// Counts one value.
    pub fn record(&mut self, nanos: u64) {
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
    }

    /// Takes in everything another one has counted.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(mine, theirs)| *mine += theirs);
        self.total += other.total;
    }

    /// How many values were counted.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The upper edge of the bucket below which `percent` of the values lie, in nanoseconds.
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        let rank = rank(percent, self.total)?;
        let mut seen = 0;
        let found = self.counts.iter().position(|&count| {
            seen += count;
            seen >= rank
        });
        found.map(upper_edge)
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Which of `total` sorted values, counted from 1, is the percentile's.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts stay far below 2^52, and the result lies between 1 and the total"
)]
fn rank(percent: f64, total: u64) -> Option<u64> {
    // Multiplied first: 7 / 100 is a little more than it should be, and 7 % of 100 would be the eighth.
    let rank = (percent * total as f64 / 100.0).ceil() as u64;
    (total > 0).then(|| rank.clamp(1, total))
}

/// The first 128 values have a bucket each; above, every power of two is cut into [`STEPS`].
fn bucket(value: u64) -> usize {
    let shift = (value | 1).ilog2().saturating_sub(STEPS_BITS);
    let index = u64::from(shift) * STEPS + (value >> shift);
    usize::try_from(index).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn upper_edge(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / STEPS).saturating_sub(1);
    ((bucket - shift * STEPS + 1) << shift) - 1
}
