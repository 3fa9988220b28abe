//! Where what is said is kept: in a directory, or only as long as the program runs.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use sockeye::{Log, LogOptions};

use crate::options::Options;

/// Messages that are older are forgotten; as are the oldest when all together are larger than 1 GiB.
const KEPT_FOR: Duration = Duration::from_hours(30 * 24);

/// Opens the log. An error says what to do.
pub(crate) fn open(options: &Options) -> Result<Log, String> {
    let settings = LogOptions { event_age: KEPT_FOR, ..LogOptions::default() };
    match options.directory() {
        None => Ok(Log::memory(settings)),
        Some(directory) => Log::open_with(directory, settings).map_err(|error| {
            let directory = directory.display();
            let why = in_full(&error);
            format!(
                "what is said cannot be kept in {directory} ({why}): choose another directory with --data, or keep nothing with --memory"
            )
        }),
    }
}

/// One line for whoever starts the program.
pub(crate) fn sentence(log: &Log, directory: Option<&Path>) -> String {
    match directory {
        None => "What is said is in memory only, and gone with the program.".to_owned(),
        Some(directory) => {
            format!("What is said is kept in {}: {}.", directory.display(), log.verdict())
        }
    }
}

/// An error with those that caused it.
fn in_full(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let more = deeper.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = deeper.source();
    }
    words
}
