//! Curves, and their table.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::statistics::{figure, figure_or_dash};

/// A few curves over the same thing that grows.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The picture's file, without its ending.
    pub file: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// What was measured, and how: up to three lines of it.
    pub measured: Vec<String>,
    /// What grows.
    pub x: &'static str,
    /// What it costs.
    pub y: &'static str,
    /// From the first to the last in the legend.
    pub curves: Vec<Curve>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// What was measured, by size; sizes without a figure are left out.
    pub points: Vec<(u64, f64)>,
}

impl Chart {
    /// Every size that one of the curves has, from the smallest.
    pub fn sizes(&self) -> BTreeSet<u64> {
        self.curves.iter().flat_map(|curve| &curve.points).map(|point| point.0).collect()
    }

    /// A heading, what was measured, and one row for each size.
    pub fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n{}\n\n", self.title, self.measured.join(" "));
        let names: Vec<&str> = self.curves.iter().map(|curve| &*curve.name).collect();
        let columns = format!("| {}; {} | {} |\n", self.x, self.y, names.join(" | "));
        text.push_str(&columns);
        writeln!(text, "|---|{}", "---|".repeat(names.len())).expect("a String takes everything");
        for size in self.sizes() {
            let cells: Vec<String> =
                self.curves.iter().map(|curve| figure_or_dash(curve.at(size))).collect();
            let row = format!("| {} | {} |\n", count(size), cells.join(" | "));
            text.push_str(&row);
        }
        text
    }
}

impl Curve {
    fn at(&self, size: u64) -> Option<f64> {
        self.points.iter().find(|point| point.0 == size).map(|point| point.1)
    }
}

/// A size in words: `300`, `3k`, `1M`.
///
/// ```
/// use sockeye_bench::growth::chart::count;
///
/// assert_eq!([count(300), count(3000), count(1_000_000)], ["300", "3k", "1M"]);
/// ```
pub fn count(size: u64) -> String {
    match size {
        1_000_000.. if size.is_multiple_of(1_000_000) => format!("{}M", size / 1_000_000),
        1000.. if size.is_multiple_of(1000) => format!("{}k", size / 1000),
        _ => figure_of(size),
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes stay far below 2^52")]
fn figure_of(size: u64) -> String {
    if size < 1000 { size.to_string() } else { figure(size as f64) }
}
