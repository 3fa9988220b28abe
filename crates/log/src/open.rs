//! What is found in a store, and how the log goes on from there.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;

use crate::codec::{Fields, unseal};
use crate::encode::after;
use crate::epoch::{Lost, Past};
use crate::keys::{self, Keys, Used};
use crate::meta;
use crate::retention::Checkpoint;
use crate::store::{Batch, OpenStore, Order, Store, Table};
use crate::token::Secret;
use crate::{OpenError, Options, Position, StoreError, Verdict};

/// How far ahead positions are reserved: a durable mark says that they may have been handed out.
pub(crate) const RESERVE: u64 = 1_000_000;

/// What a log begins with.
pub(crate) struct Found {
    pub(crate) secret: Secret,
    pub(crate) verdict: Verdict,
    pub(crate) past: Past,
    /// The first position that is handed out.
    pub(crate) first: u64,
    /// Where the last process ended, and its checkpoints.
    pub(crate) newest: Checkpoint,
    pub(crate) checkpoints: VecDeque<Checkpoint>,
    pub(crate) keys: Vec<Used>,
    pub(crate) shards: HashMap<Box<str>, u32>,
}

/// Opens a store and finds out what is in it; sets it aside if it cannot be read. When this comes
/// back, positions from [`Found::first`] on may be handed out.
pub(crate) fn open(
    opener: &dyn OpenStore,
    options: &Options,
) -> Result<(Box<dyn Store>, Found), OpenError> {
    let (store, found) = match look(opener, options) {
        Err(damage @ StoreError::Damaged { .. }) => {
            let mark = read_mark(opener)?.unwrap_or(0);
            let (store, verdict) = set_aside(opener, &damage, mark)?;
            (store, Found { verdict, ..Found::empty(mark, |_| Verdict::Fresh) })
        }
        Err(StoreError::InUse(_)) => return Err(OpenError::InUse),
        other => other?,
    };
    let mut batch = Batch::default();
    found.begin(&mut batch);
    lights(&*store, &mut |key, _| batch.delete(Table::Meta, key.to_vec()))?;
    store.append(&batch)?;
    store.make_durable()?;
    opener.write_mark((found.first - 1).into(), true)?;
    Ok((store, found))
}

fn look(opener: &dyn OpenStore, options: &Options) -> Result<(Box<dyn Store>, Found), StoreError> {
    let store = opener.open()?;
    let mark = read_mark(opener)?;
    let found = match State::load(&*store)? {
        Some(state) => state.go_on(&*store, options, mark)?,
        None => Found::empty(mark.unwrap_or(0), |up_to| Verdict::Damaged {
            after: 0.into(),
            up_to: up_to.into(),
        }),
    };
    Ok((store, found))
}

/// An empty store in the place of one that is damaged, and what there is to say about it.
pub(crate) fn set_aside(
    opener: &dyn OpenStore,
    damage: &StoreError,
    up_to: u64,
) -> Result<(Box<dyn Store>, Verdict), StoreError> {
    let place = opener.set_aside()?;
    let store = opener.open()?;
    Ok((store, Verdict::SetAside { place, why: damage.to_string(), up_to: up_to.into() }))
}

/// A mark that cannot be read is none.
fn read_mark(opener: &dyn OpenStore) -> Result<Option<u64>, StoreError> {
    match opener.read_mark() {
        Err(StoreError::Damaged { .. }) => Ok(None),
        other => Ok(other?.map(Position::get)),
    }
}

impl Found {
    /// A new log where there was none, or where everything up to the mark is lost.
    pub(crate) fn empty(mark: u64, lost: impl FnOnce(u64) -> Verdict) -> Self {
        let first = if mark == 0 { 1 } else { beyond(mark) };
        let mut past = Past::default();
        past.raise(first - 1);
        past.begin(first);
        Self {
            secret: Secret::random(),
            verdict: if mark == 0 { Verdict::Fresh } else { lost(mark) },
            past,
            first,
            newest: Checkpoint { at: first - 1, ..Checkpoint::default() },
            checkpoints: VecDeque::new(),
            keys: Vec::new(),
            shards: HashMap::new(),
        }
    }

