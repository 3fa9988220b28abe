//! The servers that are measured side by side, and what each needs before it can be started.
//!
//! Sources of the peers are small and committed (`peers/`); what they depend on is fetched on demand by npm and cargo and
//! built under `target/bench/`.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;

/// A server to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// Ours: `contract --profile bench`.
    Sockeye,
    /// Another build of ours, to see what a change brings.
    #[value(skip)]
    Before,
    /// What the kernel alone costs.
    Floor,
    /// The reference: npm `socket.io` on Node.js.
    Socketio,
    /// crates.io `socketioxide` on axum.
    Socketioxide,
}

impl Peer {
    /// All of them but [`Before`](Self::Before), in the order of the table.
    pub const ALL: [Self; 4] = [Self::Sockeye, Self::Floor, Self::Socketio, Self::Socketioxide];
}

impl Display for Peer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sockeye => "sockeye",
            Self::Before => "before",
            Self::Floor => "floor",
            Self::Socketio => "socket.io",
            Self::Socketioxide => "socketioxide",
        })
    }
}

/// A server that can be started.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Which one.
    pub peer: Peer,
    /// What starts it; `--port N` comes behind.
    pub command: Vec<String>,
    /// What it is, for the report.
    pub version: String,
}

/// Why a server cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A file cannot be read, written or copied.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A tool cannot be started.
    #[error(
        "cannot start `{tool}` ({error}); install {needed}, or choose other servers with --servers"
    )]
    Tool {
        /// Which one.
        tool: String,
        /// What the system says.
        error: io::Error,
        /// What has to be installed.
        needed: &'static str,
    },
    /// A tool said why above.
    #[error("`{command}` failed")]
    Failed {
        /// The whole command.
        command: String,
    },
}

/// Where sources are, and where results go.
#[derive(Clone, Debug)]
pub struct Places {
    root: PathBuf,
    target: PathBuf,
    bench: PathBuf,
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

    /// Installs and builds what a server needs.
    ///
    /// # Errors
    ///
    /// A [`PrepareError`] that says what is missing.
    pub fn prepare(&self, peer: Peer) -> Result<Prepared, PrepareError> {
        let (command, version) = match peer {
            Peer::Sockeye | Peer::Before => self.sockeye()?,
            Peer::Floor => (vec![text(&self.bench), "floor".to_owned()], String::new()),
            Peer::Socketio => self.socketio()?,
            Peer::Socketioxide => self.socketioxide()?,
        };
        Ok(Prepared { peer, command, version })
    }

    /// Another build of the contract server.
    pub fn before(contract: &Path) -> Prepared {
        let command = vec![text(contract), "--profile".to_owned(), "bench".to_owned()];
        Prepared { peer: Peer::Before, command, version: String::new() }
    }

    fn sockeye(&self) -> Result<(Vec<String>, String), PrepareError> {
        let mut build = cargo();
        build.current_dir(&self.root).args(["build", "--release", "--package", "sockeye-contract"]);
        run(build.arg("--target-dir").arg(&self.target), RUST)?;
        let contract = self.target.join("release/contract");
        let command = vec![text(&contract), "--profile".to_owned(), "bench".to_owned()];
        Ok((command, env!("CARGO_PKG_VERSION").to_owned()))
    }

    fn socketio(&self) -> Result<(Vec<String>, String), PrepareError> {
        let source = self.root.join("tools/bench/peers/node");
        let place = self.target.join("bench/socketio");
        fs::create_dir_all(&place).map_err(at(&place))?;
        let lock = fs::read(source.join("package-lock.json")).map_err(at(&source))?;
        let installed = place.join("node_modules").exists()
            && fs::read(place.join("package-lock.json")).is_ok_and(|old| old == lock);
        for name in ["package.json", "package-lock.json", "server.js"] {
            fs::copy(source.join(name), place.join(name)).map_err(at(&source.join(name)))?;
        }
        if !installed {
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
            run(npm.current_dir(&place), NODE)?;
        }
        let node = Command::new("node")
            .arg("--version")
            .output()
            .map_err(|error| PrepareError::Tool { tool: "node".to_owned(), error, needed: NODE })?;
        let manifest = fs::read_to_string(source.join("package.json")).map_err(at(&source))?;
        let version = quoted_after(&manifest, "\"socket.io\":").unwrap_or("?");
        let version = format!("{version} on Node {}", String::from_utf8_lossy(&node.stdout).trim());
        Ok((vec!["node".to_owned(), text(&place.join("server.js"))], version))
    }

    fn socketioxide(&self) -> Result<(Vec<String>, String), PrepareError> {
        let source = self.root.join("tools/bench/peers/socketioxide");
        let target = self.target.join("bench/socketioxide");
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
}

const RUST: &str = "Rust (rustup.rs)";
const NODE: &str = "Node.js 20 with npm";

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a tool to its end; what it says goes to stderr, for stdout is the table's.
fn run(command: &mut Command, needed: &'static str) -> Result<(), PrepareError> {
    let status = command.stdout(Stdio::from(io::stderr())).status().map_err(|error| {
        let tool = command.get_program().to_string_lossy().into_owned();
        PrepareError::Tool { tool, error, needed }
    })?;
    if status.success() {
        return Ok(());
    }
    Err(PrepareError::Failed { command: format!("{command:?}") })
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> PrepareError {
    let path = path.to_path_buf();
    |error| PrepareError::File { path, error }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The quoted words that follow `key`.
fn quoted_after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(key)?;
    rest.split('"').nth(1)
}
