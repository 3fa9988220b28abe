//! `cargo xtask instructions [--record]`: counts the instructions of what `tools/instructions` runs,
//! and compares them with what is recorded there.
//!
//! How long something takes differs from machine to machine and from run to run. How many
//! instructions it takes does not, so a test can hold us to it.

mod comparison;
mod record;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::run::root;
use crate::test::install;
use comparison::Comparison;
use record::Record;

/// Where the counts are recorded, from the root.
const RECORDED: &str = "tools/instructions/recorded.txt";

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let renew = match arguments {
        [] => false,
        [flag] if flag == "--record" => true,
        _ => return Err("usage: cargo xtask instructions [--record]".to_owned()),
    };
    let runner = install::instruments()?;
    let now = Record { made_with: made_with()?, counts: counts(&runner)? };
    let path = root().join(RECORDED);
    if renew {
        println!("recorded {} counts in {RECORDED}", now.counts.len());
        return now.write(&path);
    }
    let recorded = Record::read(&path)?;
    let comparison = Comparison::new(&recorded, &now);
    println!("{comparison}");
    comparison.verdict()
}

/// Runs the benchmarks; comes back with the instructions of each.
fn counts(runner: &Path) -> Result<BTreeMap<String, u64>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut bench = Command::new(cargo);
    bench
        .current_dir(root())
        .args(["bench", "--quiet", "--package", "sockeye-instructions", "--"])
        // Containers may forbid to switch off the randomness of addresses, which changes no count.
        .args(["--output-format=json", "--allow-aslr=true"])
        .env("GUNGRAUN_RUNNER", runner)
        // No flags from outside: with `-C target-cpu=native` every machine would count differently.
        .env("CARGO_ENCODED_RUSTFLAGS", "");
    let output = output(&mut bench)?;
    let counts: Option<BTreeMap<_, _>> = output.lines().map(count).collect();
    counts.filter(|counts| !counts.is_empty()).ok_or_else(|| {
        format!("what the benchmarks printed is not what gungraun prints:\n{output}")
    })
}

/// Reads one line of the runner's output: the name of a benchmark, and its count.
fn count(line: &str) -> Option<(String, u64)> {
    let summary: Value = serde_json::from_str(line).ok()?;
    // `instructions::socket::receive`, of which the first is the name of the program.
    let (_, path) = summary["module_path"].as_str()?.split_once("::")?;
    let name = format!("{path}::{}", summary["id"].as_str()?);
    let instructions = &summary["profiles"][0]["data"]["total"]["metrics"]["Ir"]["values"]["new"];
    Some((name, instructions.as_u64()?))
}

/// What the counts depend on, besides our own code: the compiler, and whose instructions are counted
/// by whom.
fn made_with() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiler = output(Command::new(rustc).arg("-vV"))?;
    let host = compiler.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let valgrind = output(Command::new("valgrind").arg("--version"))?;
    let library = output(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
    let parts = [first_line(&compiler), host, first_line(&valgrind), first_line(&library)];
    Ok(parts.join(", "))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What a command prints; its errors go where ours go.
fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().display().to_string();
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot start {name}: {error}"))?;
    if !output.status.success() {
        let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        return Err(format!("{name} {} ended with {}", arguments.join(" "), output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_runner_is_a_name_and_a_count() {
        let line = r#"{"module_path":"instructions::socket::receive","id":"ack","profiles":
            [{"data":{"total":{"metrics":{"Ir":{"values":{"new":1112,"old":7}}}}}}]}"#;
        assert_eq!(count(line), Some(("socket::receive::ack".to_owned(), 1112)));
    }

    #[test]
    fn what_is_no_line_of_the_runner_is_noticed() {
        assert_eq!(count("warning: something"), None);
        assert_eq!(count(r#"{"module_path":"instructions::socket::receive","id":"ack"}"#), None);
    }
}
