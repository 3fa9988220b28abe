//! What the suite says of us.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::cannot;

/// The verdicts of one direction, by case.
pub(super) struct Report(BTreeMap<String, Verdict>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    /// Whether the right frames came.
    behavior: String,
    /// Whether the connection ended the right way.
    behavior_close: String,
}

/// Reads the `index.json` in a report's folder.
pub(super) fn read(folder: &Path, agent: &str) -> Result<Report, String> {
    let path = folder.join("index.json");
    let text = fs::read_to_string(&path).map_err(|error| cannot("read", &path, &error))?;
    let mut agents: BTreeMap<String, BTreeMap<String, Verdict>> =
        serde_json::from_str(&text).map_err(|error| cannot("understand", &path, &error))?;
    let verdicts = agents.remove(agent);
    verdicts.map(Report).ok_or_else(|| format!("{} says nothing of `{agent}`", path.display()))
}

impl Report {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// A line for each case that is not as it should be.
    pub(super) fn failed(&self, side: &str) -> impl Iterator<Item = String> {
        let failed = self.0.iter().filter(|(case, verdict)| !verdict.passes(case));
        failed.map(move |(case, verdict)| {
            let Verdict { behavior, behavior_close } = verdict;
            format!("{side}, case {case}: {behavior}, closing {behavior_close}")
        })
    }
}

impl Verdict {
    /// 6.4.x want invalid text refused inside a frame that is not whole yet, byte by byte; the RFC
    /// does not.
    fn passes(&self, case: &str) -> bool {
        let fine = |verdict: &str| matches!(verdict, "OK" | "INFORMATIONAL");
        let lenient = case.starts_with("6.4.") && self.behavior == "NON-STRICT";
        (fine(&self.behavior) || lenient) && fine(&self.behavior_close)
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    fn failed(case: &str, behavior: &str, closing: &str) -> Vec<String> {
        let verdict = serde_json::json!({
            case: { "behavior": behavior, "behaviorClose": closing, "duration": 1 },
        });
        let report = Report(serde_json::from_value(verdict).expect("as the suite writes it"));
        report.failed("server side").collect()
    }

    #[test]
    fn ok_and_informational_pass() {
        assert!(failed("1.1.1", "OK", "OK").is_empty());
        assert!(failed("7.1.6", "INFORMATIONAL", "INFORMATIONAL").is_empty());
    }

    #[test]
    fn every_other_verdict_is_named() {
        let said = failed("2.3", "FAILED", "OK");
        assert_eq!(said, ["server side, case 2.3: FAILED, closing OK"]);
        for verdict in ["FAILED", "UNCLEAN", "WRONG CODE", "UNIMPLEMENTED", "NON-STRICT"] {
            assert_eq!(failed("7.3.1", verdict, "OK").len(), 1);
            assert_eq!(failed("7.3.1", "OK", verdict).len(), 1);
        }
    }

    #[test]
    fn only_early_refusal_of_invalid_text_may_be_non_strict() {
        assert!(failed("6.4.2", "NON-STRICT", "OK").is_empty());
        assert_eq!(failed("6.4.2", "NON-STRICT", "FAILED").len(), 1);
        assert_eq!(failed("6.3.1", "NON-STRICT", "OK").len(), 1);
    }
}
