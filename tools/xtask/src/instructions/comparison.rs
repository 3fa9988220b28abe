//! What was recorded beside what was counted now: a table, and what is wrong with it.

use std::collections::BTreeSet;
use std::fmt;

use super::record::Record;

/// How much may change unnoticed, in percent: seeds of hash tables move a count by less than one.
const TOLERANCE: u64 = 5;

/// Two records; shown as a Markdown table, with advice below it.
pub(super) struct Comparison<'a> {
    recorded: &'a Record,
    now: &'a Record,
}

/// What became of one benchmark.
#[derive(Clone, Copy)]
enum Change {
    Unknown { now: u64 },
    Gone { recorded: u64 },
    Counted { recorded: u64, now: u64 },
}

impl<'a> Comparison<'a> {
    pub(super) fn new(recorded: &'a Record, now: &'a Record) -> Self {
        Self { recorded, now }
    }

    /// Fails if something is worse, or stands in only one of the two.
    pub(super) fn verdict(&self) -> Result<(), String> {
        let wrong: Vec<_> = self
            .rows()
            .filter_map(|(name, change)| Some(format!("  {name}: {}", change.complaint()?)))
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!(
            "instruction counts are not as recorded\n{}\n\
             recorded with {}\ncounted with  {}\n\
             if that is how it has to be: `cargo xtask instructions --record`, and say why",
            wrong.join("\n"),
            self.recorded.made_with,
            self.now.made_with,
        ))
    }

    /// Every benchmark of both records, by name.
    fn rows(&self) -> impl Iterator<Item = (&'a str, Change)> {
        let (recorded, now) = (&self.recorded.counts, &self.now.counts);
        let names: BTreeSet<&'a String> = recorded.keys().chain(now.keys()).collect();
        names.into_iter().map(|name| {
            let change = match (recorded.get(name).copied(), now.get(name).copied()) {
                (Some(recorded), Some(now)) => Change::Counted { recorded, now },
                (Some(recorded), None) => Change::Gone { recorded },
                (None, now) => Change::Unknown { now: now.unwrap_or_default() },
            };
            (name.as_str(), change)
        })
    }
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| benchmark | recorded | now | change |\n|---|---:|---:|---:|")?;
        for (name, change) in self.rows() {
            writeln!(f, "| {name} | {change} |")?;
        }
        for (name, _) in self.rows().filter(|(_, change)| change.is_better()) {
            writeln!(f, "{name} became cheaper; keep it so: `cargo xtask instructions --record`")?;
        }
        Ok(())
    }
}

impl Change {
    /// What is wrong with it, if something is.
    fn complaint(self) -> Option<String> {
        match self {
            Change::Unknown { .. } => Some("is not recorded".to_owned()),
            Change::Gone { .. } => Some("is recorded, but no benchmark any more".to_owned()),
            Change::Counted { recorded, now } => {
                (now * 100 > recorded * (100 + TOLERANCE)).then(|| {
                    format!("{now} instead of {recorded} instructions ({})", percent(recorded, now))
                })
            }
        }
    }

    fn is_better(self) -> bool {
        matches!(self, Change::Counted { recorded, now }
            if now * 100 < recorded * (100 - TOLERANCE))
    }
}

/// The last three cells of its row.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Change::Unknown { now } => write!(f, "– | {now} | new"),
            Change::Gone { recorded } => write!(f, "{recorded} | – | gone"),
            Change::Counted { recorded, now } => {
                write!(f, "{recorded} | {now} | {}", percent(recorded, now))
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn percent(recorded: u64, now: u64) -> String {
    format!("{:+.1} %", (now as f64 / recorded as f64 - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(counts: &[(&str, u64)]) -> Record {
        let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Record { made_with: "rustc 1.95.0".to_owned(), counts }
    }

    fn verdict(recorded: &[(&str, u64)], now: &[(&str, u64)]) -> Result<(), String> {
        Comparison::new(&record(recorded), &record(now)).verdict()
    }

    #[test]
    fn what_is_over_five_percent_worse_fails_and_is_named() {
        assert_eq!(verdict(&[("a", 1000), ("b", 1000)], &[("a", 1050), ("b", 1000)]), Ok(()));
        let message = verdict(&[("a", 1000), ("b", 7)], &[("a", 1051), ("b", 7)]).unwrap_err();
        assert!(message.contains("a: 1051 instead of 1000 instructions (+5.1 %)"), "{message}");
        assert!(!message.contains("b: "), "{message}");
    }

    #[test]
    fn a_failure_says_what_both_were_made_with() {
        let other = Record { made_with: "rustc 1.96.0".to_owned(), ..record(&[("a", 2)]) };
        let message = Comparison::new(&record(&[("a", 1)]), &other).verdict().unwrap_err();
        assert!(message.contains("recorded with rustc 1.95.0"), "{message}");
        assert!(message.contains("counted with  rustc 1.96.0"), "{message}");
    }

    #[test]
    fn what_stands_in_one_record_only_fails() {
        let message = verdict(&[("a", 1), ("old", 1)], &[("a", 1), ("new", 1)]).unwrap_err();
        assert!(message.contains("new: is not recorded"), "{message}");
        assert!(message.contains("old: is recorded, but no benchmark any more"), "{message}");
    }

    #[test]
    fn what_became_cheaper_passes_with_the_advice_to_record_it() {
        let (recorded, now) =
            (record(&[("a", 1000), ("b", 1000)]), record(&[("a", 949), ("b", 950)]));
        let comparison = Comparison::new(&recorded, &now);
        assert_eq!(comparison.verdict(), Ok(()));
        let text = comparison.to_string();
        assert!(text.contains("| a | 1000 | 949 | -5.1 % |"), "{text}");
        assert!(text.contains("a became cheaper"), "{text}");
        assert!(!text.contains("b became cheaper"), "{text}");
    }
}
