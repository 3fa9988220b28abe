//! Programs of the house: how they are built, and what they say first.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use crate::DEADLINE;

/// Builds a program of this workspace, and says where it is.
///
/// # Panics
///
/// If it cannot be built.
pub fn build(package: &str, binary: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--package", package, "--message-format", "json-render-diagnostics"])
        // Without its page there would be nothing of the chat to test.
        .env_remove("SOCKEYE_SKIP_WEB")
        .current_dir(crate::house::root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "`{package}` cannot be built");
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| {
            message["target"]["name"] == binary && message["target"]["kind"][0] == "bin"
        })
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the program that it built")
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
