//! What the tests have in common: short words for appending and reading.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::time::Duration;

use sockeye_log::store::OpenStore;
use sockeye_log::{
    AppendError, Chunk, Clock, Durability, Event, Interval, Log, Options, Position, ReadError,
    Shard,
};

pub(crate) const ALL: Position = Position::ZERO;
pub(crate) const MUCH: usize = 1 << 20;

/// A log whose writer takes its turns when we say so, and whose clock we move.
pub(crate) fn by_hand(store: impl OpenStore) -> (Log, Clock) {
    let clock = Clock::by_hand();
    let options = Options { clock: clock.clone(), ..Options::default() };
    (Log::by_hand(store, options).expect("opened"), clock)
}

pub(crate) fn to(rooms: &[&str], text: &str) -> Event {
    Event {
        to: rooms.iter().map(|room| Box::from(*room)).collect(),
        text: text.to_owned().into(),
        ..Event::default()
    }
}

pub(crate) fn try_say(
    shard: &Shard,
    class: Durability,
    text: &str,
) -> Result<Position, AppendError> {
    let appended = shard.append(class, None, text.len(), |_| to(&["room"], text));
    appended.map(sockeye_log::Appended::position)
}

/// Says something in the room that is called `room`.
pub(crate) fn say(shard: &Shard, class: Durability, text: &str) -> Position {
    try_say(shard, class, text).expect("accepted")
}

pub(crate) fn end() -> Position {
    Position::from(u64::MAX)
}

/// Reads the room from a position on.
pub(crate) fn read(shard: &Shard, after: Position) -> Result<Chunk, ReadError> {
    shard.read(&[Interval::since("room", ALL)], after, end(), MUCH)
}

/// What was said in it.
pub(crate) fn texts(shard: &Shard, after: Position) -> Vec<String> {
    let chunk = read(shard, after).expect("no gap");
    let text = |event: &sockeye_log::StoredEvent| event.event.text.to_vec();
    chunk.events.iter().map(|event| String::from_utf8(text(event)).expect("text")).collect()
}

/// The gap that reading from there meets.
pub(crate) fn gap(shard: &Shard, after: Position) -> (u64, u64) {
    match read(shard, after) {
        Err(ReadError::Gap { after, up_to }) => (after.get(), up_to.get()),
        other => panic!("a gap was expected, and this came: {other:?}"),
    }
}

pub(crate) fn second() -> Duration {
    Duration::from_secs(1)
}
