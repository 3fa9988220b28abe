//! Installing what the tests need: npm packages, a Python environment, a browser. All but the browser goes
//! into `target/black-box`, and is installed once for each version of its list.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{root, run, target};

/// Installs everything; what could not be had comes back as sentences that say what to do.
pub(crate) fn everything() -> Vec<String> {
    let outcomes = [npm("node"), npm("browser"), python(), chromium()];
    outcomes.into_iter().filter_map(Result::err).collect()
}

fn place(name: &str) -> PathBuf {
    target().join("black-box").join(name)
}

/// The packages of `tests/NAME`, by its lock file.
fn npm(name: &str) -> Result<(), String> {
    let (from, to) = (root().join("tests").join(name), place(name));
    if is_installed(&from.join("package-lock.json"), &to, "node_modules") {
        return Ok(());
    }
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        copy(&from.join(file), &to.join(file))?;
    }
    println!("installing the npm packages of tests/{name}");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&to);
    run(&mut npm).map_err(|error| {
        format!("{error}; install Node.js 20 with npm 11 to have the tests of tests/{name}")
    })?;
    remember(&from.join("package-lock.json"), &to)
}

/// A virtual environment with the packages of `tests/python`.
fn python() -> Result<(), String> {
    let (list, to) = (root().join("tests/python/requirements.txt"), place("python"));
    if is_installed(&list, &to, "bin/python") {
        return Ok(());
    }
    println!("installing the Python packages of tests/python");
    let advice =
        |error| format!("{error}; install Python 3.11 with venv to have the tests of tests/python");
    run(Command::new("python3").args(["-m", "venv"]).arg(&to)).map_err(advice)?;
    let mut pip = Command::new(to.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&list);
    run(&mut pip).map_err(advice)?;
    remember(&list, &to)
}

/// Debian's Chromium, where this is Debian and we may install it.
fn chromium() -> Result<(), String> {
    let browser = std::env::var_os("BROWSER").unwrap_or_else(|| "/usr/bin/chromium".into());
    if Path::new(&browser).exists() {
        return Ok(());
    }
    let advice =
        "install Chromium (on Debian: apt-get install chromium) to have the tests in a browser";
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(advice.to_owned());
    }
    println!("installing Chromium");
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(["-qq", "-o", "Dpkg::Use-Pty=0"]).args(arguments);
        run(apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(std::process::Stdio::null()))
    };
    apt(&["update"])
        .and_then(|()| apt(&["install", "-y", "--no-install-recommends", "chromium"]))
        .map_err(|error| format!("{error}; {advice}"))
}

/// Whether this version of the list has been installed there.
fn is_installed(list: &Path, place: &Path, proof: &str) -> bool {
    let (wanted, had) = (fs::read(list), fs::read(stamp(place)));
    place.join(proof).exists() && matches!((wanted, had), (Ok(wanted), Ok(had)) if wanted == had)
}

fn remember(list: &Path, place: &Path) -> Result<(), String> {
    copy(list, &stamp(place))
}

fn stamp(place: &Path) -> PathBuf {
    place.join(".installed")
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let folder = to.parent().expect("a file stands in a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(from, to))
        .map(drop)
        .map_err(|error| format!("cannot copy {} to {}: {error}", from.display(), to.display()))
}
