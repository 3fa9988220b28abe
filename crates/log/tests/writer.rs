//! The writer, turn by turn: what is told when.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{by_hand, read, say, texts, try_say};
use parking_lot::Mutex;
use sockeye_log::store::simulated::Simulated;
use sockeye_log::{
    AppendError, Durability, Event, Log, Options, Position, Progress, SessionId, StoreError,
};

use crate::common::ALL;

/// Written and synced.
fn progress(log: &Log) -> (u64, u64) {
    let progress = log.progress();
    (progress.written.get(), progress.synced.get())
}

#[test]
fn what_is_queued_is_neither_read_nor_written_before_the_writers_turn() {
    let (log, _) = by_hand(Simulated::new(1));
    let chat = log.namespace("/");
    say(&chat, Durability::Async, "hello");
    assert_eq!(progress(&log), (0, 0));
    assert!(texts(&chat, ALL).is_empty());
    log.turn();
    assert_eq!(progress(&log), (1, 0));
    assert_eq!(texts(&chat, ALL), ["hello"]);
}

#[test]
fn a_turn_writes_everything_that_waits_as_one_batch() {
    let (log, _) = by_hand(Simulated::new(1));
    let chat = log.namespace("/");
    for i in 0..100 {
        say(&chat, Durability::Fsync, &i.to_string());
    }
    log.turn();
    assert_eq!(progress(&log), (100, 100));
    let stats = log.stats();
    assert_eq!((stats.events, stats.batches, stats.syncs), (100, 1, 1));
}

#[test]
fn a_turn_of_the_writer_leaves_a_batch_alone_that_is_still_gathered() {
    let (log, _) = by_hand(Simulated::new(1));
    let chat = log.namespace("/");
    log.turn();
    let before = log.stats().batches;
    sockeye_log::gather();
    say(&chat, Durability::Async, "one");
    log.turn();
    say(&chat, Durability::Async, "two");
    assert_eq!(log.stats().batches, before);
    assert!(sockeye_log::gathered());
    log.nudge();
    log.turn();
    assert_eq!(log.stats().batches, before + 1);
    assert_eq!(texts(&chat, ALL), ["one", "two"]);
}

#[test]
fn a_log_that_is_closed_while_something_is_gathered_writes_that_too() {
    let disk = Simulated::new(1);
    let log = Log::with_store(disk.clone(), Options::default()).expect("opened");
    sockeye_log::gather();
    say(&log.namespace("/"), Durability::Async, "hello");
    drop(log);
    assert!(sockeye_log::gathered());
    let log = Log::with_store(disk, Options::default()).expect("opened");
    assert_eq!(texts(&log.namespace("/"), ALL), ["hello"]);
}

#[test]
fn what_need_not_be_durable_is_made_so_when_it_is_time() {
    let (log, clock) = by_hand(Simulated::new(1));
    let chat = log.namespace("/");
    say(&chat, Durability::Async, "one");
    log.turn();
    clock.advance(Duration::from_millis(49));
    say(&chat, Durability::Async, "two");
    log.turn();
    assert_eq!(progress(&log), (2, 0));
    clock.advance(Duration::from_millis(1));
    log.turn();
    assert_eq!(progress(&log), (2, 2));
    log.turn();
    assert_eq!(log.stats().syncs, 1, "there is nothing more to do");
}

#[test]
fn a_watcher_hears_of_what_is_written_before_it_is_synced() {
    let (log, _) = by_hand(Simulated::new(1));
    let heard: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let theirs = Arc::clone(&heard);
    log.watch(move |progress| theirs.lock().push(*progress));
    let chat = log.namespace("/");
    say(&chat, Durability::Async, "one");
    say(&chat, Durability::Fsync, "two");
    log.turn();
    let heard: Vec<_> =
        heard.lock().iter().map(|one| (one.written.get(), one.synced.get())).collect();
    assert_eq!(heard, [(2, 0), (2, 2)]);
}

