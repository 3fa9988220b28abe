//! `cargo xtask bench`: builds the bench in release and runs it; it builds the servers it needs itself. `cargo xtask bench
//! growth` draws curves instead of comparing, `cargo xtask bench delivery` says what it costs that no event is missed,
//! `cargo xtask bench clients` what a message costs a client.

use std::process::Command;

use crate::run;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut bench = Command::new(cargo);
    bench.current_dir(run::root());
    bench.args(["run", "--quiet", "--release", "--package", "sockeye-bench", "--"]);
    if arguments.first().is_none_or(|first| !["growth", "delivery", "clients"].contains(&&**first))
    {
        bench.arg("run");
    }
    run::run(bench.args(arguments))
}
