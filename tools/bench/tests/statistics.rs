//! Quotients, medians, ratios.

use sockeye_bench::statistics::{figure, figure_or_dash, median, per, ratio};

#[test]
fn the_median_of_an_even_number_is_between_the_middle_two() {
    assert_eq!(median([4.0, 1.0, 3.0, 2.0]), Some(2.5));
    assert_eq!(median([7.0]), Some(7.0));
}

#[test]
fn a_ratio_is_made_round_by_round() {
    // The machine was twice as slow in the second round, for both.
    let ours = [Some(3.0), Some(6.0), Some(3.0)];
    let floor = [Some(2.0), Some(4.0), Some(2.0)];
    assert_eq!(ratio(ours, floor), Some(1.5));
}

#[test]
fn a_round_that_failed_on_either_side_takes_no_part_in_a_ratio() {
    assert_eq!(ratio([Some(3.0), None, Some(8.0)], [Some(2.0), Some(1.0), None]), Some(1.5));
    assert_eq!(ratio([Some(3.0)], [Some(0.0)]), None);
    assert_eq!(ratio([], []), None);
}

#[test]
fn nothing_is_divided_by_zero() {
    assert_eq!(per(10, 0), None);
    assert_eq!(per(10, 4), Some(2.5));
}

#[test]
fn figures_have_three_digits() {
    let told = [0.0, 0.043_2, 9.999, 42.0, 999.4, 1234.0, 12_345.0, 1.5e6].map(figure);
    assert_eq!(told, ["0.000", "0.043", "10.00", "42.0", "999", "1234", "12.3k", "1.50M"]);
    assert_eq!(figure_or_dash(None), "–");
}
