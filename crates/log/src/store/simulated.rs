//! A store that fails on request: the same way each time, from a seed.
//!
//! It has a disk that remembers what was made durable, and an operating system that remembers what was
//! appended since. The process may end ([`Simulated::kill`]), the power may go ([`Simulated::crash`]),
//! the disk may refuse, fill up, forget or damage what it was given.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::memory::Tables;
use super::{Batch, Change, Each, OpenStore, Order, Store, Table};
use crate::{Position, StoreError};

/// A place for a simulated store. Clones are the same place, and stay when a store is dropped.
///
/// ```
/// use sockeye_log::store::simulated::Simulated;
/// use sockeye_log::{Durability, Event, Log, Options};
///
/// let disk = Simulated::new(7);
/// let log = Log::with_store(disk.clone(), Options::default())?;
/// let at = log.namespace("/").append(Durability::Fsync, None, 0, |_| Event::default())?;
/// log.stored(at.position(), Durability::Fsync).wait()?;
/// disk.crash(); // the power is gone: from now on this log writes nothing
/// drop(log);
/// let again = Log::with_store(disk, Options::default())?;
/// assert_eq!(again.namespace("/").history("", None, 10)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Simulated(Arc<Mutex<Machine>>);

struct Machine {
    random: SmallRng,
    /// What a loss of power leaves.
    durable: Tables,
    /// What a reader sees.
    tables: Tables,
    /// What was appended since, in order.
    pending: Vec<Batch>,
    /// The mark that is durable, and those written since.
    marks: Vec<Position>,
    mark_is_damaged: bool,
    /// Whether a store is open, and which: those of an ended process do nothing any more.
    open: bool,
    life: u64,
    failing_appends: usize,
    failing_syncs: usize,
    failing_opens: usize,
    /// Bytes that may be appended before the disk is full.
    space: Option<usize>,
    /// What the next attempt to open says.
    damage: Option<String>,
    set_aside: usize,
    /// How often all values of a table were damaged.
    damaged: u16,
}

impl Simulated {
    /// An empty disk. The seed decides what is left to chance: how much of what was not durable a
    /// loss of power takes, and whether something that failed was written all the same.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Machine {
            random: SmallRng::seed_from_u64(seed),
            durable: Tables::default(),
            tables: Tables::default(),
            pending: Vec::new(),
            marks: Vec::new(),
            mark_is_damaged: false,
            open: false,
            life: 0,
            failing_appends: 0,
            failing_syncs: 0,
            failing_opens: 0,
            space: None,
            damage: None,
            set_aside: 0,
            damaged: 0,
        })))
    }

    /// The process ends: what was appended stays. Stores that are open fail from now on.
    pub fn kill(&self) {
        let mut machine = self.0.lock();
        machine.life += 1;
        machine.open = false;
    }

    /// The power goes: what is not durable stays in part, or not at all; what is left is in the order
    /// in which it was appended. The mark is the durable one, or one that was written since.
    pub fn crash(&self) {
        self.kill();
        let machine = &mut *self.0.lock();
        let left = machine.random.random_range(0..=machine.pending.len());
        machine.pending.truncate(left);
        machine.make_durable();
        machine.tables = machine.durable.clone();
        if !machine.marks.is_empty() {
            let left = machine.random.random_range(0..machine.marks.len());
            machine.marks = vec![machine.marks[left]];
        }
    }

    /// The next `n` appends fail. Whether what they were to write is there afterwards is left to chance.
    pub fn fail_appends(&self, n: usize) {
        self.0.lock().failing_appends = n;
    }

    /// The next `n` attempts to make it durable fail. What was not durable yet is forgotten, or not.
    pub fn fail_syncs(&self, n: usize) {
        self.0.lock().failing_syncs = n;
    }

    /// The next `n` attempts to open it fail.
    pub fn fail_opens(&self, n: usize) {
        self.0.lock().failing_opens = n;
    }

    /// The disk is full when so many bytes more were appended; `None`: never.
    pub fn fill_up_after(&self, bytes: Option<usize>) {
        self.0.lock().space = bytes;
    }

    /// One bit of one value of this table is another one from now on. `false` if the table is empty.
    pub fn damage_value(&self, table: Table) -> bool {
        let machine = &mut *self.0.lock();
        let rows = machine.tables.row(table).len();
        rows > 0 && {
            let victim = machine.random.random_range(0..rows);
            let bit = machine.random.random();
            machine.damage(table, victim, bit)
        }
    }

    /// The same with every value: where keys are random, a test that chooses one does not choose the same again.
    #[doc(hidden)]
    pub fn damage_values(&self, table: Table) -> bool {
        let machine = &mut *self.0.lock();
        // Another bit each time: the same one would be right again.
        machine.damaged = machine.damaged.wrapping_add(1);
        let (rows, bit) = (machine.tables.row(table).len(), machine.damaged);
        (0..rows).filter(|victim| machine.damage(table, *victim, bit)).count() > 0
    }

    /// The mark cannot be read from now on, until it is written again.
    pub fn damage_mark(&self) {
        self.0.lock().mark_is_damaged = true;
    }

    /// There is no mark any more.
    pub fn lose_mark(&self) {
        self.0.lock().marks.clear();
    }

    /// Everything is lost but the mark, as if somebody had emptied the directory.
    pub fn lose_everything(&self) {
        let mut machine = self.0.lock();
        machine.pending.clear();
        machine.tables = Tables::default();
        machine.durable = Tables::default();
    }

    /// What it holds now, to go back to later.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.0.lock().tables.clone())
    }

    /// Goes back, all but the mark: as if a damaged journal had been cut off.
    pub fn go_back(&self, to: &Snapshot) {
        let mut machine = self.0.lock();
        machine.pending.clear();
        machine.tables = to.0.clone();
        machine.durable = to.0.clone();
    }

    /// The next attempt to open it says that it is damaged.
    pub fn refuse_to_open(&self, why: &str) {
        self.0.lock().damage = Some(why.to_owned());
    }
}

