//! What a seed decides before anything happens.

use std::fmt;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use sockeye::Durability;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A connection breaks, and both sides notice.
    Cut,
    /// A connection falls silent: nothing is lost, nothing arrives, nobody is told.
    Silence,
    /// A page gives a connection up without a word, and opens another: the server still has the old one.
    Takeover,
    /// Connections become slow.
    Delay,
    /// A page stops reading for a while.
    SlowReader,
    /// A page disconnects on purpose, and comes back.
    Leave,
    /// The server disconnects a page.
    Kick,
    /// A page is loaded again, and passes its position on.
    Reload,
    /// The store refuses what is appended.
    FailedAppend,
    /// The store does not make durable what it has.
    FailedSync,
    /// The store is full for a while.
    FullStore,
    /// The process of the server ends.
    Kill,
    /// The power goes.
    PowerLoss,
    /// A bit in the store is another one.
    Damage,
    /// Hours pass for the log.
    LogClock,
    /// Minutes pass at once for the server and its clients.
    ServerClock,
}

/// All of them.
pub(crate) const FAULTS: [Fault; 16] = [
    Fault::Cut,
    Fault::Silence,
    Fault::Takeover,
    Fault::Delay,
    Fault::SlowReader,
    Fault::Leave,
    Fault::Kick,
    Fault::Reload,
    Fault::FailedAppend,
    Fault::FailedSync,
    Fault::FullStore,
    Fault::Kill,
    Fault::PowerLoss,
    Fault::Damage,
    Fault::LogClock,
    Fault::ServerClock,
];

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Fault {
    pub(crate) fn is_of_store(self) -> bool {
        use Fault::{FailedAppend, FailedSync, FullStore};
        matches!(self, FailedAppend | FailedSync | FullStore)
    }

    /// Whether sessions may be lost after it, or a part of the log: everybody may be told of a gap.
    pub(crate) fn is_loss(self) -> bool {
        use Fault::{
            Damage, FailedAppend, FailedSync, FullStore, LogClock, PowerLoss, ServerClock,
        };
        matches!(
            self,
            FailedAppend | FailedSync | FullStore | PowerLoss | Damage | LogClock | ServerClock
        )
    }
}

/// How a page connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Polling,
    WebSocket,
    /// It polls, and goes over to a WebSocket when that stands: as the official client does by itself.
    Upgrade,
}

/// One life.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Of the namespace.
    pub(crate) class: Durability,
    /// Of single events; the namespace's own is one of them.
    pub(crate) classes: Vec<Durability>,
    /// Of the server.
    pub(crate) workers: usize,
    /// One for each page.
    pub(crate) ways: Vec<Way>,
    pub(crate) rooms: usize,
    pub(crate) steps: usize,
    /// What may go wrong here. A life with everything shows less than many with a few things each.
    pub(crate) faults: Vec<Fault>,
    /// How many steps of a hundred are faults.
    pub(crate) fault_rate: u32,
    /// How many pauses of a hundred end with a turn of the log's writer.
    pub(crate) commit_rate: u32,
    /// Most bytes that an event is filled up with.
    pub(crate) padding: usize,
    pub(crate) outbox: usize,
    /// What the log keeps.
    pub(crate) event_bytes: u64,
}

/// How long clients may be away.
pub(crate) const AWAY: Duration = Duration::from_mins(1);

impl Plan {
    pub(crate) fn pages(&self) -> usize {
        self.ways.len()
    }

    /// Whether the log keeps less than is said.
    pub(crate) fn is_short_of_space(&self) -> bool {
        self.event_bytes < 1 << 30
    }

    pub(crate) fn new(seed: u64) -> Self {
        let random = &mut SmallRng::seed_from_u64(seed);
        let class = one(
            random,
            &[Durability::Memory, Durability::Async, Durability::Fsync, Durability::Fsync],
        );
        let mut classes = vec![class];
        if random.random_ratio(1, 3) {
            classes.extend([Durability::Memory, Durability::Async, Durability::Fsync]);
        }
        // Where nothing is lost, nobody may be told of a gap.
        let lossless = random.random_ratio(1, 3);
        let faults = FAULTS.into_iter().filter(|fault| !lossless || !fault.is_loss());
        let faults = faults.filter(|_| random.random_ratio(2, 5)).collect();
        let padding = one(random, &[0, 200, 2_000, 20_000]);
        let ways = (0..random.random_range(2..=6))
            .map(|_| one(random, &[Way::Polling, Way::WebSocket, Way::WebSocket, Way::Upgrade]));
        let ways = ways.collect();
        Plan {
            seed,
            class,
            classes,
            workers: one(random, &[1, 3]),
            ways,
            rooms: random.random_range(1..=4),
            steps: random.random_range(40..=400),
            faults,
            fault_rate: one(random, &[2, 8, 20]),
            commit_rate: one(random, &[100, 80, 30]),
            padding,
            outbox: one(random, &[20_000, 100_000, 4 << 20]),
            event_bytes: if lossless { 1 << 30 } else { one(random, &[1 << 30, 1 << 30, 200_000]) },
        }
    }
}

fn one<T: Copy>(random: &mut SmallRng, choices: &[T]) -> T {
    *choices.choose(random).expect("there is a choice")
}
