//! What connections and messages cost clients, as a Markdown table.

use super::can_play;
use crate::client::Failure;
use crate::delivery::table::Table;
use crate::process::limits::OTHER_FILES;
use crate::scenario::{Measurement, Scenario};
use crate::statistics::{figure_or_dash, median, per, ratio};

/// All that was measured of one scenario.
#[derive(Clone, Debug)]
pub struct Row {
    /// The scenario.
    pub scenario: Scenario,
    /// Played by clients, one for each round.
    pub clients: Vec<Measurement>,
    /// Played by the raw generator, one for each round, where there is a server for it alone.
    pub raw: Vec<Measurement>,
}

impl Row {
    /// Nothing yet.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if clients cannot play it, or there may not be so many in this process.
    pub fn new(scenario: Scenario, files: u64) -> Result<Self, Failure> {
        let wanted = scenario.connections();
        if !can_play(scenario) {
            return Err(Failure::NotForClients);
        }
        if wanted as u64 + OTHER_FILES > files {
            return Err(Failure::Files { wanted, limit: files });
        }
        Ok(Row { scenario, clients: Vec::new(), raw: Vec::new() })
    }

    fn cells(&self) -> Vec<String> {
        let middle = |all: &[Measurement], of: fn(&Measurement) -> Option<f64>| {
            figure_or_dash(median(all.iter().filter_map(of)))
        };
        let [ours, raw] = [&self.clients, &self.raw].map(|all| all.iter().map(own_cpu));
        // What connects here of the first round has the process for itself; later ones find its memory used.
        let memory = self.clients.first().and_then(|first| first.memory);
        vec![
            self.scenario.to_string(),
            self.scenario.unit().to_string(),
            middle(&self.clients, own_cpu),
            middle(&self.raw, own_cpu),
            figure_or_dash(ratio(ours, raw)),
            if self.raw.is_empty() { "–".to_owned() } else { middle(&self.clients, server_cpu) },
            middle(&self.clients, rate),
            figure_or_dash(memory.map(|memory| memory.pss)),
            figure_or_dash(memory.map(|memory| memory.anonymous)),
        ]
    }
}

/// The whole of it. `measured` says how.
pub fn table(rows: &[Row], measured: String) -> Table {
    Table {
        title: "Clients",
        measured,
        columns: vec![
            "scenario",
            "unit",
            "µs of client CPU per unit",
            "the raw generator's",
            "times",
            "µs of server CPU",
            "units per s",
            "bytes per connection (PSS)",
            "anonymous",
        ],
        rows: rows.iter().map(Row::cells).collect(),
        goals: Vec::new(),
    }
}

/// What this thread spent on one unit, in microseconds.
pub fn own_cpu(measurement: &Measurement) -> Option<f64> {
    per(measurement.cost.generator.used, measurement.units).map(|nanos| nanos / 1e3)
}

fn server_cpu(measurement: &Measurement) -> Option<f64> {
    crate::rounds::cpu(measurement)
}

fn rate(measurement: &Measurement) -> Option<f64> {
    per(measurement.units, 1).map(|units| units / measurement.cost.time.as_secs_f64())
}
