//! The other side of a server: many raw WebSocket or HTTP connections on one thread.
//!
//! | file       | what it knows                                                        |
//! |------------|----------------------------------------------------------------------|
//! | `fleet`    | the connections, the one place that waits, one write per connection   |
//! | `open`     | upgrade, Engine.IO open packet, Socket.IO CONNECT                     |
//! | `listen`   | frames in, pongs out, messages to whoever listens                     |
//! | `message`  | prebuilt frames with holes for numbers, and the answers they expect   |
//! | `awaiting` | waiting until all that was asked for has come                         |
//! | `sequence` | what is in flight, and in which order it comes back                   |

pub mod awaiting;
pub mod fleet;
pub mod listen;
pub mod message;
pub mod open;
pub mod sequence;

use crate::frame::FrameError;

/// The masking key of every frame sent here. Any key will do, but for zero, which would be no work to undo.
pub const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// Nanoseconds since the [`fleet::Fleet`] was made.
pub type Nanos = u64;

/// Why a measurement is worth nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The kernel refused something.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The server sent a frame the generator does not take.
    #[error("connection {link}: {error}")]
    Frame {
        /// Which connection.
        link: usize,
        /// What is wrong with the frame.
        error: FrameError,
    },
    /// The server went away.
    #[error("connection {link}: the server closed it{}", reason(said))]
    Closed {
        /// Which connection.
        link: usize,
        /// What it said at last.
        said: String,
    },
    /// An answer is not what it has to be.
    #[error("connection {link}: got `{got}`, expected {expected}")]
    Wrong {
        /// Which connection.
        link: usize,
        /// What came, shortened.
        got: String,
        /// What should have come.
        expected: &'static str,
    },
    /// An answer came twice, or to a question nobody asked.
    #[error("connection {link}: number {number} came a second time, or was never sent")]
    Doubled {
        /// Which connection.
        link: usize,
        /// The number of the message.
        number: u32,
    },
    /// Answers did not come.
    #[error("{0} answers never came")]
    Lost(u64),
    /// The server took too long.
    #[error("{missing} of {of} connections were not open after {seconds} s")]
    Late {
        /// How many are not open.
        missing: usize,
        /// How many were wanted.
        of: usize,
        /// How long the generator waited.
        seconds: u64,
    },
    /// A client of `sockeye-client` says what is wrong.
    #[error("client {link}: {problem}")]
    Client {
        /// Which client.
        link: usize,
        /// Its words.
        problem: String,
    },
    /// Clients do not play this.
    #[error(
        "clients play echo-…, ack-…, bcast-… and idle-…, with so many in flight; the rest is for the raw generator"
    )]
    NotForClients,
    /// This process may not open enough connections.
    #[error("{wanted} connections are wanted, but only {limit} files may be open (ulimit -n)")]
    Files {
        /// What the scenario asks for.
        wanted: usize,
        /// What the system allows.
        limit: u64,
    },
}

impl Failure {
    /// [`Failure::Client`], in its words.
    pub fn of_client(link: usize, problem: &(impl ToString + ?Sized)) -> Self {
        Self::Client { link, problem: problem.to_string() }
    }

    /// [`Failure::Wrong`], with at most the first 120 bytes of what came.
    pub fn wrong(link: usize, got: &[u8], expected: &'static str) -> Self {
        let got = String::from_utf8_lossy(&got[..got.len().min(120)]).into_owned();
        Self::Wrong { link, got, expected }
    }
}

fn reason(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(" with `{said}`") }
}
