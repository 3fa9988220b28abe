//! What happens when the disk refuses, fills up, or says that it is done and is not.

mod common;

use std::time::Duration;

use common::{ALL, by_hand, gap, say, second, texts, try_say};
use sockeye_log::store::simulated::Simulated;
use sockeye_log::{
    AppendError, Appended, Clock, Durability, Event, Log, Options, Position, Shard, StoreError,
    Verdict,
};

fn failed(log: &Log) -> Option<(u64, u64)> {
    log.progress().failed.map(|(first, last)| (first.get(), last.get()))
}

fn refuses(shard: &Shard) -> bool {
    matches!(try_say(shard, Durability::Async, "no"), Err(AppendError::Failed(_)))
}

#[test]
fn what_could_not_be_appended_fails_and_is_never_read() {
    for seed in 0..20 {
        let disk = Simulated::new(seed);
        let (log, clock) = by_hand(disk.clone());
        let chat = log.namespace("/");
        say(&chat, Durability::Fsync, "before");
        log.turn();
        disk.fail_appends(1);
        let lost = [say(&chat, Durability::Async, "lost"), say(&chat, Durability::Fsync, "lost")];
        log.turn();
        assert_eq!(failed(&log), Some((2, 3)));
        for (at, class) in lost.into_iter().zip([Durability::Async, Durability::Fsync]) {
            assert!(log.stored(at, class).wait().is_err());
        }
        assert!(refuses(&chat));
        assert_eq!(texts(&chat, ALL), ["before"], "reading goes on");
        clock.advance(second());
        log.turn();
        let after = say(&chat, Durability::Async, "after");
        log.turn();
        assert!(after > Position::from(3), "what failed is not used again");
        assert_eq!(texts(&chat, ALL), ["before", "after"], "seed {seed}");
        log.stored(lost[0], Durability::Async).wait().expect_err("it stays failed");
        drop((log, chat));
        let (log, _) = by_hand(disk);
        assert_eq!(texts(&log.namespace("/"), ALL), ["before", "after"], "seed {seed}");
    }
}

#[test]
fn whoever_waits_for_a_failed_batch_is_woken() {
    let disk = Simulated::new(1);
    let (log, _) = by_hand(disk.clone());
    let chat = log.namespace("/");
    let lost = [Durability::Async, Durability::Fsync].map(|class| {
        let at = say(&chat, class, "lost");
        let waits = log.stored(at, class);
        std::thread::spawn(move || waits.wait())
    });
    disk.fail_appends(1);
    log.turn();
    for thread in lost {
        assert!(thread.join().expect("no panic").is_err());
    }
}

#[test]
fn a_failed_sync_is_not_tried_again_and_what_may_have_been_delivered_is_a_gap() {
    for seed in 0..20 {
        let disk = Simulated::new(seed);
        let (log, clock) = by_hand(disk.clone());
        let chat = log.namespace("/");
        let before = say(&chat, Durability::Fsync, "before");
        log.turn();
        say(&chat, Durability::Async, "delivered");
        log.turn();
        let syncs = log.stats().syncs;
        disk.fail_syncs(1);
        let lost = say(&chat, Durability::Fsync, "not delivered");
        log.turn();
        assert_eq!(log.stats().syncs, syncs + 1);
        assert_eq!(failed(&log), Some((2, 3)));
        assert!(log.stored(lost, Durability::Fsync).wait().is_err());
        assert!(refuses(&chat));
        clock.advance(second());
        log.turn();
        let after = say(&chat, Durability::Fsync, "after");
        log.turn();
        assert_eq!(gap(&chat, before), (1, 3));
        assert_eq!(texts(&chat, Position::from(3)), ["after"]);
        assert_eq!(chat.history("room", None, 9).expect("readable").len(), 2);
        log.stored(after, Durability::Fsync).wait().expect("stored");
        drop((log, chat));
        let (log, _) = by_hand(disk);
        assert_eq!(gap(&log.namespace("/"), before), (1, 3), "it is still known");
    }
}

#[test]
fn a_failed_sync_that_nobody_was_given_anything_of_is_no_gap() {
    let disk = Simulated::new(3);
    let (log, clock) = by_hand(disk.clone());
    let chat = log.namespace("/");
    log.turn();
    say(&chat, Durability::Fsync, "before");
    log.turn();
    disk.fail_syncs(1);
    say(&chat, Durability::Fsync, "not delivered");
    log.turn();
    clock.advance(second());
    log.turn();
    say(&chat, Durability::Fsync, "after");
    log.turn();
    assert_eq!(texts(&chat, ALL), ["before", "after"]);
}

