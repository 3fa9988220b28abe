//! What a room remembers.

mod support;

use proptest::prelude::*;
use sockeye_chat::{Memory, Taken};
use support::{id, person, text};

fn filled(messages: u64) -> Memory {
    let mut memory = Memory::new();
    for n in 1..=messages {
        memory.take(id(n), person("Ada"), text("hello"), n);
    }
    memory
}

#[test]
fn messages_are_numbered_from_one_without_gaps() {
    let (messages, missing) = filled(5).since(0);
    assert_eq!(messages.iter().map(|m| m.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(missing, 0);
}

#[test]
fn a_message_sent_again_is_kept_once_and_answered_the_same() {
    let mut memory = filled(3);
    let again = memory.take(id(2), person("Ada"), text("hello"), 99);
    let Taken::Again(receipt) = again else { panic!("{again:?}") };
    assert_eq!((receipt.seq, receipt.at), (2, 2));
    assert_eq!(memory.newest(), 3);
}

#[test]
fn whoever_returns_gets_what_came_after() {
    let (messages, missing) = filled(10).since(7);
    assert_eq!(messages.iter().map(|m| m.seq).collect::<Vec<_>>(), [8, 9, 10]);
    assert_eq!(missing, 0);
}

#[test]
fn whoever_missed_nothing_gets_nothing() {
    assert_eq!(filled(10).since(10), (vec![], 0));
    assert_eq!(Memory::new().since(0), (vec![], 0));
}

#[test]
fn whoever_was_away_too_long_is_told_how_much_is_lost() {
    let (messages, missing) = filled(250).since(20);
    assert_eq!(messages.len(), Memory::MESSAGES);
    assert_eq!(messages[0].seq, 51);
    assert_eq!(missing, 30);
}

#[test]
fn a_number_that_was_never_given_gets_nothing() {
    assert_eq!(filled(3).since(u64::MAX), (vec![], 0));
}

#[test]
fn long_messages_push_the_oldest_out_as_long_as_they_are_on_the_wire() {
    for longest in ["x", "\"", "\\", "é", "😀", "a\n"] {
        let mut memory = Memory::new();
        let long: String = longest.chars().cycle().take(4000).collect();
        for n in 1..=100 {
            memory.take(id(n), person(&"😀".repeat(40)), text(&long), n);
        }
        let (messages, _) = memory.since(0);
        let sent = serde_json::to_vec(&messages).unwrap().len();
        let each = sent / messages.len();
        assert!(sent <= Memory::BYTES + 1, "{longest:?}: {sent} bytes");
        assert!(sent + each > Memory::BYTES, "{longest:?}: there was place for one more");
        assert_eq!(messages.last().unwrap().seq, 100);
    }
}

#[test]
fn an_id_is_recognised_after_its_message_is_forgotten() {
    let mut memory = filled(1000);
    assert!(matches!(memory.take(id(1), person("Ada"), text("hello"), 0), Taken::Again(_)));
}

#[test]
fn ids_are_forgotten_in_the_end() {
    let mut memory = filled(Memory::IDS as u64 + 1);
    assert!(matches!(memory.take(id(1), person("Ada"), text("hello"), 0), Taken::New(_)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// A page that asks from its last number has in the end each message once and in order, however often it was away
    /// and whatever was sent twice.
    #[test]
    fn nothing_is_lost_or_doubled_within_the_memory(steps in prop::collection::vec((0..60_u64, any::<bool>()), 1..150)) {
        let mut memory = Memory::new();
        let mut page: Vec<u64> = Vec::new();
        let mut sent = std::collections::BTreeSet::new();
        for (n, asks) in steps {
            memory.take(id(n), person("Ada"), text("hello"), 0);
            sent.insert(n);
            if asks {
                let (messages, missing) = memory.since(page.len() as u64);
                prop_assert_eq!(missing, 0);
                page.extend(messages.iter().map(|m| m.seq));
            }
        }
        page.extend(memory.since(page.len() as u64).0.iter().map(|m| m.seq));
        prop_assert_eq!(page, (1..=sent.len() as u64).collect::<Vec<_>>());
    }
}
