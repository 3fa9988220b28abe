//! How the client's commands end, as scripts see it.

use std::process::ExitCode;

use super::text::plain;

/// Why a command did not do what it was to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// One sentence, with what to do where there is something.
    pub(crate) words: String,
}

/// What scripts tell apart, by the exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// An option, the input, or something that is none of the others.
    Other = 1,
    /// Nobody is there, the way there is broken, or the connection was lost.
    Unreachable = 3,
    /// The server is there and says no.
    Refused = 4,
    TimedOut = 5,
}

impl Failure {
    pub(crate) fn new(kind: Kind, words: impl Into<String>) -> Self {
        Failure { kind, words: words.into() }
    }

    /// Says it on stderr; the exit code says which kind it was.
    pub(crate) fn tell(&self) -> ExitCode {
        eprintln!("sockeye: {}", plain(&self.words));
        ExitCode::from(self.kind as u8)
    }
}

impl From<String> for Failure {
    fn from(words: String) -> Self {
        Failure::new(Kind::Other, words)
    }
}
