//! What the suite says of us.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::cannot;

/// Which of our sides was examined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// Cases that want a smaller window of the server, which a broadcast that is compressed once for everybody
/// cannot have: such an offer is declined (`docs/compatibility.md`).
const DECLINED: [&str; 2] = ["13.3.", "13.5."];

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
    pub(super) fn failed(&self, side: Side) -> impl Iterator<Item = String> {
        let failed = self.0.iter().filter(move |(case, verdict)| {
            let declined = side == Side::Server && verdict.is_declined(case);
            !(declined || verdict.passes(case))
        });
        failed.map(move |(case, verdict)| {
            let Verdict { behavior, behavior_close } = verdict;
            let side = if side == Side::Server { "server" } else { "client" };
            format!("{side} side, case {case}: {behavior}, closing {behavior_close}")
        })
    }

    /// How many cases a server of ours declines.
    pub(super) fn declined(&self) -> usize {
        self.0.iter().filter(|(case, verdict)| verdict.is_declined(case)).count()
    }
}

impl Verdict {
    fn is_declined(&self, case: &str) -> bool {
        let is_one = DECLINED.iter().any(|group| case.starts_with(group));
        is_one && self.behavior == "UNIMPLEMENTED" && self.behavior_close == "OK"
    }

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
    use super::{Report, Side};

    fn failed(case: &str, behavior: &str, closing: &str) -> Vec<String> {
        failed_on(Side::Server, case, behavior, closing)
    }

    fn failed_on(side: Side, case: &str, behavior: &str, closing: &str) -> Vec<String> {
        let verdict = serde_json::json!({
            case: { "behavior": behavior, "behaviorClose": closing, "duration": 1 },
        });
        let report = Report(serde_json::from_value(verdict).expect("as the suite writes it"));
        report.failed(side).collect()
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
    fn only_a_server_may_decline_a_smaller_window() {
        assert!(failed("13.3.1", "UNIMPLEMENTED", "OK").is_empty());
        assert!(failed("13.5.18", "UNIMPLEMENTED", "OK").is_empty());
        assert_eq!(failed("13.3.1", "FAILED", "OK").len(), 1);
        assert_eq!(failed("13.3.1", "UNIMPLEMENTED", "UNCLEAN").len(), 1);
        assert_eq!(failed("13.4.1", "UNIMPLEMENTED", "OK").len(), 1);
        assert_eq!(failed_on(Side::Client, "13.3.1", "UNIMPLEMENTED", "OK").len(), 1);
    }

    #[test]
    fn only_early_refusal_of_invalid_text_may_be_non_strict() {
        assert!(failed("6.4.2", "NON-STRICT", "OK").is_empty());
        assert_eq!(failed("6.4.2", "NON-STRICT", "FAILED").len(), 1);
        assert_eq!(failed("6.3.1", "NON-STRICT", "OK").len(), 1);
    }
}