#[test]
fn a_watcher_may_append_and_read() {
    let (log, _) = by_hand(Simulated::new(1));
    let chat = log.namespace("/");
    let answers = Arc::new(Mutex::new(Some(log.namespace("/"))));
    let theirs = Arc::clone(&answers);
    log.watch(move |_| {
        if let Some(chat) = theirs.lock().take() {
            assert_eq!(texts(&chat, ALL), ["hello"]);
            say(&chat, Durability::Async, "answer");
        }
    });
    say(&chat, Durability::Async, "hello");
    log.turn();
    log.turn();
    assert_eq!(texts(&chat, ALL), ["hello", "answer"]);
}

#[test]
fn an_event_in_memory_counts_as_written_when_everything_before_it_is() {
    let (log, _) = by_hand(Simulated::new(1));
    let chat = log.namespace("/");
    say(&chat, Durability::Memory, "one");
    assert_eq!(progress(&log), (0, 0), "that there is one has to be durable first");
    log.turn();
    assert_eq!(progress(&log), (1, 1));
    say(&chat, Durability::Memory, "two");
    assert_eq!(progress(&log), (2, 2), "nothing waits before it");
    say(&chat, Durability::Async, "three");
    say(&chat, Durability::Memory, "four");
    assert_eq!(progress(&log), (2, 2), "it waits for the one before it");
    log.turn();
    assert_eq!(progress(&log), (4, 2));
    assert_eq!(texts(&chat, ALL), ["one", "two", "three", "four"]);
    assert_eq!(chat.history("room", None, 2).expect("readable").len(), 2);
    assert_eq!(log.stats().batches, 2);
}

#[test]
fn an_event_in_memory_is_not_read_before_those_that_wait_before_it() {
    let (log, _) = by_hand(Simulated::new(1));
    let chat = log.namespace("/");
    say(&chat, Durability::Async, "one");
    say(&chat, Durability::Memory, "two");
    let chunk = read(&chat, ALL).expect("no gap");
    assert_eq!((chunk.events.len(), chunk.read_to), (0, ALL));
    assert!(chat.history("room", None, 9).expect("readable").is_empty());
}

#[test]
fn a_full_queue_refuses_until_the_writer_has_taken_it() {
    let options = Options { queue_bytes: 1000, ..Options::default() };
    let log = Log::by_hand(Simulated::new(1), options).expect("opened");
    let chat = log.namespace("/");
    log.turn();
    let large = "x".repeat(5000);
    say(&chat, Durability::Async, &large);
    let refused = try_say(&chat, Durability::Async, "one more");
    assert!(matches!(refused, Err(AppendError::Busy)));
    let refused = chat.join(SessionId::random(), "room", Durability::Async);
    assert!(matches!(refused, Err(AppendError::Busy)));
    log.turn();
    assert_eq!(say(&chat, Durability::Async, "one more"), Position::from(2), "no position is lost");
}

#[test]
fn positions_are_reserved_in_time_and_never_run_out() {
    let (log, _) = by_hand(Simulated::new(1));
    let chat = log.namespace("/");
    let id = SessionId::random();
    let mut last = 0;
    for _ in 0..1_000_000 {
        last = chat.join(id, "room", Durability::Memory).expect("reserved").get();
    }
    assert_eq!(last, 1_000_000);
    let refused = chat.join(id, "room", Durability::Memory);
    assert!(matches!(refused, Err(AppendError::Busy)), "the next million is not durable");
    log.turn();
    assert_eq!(chat.join(id, "room", Durability::Memory).expect("reserved").get(), last + 1);
}

