//! What is made of figures: quotients, medians, ratios, and a way to print them.

/// `total / units`; `None` for no units.
#[expect(clippy::cast_precision_loss, reason = "totals stay far below 2^52")]
pub fn per(total: u64, units: u64) -> Option<f64> {
    (units > 0).then(|| total as f64 / units as f64)
}

/// The middle value, or the mean of the middle two.
///
/// ```
/// use sockeye_bench::statistics::median;
///
/// assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
/// assert_eq!(median([]), None);
/// ```
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// The median of the rounds' own ratios. Both sides of a ratio were measured within seconds of each other, so it holds
/// still where the machine as a whole drifts.
pub fn ratio(
    ours: impl IntoIterator<Item = Option<f64>>,
    theirs: impl IntoIterator<Item = Option<f64>>,
) -> Option<f64> {
    let pairs = ours.into_iter().zip(theirs);
    median(
        pairs.filter_map(|(ours, theirs)| Some(ours? / theirs?)).filter(|ratio| ratio.is_finite()),
    )
}

/// Three significant digits, thousands as `k`, millions as `M`.
///
/// ```
/// use sockeye_bench::statistics::figure;
///
/// assert_eq!([figure(0.3771), figure(14.52), figure(92_480.0), figure(2.5e6)], ["0.377", "14.5", "92.5k", "2.50M"]);
/// ```
pub fn figure(value: f64) -> String {
    match value.abs() {
        1e6.. => format!("{}M", significant(value / 1e6)),
        1e4.. => format!("{}k", significant(value / 1e3)),
        1e3.. => format!("{value:.0}"),
        _ => significant(value),
    }
}

fn significant(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// [`figure`], or a dash where there is nothing to tell.
pub fn figure_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), figure)
}

/// A time in nanoseconds as microseconds.
#[expect(clippy::cast_precision_loss, reason = "times stay far below 2^52 ns")]
pub fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}
