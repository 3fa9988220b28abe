//! The store on disk: what is there again after it was closed, killed, cut or damaged.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

use sockeye_log::store::disk::Disk;
use sockeye_log::store::{Batch, Change, OpenStore, Order, Table};
use sockeye_log::{Position, StoreError};
use support::{EVENTS, Random, all, append, batch, beginning, between, event_key, positions, size};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
/// So many need two generations.
const BATCHES: u64 = 400;

#[test]
fn everything_is_there_again_after_closing_and_opening() {
    let dir = TempDir::new().expect("a directory");
    let disk = disk(dir.path());
    for round in 0..3 {
        let store = disk.open().expect("a store");
        assert_eq!(beginning(&*store).expect("readable").get(), round * 100 * EVENTS);
        append(&*store, round * 100..(round + 1) * 100);
        store.make_durable().expect("synced");
    }
}

/// The process that is killed is this test again, told by its environment to write.
#[test]
fn everything_that_was_acknowledged_is_there_after_the_process_was_killed() {
    if let Ok(dir) = std::env::var("WRITE_UNTIL_KILLED") {
        let store = disk(Path::new(&dir)).open().expect("a store");
        for number in 0.. {
            append(&*store, number..number + 1);
            println!("acknowledged {number}");
        }
    }
    let dir = TempDir::new().expect("a directory");
    let acknowledged = kill_a_writer(dir.path());
    let store = disk(dir.path()).open().expect("a store");
    assert!(beginning(&*store).expect("readable").get() >= (acknowledged + 1) * EVENTS);
}

#[test]
fn a_batch_that_was_cut_is_not_there_at_all() {
    let dir = TempDir::new().expect("a directory");
    let whole = dir.path().join("whole");
    append(&*disk(&whole).open().expect("a store"), 0..5);
    let journal = Path::new("events/0.jnl");
    let length = whole.join(journal).metadata().expect("a journal").len();
    for (place, cut) in (length - 9000..length).step_by(450).enumerate() {
        let copy = dir.path().join(place.to_string());
        support::copy(&whole, &copy);
        let file = fs::OpenOptions::new().write(true).open(copy.join(journal)).expect("a journal");
        file.set_len(cut).expect("cut");
        let store = disk(&copy).open().expect("a store");
        let last = beginning(&*store).expect("readable").get();
        assert!((2 * EVENTS..5 * EVENTS).contains(&last), "cut at {cut} of {length}: {last}");
        assert_eq!(all(&*store, Table::Sessions).expect("readable").len() as u64, last / EVENTS);
    }
}

#[test]
fn the_last_change_of_a_key_in_a_batch_counts() {
    let dir = TempDir::new().expect("a directory");
    let disk = disk(dir.path());
    let put = |key: &[u8], value: &[u8]| Change::Put(Table::Meta, key.to_vec(), value.to_vec());
    let delete = |key: &[u8]| Change::Delete(Table::Meta, key.to_vec());
    let changes = vec![
        put(b"a", b"1"),
        put(b"b", b"1"),
        put(b"a", b"2"),
        delete(b"b"),
        delete(b"c"),
        put(b"c", b"3"),
    ];
    disk.open().expect("a store").append(&Batch { changes }).expect("appended");
    let found = all(&*disk.open().expect("a store"), Table::Meta).expect("readable");
    assert_eq!(found, [(b"a".to_vec(), b"2".to_vec()), (b"c".to_vec(), b"3".to_vec())]);
}

