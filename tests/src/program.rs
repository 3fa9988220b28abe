//! Programs of the house: how they are built, and what they say first.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;

use crate::DEADLINE;

/// Builds a program of this workspace, and says where it is.
///
/// # Panics
///
/// If it cannot be built.
pub fn build(package: &str, binary: &str) -> PathBuf {
    let built = cargo_build(&["--package", package]);
    built.into_iter().find(|(name, _)| name == binary).expect("cargo names what it built").1
}

/// Builds the programs of `examples`, a workspace of its own, and says where they are, by their names. What they are made
/// of has a directory of its own too, since frameworks want other features of the same libraries.
///
/// # Panics
///
/// If they cannot be built.
pub fn examples() -> &'static [(String, PathBuf)] {
    static EXAMPLES: OnceLock<Vec<(String, PathBuf)>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let target = target().join("examples");
        let target = target.to_str().expect("a path in UTF-8");
        let manifest = "examples/Cargo.toml";
        cargo_build(&["--manifest-path", manifest, "--target-dir", target])
    })
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    let root = crate::house::root();
    let target = std::env::var_os("CARGO_TARGET_DIR");
    target.map_or_else(|| root.join("target"), |path| root.join(path))
}

fn cargo_build(arguments: &[&str]) -> Vec<(String, PathBuf)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--message-format", "json-render-diagnostics"])
        .args(arguments)
        // Without its page there would be nothing of the chat to test.
        .env_remove("SOCKEYE_SKIP_WEB")
        .current_dir(crate::house::root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{arguments:?} cannot be built");
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let messages =
        messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    messages
        .filter(|message| message["target"]["kind"][0] == "bin")
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        })
        .collect()
}

/// The first line that a program prints, unless it ends before or says nothing for a minute. Reads on after it, so that
/// the program never blocks on a full pipe.
pub fn first_line(process: &mut Child) -> Option<String> {
    let output = BufReader::new(process.stdout.take()?);
    let (say, heard) = mpsc::channel();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let _ = say.send(line);
        }
    });
    heard.recv_timeout(DEADLINE).ok()
}
