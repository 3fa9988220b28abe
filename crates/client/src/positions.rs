//! Positions in a file.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::recovery::{Position, Positions};

/// Positions of one client in a file: of each of its namespaces, where it stands.
///
/// The file is written by a thread of its own, at most ten times a second, and replaced as a whole, so it is never half
/// written; it is readable by its owner only where the system knows owners. Where that fails (a full disk), it is tried again until
/// it does not, and the log says so. Dropping this writes what is left. Two clients need two files.
///
/// ```
/// use sockeye_client::{Client, FilePositions};
///
/// let directory = tempfile::tempdir()?;
/// let positions = FilePositions::open(directory.path().join("positions.json"))?;
/// let client = Client::builder("http://localhost:3000").positions(positions).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FilePositions {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    state: Mutex<State>,
    /// There is something to write, or it is the end.
    news: Condvar,
}

#[derive(Debug)]
struct State {
    positions: HashMap<String, Position>,
    is_written: bool,
    /// The last time it could not be written.
    has_failed: bool,
    ends: bool,
}

/// How long a position may be younger than the file: what a crash brings again.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a disk is left alone that has not taken it.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

impl FilePositions {
    /// Reads the file, which need not be there.
    ///
    /// ```
    /// let directory = tempfile::tempdir()?;
    /// let positions = sockeye_client::FilePositions::open(directory.path().join("positions.json"))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is no file of positions: then whoever wants to begin anew removes it.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let positions = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => HashMap::new(),
            Err(error) => return Err(error),
        };
        let state =
            Mutex::new(State { positions, is_written: true, has_failed: false, ends: false });
        let shared = Arc::new(Shared { path, state, news: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("sockeye-positions".to_owned());
        let writer = thread.spawn(move || theirs.run())?;
        Ok(FilePositions { shared, writer: Some(writer) })
    }
}

impl Positions for FilePositions {
    fn load(&self, namespace: &str) -> Option<Position> {
        self.shared.state.lock().positions.get(namespace).cloned()
    }

    fn store(&self, namespace: &str, position: &Position) {
        let mut state = self.shared.state.lock();
        match state.positions.get_mut(namespace) {
            Some(place) => place.clone_from(position),
            None => drop(state.positions.insert(namespace.to_owned(), position.clone())),
        }
        if std::mem::replace(&mut state.is_written, false) {
            self.shared.news.notify_one();
        }
    }
}

impl Drop for FilePositions {
    fn drop(&mut self) {
        self.shared.state.lock().ends = true;
        self.shared.news.notify_one();
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.state.lock();
        loop {
            while state.is_written && !state.ends {
                self.news.wait(&mut state);
            }
            let ends = state.ends;
            if !state.is_written {
                state.is_written = true;
                let text = serde_json::to_vec(&state.positions).unwrap_or_default();
                drop(state);
                let written = self.write(&text);
                state = self.state.lock();
                let failed_before = std::mem::replace(&mut state.has_failed, written.is_err());
                if let Err(error) = written {
                    state.is_written = false;
                    if !failed_before {
                        tracing::warn!(%error, path = %self.path.display(), "positions are not stored");
                    }
                }
            }
            if ends {
                return;
            }
            let pause = if state.has_failed { PAUSE_AFTER_FAILURE } else { PAUSE };
            self.news.wait_while_for(&mut state, |state| !state.ends, pause);
        }
    }

    /// A file beside it, made durable, takes its place.
    fn write(&self, text: &[u8]) -> io::Result<()> {
        let beside = self.path.with_added_extension("new");
        let mut file = create(&beside)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<File> {
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::{FilePositions, Position, Positions};

    #[test]
    fn positions_are_there_again_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("positions.json");
        let position = Position { pid: "p".into(), offset: Some("7".into()) };
        let positions = FilePositions::open(&path).unwrap();
        assert_eq!(positions.load("/"), None);
        positions.store("/", &Position::default());
        positions.store("/", &position);
        drop(positions);
        assert_eq!(FilePositions::open(&path).unwrap().load("/"), Some(position));
    }

    #[test]
    fn what_could_not_be_written_is_written_when_it_can_be() {
        let directory = tempfile::tempdir().unwrap();
        let house = directory.path().join("house");
        let path = house.join("positions.json");
        let position = Position { pid: "p".into(), offset: None };
        let positions = FilePositions::open(&path).unwrap();
        positions.store("/", &position);
        while !positions.shared.state.lock().has_failed {
            std::thread::yield_now();
        }
        std::fs::create_dir(&house).unwrap();
        while !path.exists() {
            std::thread::yield_now();
        }
        assert_eq!(FilePositions::open(&path).unwrap().load("/"), Some(position));
    }

    #[test]
    fn a_file_of_another_kind_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("positions.json");
        std::fs::write(&path, "my notes").unwrap();
        FilePositions::open(&path).unwrap_err();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "my notes");
    }
}
