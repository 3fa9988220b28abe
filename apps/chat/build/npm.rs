//! Starts npm for the build script, and says in one sentence what to do when that goes wrong. A file of its own, so that
//! `tests/npm.rs` can look at it as well.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `program`, which is npm, in the folder `work`. `trouble` says what is missing when it fails.
pub(crate) fn npm(
    program: &str,
    work: &Path,
    arguments: &[&str],
    trouble: &str,
) -> Result<(), String> {
    let started =
        Command::new(program).args(arguments).current_dir(work).stdin(Stdio::null()).output();
    let output = started.map_err(|error| cannot_start(&error))?;
    if output.status.success() {
        return Ok(());
    }
    eprintln!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Err(format!(
        "{trouble}: `npm {}` ended with {}; what it said stands above",
        arguments.join(" "),
        output.status
    ))
}

fn cannot_start(error: &io::Error) -> String {
    let problem = match error.kind() {
        io::ErrorKind::NotFound => "npm is missing, which builds the chat's page".to_owned(),
        _ => format!("npm cannot be started, which builds the chat's page ({error})"),
    };
    format!(
        "{problem}: install Node.js 20 or newer with npm (https://nodejs.org), or set SOCKEYE_SKIP_WEB=1 to build \
         without the page"
    )
}
