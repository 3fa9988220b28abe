//! `cargo xtask test`: installs what the tests need, runs all of them, and counts what happened.
//!
//! Ends with one line, `N passed, N failed, N skipped`. A test that cannot run prints a line that starts with
//! `SKIPPED`, which is counted and named here; where `CI` is set nothing may be skipped.

mod count;
pub(crate) mod install;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::run::{self, root};
use count::Count;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let began = Instant::now();
    let strict = std::env::var_os("CI").is_some();
    step("what the tests need");
    for missing in install::everything() {
        println!("xtask: {missing}");
    }
    step("formatting and lints");
    lint()?;
    step("tests");
    let (count, succeeded) = tests(arguments, strict)?;
    for skipped in &count.skipped {
        println!("{skipped}");
    }
    println!("took {} s", began.elapsed().as_secs());
    println!("{count}");
    match () {
        () if count.failed > 0 || !succeeded => Err("tests failed".to_owned()),
        () if count.passed == 0 => Err("no test was run".to_owned()),
        () if strict && !count.skipped.is_empty() => Err("nothing may be skipped here".to_owned()),
        () => Ok(()),
    }
}

fn step(name: &str) {
    println!("\n== {name}");
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

fn lint() -> Result<(), String> {
    run::run(cargo().args(["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    run::run(cargo().args(clippy))
}

/// Runs the test command; its lines are passed on and counted.
fn tests(arguments: &[String], strict: bool) -> Result<(Count, bool), String> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).args(arguments);
    if strict {
        command.env("SOCKEYE_NO_SKIP", "1");
    }
    let mut process = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let mut count = Count::default();
    let output = process.stdout.take().expect("it is piped");
    for line in BufReader::new(output).split(b'\n') {
        let line = line.map_err(|error| format!("cannot read the tests' output: {error}"))?;
        let line = String::from_utf8_lossy(&line);
        count.take(&line);
        // A thousand lines of success hide the one that matters.
        if !count::is_success(&line) {
            println!("{line}");
        }
    }
    let status = process.wait().map_err(|error| format!("cargo is gone: {error}"))?;
    Ok((count, status.success()))
}
