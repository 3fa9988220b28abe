//! Ends of every kind, and in which state the log is found afterwards.

mod common;

use std::time::Duration;

use common::{ALL, by_hand, end, gap, read, say, texts};
use sockeye_log::store::memory::Memory;
use sockeye_log::store::simulated::Simulated;
use sockeye_log::store::{OpenStore, Table};
use sockeye_log::{
    Appended, Durability, Event, Interval, Log, OpenError, Options, Position, ReadError, Session,
    SessionId, Verdict,
};

fn fresh(disk: &Simulated) -> Log {
    by_hand(disk.clone()).0
}

/// A log with `a`, `b`, `c` in one room, durable, whose process is killed.
fn three(disk: &Simulated) -> Position {
    let log = fresh(disk);
    let chat = log.namespace("/");
    let last = ["a", "b", "c"].map(|text| {
        let at = say(&chat, Durability::Fsync, text);
        log.turn();
        at
    })[2];
    disk.kill();
    last
}

#[test]
fn a_new_log_is_fresh_and_a_closed_one_is_clean() {
    let disk = Simulated::new(1);
    let log = fresh(&disk);
    assert_eq!(*log.verdict(), Verdict::Fresh);
    let last = say(&log.namespace("/"), Durability::Async, "hello");
    log.close();
    let log = fresh(&disk);
    assert_eq!(*log.verdict(), Verdict::Clean);
    let next = say(&log.namespace("/"), Durability::Async, "again");
    assert_eq!(next.get(), last.get() + 1, "a clean end skips no positions");
    drop(log);
    assert_eq!(texts(&fresh(&disk).namespace("/"), ALL), ["hello", "again"]);
}

#[test]
fn after_a_kill_everything_written_is_there_and_positions_go_on_above() {
    let disk = Simulated::new(1);
    let last = three(&disk);
    let log = fresh(&disk);
    assert_eq!(*log.verdict(), Verdict::Recovered);
    let chat = log.namespace("/");
    assert_eq!(texts(&chat, ALL), ["a", "b", "c"]);
    let next = say(&chat, Durability::Async, "d");
    log.turn();
    assert!(next > last);
    assert_eq!(texts(&chat, Position::from(2)), ["c", "d"], "no gap between the epochs");
}

#[test]
fn tokens_and_namespaces_survive() {
    let disk = Simulated::new(1);
    let log = fresh(&disk);
    let (a, b) = (log.namespace("/a"), log.namespace("/b"));
    let token = b.token(Position::from(7));
    say(&a, Durability::Async, "a");
    say(&b, Durability::Async, "b");
    log.turn();
    disk.kill();
    let log = fresh(&disk);
    let (b, a) = (log.namespace("/b"), log.namespace("/a"));
    assert_eq!(b.position(&token), Some(Position::from(7)));
    assert_eq!(a.position(&token), None);
    assert_eq!((texts(&a, ALL), texts(&b, ALL)), (vec!["a".to_owned()], vec!["b".to_owned()]));
}

#[test]
fn a_namespace_that_was_forgotten_stays_so_and_its_events_are_never_another_ones() {
    let disk = Simulated::new(1);
    let log = fresh(&disk);
    for number in 0..=65_536 {
        say(&log.namespace(&number.to_string()), Durability::Async, "before");
        if number % 1000 == 0 {
            log.turn();
        }
    }
    log.turn();
    disk.kill();
    let log = fresh(&disk);
    let again = log.namespace("0");
    assert!(texts(&again, ALL).is_empty());
    say(&again, Durability::Async, "after");
    log.turn();
    assert_eq!(texts(&again, ALL), ["after"]);
    assert_eq!(texts(&log.namespace("65536"), ALL), ["before"]);
    assert!(texts(&log.namespace("1"), ALL).is_empty(), "the next one is forgotten");
}

#[test]
fn namespaces_with_sessions_are_found_by_whoever_opens_the_log() {
    let disk = Simulated::new(1);
    let log = fresh(&disk);
    let (a, b) = (log.namespace("/a"), log.namespace("/b"));
    let session = Session {
        id: SessionId::random(),
        socket: "x1".into(),
        principal: None,
        data: None,
        start: Position::ZERO,
    };
    a.save_session(&session, Durability::Async).expect("accepted");
    say(&b, Durability::Async, "nobody is here");
    log.turn();
    disk.kill();
    assert_eq!(fresh(&disk).with_sessions().expect("readable"), ["/a".into()]);
}

