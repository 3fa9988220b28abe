//! What the engine takes on trust when it opens a store, looked at before.
//!
//! The engine has a checksum for the list of each table's files, but does not check it; a list that
//! does not parse makes it panic, and, with its locks held, again while it cleans up, which ends the
//! process (fjall 3.1.13). A list that does parse may name fewer files than were written.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use super::trouble::{damaged, io_trouble};
use crate::StoreError;

/// Where the engine has its tables, one directory each, named by a number.
const TABLES: &str = "keyspaces";
/// Which list of a table's files counts: its number (8 bytes) and its checksum (16), little endian.
const CURRENT: &str = "current";

/// Looks at the store in the directory `at`.
///
/// # Errors
///
/// [`StoreError::Damaged`] if it is not to be opened.
pub(super) fn inspect(at: &Path) -> Result<(), StoreError> {
    require_a_journal(at)?;
    let tables = at.join(TABLES);
    if !tables.is_dir() {
        return Err(damaged(at, "its tables are missing"));
    }
    list(&tables)?.iter().filter(|path| path.is_dir()).try_for_each(|table| inspect_table(table))
}

/// Without its journal the engine would open, and count what it writes from the beginning again:
/// after the next crash it would take new entries for old ones.
fn require_a_journal(at: &Path) -> Result<(), StoreError> {
    let is_journal = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "jnl");
    let found = list(at)?.iter().any(is_journal);
    if found { Ok(()) } else { Err(damaged(at, "its journal is missing")) }
}

fn inspect_table(table: &Path) -> Result<(), StoreError> {
    let number = table.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok());
    if number.is_none() {
        return Err(damaged(table, "this is not the name of a table"));
    }
    let Some(current) = read(&table.join(CURRENT))? else {
        // It was about to be made, or removed, when the process ended. If not, the chain tells.
        return Ok(());
    };
    let list = current.first_chunk().map(|version| u64::from_le_bytes(*version));
    let list = list.map(|version| read(&table.join(format!("v{version}")))).transpose()?.flatten();
    let checksum = list.map(|list| xxh3_128(&list).to_le_bytes());
    if checksum.as_ref().map(<[u8; 16]>::as_slice) == current.get(8..24) {
        return Ok(());
    }
    Err(damaged(table, "the list of its files is not the one that was written"))
}

/// `None` if there is no such file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_trouble("read the store")(error)),
    }
}

fn list(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(directory);
    let paths = entries.and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    paths.map_err(io_trouble("read the store's directory"))
}
