//! The examination that every store sits: what the log above relies on.
//!
//! A store's own test is one line: a call to [`examine`] with a way to make an empty place.

use std::ops::ControlFlow;

use super::{Batch, OpenStore, Order, Store, Table};
use crate::{Position, StoreError};

/// Puts a store through everything. Panics, with a sentence, where it does not do what it must.
pub fn examine<S: OpenStore>(empty: impl Fn() -> S) {
    let questions: [fn(&dyn OpenStore); 13] = [
        what_is_appended_is_visible_at_once,
        tables_do_not_mix,
        a_range_begins_with_its_first_key_and_ends_before_its_last,
        both_orders_have_the_same_entries,
        a_scan_ends_when_it_is_told_to,
        an_empty_or_reversed_range_is_empty,
        changes_of_a_batch_count_in_their_order,
        keys_and_values_of_any_bytes_come_back,
        everything_is_there_when_it_is_opened_again,
        old_entries_may_go_and_new_ones_stay,
        only_one_can_have_it_open,
        the_mark_is_the_last_one_that_was_written,
        what_is_set_aside_leaves_an_empty_store_and_the_mark,
    ];
    for question in questions {
        question(&empty());
    }
}

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn open(place: &dyn OpenStore) -> Box<dyn Store> {
    place.open().expect("a store that is not open can be opened")
}

fn put(store: &dyn Store, table: Table, rows: &[(&[u8], &[u8])]) {
    let mut batch = Batch::default();
    for (key, value) in rows {
        batch.put(table, key.to_vec(), value.to_vec());
    }
    store.append(&batch).expect("a batch is accepted");
}

fn scan(store: &dyn Store, table: Table, from: &[u8], to: &[u8], order: Order) -> Rows {
    let mut rows = Vec::new();
    let scanned = store.scan(table, from, to, order, &mut |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    });
    scanned.expect("a range can be read");
    rows
}

fn keys(store: &dyn Store, table: Table, from: &[u8], to: &[u8]) -> Vec<Vec<u8>> {
    scan(store, table, from, to, Order::Ascending).into_iter().map(|(key, _)| key).collect()
}

fn all(store: &dyn Store, table: Table) -> Rows {
    scan(store, table, b"", &[0xff; 64], Order::Ascending)
}

/// A key as the log has them in tables that age.
fn aging(room: &str, at: u64) -> Vec<u8> {
    let mut key = 1_u32.to_be_bytes().to_vec();
    key.extend(u16::try_from(room.len()).expect("short").to_be_bytes());
    key.extend(room.as_bytes());
    key.extend(at.to_be_bytes());
    key
}

fn what_is_appended_is_visible_at_once(place: &dyn OpenStore) {
    let store = open(place);
    put(&*store, Table::Sessions, &[(b"k", b"1")]);
    put(&*store, Table::Sessions, &[(b"k", b"2"), (b"l", b"3")]);
    let rows = all(&*store, Table::Sessions);
    assert_eq!(rows, [(b"k".to_vec(), b"2".to_vec()), (b"l".to_vec(), b"3".to_vec())]);
}

fn tables_do_not_mix(place: &dyn OpenStore) {
    let store = open(place);
    let key = aging("room", 1);
    for table in Table::ALL {
        put(&*store, table, &[(&key, format!("{table:?}").as_bytes())]);
    }
    for table in Table::ALL {
        let expected = [(key.clone(), format!("{table:?}").into_bytes())];
        assert_eq!(all(&*store, table), expected, "{table:?}");
    }
}

fn a_range_begins_with_its_first_key_and_ends_before_its_last(place: &dyn OpenStore) {
    let store = open(place);
    let key = |at| aging("room", at);
    for table in [Table::Events, Table::Intervals] {
        let rows: Vec<_> = (1..=9).map(key).collect();
        put(&*store, table, &rows.iter().map(|key| (&**key, &b"v"[..])).collect::<Vec<_>>());
        assert_eq!(keys(&*store, table, &key(3), &key(6)), [key(3), key(4), key(5)], "{table:?}");
        let others = keys(&*store, table, &aging("rooms", 0), &aging("rooms", 99));
        assert!(others.is_empty(), "{table:?}");
    }
}

fn both_orders_have_the_same_entries(place: &dyn OpenStore) {
    let store = open(place);
    for (room, at) in [("b", 1), ("a", 2), ("b", 3), ("aa", 4), ("a", 5), ("b", 6)] {
        put(&*store, Table::Events, &[(&aging(room, at), &at.to_be_bytes())]);
    }
    let up = all(&*store, Table::Events);
    let mut down = scan(&*store, Table::Events, b"", &[0xff; 64], Order::Descending);
    down.reverse();
    assert_eq!(up.len(), 6);
    assert_eq!(up, down);
    assert!(up.is_sorted(), "keys are ordered as bytes");
}