#[test]
fn a_session_that_ends_in_the_batch_it_began_in_leaves_nothing() {
    let (log, _) = by_hand(Simulated::new(1));
    let chat = log.namespace("/");
    let id = SessionId::random();
    let session =
        sockeye_log::Session { id, socket: "x1".into(), principal: None, data: None, start: ALL };
    chat.join(id, "before", Durability::Async).expect("accepted");
    log.turn();
    chat.save_session(&session, Durability::Async).expect("accepted");
    chat.join(id, "room", Durability::Async).expect("accepted");
    chat.end_session(id, Durability::Async).expect("accepted");
    chat.save_session(&session, Durability::Async).expect("accepted");
    log.turn();
    let saved = chat.sessions().expect("readable");
    assert_eq!((saved.len(), saved[0].intervals.len()), (1, 0));
}

#[test]
fn with_a_thread_everything_comes_by_itself() {
    let log = Log::with_store(Simulated::new(1), Options::default()).expect("opened");
    let chat = log.namespace("/");
    let writers = (0..8).map(|_| {
        let (log, chat) = (log.clone(), chat.clone());
        std::thread::spawn(move || {
            for i in 0..200 {
                let class = [Durability::Memory, Durability::Async, Durability::Fsync][i % 3];
                let at = say(&chat, class, "x");
                log.stored(at, class).wait().expect("stored");
            }
        })
    });
    writers.collect::<Vec<_>>().into_iter().for_each(|one| one.join().expect("no panic"));
    let last = say(&chat, Durability::Async, "last");
    log.stored(last, Durability::Fsync).wait().expect("synced after a while");
    assert_eq!(texts(&chat, ALL).len(), 1601);
}

#[test]
fn a_closed_log_has_stored_what_it_accepted_and_accepts_nothing_more() {
    let log = Log::with_store(Simulated::new(1), Options::default()).expect("opened");
    let chat = log.namespace("/");
    let at = say(&chat, Durability::Fsync, "hello");
    let stored = log.stored(at, Durability::Fsync);
    log.close();
    stored.wait().expect("stored");
    let read = read(&chat, ALL);
    assert!(matches!(read, Err(sockeye_log::ReadError::Store(StoreError::Ended))), "{read:?}");
    assert!(matches!(try_say(&chat, Durability::Async, "more"), Err(AppendError::Closed)));
    let never = log.stored(Position::from(99), Durability::Async).wait();
    assert!(matches!(never, Err(StoreError::Ended)));
    log.close();
}

#[test]
fn the_last_handle_closes_the_log_and_the_store_can_be_opened_again() {
    let disk = Simulated::new(1);
    let log = Log::with_store(disk.clone(), Options::default()).expect("opened");
    let chat = log.namespace("/");
    drop(log);
    assert!(Log::with_store(disk.clone(), Options::default()).is_err(), "the namespace holds it");
    say(&chat, Durability::Async, "hello");
    drop(chat);
    let log = Log::with_store(disk, Options::default()).expect("opened");
    assert_eq!(log.verdict().to_string(), "everything is there");
    assert_eq!(texts(&log.namespace("/"), ALL), ["hello"]);
}

#[test]
fn a_watcher_may_drop_the_last_handle() {
    let disk = Simulated::new(1);
    let log = Log::with_store(disk, Options::default()).expect("opened");
    let chat = log.namespace("/");
    let last = Arc::new(Mutex::new(None));
    let theirs = Arc::clone(&last);
    log.watch(move |_| drop(theirs.lock().take()));
    let at = say(&chat, Durability::Async, "hello");
    let stored = log.stored(at, Durability::Fsync);
    *last.lock() = Some((log, chat));
    stored.wait().expect("stored on the way out");
}

#[test]
fn an_append_that_panics_leaves_the_log_as_it_was() {
    let (log, _) = by_hand(Simulated::new(1));
    let chat = log.namespace("/");
    let panics = std::panic::AssertUnwindSafe(|| {
        chat.append(Durability::Async, Some("key"), 0, |_| -> Event { panic!("on purpose") })
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(say(&chat, Durability::Async, "hello"), Position::from(1));
}
