//! Over the wire: the bench's own scenarios against server processes, in more and more sizes.
//!
//! All sizes and servers take turns in each round, so that what the machine does meanwhile meets all of them.

use super::Plan;
use super::chart::{Chart, Curve};
use crate::peers::Peer;
use crate::report::SHARED;
use crate::rounds::{Bench, Row};
use crate::scenario::{Footprint, Scenario};
use crate::statistics::{median, micros};

const ROOMS: [u64; 7] = [10, 30, 100, 300, 1000, 3000, 10_000];
const CONNECTIONS: [u64; 5] = [100, 300, 1000, 3000, 10_000];
const NAMESPACES: [u64; 7] = [1, 3, 10, 30, 100, 300, 1000];
/// Who echoes in them, and how many messages each has in flight.
const ECHO: (usize, usize) = (100, 16);

/// Measures scenarios and makes curves of them.
pub struct Wire<'p> {
    /// Servers, rounds, timing, cores; its scenarios are put in here.
    pub bench: Bench,
    /// How far.
    pub plan: Plan,
    /// Told about every run.
    pub progress: &'p mut dyn FnMut(&str),
    /// Runs that brought no figure.
    pub failures: Vec<String>,
}

impl Wire<'_> {
    /// Cost per delivery against the size of the room.
    pub fn room(&mut self) -> Chart {
        let sizes = self.sizes(&ROOMS);
        let scenario = |window| move |size: &u64| Scenario::Room { members: narrow(*size), window };
        let scenarios = [1, 8].map(|window| sizes.iter().map(scenario(window)).collect::<Vec<_>>());
        let rows = self.measure(scenarios.concat());
        let mut curves = Vec::new();
        for window in [1, 8] {
            for peer in self.peers() {
                let is_ours = |row: &Row| matches!(row.scenario, Scenario::Room { window: w, .. } if w == window);
                let rows = rows.iter().filter(|row| row.peer == peer && is_ours(row));
                let name = format!("{peer}, {window} in flight");
                curves.push(Curve { name, points: points(rows, cpu) });
            }
        }
        Chart {
            file: "growth-room",
            title: "To deliver a message to a room",
            measured: self.measured(
                &rows,
                "one member speaks to a room that all connections are in",
                &self.windows(),
            ),
            x: "members of the room",
            y: "µs of server CPU per delivery",
            curves,
        }
    }

    /// Cost of a connection against connections: its memory, and what making it takes.
    pub fn connections(&mut self) -> [Chart; 2] {
        let scenarios = self.sizes(&CONNECTIONS);
        let scenarios = scenarios.iter().map(|&size| Scenario::Idle { links: narrow(size) });
        let rows = self.measure(scenarios.collect());
        let of = |peer| rows.iter().filter(move |row| row.peer == peer);
        let curve = |name: String, peer, value: fn(&Row) -> Option<f64>| Curve {
            name,
            points: points(of(peer), value),
        };
        let memory = Chart {
            file: "growth-memory",
            title: "Memory of a silent connection",
            measured: self.measured(
                &rows,
                "what the server's memory grew by (PSS; heap: its anonymous part)",
                &self.silence(),
            ),
            x: "connections",
            y: "bytes per connection",
            curves: vec![
                curve("sockeye, PSS".to_owned(), Peer::Sockeye, |row| memory(row, |of| of.pss)),
                curve("sockeye, heap".to_owned(), Peer::Sockeye, |row| {
                    memory(row, |of| of.anonymous)
                }),
                curve("floor, PSS".to_owned(), Peer::Floor, |row| memory(row, |of| of.pss)),
            ],
        };
        let connect = Chart {
            file: "growth-connect",
            title: "To make a connection",
            measured: self.measured(&rows, "upgrade, open packet, CONNECT to / and its answer", ""),
            x: "connections made",
            y: "µs of server CPU per connection",
            curves: self
                .peers()
                .into_iter()
                .map(|peer| curve(peer.to_string(), peer, cpu))
                .collect(),
        };
        [memory, connect]
    }

    /// Cost of an echo against namespaces of the server.
    pub fn namespaces(&mut self) -> Chart {
        let (links, window) = ECHO;
        let scenario =
            |size: &u64| Scenario::Namespaces { links, window, namespaces: narrow(*size) };
        let scenarios = self.plan.sizes(&NAMESPACES).iter().map(scenario).collect();
        let rows = self.measure(scenarios);
        let curve = |peer: Peer| Curve {
            name: peer.to_string(),
            points: points(rows.iter().filter(|row| row.peer == peer), cpu),
        };
        let what = format!(
            "32 B, {links} connections with {window} in flight, each in one to ten namespaces, all spoken to"
        );
        Chart {
            file: "growth-namespaces",
            title: "To echo in one of many namespaces",
            measured: self.measured(&rows, &what, &self.windows()),
            x: "namespaces of the server",
            y: "µs of server CPU per echo",
            curves: self.peers().into_iter().map(curve).collect(),
        }
    }

    /// As many connections as the system lets one process have.
    fn sizes(&self, sizes: &[u64]) -> Vec<u64> {
        let most = self.bench.files.saturating_sub(crate::process::limits::OTHER_FILES);
        self.plan.sizes(sizes).into_iter().filter(|&size| size <= most).collect()
    }

    fn peers(&self) -> Vec<Peer> {
        self.bench.servers.iter().map(|server| server.peer).collect()
    }

    fn measure(&mut self, scenarios: Vec<Scenario>) -> Vec<Row> {
        let bench = Bench { scenarios, ..self.bench.clone() };
        let rows = bench.run(&mut *self.progress);
        for row in &rows {
            let named = |why: &String| format!("{} {}: {why}", row.scenario, row.peer);
            self.failures.extend(row.failures.iter().map(named));
        }
        rows
    }

    /// What was measured, how, and whether anybody disturbed it.
    fn measured(&self, rows: &[Row], what: &str, timing: &str) -> Vec<String> {
        let rounds = match self.bench.rounds {
            1 => "One round".to_owned(),
            rounds => format!("Medians of {rounds} interleaved rounds"),
        };
        let cores = if self.bench.cores.is_some() { ", server pinned to one core" } else { "" };
        let mut lines =
            vec![format!("Over the wire, 127.0.0.1: {what}."), format!("{rounds}{timing}{cores}.")];
        lines.extend(disturbed(rows));
        lines
    }

    fn windows(&self) -> String {
        format!(" of {:.1} s", self.bench.timing.measure.as_secs_f64())
    }

    fn silence(&self) -> String {
        format!(", after {:.1} s of silence", self.bench.timing.silence.as_secs_f64())
    }
}

