//! The words for the end of a session.

use std::collections::HashSet;

use sockeye_engine_proto::CloseReason;

#[test]
fn reasons_have_the_words_of_the_reference() {
    let words = CloseReason::ALL.map(CloseReason::as_str);
    assert_eq!(
        words,
        [
            "transport error",
            "transport close",
            "forced close",
            "ping timeout",
            "parse error",
            "server shutting down",
            "slow consumer",
            "too many events",
        ]
    );
    assert_eq!(CloseReason::PingTimeout.to_string(), "ping timeout");
}

#[test]
fn every_reason_has_a_hint_of_its_own() {
    let hints: HashSet<&str> = CloseReason::ALL.map(CloseReason::hint).into();
    assert_eq!(hints.len(), CloseReason::ALL.len());
    assert!(hints.iter().all(|hint| hint.len() > 20));
}
