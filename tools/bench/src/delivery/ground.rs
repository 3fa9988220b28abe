//! Where logs lie while something is measured, and which contract server is started on them.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::client::Failure;
use crate::process::limits::OTHER_FILES;
use crate::process::observer::Observer;
use crate::process::server::{Server, StartError};

/// What the parts stand on.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Where logs are made and removed; on the disk that is measured.
    pub directory: PathBuf,
    /// The contract server, for the parts that need one.
    pub contract: PathBuf,
    /// This program, which can fill a log.
    pub bench: PathBuf,
    /// How many files may be open.
    pub files: u64,
}

impl Ground {
    /// A new directory for one log.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn scratch(&self) -> io::Result<Scratch> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.join(format!("log-{}-{number}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Scratch(path))
    }

    /// Starts the profile `delivery` on the log in a directory.
    ///
    /// # Errors
    ///
    /// See [`Server::start`].
    pub fn serve(&self, log: &Path) -> Result<Server, StartError> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let words = ["--profile", "delivery", "--data"].map(str::to_owned);
        let command = [&[text(&self.contract)], words.as_slice(), &[text(log)]].concat();
        Server::start(&command, &[], None)
    }

    /// Whether so many connections can be made.
    ///
    /// # Errors
    ///
    /// [`Failure::Files`] if not.
    pub fn allow(&self, wanted: usize) -> Result<(), Failure> {
        if wanted as u64 + OTHER_FILES > self.files {
            return Err(Failure::Files { wanted, limit: self.files });
        }
        Ok(())
    }
}

/// Watches a server.
pub fn observer(server: &Server) -> Observer {
    Observer::new(server.id())
}

/// A directory that is removed when this is dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Bytes that the disk gives to the files in it.
    ///
    /// # Errors
    ///
    /// What the system says; files that go meanwhile are not counted.
    pub fn bytes(&self) -> io::Result<u64> {
        bytes_in(&self.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is a temporary directory: what cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The unit of `st_blocks`, whatever the file system's blocks are.
const BLOCK: u64 = 512;

fn bytes_in(directory: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        sum += match entry.metadata() {
            Ok(data) if data.is_dir() => bytes_in(&entry.path())?,
            Ok(data) => data.blocks() * BLOCK,
            Err(_) => 0,
        };
    }
    Ok(sum)
}
