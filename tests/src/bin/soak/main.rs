//! Clients on bad lines, for as long as one likes: `cargo run -p sockeye-tests --bin soak -- --seconds 600`.
//!
//! They speak to our durable server, which is killed now and then, and to npm `socket.io` 4, each through a proxy that
//! delays, cuts, stalls, refuses and falls silent. At the end the lines are good again, and it is counted:
//!
//! | | our server | npm `socket.io` 4 |
//! |---|---|---|
//! | every acknowledged event has arrived | once | once or more: it cannot tell a repeat |
//! | in the order of its client | yes | yes, the first of each |
//! | what the server says is heard | by everybody, once and in its order | once and in its order; missed only where the server has given up the session |
//!
//! It prints its seed and what it counted, and fails if one of these is not so.

#![forbid(unsafe_code)]

mod durable;
mod line;
mod outcome;
mod plain;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

/// Clients on bad lines: prints what they have lived through, and fails if an event was lost, doubled or moved.
#[derive(Clone, Copy, Debug, Parser)]
struct Options {
    /// For so many seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What goes wrong, and when; by chance if nobody says.
    #[arg(long)]
    seed: Option<u64>,
    /// So many clients on each server.
    #[arg(long, default_value_t = 4)]
    clients: u32,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(|| rand::random::<u32>().into());
    println!(
        "seed {seed}, {} seconds, {} clients on each server",
        options.seconds, options.clients
    );
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let plan =
        Plan { seed, clients: options.clients, seconds: Duration::from_secs(options.seconds) };
    let began = Instant::now();
    let outcomes = runtime.block_on(async {
        let (durable, plain) = tokio::join!(durable::live(plan), plain::live(plan));
        [Some(durable), plain]
    });
    let mut failed = false;
    for outcome in outcomes.into_iter().flatten() {
        println!("{outcome}");
        failed |= !outcome.problems.is_empty();
    }
    println!("took {} s", began.elapsed().as_secs());
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What is to be lived through.
#[derive(Clone, Copy, Debug)]
struct Plan {
    seed: u64,
    clients: u32,
    seconds: Duration,
}