fn a_scan_ends_when_it_is_told_to(place: &dyn OpenStore) {
    let store = open(place);
    put(&*store, Table::Meta, &[(b"a", b""), (b"b", b""), (b"c", b"")]);
    let mut seen = Vec::new();
    let scanned = store.scan(Table::Meta, b"", b"z", Order::Descending, &mut |key, _| {
        seen.push(key.to_vec());
        if seen.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    scanned.expect("a range can be read");
    assert_eq!(seen, [b"c".to_vec(), b"b".to_vec()]);
}

fn an_empty_or_reversed_range_is_empty(place: &dyn OpenStore) {
    let store = open(place);
    put(&*store, Table::Meta, &[(b"b", b"")]);
    for (from, to) in [(b"b", b"b"), (b"c", b"a"), (b"c", b"d")] {
        assert!(keys(&*store, Table::Meta, from, to).is_empty());
    }
}

fn changes_of_a_batch_count_in_their_order(place: &dyn OpenStore) {
    let store = open(place);
    let mut batch = Batch::default();
    batch.put(Table::Intervals, b"gone".to_vec(), b"1".to_vec());
    batch.delete(Table::Intervals, b"gone".to_vec());
    batch.delete(Table::Intervals, b"there".to_vec());
    batch.put(Table::Intervals, b"there".to_vec(), b"2".to_vec());
    batch.put(Table::Intervals, b"twice".to_vec(), b"3".to_vec());
    batch.put(Table::Intervals, b"twice".to_vec(), b"4".to_vec());
    store.append(&batch).expect("a batch is accepted");
    let rows = all(&*store, Table::Intervals);
    assert_eq!(rows, [(b"there".to_vec(), b"2".to_vec()), (b"twice".to_vec(), b"4".to_vec())]);
}

fn keys_and_values_of_any_bytes_come_back(place: &dyn OpenStore) {
    let store = open(place);
    let every: Vec<u8> = (0..=254).collect();
    let long = vec![7; 60_000];
    let large = vec![9; 300_000];
    put(&*store, Table::Sessions, &[(&every, b""), (&long, &large), (b"\0", b"\0")]);
    let rows = all(&*store, Table::Sessions);
    assert!(rows.contains(&(every, Vec::new())));
    assert!(rows.contains(&(long, large)));
    assert!(rows.contains(&(vec![0], vec![0])));
}

fn everything_is_there_when_it_is_opened_again(place: &dyn OpenStore) {
    let store = open(place);
    for at in 1..=100 {
        put(&*store, Table::Events, &[(&aging("room", at), &[7; 100])]);
    }
    store.make_durable().expect("it can be made durable");
    put(&*store, Table::Events, &[(&aging("room", 101), &[7; 100])]);
    drop(store);
    assert_eq!(all(&*open(place), Table::Events).len(), 101);
}

fn old_entries_may_go_and_new_ones_stay(place: &dyn OpenStore) {
    let store = open(place);
    for at in 1..=100 {
        put(&*store, Table::Events, &[(&aging(&(at % 7).to_string(), at), b"v")]);
        put(&*store, Table::Keys, &[(&aging("k", at), b"v")]);
        put(&*store, Table::Sessions, &[(&aging("s", at), b"v")]);
    }
    store.drop_old(Position::from(51)).expect("it can drop");
    put(&*store, Table::Events, &[(&aging("a", 101), b"v")]);
    for table in [Table::Events, Table::Keys] {
        let rows = all(&*store, table);
        let positions = rows.iter().filter_map(|(key, _)| crate::event::position_of(key));
        let new = positions.filter(|at| at.get() > 50).count();
        assert!(new >= 50, "{table:?} has lost {} of what it had to keep", 50 - new);
    }
    assert_eq!(all(&*store, Table::Sessions).len(), 100, "only tables that age are dropped from");
}

fn only_one_can_have_it_open(place: &dyn OpenStore) {
    let store = open(place);
    assert!(matches!(place.open(), Err(StoreError::InUse(_))), "while one has it open");
    drop(store);
    drop(open(place));
}

fn the_mark_is_the_last_one_that_was_written(place: &dyn OpenStore) {
    let read = || place.read_mark().expect("a mark can be read");
    let store = open(place);
    assert_eq!(read(), None);
    for (mark, sync) in [(1, true), (2, false), (3, false), (u64::MAX, true), (5, false)] {
        place.write_mark(Position::from(mark), sync).expect("a mark can be written");
        assert_eq!(read(), Some(Position::from(mark)));
    }
    drop(store);
    drop(open(place));
    assert_eq!(read(), Some(Position::from(5)));
}

fn what_is_set_aside_leaves_an_empty_store_and_the_mark(place: &dyn OpenStore) {
    let store = open(place);
    put(&*store, Table::Meta, &[(b"a", b"b")]);
    place.write_mark(Position::from(7), true).expect("a mark can be written");
    drop(store);
    let aside = place.set_aside().expect("it can be set aside");
    assert!(!aside.is_empty(), "it says where");
    assert!(all(&*open(place), Table::Meta).is_empty());
    assert_eq!(place.read_mark().expect("a mark can be read"), Some(Position::from(7)));
}
