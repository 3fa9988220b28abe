//! What a server costs, read from `/proc` at both ends of a window.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use super::calls::{Calls, Counter};

/// Watches one server process.
#[derive(Debug)]
pub struct Observer {
    process: u32,
    counter: Option<Counter>,
    before: Option<Clocks>,
}

/// What a window cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// How long the window really was.
    pub time: Duration,
    /// The server's part of its core, user and system.
    pub server: Core,
    /// The generator's part of its core.
    pub generator: Core,
    /// The server's system calls, in a round that counts them.
    pub calls: Option<Calls>,
}

/// What somebody had of a core, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Core {
    /// Time on it.
    pub used: u64,
    /// Time spent ready to run, while something else ran there.
    pub waited: u64,
}

/// A server's memory in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Proportional set size.
    pub pss: u64,
    /// Of it, anonymous memory: heap and stacks.
    pub anonymous: u64,
}

#[derive(Clone, Copy, Debug)]
struct Clocks {
    time: Instant,
    server: Core,
    generator: Core,
}

impl Observer {
    /// Watches time and memory.
    pub fn new(process: u32) -> Self {
        Self { process, counter: None, before: None }
    }

    /// Counts system calls too; this slows the server, so such a round says nothing about time.
    ///
    /// # Errors
    ///
    /// What keeps `perf` from counting.
    pub fn counting(process: u32) -> io::Result<Self> {
        Ok(Self { process, counter: Some(Counter::attach(process)?), before: None })
    }

    /// Whether it counts system calls.
    pub fn counts_calls(&self) -> bool {
        self.counter.is_some()
    }

    /// The window begins.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub fn begin(&mut self) -> io::Result<()> {
        if let Some(counter) = &mut self.counter {
            counter.enable()?;
        }
        self.before = Some(self.clocks()?);
        Ok(())
    }

    /// The window ends.
    ///
    /// # Errors
    ///
    /// The server is gone.
    ///
    /// # Panics
    ///
    /// If the window never began.
    pub fn end(&mut self) -> io::Result<Cost> {
        let after = self.clocks()?;
        let before = self.before.take().expect("a window begins before it ends");
        let calls = self.counter.take().map(Counter::finish).transpose()?;
        Ok(Cost {
            time: after.time - before.time,
            server: after.server.since(before.server),
            generator: after.generator.since(before.generator),
            calls,
        })
    }

    /// The server's memory now.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub fn memory(&self) -> io::Result<Memory> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.process))?;
        Ok(parse_rollup(&rollup))
    }

    /// The most that was resident at a time since it was started, in bytes.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub fn most_resident(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process))?;
        Ok(bytes_of(&status, "VmHWM"))
    }

    /// How many files it has open.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub fn open_files(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.process))?.count())
    }

    fn clocks(&self) -> io::Result<Clocks> {
        Ok(Clocks {
            time: Instant::now(),
            server: of_process(self.process)?,
            generator: Core::read("/proc/thread-self/schedstat")?,
        })
    }
}

impl Core {
    /// Reads the first two numbers of a `schedstat`.
    fn read(path: &str) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        let mut numbers = text.split_whitespace().map_while(|number| number.parse().ok());
        match (numbers.next(), numbers.next()) {
            (Some(used), Some(waited)) => Ok(Self { used, waited }),
            _ => Err(io::Error::other(format!("{path} does not start with two numbers"))),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            used: self.used.saturating_sub(before.used),
            waited: self.waited.saturating_sub(before.waited),
        }
    }
}

/// All threads of a process together. (`/proc/PID/stat` counts in hundredths of a second; of a thread that has ended
/// meanwhile nothing is known here, but none of the servers ends threads under load.)
fn of_process(process: u32) -> io::Result<Core> {
    let mut sum = Core::default();
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end between the list and the look.
        let path = format!("{}/schedstat", thread?.path().display());
        let core = Core::read(&path).unwrap_or_default();
        sum = Core { used: sum.used + core.used, waited: sum.waited + core.waited };
    }
    Ok(sum)
}

/// Reads the sums of `smaps_rollup`; a line that is missing counts as zero.
pub fn parse_rollup(rollup: &str) -> Memory {
    Memory { pss: bytes_of(rollup, "Pss"), anonymous: bytes_of(rollup, "Pss_Anon") }
}

/// The line `name: 17 kB` of a text, in bytes.
fn bytes_of(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kibibytes =
        line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