    /// Writes down that the log goes on from here.
    fn begin(&self, batch: &mut Batch) {
        let newest = Checkpoint { at: self.first - 1, ..self.newest };
        begin_epoch(batch, &self.secret, &self.past, newest);
        batch.delete(Table::Meta, meta::CLEAN.to_vec());
    }
}

/// A position that cannot have been handed out when the mark was written: it was synced whenever
/// positions were reserved.
fn beyond(mark: u64) -> u64 {
    mark.saturating_add(2 * RESERVE)
}

/// The rows with which an epoch begins.
pub(crate) fn begin_epoch(batch: &mut Batch, secret: &Secret, past: &Past, newest: Checkpoint) {
    let mut put = |key: &[u8], record: Vec<u8>| meta::put(batch, key.to_vec(), record);
    put(meta::FORMAT, meta::VERSION.to_be_bytes().to_vec());
    put(meta::SECRET, secret.to_bytes().to_vec());
    put(meta::PAST, past.encode());
    put(meta::RESERVED, newest.at.saturating_add(1 + RESERVE).to_be_bytes().to_vec());
    put(meta::LAST, encode_last(newest));
}

pub(crate) fn encode_last(newest: Checkpoint) -> Vec<u8> {
    [newest.at, newest.time, newest.bytes].map(u64::to_be_bytes).concat()
}

/// The newest batch of a store; `None` if there is none.
pub(crate) fn last(store: &dyn Store) -> Result<Option<Checkpoint>, StoreError> {
    let mut last = Rows::default();
    last.read(store, meta::LAST)?;
    let Some(record) = last.take(meta::LAST) else { return Ok(None) };
    decode_last(&record).map(Some).ok_or_else(|| StoreError::damaged("last"))
}

fn decode_last(record: &[u8]) -> Option<Checkpoint> {
    let mut fields = Fields(record);
    Some(Checkpoint { at: fields.u64()?, time: fields.u64()?, bytes: fields.u64()? })
}

/// What the last process wrote down about the log.
struct State {
    secret: Secret,
    past: Past,
    reserved: u64,
    last: Checkpoint,
    clean: bool,
    rows: Rows,
}

impl State {
    /// `None` if the store is empty.
    fn load(store: &dyn Store) -> Result<Option<Self>, StoreError> {
        let mut rows = Rows::default();
        rows.read(store, b"")?;
        let Some(format) = rows.take(meta::FORMAT) else {
            return if is_empty(store)? { Ok(None) } else { Err(StoreError::damaged("format")) };
        };
        if format != meta::VERSION.to_be_bytes() {
            let found = format!("a log of version {format:?}");
            return Err(StoreError::Foreign { dir: "the store".into(), found });
        }
        Self::read(rows).map(Some).ok_or_else(|| StoreError::damaged("the log's own table"))
    }

    fn read(mut rows: Rows) -> Option<Self> {
        Some(Self {
            secret: Secret::from_bytes(&rows.take(meta::SECRET)?)?,
            past: Past::decode(&rows.take(meta::PAST)?)?,
            reserved: Fields(&rows.take(meta::RESERVED)?).u64()?,
            last: decode_last(&rows.take(meta::LAST)?)?,
            clean: rows.take(meta::CLEAN).is_some(),
            rows,
        })
    }

    fn go_on(
        mut self,
        store: &dyn Store,
        options: &Options,
        mark: Option<u64>,
    ) -> Result<Found, StoreError> {
        let (first, verdict) = self.judge(mark);
        self.past.end(self.last.at);
        if matches!(verdict, Verdict::Damaged { .. }) {
            self.past.lose(Lost { shard: None, after: self.last.at, up_to: first - 1 });
        }
        for (shard, at) in self.rows.lights() {
            self.past.lose(Lost { shard: Some(shard), after: at - 1, up_to: first - 1 });
        }
        self.past.begin(first);
        Ok(Found {
            secret: self.secret,
            verdict,
            first,
            newest: self.last,
            checkpoints: self.rows.checkpoints(self.past.low()),
            keys: newest_keys(store, options.keys, &self.past)?,
            shards: self.rows.shards(),
            past: self.past,
        })
    }

