//! What an outbox has after a restart.

use bytes::Bytes;
use log::store::simulated::Simulated;
use socket_proto::encode;

use super::{DurableOutbox, Encoded};

const BYTES: u64 = 20_000;

fn packet(number: u64) -> Encoded {
    encode::event("/orders", "order", &(number, "key"), Some(number), 0).expect("an event")
}

fn open(store: &Simulated) -> DurableOutbox {
    DurableOutbox::with_store(store.clone(), BYTES).expect("it opens")
}

/// The events of an earlier run.
fn left(outbox: &mut DurableOutbox) -> Vec<String> {
    let packets = outbox.take("/orders").into_iter().map(|found| found.packet(7, 0).unwrap());
    packets.map(|packet| packet.text().to_owned()).collect()
}

fn keep(outbox: &mut DurableOutbox, number: u64) -> u64 {
    let entry = outbox.keep("/orders", &packet(number)).expect("there is room");
    outbox.stored(entry).wait().expect("it is stored");
    entry
}

#[test]
fn what_was_not_answered_is_there_after_a_restart_in_its_order_and_with_its_key() {
    let store = Simulated::new(1);
    let mut outbox = open(&store);
    let entries: Vec<_> = (0..4).map(|number| keep(&mut outbox, number)).collect();
    outbox.done(entries[1]);
    outbox.done(entries[1]);
    drop(outbox);

    let mut outbox = open(&store);
    assert_eq!(outbox.len(), 3);
    assert!(outbox.take("/").is_empty(), "another namespace has none");
    let expected = [0, 2, 3].map(|number| format!(r#"2/orders,7["order",{number},"key"]"#));
    assert_eq!(left(&mut outbox), expected);
    keep(&mut outbox, 4);
    outbox.done(entries[0]);
    drop(outbox);
    let again = [2, 3, 4].map(|number| format!(r#"2/orders,7["order",{number},"key"]"#));
    assert_eq!(left(&mut open(&store)), again);
}

#[test]
fn attachments_are_kept_too() {
    let store = Simulated::new(2);
    let mut outbox = open(&store);
    let packet = encode::event("/orders", "file", &Bytes::from_static(b"abc"), Some(1), 0).unwrap();
    let entry = outbox.keep("/orders", &packet).unwrap();
    outbox.stored(entry).wait().unwrap();
    drop(outbox);
    let found = open(&store).take("/orders").pop().unwrap().packet(1, 0).unwrap();
    assert_eq!((found.text(), &found.attachments), (packet.text(), &packet.attachments));
}

#[test]
fn what_nobody_answers_survives_however_much_is_sent_behind_it() {
    let store = Simulated::new(3);
    let mut outbox = open(&store);
    keep(&mut outbox, 0);
    // Many times what the log holds.
    for run in 0..5 {
        for number in 0..400 {
            let entry = keep(&mut outbox, 1 + run * 400 + number);
            outbox.done(entry);
        }
        drop(outbox);
        outbox = open(&store);
        assert_eq!(outbox.len(), 1, "in run {run}");
    }
    assert_eq!(left(&mut outbox), [r#"2/orders,7["order",0,"key"]"#]);
}

#[test]
fn an_outbox_that_is_full_says_so_and_takes_again_when_something_is_answered() {
    let mut outbox = open(&Simulated::new(4));
    let mut entries = Vec::new();
    let problem = loop {
        match outbox.keep("/orders", &packet(1)) {
            Ok(entry) => entries.push(entry),
            Err(problem) => break problem,
        }
    };
    assert!(problem.contains("as many as it may"), "{problem}");
    assert!(entries.len() > 20);
    outbox.done(entries[5]);
    keep(&mut outbox, 2);
}

#[test]
fn a_full_disk_is_known_and_what_was_kept_before_is_still_there() {
    let store = Simulated::new(5);
    let mut outbox = open(&store);
    keep(&mut outbox, 0);
    store.fill_up_after(Some(0));
    if let Ok(entry) = outbox.keep("/orders", &packet(1)) {
        outbox.stored(entry).wait().unwrap_err();
        assert!(matches!(outbox.outcome(entry), Some(Err(_))));
        outbox.done(entry);
    }
    store.fill_up_after(None);
    drop(outbox);
    let left = left(&mut open(&store));
    assert_eq!(left[0], r#"2/orders,7["order",0,"key"]"#);
}
