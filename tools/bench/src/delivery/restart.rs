//! From the start of a server on a large log to the first answer. The log was left by a process that was killed while it wrote
//! at full speed; each start but the first follows the kill of the one before.

use std::time::{Duration, Instant};

use super::class::Class;
use super::crowd::enter;
use super::fill::fill_and_kill;
use super::ground::{Ground, Scratch, observer};
use super::table::Goal;
use super::{PAYLOAD, Plan, Result, Table};
use crate::client::fleet::Fleet;
use crate::statistics::{figure, median, micros};

/// A server may take so long.
const MOST_SECONDS: f64 = 1.0;

/// One start.
struct Start {
    disk: u64,
    ready: Duration,
    answered: Duration,
    /// The most that was resident.
    memory: u64,
}

/// Fills, kills, and starts.
///
/// # Errors
///
/// The log cannot be filled, or the server does not start.
pub fn table(plan: Plan, ground: &Ground, progress: &mut dyn FnMut(&str)) -> Result<Table> {
    let scratch = ground.scratch()?;
    let events = fill_and_kill(&ground.bench, scratch.path(), plan.log_bytes)?;
    progress(&format!("restart: {events} events are there"));
    let mut starts = Vec::new();
    for number in 1..=plan.starts {
        let start = measure(&scratch, ground)?;
        let seconds = start.answered.as_secs_f64();
        progress(&format!("restart {number}/{}: {seconds:.3} s", plan.starts));
        starts.push(start);
    }
    let seconds = |start: &Start| start.answered.as_secs_f64();
    Ok(Table {
        title: "A restart",
        measured: format!(
            "`contract --profile delivery` on {} events ({PAYLOAD} B a payload; {} of keys and values) that a process \
             wrote, class async, until it was killed with SIGKILL; the server keeps 1 GiB as its log counts and drops the rest. \
             From the start of the server's process to its answer to a \
             client's CONNECT in the namespace of class fsync; each start but the first follows a SIGKILL of the one before. \
             The files are in the page cache.",
            figure(micros(events * 1000)),
            mebibytes(plan.log_bytes)
        ),
        columns: vec!["start", "on disk", "ready after, s", "answers after, s", "most resident"],
        rows: starts.iter().zip(1..).map(|(start, number)| row(number, start)).collect(),
        goals: vec![Goal::at_most(
            "seconds until it answers",
            MOST_SECONDS,
            median(starts.iter().map(seconds)),
            figure,
        )],
    })
}

fn row(number: usize, start: &Start) -> Vec<String> {
    vec![
        number.to_string(),
        mebibytes(start.disk),
        format!("{:.3}", start.ready.as_secs_f64()),
        format!("{:.3}", start.answered.as_secs_f64()),
        mebibytes(start.memory),
    ]
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.0} MiB", micros(bytes) / 1048.576)
}

/// The server is killed at the end.
fn measure(scratch: &Scratch, ground: &Ground) -> Result<Start> {
    let (disk, start) = (scratch.bytes()?, Instant::now());
    let server = ground.serve(scratch.path())?;
    let ready = start.elapsed();
    let mut fleet = Fleet::new(server.address())?;
    enter(&mut fleet, Class::Fsync, 1)?;
    let answered = start.elapsed();
    Ok(Start { disk, ready, answered, memory: observer(&server).most_resident()? })
}
