//! The process that fills a log at full speed, says when it is full enough, and goes on until it is killed.
//!
//! ```text
//! sockeye-bench fill --data DIR --bytes N
//! ```

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sockeye::{Io, Log, LogOptions};

use super::Result;
use super::class::Class;
use super::inside::{listen, runtime, store};
use crate::process::server::with_parent;

const CLASS: Class = Class::Async;
const TASKS: usize = 64;

/// Writes, and says one line when the store was given so many bytes. Twice as many are the end: nobody fills the disk.
///
/// # Errors
///
/// The log cannot be opened, or fails.
pub fn run(directory: &Path, bytes: u64) -> Result<()> {
    // Nothing of it is dropped.
    let options = LogOptions { event_bytes: bytes.saturating_mul(4), ..LogOptions::default() };
    let log = Log::open_with(directory, options)?;
    let io = Io::builder().log(log.clone()).build()?;
    let namespace = io.of(CLASS.namespace());
    if let Some(durability) = CLASS.durability() {
        namespace.durable(durability);
    }
    runtime()?.block_on(async move {
        let (serves, listener) = (io.clone(), listen().await?);
        let _serving = tokio::spawn(async move { serves.serve_listener(listener).await });
        let enough = log.clone();
        let events = store(&namespace, TASKS, move || enough.stats().bytes < bytes).await?;
        println!("{events}");
        io::stdout().flush()?;
        store(&namespace, TASKS, move || log.stats().bytes < 2 * bytes).await?;
        Ok(())
    })
}

/// Lets another process fill a log, and kills it in the middle of its work. How many events it had written when it was full
/// enough.
///
/// # Errors
///
/// It cannot be started, or ends before.
pub fn fill_and_kill(bench: &Path, directory: &Path, bytes: u64) -> Result<u64> {
    let [program, words @ ..] =
        &[with_parent(), &[bench.to_string_lossy().into_owned()]].concat()[..]
    else {
        unreachable!("there is a program at least");
    };
    let mut command = Command::new(program);
    command.args(words).arg("fill").arg("--data").arg(directory);
    command.arg("--bytes").arg(bytes.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = Killed(command.spawn()?);
    let mut line = String::new();
    if let Some(output) = child.0.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    line.trim().parse().map_err(|_| "the process that fills the log has ended".into())
}

/// A process that is killed when this is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
