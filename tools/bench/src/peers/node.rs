//! The reference implementation, npm `socket.io`, on three engines: Node.js with `ws`, Node.js with `µWebSockets`, and Bun.
//!
//! The three servers share their handlers (`peers/handlers.js`); each has its own manifest and lock.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PrepareError;
use super::tools::{NODE, at, install_once, quoted_after, run, text, version};

/// What starts a server, and what it is.
type Started = Result<(Vec<String>, String), PrepareError>;

/// Where `socket.io` and its servers come from and go to.
pub(super) struct Node<'p> {
    /// `tools/bench/peers`.
    pub(super) sources: &'p Path,
    /// `target/bench`.
    pub(super) target: &'p Path,
}

impl Node<'_> {
    pub(super) fn socketio(&self) -> Started {
        let place = self.install("node", "socketio")?;
        let node = version(Path::new("node"), NODE)?;
        let version = format!("{} on Node {node}", self.version_of("node", "socket.io")?);
        Ok((vec!["node".to_owned(), text(&place.join("server.js"))], version))
    }

    pub(super) fn uws(&self) -> Started {
        const ENGINE: &str = "@trufflesuite/uws-js-unofficial";
        let place = self.install("uws", "uws")?;
        let node = version(Path::new("node"), NODE)?;
        let [socketio, engine] =
            ["socket.io", ENGINE].map(|package| self.version_of("uws", package));
        let version = format!("{} on {ENGINE} {}, Node {node}", socketio?, engine?);
        Ok((vec!["node".to_owned(), text(&place.join("server.js"))], version))
    }

    pub(super) fn bun(&self) -> Started {
        const ENGINE: &str = "@socket.io/bun-engine";
        let place = self.install("bun", "bun")?;
        let bun = bun_in(&place)?;
        let [socketio, engine] =
            ["socket.io", ENGINE].map(|package| self.version_of("bun", package));
        let bun_version = version(&bun, NODE)?;
        let version =
            format!("socket.io {} with {ENGINE} {}, Bun {bun_version}", socketio?, engine?);
        Ok((vec![text(&bun), text(&place.join("server.js"))], version))
    }

    /// Installs what a server's lock says, and lays its source beside it.
    fn install(&self, name: &str, place: &str) -> Result<PathBuf, PrepareError> {
        let (source, place) = (self.sources.join(name), self.target.join(place));
        let copy = |from: &Path, name: &str| {
            fs::copy(from.join(name), place.join(name)).map_err(at(&from.join(name))).map(drop)
        };
        install_once(&place, &source.join("package-lock.json"), || {
            for name in ["package.json", "package-lock.json", ".npmrc"] {
                copy(&source, name)?;
            }
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
            run(npm.current_dir(&place), NODE)
        })?;
        copy(&source, "server.js")?;
        copy(self.sources, "handlers.js")?;
        Ok(place)
    }

    /// The version of a package that the manifest of a server names.
    fn version_of(&self, name: &str, package: &str) -> Result<String, PrepareError> {
        let manifest = self.sources.join(name).join("package.json");
        let manifest = fs::read_to_string(&manifest).map_err(at(&manifest))?;
        let version = quoted_after(&manifest, &format!("\"{package}\":"));
        Ok(version.unwrap_or("?").to_owned())
    }
}

/// The program is a package of its own, one for each kind of machine; no install script has to run for it.
fn bun_in(place: &Path) -> Result<PathBuf, PrepareError> {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        other => other,
    };
    let name = format!("node_modules/@oven/bun-{}-{machine}/bin/bun", std::env::consts::OS);
    let bun = place.join(name);
    if bun.exists() {
        return Ok(bun);
    }
    Err(PrepareError::NoBuild { what: "Bun", machine: std::env::consts::ARCH })
}
