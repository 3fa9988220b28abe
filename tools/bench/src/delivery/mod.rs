//! Delivery: what it costs that no event is missed.
//!
//! | file      | what                                                                       |
//! |-----------|----------------------------------------------------------------------------|
//! | `stored`  | events stored per second, by tasks inside the server's process              |
//! | `wire`    | the same over the wire: published, stored, acknowledged                     |
//! | `latency` | from the moment an event is due to its arrival, at a thousand a second       |
//! | `storm`   | thousands of clients come back at once, each with events that it has missed  |
//! | `restart` | from the start of a server on a large log to the first answer               |
//! | `fill`    | the process that writes that log, until it is killed                        |
//! | `inside`  | a server of this process, and its log, whose syncs are timed                 |
//! | `timed`   | a store that writes down how long each sync takes                           |
//! | `crowd`   | clients of durable namespaces: who they are, and which events each has      |
//! | `class`   | the classes, and the namespaces of each                                    |
//! | `ground`  | where logs lie meanwhile                                                   |
//! | `table`   | tables, and goals beside them                                              |
//!
//! Nothing is kept on a core here: a log has a thread of its own, which is part of the price.

pub mod class;
pub mod crowd;
pub mod fill;
pub mod ground;
pub mod inside;
pub mod latency;
pub mod restart;
pub mod stored;
pub mod storm;
pub mod table;
pub mod timed;
pub mod wire;

use std::error::Error;
use std::time::Duration;

use clap::ValueEnum;

pub use ground::Ground;
pub use table::Table;

/// Whatever keeps a part from bringing figures.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Bytes of an event's payload, everywhere.
pub const PAYLOAD: usize = 200;

/// What is measured; each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Events stored per second, inside the server's process.
    Stored,
    /// Events stored per second, over the wire.
    Wire,
    /// From the moment an event is due to its arrival.
    Latency,
    /// Clients that come back at once.
    Storm,
    /// The start of a server on a large log.
    Restart,
}

/// How far and how often.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often each class is measured in `stored` and `wire`; figures are medians.
    pub rounds: usize,
    /// Load before a window.
    pub warm_up: Duration,
    /// The measured window of a round.
    pub window: Duration,
    /// How often the classes take turns in `latency`.
    pub turns: usize,
    /// The window of a turn.
    pub turn: Duration,
    /// Clients of the storm.
    pub clients: usize,
    /// What each of them misses.
    pub missed: u32,
    /// Bytes of the log a server is started on.
    pub log_bytes: u64,
    /// How often it is started.
    pub starts: usize,
}

impl Plan {
    /// What the figures in `docs/performance.md` were made with.
    pub const USUAL: Self = Self {
        rounds: 3,
        warm_up: Duration::from_millis(500),
        window: Duration::from_secs(2),
        turns: 10,
        turn: Duration::from_secs(2),
        clients: 5000,
        missed: 100,
        log_bytes: 1 << 30,
        starts: 3,
    };
    /// A look.
    pub const QUICK: Self = Self {
        rounds: 1,
        warm_up: Duration::from_millis(50),
        window: Duration::from_millis(200),
        turns: 1,
        turn: Duration::from_millis(300),
        clients: 100,
        missed: 100,
        log_bytes: 16 << 20,
        starts: 1,
    };
}

impl Plan {
    /// How `stored` and `wire` were measured, for the report.
    fn rounds(self) -> String {
        let seconds = self.window.as_secs_f64();
        match self.rounds {
            1 => format!("one round of {seconds:.1} s"),
            rounds => format!("medians of {rounds} interleaved rounds of {seconds:.1} s"),
        }
    }
}

impl Part {
    /// Measures it. `progress` hears what happens meanwhile.
    ///
    /// # Errors
    ///
    /// What went wrong, as a sentence.
    pub fn measure(
        self,
        plan: Plan,
        ground: &Ground,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Table> {
        match self {
            Self::Stored => stored::table(plan, ground, progress),
            Self::Wire => wire::table(plan, ground, progress),
            Self::Latency => latency::table(plan, ground, progress),
            Self::Storm => storm::table(plan, ground, progress),
            Self::Restart => restart::table(plan, ground, progress),
        }
    }
}
