//! What is in flight, and in which order it comes back.

use proptest::prelude::*;
use sockeye_bench::client::sequence::{Arrival, FIRST, InFlight, Received, SPAN};

#[test]
fn an_answer_knows_when_its_question_was_due() {
    let mut in_flight = InFlight::default();
    let (first, second) = (in_flight.send(10), in_flight.send(20));
    let answered = in_flight.answer(first).unwrap();
    assert_eq!((answered.sent, answered.overtook), (10, false));
    assert_eq!(in_flight.answer(second).unwrap().sent, 20);
    assert!(in_flight.is_empty());
}

#[test]
fn an_answer_that_overtakes_an_older_one_is_told_apart() {
    let mut in_flight = InFlight::default();
    let (first, second) = (in_flight.send(0), in_flight.send(0));
    assert!(in_flight.answer(second).unwrap().overtook);
    assert!(!in_flight.answer(first).unwrap().overtook);
}

#[test]
fn an_answer_is_taken_once_and_only_to_a_question() {
    let mut in_flight = InFlight::default();
    let number = in_flight.send(0);
    assert_eq!(in_flight.answer(number + 1), None);
    assert!(in_flight.answer(number).is_some());
    assert_eq!(in_flight.answer(number), None);
}

#[test]
fn a_recipient_tells_order_overtaking_and_doubling_apart() {
    let mut received = Received::default();
    assert_eq!(received.receive(FIRST), Arrival::InOrder);
    assert_eq!(received.receive(FIRST + 2), Arrival::Overtook);
    assert_eq!(received.receive(FIRST + 2), Arrival::Doubled);
    assert_eq!(received.receive(FIRST + 1), Arrival::InOrder);
    assert_eq!(received.receive(FIRST + 2), Arrival::Doubled);
    assert_eq!(received.receive(FIRST), Arrival::Doubled);
    assert_eq!(received.receive(FIRST + 3), Arrival::InOrder);
}

#[test]
fn a_recipient_takes_nothing_beyond_its_span() {
    let mut received = Received::default();
    assert_eq!(received.receive(FIRST + SPAN), Arrival::Doubled);
    // A whole span that waits for its first, and then is complete at once.
    (1..SPAN).for_each(|ahead| {
        assert_eq!(received.receive(FIRST + ahead), Arrival::Overtook);
    });
    assert_eq!(received.receive(FIRST), Arrival::InOrder);
    assert_eq!(received.receive(FIRST + SPAN), Arrival::InOrder);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_order_of_a_span_is_taken_exactly_once(
        order in Just((0..SPAN).collect::<Vec<u32>>()).prop_shuffle(),
    ) {
        let mut received = Received::default();
        for &number in &order {
            prop_assert_ne!(received.receive(FIRST + number), Arrival::Doubled);
        }
        for &number in &order {
            prop_assert_eq!(received.receive(FIRST + number), Arrival::Doubled);
        }
    }
}
