//! How many files this process and the servers it starts may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Ten thousand connections, and some more files.
pub const WANTED_FILES: u64 = 10_500;

/// Raises the soft limit as far as the hard one goes; what it is then.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { raised } else { limit };
    now.current.unwrap_or(u64::MAX)
}

/// Files that are open besides the connections.
pub const OTHER_FILES: u64 = 100;