#[test]
fn a_full_disk_refuses_until_there_is_space_again() {
    let disk = Simulated::new(1);
    let (log, clock) = by_hand(disk.clone());
    let chat = log.namespace("/");
    say(&chat, Durability::Fsync, "before");
    log.turn();
    disk.fill_up_after(Some(100));
    let lost = say(&chat, Durability::Fsync, &"x".repeat(1000));
    log.turn();
    assert!(matches!(log.stored(lost, Durability::Fsync).wait(), Err(StoreError::Full(_))));
    for _ in 0..5 {
        clock.advance(Duration::from_secs(10));
        log.turn();
        assert!(refuses(&chat));
        assert_eq!(texts(&chat, ALL), ["before"], "reading goes on");
    }
    disk.fill_up_after(None);
    clock.advance(Duration::from_secs(10));
    log.turn();
    say(&chat, Durability::Fsync, "after");
    log.turn();
    assert_eq!(texts(&chat, ALL), ["before", "after"]);
}

#[test]
fn a_store_that_cannot_be_opened_again_is_tried_less_and_less_often() {
    let disk = Simulated::new(1);
    let (log, clock) = by_hand(disk.clone());
    let chat = log.namespace("/");
    disk.fail_appends(1);
    disk.fail_opens(4);
    say(&chat, Durability::Async, "lost");
    log.turn();
    let mut seconds = 0;
    while refuses(&chat) {
        seconds += 1;
        clock.advance(second());
        log.turn();
    }
    assert_eq!(seconds, 1 + 2 + 4 + 8 + 10);
}

/// A log that finds its store damaged when it opens it again, and cannot write so many times.
fn damaged(seed: u64, failing: usize) -> (Simulated, Log, Clock, Shard) {
    let disk = Simulated::new(seed);
    let (log, clock) = by_hand(disk.clone());
    let chat = log.namespace("/");
    say(&chat, Durability::Fsync, "before");
    log.turn();
    disk.refuse_to_open("its first page is torn");
    disk.fail_appends(failing);
    say(&chat, Durability::Async, "lost");
    log.turn();
    (disk, log, clock, chat)
}

#[test]
fn a_store_that_is_damaged_when_it_is_opened_again_is_set_aside() {
    for (seed, failing) in (0..10).flat_map(|seed| [(seed, 1), (seed, 2), (seed, 3)]) {
        let (disk, log, clock, chat) = damaged(seed, failing);
        for _ in 0..failing {
            assert!(refuses(&chat));
            clock.advance(Duration::from_secs(10));
            log.turn();
        }
        let (before, after) = (Position::from(1), say(&chat, Durability::Fsync, "after"));
        log.turn();
        assert_eq!(gap(&chat, ALL), (0, 1), "what was stored is gone with the store");
        assert_eq!(texts(&chat, before), ["after"], "nobody else has a gap");
        assert_eq!(chat.position(&chat.token(before)), Some(before), "tokens are good");
        drop(log);
        let token = chat.token(after);
        drop(chat);
        let (log, _) = by_hand(disk);
        assert_eq!(*log.verdict(), Verdict::Clean);
        let chat = log.namespace("/");
        assert_eq!(gap(&chat, ALL), (0, 1), "it is still known");
        assert_eq!(texts(&chat, before), ["after"]);
        assert_eq!(chat.position(&token), Some(after));
    }
}

#[test]
fn a_store_that_has_less_when_it_is_opened_again_is_a_gap_however_often_it_is_tried() {
    for seed in 0..10 {
        let disk = Simulated::new(seed);
        let (log, clock) = by_hand(disk.clone());
        let chat = log.namespace("/");
        let before = say(&chat, Durability::Fsync, "before");
        log.turn();
        let less = disk.snapshot();
        say(&chat, Durability::Fsync, "gone");
        log.turn();
        disk.fail_appends(2);
        say(&chat, Durability::Fsync, "lost");
        log.turn();
        disk.go_back(&less);
        for _ in 0..2 {
            assert!(refuses(&chat));
            clock.advance(Duration::from_secs(10));
            log.turn();
        }
        say(&chat, Durability::Fsync, "after");
        log.turn();
        assert_eq!(gap(&chat, before), (1, 2), "seed {seed}");
    }
}

