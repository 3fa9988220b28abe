//! Everyday tasks: `cargo xtask TASK`.

#![forbid(unsafe_code)]

mod autobahn;
mod bench;
mod fuzz;
mod instructions;
mod run;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask TASK [ARGUMENTS]

  test          installs what the tests need and runs all of them
  bench         measures against the floor and the peers; prints a Markdown table;
                `bench growth` measures how costs grow, `bench delivery` what it costs
                that no event is missed
  instructions  [--record]: counts the instructions of codecs, session and fan-out;
                fails where they are over 5 % more than recorded, or records them
  fuzz          TARGET [SECONDS]: fuzzes frame, msgpack, packet, payload, proxy or session (needs a
                nightly compiler); 600 seconds if nobody says
  autobahn      runs the public WebSocket suite against both our sides
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = match arguments.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match task {
        "test" => test::run(rest),
        "bench" => bench::run(rest),
        "fuzz" => fuzz::run(rest),
        "instructions" => instructions::run(rest),
        "autobahn" => autobahn::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no task `{other}`\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
