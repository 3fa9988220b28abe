//! A store in a directory.
//!
//! ```text
//! DIR/lock                       held while a process has the log open
//! DIR/mark                       how far the store was written
//! DIR/events/                    the store
//! DIR/events.new/                a store that was not finished when the process ended; removed
//! DIR/events.damaged-2026-…/     a store that did not open, set aside
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::mark::Mark;
use super::tables::Tables;
use super::trouble::{damaged, io_trouble};
use super::{OpenStore, Store};
use crate::{Position, StoreError};

const MIB: u64 = 1 << 20;
const EVENTS: &str = "events";
const UNFINISHED: &str = "events.new";
const SET_ASIDE: &str = "events.damaged-";
/// What the engine has in its directory from the moment it is complete.
const ENGINE_MARKER: &str = "version";

/// A store in a directory, and the mark beside it. No other process can have it at the same time.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
    mark: Mark,
    generation_bytes: u64,
    /// Held until this is dropped.
    _lock: File,
}

impl Disk {
    /// The store in `dir`, which is made if it is not there. It is not opened yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] if somebody else has it; [`StoreError::Foreign`] if there are other
    /// things in `dir`, but no store: nothing is touched then.
    pub fn at(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(io_trouble("make the log's directory"))?;
        refuse_what_is_not_ours(&dir)?;
        let lock = lock(&dir)?;
        Ok(Self {
            mark: Mark::open(dir.join("mark")),
            dir,
            generation_bytes: 64 * MIB,
            _lock: lock,
        })
    }

    /// What is old is dropped in pieces of about this size, from 1 to 128 MiB. Unless said: 64 MiB.
    ///
    /// A sixteenth of what is to be kept is a good size. There are never more than some 256 pieces:
    /// a store with more than 256 times this has larger ones, and where one is larger than some
    /// 150 MiB its files are merged now and then, which holds appends up for seconds.
    #[must_use]
    pub fn generation_bytes(mut self, bytes: u64) -> Self {
        self.generation_bytes = bytes.clamp(MIB, 128 * MIB);
        self
    }

    /// The mark beside the store.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    fn events(&self) -> PathBuf {
        self.dir.join(EVENTS)
    }

    /// Makes an empty store under another name first, so that a half-made one is never found.
    fn begin(&self) -> Result<(), StoreError> {
        let unfinished = self.dir.join(UNFINISHED);
        remove(&unfinished).map_err(io_trouble("remove an unfinished store"))?;
        Tables::begin(&unfinished)?;
        let finish = || {
            fs::rename(&unfinished, self.events())?;
            sync_directory(&self.dir)
        };
        finish().map_err(io_trouble("name the new store"))
    }
}

impl OpenStore for Disk {
    fn open(&self) -> Result<Box<dyn Store>, StoreError> {
        let events = self.events();
        let there = events.try_exists().map_err(io_trouble("look for the store"))?;
        if !there {
            self.begin()?;
        } else if !events.join(ENGINE_MARKER).is_file() {
            return Err(damaged(&events, "what a store begins with is missing"));
        }
        Ok(Box::new(Tables::open(&events, self.generation_bytes)?))
    }

    fn set_aside(&self) -> Result<String, StoreError> {
        let date = date(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        let names = (1..).map(|number| match number {
            1 => format!("{SET_ASIDE}{date}"),
            _ => format!("{SET_ASIDE}{date}-{number}"),
        });
        let mut free = names.map(|name| self.dir.join(name)).filter(|path| !path.exists());
        let aside = free.next().unwrap_or_else(|| self.dir.join(SET_ASIDE));
        let rename = fs::rename(self.events(), &aside).and_then(|()| sync_directory(&self.dir));
        rename.map_err(io_trouble("set the damaged store aside"))?;
        Ok(aside.display().to_string())
    }

    fn read_mark(&self) -> Result<Option<Position>, StoreError> {
        self.mark.read()
    }

    fn write_mark(&self, written: Position, sync: bool) -> Result<(), StoreError> {
        self.mark.write(written)?;
        if sync { self.mark.sync() } else { Ok(()) }
    }
}

/// Nobody's files are to be hurt: a directory with other things in it has to have a store already.
fn refuse_what_is_not_ours(dir: &Path) -> Result<(), StoreError> {
    let list =
        || fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
    let names = list().map_err(io_trouble("read the log's directory"))?;
    let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
    if names.iter().any(|name| *name == "mark") || dir.join(EVENTS).join(ENGINE_MARKER).exists() {
        return Ok(());
    }
    // A disk of its own is not quite empty when it is new.
    let harmless = ["lock", "mark.new", UNFINISHED, "lost+found"];
    let foreign = names
        .into_iter()
        .find(|name| !harmless.contains(&name.as_ref()) && !name.starts_with(SET_ASIDE));
    foreign.map_or(Ok(()), |found| {
        Err(StoreError::Foreign { dir: dir.to_owned(), found: found.into_owned() })
    })
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock"));
    let file = open.map_err(io_trouble("open the log's lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(io_trouble("lock the log")(source)),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Names in a directory survive a loss of power only after this. Windows has nothing like it.
fn sync_directory(dir: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { File::open(dir)?.sync_all() }
}

/// The time since 1970 as `2026-11-26T01-38-26`, in UTC. Colons are not for names of files.
fn date(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs();
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}")
}

/// Year, month and day. Counted from a first of March, so that the leap day is the last of its year.
fn civil(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_in_the_order_in_which_names_sort() {
        let at = |seconds| date(Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00-00-00");
        assert_eq!(at(951_868_799), "2000-02-29T23-59-59");
        assert_eq!(at(951_868_800), "2000-03-01T00-00-00");
        assert_eq!(at(1_795_657_106), "2026-11-26T01-38-26");
        assert_eq!(at(4_107_542_400), "2100-03-01T00-00-00");
    }
}