#[test]
fn a_process_that_ends_before_a_new_store_has_begun_loses_nothing_in_silence() {
    for seed in 0..10 {
        let (disk, log, clock, _) = damaged(seed, usize::MAX);
        clock.advance(second());
        log.turn();
        disk.kill();
        disk.fail_appends(0);
        let (log, _) = by_hand(disk);
        let chat = log.namespace("/");
        assert!(say(&chat, Durability::Fsync, "after") > Position::from(2));
        log.turn();
        assert_eq!(gap(&chat, ALL).0, 0);
        assert_eq!(chat.history("room", None, 9).expect("readable").len(), 1);
    }
}

#[test]
fn a_namespace_made_while_the_store_is_broken_is_kept() {
    let disk = Simulated::new(1);
    let (log, clock) = by_hand(disk.clone());
    disk.fail_appends(1);
    say(&log.namespace("/a"), Durability::Async, "lost");
    log.turn();
    let b = log.namespace("/b");
    clock.advance(second());
    log.turn();
    say(&b, Durability::Async, "hello");
    drop((log, b));
    let (log, _) = by_hand(disk);
    assert!(texts(&log.namespace("/a"), ALL).is_empty());
    assert_eq!(texts(&log.namespace("/b"), ALL), ["hello"]);
}

#[test]
fn the_key_of_an_event_that_failed_may_be_used_again() {
    let disk = Simulated::new(1);
    let (log, clock) = by_hand(disk.clone());
    let chat = log.namespace("/");
    let put = |class, key| chat.append(class, Some(key), 0, |_| Event::default());
    put(Durability::Fsync, "stored").expect("accepted");
    log.turn();
    disk.fail_appends(1);
    put(Durability::Fsync, "lost").expect("accepted");
    put(Durability::Memory, "in memory").expect("accepted");
    log.turn();
    clock.advance(second());
    log.turn();
    assert!(matches!(put(Durability::Fsync, "stored"), Ok(Appended::Repeated(_))));
    assert!(matches!(put(Durability::Fsync, "lost"), Ok(Appended::New(_))));
    assert!(matches!(put(Durability::Fsync, "in memory"), Ok(Appended::Repeated(_))));
}

#[test]
fn an_event_in_memory_survives_the_failure_of_the_disk() {
    let disk = Simulated::new(1);
    let (log, clock) = by_hand(disk.clone());
    let chat = log.namespace("/");
    disk.fail_appends(1);
    say(&chat, Durability::Async, "lost");
    let kept = say(&chat, Durability::Memory, "in memory");
    log.turn();
    log.stored(kept, Durability::Memory).wait().expect("stored");
    clock.advance(second());
    log.turn();
    assert!(log.progress().written >= kept);
    assert_eq!(texts(&chat, ALL), ["in memory"]);
    drop((log, chat));
    let (log, _) = by_hand(disk);
    let before = Position::from(1);
    assert_eq!(gap(&log.namespace("/"), before).0, 1, "that there was one is known all the same");
}

#[test]
fn a_log_that_is_closed_while_its_store_is_broken_says_so_to_whoever_waits() {
    let disk = Simulated::new(1);
    let (log, _) = by_hand(disk.clone());
    let chat = log.namespace("/");
    let stored = say(&chat, Durability::Fsync, "before");
    log.turn();
    disk.fail_appends(1);
    let lost = say(&chat, Durability::Fsync, "lost");
    log.turn();
    log.close();
    log.stored(stored, Durability::Fsync).wait().expect("stored");
    log.stored(lost, Durability::Fsync).wait().expect_err("failed");
    drop((log, chat));
    let (log, _) = by_hand(disk);
    assert_eq!(*log.verdict(), Verdict::Recovered);
}

#[test]
fn with_a_thread_the_log_accepts_again_by_itself() {
    let disk = Simulated::new(1);
    let options = Options { sync_every: Duration::from_millis(1), ..Options::default() };
    let log = Log::with_store(disk.clone(), options).expect("opened");
    let chat = log.namespace("/");
    let at = say(&chat, Durability::Fsync, "before");
    log.stored(at, Durability::Fsync).wait().expect("stored");
    disk.fail_appends(1);
    let lost = say(&chat, Durability::Fsync, "lost");
    log.stored(lost, Durability::Fsync).wait().expect_err("failed");
    let (accepts, accepted) = std::sync::mpsc::channel();
    log.watch(move |progress| {
        if progress.written >= lost {
            accepts.send(()).expect("somebody listens");
        }
    });
    accepted.recv().expect("it opens the store again");
    let at = say(&chat, Durability::Fsync, "after");
    log.stored(at, Durability::Fsync).wait().expect("stored");
    drop(accepted);
}
