//! System calls of another process, counted by `perf stat` between two moments.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use rustix::process::{Pid, Signal, kill_process};

const ALL: &str = "raw_syscalls:sys_enter";
const WRITES: [&str; 4] = ["write", "writev", "sendto", "sendmsg"];
const READS: [&str; 4] = ["read", "readv", "recvfrom", "recvmsg"];

/// How long `perf` may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Counted system calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Of any kind.
    pub all: u64,
    /// Those that write.
    pub writes: u64,
    /// Those that read.
    pub reads: u64,
}

/// A `perf stat` that has been attached to a process and counts when told to.
#[derive(Debug)]
pub struct Counter {
    perf: Child,
    directory: PathBuf,
    control: File,
    answers: File,
}

impl Counter {
    /// Attaches to a process; nothing is counted yet.
    ///
    /// # Errors
    ///
    /// There is no `perf`, or the kernel does not let it count.
    pub fn attach(process: u32) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(format!("sockeye-bench-{unique}"));
        fs::create_dir(&directory)?;
        let attached = Self::attach_in(process, directory.clone());
        attached.inspect_err(|_| drop(fs::remove_dir_all(&directory)))
    }

    fn attach_in(process: u32, directory: PathBuf) -> io::Result<Self> {
        let [control, answers] = ["control", "answers"].map(|name| directory.join(name));
        for fifo in [&control, &answers] {
            mkfifoat(CWD, fifo, Mode::RUSR | Mode::WUSR)?;
        }
        let mut command = Command::new("perf");
        command.args(["stat", "--delay", "-1", "--field-separator", ",", "--event", &events()]);
        command.arg("--pid").arg(process.to_string());
        command.arg("--control").arg(format!("fifo:{},{}", control.display(), answers.display()));
        command.arg("--output").arg(directory.join("counts"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let perf = command.spawn()?;
        // Opened for reading and writing, a fifo never waits for its other end.
        let open = |path| File::options().read(true).write(true).open(path);
        let mut counter =
            Self { perf, directory, control: open(control)?, answers: open(answers)? };
        rustix::fs::fcntl_setfl(&counter.answers, OFlags::NONBLOCK)?;
        counter.say("ping")?;
        Ok(counter)
    }

    /// Counts from now on.
    ///
    /// # Errors
    ///
    /// `perf` has gone.
    pub fn enable(&mut self) -> io::Result<()> {
        self.say("enable")
    }

    /// Stops counting and reads the counts.
    ///
    /// # Errors
    ///
    /// `perf` has gone, or counted nothing.
    pub fn finish(mut self) -> io::Result<Calls> {
        self.say("disable")?;
        let perf = Pid::from_child(&self.perf);
        kill_process(perf, Signal::INT)?;
        self.wait_for_end()?;
        let counts = fs::read_to_string(self.directory.join("counts"))?;
        parse_counts(&counts).ok_or_else(|| io::Error::other("perf counted nothing"))
    }

    /// Says one word and waits until it is acknowledged.
    fn say(&mut self, word: &str) -> io::Result<()> {
        self.control.write_all(format!("{word}\n").as_bytes())?;
        let give_up = Instant::now() + PATIENCE;
        let mut answer = [0; 64];
        loop {
            match self.answers.read(&mut answer) {
                Ok(count) if answer[..count].windows(3).any(|three| three == b"ack") => {
                    return Ok(());
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => self.pause(give_up)?,
            }
        }
    }

    fn wait_for_end(&mut self) -> io::Result<()> {
        let give_up = Instant::now() + PATIENCE;
        while self.perf.try_wait()?.is_none() {
            if Instant::now() > give_up {
                return Err(io::Error::other("perf does not end"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn pause(&mut self, give_up: Instant) -> io::Result<()> {
        if Instant::now() > give_up || self.perf.try_wait()?.is_some() {
            return Err(io::Error::other("perf may not count system calls here"));
        }
        std::thread::sleep(Duration::from_micros(200));
        Ok(())
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        // Errors mean that it has ended already, or that nothing is left to remove.
        let _ = self.perf.kill();
        let _ = self.perf.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn events() -> String {
    let single = WRITES.iter().chain(&READS).map(|call| format!("syscalls:sys_enter_{call}"));
    std::iter::once(ALL.to_owned()).chain(single).collect::<Vec<_>>().join(",")
}

/// Reads the lines `count,,event,…` of `perf stat --field-separator ,`. `None`: system calls were not counted.
pub fn parse_counts(text: &str) -> Option<Calls> {
    let count = |event: &str| {
        text.lines().find_map(|line| {
            let mut fields = line.split(',');
            let count = fields.next()?.parse::<u64>().ok()?;
            (fields.nth(1)? == event).then_some(count)
        })
    };
    let sum = |calls: &[&str]| {
        calls.iter().filter_map(|call| count(&format!("syscalls:sys_enter_{call}"))).sum()
    };
    Some(Calls { all: count(ALL)?, writes: sum(&WRITES), reads: sum(&READS) })
}