#[test]
fn sessions_and_their_stays_survive() {
    let disk = Simulated::new(1);
    let log = fresh(&disk);
    let chat = log.namespace("/");
    let id = SessionId::random();
    let (principal, data) = (Some("alice".into()), Some("{}".into()));
    let session = Session { id, socket: "x1".into(), principal, data, start: Position::from(3) };
    chat.save_session(&session, Durability::Fsync).expect("accepted");
    let joined = chat.join(id, "room", Durability::Fsync).expect("accepted");
    let left = chat.leave(id, "room", joined, Durability::Fsync).expect("accepted");
    let again = chat.join(id, "", Durability::Fsync).expect("accepted");
    log.turn();
    disk.crash();
    let saved = fresh(&disk).namespace("/").sessions().expect("readable");
    assert_eq!(saved[0].session, session);
    let stay = Interval { room: "room".into(), joined, left: Some(left) };
    assert_eq!(saved[0].intervals, [stay, Interval::since("", again)]);
}

#[test]
fn a_session_whose_stay_is_damaged_is_no_session() {
    let disk = Simulated::new(1);
    let log = fresh(&disk);
    let chat = log.namespace("/");
    let id = SessionId::random();
    let session =
        Session { id, socket: "x1".into(), principal: None, data: None, start: Position::ZERO };
    chat.save_session(&session, Durability::Fsync).expect("accepted");
    chat.join(id, "room", Durability::Fsync).expect("accepted");
    log.turn();
    assert!(disk.damage_value(Table::Intervals));
    assert!(chat.sessions().expect("readable").is_empty());
}

#[test]
fn idempotency_keys_survive_as_long_as_they_are_among_the_newest() {
    let disk = Simulated::new(1);
    let open = || {
        let options = Options { keys: 10, ..Options::default() };
        Log::by_hand(disk.clone(), options).expect("opened")
    };
    let put = |log: &Log, key: usize| {
        let chat = log.namespace("/");
        let key = key.to_string();
        chat.append(Durability::Fsync, Some(&key), 0, |_| Event::default()).expect("accepted")
    };
    let log = open();
    let first: Vec<_> = (0..20).map(|key| put(&log, key).position()).collect();
    log.turn();
    disk.crash();
    let log = open();
    assert_eq!(put(&log, 10), Appended::Repeated(first[10]));
    assert_eq!(put(&log, 19), Appended::Repeated(first[19]));
    assert!(matches!(put(&log, 9), Appended::New(_)));
}

#[test]
fn what_was_in_memory_is_a_gap_after_a_restart_for_its_namespace_alone() {
    let disk = Simulated::new(1);
    let log = fresh(&disk);
    let (a, b) = (log.namespace("/a"), log.namespace("/b"));
    let before = say(&a, Durability::Fsync, "before");
    say(&a, Durability::Memory, "in memory");
    say(&a, Durability::Fsync, "after");
    say(&b, Durability::Fsync, "b");
    log.turn();
    log.close();
    let log = fresh(&disk);
    let (a, b) = (log.namespace("/a"), log.namespace("/b"));
    assert_eq!(*log.verdict(), Verdict::Clean);
    assert_eq!(texts(&b, ALL), ["b"]);
    let chunk = read(&a, ALL).expect("what is before the gap comes first");
    assert_eq!((chunk.events.len(), chunk.read_to), (1, before));
    let (from, up_to) = gap(&a, before);
    assert_eq!(from, before.get());
    assert!(texts(&a, Position::from(up_to)).is_empty());
    drop((log, a, b));
    assert_eq!(gap(&fresh(&disk).namespace("/a"), before), (from, up_to), "nor after the next one");
}

#[test]
fn what_is_cut_off_is_a_gap_and_the_verdict_says_so() {
    let disk = Simulated::new(1);
    let log = fresh(&disk);
    let chat = log.namespace("/");
    say(&chat, Durability::Fsync, "a");
    log.turn();
    let early = disk.snapshot();
    for text in ["b", "c"] {
        say(&chat, Durability::Fsync, text);
        log.turn();
    }
    disk.kill();
    disk.go_back(&early);
    let log = fresh(&disk);
    let (after, up_to) = (Position::from(1), Position::from(3));
    assert_eq!(*log.verdict(), Verdict::Damaged { after, up_to });
    assert_eq!(log.verdict().to_string(), "damaged: what was written after 1 up to 3 is lost");
    let chat = log.namespace("/");
    let next = say(&chat, Durability::Fsync, "d");
    log.turn();
    let (from, to) = gap(&chat, after);
    assert!(from == 1 && 3 <= to && to < next.get());
    assert_eq!(texts(&chat, Position::from(to)), ["d"]);
}

