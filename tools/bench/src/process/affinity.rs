//! Which core a process runs on: the server has one for itself, the generator the other.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cores {
    /// Where servers run.
    pub server: usize,
    /// Where the generator runs.
    pub generator: usize,
}

/// Servers on core 0, the generator on core 1.
pub const CORES: Cores = Cores { server: 0, generator: 1 };

impl Cores {
    /// [`CORES`], if this thread may run on both.
    pub fn available() -> Option<Self> {
        let allowed = sched_getaffinity(None).ok()?;
        [CORES.server, CORES.generator].iter().all(|&core| allowed.is_set(core)).then_some(CORES)
    }
}

/// Keeps this thread, and the processes it starts from now on, on one core.
///
/// # Errors
///
/// What the kernel says.
pub fn pin(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}
