//! Rounds: every scenario against every server, again and again, one at a time.
//!
//! Servers take turns within seconds of each other, and another one begins in each round: what the machine does meanwhile
//! meets all of them. Every run has a fresh server process.

use std::time::Duration;

use crate::client::Failure;
use crate::peers::{Peer, Prepared};
use crate::process::affinity::Cores;
use crate::process::calls::Calls;
use crate::process::limits::OTHER_FILES;
use crate::process::observer::Observer;
use crate::process::server::{Server, StartError};
use crate::scenario::{self, Measurement, Scenario, Timing};
use crate::statistics::{figure, micros, per};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The servers, ready to be started.
    pub servers: Vec<Prepared>,
    /// What is asked of them.
    pub scenarios: Vec<Scenario>,
    /// How often.
    pub rounds: usize,
    /// For how long each time.
    pub timing: Timing,
    /// Which cores; `None`: wherever the system puts them.
    pub cores: Option<Cores>,
    /// Whether a last, shorter round counts system calls.
    pub count_calls: bool,
    /// How many files may be open.
    pub files: u64,
}

/// All that was measured of one scenario and one server.
#[derive(Clone, Debug)]
pub struct Row {
    /// The scenario.
    pub scenario: Scenario,
    /// The server.
    pub peer: Peer,
    /// One per round; `None` where the run failed.
    pub measurements: Vec<Option<Measurement>>,
    /// System calls and the units they served.
    pub calls: Option<(Calls, u64)>,
    /// What went wrong.
    pub failures: Vec<String>,
}

/// Why a run brought no figures.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("system calls cannot be counted: {0}")]
    Count(std::io::Error),
}

/// The longest window of the round that counts system calls.
const COUNTING: Duration = Duration::from_millis(400);

impl Bench {
    /// Runs everything and tells `progress` about it, line by line.
    pub fn run(&self, mut progress: impl FnMut(&str)) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for &scenario in &self.scenarios {
            let of = |server: &Prepared| Row {
                scenario,
                peer: server.peer,
                measurements: Vec::new(),
                calls: None,
                failures: Vec::new(),
            };
            rows.extend(self.servers.iter().map(of));
        }
        for round in 0..self.rounds {
            for place in self.turns(round) {
                let (row, server) = (&mut rows[place], &self.servers[place % self.servers.len()]);
                let outcome = self.time(server, row.scenario);
                progress(&line(&format!("round {}/{}", round + 1, self.rounds), row, &outcome));
                row.take(outcome);
            }
        }
        if self.count_calls {
            self.count_all(&mut rows, progress);
        }
        rows
    }

    /// The order of a round, as places in the list of rows.
    fn turns(&self, round: usize) -> impl Iterator<Item = usize> {
        let servers = self.servers.len();
        let scenarios = 0..self.scenarios.len();
        scenarios.flat_map(move |scenario| {
            (0..servers).map(move |turn| scenario * servers + (turn + round) % servers)
        })
    }

    fn time(&self, server: &Prepared, scenario: Scenario) -> Result<Measurement, RunError> {
        self.measure(server, scenario, self.timing, |process| Ok(Observer::new(process)))
    }

    fn measure(
        &self,
        server: &Prepared,
        scenario: Scenario,
        timing: Timing,
        observer: impl FnOnce(u32) -> Result<Observer, RunError>,
    ) -> Result<Measurement, RunError> {
        let wanted = scenario.connections();
        if wanted as u64 + OTHER_FILES > self.files {
            return Err(Failure::Files { wanted, limit: self.files }.into());
        }
        let mut variables = scenario.variables();
        variables.extend(server.variables.iter().map(|&(name, value)| (name, value.to_owned())));
        let running = Server::start(&server.command, &variables, self.cores)?;
        let mut observer = observer(running.id())?;
        Ok(scenario::run(scenario, running.address(), timing, &mut observer)?)
    }

    /// The last round: short, because it slows the servers, and its times are thrown away.
    fn count_all(&self, rows: &mut [Row], mut progress: impl FnMut(&str)) {
        let timing = Timing {
            measure: self.timing.measure.min(COUNTING),
            silence: Duration::ZERO,
            ..self.timing
        };
        for (place, row) in rows.iter_mut().enumerate() {
            let server = &self.servers[place % self.servers.len()];
            let outcome = self.measure(server, row.scenario, timing, |process| {
                Observer::counting(process).map_err(RunError::Count)
            });
            match outcome {
                Ok(Measurement { cost, units, .. }) => {
                    row.calls = cost.calls.map(|calls| (calls, units));
                    let each = row.calls.and_then(|(calls, units)| per(calls.all, units));
                    let each = each.map_or_else(|| "–".to_owned(), figure);
                    progress(&format!("{:10} {} {}: {each}", "calls", row.scenario, row.peer));
                }
                Err(RunError::Count(error)) => {
                    progress(&format!("system calls are not counted: {error}"));
                    return;
                }
                Err(error) => row.fail(&error),
            }
        }
    }
}

impl Row {
    fn take(&mut self, outcome: Result<Measurement, RunError>) {
        match outcome {
            Ok(measurement) => self.measurements.push(Some(measurement)),
            Err(error) => {
                self.measurements.push(None);
                self.fail(&error);
            }
        }
    }

    fn fail(&mut self, error: &RunError) {
        self.failures.push(error.to_string());
    }

    /// Processor microseconds per unit, round by round.
    pub fn cpu(&self) -> Vec<Option<f64>> {
        self.measurements.iter().map(|measurement| measurement.as_ref().and_then(cpu)).collect()
    }
}

/// The server's processor time for one unit, in microseconds.
pub fn cpu(measurement: &Measurement) -> Option<f64> {
    per(measurement.cost.server.used, measurement.units).map(|nanos| nanos / 1e3)
}

fn line(round: &str, row: &Row, outcome: &Result<Measurement, RunError>) -> String {
    let head = format!("{round:10} {} {}", row.scenario, row.peer);
    match outcome {
        Ok(measurement) => {
            let each = cpu(measurement).map_or_else(|| "–".to_owned(), figure);
            let seconds =
                micros(u64::try_from(measurement.cost.time.as_nanos()).unwrap_or(0)) / 1e6;
            format!("{head}: {each} µs per {} in {seconds:.2} s", row.scenario.unit())
        }
        Err(error) => format!("{head}: FAILED, {error}"),
    }
}