/// How long servers waited for their core because something else ran there, if that is worth a word.
fn disturbed(rows: &[Row]) -> Option<String> {
    let costs = rows.iter().flat_map(|row| row.measurements.iter().flatten()).map(|one| one.cost);
    let waited = costs.map(|cost| micros(cost.server.waited) / 1e6 / cost.time.as_secs_f64());
    let percent = median(waited).filter(|&share| share > SHARED)? * 100.0;
    Some(format!(
        "The machine was not quiet: servers waited {percent:.0} % of the time for other programs on their core."
    ))
}

fn cpu(row: &Row) -> Option<f64> {
    median(row.cpu().into_iter().flatten())
}

fn memory(row: &Row, of: fn(&Footprint) -> f64) -> Option<f64> {
    let measured = row.measurements.iter().flatten();
    median(measured.filter_map(|measured| measured.memory.as_ref()).map(of))
}

fn points<'r>(
    rows: impl Iterator<Item = &'r Row>,
    value: fn(&Row) -> Option<f64>,
) -> Vec<(u64, f64)> {
    let size = |scenario| match scenario {
        Scenario::Namespaces { namespaces, .. } => namespaces as u64,
        other => other.connections() as u64,
    };
    rows.filter_map(|row| Some((size(row.scenario), value(row)?))).collect()
}

fn narrow(size: u64) -> usize {
    usize::try_from(size).expect("thousands of connections fit")
}
