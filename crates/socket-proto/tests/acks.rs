//! Who waits for which answer.

use sockeye_socket_proto::Acks;

#[test]
fn an_answer_finds_who_waits_once() {
    let mut acks = Acks::new();
    assert_eq!(acks.ask_with(1, "alice"), None);
    assert_eq!(acks.ask_with(2, "bob"), None);
    assert_eq!(acks.answer(2), Some("bob"));
    assert_eq!(acks.answer(2), None, "doubled");
    assert_eq!(acks.answer(9), None, "invented");
    assert_eq!(acks.len(), 1);
}

#[test]
fn an_id_given_twice_returns_who_waited_before() {
    let mut acks = Acks::default();
    acks.ask_with(1, "alice");
    assert_eq!(acks.ask_with(1, "bob"), Some("alice"));
}

#[test]
fn draining_reports_the_oldest_first_and_leaves_nobody() {
    let mut acks = Acks::new();
    for id in [5, 3, 4] {
        acks.ask_with(id, id * 10);
    }
    let all: Vec<_> = acks.drain().collect();
    assert_eq!(all, [(3, 30), (4, 40), (5, 50)]);
    assert!(acks.is_empty());
}
