//! `PyPI` `python-socketio` on uvicorn and uvloop, in a virtual environment of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::PrepareError;
use super::tools::{PYTHON, at, install_once, run, text, version};

/// Makes the environment under `target` (`target/bench`) as `sources` (`tools/bench/peers`) say.
pub(super) fn python(sources: &Path, target: &Path) -> Result<(Vec<String>, String), PrepareError> {
    let source = sources.join("python");
    let (list, place) = (source.join("requirements.txt"), target.join("python"));
    let python = place.join("venv/bin/python");
    install_once(&place, &list, || {
        let mut venv = Command::new("python3");
        run(venv.args(["-m", "venv"]).arg(place.join("venv")), PYTHON)?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        run(pip.arg(&list), PYTHON)
    })?;
    let list = fs::read_to_string(&list).map_err(at(&list))?;
    let of = |package| pinned(&list, package).unwrap_or("?");
    let version = format!(
        "{} on uvicorn {}, uvloop {}, {}",
        of("python-socketio"),
        of("uvicorn"),
        of("uvloop"),
        version(&python, PYTHON)?
    );
    Ok((vec![text(&python), text(&source.join("server.py"))], version))
}

/// The version behind `package==`.
fn pinned<'t>(list: &'t str, package: &str) -> Option<&'t str> {
    list.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("=="))
}
