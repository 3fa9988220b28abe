//! `cargo xtask fuzz TARGET [SECONDS]`: runs one fuzz target under libFuzzer.
//!
//! This is what cargo-fuzz does, without having to install it: build `tools/fuzz/fuzz` with the
//! compiler's coverage instrumentation, then let libFuzzer run the program. There is no sanitizer
//! beside it: the project forbids unsafe code, and without one it gets several times as far.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run;

/// The targets, which are functions of `tools/fuzz`.
const TARGETS: [&str; 6] = ["frame", "msgpack", "packet", "payload", "proxy", "session"];

/// How long a run lasts if nobody says, in seconds.
const SECONDS: u64 = 600;

/// What makes libFuzzer see where the program has been (the flags of cargo-fuzz).
const RUSTFLAGS: &str = "\
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (name, seconds) = parse(arguments)?;
    let host = nightly_host()?;
    let program = build(name, &host)?;
    let (corpus, artifacts) = (prepare("corpus", name)?, prepare("artifacts", name)?);
    fuzz(&program, &corpus, &artifacts, seconds).map_err(|error| {
        format!(
            "{error}\nwhat broke it is in {}; keep it as a test of the crate",
            artifacts.display()
        )
    })
}

fn parse(arguments: &[String]) -> Result<(&'static str, u64), String> {
    let usage =
        || format!("usage: cargo xtask fuzz TARGET [SECONDS]; targets: {}", TARGETS.join(", "));
    let (name, seconds) = match arguments {
        [name] => (name, SECONDS),
        [name, seconds] => {
            let seconds =
                seconds.parse().map_err(|_| format!("`{seconds}` is no number; {}", usage()));
            (name, seconds?)
        }
        _ => return Err(usage()),
    };
    let known = TARGETS.into_iter().find(|target| target == name);
    Ok((known.ok_or_else(|| format!("there is no target `{name}`; {}", usage()))?, seconds))
}

/// The triple of this machine, as the nightly compiler names it.
fn nightly_host() -> Result<String, String> {
    let output = Command::new("rustup").args(["run", "nightly", "rustc", "-vV"]).output();
    let output = output.ok().filter(|output| output.status.success()).ok_or(
        "fuzzing needs a nightly compiler, and there is none: run `rustup toolchain install nightly`",
    )?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("the nightly compiler does not say for which machine it is")?.to_owned())
}

/// Builds the target's program; comes back with where it is.
fn build(name: &str, host: &str) -> Result<PathBuf, String> {
    let target = run::target().join("fuzz/build");
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo", "build", "--release", "--bin", name])
        // With a target named, build scripts and macros stay without the instrumentation.
        .args(["--target", host])
        .arg("--manifest-path")
        .arg(run::root().join("tools/fuzz/fuzz/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", RUSTFLAGS);
    // This task was started by the stable cargo, which tells its children which compiler to use.
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "CARGO_ENCODED_RUSTFLAGS"] {
        command.env_remove(variable);
    }
    run::run(&mut command)?;
    Ok(target.join(host).join("release").join(name))
}

fn prepare(what: &str, name: &str) -> Result<PathBuf, String> {
    let directory = run::target().join("fuzz").join(what).join(name);
    fs::create_dir_all(&directory)
        .map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
    Ok(directory)
}

fn fuzz(program: &Path, corpus: &Path, artifacts: &Path, seconds: u64) -> Result<(), String> {
    let mut command = Command::new(program);
    command
        .arg(corpus)
        // libFuzzer takes this as a prefix of file names: the last slash makes it a directory.
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-max_total_time={seconds}"))
        .args(["-max_len=4096", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
    let seeds = run::root().join("tools/fuzz/seeds").join(program.file_name().unwrap_or_default());
    if seeds.is_dir() {
        command.arg(seeds); // read, never written
    }
    run::run(&mut command)
}
