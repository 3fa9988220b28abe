//! Lives lives: `cargo run -p sockeye-simulate -- --seed 7`, or for as long as one likes with `--seconds 600`.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use sockeye_simulate::{Fault, Outcome, live};

/// Delivery under faults, simulated: prints what was lived, or the first life in which something went wrong.
#[derive(Parser)]
struct Options {
    /// Lives this seed alone; with one of the others, this one and those that follow.
    #[arg(long)]
    seed: Option<u64>,
    /// For so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// So many lives.
    #[arg(long)]
    lives: Option<u64>,
    /// Prints everything that happened.
    #[arg(long)]
    record: bool,
    /// Goes on after a life in which something went wrong.
    #[arg(long)]
    all: bool,
}

#[derive(Default)]
struct Sum {
    lives: u64,
    failed: u64,
    said: usize,
    heard: usize,
    recovered: usize,
    gaps: usize,
    faults: BTreeMap<Fault, usize>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let first = options.seed.unwrap_or_else(|| rand::random::<u32>().into());
    let (lives, seconds) = bounds(&options);
    let (began, mut sum) = (Instant::now(), Sum::default());
    let watched = watch();
    println!("from seed {first}");
    while sum.lives < lives && began.elapsed() < seconds {
        let seed = first.wrapping_add(sum.lives);
        watched.store(seed, Ordering::Relaxed);
        let outcome = live(seed);
        sum.add(&outcome);
        let lines = if options.record { &outcome.record } else { &outcome.story };
        for line in lines {
            println!("{line}");
        }
        tell(&outcome);
        if sum.failed > 0 && !options.all {
            break;
        }
    }
    sum.print(began.elapsed());
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One life for a seed alone; else ten seconds, unless something else is said.
fn bounds(options: &Options) -> (u64, Duration) {
    let alone = options.seed.is_some() && options.seconds.is_none();
    let lives = options.lives.unwrap_or(if alone { 1 } else { u64::MAX });
    let counted = alone || options.lives.is_some();
    let seconds = options.seconds.map(Duration::from_secs);
    (lives, seconds.unwrap_or(if counted { Duration::MAX } else { Duration::from_secs(10) }))
}

/// A life in which time stands still never ends: somebody spins.
fn watch() -> Arc<AtomicU64> {
    let watched = Arc::new(AtomicU64::new(u64::MAX));
    let seen = Arc::clone(&watched);
    std::thread::spawn(move || {
        let mut last = u64::MAX;
        loop {
            std::thread::sleep(Duration::from_secs(30));
            let now = seen.load(Ordering::Relaxed);
            if now == last {
                println!("seed {now} does not end: somebody spins, and time stands still");
                println!("again: cargo run -p sockeye-simulate -- --seed {now}");
                std::process::exit(2);
            }
            last = now;
        }
    });
    watched
}

fn tell(outcome: &Outcome) {
    if outcome.problems.is_empty() {
        return;
    }
    println!("seed {}:", outcome.seed);
    for problem in outcome.problems.iter().take(10) {
        println!("  {problem}");
    }
    println!("again: cargo run -p sockeye-simulate -- --seed {}", outcome.seed);
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.lives += 1;
        self.failed += u64::from(!outcome.problems.is_empty());
        self.said += outcome.said;
        self.heard += outcome.heard;
        self.recovered += outcome.recovered;
        self.gaps += outcome.gaps;
        for (fault, times) in &outcome.faults {
            *self.faults.entry(*fault).or_default() += times;
        }
    }

    fn print(&self, took: Duration) {
        let Sum { lives, failed, said, heard, recovered, gaps, faults } = self;
        println!("{lives} lives in {took:.1?}, {failed} failed");
        println!(
            "{said} events, heard {heard} times; {recovered} recoveries, {gaps} gaps announced"
        );
        let faults: Vec<_> =
            faults.iter().map(|(fault, times)| format!("{times} {fault}")).collect();
        println!("faults: {}", faults.join(", "));
    }
}