#[test]
fn a_scan_goes_up_and_down_over_all_generations() {
    let dir = TempDir::new().expect("a directory");
    let store = disk(dir.path()).open().expect("a store");
    append(&*store, 0..1500);
    let last = 1500 * EVENTS;
    let keys = |from: &[u8], to: &[u8], order| {
        let found = between(&*store, Table::Events, from, to, order).expect("readable");
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    let mut wanted: Vec<_> =
        (1..=last).map(|at| event_key(&format!("room-{}", at % 3), at)).collect();
    wanted.sort();
    let mut found = keys(&[0], &[255], Order::Ascending);
    assert!(found == wanted, "all rooms, upwards");
    found = keys(&[0], &[255], Order::Descending);
    found.reverse();
    assert!(found == wanted, "all rooms, downwards");
    for (from, to) in [(0, u64::MAX), (3, last), (5000, 5004), (6000, 6000), (7, 3)] {
        let (from, to) = (event_key("room-0", from), event_key("room-0", to));
        let wanted: Vec<_> =
            wanted.iter().filter(|key| from <= **key && **key < to).cloned().collect();
        assert!(keys(&from, &to, Order::Ascending) == wanted, "{from:?} to {to:?}");
        let mut found = keys(&from, &to, Order::Descending);
        found.reverse();
        assert!(found == wanted, "{to:?} down to {from:?}");
    }
}

#[test]
fn a_scan_ends_when_it_is_told_to() {
    let dir = TempDir::new().expect("a directory");
    let store = disk(dir.path()).open().expect("a store");
    append(&*store, 0..1000);
    for (from, to) in
        [([0].to_vec(), [255].to_vec()), (event_key("room-1", 0), event_key("room-1", 9000))]
    {
        let mut seen = 0;
        let each = &mut |_: &[u8], _: &[u8]| {
            seen += 1;
            if seen == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        store.scan(Table::Events, &from, &to, Order::Descending, each).expect("readable");
        assert_eq!(seen, 10);
    }
}

#[test]
fn events_and_keys_with_the_same_bytes_are_two_things() {
    let dir = TempDir::new().expect("a directory");
    let store = disk(dir.path()).open().expect("a store");
    let key = event_key("room", 1);
    let put = |table, value: &[u8]| Change::Put(table, key.clone(), value.to_vec());
    let changes = vec![put(Table::Events, b"event"), put(Table::Keys, b"key")];
    store.append(&Batch { changes }).expect("appended");
    let delete = Change::Delete(Table::Events, key.clone());
    store.append(&Batch { changes: vec![delete] }).expect("appended");
    assert_eq!(all(&*store, Table::Events).expect("readable"), []);
    assert_eq!(all(&*store, Table::Keys).expect("readable"), [(key, b"key".to_vec())]);
}

#[test]
fn dropping_old_events_gives_the_disk_its_space_back() {
    let dir = TempDir::new().expect("a directory");
    let disk = disk(dir.path());
    let store = disk.open().expect("a store");
    append(&*store, 0..2000);
    let (full, last) = (size(&dir.path().join("events/keyspaces")), 2000 * EVENTS);
    store.drop_old((last / 2).into()).expect("dropped");
    let half = size(&dir.path().join("events/keyspaces"));
    assert!(half < full * 3 / 4, "{half} of {full} bytes are left");
    let left = positions(&*store).expect("readable");
    assert!(left[0] > 1 && left[0] <= last / 2, "from {}", left[0]);
    assert!(left.iter().copied().eq(left[0]..=last), "all from {} on", left[0]);
    drop(store);
    let store = disk.open().expect("a store whose oldest entries were dropped, not lost");
    append(&*store, 2000..2010);
    store.drop_old(Position::ZERO).expect("nothing to do");
    assert_eq!(positions(&*store).expect("readable").last(), Some(&(2010 * EVENTS)));
}

#[test]
fn keys_that_the_engine_cannot_take_are_refused_and_the_store_goes_on() {
    let dir = TempDir::new().expect("a directory");
    let store = disk(dir.path()).open().expect("a store");
    for key in [Vec::new(), vec![1; 65_001]] {
        let changes = vec![Change::Put(Table::Meta, key, Vec::new())];
        let refused = store.append(&Batch { changes });
        assert!(matches!(refused, Err(StoreError::Io { .. })), "{refused:?}");
    }
    append(&*store, 0..1);
    assert_eq!(beginning(&*store).expect("readable").get(), EVENTS);
}

#[test]
fn a_directory_is_given_to_one_at_a_time() {
    let dir = TempDir::new().expect("a directory");
    let first = disk(dir.path());
    let second = Disk::at(dir.path());
    assert!(matches!(second, Err(StoreError::InUse(_))), "{second:?}");
    drop(first);
    Disk::at(dir.path()).expect("free again");
}

#[test]
fn a_directory_of_somebody_else_is_refused_and_left_as_it_was() {
    for name in ["notes.txt", "events", "lockfile"] {
        let dir = TempDir::new().expect("a directory");
        let theirs = dir.path().join(name);
        fs::create_dir(&theirs).expect("a directory");
        fs::write(theirs.join("file"), "theirs").expect("a file");
        let refused = Disk::at(dir.path()).expect_err("not ours");
        assert!(refused.to_string().contains(name), "{refused}");
        assert_eq!(support::files(dir.path()), [theirs.join("file")]);
    }
}

#[test]
fn a_new_disk_with_nothing_but_what_new_disks_have_is_taken() {
    let dir = TempDir::new().expect("a directory");
    fs::create_dir(dir.path().join("lost+found")).expect("a directory");
    disk(dir.path()).open().expect("a store");
}

#[test]
fn a_store_that_was_not_finished_is_begun_again() {
    let dir = TempDir::new().expect("a directory");
    fs::create_dir(dir.path().join("events.new")).expect("a directory");
    fs::write(dir.path().join("events.new/0.jnl"), "half").expect("a file");
    fs::write(dir.path().join("mark.new"), "half").expect("a file");
    let disk = disk(dir.path());
    append(&*disk.open().expect("a store"), 0..1);
    disk.write_mark(EVENTS.into(), true).expect("a mark");
    assert_eq!(disk.read_mark().expect("a mark"), Some(EVENTS.into()));
}

#[test]
fn a_store_that_does_not_open_is_set_aside_and_a_new_one_begins() {
    let dir = TempDir::new().expect("a directory");
    let disk = disk(dir.path());
    for _ in 0..2 {
        append(&*disk.open().expect("a store"), 0..1);
        fs::write(dir.path().join("events/version"), "").expect("damaged");
        let refused = disk.open().err().expect("refused");
        assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
        let aside = disk.set_aside().expect("set aside");
        assert!(aside.contains("events.damaged-20"), "{aside}");
        assert!(Path::new(&aside).join("0.jnl").exists());
        let store = disk.open().expect("a new one");
        assert_eq!(beginning(&*store).expect("readable"), Position::ZERO);
    }
}

/// What the engine would take for whole, and open.
#[test]
fn a_store_of_which_a_part_is_missing_is_refused() {
    let dir = TempDir::new().expect("a directory");
    let whole = dir.path().join("whole");
    write_with_a_mark(&whole, 2 * BATCHES);
    // By number: sessions, the second generation, the journal.
    let parts = ["keyspaces/2/current", "keyspaces/5/current", "0.jnl", "keyspaces", "version"];
    for part in parts {
        let copy = dir.path().join(part.replace('/', "-"));
        support::copy(&whole, &copy);
        let missing = copy.join("events").join(part);
        if missing.is_dir() { fs::remove_dir_all(missing) } else { fs::remove_file(missing) }
            .expect("removed");
        let refused = disk(&copy).open().err();
        assert!(matches!(refused, Some(StoreError::Damaged { .. })), "{part}: {refused:?}");
    }
}

#[test]
fn damage_is_refused_or_leaves_a_whole_beginning_and_the_mark_tells() {
    let dir = TempDir::new().expect("a directory");
    let whole = dir.path().join("whole");
    write_with_a_mark(&whole, BATCHES);
    let mut random = Random(0x5eed_0f1e_55ea);
    let mut refused = 0;
    for number in 0..40 {
        let copy = dir.path().join(number.to_string());
        support::copy(&whole, &copy);
        let file = random.of(&support::files(&copy)).clone();
        let what = support::damage(&mut random, &file);
        match open_and_read(&copy) {
            Ok((found, mark)) => {
                let is_known =
                    found.get() == BATCHES * EVENTS || mark.is_some_and(|mark| mark > found);
                assert!(is_known, "{what}: {found:?} of {mark:?}, and nobody knows");
            }
            Err(StoreError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("{what}: {other:?}"),
        }
        fs::remove_dir_all(&copy).expect("removed");
    }
    assert!((10..40).contains(&refused), "{refused} of 40 were refused");
}

/// What is there, and what the mark says.
fn open_and_read(dir: &Path) -> Result<(Position, Option<Position>), StoreError> {
    let disk = disk(dir);
    let mark = disk.read_mark().unwrap_or_default();
    let store = disk.open()?;
    let found = beginning(&*store)?;
    store.append(&batch(1_000_000))?;
    Ok((found, mark))
}

fn write_with_a_mark(dir: &Path, batches: u64) {
    let disk = disk(dir);
    let store = disk.open().expect("a store");
    for number in 0..batches {
        append(&*store, number..number + 1);
        disk.write_mark(((number + 1) * EVENTS).into(), false).expect("a mark");
    }
}

/// Starts a writer, kills it in the middle, and answers with the last batch that it said is there.
fn kill_a_writer(dir: &Path) -> u64 {
    let name = "everything_that_was_acknowledged_is_there_after_the_process_was_killed";
    let mut writer = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", name, "--nocapture"])
        .env("WRITE_UNTIL_KILLED", dir)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a writer");
    let lines = BufReader::new(writer.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let said = lines.filter_map(|line| line.rsplit_once("acknowledged ")?.1.parse::<u64>().ok());
    let acknowledged = said.take_while(|number| *number <= 1000).last().expect("it wrote");
    writer.kill().expect("killed");
    writer.wait().expect("gone");
    acknowledged
}

/// With generations as small as they get, so that there are several.
fn disk(dir: &Path) -> Disk {
    Disk::at(dir).expect("a directory").generation_bytes(MIB)
}
