//! Where sources are and results go; our own servers, and `socketioxide`.

use std::fs;
use std::path::{Path, PathBuf};

use super::node::Node;
use super::tools::{RUST, at, cargo, quoted_after, run, text};
use super::{LeftOut, Lineup, Peer, PrepareError, Prepared, python};
use crate::process::server::Server;

/// Where sources are, and where results go.
#[derive(Clone, Debug)]
pub struct Places {
    /// The workspace.
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
    /// This program.
    pub bench: PathBuf,
}

impl Places {
    /// The workspace this program was built from, and the target directory it stands in.
    ///
    /// # Errors
    ///
    /// The program does not know where it is.
    pub fn find() -> Result<Self, PrepareError> {
        let bench = std::env::current_exe()
            .map_err(|error| PrepareError::File { path: PathBuf::from("/proc/self/exe"), error })?;
        let up = |path: &Path, levels| path.ancestors().nth(levels).unwrap_or(path).to_path_buf();
        Ok(Self {
            root: up(Path::new(env!("CARGO_MANIFEST_DIR")), 2),
            target: up(&bench, 2),
            bench,
        })
    }

    /// Prepares everybody. A guest that cannot be installed, or does not start, is left out: the others are worth a run
    /// without it.
    ///
    /// # Errors
    ///
    /// One of our own servers cannot be built.
    pub fn lineup(&self, peers: impl IntoIterator<Item = Peer>) -> Result<Lineup, PrepareError> {
        let mut lineup = Lineup::default();
        for peer in peers {
            match self.prepare(peer).and_then(tried) {
                Ok(prepared) => lineup.servers.push(prepared),
                Err(error) if peer.is_guest() => {
                    lineup.left_out.push(LeftOut { peer, why: error.to_string() });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(lineup)
    }

    /// Installs and builds what a server needs.
    ///
    /// # Errors
    ///
    /// A [`PrepareError`] that says what is missing.
    pub fn prepare(&self, peer: Peer) -> Result<Prepared, PrepareError> {
        let (sources, target) = (self.root.join("tools/bench/peers"), self.target.join("bench"));
        let node = Node { sources: &sources, target: &target };
        let (command, version) = match peer {
            Peer::Sockeye | Peer::Before | Peer::With(_) => self.sockeye()?,
            Peer::Floor => (vec![text(&self.bench), "floor".to_owned()], String::new()),
            Peer::Socketio => node.socketio()?,
            Peer::SocketioUws => node.uws()?,
            Peer::Bun => node.bun()?,
            Peer::Socketioxide => socketioxide(&sources, &target)?,
            Peer::Python => python::python(&sources, &target)?,
        };
        let prepared = Prepared { peer, command, variables: Vec::new(), version };
        Ok(match peer {
            Peer::With(switch) => switch.turn_on(prepared),
            _ => prepared,
        })
    }

    /// Another build of the contract server.
    pub fn before(contract: &Path) -> Prepared {
        let command = vec![text(contract), "--profile".to_owned(), "bench".to_owned()];
        Prepared { peer: Peer::Before, command, variables: Vec::new(), version: String::new() }
    }

    fn sockeye(&self) -> Result<(Vec<String>, String), PrepareError> {
        let contract = self.contract()?;
        let command = vec![text(&contract), "--profile".to_owned(), "bench".to_owned()];
        Ok((command, env!("CARGO_PKG_VERSION").to_owned()))
    }

    /// Builds the contract server, and says where it is.
    ///
    /// # Errors
    ///
    /// It cannot be built.
    pub fn contract(&self) -> Result<PathBuf, PrepareError> {
        let mut build = cargo();
        build.current_dir(&self.root).args(["build", "--release", "--package", "sockeye-contract"]);
        run(build.arg("--target-dir").arg(&self.target), RUST)?;
        Ok(self.target.join("release/contract"))
    }
}

/// A guest has been installed if it starts: a program for another kind of machine is found here, not in every run.
fn tried(prepared: Prepared) -> Result<Prepared, PrepareError> {
    if prepared.peer.is_guest() {
        drop(Server::start(&prepared.command, &[], None)?);
    }
    Ok(prepared)
}

fn socketioxide(sources: &Path, target: &Path) -> Result<(Vec<String>, String), PrepareError> {
    let (source, target) = (sources.join("socketioxide"), target.join("socketioxide"));
    let mut build = cargo();
    // From its own directory, so that a setting of the workspace does not reach it.
    build.current_dir(&source).args(["build", "--release", "--locked"]);
    run(build.arg("--target-dir").arg(&target), RUST)?;
    let lock = source.join("Cargo.lock");
    let lock = fs::read_to_string(&lock).map_err(at(&lock))?;
    let version = quoted_after(&lock, "name = \"socketioxide\"\nversion =").unwrap_or("?");
    let program = target.join("release/sockeye-bench-socketioxide");
    Ok((vec![text(&program)], version.to_owned()))
}
