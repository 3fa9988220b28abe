//! `sockeye-bench clients`: which scenarios, against whom, how long.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use sockeye_bench::clients;
use sockeye_bench::clients::table::{Row, own_cpu, table};
use sockeye_bench::peers::Places;
use sockeye_bench::process::affinity::{self, Cores};
use sockeye_bench::process::machine;
use sockeye_bench::process::observer::Observer;
use sockeye_bench::process::server::Server;
use sockeye_bench::scenario::{self, Measurement, Scenario, Timing};
use sockeye_bench::statistics::figure_or_dash;

/// Whatever keeps the bench from measuring.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What is measured if nothing is said; memory comes first, while the process has had none of it.
const USUAL: [&str; 7] = [
    "idle-10000",
    "echo-10000x1-32B",
    "echo-100x16-32B",
    "echo-100x16-1KiB",
    "ack-10000x1-32B",
    "ack-100x16-32B",
    "bcast-10000-k1",
];

/// Measures what a connection and a message cost a client.
#[derive(Args)]
pub(crate) struct Clients {
    /// Scenarios: names like echo-100x16-32B, ack-1000x1-32B, bcast-1000-k8 or idle-10k [default: seven, of up to ten
    /// thousand connections].
    #[arg(long, value_delimiter = ',')]
    scenarios: Vec<String>,
    /// A server that is there, instead of a contract server for each run; it answers as the contract's profile bench does.
    #[arg(long, conflicts_with = "contract")]
    url: Option<String>,
    /// Another build of the contract server; nothing is built then.
    #[arg(long, value_name = "PROGRAM")]
    contract: Option<PathBuf>,
    /// How often everything is measured; the table shows medians.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// The measured window of each run, in seconds.
    #[arg(long, default_value = "1.2", value_parser = crate::seconds)]
    seconds: Duration,
    /// Load before the window, in seconds.
    #[arg(long, default_value = "0.6", value_parser = crate::seconds)]
    warm_up: Duration,
    /// Silence of the idle scenario, in seconds.
    #[arg(long, default_value = "1", value_parser = crate::seconds)]
    silence: Duration,
    /// Does not keep server and clients on a core each.
    #[arg(long)]
    unpinned: bool,
    /// Does not play the same with the raw generator.
    #[arg(long)]
    no_raw: bool,
}

/// Measures and prints.
pub(crate) fn measure(asked: &Clients) -> Result<ExitCode> {
    let mut rows = asked.rows(crate::open_files())?;
    let ground = asked.ground()?;
    for round in 1..=asked.rounds {
        for row in &mut rows {
            let measured = ground.play(row.scenario)?;
            report(round, row.scenario, "clients", &measured);
            row.clients.push(measured);
            if let Some(measured) = ground.play_raw(row.scenario, asked.no_raw)? {
                report(round, row.scenario, "raw", &measured);
                row.raw.push(measured);
            }
        }
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("Made by `cargo xtask bench {}` on {}.\n", arguments.join(" "), machine::describe());
    println!("{}", table(&rows, asked.method(ground.cores)).markdown().trim_end());
    Ok(ExitCode::SUCCESS)
}

fn report(round: u16, scenario: Scenario, who: &str, measured: &Measurement) {
    let each = figure_or_dash(own_cpu(measured));
    eprintln!("round {round} {scenario} {who}: {each} µs of its own per {}", scenario.unit());
}

impl Clients {
    fn rows(&self, files: u64) -> Result<Vec<Row>> {
        let words = if self.scenarios.is_empty() {
            USUAL.map(str::to_owned).to_vec()
        } else {
            self.scenarios.clone()
        };
        Scenario::select(&words)?
            .into_iter()
            .map(|scenario| Ok(Row::new(scenario, files)?))
            .collect()
    }

    fn ground(&self) -> Result<Ground> {
        let cores = crate::cores(self.unpinned);
        if let Some(cores) = cores {
            affinity::pin(cores.generator)?;
        }
        let place = match (&self.url, &self.contract) {
            (Some(url), _) => Place::There(url.clone()),
            (None, Some(contract)) => Place::Started(Places::before(contract).command),
            (None, None) => Place::Started(Places::before(&Places::find()?.contract()?).command),
        };
        Ok(Ground { place, cores, timing: self.timing() })
    }

    fn timing(&self) -> Timing {
        Timing {
            warm_up: self.warm_up,
            measure: self.seconds,
            silence: self.silence,
            drain: Duration::from_secs(20),
        }
    }

    fn method(&self, cores: Option<Cores>) -> String {
        let cores = match cores {
            Some(Cores { server, generator }) => {
                format!("server on core {server}, clients on core {generator}")
            }
            None => "server and clients on any core".to_owned(),
        };
        format!(
            "Medians of {} interleaved rounds of {:.1} s after {:.1} s of warm-up, {cores}; every answer was received and \
             compared whole. Echoes are answered in a handler, acks awaited by a task each; arguments are strings.",
            self.rounds,
            self.seconds.as_secs_f64(),
            self.warm_up.as_secs_f64()
        )
    }
}

/// Whom the clients talk with.
struct Ground {
    place: Place,
    cores: Option<Cores>,
    timing: Timing,
}

enum Place {
    /// A server of somebody's.
    There(String),
    /// This command, anew for each run.
    Started(Vec<String>),
}

impl Ground {
    fn play(&self, scenario: Scenario) -> Result<Measurement> {
        match &self.place {
            Place::There(url) => {
                let mut ourselves = Observer::new(std::process::id());
                Ok(clients::run(scenario, url, self.timing, &mut ourselves)?)
            }
            Place::Started(command) => {
                let server = Server::start(command, &scenario.variables(), self.cores)?;
                let url = format!("http://{}", server.address());
                let mut observer = Observer::new(server.id());
                Ok(clients::run(scenario, &url, self.timing, &mut observer)?)
            }
        }
    }

    /// The same without clients; nothing where it is not wanted, or the server is somebody's.
    fn play_raw(&self, scenario: Scenario, unwanted: bool) -> Result<Option<Measurement>> {
        let Place::Started(command) = &self.place else { return Ok(None) };
        if unwanted {
            return Ok(None);
        }
        let server = Server::start(command, &scenario.variables(), self.cores)?;
        let mut observer = Observer::new(server.id());
        Ok(Some(scenario::run(scenario, server.address(), self.timing, &mut observer)?))
    }
}
