//! `sockeye-bench run` compares, `sockeye-bench growth` draws curves, `sockeye-bench delivery` measures what it costs that
//! no event is missed, `sockeye-bench clients` what a message costs a client, `sockeye-bench floor` is measured.

#![forbid(unsafe_code)]

mod connect;
mod deliver;
mod grow;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use sockeye_bench::floor;
use sockeye_bench::peers::{Choice, LeftOut, Lineup, Places, Switch};
use sockeye_bench::process::affinity::{self, Cores};
use sockeye_bench::process::{limits, machine};
use sockeye_bench::report::{self, Frame};
use sockeye_bench::rounds::Bench;
use sockeye_bench::scenario::{Scenario, Timing};

/// Measures what a message costs in a Socket.IO server.
#[derive(Parser)]
#[command(name = "sockeye-bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures servers side by side and prints Markdown tables.
    Run(Run),
    /// Measures what costs as more and more exists, and prints tables; the whole of it takes some five minutes.
    Growth(grow::Growth),
    /// Measures what it costs that no event is missed, and prints tables; the whole of it takes some five minutes.
    Delivery(deliver::Delivery),
    /// Measures what a connection and a message cost a client, and prints a table; the whole of it takes two minutes.
    Clients(connect::Clients),
    /// Fills a log at full speed, for `delivery`, until it is killed.
    #[command(hide = true)]
    Fill(deliver::Fill),
    /// Serves with the needed system calls only, on 127.0.0.1, until it is killed.
    Floor {
        /// The port to listen on.
        #[arg(long)]
        port: u16,
    },
}

#[derive(Args)]
struct Run {
    /// Scenarios: names like echo-100x16-32B or bcast-1000-k8, beginnings of names, or usual, quick, all.
    #[arg(long, value_delimiter = ',')]
    scenarios: Vec<String>,
    /// Servers [default: sockeye, floor, socketio, socketioxide].
    #[arg(long, value_delimiter = ',', value_enum)]
    servers: Vec<Choice>,
    /// Another build of the contract server, to be measured beside this one: what a change brings.
    #[arg(long)]
    before: Option<PathBuf>,
    /// Features of the contract server: what does it cost to turn one on? Each is measured beside it, in a column of its own.
    #[arg(long, value_name = "SWITCH", value_delimiter = ',', value_enum)]
    with: Vec<Switch>,
    /// How often everything is measured; the table shows medians [default: 3].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: Option<u16>,
    /// The measured window of each run, in seconds [default: 1.2].
    #[arg(long, value_parser = seconds)]
    seconds: Option<Duration>,
    /// Load before the window, in seconds [default: 0.6].
    #[arg(long, value_parser = seconds)]
    warm_up: Option<Duration>,
    /// Silence of the idle scenario, in seconds [default: 5].
    #[arg(long, value_parser = seconds)]
    silence: Option<Duration>,
    /// One round of few scenarios with short windows.
    #[arg(long)]
    quick: bool,
    /// Does not keep server and generator on a core each.
    #[arg(long)]
    unpinned: bool,
    /// Does not count system calls.
    #[arg(long)]
    no_calls: bool,
}

/// Seconds between a hundredth and a minute.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is not a number of seconds"))?;
    if (0.01..=60.0).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err("between 0.01 and 60 seconds are possible".to_owned())
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(run) => measure(&run).map_err(|error| error.to_string()),
        Command::Growth(growth) => grow::measure(&growth).map_err(|error| error.to_string()),
        Command::Delivery(delivery) => {
            deliver::measure(&delivery).map_err(|error| error.to_string())
        }
        Command::Clients(clients) => connect::measure(&clients).map_err(|error| error.to_string()),
        Command::Fill(fill) => deliver::fill(&fill).map_err(|error| error.to_string()),
        Command::Floor { port } => match floor::serve(port) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => Err(format!("cannot serve on port {port}: {error}")),
        },
    };
    outcome.unwrap_or_else(|message| {
        eprintln!("sockeye-bench: {message}");
        ExitCode::FAILURE
    })
}

fn measure(run: &Run) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let machine = machine::describe();
    let (bench, left_out) = run.bench()?;
    if let Some(cores) = bench.cores {
        affinity::pin(cores.generator)?;
    }
    let rows = bench.run(|line| eprintln!("{line}"));
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let frame = Frame {
        machine: &machine,
        command: &format!("cargo xtask bench {}", arguments.join(" ")),
        method: &method(&bench),
        servers: &bench.servers,
        left_out: &left_out,
    };
    print!("{}", report::markdown(&rows, &frame));
    let failed = rows.iter().any(|row| !row.failures.is_empty());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Run {
    fn bench(&self) -> Result<(Bench, Vec<LeftOut>), Box<dyn std::error::Error>> {
        let words = match (self.scenarios.is_empty(), self.quick) {
            (false, _) => self.scenarios.clone(),
            (true, true) => vec!["quick".to_owned()],
            (true, false) => vec!["usual".to_owned()],
        };
        let scenarios = Scenario::select(&words)?;
        let files = open_files();
        let peers = Switch::beside(Choice::peers(&self.servers), &self.with);
        let Lineup { mut servers, left_out } = Places::find()?.lineup(peers)?;
        for LeftOut { peer, why } in &left_out {
            eprintln!("{peer} is left out: {why}");
        }
        servers.extend(self.before.as_deref().map(Places::before));
        if servers.is_empty() {
            return Err("no server is left to be measured".into());
        }
        let bench = Bench {
            servers,
            scenarios,
            rounds: usize::from(self.rounds.unwrap_or(if self.quick { 1 } else { 3 })),
            timing: self.timing(),
            cores: cores(self.unpinned),
            count_calls: !self.no_calls,
            files,
        };
        Ok((bench, left_out))
    }

    fn timing(&self) -> Timing {
        let short = |given: Option<Duration>, quick, usual| {
            given.unwrap_or(Duration::from_millis(if self.quick { quick } else { usual }))
        };
        Timing {
            warm_up: short(self.warm_up, 200, 600),
            measure: short(self.seconds, 400, 1200),
            silence: short(self.silence, 1000, 5000),
            drain: Duration::from_secs(20),
        }
    }
}

/// The cores of a measurement, unless it is to run on any.
fn cores(unpinned: bool) -> Option<Cores> {
    if unpinned {
        return None;
    }
    let cores = Cores::available();
    if cores.is_none() {
        eprintln!("server and generator share their cores: this process may not use two");
    }
    cores
}

/// How many files may be open now.
fn open_files() -> u64 {
    let files = limits::raise_open_files();
    if files < limits::WANTED_FILES {
        eprintln!("only {files} files may be open, {} are wanted", limits::WANTED_FILES);
    }
    files
}

fn method(bench: &Bench) -> String {
    let rounds = match bench.rounds {
        1 => "One round".to_owned(),
        rounds => format!("Medians of {rounds} interleaved rounds"),
    };
    let timing = &bench.timing;
    let cores = match bench.cores {
        Some(Cores { server, generator }) => {
            format!("server on core {server}, generator on core {generator}")
        }
        None => "server and generator on any core".to_owned(),
    };
    format!(
        "{rounds} of {:.1} s after {:.1} s of warm-up, {cores}; everything over 127.0.0.1; every answer was received and \
         compared whole.",
        timing.measure.as_secs_f64(),
        timing.warm_up.as_secs_f64()
    )
}