    /// Where positions begin, and whether everything is there. Without a mark that cannot be told,
    /// unless the log was closed in order.
    fn judge(&self, mark: Option<u64>) -> (u64, Verdict) {
        let last = self.last.at;
        let up_to = match mark {
            Some(mark) if mark > last => mark,
            None if !self.clean => self.reserved.max(last + 1),
            _ if self.clean => return (self.reserved, Verdict::Clean),
            _ => return (self.reserved, Verdict::Recovered),
        };
        let first = self.reserved.max(beyond(up_to));
        (first, Verdict::Damaged { after: last.into(), up_to: up_to.into() })
    }
}

/// Rows of the log's own table, their checksums checked.
#[derive(Default)]
struct Rows(HashMap<Vec<u8>, Vec<u8>>);

impl Rows {
    /// Reads the rows whose keys begin so. A checkpoint that is damaged is left out; it only makes
    /// retention coarser.
    fn read(&mut self, store: &dyn Store, prefix: &[u8]) -> Result<(), StoreError> {
        let mut damaged = None;
        let end = after(prefix);
        store.scan(Table::Meta, prefix, &end, Order::Ascending, &mut |key, value| {
            if let Some(record) = unseal(key, value) {
                self.0.insert(key.to_vec(), record.to_vec());
            } else if !key.starts_with(meta::CHECKPOINT) {
                damaged = Some(StoreError::damaged(&String::from_utf8_lossy(key)));
            }
            ControlFlow::Continue(())
        })?;
        damaged.map_or(Ok(()), Err)
    }

    fn take(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.remove(key)
    }

    /// The rows with a prefix: what follows it, and the record.
    fn under<'a>(&'a self, prefix: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.0.iter().filter_map(move |(key, record)| Some((key.strip_prefix(prefix)?, &**record)))
    }

    fn lights(&self) -> Vec<(u32, u64)> {
        let rows = self.under(meta::LIGHT);
        rows.filter_map(|(shard, at)| {
            Some((Fields(shard).u32()?, Fields(at).u64().filter(|at| *at > 0)?))
        })
        .collect()
    }

    fn shards(&self) -> HashMap<Box<str>, u32> {
        let rows = self.under(meta::SHARD);
        rows.filter_map(|(name, number)| {
            Some((std::str::from_utf8(name).ok()?.into(), Fields(number).u32()?))
        })
        .collect()
    }

    /// Those above the low-water mark, in order.
    fn checkpoints(&self, low: u64) -> VecDeque<Checkpoint> {
        let rows = self.under(meta::CHECKPOINT);
        let read = rows.filter_map(|(at, record)| Checkpoint::decode(at, record));
        let mut all: Vec<_> = read.filter(|one| one.at > low).collect();
        all.sort_unstable_by_key(|one| one.at);
        all.into()
    }
}

fn is_empty(store: &dyn Store) -> Result<bool, StoreError> {
    let mut empty = true;
    for table in Table::ALL {
        store.scan(table, b"", &after(b""), Order::Ascending, &mut |_, _| {
            empty = false;
            ControlFlow::Break(())
        })?;
    }
    Ok(empty)
}

/// Calls `each` with the rows about events in memory alone.
fn lights(store: &dyn Store, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StoreError> {
    let end = after(meta::LIGHT);
    store.scan(Table::Meta, meta::LIGHT, &end, Order::Ascending, &mut |key, value| {
        each(key, value);
        ControlFlow::Continue(())
    })
}

/// The newest idempotency keys, oldest first. A damaged one is as good as forgotten.
fn newest_keys(store: &dyn Store, most: usize, past: &Past) -> Result<Vec<Used>, StoreError> {
    let mut newest: Vec<Used> = Vec::new();
    store.scan(Table::Keys, b"", &after(b""), Order::Ascending, &mut |key, value| {
        newest.extend(keys::read(key, value).filter(|used| past.holds(used.at)));
        if newest.len() > most.saturating_mul(2).saturating_add(1024) {
            keep_newest(&mut newest, most);
        }
        ControlFlow::Continue(())
    })?;
    keep_newest(&mut newest, most);
    Ok(newest)
}

fn keep_newest(keys: &mut Vec<Used>, most: usize) {
    keys.sort_unstable_by_key(|used| used.at);
    keys.drain(..keys.len().saturating_sub(most));
}

/// The window with what was found.
pub(crate) fn window(most: usize, found: Vec<Used>) -> Keys {
    let mut keys = Keys::new(most);
    for used in found {
        keys.remember(used);
    }
    keys
}
