//! The text in which Prometheus reads metrics: its exposition format, version 0.0.4.
//!
//! ```text
//! # HELP sockeye_upgrades_total Sessions that went over to a WebSocket.
//! # TYPE sockeye_upgrades_total counter
//! sockeye_upgrades_total 12
//! ```

use std::fmt::{Display, Write};
use std::time::Duration;

use sockeye::Durations;

/// What HTTP calls it.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What kind of number it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// How it is now.
    Gauge,
    Histogram,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// A text that is being written.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    pub(crate) fn finish(self) -> String {
        self.0
    }

    /// One number.
    pub(crate) fn single(&mut self, name: &str, kind: Kind, help: &str, value: u64) {
        self.family(name, kind, help);
        self.sample(name, None, value);
    }

    /// A number for each value of a label.
    pub(crate) fn labelled<'a>(
        &mut self,
        (name, label): (&str, &str),
        kind: Kind,
        help: &str,
        samples: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.family(name, kind, help);
        for (of, value) in samples {
            self.sample(name, Some((label, of)), value);
        }
    }

    /// How long something took, in seconds.
    pub(crate) fn histogram(&mut self, name: &str, help: &str, durations: &Durations) {
        self.family(name, Kind::Histogram, help);
        let bucket = format!("{name}_bucket");
        for (bound, times) in durations.within() {
            self.sample(&bucket, Some(("le", &seconds(bound))), times);
        }
        self.sample(&bucket, Some(("le", "+Inf")), durations.count());
        self.sample(&format!("{name}_sum"), None, seconds(durations.sum));
        self.sample(&format!("{name}_count"), None, durations.count());
    }

    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {}", kind.as_str()));
    }

    fn sample(&mut self, name: &str, label: Option<(&str, &str)>, value: impl Display) {
        match label {
            None => self.line(format_args!("{name} {value}")),
            Some((label, of)) => {
                let of = escaped(of);
                self.line(format_args!("{name}{{{label}=\"{of}\"}} {value}"));
            }
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Into memory: it cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

/// A label's value: backslash, quotation mark and line feed are escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

fn seconds(time: Duration) -> String {
    time.as_secs_f64().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_two_comments_and_its_number() {
        let mut text = Exposition::default();
        text.single("a_total", Kind::Counter, "What\nis \\ counted.", 7);
        let expected =
            "# HELP a_total What\\nis \\\\ counted.\n# TYPE a_total counter\na_total 7\n";
        assert_eq!(text.finish(), expected);
    }

    #[test]
    fn values_of_labels_are_escaped() {
        let mut text = Exposition::default();
        text.labelled(("b", "of"), Kind::Gauge, "How it is.", [("a \"b\"\\\n", 1), ("c", 2)]);
        let expected = "# HELP b How it is.\n# TYPE b gauge\n\
                        b{of=\"a \\\"b\\\"\\\\\\n\"} 1\nb{of=\"c\"} 2\n";
        assert_eq!(text.finish(), expected);
    }

    #[test]
    fn a_histogram_has_buckets_up_to_infinity_a_sum_and_a_count() {
        let mut text = Exposition::default();
        text.histogram("c_seconds", "How long.", &Durations::default());
        let text = text.finish();
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(lines[0], "# TYPE c_seconds histogram");
        assert_eq!(lines[1], "c_seconds_bucket{le=\"0.0001\"} 0");
        assert_eq!(
            lines[lines.len() - 3..],
            ["c_seconds_bucket{le=\"+Inf\"} 0", "c_seconds_sum 0", "c_seconds_count 0"]
        );
    }
}