#[test]
fn a_store_that_goes_back_before_a_restart_gives_no_position_twice() {
    let disk = Simulated::new(1);
    let log = fresh(&disk);
    say(&log.namespace("/"), Durability::Fsync, "a");
    log.turn();
    let early = disk.snapshot();
    disk.kill();
    let log = fresh(&disk);
    let second = say(&log.namespace("/"), Durability::Fsync, "b");
    log.turn();
    disk.kill();
    disk.go_back(&early);
    let log = fresh(&disk);
    assert!(matches!(log.verdict(), Verdict::Damaged { .. }));
    let third = say(&log.namespace("/"), Durability::Fsync, "c");
    assert!(third > second, "{third} after {second}");
}

#[test]
fn an_emptied_store_with_a_mark_is_damage() {
    let disk = Simulated::new(1);
    let last = three(&disk);
    disk.lose_everything();
    let log = fresh(&disk);
    assert_eq!(*log.verdict(), Verdict::Damaged { after: ALL, up_to: last });
    let next = say(&log.namespace("/"), Durability::Fsync, "d");
    assert!(next > last);
    assert!(log.namespace("/").low_water() >= last);
}

#[test]
fn without_a_mark_nobody_can_say_that_nothing_is_missing() {
    for damage in [Simulated::lose_mark, Simulated::damage_mark] {
        let disk = Simulated::new(1);
        let last = three(&disk);
        damage(&disk);
        let log = fresh(&disk);
        assert!(matches!(log.verdict(), Verdict::Damaged { after, .. } if *after == last));
        let chat = log.namespace("/");
        say(&chat, Durability::Fsync, "d");
        log.turn();
        assert_eq!(gap(&chat, last).0, last.get());
        assert_eq!(read(&chat, ALL).expect("up to there all is well").events.len(), 3);
    }
}

#[test]
fn without_a_mark_a_log_that_was_closed_is_complete() {
    let disk = Simulated::new(1);
    let log = fresh(&disk);
    say(&log.namespace("/"), Durability::Async, "a");
    log.close();
    disk.lose_mark();
    assert_eq!(*fresh(&disk).verdict(), Verdict::Clean);
}

#[test]
fn a_store_that_does_not_open_is_set_aside_and_everything_before_is_lost() {
    let disk = Simulated::new(1);
    let last = three(&disk);
    disk.refuse_to_open("its first page is torn");
    let log = fresh(&disk);
    let Verdict::SetAside { place, why, up_to } = log.verdict() else {
        panic!("{:?}", log.verdict())
    };
    assert_eq!((&**place, *up_to), ("simulated-1", last));
    assert!(why.contains("its first page is torn"));
    assert!(log.verdict().to_string().ends_with("everything up to 3 is lost"));
    let chat = log.namespace("/");
    assert!(say(&chat, Durability::Fsync, "d") > last);
    log.turn();
    assert_eq!(gap(&chat, ALL).0, 0);
    drop((log, chat));
    assert_eq!(*fresh(&disk).verdict(), Verdict::Clean, "that is how it goes on");
}

#[test]
fn a_damaged_table_of_its_own_is_as_bad_as_a_store_that_does_not_open() {
    for seed in 0..50 {
        let disk = Simulated::new(seed);
        let last = three(&disk);
        assert!(disk.damage_value(Table::Meta));
        let log = fresh(&disk);
        assert!(matches!(log.verdict(), Verdict::SetAside { .. }), "{:?}", log.verdict());
        assert!(say(&log.namespace("/"), Durability::Fsync, "d") > last);
    }
}

