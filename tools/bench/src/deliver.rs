//! `sockeye-bench delivery`: which parts, how far, and where the logs lie meanwhile.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use sockeye_bench::delivery::{Ground, Part, Plan, Result, fill};
use sockeye_bench::peers::Places;
use sockeye_bench::process::machine;

/// Measures what it costs that no event is missed.
#[derive(Args)]
pub(crate) struct Delivery {
    /// What is measured [default: everything].
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Part>,
    /// Short windows, a small storm and a small log.
    #[arg(long)]
    quick: bool,
    /// Where logs are made, and removed again [default: bench/ in the target directory].
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
    /// Another build of the contract server; nothing is built then.
    #[arg(long, value_name = "PROGRAM")]
    contract: Option<PathBuf>,
}

/// Fills a log until it is killed.
#[derive(Args)]
pub(crate) struct Fill {
    /// The directory of the log.
    #[arg(long)]
    data: PathBuf,
    /// One line is printed when so many bytes of keys and values are written.
    #[arg(long)]
    bytes: u64,
}

/// Measures and prints; a part that fails does not keep the others from being measured.
pub(crate) fn measure(delivery: &Delivery) -> Result<ExitCode> {
    let ground = delivery.ground()?;
    let plan = if delivery.quick { Plan::QUICK } else { Plan::USUAL };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("Made by `cargo xtask bench {}` on {}.", arguments.join(" "), machine::describe());
    let mut failures = Vec::new();
    for part in delivery.parts() {
        match part.measure(plan, &ground, &mut |line| eprintln!("{line}")) {
            Ok(table) => println!("\n{}", table.markdown().trim_end()),
            Err(error) => failures.push(format!("- {part:?}: {error}")),
        }
    }
    if failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("\n### Failed runs\n\n{}", failures.join("\n"));
    Ok(ExitCode::FAILURE)
}

pub(crate) fn fill(fill: &Fill) -> Result<ExitCode> {
    fill::run(&fill.data, fill.bytes)?;
    Ok(ExitCode::SUCCESS)
}

impl Delivery {
    fn parts(&self) -> Vec<Part> {
        let wanted = |part: &&Part| self.only.is_empty() || self.only.contains(part);
        Part::value_variants().iter().filter(wanted).copied().collect()
    }

    fn ground(&self) -> Result<Ground> {
        let places = Places::find()?;
        let inside = [Part::Stored, Part::Latency];
        let contract = match &self.contract {
            Some(contract) => contract.clone(),
            // Nobody starts it.
            None if self.parts().iter().all(|part| inside.contains(part)) => PathBuf::new(),
            None => places.contract()?,
        };
        let directory = self.directory.clone().unwrap_or_else(|| places.target.join("bench"));
        Ok(Ground { directory, contract, bench: places.bench, files: crate::open_files() })
    }
}
