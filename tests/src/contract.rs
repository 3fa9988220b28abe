//! The contract server as a process of its own: built once, started on free ports, killed at the end.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::net::TcpSocket;

use crate::certificate::Certificate;
use crate::program::{build, first_line};

/// A running contract server; it is killed when this is dropped.
///
/// `SOCKEYE_CONTRACT` names another program that keeps the contract: the tests can be tried on the
/// reference implementation that way.
pub struct Contract {
    process: Child,
    port: u16,
}

impl Contract {
    /// Starts it with this profile, and waits for the line that says it is ready.
    ///
    /// # Panics
    ///
    /// If it cannot be built or does not start.
    pub fn start(profile: &str) -> Self {
        let port = free_port();
        let mut command = Command::new(program());
        command.args(["--port", &port.to_string()]);
        Self::spawn(command, profile, port)
    }

    /// As [`start`](Self::start), on several workers.
    ///
    /// # Panics
    ///
    /// If it cannot be built or does not start.
    pub fn start_on_workers(profile: &str, workers: usize) -> Self {
        let port = free_port();
        let mut command = Command::new(program());
        command.args(["--port", &port.to_string(), "--workers", &workers.to_string()]);
        Self::spawn(command, profile, port)
    }

    /// As [`start`](Self::start), with compression over WebSocket from so many bytes on.
    ///
    /// # Panics
    ///
    /// If it cannot be built or does not start.
    pub fn start_deflating(profile: &str, threshold: usize) -> Self {
        let port = free_port();
        let mut command = Command::new(program());
        command.args(["--port", &port.to_string()]).env("DEFLATE", threshold.to_string());
        Self::spawn(command, profile, port)
    }

    /// As [`start`](Self::start), with the msgpack parser on the listener of [`hasty_port`](Self::hasty_port) too.
    ///
    /// # Panics
    ///
    /// If it cannot be built or does not start.
    pub fn start_packed(profile: &str) -> Self {
        let port = free_port();
        let mut command = Command::new(program());
        command.args(["--port", &port.to_string()]).env("PARSER", "msgpack");
        Self::spawn(command, profile, port)
    }

    /// As [`start`](Self::start), with TLS and this certificate.
    ///
    /// # Panics
    ///
    /// If it cannot be built or does not start.
    pub fn start_over_tls(profile: &str, certificate: &Certificate) -> Self {
        let port = free_port();
        let mut command = Command::new(program());
        command.args(["--port", &port.to_string()]);
        command.env("TLS_CERT", certificate.path()).env("TLS_KEY", certificate.key());
        Self::spawn(command, profile, port)
    }

    /// As [`start`](Self::start), but it is told its port in the environment.
    ///
    /// # Panics
    ///
    /// If it cannot be built or does not start.
    pub fn start_by_environment(profile: &str) -> Self {
        let port = free_port();
        let mut command = Command::new(program());
        command.env("PORT", port.to_string());
        Self::spawn(command, profile, port)
    }

    /// The profile `delivery` on several workers with its log in this folder, and with these variables in its environment.
    ///
    /// # Panics
    ///
    /// If it cannot be built or does not start.
    pub fn start_delivery(data: &Path, workers: usize, environment: &[(&str, &str)]) -> Self {
        let port = free_port();
        let mut command = Command::new(program());
        command.args(["--port", &port.to_string(), "--workers", &workers.to_string()]);
        command.arg("--data").arg(data);
        command.envs(environment.iter().copied());
        Self::spawn(command, "delivery", port)
    }

    fn spawn(mut command: Command, profile: &str, port: u16) -> Self {
        command.args(["--profile", profile]);
        Self::start_other(command, port)
    }

    /// Another program that listens on this port, and prints a line when it is ready.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_other(mut command: Command, port: u16) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the contract server starts");
        let line = first_line(&mut process);
        let contract = Contract { process, port };
        assert!(
            line.is_some_and(|line| !line.is_empty()),
            "{command:?} did not say that it is ready"
        );
        contract
    }

    /// The port of the profile.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Of the profile `handlers`: the listener with pings of 500/600 ms, a connect timeout of 500 ms and
    /// payloads of at most 1000 bytes.
    pub fn hasty_port(&self) -> u16 {
        self.port + 3
    }

    /// Whether the process is still there.
    ///
    /// # Panics
    ///
    /// If the operating system does not say.
    pub fn is_running(&mut self) -> bool {
        self.ended().is_none()
    }

    /// How the process has ended, if it has.
    ///
    /// # Panics
    ///
    /// If the operating system does not say.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("the state of a child")
    }

    /// Tells the process to end, as service managers do.
    ///
    /// # Panics
    ///
    /// If it cannot be told.
    #[cfg(unix)]
    pub fn terminate(&self) {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(told.expect("`kill` is there").success());
    }
}

impl Drop for Contract {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The contract server's program, built when it is first asked for.
///
/// # Panics
///
/// If it cannot be built.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os("SOCKEYE_CONTRACT") {
        Some(program) => PathBuf::from(program),
        None => build("sockeye-contract", "contract"),
    })
}

/// A port that is free, and the three above it too, below those that the system hands out by itself.
///
/// # Panics
///
/// If none is.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 500).expect("below 500") * 16;
    (0..500)
        .map(|_| 20_000 + (first + NEXT.fetch_add(4, Ordering::Relaxed)) % 12_000)
        .find(|&port| (port..port + 4).all(is_free))
        .expect("four free ports in a row between 20000 and 32000")
}

/// It is asked without listening: a listener that another thread's child holds from `fork` to `exec` would take
/// the port away from whoever is about to use it.
fn is_free(port: u16) -> bool {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("a port that was in use just now may be bound");
    socket.bind((Ipv4Addr::LOCALHOST, port).into()).is_ok()
}
