//! Installing what the tests need: npm packages, a Python environment, a browser, and what counts
//! instructions. All but Debian's own packages goes into `target/black-box`, once for each version of its list.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{root, run, target};

/// Installs everything; what could not be had comes back as sentences that say what to do.
pub(crate) fn everything() -> Vec<String> {
    let packages = ["node", "delivery", "browser", "client/servers"].map(npm);
    let outcomes = [python(), chromium(), instruments().map(drop)];
    packages.into_iter().chain(outcomes).filter_map(Result::err).collect()
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
    debian("chromium")
        .map_err(|error| format!("{error}; install Chromium to have the tests in a browser"))
}

/// Valgrind, and the program that runs benchmarks under it, of the version that `Cargo.lock` has of
/// its library. Comes back with where that program is.
pub(crate) fn instruments() -> Result<PathBuf, String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        return Err("instructions can be compared on x86_64 with Linux and glibc only".to_owned());
    }
    if !Path::new("/usr/bin/valgrind").exists() {
        debian("valgrind")
            .map_err(|error| format!("{error}; install Valgrind to have instructions counted"))?;
    }
    let to = place("gungraun");
    let runner = to.join("bin/gungraun-runner");
    if !runner.exists() {
        println!("building gungraun-runner");
    }
    // Does nothing if this version is there.
    let mut install = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    install
        .args(["install", "--quiet", "--locked", "--debug", "gungraun-runner", "--version"])
        .arg(format!("={}", locked("gungraun")?))
        .arg("--root")
        .arg(&to)
        // It would be compiled for much longer than it runs.
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        // It shares nothing with what we build; without this it is built in a place of its own.
        .env_remove("CARGO_TARGET_DIR");
    run(&mut install)?;
    Ok(runner)
}

/// Which version of a package `Cargo.lock` has.
fn locked(package: &str) -> Result<String, String> {
    let text = fs::read_to_string(root().join("Cargo.lock"))
        .map_err(|error| format!("cannot read Cargo.lock: {error}"))?;
    let mut lines =
        text.lines().skip_while(|line| *line != format!("name = \"{package}\"")).skip(1);
    let version = lines.next().and_then(|line| line.strip_prefix("version = "));
    let version = version.ok_or_else(|| format!("`{package}` is not in Cargo.lock"))?;
    Ok(version.trim_matches('"').to_owned())
}

/// A package of Debian, where this is Debian and we may install it.
fn debian(package: &str) -> Result<(), String> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(format!("this is not Debian, so `{package}` is not installed from there"));
    }
    println!("installing {package}");
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(["-qq", "-o", "Dpkg::Use-Pty=0"]).args(arguments);
        run(apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(std::process::Stdio::null()))
    };
    apt(&["update"])?;
    apt(&["install", "-y", "--no-install-recommends", package])
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
