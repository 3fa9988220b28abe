//! The measurements as two Markdown tables.

use std::fmt::Write;

use crate::histogram::Histogram;
use crate::peers::{LeftOut, Peer, Prepared};
use crate::process::observer::Cost;
use crate::rounds::Row;
use crate::scenario::Measurement;
use crate::statistics::{figure, figure_or_dash, median, micros, per, ratio};

/// What a report says besides the figures.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// What the machine is.
    pub machine: &'a str,
    /// The command that made the report.
    pub command: &'a str,
    /// How it was measured: rounds, seconds, cores.
    pub method: &'a str,
    /// The servers and their versions.
    pub servers: &'a [Prepared],
    /// Who was to be measured and cannot be had here.
    pub left_out: &'a [LeftOut],
}

/// The whole report.
pub fn markdown(rows: &[Row], frame: &Frame<'_>) -> String {
    let mut text = String::new();
    preamble(&mut text, frame);
    cpu_table(&mut text, rows, frame.servers);
    detail_table(&mut text, rows);
    failures(&mut text, rows);
    text
}

/// Writing into a `String` cannot fail.
macro_rules! say {
    ($text:expr, $($rest:tt)*) => { writeln!($text, $($rest)*).expect("a String takes everything") };
}

fn preamble(text: &mut String, frame: &Frame<'_>) {
    say!(text, "Made by `{}` on {}. {}\n", frame.command, frame.machine, frame.method);
    for server in frame.servers.iter().filter(|server| !server.version.is_empty()) {
        say!(text, "- {} {}", server.peer, server.version);
    }
    for LeftOut { peer, why } in frame.left_out {
        say!(text, "- {peer} is left out: {why}");
    }
}

fn cpu_table(text: &mut String, rows: &[Row], servers: &[Prepared]) {
    let names: Vec<String> = servers.iter().map(|server| server.peer.to_string()).collect();
    say!(text, "\n### Server CPU, µs per unit (times the floor's)\n");
    say!(text, "| scenario | unit | {} |", names.join(" | "));
    say!(text, "|---|---|{}", "---|".repeat(names.len()));
    for group in rows.chunks(servers.len().max(1)) {
        let floor = group.iter().find(|row| row.peer == Peer::Floor).map(Row::cpu);
        let cells: Vec<String> = group.iter().map(|row| cpu_cell(row, floor.as_deref())).collect();
        let scenario = group[0].scenario;
        say!(text, "| {scenario} | {} | {} |", scenario.unit(), cells.join(" | "));
    }
}

fn cpu_cell(row: &Row, floor: Option<&[Option<f64>]>) -> String {
    let cpu = row.cpu();
    let Some(middle) = median(cpu.iter().flatten().copied()) else {
        return nothing(row).to_owned();
    };
    let ratio = floor.filter(|_| row.peer != Peer::Floor);
    let ratio = ratio.and_then(|floor| ratio_of(&cpu, floor));
    let ratio = ratio.map(|ratio| format!(" (×{ratio:.2})")).unwrap_or_default();
    let mark = if row.failures.is_empty() { "" } else { " !" };
    format!("{}{ratio}{mark}", figure(middle))
}

/// What stands where there is no figure: a run that brought no units is not one that failed.
fn nothing(row: &Row) -> &'static str {
    if row.failures.is_empty() { "–" } else { "failed" }
}

fn ratio_of(ours: &[Option<f64>], floor: &[Option<f64>]) -> Option<f64> {
    ratio(ours.iter().copied(), floor.iter().copied())
}

fn detail_table(text: &mut String, rows: &[Row]) {
    say!(text, "\n### Rates, system calls, latency, order, memory\n");
    say!(
        text,
        "`g`: the generator's core was full and the server's was not, so the server could do more; `s`: a thread had \
         to wait for its core, for other programs or for more threads of the server, so rates and latencies are worse than \
         with a core for each. Latency is that of the last \
         recipient for bcast and rooms. System calls: all, of them writes / reads; bytes per connection: PSS, of it \
         anonymous.\n"
    );
    say!(
        text,
        "| scenario | server | units per s | system calls per unit | p50, µs | p99, µs | p99.9, µs | reordered | bytes \
         per connection |"
    );
    say!(text, "|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        say!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.scenario,
            row.peer,
            rate(row),
            calls(row),
            latencies(row),
            reordered(row),
            memory(row)
        );
    }
}

fn good(row: &Row) -> impl Iterator<Item = &Measurement> {
    row.measurements.iter().flatten()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn rate(row: &Row) -> String {
    let rates = good(row).map(|measured| measured.units as f64 / measured.cost.time.as_secs_f64());
    let share = |nanos: fn(&Cost) -> u64| {
        let shares = good(row).map(|m| nanos(&m.cost) as f64 / 1e9 / m.cost.time.as_secs_f64());
        median(shares).unwrap_or(0.0)
    };
    let full = share(|cost| cost.generator.used) > FULL && share(|cost| cost.server.used) < FULL;
    let shared = share(|cost| cost.server.waited.max(cost.generator.waited)) > SHARED;
    let marks = [if full { " g" } else { "" }, if shared { " s" } else { "" }].concat();
    format!("{}{marks}", figure_or_dash(median(rates)))
}

/// A core that is used for more than this share of the time is full.
const FULL: f64 = 0.9;
/// Who waits for its core for more than this share of the time does not have it for itself.
pub(crate) const SHARED: f64 = 0.1;

fn calls(row: &Row) -> String {
    let Some((calls, units)) = row.calls else {
        return "n/a".to_owned();
    };
    let [all, writes, reads] =
        [calls.all, calls.writes, calls.reads].map(|count| figure_or_dash(per(count, units)));
    format!("{all}, {writes} / {reads}")
}

/// Three cells.
fn latencies(row: &Row) -> String {
    let mut latency = Histogram::new();
    good(row).for_each(|measured| latency.add(&measured.latency));
    let cell = |percent| figure_or_dash(latency.percentile(percent).map(micros));
    [50.0, 99.0, 99.9].map(cell).join(" | ")
}

fn reordered(row: &Row) -> String {
    let units = good(row).map(|measured| measured.units).sum();
    let reordered = good(row).map(|measured| measured.reordered).sum();
    match per(reordered, units) {
        None => "–".to_owned(),
        Some(_) if reordered == 0 => "0".to_owned(),
        Some(share) => format!("{:.1} %", share * 100.0),
    }
}

fn memory(row: &Row) -> String {
    let middle = |of: fn(&crate::scenario::Footprint) -> f64| {
        median(good(row).filter_map(|measured| measured.memory.as_ref()).map(of))
    };
    match (middle(|memory| memory.pss), middle(|memory| memory.anonymous)) {
        (Some(pss), Some(anonymous)) => format!("{pss:.0}, {anonymous:.0}"),
        _ => "–".to_owned(),
    }
}

fn failures(text: &mut String, rows: &[Row]) {
    let failed = rows.iter().filter(|row| !row.failures.is_empty());
    let mut lines = failed.flat_map(|row| {
        row.failures.iter().map(move |why| format!("- {} {}: {why}", row.scenario, row.peer))
    });
    if let Some(first) = lines.next() {
        say!(text, "\n### Failed runs\n\n{first}");
        lines.for_each(|line| say!(text, "{line}"));
    }
}