/// What a simulated store held at some moment.
#[derive(Clone)]
pub struct Snapshot(Tables);

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snapshot")
    }
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated")
    }
}

impl Machine {
    fn make_durable(&mut self) {
        for batch in self.pending.drain(..) {
            self.durable.apply(&batch);
        }
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let bytes = batch.changes.iter().map(size).sum();
        let failed = if self.failing_appends > 0 {
            self.failing_appends -= 1;
            Some(refused("write"))
        } else {
            self.take_space(bytes).err()
        };
        if failed.is_none() || self.random.random() {
            self.tables.apply(batch);
            self.pending.push(batch.clone());
        }
        failed.map_or(Ok(()), Err)
    }

    fn take_space(&mut self, bytes: usize) -> Result<(), StoreError> {
        let Some(space) = &mut self.space else { return Ok(()) };
        let full = || Arc::new(std::io::ErrorKind::StorageFull.into());
        *space = space.checked_sub(bytes).ok_or_else(|| StoreError::Full(full()))?;
        Ok(())
    }

    /// After a failure, what was pending may be gone.
    fn sync(&mut self) -> Result<(), StoreError> {
        if self.failing_syncs == 0 {
            self.make_durable();
            return Ok(());
        }
        self.failing_syncs -= 1;
        if self.random.random() {
            self.pending.clear();
            self.tables = self.durable.clone();
        }
        Err(refused("sync"))
    }

    fn damage(&mut self, table: Table, victim: usize, bit: u16) -> bool {
        let row = self.tables.row(table).iter().nth(victim);
        let Some((key, mut value)) = row.map(|(key, value)| (key.clone(), value.clone())) else {
            return false;
        };
        let bit = usize::from(bit) % (value.len().max(1) * 8);
        if let Some(byte) = value.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        self.overwrite(table, key, value);
        true
    }

    fn overwrite(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        let batch = Batch { changes: vec![Change::Put(table, key, value)] };
        self.tables.apply(&batch);
        self.pending.push(batch);
    }

    fn open(&mut self) -> Result<u64, StoreError> {
        if self.open {
            return Err(StoreError::InUse("simulated".into()));
        }
        if self.failing_opens > 0 {
            self.failing_opens -= 1;
            return Err(refused("open"));
        }
        if let Some(why) = self.damage.clone() {
            return Err(StoreError::Damaged { what: "simulated".into(), why });
        }
        self.open = true;
        self.life += 1;
        Ok(self.life)
    }
}

fn size(change: &Change) -> usize {
    match change {
        Change::Put(_, key, value) => key.len() + value.len(),
        Change::Delete(_, key) => key.len(),
    }
}

fn refused(doing: &'static str) -> StoreError {
    StoreError::Io { doing, source: Arc::new(std::io::Error::other("simulated")) }
}

impl OpenStore for Simulated {
    fn open(&self) -> Result<Box<dyn Store>, StoreError> {
        let life = self.0.lock().open()?;
        Ok(Box::new(Open { machine: Arc::clone(&self.0), life }))
    }

    fn set_aside(&self) -> Result<String, StoreError> {
        let mut machine = self.0.lock();
        machine.damage = None;
        machine.pending.clear();
        machine.tables = Tables::default();
        machine.durable = Tables::default();
        machine.set_aside += 1;
        Ok(format!("simulated-{}", machine.set_aside))
    }

    fn read_mark(&self) -> Result<Option<Position>, StoreError> {
        let machine = self.0.lock();
        if machine.mark_is_damaged {
            return Err(StoreError::Damaged { what: "mark".into(), why: "simulated".into() });
        }
        Ok(machine.marks.last().copied())
    }

    fn write_mark(&self, mark: Position, sync: bool) -> Result<(), StoreError> {
        let mut machine = self.0.lock();
        machine.mark_is_damaged = false;
        if sync {
            machine.marks.clear();
        }
        machine.marks.push(mark);
        Ok(())
    }
}

/// The open store of one process.
struct Open {
    machine: Arc<Mutex<Machine>>,
    life: u64,
}

impl Open {
    fn with<T>(
        &self,
        act: impl FnOnce(&mut Machine) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut machine = self.machine.lock();
        if machine.life != self.life {
            return Err(StoreError::Closed);
        }
        act(&mut machine)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.with(|machine| {
            machine.open = false;
            Ok(())
        }));
    }
}

impl Store for Open {
    fn append(&self, batch: &Batch) -> Result<(), StoreError> {
        self.with(|machine| machine.append(batch))
    }

    fn make_durable(&self) -> Result<(), StoreError> {
        self.with(Machine::sync)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        order: Order,
        each: &mut Each<'_>,
    ) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        self.with(|machine| {
            machine.tables.scan(table, from, to, order, &mut |key, value| {
                rows.push((key.to_vec(), value.to_vec()));
                std::ops::ControlFlow::Continue(())
            });
            Ok(())
        })?;
        let _ = rows.iter().try_for_each(|(key, value)| each(key, value));
        Ok(())
    }

    fn drop_old(&self, below: Position) -> Result<(), StoreError> {
        self.with(|machine| {
            machine.tables.drop_old(below);
            machine.durable.drop_old(below);
            Ok(())
        })
    }
}
