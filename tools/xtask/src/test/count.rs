//! What a test run's output means.

use std::fmt;

/// Tests of all runs together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// The lines that name them.
    pub(crate) skipped: Vec<String>,
}

impl Count {
    /// Takes one line of output in.
    pub(crate) fn take(&mut self, line: &str) {
        if let Some(at) = line.find("SKIPPED ") {
            self.skipped.push(line[at..].to_owned());
        }
        let Some(result) = line.strip_prefix("test result: ") else { return };
        self.passed += number_before(result, " passed");
        self.failed += number_before(result, " failed");
        let ignored = number_before(result, " ignored");
        self.skipped.extend((0..ignored).map(|_| "SKIPPED an ignored test".to_owned()));
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A test that skips itself returns, and so is among those that passed.
        let passed = self.passed.saturating_sub(self.skipped.len());
        write!(f, "{passed} passed, {} failed, {} skipped", self.failed, self.skipped.len())
    }
}

/// Whether a line only tells that one test went well.
pub(crate) fn is_success(line: &str) -> bool {
    line.starts_with("test ") && line.ends_with(" ... ok")
}

fn number_before(text: &str, word: &str) -> usize {
    let Some((before, _)) = text.split_once(word) else { return 0 };
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_runs_are_added_up() {
        let mut count = Count::default();
        count.take("test result: ok. 23 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        count
            .take("test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out");
        count.take("test something ... ok");
        assert_eq!(count.to_string(), "25 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn a_skipped_test_is_named_and_no_success() {
        let mut count = Count::default();
        count.take("test a ... SKIPPED a: no browser; `cargo xtask test` installs it");
        count.take("test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(count.to_string(), "2 passed, 0 failed, 1 skipped");
        assert!(count.skipped[0].starts_with("SKIPPED a: no browser"));
    }

    #[test]
    fn an_ignored_test_counts_as_skipped() {
        let mut count = Count::default();
        count.take("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        assert_eq!(count.skipped.len(), 1);
    }
}
