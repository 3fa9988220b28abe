//! A server under measurement: started on its own core, awaited, ended.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::affinity::{self, Cores};

/// How long a server may take until it says that it is ready.
const READY: Duration = Duration::from_secs(20);

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    /// Its directory for temporary files.
    scratch: PathBuf,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The command cannot be started.
    #[error("cannot start `{command}`: {error}")]
    Start {
        /// What was to be started.
        command: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The system has no port, or does not let this thread change its core.
    #[error("cannot prepare a server: {0}")]
    Prepare(#[from] std::io::Error),
    /// It ended, or said nothing.
    #[error("`{command}` did not say that it is ready (it has ended, or took longer than 20 s)")]
    NotReady {
        /// What was started.
        command: String,
    },
}

impl Server {
    /// Starts `command --port N` on a free port of 127.0.0.1 and waits for its first line. With `cores` it runs on the
    /// server's core, and this thread goes on on the generator's. It finds `variables` in its environment, and
    /// in `TMPDIR` a directory of its own, which is removed with it.
    ///
    /// # Errors
    ///
    /// A [`StartError`] that names the command.
    pub fn start(
        command: &[String],
        variables: &[(&str, String)],
        cores: Option<Cores>,
    ) -> Result<Self, StartError> {
        let port = free_port()?;
        let scratch =
            std::env::temp_dir().join(format!("sockeye-bench-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&scratch)?;
        let mut child = spawn(command, variables, &scratch, port, cores)?;
        let output = child.stdout.take().expect("it is piped");
        // Drop ends the child from here on, whatever happens.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let server = Self { child, address, scratch };
        let (sender, first_line) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Only the first line is waited for; the others are read so that the pipe stays empty.
                let _ = sender.send(line);
            }
        });
        match first_line.recv_timeout(READY) {
            Ok(_line) => Ok(server),
            Err(_) => Err(StartError::NotReady { command: command.join(" ") }),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

fn spawn(
    command: &[String],
    variables: &[(&str, String)],
    scratch: &Path,
    port: u16,
    cores: Option<Cores>,
) -> Result<Child, StartError> {
    let words = [with_parent(), command].concat();
    let (program, arguments) = words.split_first().expect("a command has a first word");
    let mut process = Command::new(program);
    process.args(arguments).arg("--port").arg(port.to_string());
    process.env("TMPDIR", scratch);
    process.envs(variables.iter().map(|(name, value)| (name, value)));
    process.stdin(Stdio::null()).stdout(Stdio::piped());
    if let Some(cores) = cores {
        affinity::pin(cores.server)?;
    }
    let child = process.spawn();
    if let Some(cores) = cores {
        affinity::pin(cores.generator)?;
    }
    child.map_err(|error| StartError::Start { command: command.join(" "), error })
}

/// What makes a server end with this process even if it is killed, where the system has it.
pub(crate) fn with_parent() -> &'static [String] {
    use std::sync::OnceLock;
    static WORDS: OnceLock<Vec<String>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let known = Path::new("/usr/bin/setpriv").exists();
        let words = ["/usr/bin/setpriv", "--pdeathsig", "KILL"].map(str::to_owned);
        if known { words.to_vec() } else { Vec::new() }
    })
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
