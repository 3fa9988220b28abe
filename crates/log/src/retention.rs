//! What is old enough to go: by age and by bytes, from checkpoints that are set while appending.

use std::collections::VecDeque;

use crate::Options;
use crate::clock::millis;
use crate::codec::Fields;

/// What was true when an event was appended. `time` is log time: milliseconds that pass only while
/// the log is open. `bytes` counts everything that was ever appended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) at: u64,
    pub(crate) time: u64,
    pub(crate) bytes: u64,
}

/// Decides the low-water mark. Never more than about 16 000 checkpoints, whatever the options say.
pub(crate) struct Retention {
    age: u64,
    most_bytes: u64,
    /// Another checkpoint follows after so many milliseconds or bytes.
    grain: (u64, u64),
    /// Log time when the clock said zero.
    base: u64,
    /// The newest event.
    newest: Checkpoint,
    /// The newest of all checkpoints, those that expired included.
    set: Checkpoint,
    checkpoints: VecDeque<Checkpoint>,
    /// Bytes up to the low-water mark.
    low_bytes: u64,
}

/// Checkpoints for each of the two limits, at most.
const MOST: u64 = 4096;

/// Distance of checkpoints, unless a limit is so small or large that it asks for another one.
const EVERY_MS: u64 = 1000;
const EVERY_BYTES: u64 = 1 << 20;

impl Retention {
    /// Goes on behind `newest`, which is where an earlier process ended, with its checkpoints.
    pub(crate) fn new(
        options: &Options,
        newest: Checkpoint,
        checkpoints: VecDeque<Checkpoint>,
    ) -> Self {
        let (age, most_bytes) = (millis(options.event_age), options.event_bytes);
        let low_bytes = checkpoints.front().map_or(newest.bytes, |oldest| oldest.bytes);
        Self {
            age,
            most_bytes,
            grain: (grain(age, EVERY_MS), grain(most_bytes, EVERY_BYTES)),
            base: newest.time.wrapping_sub(options.clock.now()),
            newest,
            set: checkpoints.back().copied().unwrap_or(newest),
            checkpoints,
            low_bytes,
        }
    }

    /// Notes an event. If it is time for a checkpoint, it comes back: the event before, so that what was
    /// said before a long silence is as old as it is.
    pub(crate) fn note(&mut self, at: u64, weight: usize, now: u64) -> Option<Checkpoint> {
        let before = self.newest;
        let bytes = before.bytes + weight as u64;
        self.newest = Checkpoint { at, time: self.base.wrapping_add(now), bytes };
        let due = self.newest.time.saturating_sub(self.set.time) >= self.grain.0
            || bytes - self.set.bytes >= self.grain.1;
        (due && self.set.at < before.at).then(|| {
            self.set = before;
            self.checkpoints.push_back(before);
            before
        })
    }

    /// Lets go of what is too old or too much. Comes back with the checkpoints that are behind the
    /// new low-water mark; the last of them is the mark.
    pub(crate) fn expire(&mut self, now: u64) -> Vec<Checkpoint> {
        let time = self.base.wrapping_add(now);
        let mut gone = Vec::new();
        while let Some(oldest) = self.checkpoints.front() {
            let old = time.saturating_sub(oldest.time) > self.age;
            let much = self.newest.bytes - self.low_bytes > self.most_bytes;
            if !(old || much) {
                break;
            }
            self.low_bytes = oldest.bytes;
            gone.extend(self.checkpoints.pop_front());
        }
        gone
    }

    /// The newest event, at the log time of now: what the next process has to know.
    pub(crate) fn newest(&self, now: u64) -> Checkpoint {
        Checkpoint { time: self.base.wrapping_add(now), ..self.newest }
    }
}

/// So fine that a small limit has 64 of them, so coarse that a large one has no more than [`MOST`].
fn grain(limit: u64, usual: u64) -> u64 {
    (limit / MOST).max(usual.min(limit / 64)).max(1)
}

impl Checkpoint {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.time.to_be_bytes(), self.bytes.to_be_bytes()].concat()
    }

    /// From the position in a row's key, and the row.
    pub(crate) fn decode(at: &[u8], record: &[u8]) -> Option<Self> {
        let mut fields = Fields(record);
        Some(Self { at: Fields(at).u64()?, time: fields.u64()?, bytes: fields.u64()? })
    }
}
