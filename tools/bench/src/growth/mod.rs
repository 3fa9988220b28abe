//! Growth: the same cost again and again, for more and more of something. Curves that should be flat are looked at, not
//! believed.
//!
//! | file         | what                                                                       |
//! |--------------|----------------------------------------------------------------------------|
//! | `wire`       | over the wire, with the scenarios: deliveries, connections, namespaces      |
//! | `membership` | in this process: joining and leaving while many memberships exist           |
//! | `audience`   | in this process: who is meant by ten rooms, and by exclusions               |
//! | `chart`      | curves, and their table                                                    |
//! | `svg`        | their picture                                                              |

pub mod audience;
pub mod chart;
pub mod membership;
pub mod svg;
pub mod wire;

use clap::ValueEnum;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::statistics::median;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// A room that is spoken to.
    Room,
    /// Connections that are made and stay.
    Connections,
    /// Memberships that exist while somebody joins and leaves.
    Membership,
    /// The audience of ten rooms, and of rooms with exclusions.
    Audience,
    /// Namespaces of the server.
    Namespaces,
}

/// How far and how often.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Everything is measured so often; points are medians.
    pub rounds: usize,
    /// Points with more than this are left out.
    pub largest: u64,
}

impl Plan {
    /// Rounds inside this process: they are short, and take no turns.
    fn in_process(self) -> usize {
        self.rounds * 2 - 1
    }

    /// Those sizes that are not too large.
    fn sizes(self, sizes: &[u64]) -> Vec<u64> {
        sizes.iter().copied().filter(|&size| size <= self.largest).collect()
    }
}

/// Processor nanoseconds of this thread for each of `count` units, the median of `rounds` rounds. The first round only warms
/// up.
#[expect(clippy::cast_precision_loss, reason = "times and counts stay far below 2^52")]
fn nanos_each(rounds: usize, count: u64, mut round: impl FnMut()) -> Option<f64> {
    round();
    let rounds = (0..rounds).map(|_| {
        let before = thread_nanos();
        round();
        (thread_nanos() - before) as f64 / count as f64
    });
    median(rounds)
}

/// Other programs do not count here.
fn thread_nanos() -> i64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    tv_sec * 1_000_000_000 + tv_nsec
}

/// Numbers that look random and are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// One of `0..sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("less than `sides`")
    }
}
