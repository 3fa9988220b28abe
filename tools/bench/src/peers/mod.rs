//! The servers that are measured side by side, and what each needs before it can be started.
//!
//! Sources of the peers are small and committed (`peers/`); what they depend on is fetched on demand by npm, pip and cargo
//! and stays under `target/bench/`.
//!
//! | file     | what                                                            |
//! |----------|-----------------------------------------------------------------|
//! | `choice` | who takes part: words of the command line                        |
//! | `switch` | features of ours that can be turned on, a column each            |
//! | `places` | where sources are and results go; our servers, and `socketioxide` |
//! | `node`   | the reference implementation on Node.js, `µWebSockets`, Bun         |
//! | `python` | `python-socketio` in a virtual environment                       |
//! | `tools`  | running npm, pip and cargo, once                                 |

mod choice;
mod node;
mod places;
mod python;
mod switch;
mod tools;

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::process::server::StartError;
pub use choice::Choice;
pub use places::Places;
pub use switch::{Setting, Switch};

/// A server to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// Ours: `contract --profile bench`.
    Sockeye,
    /// Another build of ours, to see what a change brings.
    #[value(skip)]
    Before,
    /// Ours with a feature on, to see what that costs.
    #[value(skip)]
    With(Switch),
    /// What the kernel alone costs.
    Floor,
    /// The reference: npm `socket.io` on Node.js.
    Socketio,
    /// The reference on `µWebSockets`: npm `@trufflesuite/uws-js-unofficial`.
    SocketioUws,
    /// The reference on Bun: npm `@socket.io/bun-engine`.
    Bun,
    /// crates.io `socketioxide` on axum.
    Socketioxide,
    /// `PyPI` `python-socketio` on uvicorn and uvloop.
    Python,
}

impl Peer {
    /// All that `--servers` can name, in the order of the table: neither [`Before`](Self::Before) nor [`With`](Self::With).
    pub const ALL: [Self; 7] = [
        Self::Sockeye,
        Self::Floor,
        Self::Socketio,
        Self::SocketioUws,
        Self::Bun,
        Self::Socketioxide,
        Self::Python,
    ];

    /// Those that take part where nobody says who does.
    pub const USUAL: [Self; 4] = [Self::Sockeye, Self::Floor, Self::Socketio, Self::Socketioxide];

    /// Whether it comes from a registry, so that it may be missing where there is no way to one.
    pub fn is_guest(self) -> bool {
        !matches!(self, Self::Sockeye | Self::Before | Self::With(_) | Self::Floor)
    }
}

impl Display for Peer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::With(switch) => return write!(f, "{}, {switch}", Self::Sockeye),
            Self::Sockeye => "sockeye",
            Self::Before => "before",
            Self::Floor => "floor",
            Self::Socketio => "socket.io",
            Self::SocketioUws => "socket.io+uws",
            Self::Bun => "bun",
            Self::Socketioxide => "socketioxide",
            Self::Python => "python",
        })
    }
}

/// A server that can be started.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Which one.
    pub peer: Peer,
    /// What starts it; `--port N` comes behind.
    pub command: Vec<String>,
    /// What it finds in its environment, whatever the scenario.
    pub variables: Vec<(&'static str, &'static str)>,
    /// What it is, for the report.
    pub version: String,
}

/// Who takes part, and who could not.
#[derive(Clone, Debug, Default)]
pub struct Lineup {
    /// Ready to be started.
    pub servers: Vec<Prepared>,
    /// Guests that cannot be had on this machine.
    pub left_out: Vec<LeftOut>,
}

/// A guest that cannot be had here.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Which one.
    pub peer: Peer,
    /// What is missing.
    pub why: String,
}

/// Why a server cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A file cannot be read, written or copied.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A tool cannot be started.
    #[error(
        "cannot start `{tool}` ({error}); install {needed}, or choose other servers with --servers"
    )]
    Tool {
        /// Which one.
        tool: String,
        /// What the system says.
        error: io::Error,
        /// What has to be installed.
        needed: &'static str,
    },
    /// A tool said why above.
    #[error("`{command}` failed")]
    Failed {
        /// The whole command.
        command: String,
    },
    /// The registry has no build for this kind of machine.
    #[error("there is no {what} for {machine}")]
    NoBuild {
        /// Of what.
        what: &'static str,
        /// The architecture.
        machine: &'static str,
    },
    /// It was installed, and does not run.
    #[error(transparent)]
    Start(#[from] StartError),
}
