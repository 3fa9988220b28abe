//! Reading what somebody was meant to hear: rooms and stays merged into one order.
//!
//! Each room of the store, and each room of the ring, is a source that is read page by page; a heap
//! says which of them comes next. An event that comes from several sources is one event.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::inside::Core;
use crate::source::{Piece, Source, Span};
use crate::{Event, Interval, Position, ReadError, StoredEvent};

/// A part of what somebody was meant to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// In the order of positions, each once.
    pub events: Vec<StoredEvent>,
    /// Everything that was wanted up to here is in `events`. Read on from here.
    pub read_to: Position,
}

/// What is read, for whom.
pub(crate) struct Reading<'a> {
    pub(crate) core: &'a Core,
    pub(crate) shard: u32,
    pub(crate) wanted: &'a [Interval],
}

/// The least and the most that a source reads at once, in bytes.
const PAGE: (usize, usize) = (4 << 10, 256 << 10);

impl Reading<'_> {
    /// What is wanted in `(after, up_to]`, until it is `most_bytes`.
    pub(crate) fn chunk(
        &self,
        after: u64,
        up_to: u64,
        most_bytes: usize,
    ) -> Result<Chunk, ReadError> {
        let up_to = up_to.min(self.core.told.written());
        if up_to <= after {
            return Ok(Chunk { events: Vec::new(), read_to: after.into() });
        }
        let up_to = self.up_to_gap(after, up_to)?;
        let chunk = self.merge(after, up_to, most_bytes)?;
        // Something may have been dropped meanwhile.
        let end = self.up_to_gap(after, chunk.read_to.get())?;
        Ok(chunk.cut(end))
    }

    /// How far reading comes before the first gap.
    fn up_to_gap(&self, after: u64, up_to: u64) -> Result<u64, ReadError> {
        match self.core.past.read().gap(self.shard, self.wanted, after, up_to) {
            Some((from, to)) if from == after => Err(gap(from, to)),
            Some((from, _)) => Ok(from),
            None => Ok(up_to),
        }
    }

    fn merge(&self, after: u64, up_to: u64, most_bytes: usize) -> Result<Chunk, ReadError> {
        let mut sources = self.sources(after, up_to, most_bytes);
        let mut heads = BinaryHeap::new();
        for (number, source) in sources.iter_mut().enumerate() {
            heads.extend(source.head(self.core, self.shard)?.map(|at| Reverse((at, number))));
        }
        let (mut events, mut bytes) = (Vec::new(), 0);
        while let Some(Reverse((at, _))) = heads.peek().copied() {
            let Some(event) = self.take(at, &mut heads, &mut sources)? else {
                return before_damage(events, after, at);
            };
            bytes += event.weight();
            events.push(StoredEvent { position: at.into(), event });
            if bytes >= most_bytes {
                return Ok(Chunk { events, read_to: at.into() });
            }
        }
        Ok(Chunk { events, read_to: up_to.into() })
    }

    /// The event that several sources may have; `None` if none of them has it undamaged.
    fn take(
        &self,
        at: u64,
        heads: &mut BinaryHeap<Reverse<(u64, usize)>>,
        sources: &mut [Source],
    ) -> Result<Option<Event>, ReadError> {
        let mut best = Piece::Damaged;
        while let Some(Reverse((_, number))) = heads.peek().copied().filter(|head| head.0.0 == at) {
            heads.pop();
            let source = &mut sources[number];
            best = best.or(source.take());
            heads.extend(source.head(self.core, self.shard)?.map(|at| Reverse((at, number))));
        }
        Ok(best.resolve(self.core, self.shard, at)?)
    }

    /// A room of the store and one of the ring for each room that is wanted.
    fn sources(&self, after: u64, up_to: u64, most_bytes: usize) -> Vec<Source> {
        let mut rooms: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
        for stay in self.wanted.iter().filter(|stay| stay.meets(after, up_to)) {
            let first = stay.joined.get().max(after) + 1;
            rooms.entry(&stay.room).or_default().push((first, stay.last().min(up_to)));
        }
        let page = (most_bytes / (2 * rooms.len()).max(1)).clamp(PAGE.0, PAGE.1);
        let both = rooms.into_iter().flat_map(|(room, spans)| Source::both(room, spans, page));
        both.filter(|source| !(self.core.memory && source.is_store())).collect()
    }
}

impl Chunk {
    /// Only what is up to here.
    fn cut(mut self, end: u64) -> Self {
        let end = Position::from(end);
        if end < self.read_to {
            self.events.retain(|event| event.position <= end);
            self.read_to = end;
        }
        self
    }
}

/// What is before a damaged event comes first; whoever reads on from there is told.
fn before_damage(events: Vec<StoredEvent>, after: u64, at: u64) -> Result<Chunk, ReadError> {
    if at - 1 > after {
        return Ok(Chunk { events, read_to: (at - 1).into() });
    }
    Err(gap(after, at))
}

pub(crate) fn gap(after: u64, up_to: u64) -> ReadError {
    ReadError::Gap { after: after.into(), up_to: up_to.into() }
}
