//! The program as somebody starts it who has just downloaded it.
#![allow(dead_code, unreachable_pub)] // each test file uses its part

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

pub mod server;

/// The server. Keeps nothing, unless an argument says where.
pub fn sockeye(arguments: &[&str]) -> Command {
    let mut command = program();
    if !arguments.contains(&"--data") {
        command.arg("--memory");
    }
    command.args(arguments);
    command
}

/// The program in an environment that says nothing.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command
        .env_remove("DATA")
        .env_remove("PORT")
        .env_remove("HOST")
        .env_remove("CLIENT_FILES")
        .env_remove("METRICS")
        .env_remove("TLS_CERT")
        .env_remove("TLS_KEY")
        .env_remove("RUST_LOG")
        .env_remove("SOCKEYE_AUTH")
        .stdin(Stdio::null());
    command
}

/// What it says when it does not start; the exit code is 1, and it is one sentence.
pub fn complaint(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

/// A running program, and the port it has printed. Killed when dropped.
pub struct Running {
    pub process: Child,
    pub stdout: BufReader<ChildStdout>,
    pub port: u16,
}

impl Running {
    pub fn start(arguments: &[&str]) -> Self {
        let mut process = sockeye(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let port =
            line.trim().rsplit(':').next().unwrap().parse().unwrap_or_else(|_| panic!("{line}"));
        Running { process, stdout, port }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    pub fn get(&self, path: &str) -> String {
        get(self.port, path)
    }
}

/// What this machine answers at a port: head and body.
pub fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
