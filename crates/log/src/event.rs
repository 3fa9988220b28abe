//! One event: whom it is for, and its packet.
//!
//! An event to several rooms is kept once, under the first of them; under the others stands where
//! to look. So whoever was in two of them is given it once, and it takes its space once.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::codec::{Fields, put_bytes, put_len, seal, unseal};
use crate::store::{Batch, Table};
use crate::{AppendError, Position};

/// Names of rooms. One is kept without a list on the heap.
pub type Names = SmallVec<[Box<str>; 1]>;

/// What is sent to somebody, and kept.
///
/// ```
/// use sockeye_log::Event;
///
/// let event = Event {
///     to: ["lobby".into()].into_iter().collect(),
///     text: r#"2["hello"]"#.into(),
///     ..Event::default()
/// };
/// assert!(event.except.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The rooms it is for; none means everyone, and so does the room `""`. A name has at most 65 535
    /// bytes.
    pub to: Names,
    /// The rooms and socket ids that are left out. The log keeps them and does not look at them.
    pub except: Vec<Box<str>>,
    /// Whether it asks for an acknowledgement.
    pub asks: bool,
    /// The Socket.IO packet.
    pub text: Bytes,
    /// Its binary attachments.
    pub attachments: Vec<Bytes>,
}

/// An event with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Where it stands.
    pub position: Position,
    /// The event.
    pub event: Event,
}

/// What an event or an entry takes beside its bytes: tables, lists, counters.
pub(crate) const OVERHEAD: usize = 128;

/// The longest name of a room: its length is written in two bytes.
const LONGEST_ROOM: usize = u16::MAX as usize;

const BODY: u8 = 1;
const REFERENCE: u8 = 2;

/// A record of the table of events, read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Body(Event),
    /// The body stands under this room.
    Reference(Box<str>),
}

impl Event {
    /// What it counts for, in bytes.
    pub(crate) fn weight(&self) -> usize {
        let names = self.to.iter().chain(&self.except).map(|name| name.len());
        let attachments = self.attachments.iter().map(Bytes::len);
        OVERHEAD + self.text.len() + names.chain(attachments).sum::<usize>()
    }

    /// The rooms under which it is kept, each once; everyone is the room without a name.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &str> {
        let everyone = self.to.is_empty().then_some("");
        let named = self.to.iter().enumerate();
        let once = named.filter(|(at, room)| !self.to[..*at].contains(room));
        everyone.into_iter().chain(once.map(|(_, room)| &**room))
    }

    pub(crate) fn check(&self) -> Result<(), AppendError> {
        self.to.iter().try_for_each(|room| check_room(room))
    }

    /// Writes it into a batch, under each of its rooms.
    pub(crate) fn write(&self, shard: u32, at: Position, batch: &mut Batch) {
        let mut rooms = self.rooms();
        let Some(first) = rooms.next() else { return };
        let key = event_key(shard, first, at);
        let body = seal(&key, self.encode(at));
        batch.put(Table::Events, key, body);
        for room in rooms {
            let key = event_key(shard, room, at);
            let reference = seal(&key, encode_reference(first, at));
            batch.put(Table::Events, key, reference);
        }
    }

    fn encode(&self, at: Position) -> Vec<u8> {
        let mut record = Vec::with_capacity(self.weight());
        record.push(BODY);
        record.extend_from_slice(&at.get().to_be_bytes());
        record.push(u8::from(self.asks));
        put_names(&mut record, &self.to);
        put_names(&mut record, &self.except);
        put_bytes(&mut record, &self.text);
        put_len(&mut record, self.attachments.len());
        self.attachments.iter().for_each(|one| put_bytes(&mut record, one));
        record
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            asks: fields.u8()? != 0,
            to: take_names(fields)?,
            except: take_names(fields)?,
            text: fields.bytes()?,
            attachments: (0..fields.count(4)?).map(|_| fields.bytes()).collect::<Option<_>>()?,
        })
    }
}

impl Record {
    /// What stands under this key; `None` if it is not what was written.
    pub(crate) fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let mut fields = Fields(unseal(key, value)?);
        let kind = fields.u8()?;
        if Some(fields.u64()?) != position_of(key).map(Position::get) {
            return None;
        }
        match kind {
            BODY => Event::decode(&mut fields).map(Self::Body),
            REFERENCE => fields.text().map(Self::Reference),
            _ => None,
        }
    }
}

pub(crate) fn check_room(room: &str) -> Result<(), AppendError> {
    if room.len() > LONGEST_ROOM {
        return Err(AppendError::RoomTooLong(room.len()));
    }
    Ok(())
}

/// Namespace, room, position: a room's events stand together, in their order.
pub(crate) fn event_key(shard: u32, room: &str, at: Position) -> Vec<u8> {
    let len = u16::try_from(room.len()).unwrap_or(u16::MAX);
    let mut key = Vec::with_capacity(14 + room.len());
    key.extend_from_slice(&shard.to_be_bytes());
    key.extend_from_slice(&len.to_be_bytes());
    key.extend_from_slice(room.as_bytes());
    key.extend_from_slice(&at.get().to_be_bytes());
    key
}

/// The position in the last 8 bytes of a key.
pub(crate) fn position_of(key: &[u8]) -> Option<Position> {
    let at = key.last_chunk()?;
    Some(Position::from(u64::from_be_bytes(*at)))
}

fn encode_reference(room: &str, at: Position) -> Vec<u8> {
    let mut record = Vec::with_capacity(17 + room.len());
    record.push(REFERENCE);
    record.extend_from_slice(&at.get().to_be_bytes());
    put_bytes(&mut record, room.as_bytes());
    record
}

fn put_names(record: &mut Vec<u8>, names: &[Box<str>]) {
    put_len(record, names.len());
    for name in names {
        put_bytes(record, name.as_bytes());
    }
}

fn take_names<T: FromIterator<Box<str>>>(fields: &mut Fields<'_>) -> Option<T> {
    (0..fields.count(4)?).map(|_| fields.text()).collect()
}
