//! Running npm, pip and cargo, once.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::PrepareError;

pub(super) const RUST: &str = "Rust (rustup.rs)";
pub(super) const NODE: &str = "Node.js 20 with npm";
pub(super) const PYTHON: &str = "Python 3.11 with venv";

pub(super) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a tool to its end; what it says goes to stderr, for stdout is the table's.
pub(super) fn run(command: &mut Command, needed: &'static str) -> Result<(), PrepareError> {
    let status = command.stdout(Stdio::from(io::stderr())).status();
    let status = status.map_err(|error| missing(command, error, needed))?;
    if status.success() {
        return Ok(());
    }
    Err(PrepareError::Failed { command: format!("{command:?}") })
}

/// The version a program tells about itself.
pub(super) fn version(program: &Path, needed: &'static str) -> Result<String, PrepareError> {
    let mut command = Command::new(program);
    let output = command.arg("--version").output();
    let output = output.map_err(|error| missing(&command, error, needed))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn missing(command: &Command, error: io::Error, needed: &'static str) -> PrepareError {
    let tool = command.get_program().to_string_lossy().into_owned();
    PrepareError::Tool { tool, error, needed }
}

/// Installs into `place`, unless it was done before for the same `lock`. What was half done is thrown away.
pub(super) fn install_once(
    place: &Path,
    lock: &Path,
    install: impl FnOnce() -> Result<(), PrepareError>,
) -> Result<(), PrepareError> {
    let wanted = fs::read(lock).map_err(at(lock))?;
    let done = place.join("installed");
    if fs::read(&done).is_ok_and(|old| old == wanted) {
        return Ok(());
    }
    if place.exists() {
        fs::remove_dir_all(place).map_err(at(place))?;
    }
    fs::create_dir_all(place).map_err(at(place))?;
    install()?;
    fs::write(&done, wanted).map_err(at(&done))
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> PrepareError {
    let path = path.to_path_buf();
    |error| PrepareError::File { path, error }
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The quoted words that follow `key`.
pub(super) fn quoted_after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(key)?;
    rest.split('"').nth(1)
}
