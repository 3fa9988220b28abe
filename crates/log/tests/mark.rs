//! The mark: what is read again after it was written, torn, damaged or replaced.

use std::fs;
use std::path::{Path, PathBuf};

use sockeye_log::store::mark::Mark;
use sockeye_log::{Position, StoreError};
use tempfile::TempDir;

/// Where the two slots of a mark stand.
const SLOTS: [usize; 2] = [512, 1024];

#[test]
fn a_mark_that_was_never_written_is_no_mark() {
    let (_dir, path) = place();
    let mark = Mark::open(&path);
    mark.sync().expect("nothing to do");
    assert_eq!(mark.read().expect("no damage"), None);
    assert!(!path.exists());
}

#[test]
fn the_last_position_is_read_by_whoever_opens_the_mark_again() {
    let (_dir, path) = place();
    let mark = Mark::open(&path);
    for position in [1, 5, u64::MAX, 3] {
        mark.write(position.into()).expect("written");
        assert_eq!(read(&path), Some(position));
    }
    drop(mark);
    let again = Mark::open(&path);
    assert_eq!(read(&path), Some(3));
    again.write(4.into()).expect("written");
    again.sync().expect("synced");
    assert_eq!(read(&path), Some(4));
}

#[test]
fn a_torn_write_leaves_the_position_before_it() {
    let (_dir, path) = place();
    let mark = Mark::open(&path);
    mark.write(1.into()).expect("written");
    for position in 2..20 {
        mark.write(position.into()).expect("written");
        let whole = fs::read(&path).expect("a mark");
        let left = SLOTS.map(|slot| {
            flip(&path, slot + 9);
            let left = read(&path);
            fs::write(&path, &whole).expect("the mark as it was");
            left
        });
        assert!(left.contains(&Some(position)), "{left:?}");
        assert!(left.contains(&Some(position - 1)), "{left:?}");
    }
}

#[test]
fn a_mark_without_a_whole_slot_is_damaged() {
    let (_dir, path) = place();
    write_twice(&path);
    flip(&path, SLOTS[0]);
    flip(&path, SLOTS[1]);
    assert!(is_damaged(&path));
}

#[test]
fn a_slot_that_stands_where_the_other_one_should_does_not_count() {
    let (_dir, path) = place();
    write_twice(&path);
    let mut bytes = fs::read(&path).expect("a mark");
    let (first, second) = bytes.split_at_mut(SLOTS[1]);
    first[SLOTS[0]..SLOTS[0] + 20].swap_with_slice(&mut second[..20]);
    fs::write(&path, bytes).expect("swapped");
    assert!(is_damaged(&path));
}

#[test]
fn files_that_are_no_marks_are_said_to_be_damaged() {
    let (_dir, path) = place();
    write_twice(&path);
    let whole = fs::read(&path).expect("a mark");
    let other_version = {
        let mut bytes = whole.clone();
        bytes[8] += 1;
        bytes
    };
    let wrong: [&[u8]; 5] =
        [b"", b"SKYEMARK", &whole[..512], b"a note of somebody", &other_version];
    for bytes in wrong {
        fs::write(&path, bytes).expect("a file");
        assert!(is_damaged(&path), "{} bytes", bytes.len());
    }
}

#[test]
fn a_damaged_mark_is_replaced_by_the_next_write() {
    let (_dir, path) = place();
    fs::write(&path, b"").expect("an empty file");
    Mark::open(&path).write(7.into()).expect("written");
    assert_eq!(read(&path), Some(7));
}

fn place() -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("mark");
    (dir, path)
}

fn write_twice(path: &Path) {
    let mark = Mark::open(path);
    mark.write(1.into()).expect("written");
    mark.write(2.into()).expect("written");
}

fn read(path: &Path) -> Option<u64> {
    Mark::open(path).read().expect("no damage").map(Position::get)
}

fn is_damaged(path: &Path) -> bool {
    matches!(Mark::open(path).read(), Err(StoreError::Damaged { .. }))
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).expect("a mark");
    bytes[place] ^= 1;
    fs::write(path, bytes).expect("damaged");
}
