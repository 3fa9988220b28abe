//! What stands in the log: events that are to be answered, and which of them are.
//!
//! The log drops what is oldest when it is large, and knows nothing of answers. So an event that is still not answered when twice
//! as much has been written behind it as may be kept is written once more, at the end, under the number it has.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use log::{AppendError, Durability, Event, Position, Shard, Stored};
use socket_proto::Encoded;

use super::Found;

/// The room of events.
pub(super) const KEPT: &str = "kept";
/// The room of notes about events that are answered.
pub(super) const DONE: &str = "done";

/// The events of a durable outbox.
pub(crate) struct Journal {
    shard: Shard,
    /// What may be kept.
    bytes: u64,
    /// What is kept.
    used: u64,
    /// What has been written since it was opened, or was there then.
    written: u64,
    /// What is not answered, by its number: its first position in the log.
    entries: BTreeMap<u64, Entry>,
}

struct Entry {
    namespace: Box<str>,
    text: Bytes,
    attachments: Vec<Bytes>,
    weight: u64,
    /// What had been written when it was.
    since: u64,
    /// Where it stands; `None` if it was there at the start.
    position: Option<Position>,
}

/// What a record counts for beside its bytes.
const RECORD: u64 = 256;

impl Journal {
    pub(super) fn new(shard: Shard, bytes: u64) -> Self {
        Journal { shard, bytes, used: 0, written: 0, entries: BTreeMap::new() }
    }

    /// An event of an earlier run.
    pub(super) fn found(&mut self, found: &Found) {
        let entry = Entry::new(&found.namespace, found.text.clone(), found.attachments.clone());
        self.used += entry.weight;
        // It may stand at the very front: the next one that is written takes it along.
        self.written = self.bytes.saturating_mul(2);
        self.entries.insert(found.number, entry);
    }

    /// Calls `told` when it is known of something whether it is stored.
    pub(crate) fn watch(&self, told: impl Fn() + Send + Sync + 'static) {
        self.shard.log().watch(move |_| told());
    }

    /// Keeps an event. Its number.
    ///
    /// # Errors
    ///
    /// Why it is not kept.
    pub(crate) fn keep(&mut self, namespace: &str, packet: &Encoded) -> Result<u64, Arc<str>> {
        let text = Bytes::copy_from_slice(packet.text().as_bytes());
        let mut entry = Entry::new(namespace, text, packet.attachments.clone());
        if self.used.saturating_add(entry.weight) > self.bytes {
            return Err(format!("it holds {} bytes of events, as many as it may", self.used).into());
        }
        let words = |error: AppendError| Arc::from(error.to_string());
        self.copy_forward().map_err(words)?;
        let at = self.append(&entry, None).map_err(words)?;
        (entry.position, entry.since) = (Some(at), self.written);
        self.used += entry.weight;
        self.entries.insert(at.get(), entry);
        Ok(at.get())
    }

    /// Whether an event is stored, if that is known: an event of an earlier run is.
    pub(crate) fn outcome(&self, number: u64) -> Option<Result<(), Arc<str>>> {
        let Some(at) = self.entries.get(&number).and_then(|entry| entry.position) else {
            return Some(Ok(()));
        };
        let outcome = self.shard.log().outcome(at, Durability::Fsync)?;
        Some(outcome.map_err(|error| error.to_string().into()))
    }

    /// Waits until an event that was kept in this run is stored.
    pub(crate) fn stored(&self, number: u64) -> Stored {
        self.shard.log().stored(number.into(), Durability::Fsync)
    }

    /// An event is answered, or given up, or could not be stored: it is not sent after a restart.
    pub(crate) fn done(&mut self, number: u64) {
        let Some(entry) = self.entries.remove(&number) else { return };
        self.used -= entry.weight;
        self.written += RECORD;
        let note = |_| Event {
            to: room(DONE),
            except: vec![number.to_string().into()],
            ..Event::default()
        };
        if let Err(error) = self.shard.append(Durability::Async, None, 0, note) {
            tracing::warn!(%error, "an event is answered, and stays in the outbox: it is sent again after a restart");
        }
    }

    /// Writes once more what has come so far to the front that it might be dropped soon.
    fn copy_forward(&mut self) -> Result<(), AppendError> {
        let behind = self.bytes.saturating_mul(2);
        let far = |entry: &Entry, written: u64| written.saturating_sub(entry.since) >= behind;
        if !self.entries.values().next().is_some_and(|entry| far(entry, self.written)) {
            return Ok(());
        }
        let written = self.written;
        let mut entries = std::mem::take(&mut self.entries);
        let copied = entries.iter_mut().filter(|(_, entry)| far(entry, written)).try_for_each(
            |(number, entry)| {
                self.append(entry, Some(*number))?;
                entry.since = self.written;
                Ok(())
            },
        );
        self.entries = entries;
        copied
    }

    fn append(&mut self, entry: &Entry, number: Option<u64>) -> Result<Position, AppendError> {
        let size = usize::try_from(entry.weight).unwrap_or(usize::MAX);
        let appended = self.shard.append(Durability::Fsync, None, size, |at| Event {
            to: room(KEPT),
            except: vec![number.unwrap_or(at.get()).to_string().into(), entry.namespace.clone()],
            asks: true,
            text: entry.text.clone(),
            attachments: entry.attachments.clone(),
        })?;
        self.written += entry.weight;
        Ok(appended.position())
    }
}

impl Entry {
    fn new(namespace: &str, text: Bytes, attachments: Vec<Bytes>) -> Self {
        let bytes =
            text.len() + namespace.len() + attachments.iter().map(Bytes::len).sum::<usize>();
        let weight = RECORD + u64::try_from(bytes).unwrap_or(u64::MAX / 2);
        Entry { namespace: namespace.into(), text, attachments, weight, since: 0, position: None }
    }
}

fn room(name: &str) -> log::Names {
    [name.into()].into_iter().collect()
}
