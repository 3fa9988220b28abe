//! What the log knows about its past: which positions were ever written, and which were lost.

use crate::Interval;
use crate::codec::{Fields, put_len};

/// The past of a log. Every table here is bounded; what would not fit is said to be gone, by raising
/// the low-water mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// In order. Positions between two of them were never written.
    epochs: Vec<Epoch>,
    lost: Vec<Lost>,
    /// Up to here everything may be gone.
    low: u64,
    /// Sessions that began before this are no more: some change of them failed.
    forgotten: u64,
}

/// A time during which positions were given out without an accident. It begins when the log is
/// opened and ends when it is closed, or when its store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Epoch {
    first: u64,
    /// `None` while it goes on.
    last: Option<u64>,
}

/// Events that somebody was given, and that are not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Of one namespace, or of all.
    pub(crate) shard: Option<u32>,
    pub(crate) after: u64,
    pub(crate) up_to: u64,
}

const MOST_EPOCHS: usize = 1024;
const MOST_LOST: usize = 4096;

impl Past {
    /// Up to here everything may be gone.
    pub(crate) fn low(&self) -> u64 {
        self.low
    }

    /// Whether the event at this position counts, if the store has one.
    pub(crate) fn holds(&self, at: u64) -> bool {
        let begun = self.epochs.partition_point(|epoch| epoch.first <= at);
        let epoch = begun.checked_sub(1).map(|last| self.epochs[last]);
        epoch.is_some_and(|epoch| epoch.last.is_none_or(|last| at <= last))
    }

    /// Whether what stands at this position was told to have failed, though the store may have it.
    pub(crate) fn denies(&self, at: u64) -> bool {
        self.low < at && !self.holds(at)
    }

    /// The first gap in `(after, up_to]` that somebody would notice who wants these intervals.
    pub(crate) fn gap(
        &self,
        shard: u32,
        wanted: &[Interval],
        after: u64,
        up_to: u64,
    ) -> Option<(u64, u64)> {
        let low = Lost { shard: None, after: 0, up_to: self.low };
        let theirs = self.lost.iter().chain([&low]).filter(|lost| lost.concerns(shard));
        let noticed = theirs.filter_map(|lost| {
            let (from, to) = (lost.after.max(after), lost.up_to.min(up_to));
            wanted.iter().any(|stay| stay.meets(from, to)).then_some((from, lost.up_to))
        });
        noticed.min()
    }

    /// Sessions that began before this cannot be trusted: some change of them may have failed.
    pub(crate) fn forget_sessions(&mut self, begun_before: u64) {
        self.forgotten = self.forgotten.max(begun_before);
    }

    /// Whether a session that began here is no more.
    pub(crate) fn has_forgotten(&self, start: u64) -> bool {
        start < self.forgotten
    }

    /// A new epoch begins with this position.
    pub(crate) fn begin(&mut self, first: u64) {
        self.epochs.push(Epoch { first, last: None });
        if self.epochs.len() > MOST_EPOCHS {
            self.raise(self.epochs[1].first - 1);
        }
    }

    /// The epoch is over, and this was the last position of it that counts.
    pub(crate) fn end(&mut self, last: u64) {
        if let Some(epoch) = self.epochs.last_mut().filter(|epoch| epoch.last.is_none()) {
            epoch.last = Some(last);
        }
        self.epochs.retain(|epoch| epoch.last.is_none_or(|last| epoch.first <= last));
    }

    /// Events were lost.
    pub(crate) fn lose(&mut self, lost: Lost) {
        if lost.after < lost.up_to {
            self.lost.push(lost);
        }
        if self.lost.len() > MOST_LOST {
            self.raise(self.lost[0].up_to);
        }
    }

    /// Everything up to here may be gone. Never goes back.
    pub(crate) fn raise(&mut self, low: u64) {
        self.low = self.low.max(low);
        let low = self.low;
        self.epochs.retain(|epoch| epoch.last.is_none_or(|last| low < last));
        self.lost.retain(|lost| low < lost.up_to);
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut record = [self.low, self.forgotten].map(u64::to_be_bytes).concat();
        put_len(&mut record, self.epochs.len());
        for epoch in &self.epochs {
            record.extend(epoch.first.to_be_bytes());
            record.extend(epoch.last.unwrap_or(u64::MAX).to_be_bytes());
        }
        put_len(&mut record, self.lost.len());
        for lost in &self.lost {
            record.extend(lost.shard.unwrap_or(u32::MAX).to_be_bytes());
            record.extend(lost.after.to_be_bytes());
            record.extend(lost.up_to.to_be_bytes());
        }
        record
    }

    pub(crate) fn decode(record: &[u8]) -> Option<Self> {
        let mut fields = Fields(record);
        let (low, forgotten) = (fields.u64()?, fields.u64()?);
        let epochs = (0..fields.count(16)?).map(|_| Epoch::decode(&mut fields));
        let epochs = epochs.collect::<Option<_>>()?;
        let lost = (0..fields.count(20)?).map(|_| Lost::decode(&mut fields));
        let lost = lost.collect::<Option<_>>()?;
        Some(Self { epochs, lost, low, forgotten })
    }
}

impl Epoch {
    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let (first, last) = (fields.u64()?, fields.u64()?);
        Some(Self { first, last: (last < u64::MAX).then_some(last) })
    }
}

impl Lost {
    fn concerns(&self, shard: u32) -> bool {
        self.shard.is_none_or(|one| one == shard)
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let shard = fields.u32()?;
        let shard = (shard < u32::MAX).then_some(shard);
        Some(Self { shard, after: fields.u64()?, up_to: fields.u64()? })
    }
}
