//! Events stored per second, by tasks inside the server's process that each wait until theirs is stored.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

use super::class::Class;
use super::ground::Ground;
use super::inside::{Inside, listen, runtime, store};
use super::table::Goal;
use super::{PAYLOAD, Plan, Result, Table};
use crate::statistics::{figure, figure_or_dash, median, micros, per};

const TASKS: usize = 64;

/// One class, one window.
struct Round {
    class: Class,
    events: u64,
    seconds: f64,
    /// Processor nanoseconds of the whole process.
    cpu: u64,
    batches: u64,
    syncs: u64,
    /// The median sync, in microseconds.
    sync: Option<f64>,
}

/// All classes take turns in each round.
///
/// # Errors
///
/// A log cannot be opened, or fails.
pub fn table(plan: Plan, ground: &Ground, progress: &mut dyn FnMut(&str)) -> Result<Table> {
    let mut rounds = Vec::new();
    for number in 1..=plan.rounds {
        for class in Class::DURABLE {
            let round = measure(class, plan, ground)?;
            let (name, rate) = (class.name(), figure(round.rate()));
            progress(&format!("stored {number}/{}: {name}, {rate} events per s", plan.rounds));
            rounds.push(round);
        }
    }
    let rate = |class| middle(&rounds, class, |round| Some(round.rate()));
    Ok(Table {
        title: "Events stored, inside the server's process",
        measured: format!(
            "{TASKS} tasks on the server's one thread, each waiting for `emit(…)?.stored()`, {PAYLOAD} B a payload; {}. The \
             processor time is that of the whole process, the log's threads included.",
            plan.rounds()
        ),
        columns: vec![
            "class",
            "events per s",
            "events per batch",
            "syncs per s",
            "events per sync",
            "median sync, µs",
            "µs of CPU per event",
        ],
        rows: Class::DURABLE.map(|class| row(&rounds, class)).to_vec(),
        goals: vec![
            Goal::at_least("fsync, events per s", 1e5, rate(Class::Fsync), figure),
            Goal::at_least("async, events per s", 3e5, rate(Class::Async), figure),
        ],
    })
}

fn row(rounds: &[Round], class: Class) -> Vec<String> {
    let middle = |of: fn(&Round) -> Option<f64>| figure_or_dash(middle(rounds, class, of));
    vec![
        class.name().to_owned(),
        middle(|round| Some(round.rate())),
        middle(|round| per(round.events, round.batches)),
        middle(|round| per(round.syncs, 1).map(|syncs| syncs / round.seconds)),
        middle(|round| per(round.events, round.syncs)),
        middle(|round| round.sync),
        middle(|round| per(round.cpu, round.events).map(|nanos| nanos / 1e3)),
    ]
}

fn middle(rounds: &[Round], class: Class, of: fn(&Round) -> Option<f64>) -> Option<f64> {
    median(rounds.iter().filter(|round| round.class == class).filter_map(of))
}

impl Round {
    fn rate(&self) -> f64 {
        per(self.events, 1).unwrap_or_default() / self.seconds
    }
}

/// A server of its own, on a log of its own.
fn measure(class: Class, plan: Plan, ground: &Ground) -> Result<Round> {
    let scratch = ground.scratch()?;
    let inside = Inside::new(&scratch)?;
    runtime()?.block_on(async {
        let (io, listener) = (inside.io.clone(), listen().await?);
        let serving = tokio::spawn(async move { io.serve_listener(listener).await });
        let namespace = inside.io.of(class.namespace());
        store(&namespace, TASKS, before(plan.warm_up)).await?;
        let _ = inside.syncs.take();
        let (start, stats, cpu) = (Instant::now(), inside.log.stats(), process_nanos());
        let events = store(&namespace, TASKS, before(plan.window)).await?;
        let cpu = process_nanos() - cpu;
        let round = Round {
            class,
            events,
            seconds: start.elapsed().as_secs_f64(),
            cpu,
            batches: inside.log.stats().batches - stats.batches,
            syncs: inside.log.stats().syncs - stats.syncs,
            sync: median(inside.syncs.take().into_iter().map(micros)),
        };
        serving.abort();
        Ok(round)
    })
}

/// True until so much time is over.
fn before(time: Duration) -> impl Fn() -> bool {
    let end = Instant::now() + time;
    move || Instant::now() < end
}

fn process_nanos() -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(tv_sec * 1_000_000_000 + tv_nsec).unwrap_or(0)
}
