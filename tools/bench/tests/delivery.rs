//! What it costs that no event is missed: the parts that need no other program, and how answers are judged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sockeye_bench::client::Failure;
use sockeye_bench::client::listen::{Listener, Message};
use sockeye_bench::client::open::Guests;
use sockeye_bench::delivery::class::Class;
use sockeye_bench::delivery::crowd::{Crowd, acknowledged};
use sockeye_bench::delivery::table::Goal;
use sockeye_bench::outbox::Outbox;
use sockeye_bench::statistics::figure;

/// A quick run of some parts, with the logs in a directory of this name.
fn measure(name: &str, arguments: &[&str]) -> (Output, PathBuf) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    let mut bench = Command::new(env!("CARGO_BIN_EXE_sockeye-bench"));
    bench.args(["delivery", "--quick"]).args(arguments).arg("--directory").arg(&directory);
    (bench.output().unwrap(), directory)
}

#[test]
fn what_needs_no_other_program_is_measured_and_leaves_no_log_behind() {
    let (output, directory) = measure("delivery", &["--only", "stored,latency"]);
    let tables = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{tables}\n{}", String::from_utf8_lossy(&output.stderr));
    for row in ["| memory |", "| async |", "| fsync |", "| plain |"] {
        let rows: Vec<_> = tables.lines().filter(|line| line.starts_with(row)).collect();
        assert!(!rows.is_empty(), "{row} in {tables}");
        // A plain namespace syncs nothing, so a 0 in another column is right.
        let came = |row: &str| row.split('|').nth(2).is_some_and(|cell| cell.trim() != "0");
        assert!(rows.iter().all(|row| came(row)), "nothing came: {rows:?}");
    }
    assert_eq!(tables.matches("at least").count(), 2, "{tables}");
    assert_eq!(tables.matches("at most").count(), 1, "{tables}");
    assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
}

#[test]
fn a_part_that_fails_is_named_and_the_others_are_measured() {
    let arguments = ["--only", "wire,stored", "--contract", "/nobody/is/here"];
    let (output, _) = measure("delivery-without", &arguments);
    let tables = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success(), "{tables}");
    assert!(tables.contains("### Failed runs\n\n- Wire: "), "{tables}");
    assert!(tables.contains("| fsync |"), "{tables}");
}

#[test]
fn a_goal_is_met_at_its_very_value() {
    let met = |goal: Goal| goal.met;
    assert_eq!(met(Goal::at_least("bread", 2.0, Some(2.0), figure)), Some(true));
    assert_eq!(met(Goal::at_least("bread", 2.0, Some(1.9), figure)), Some(false));
    assert_eq!(met(Goal::at_most("bread", 2.0, Some(2.0), figure)), Some(true));
    assert_eq!(met(Goal::at_most("bread", 2.0, Some(2.1), figure)), Some(false));
    assert_eq!(met(Goal::at_most("bread", 2.0, None, figure)), None);
}

#[test]
fn an_acknowledgement_says_true_or_a_token_and_nothing_else() {
    let token = "AAAAAAAAAAAAAAAAAAAAAA";
    let number = |text: &str| acknowledged(text.as_bytes(), "43/async,");
    assert_eq!(number("43/async,10000007[true]"), Some(10_000_007));
    assert_eq!(number(&format!(r#"43/async,10000007[{{"token":"{token}"}}]"#)), Some(10_000_007));
    assert_eq!(number(r#"43/async,10000007[{"token":null}]"#), Some(10_000_007));
    for wrong in ["43/async,10000007[false]", "43/async,1000[true]", "4310000007[true]", "43", ""] {
        assert_eq!(number(wrong), None, "{wrong}");
    }
    assert_eq!(number(&format!(r#"43/async,10000007[{{"token":"{}"}}]"#, &token[1..])), None);
}

/// One client of the class `fsync` that waits for two events.
struct One {
    crowd: Crowd,
    outbox: Outbox,
}

impl One {
    fn new() -> Self {
        let mut crowd = Crowd::new(Class::Fsync, 1);
        crowd.connected(0, br#"40{"sid":"s","pid":"secret"}"#).unwrap();
        crowd.expect(2);
        Self { crowd, outbox: Outbox::default() }
    }

    fn hears(&mut self, number: u32) -> Result<(), Failure> {
        let (payload, token) = (format!("00000-{number}-{}", "x".repeat(185)), "A".repeat(22));
        let text = format!(r#"42["event","{payload}","{token}"]"#);
        self.crowd.message(0, Message::Text(text.as_bytes()), 0, &mut self.outbox)
    }
}

#[test]
fn who_gets_every_event_in_order_misses_nothing() {
    let mut one = One::new();
    one.hears(10_000_000).unwrap();
    one.hears(10_000_001).unwrap();
    assert_eq!(one.crowd.missing, 0);
}

#[test]
fn an_event_that_comes_again_fails_the_run() {
    let mut one = One::new();
    one.hears(10_000_000).unwrap();
    let outcome = one.hears(10_000_000);
    assert!(matches!(outcome, Err(Failure::Doubled { link: 0, .. })), "{outcome:?}");
}

#[test]
fn an_event_that_was_left_out_fails_the_run() {
    let outcome = One::new().hears(10_000_001);
    assert!(matches!(outcome, Err(Failure::Wrong { link: 0, .. })), "{outcome:?}");
}

#[test]
fn one_event_too_many_fails_the_run() {
    let mut one = One::new();
    one.hears(10_000_000).unwrap();
    one.hears(10_000_001).unwrap();
    assert!(one.hears(10_000_002).is_err());
}

#[test]
fn who_comes_back_says_who_it_was_and_where_it_stands() {
    let mut one = One::new();
    one.hears(10_000_000).unwrap();
    let packet = format!(r#"40{{"pid":"secret","offset":"{}"}}"#, "A".repeat(22));
    assert_eq!(String::from_utf8(one.crowd.connect(0)).unwrap(), packet);
    one.crowd.connected(0, br#"40{"sid":"t","pid":"secret"}"#).unwrap();
    let somebody_new = one.crowd.connected(0, br#"40{"sid":"t","pid":"other"}"#);
    assert!(matches!(somebody_new, Err(Failure::Wrong { .. })), "{somebody_new:?}");
}
