//! A log in memory, one behaviour at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sockeye_log::{
    AppendError, Appended, Clock, Durability, Event, Interval, Log, Options, Position, ReadError,
    Session, SessionId, Shard,
};

const ALL: Position = Position::ZERO;
const MUCH: usize = 1 << 20;

fn to(rooms: &[&str], text: &str) -> Event {
    Event {
        to: rooms.iter().map(|room| Box::from(*room)).collect(),
        text: text.to_owned().into(),
        ..Event::default()
    }
}

fn say(shard: &Shard, rooms: &[&str], text: &str) -> Position {
    let appended = shard.append(Durability::Async, None, text.len(), |_| to(rooms, text));
    appended.expect("accepted").position()
}

fn end() -> Position {
    Position::from(u64::MAX)
}

fn chat() -> Shard {
    Log::memory(Options::default()).namespace("/chat")
}

fn texts(shard: &Shard, wanted: &[Interval], after: Position) -> Vec<String> {
    let chunk = shard.read(wanted, after, end(), MUCH).expect("no gap");
    let text = |event: &sockeye_log::StoredEvent| event.event.text.to_vec();
    chunk.events.iter().map(|event| String::from_utf8(text(event)).expect("text")).collect()
}

#[test]
fn positions_count_up_across_namespaces() {
    let log = Log::memory(Options::default());
    let (a, b) = (log.namespace("/a"), log.namespace("/b"));
    let positions = [say(&a, &[], "1"), say(&b, &[], "2"), say(&a, &[], "3")];
    assert_eq!(positions.map(Position::get), [1, 2, 3]);
    assert_eq!(texts(&a, &[Interval::since("", ALL)], ALL), ["1", "3"]);
}

#[test]
fn a_namespace_is_found_again_by_its_name() {
    let log = Log::memory(Options::default());
    say(&log.namespace("/a"), &[], "hello");
    assert_eq!(texts(&log.namespace("/a"), &[Interval::since("", ALL)], ALL), ["hello"]);
}

#[test]
fn a_stay_hears_what_comes_behind_its_joining_and_before_its_leaving() {
    let chat = chat();
    let id = SessionId::random();
    say(&chat, &["lobby"], "before");
    let joined = chat.join(id, "lobby", Durability::Async).expect("accepted");
    say(&chat, &["lobby"], "during");
    let left = chat.leave(id, "lobby", joined, Durability::Async).expect("accepted");
    say(&chat, &["lobby"], "after");
    let stay = Interval { room: "lobby".into(), joined, left: Some(left) };
    assert_eq!(texts(&chat, &[stay], ALL), ["during"]);
}

#[test]
fn an_event_to_several_wanted_rooms_is_read_once_and_in_order() {
    let chat = chat();
    say(&chat, &["a"], "1");
    say(&chat, &["a", "b", "a"], "2");
    say(&chat, &["b"], "3");
    say(&chat, &["c"], "not for us");
    say(&chat, &[], "4");
    let wanted = ["a", "b", ""].map(|room| Interval::since(room, ALL));
    assert_eq!(texts(&chat, &wanted, ALL), ["1", "2", "3", "4"]);
}

#[test]
fn a_room_that_was_left_and_joined_again_is_two_stays() {
    let chat = chat();
    let at: Vec<_> = (0..10).map(|i| say(&chat, &["a"], &i.to_string())).collect();
    let stay = |from: usize, to: usize| Interval {
        room: "a".into(),
        joined: at[from],
        left: Some(at[to]),
    };
    assert_eq!(texts(&chat, &[stay(6, 9), stay(0, 3), stay(1, 4)], ALL), ["1", "2", "3", "7", "8"]);
}

#[test]
fn reading_goes_on_where_a_chunk_ended() {
    let chat = chat();
    let long = "x".repeat(1000);
    for _ in 0..100 {
        say(&chat, &["a", "b"], &long);
    }
    let wanted = ["a", "b"].map(|room| Interval::since(room, ALL));
    let (mut after, mut positions) = (ALL, Vec::new());
    while after < Position::from(100) {
        let chunk = chat.read(&wanted, after, end(), 5000).expect("no gap");
        assert!(chunk.events.len() <= 5, "a chunk is bounded");
        positions.extend(chunk.events.iter().map(|event| event.position.get()));
        after = chunk.read_to;
    }
    assert_eq!(positions, (1..=100).collect::<Vec<_>>());
}

#[test]
fn nothing_to_read_is_read_to_the_end() {
    let chat = chat();
    let last = say(&chat, &["a"], "not for us");
    let chunk = chat.read(&[Interval::since("b", ALL)], ALL, end(), MUCH).expect("no gap");
    assert_eq!((chunk.events.len(), chunk.read_to), (0, last));
    let chunk = chat.read(&[Interval::since("b", ALL)], last, end(), MUCH).expect("no gap");
    assert_eq!(chunk.read_to, last);
}

