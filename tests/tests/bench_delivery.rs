//! The bench against the contract server: what it costs that no event is missed.

use std::path::{Path, PathBuf};
use std::process::Command;

use sockeye_tests::program::build;

/// Quick runs of these parts.
fn measure(parts: &str, directory: &Path) -> String {
    let [bench, contract]: [PathBuf; 2] =
        [("sockeye-bench", "sockeye-bench"), ("sockeye-contract", "contract")]
            .map(|(package, binary)| build(package, binary));
    let mut command = Command::new(bench);
    command.args(["delivery", "--quick", "--only", parts, "--contract"]).arg(contract);
    let output = command.arg("--directory").arg(directory).output().expect("the bench starts");
    let tables = String::from_utf8(output.stdout).expect("tables are text");
    assert!(output.status.success(), "{tables}\n{}", String::from_utf8_lossy(&output.stderr));
    tables
}

#[test]
fn a_storm_a_restart_and_the_wire_are_measured_and_leave_no_log_behind() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-delivery");
    let tables = measure("wire,storm,restart", &directory);
    for row in [
        "| memory | 64 × 1 |",
        "| async | 4 × 16 |",
        "| fsync | 64 × 1 |",
        "| in the server's memory |",
        "| in the log alone |",
        "| 1 |",
    ] {
        assert!(tables.contains(row), "{row} in {tables}");
    }
    assert!(tables.contains("seconds until it answers: at most 1.00; "), "{tables}");
    let left = std::fs::read_dir(&directory).expect("logs were here").count();
    assert_eq!(left, 0, "in {}", directory.display());
}
