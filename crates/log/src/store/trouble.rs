//! What goes wrong below, in the words of [`StoreError`].

use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::StoreError;

/// What the operating system says to an engine that looks for what is not there. All else (no
/// permission, too many open files, a failing disk) says nothing about what was written.
const NOT_WHAT_WAS_WRITTEN: [ErrorKind; 8] = [
    ErrorKind::NotFound,
    ErrorKind::AlreadyExists,
    ErrorKind::InvalidData,
    ErrorKind::InvalidInput,
    ErrorKind::IsADirectory,
    ErrorKind::NotADirectory,
    ErrorKind::Other,
    ErrorKind::UnexpectedEof,
];

/// For `map_err`: the operating system refused while we were `doing` something.
pub(super) fn io_trouble(doing: &'static str) -> impl FnOnce(io::Error) -> StoreError {
    move |source| match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full(source.into()),
        _ => StoreError::Io { doing, source: source.into() },
    }
}

/// `what` cannot be what was written.
pub(super) fn damaged(what: &Path, why: impl Into<String>) -> StoreError {
    StoreError::Damaged { what: what.to_owned(), why: why.into() }
}

/// Asks the engine for something; where it fails, says whether that was the operating system, an
/// earlier failure, or damage in the directory `at`.
///
/// The engine panics over some kinds of damage (a table's description that does not parse, for
/// one), so a panic is damage too.
pub(super) fn engine<T>(
    at: &Path,
    doing: &'static str,
    ask: impl FnOnce() -> fjall::Result<T>,
) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(answer) => answer.map_err(|error| translate(at, doing, error)),
        Err(panic) => Err(damaged(at, said(panic.as_ref()))),
    }
}

fn translate(at: &Path, doing: &'static str, error: fjall::Error) -> StoreError {
    match error {
        fjall::Error::Locked => StoreError::InUse(at.to_owned()),
        fjall::Error::Poisoned => StoreError::Closed,
        fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source))
            if !NOT_WHAT_WAS_WRITTEN.contains(&source.kind()) =>
        {
            io_trouble(doing)(source)
        }
        fjall::Error::Storage(fjall::LsmError::ChecksumMismatch { .. }) => {
            damaged(at, "a checksum is wrong")
        }
        other => damaged(at, other.to_string()),
    }
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it cannot be read").to_owned()
}