#[test]
fn a_key_is_answered_with_the_first_position_and_makes_nothing() {
    let log = Log::memory(Options { keys: 2, ..Options::default() });
    let (a, b) = (log.namespace("/a"), log.namespace("/b"));
    let put = |shard: &Shard, key| {
        shard.append(Durability::Async, Some(key), 0, |_| Event::default()).expect("accepted")
    };
    let first = put(&a, "k").position();
    assert_eq!(put(&a, "k"), Appended::Repeated(first));
    assert!(matches!(put(&b, "k"), Appended::New(_)), "another namespace, another key");
    put(&a, "l");
    assert!(matches!(put(&a, "k"), Appended::New(_)), "only the newest two are remembered");
}

#[test]
fn a_token_is_read_by_the_namespace_that_made_it_and_by_nobody_else() {
    let log = Log::memory(Options::default());
    let (a, b) = (log.namespace("/a"), log.namespace("/b"));
    let at = Position::from(123);
    let token = a.token(at).to_string();
    assert_eq!(token.len(), 22);
    assert_eq!(a.position(&token), Some(at));
    assert_eq!(b.position(&token), None);
    assert_eq!(chat().position(&token), None, "another log");
    assert_ne!(a.token(at), b.token(at));
}

#[test]
fn a_forged_or_malformed_token_is_none() {
    let chat = chat();
    let token = chat.token(Position::from(123)).to_string();
    for at in 0..token.len() {
        let mut forged = token.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(chat.position(std::str::from_utf8(&forged).expect("ASCII")), None);
    }
    for malformed in ["", "x", &token[1..], &format!("{token}A"), &format!("{token}AA"), "ä"] {
        assert_eq!(chat.position(malformed), None, "{malformed}");
    }
    assert_eq!(chat.position(&"A".repeat(1000)), None);
}

#[test]
fn history_is_the_newest_of_a_room_oldest_first() {
    let chat = chat();
    for i in 0..10 {
        say(&chat, &["a", "b"], &i.to_string());
        say(&chat, &[], "everyone");
    }
    let newest = chat.history("b", None, 3).expect("readable");
    let texts = newest.iter().map(|event| event.event.text.to_vec()).collect::<Vec<_>>();
    assert_eq!(texts, [b"7", b"8", b"9"]);
    let before = chat.history("a", Some(newest[0].position), 100).expect("readable");
    assert_eq!(before.len(), 7);
    assert!(chat.history("c", None, 3).expect("readable").is_empty());
    assert!(chat.history("a", None, 0).expect("readable").is_empty());
}

fn session(id: SessionId) -> Session {
    let principal = Some("alice".into());
    Session { id, socket: "x1".into(), principal, data: None, start: Position::from(7) }
}

#[test]
fn a_session_is_saved_with_its_stays_until_it_ends() {
    let chat = chat();
    let id = SessionId::random();
    chat.save_session(&session(id), Durability::Async).expect("accepted");
    let joined = chat.join(id, "a", Durability::Async).expect("accepted");
    let left = chat.leave(id, "a", joined, Durability::Async).expect("accepted");
    let again = chat.join(id, "a", Durability::Async).expect("accepted");
    let saved = chat.sessions().expect("readable");
    assert_eq!(saved[0].session, session(id));
    let stay = Interval { room: "a".into(), joined, left: Some(left) };
    assert_eq!(saved[0].intervals, [stay, Interval::since("a", again)]);

    chat.forget_interval(id, "a", joined, Durability::Async).expect("accepted");
    assert_eq!(chat.sessions().expect("readable")[0].intervals, [Interval::since("a", again)]);
    chat.end_session(id, Durability::Async).expect("accepted");
    assert!(chat.sessions().expect("readable").is_empty());
}

#[test]
fn another_session_and_namespace_keep_theirs_when_one_ends() {
    let log = Log::memory(Options::default());
    let (a, b) = (log.namespace("/a"), log.namespace("/b"));
    let (one, two) = (SessionId::random(), SessionId::random());
    for (shard, id) in [(&a, one), (&a, two), (&b, one)] {
        shard.save_session(&session(id), Durability::Async).expect("accepted");
        shard.join(id, "room", Durability::Async).expect("accepted");
    }
    a.end_session(one, Durability::Async).expect("accepted");
    assert_eq!(a.sessions().expect("readable")[0].session.id, two);
    assert_eq!(b.sessions().expect("readable")[0].intervals.len(), 1);
}

