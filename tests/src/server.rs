//! The servers that the client is tested with: ours, the reference, the reference for Engine.IO 3, and Python's. All of
//! them know the words of the contract server's profile `handlers` (`tools/contract`, `tests/client/servers`).

use std::process::{Child, ChildStdin, Command, Stdio};

use crate::contract::Contract;
use crate::house::root;
use crate::program::first_line;
use crate::suite::{installed, skip};

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The contract server.
    Sockeye,
    /// npm `socket.io` 4.
    Npm,
    /// npm `socket.io` 2, which speaks Engine.IO 3.
    Npm2,
    /// `python-socketio`.
    Python,
}

/// What a server is to be like.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Whose.
    pub kind: Kind,
    /// With the msgpack parser.
    pub msgpack: bool,
    /// With connection state recovery; ours, and npm 4.
    pub recovery: bool,
    /// Every how many milliseconds it pings, and for how long it waits for the answer. Our own takes 500 and 600 instead
    /// of any number, and then at most 1000 bytes at a time.
    pub ping: Option<u32>,
}

impl Wanted {
    /// One with the default parser, slow pings and no recovery.
    pub fn new(kind: Kind) -> Self {
        Wanted { kind, msgpack: false, recovery: false, ping: None }
    }

    /// Starts it, and waits until it is ready. Where it is not installed the test is skipped.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(self) -> Option<Server> {
        match self.kind {
            Kind::Sockeye => Some(self.start_contract()),
            Kind::Npm => self.start_npm("4"),
            Kind::Npm2 => self.start_npm("2"),
            Kind::Python => self.start_python(),
        }
    }

    fn start_contract(self) -> Server {
        let start = if self.msgpack { Contract::start_packed } else { Contract::start };
        let contract = start("handlers");
        let port = match self {
            Wanted { ping: Some(_), .. } => contract.hasty_port(),
            Wanted { msgpack: true, .. } => contract.port() + 2,
            Wanted { recovery: true, .. } => contract.port() + 1,
            _ => contract.port(),
        };
        Server { port, process: Process::Contract(contract) }
    }

    fn start_npm(self, version: &str) -> Option<Server> {
        let modules = installed().join("client").join("servers").join("node_modules");
        if !modules.join("socket.io-2").is_dir() {
            skip("the npm packages of tests/client/servers are missing");
            return None;
        }
        let mut command = Command::new("node");
        command.arg(root().join("tests/client/servers/npm.cjs")).args(["--version", version]);
        command.env("NODE_PATH", modules);
        Some(self.start_other(command))
    }

    fn start_python(self) -> Option<Server> {
        let python = installed().join("python").join("bin").join("python");
        if !python.exists() {
            skip("the Python packages of tests/python are missing");
            return None;
        }
        let mut command = Command::new(python);
        command.arg(root().join("tests/client/servers/server.py"));
        Some(self.start_other(command))
    }

    fn start_other(self, mut command: Command) -> Server {
        command.args(self.msgpack.then_some("--msgpack"));
        command.args(self.recovery.then_some("--recovery"));
        if let Some(ping) = self.ping {
            command.args(["--ping", &ping.to_string()]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stdin = child.stdin.take();
        let line = first_line(&mut child).unwrap_or_default();
        let port = line.rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("{command:?} said `{line}`, and no port"));
        Server { port, process: Process::Other { child, _stdin: stdin } }
    }
}

/// A server that runs; it ends when this is dropped.
pub struct Server {
    port: u16,
    process: Process,
}

enum Process {
    Contract(#[allow(dead_code, reason = "it is kept alive")] Contract),
    /// It ends with us, whatever happens to us: when its standard input does.
    Other {
        child: Child,
        _stdin: Option<ChildStdin>,
    },
}

impl Server {
    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Process::Other { child, .. } = &mut self.process {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
