//! What an earlier run has left behind.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use log::{Interval, ReadError, Shard, StoredEvent};
use socket_proto::{Args, Encoded, encode, event};

use super::journal::{DONE, KEPT};

/// An event that was not answered when the client ended.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Its number in the log, and its place in the order.
    pub(crate) number: u64,
    pub(crate) namespace: Box<str>,
    pub(super) text: Bytes,
    pub(super) attachments: Vec<Bytes>,
}

/// What is read at a time.
const CHUNK: usize = 1 << 20;

/// All of them, in the order in which they were emitted.
///
/// # Errors
///
/// If the log cannot be read.
pub(super) fn read(shard: &Shard) -> Result<Vec<Found>, ReadError> {
    let wanted = [KEPT, DONE].map(|room| Interval::since(room, shard.low_water()));
    let (mut at, end) = (shard.low_water(), shard.log().head());
    let (mut kept, mut done) = (BTreeMap::new(), BTreeSet::new());
    while at < end {
        let before = at;
        match shard.read(&wanted, at, end, CHUNK) {
            Ok(chunk) => {
                chunk.events.into_iter().for_each(|event| take(event, &mut kept, &mut done));
                at = chunk.read_to;
            }
            Err(ReadError::Gap { up_to, .. }) => at = up_to,
            Err(error) => return Err(error),
        }
        if at <= before {
            break;
        }
    }
    kept.retain(|number, _| !done.contains(number));
    Ok(kept.into_values().collect())
}

fn take(stored: StoredEvent, kept: &mut BTreeMap<u64, Found>, done: &mut BTreeSet<u64>) {
    let event = stored.event;
    let mut words = event.except.into_iter();
    let Some(number) = words.next().and_then(|number| number.parse().ok()) else { return };
    match words.next() {
        None => drop(done.insert(number)),
        Some(namespace) => {
            let (text, attachments) = (event.text, event.attachments);
            kept.insert(number, Found { number, namespace, text, attachments });
        }
    }
}

impl Found {
    /// Its packet, with another id: ids begin anew in each run. `None` if it is none, which somebody else must have written.
    pub(crate) fn packet(&self, id: u64, room: usize) -> Option<Encoded> {
        let text = std::str::from_utf8(&self.text).ok()?;
        let sent = event::read(text)?;
        let args = Args { json: sent.json, attachments: &self.attachments };
        Some(encode::event_raw(&self.namespace, &sent.name, args, Some(id), room))
    }
}
