//! What the tests of the store share: entries, directories and how they are damaged.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sockeye_log::store::{Batch, Change, Order, Store, Table};
use sockeye_log::{Position, StoreError};

/// Key and value.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);

/// How many events there are in each batch of [`batch`].
pub(crate) const EVENTS: u64 = 16;

/// The key of an event: shard, length of the room, room, position.
pub(crate) fn event_key(room: &str, position: u64) -> Vec<u8> {
    let length = u16::try_from(room.len()).expect("a short name");
    let mut key = 1_u32.to_be_bytes().to_vec();
    key.extend(length.to_be_bytes());
    key.extend(room.as_bytes());
    key.extend(position.to_be_bytes());
    key
}

/// What stands under a position, so that everything that is read can be checked.
pub(crate) fn value(position: u64) -> Vec<u8> {
    let mut random = Random(position + 1);
    (0..25).flat_map(|_| random.below(u64::MAX).to_le_bytes()).collect()
}

/// Batch `number`, from 0 on: events in several rooms, and one session.
pub(crate) fn batch(number: u64) -> Batch {
    let positions = number * EVENTS + 1..=number * EVENTS + EVENTS;
    let event = |position| {
        let room = format!("room-{}", position % 3);
        Change::Put(Table::Events, event_key(&room, position), value(position))
    };
    let mut changes: Vec<_> = positions.map(event).collect();
    changes.push(Change::Put(Table::Sessions, number.to_be_bytes().to_vec(), value(number)));
    Batch { changes }
}

/// Appends batches with these numbers.
pub(crate) fn append(store: &dyn Store, numbers: std::ops::Range<u64>) {
    for number in numbers {
        store.append(&batch(number)).expect("space for it");
    }
}

/// All entries of a table, smallest key first.
pub(crate) fn all(store: &dyn Store, table: Table) -> Result<Vec<Entry>, StoreError> {
    between(store, table, &[0], &[255; 8], Order::Ascending)
}

/// The entries of a table from one key up to before another one.
pub(crate) fn between(
    store: &dyn Store,
    table: Table,
    from: &[u8],
    to: &[u8],
    order: Order,
) -> Result<Vec<Entry>, StoreError> {
    let mut found = Vec::new();
    store.scan(table, from, to, order, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The positions of all events, after a look at what stands under them.
pub(crate) fn positions(store: &dyn Store) -> Result<Vec<u64>, StoreError> {
    let mut positions = Vec::new();
    for (key, found) in all(store, Table::Events)? {
        let position = u64::from_be_bytes(*key.last_chunk().expect("a position"));
        assert_eq!(found, value(position), "under position {position}");
        positions.push(position);
    }
    positions.sort_unstable();
    Ok(positions)
}

/// The last position, if `store` holds a whole beginning of the batches: all up to one, of both
/// tables.
pub(crate) fn beginning(store: &dyn Store) -> Result<Position, StoreError> {
    let positions = positions(store)?;
    let last = positions.len() as u64;
    assert!(positions.into_iter().eq(1..=last), "one is missing before the last");
    assert_eq!(last % EVENTS, 0, "a part of a batch");
    let sessions = all(store, Table::Sessions)?.len() as u64;
    assert!(sessions >= last / EVENTS, "{sessions} sessions, {last} events");
    Ok(Position::from(last))
}

/// Copies a directory with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

/// All files in a directory and below, in order.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The bytes that the files in a directory take.
pub(crate) fn size(dir: &Path) -> u64 {
    files(dir).iter().map(|file| file.metadata().expect("its size").len()).sum()
}

/// Numbers from a seed (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }

    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let place = self.below(all.len() as u64);
        &all[usize::try_from(place).expect("a place")]
    }
}

/// Damages one file in some way; says which and how.
pub(crate) fn damage(random: &mut Random, file: &Path) -> String {
    let mut bytes = fs::read(file).expect("a file");
    let place = usize::try_from(random.below(bytes.len() as u64)).expect("a place");
    let how = random.below(5);
    match how {
        0 => bytes.clear(),
        1 => bytes.truncate(place),
        2 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
        3 => bytes.iter_mut().skip(place).take(64).for_each(|byte| *byte = 0),
        _ => bytes.iter_mut().skip(place).take(4096).for_each(|byte| *byte = random.byte()),
    }
    fs::write(file, bytes).expect("a damaged file");
    let how = ["emptied", "cut", "a bit flipped", "64 bytes zeroed", "4096 bytes random"]
        [usize::try_from(how).expect("a kind")];
    format!("{}: {how} at {place}", file.display())
}
