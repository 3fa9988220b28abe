//! Features of the contract server in columns of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use sockeye_bench::peers::{Peer, Switch};

/// The bench in a target directory of its own, where the contract server is the floor and writes down how it was started.
struct Stage {
    bench: PathBuf,
    starts: PathBuf,
}

impl Stage {
    fn set(name: &str) -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&target);
        let [bench, contract] = ["debug/bench", "release/contract"].map(|file| target.join(file));
        for file in [&bench, &contract] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
        }
        fs::hard_link(env!("CARGO_BIN_EXE_sockeye-bench"), &bench).unwrap();
        let starts = target.join("starts");
        let script = format!(
            "#!/bin/sh\necho \"$@\" >> '{}'\nfor port; do :; done\nexec '{}' floor --port \"$port\"\n",
            starts.display(),
            bench.display()
        );
        fs::write(&contract, script).unwrap();
        fs::set_permissions(&contract, fs::Permissions::from_mode(0o755)).unwrap();
        Self { bench, starts }
    }

    /// The table of one short round. Nothing is built.
    fn run(&self, arguments: &[&str]) -> String {
        let mut bench = Command::new(&self.bench);
        bench.env("CARGO", "true").args(["run", "--rounds", "1", "--unpinned", "--no-calls"]);
        let output = bench.args(["--seconds", "0.05", "--warm-up", "0.02"]).args(arguments);
        let output = output.output().unwrap();
        let table = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{table}\n{}", String::from_utf8_lossy(&output.stderr));
        table
    }

    /// The arguments of every contract server that was started, without the port.
    fn starts(&self) -> Vec<String> {
        let starts = fs::read_to_string(&self.starts).unwrap();
        let words = |line: &str| line.split(" --port").next().unwrap().to_owned();
        starts.lines().map(words).collect()
    }
}

/// The only test here that starts something: a program that was just written cannot be started while another thread's
/// fork still holds it open.
#[test]
fn a_switch_has_a_column_of_its_own_beside_ours_and_a_ratio_to_the_floor() {
    let stage = Stage::set("switches");
    let scenario = "echo-4x2-32B";
    let arguments = ["--servers", "floor,sockeye", "--with", "workers-2", "--scenarios", scenario];
    let table = stage.run(&arguments);
    assert_eq!(stage.starts(), ["--profile bench", "--profile bench --workers 2"]);
    assert!(
        table.contains("| scenario | unit | sockeye | sockeye, workers-2 | floor |"),
        "{table}"
    );
    let version =
        concat!("- sockeye, workers-2 ", env!("CARGO_PKG_VERSION"), " with `--workers 2`");
    assert!(table.contains(version), "{table}");
    let row = table.lines().find(|line| line.starts_with("| echo-4x2-32B | round trip |")).unwrap();
    let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
    assert_eq!(cells.len(), 5, "{row}");
    for ours in &cells[2..4] {
        assert!(ours.contains(" (×") && !ours.contains('!'), "{row}");
    }
    assert!(table.contains("| echo-4x2-32B | sockeye, workers-2 |"), "{table}");
}

#[test]
fn switches_stand_behind_ours_each_once() {
    let all = Switch::value_variants();
    let twice = [all, all].concat();
    let peers = Switch::beside(vec![Peer::Sockeye, Peer::Bun], &twice);
    let with = all.iter().map(|&switch| Peer::With(switch));
    assert_eq!(
        peers,
        [Peer::Sockeye].into_iter().chain(with).chain([Peer::Bun]).collect::<Vec<_>>()
    );
}

#[test]
fn a_switch_without_ours_is_a_column_too() {
    let with = Peer::With(Switch::Workers2);
    assert_eq!(Switch::beside(vec![Peer::Floor], &[Switch::Workers2]), [with, Peer::Floor]);
}

#[test]
fn every_switch_changes_something() {
    for switch in Switch::value_variants() {
        let setting = switch.setting();
        assert!(!setting.arguments.is_empty() || !setting.variables.is_empty(), "{switch}");
    }
}
