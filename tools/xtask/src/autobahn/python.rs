//! Finding a Python 2.7 and installing the suite for it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cannot;
use crate::run;

/// It pins what it needs itself to versions that run on Python 2.7.
const SUITE: &str = "autobahntestsuite==25.10.1";
/// The last series that runs on Python 2.7.
const VIRTUALENV: &str = "virtualenv==20.15.1";

const MISSING: &str = "\
the Autobahn suite needs a Python 2.7, and there is none: neither `python2.7` on the PATH nor one of
pyenv's. Install one with `pyenv install 2.7.18` (https://github.com/pyenv/pyenv), then run this again";

/// Installs the suite into a virtual environment below `folder`, once; returns its command.
pub(super) fn install(folder: &Path) -> Result<PathBuf, String> {
    let environment = folder.join("python");
    let suite = environment.join("bin/wstest");
    let done = environment.join(SUITE);
    if done.exists() {
        return Ok(suite);
    }
    let python = find().ok_or_else(|| MISSING.to_owned())?;
    println!("installing {SUITE} for {}", python.display());
    if environment.exists() {
        fs::remove_dir_all(&environment).map_err(|error| cannot("remove", &environment, &error))?;
    }
    // Python 2.7 has no `venv` of its own, and `virtualenv` need not be installed: it is fetched.
    let tool = folder.join("virtualenv");
    let options = ["--upgrade", VIRTUALENV, "--target"].map(OsStr::new);
    pip(&python, &[&options[..], &[tool.as_os_str()]].concat())?;
    let mut make = Command::new(&python);
    make.env("PYTHONPATH", &tool).args(["-m", "virtualenv", "--quiet", "--no-download"]);
    run::run(make.arg(&environment))?;
    pip(&environment.join("bin/python"), &[SUITE.as_ref()])?;
    fs::write(&done, "").map_err(|error| cannot("write", &done, &error))?;
    Ok(suite)
}

/// A Python 2.7 from the PATH, else the newest of pyenv's.
fn find() -> Option<PathBuf> {
    let mut candidates = vec![PathBuf::from("python2.7")];
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| env::home_dir().map(|home| home.join(".pyenv")));
    if let Some(versions) = root.and_then(|root| fs::read_dir(root.join("versions")).ok()) {
        let mut found: Vec<PathBuf> =
            versions.flatten().map(|version| version.path().join("bin/python2.7")).collect();
        found.sort_unstable();
        candidates.extend(found.into_iter().rev());
    }
    candidates.into_iter().find(|python| runs(python))
}

/// Whether it starts: pyenv leaves a `python2.7` on the PATH that may not.
fn runs(python: &Path) -> bool {
    let mut command = Command::new(python);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// `pip install`, with little to say.
fn pip(python: &Path, arguments: &[&OsStr]) -> Result<(), String> {
    let mut command = Command::new(python);
    command
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env("PYTHONWARNINGS", "ignore")
        .args(["-m", "pip", "install", "--quiet"])
        .args(arguments);
    run::run(&mut command)
        .map_err(|error| format!("{error}\nIs PyPI within reach, and a C compiler installed?"))
}