#[test]
fn a_flipped_bit_in_an_event_is_a_gap_of_that_event_alone() {
    for seed in 0..50 {
        let disk = Simulated::new(seed);
        three(&disk);
        assert!(disk.damage_value(Table::Events));
        let log = fresh(&disk);
        let chat = log.namespace("/");
        let (mut after, mut seen, mut gaps) = (ALL, 0, Vec::new());
        while after < Position::from(3) {
            match read(&chat, after) {
                Ok(chunk) => {
                    seen += chunk.events.len();
                    after = chunk.read_to;
                }
                Err(ReadError::Gap { after: from, up_to }) => {
                    gaps.push((from.get(), up_to.get()));
                    after = up_to;
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!((seen, gaps.len()), (2, 1));
        assert_eq!(gaps[0].0 + 1, gaps[0].1);
        assert!(matches!(chat.history("room", None, 9), Err(ReadError::Gap { .. })));
    }
}

#[test]
fn a_damaged_reference_or_body_is_a_gap_for_whoever_needs_it() {
    for seed in 0..50 {
        let disk = Simulated::new(seed);
        let log = fresh(&disk);
        let chat = log.namespace("/");
        let event = common::to(&["a", "b"], "hello");
        chat.append(Durability::Fsync, None, 0, |_| event).expect("accepted");
        log.turn();
        assert!(disk.damage_value(Table::Events));
        let reads = |rooms: &[&str]| {
            let stays: Vec<_> = rooms.iter().map(|room| Interval::since(*room, ALL)).collect();
            chat.read(&stays, ALL, end(), 1).is_ok_and(|chunk| chunk.events.len() == 1)
        };
        assert!(!reads(&["b"]), "either its reference or its body is damaged");
        assert_eq!(reads(&["a", "b"]), reads(&["a"]), "whoever has the body needs no reference");
    }
}

#[test]
fn an_open_log_is_in_use() {
    let disk = Simulated::new(1);
    let _log = fresh(&disk);
    let second = Log::with_store(disk, Options::default());
    assert!(matches!(second, Err(OpenError::InUse)));
}

#[test]
fn a_store_of_another_version_is_left_alone() {
    let place = Memory::default();
    drop(Log::by_hand(place.clone(), Options::default()).expect("opened"));
    let store = place.open().expect("opened");
    let mut batch = sockeye_log::store::Batch::default();
    batch.delete(Table::Meta, b"format".to_vec());
    store.append(&batch).expect("accepted");
    drop(store);
    let log = Log::by_hand(place, Options::default()).expect("opened");
    assert!(matches!(log.verdict(), Verdict::SetAside { .. }), "without a version it is damaged");
}

#[test]
fn age_counts_only_while_the_log_is_open_and_goes_on_after_a_restart() {
    let disk = Simulated::new(1);
    let (log, clock) = by_hand(disk.clone());
    say(&log.namespace("/"), Durability::Fsync, "old");
    clock.advance(Duration::from_mins(50));
    say(&log.namespace("/"), Durability::Fsync, "newer");
    drop(log);
    let (log, clock) = by_hand(disk.clone());
    let chat = log.namespace("/");
    clock.advance(Duration::from_secs(500));
    say(&chat, Durability::Fsync, "new");
    log.turn();
    assert_eq!(texts(&chat, ALL), ["old", "newer", "new"]);
    clock.advance(Duration::from_secs(200));
    say(&chat, Durability::Fsync, "newest");
    log.turn();
    assert_eq!(gap(&chat, ALL), (0, 1));
    drop((log, chat));
    let chat = fresh(&disk).namespace("/");
    assert_eq!(gap(&chat, ALL), (0, 1), "the mark survives");
    assert_eq!(texts(&chat, Position::from(1)), ["newer", "new", "newest"]);
}

#[test]
fn many_restarts_keep_the_tables_small_and_what_is_kept_readable() {
    let disk = Simulated::new(1);
    let mut last = ALL;
    for number in 0..1100 {
        let log = fresh(&disk);
        last = say(&log.namespace("/"), Durability::Fsync, &number.to_string());
        log.turn();
        disk.kill();
    }
    let chat = fresh(&disk).namespace("/");
    let low = chat.low_water();
    assert!(ALL < low && low < last, "the oldest epochs are forgotten, and that is a gap");
    assert_eq!(gap(&chat, ALL), (0, low.get()));
    assert!((1000..=1024).contains(&texts(&chat, low).len()));
}

#[test]
fn no_damage_makes_it_panic_or_invent_something() {
    for seed in 0..300_usize {
        let disk = Simulated::new(seed as u64);
        let log = fresh(&disk);
        let chat = log.namespace("/");
        let id = SessionId::random();
        let session =
            Session { id, socket: "x1".into(), principal: None, data: None, start: Position::ZERO };
        chat.save_session(&session, Durability::Fsync).expect("accepted");
        for (number, room) in ["room", "a", ""].into_iter().enumerate() {
            chat.join(id, room, Durability::Fsync).expect("accepted");
            let event = common::to(&["room", "a"], "hello");
            let key = number.to_string();
            chat.append(Durability::Fsync, Some(&key), 0, |_| event).expect("accepted");
        }
        log.turn();
        disk.kill();
        for table in Table::ALL.iter().cycle().skip(seed % 5).take(1 + seed % 4) {
            disk.damage_value(*table);
        }
        let chat = fresh(&disk).namespace("/");
        if let Ok(chunk) = read(&chat, ALL) {
            assert!(chunk.events.iter().all(|one| one.event.text == "hello"));
        }
        assert!(chat.sessions().expect("readable").iter().all(|one| one.session == session));
        drop(chat.history("a", None, 9));
    }
}
