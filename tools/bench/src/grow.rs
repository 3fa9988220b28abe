//! `sockeye-bench growth`: which curves, how far, and where their pictures go.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use sockeye_bench::growth::chart::Chart;
use sockeye_bench::growth::wire::Wire;
use sockeye_bench::growth::{Plan, Subject, audience, membership, svg};
use sockeye_bench::peers::{Lineup, Peer, Places};
use sockeye_bench::process::{affinity, machine};
use sockeye_bench::rounds::Bench;
use sockeye_bench::scenario::Timing;

/// Whatever keeps the bench from measuring.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Where the pictures belong.
const PICTURES: &str = "docs/pictures";

/// Measures what costs as more and more exists.
#[derive(Args)]
pub(crate) struct Growth {
    /// What grows [default: everything].
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Subject>,
    /// Writes the pictures too: to this directory, or to docs/pictures.
    #[arg(long, value_name = "DIRECTORY", num_args = 0..=1, default_missing_value = PICTURES)]
    write: Option<PathBuf>,
    /// One round, and nothing beyond a thousand.
    #[arg(long)]
    quick: bool,
    /// Does not keep server and generator on a core each.
    #[arg(long)]
    unpinned: bool,
}

/// Measures, prints, and draws where that is wanted.
pub(crate) fn measure(growth: &Growth) -> Result<ExitCode> {
    let machine = machine::describe();
    let bench = growth.bench()?;
    if let Some(cores) = bench.cores {
        affinity::pin(cores.generator)?;
    }
    let mut progress = |line: &str| eprintln!("{line}");
    let mut wire =
        Wire { bench, plan: growth.plan(), progress: &mut progress, failures: Vec::new() };
    let mut charts = Vec::new();
    for subject in growth.subjects() {
        charts.extend(of_subject(subject, &mut wire));
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("Made by `cargo xtask bench {}` on {machine}.", arguments.join(" "));
    for chart in &charts {
        println!("\n{}", chart.markdown().trim_end());
    }
    if let Some(directory) = &growth.write {
        write(&charts, directory)?;
    }
    if wire.failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("\n### Failed runs\n");
    for failure in &wire.failures {
        println!("- {failure}");
    }
    Ok(ExitCode::FAILURE)
}

fn of_subject(subject: Subject, wire: &mut Wire<'_>) -> Vec<Chart> {
    let plan = wire.plan;
    match subject {
        Subject::Room => vec![wire.room()],
        Subject::Connections => wire.connections().to_vec(),
        Subject::Membership => vec![membership::chart(plan)],
        Subject::Audience => vec![audience::chart(plan)],
        Subject::Namespaces => vec![wire.namespaces()],
    }
}

fn write(charts: &[Chart], directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    for chart in charts {
        let path = directory.join(chart.file).with_extension("svg");
        fs::write(&path, svg::draw(chart))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

impl Growth {
    fn subjects(&self) -> Vec<Subject> {
        let all = [
            Subject::Room,
            Subject::Connections,
            Subject::Membership,
            Subject::Audience,
            Subject::Namespaces,
        ];
        let wanted = |subject: &Subject| self.only.is_empty() || self.only.contains(subject);
        all.into_iter().filter(wanted).collect()
    }

    fn plan(&self) -> Plan {
        if self.quick {
            return Plan { rounds: 1, largest: 1000 };
        }
        Plan { rounds: 5, largest: u64::MAX }
    }

    fn bench(&self) -> Result<Bench> {
        let over_the_wire = |subject: &Subject| {
            matches!(subject, Subject::Room | Subject::Connections | Subject::Namespaces)
        };
        let servers = if self.subjects().iter().any(over_the_wire) {
            let Lineup { servers, .. } = Places::find()?.lineup([Peer::Sockeye, Peer::Floor])?;
            servers
        } else {
            Vec::new()
        };
        Ok(Bench {
            servers,
            scenarios: Vec::new(),
            rounds: self.plan().rounds,
            timing: Timing {
                warm_up: Duration::from_millis(if self.quick { 100 } else { 200 }),
                measure: Duration::from_millis(if self.quick { 200 } else { 500 }),
                silence: Duration::from_millis(if self.quick { 200 } else { 1000 }),
                drain: Duration::from_secs(20),
            },
            cores: crate::cores(self.unpinned),
            count_calls: false,
            files: crate::open_files(),
        })
    }
}
