//! One room, read page by page: in the store, or in the ring.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::event::{Record, event_key, position_of};
use crate::inside::Core;
use crate::store::{Order, Table};
use crate::{Event, Position, StoreError};

/// From this position to that one, both included.
pub(crate) type Span = (u64, u64);

/// A room with the spans of it that are still to be read.
pub(crate) struct Source {
    room: Box<str>,
    place: Place,
    /// In order, without overlaps.
    spans: VecDeque<Span>,
    page: VecDeque<(u64, Piece)>,
    page_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Store,
    Ring,
}

/// What is known about an event so far.
pub(crate) enum Piece {
    Whole(Event),
    /// The ring's own.
    Shared(Arc<Event>),
    /// It stands under this room.
    Elsewhere(Box<str>),
    Damaged,
}

impl Source {
    /// The two sources of a room.
    pub(crate) fn both(room: &str, spans: Vec<Span>, page_bytes: usize) -> [Self; 2] {
        let spans = in_order(spans);
        [Place::Store, Place::Ring].map(|place| Self {
            room: room.into(),
            place,
            spans: spans.clone(),
            page: VecDeque::new(),
            page_bytes,
        })
    }

    pub(crate) fn is_store(&self) -> bool {
        self.place == Place::Store
    }

    /// The position of what comes next, which is read if need be.
    pub(crate) fn head(&mut self, core: &Core, shard: u32) -> Result<Option<u64>, StoreError> {
        while self.page.is_empty() {
            let Some((first, last)) = self.spans.pop_front() else { return Ok(None) };
            let read_to = match self.place {
                Place::Store => self.read_store(core, shard, (first, last))?,
                Place::Ring => self.read_ring(core, shard, (first, last)),
            };
            if read_to < last {
                self.spans.push_front((read_to + 1, last));
            }
        }
        Ok(self.page.front().map(|(at, _)| *at))
    }

    /// What [`head`](Self::head) was about.
    pub(crate) fn take(&mut self) -> Piece {
        self.page.pop_front().map_or(Piece::Damaged, |(_, piece)| piece)
    }

    /// Reads a page. Comes back with how far that went.
    fn read_store(&mut self, core: &Core, shard: u32, span: Span) -> Result<u64, StoreError> {
        let mut left = self.page_bytes;
        let mut read_to = span.1;
        let page = &mut self.page;
        scan(core, shard, &self.room, span, Order::Ascending, &mut |at, size, piece| {
            page.push_back((at, piece));
            left = left.saturating_sub(size);
            if left == 0 {
                read_to = at;
            }
            left > 0
        })?;
        Ok(read_to)
    }

    fn read_ring(&mut self, core: &Core, shard: u32, (first, last): Span) -> u64 {
        let mut left = self.page_bytes;
        let ring = core.ring.read();
        for (at, event) in ring.between(shard, &self.room, first, last) {
            self.page.push_back((*at, Piece::Shared(Arc::clone(event))));
            left = left.saturating_sub(event.weight());
            if left == 0 {
                return *at;
            }
        }
        last
    }
}

impl Piece {
    /// The better one of two pieces of the same event.
    pub(crate) fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Whole(_) | Self::Shared(_), _) | (Self::Elsewhere(_), Self::Damaged) => self,
            _ => other,
        }
    }

    /// The event; `None` if it is damaged.
    pub(crate) fn resolve(
        self,
        core: &Core,
        shard: u32,
        at: u64,
    ) -> Result<Option<Event>, StoreError> {
        match self {
            Self::Whole(event) => Ok(Some(event)),
            Self::Shared(event) => Ok(Some(Event::clone(&event))),
            Self::Damaged => Ok(None),
            Self::Elsewhere(room) => {
                let mut found = None;
                scan(core, shard, &room, (at, at), Order::Ascending, &mut |_, _, piece| {
                    found = Some(piece);
                    false
                })?;
                Ok(found.and_then(|piece| match piece {
                    Self::Whole(event) => Some(event),
                    _ => None,
                }))
            }
        }
    }
}

/// Calls `each` with position, size and piece of a room's events in the store, until it wants no more.
/// Events that do not count are left out.
pub(crate) fn scan(
    core: &Core,
    shard: u32,
    room: &str,
    (first, last): Span,
    order: Order,
    each: &mut dyn FnMut(u64, usize, Piece) -> bool,
) -> Result<(), StoreError> {
    let from = event_key(shard, room, first.into());
    let to = event_key(shard, room, last.saturating_add(1).into());
    core.with_store(|store| {
        let past = core.past.read();
        store.scan(Table::Events, &from, &to, order, &mut |key, value| {
            let at = position_of(key).map_or(0, Position::get);
            if !past.holds(at) || each(at, key.len() + value.len(), piece(key, value)) {
                return ControlFlow::Continue(());
            }
            ControlFlow::Break(())
        })
    })
}

fn piece(key: &[u8], value: &[u8]) -> Piece {
    match Record::read(key, value) {
        Some(Record::Body(event)) => Piece::Whole(event),
        Some(Record::Reference(room)) => Piece::Elsewhere(room),
        None => Piece::Damaged,
    }
}

/// Spans sorted, and those that overlap made one.
fn in_order(mut spans: Vec<Span>) -> VecDeque<Span> {
    spans.sort_unstable();
    let mut apart: VecDeque<Span> = VecDeque::with_capacity(spans.len());
    for (first, last) in spans {
        match apart.back_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => apart.push_back((first, last)),
        }
    }
    apart
}
