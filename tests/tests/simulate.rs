//! Delivery under faults, simulated: `tools/simulate` lives for a minute, always from the same seed on.

use std::process::Command;

use sockeye_tests::program::build;

#[test]
fn no_event_is_missed_in_the_lives_of_a_minute() {
    let program = build("sockeye-simulate", "simulate");
    let output = Command::new(program).args(["--seed", "1", "--seconds", "60"]).output();
    let output = output.expect("the simulation starts");
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{words}");
    println!("{words}");
}
