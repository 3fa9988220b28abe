//! What was counted, and what should not have been.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What was lived through.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) server: &'static str,
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) problems: Vec<String>,
}

impl Outcome {
    pub(crate) fn of(server: &'static str) -> Self {
        Outcome { server, ..Outcome::default() }
    }

    pub(crate) fn count(&mut self, what: &'static str, how_many: usize) {
        *self.counts.entry(what).or_default() += how_many as u64;
    }

    pub(crate) fn blame(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// All that were acknowledged have arrived, in their order; comes back with how many have arrived more than once.
    pub(crate) fn check_arrivals(
        &mut self,
        speaker: &str,
        acknowledged: &BTreeSet<u64>,
        arrived: &[u64],
    ) -> usize {
        let mut seen = BTreeSet::new();
        let firsts: Vec<u64> =
            arrived.iter().copied().filter(|number| seen.insert(*number)).collect();
        let lost: Vec<_> = acknowledged.difference(&seen).take(10).collect();
        if !lost.is_empty() {
            self.blame(format!("{speaker}: acknowledged, and never arrived: {lost:?}"));
        }
        if let Some([one, next]) = firsts.array_windows().find(|[one, next]| one > next) {
            self.blame(format!("{speaker}: {one} arrived before {next}"));
        }
        arrived.len() - firsts.len()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> =
            self.counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        write!(f, "{}: {}", self.server, counts.join(", "))?;
        for problem in self.problems.iter().take(20) {
            write!(f, "\n  WRONG {problem}")?;
        }
        Ok(())
    }
}