#[test]
fn a_memory_log_has_stored_what_it_accepted_and_calls_no_watcher() {
    let log = Log::memory(Options::default());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    log.watch(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let at = say(&log.namespace("/"), &[], "hello");
    assert_eq!((log.progress().written, log.progress().synced), (at, at));
    log.stored(at, Durability::Fsync).wait().expect("stored");
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_too_old_is_a_gap_for_whoever_wanted_it() {
    let clock = Clock::by_hand();
    let options = Options { clock: clock.clone(), ..Options::default() };
    let chat = Log::memory(options).namespace("/");
    say(&chat, &["a"], "old");
    clock.advance(Duration::from_mins(50));
    let kept = say(&chat, &["a"], "kept");
    clock.advance(Duration::from_secs(1000));
    say(&chat, &["a"], "new");
    assert_eq!(chat.low_water(), Position::from(1));
    let gap = chat.read(&[Interval::since("a", ALL)], ALL, end(), MUCH).expect_err("it is gone");
    let ReadError::Gap { after, up_to } = gap else { panic!("{gap}") };
    assert_eq!((after, up_to), (ALL, Position::from(1)));
    assert_eq!(texts(&chat, &[Interval::since("a", ALL)], up_to), ["kept", "new"]);
    assert_eq!(texts(&chat, &[Interval::since("a", up_to)], ALL), ["kept", "new"], "not wanted");
    assert_eq!(chat.history("a", None, 10).expect("readable")[0].position, kept);
}

#[test]
fn what_is_too_much_is_dropped_from_the_oldest_on() {
    let options = Options { event_bytes: 100_000, ..Options::default() };
    let chat = Log::memory(options).namespace("/");
    for _ in 0..1000 {
        say(&chat, &["a"], &"x".repeat(1000));
    }
    let kept = chat.history("a", None, 1000).expect("readable").len();
    assert!((80..=100).contains(&kept), "{kept} of about 1130 bytes each");
    assert_eq!(chat.low_water().get(), 1000 - kept as u64);
}

#[test]
fn a_room_whose_name_cannot_be_written_is_refused_and_takes_no_position() {
    let chat = chat();
    let long = "x".repeat(65_536);
    let refused = chat.append(Durability::Async, None, 0, |_| to(&[&long], "hello"));
    assert!(matches!(refused, Err(AppendError::RoomTooLong(65_536))));
    let refused = chat.join(SessionId::random(), &long, Durability::Async);
    assert!(matches!(refused, Err(AppendError::RoomTooLong(65_536))));
    assert_eq!(say(&chat, &[&long[1..]], "hello"), Position::from(1));
}

/// A log with as many namespaces as there may be, in all of which something was said.
fn full() -> (Log, Vec<Shard>) {
    let log = Log::memory(Options::default());
    let all = (0..65_536).map(|number| log.namespace(&number.to_string())).collect::<Vec<_>>();
    for shard in &all {
        say(shard, &[], "hello");
    }
    (log, all)
}

#[test]
fn a_namespace_beyond_the_last_one_refuses_while_all_others_are_in_use() {
    let (log, mut all) = full();
    let more = log.namespace("one more");
    let refused = more.append(Durability::Async, None, 0, |_| Event::default());
    assert!(matches!(refused, Err(AppendError::TooManyNamespaces)));
    say(&log.namespace("7"), &[], "hello");
    drop(all.remove(7));
    say(&more, &[], "hello");
}

#[test]
fn the_namespace_that_nobody_has_used_for_longest_makes_room_for_another_one() {
    let (log, all) = full();
    let id = SessionId::random();
    all[0].save_session(&session(id), Durability::Async).expect("accepted");
    all[0].join(id, "room", Durability::Async).expect("accepted");
    drop(all);
    say(&log.namespace("one more"), &[], "hello");
    assert!(log.with_sessions().expect("readable").is_empty());
    let again = log.namespace("0");
    assert!(again.sessions().expect("readable").is_empty());
    say(&again, &[], "again");
    assert_eq!(texts(&again, &[Interval::since("", ALL)], ALL), ["again"], "it is a new one");
    assert_eq!(texts(&log.namespace("2"), &[Interval::since("", ALL)], ALL), ["hello"]);
}

#[test]
fn a_namespace_in_which_nothing_was_appended_takes_no_room() {
    let log = Log::memory(Options::default());
    let unused: Vec<_> = (0..70_000).map(|number| log.namespace(&number.to_string())).collect();
    assert!(texts(&unused[0], &[Interval::since("", ALL)], ALL).is_empty());
    say(&log.namespace("/a"), &[], "hello");
    say(&unused[69_999], &[], "here");
}
