//! Offers and answers.

use proptest::prelude::*;
use sockeye_websocket_proto::deflate::{Agreement, Offer, accept};
use sockeye_websocket_proto::handshake::HandshakeError;

fn answer(offers: &str) -> Option<String> {
    accept(offers).map(|agreed| agreed.to_string())
}

#[test]
fn an_offer_is_answered_with_what_the_server_does_and_the_client_will() {
    const ALONE: &str = "permessage-deflate; server_no_context_takeover";
    for (offers, expected) in [
        ("permessage-deflate", ALONE),
        ("permessage-deflate; client_max_window_bits", ALONE),
        ("permessage-deflate;client_max_window_bits=10", ALONE),
        ("permessage-deflate; server_no_context_takeover", ALONE),
        ("  permessage-deflate ;  client_max_window_bits = \"8\" ", ALONE),
        ("x-webkit-deflate-frame, permessage-deflate", ALONE),
        (
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        (
            "permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
        ),
    ] {
        assert_eq!(answer(offers).as_deref(), Some(expected), "{offers}");
    }
}

#[test]
fn the_first_offer_that_can_be_taken_is_taken() {
    let offers = "permessage-deflate; server_max_window_bits=9, permessage-deflate; nonsense, \
                  permessage-deflate; client_no_context_takeover, permessage-deflate";
    let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    assert_eq!(answer(offers).as_deref(), Some(expected));
}

#[test]
fn an_offer_that_wants_what_a_broadcast_cannot_have_or_breaks_a_rule_is_declined() {
    for offers in [
        "",
        ",",
        ";",
        "=",
        "permessage-bzip2",
        "Permessage-Deflate",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=14",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=015",
        "permessage-deflate; server_max_window_bits=+15",
        "permessage-deflate; server_max_window_bits=\"15",
        "permessage-deflate; server_max_window_bits=15; server_max_window_bits=15",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=15",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover=\"\"",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; threads=4",
        "permessage-deflate; ",
    ] {
        assert_eq!(answer(offers), None, "{offers}");
    }
}

#[test]
fn a_client_takes_answers_to_what_it_has_offered() {
    let window = Offer { server_max_window_bits: Some(12), ..Offer::default() };
    let alone = Offer { server_no_context_takeover: true, ..Offer::default() };
    for (offer, answer, expected) in [
        (Offer::default(), "permessage-deflate", Agreement::default()),
        (
            Offer::default(),
            "permessage-deflate; client_max_window_bits=9; server_max_window_bits=\"8\"",
            Agreement {
                client_max_window_bits: Some(9),
                server_max_window_bits: Some(8),
                ..Agreement::default()
            },
        ),
        (
            Offer::default(),
            "permessage-deflate; client_no_context_takeover",
            Agreement { client_no_context_takeover: true, ..Agreement::default() },
        ),
        (
            alone,
            "permessage-deflate; server_no_context_takeover",
            Agreement { server_no_context_takeover: true, ..Agreement::default() },
        ),
        (
            window,
            "permessage-deflate; server_max_window_bits=11",
            Agreement { server_max_window_bits: Some(11), ..Agreement::default() },
        ),
    ] {
        assert_eq!(offer.verify(Some(answer)), Ok(Some(expected)), "{answer}");
    }
    assert_eq!(Offer::default().verify(None), Ok(None));
    assert_eq!(Offer::default().verify(Some(" ")), Ok(None));
}

#[test]
fn a_client_refuses_answers_to_what_it_has_not_offered() {
    let bare = Offer { client_max_window_bits: false, ..Offer::default() };
    let window = Offer { server_max_window_bits: Some(12), ..Offer::default() };
    let alone = Offer { server_no_context_takeover: true, ..Offer::default() };
    for (offer, answer) in [
        (bare, "permessage-deflate; client_max_window_bits=15"),
        (alone, "permessage-deflate"),
        (window, "permessage-deflate"),
        (window, "permessage-deflate; server_max_window_bits=13"),
        (Offer::default(), "permessage-deflate; client_max_window_bits"),
        (Offer::default(), "permessage-deflate; client_max_window_bits=7"),
        (Offer::default(), "permessage-deflate; sure"),
        (Offer::default(), "permessage-deflate, permessage-deflate"),
        (Offer::default(), "x-webkit-deflate-frame"),
    ] {
        assert_eq!(offer.verify(Some(answer)), Err(HandshakeError::Extensions), "{answer}");
    }
}

fn offer() -> impl Strategy<Value = Offer> {
    let bits = prop::option::of(8..=15_u8);
    (any::<[bool; 3]>(), bits).prop_map(|(flags, server_max_window_bits)| Offer {
        server_no_context_takeover: flags[0],
        client_no_context_takeover: flags[1],
        client_max_window_bits: flags[2],
        server_max_window_bits,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_offered_the_client_understands_the_answer(offer in offer()) {
        match accept(&offer.to_string()) {
            Some(agreed) => {
                prop_assert_eq!(offer.verify(Some(&agreed.to_string())), Ok(Some(agreed)));
                prop_assert!(agreed.server_no_context_takeover);
            }
            None => prop_assert!(offer.server_max_window_bits.is_some_and(|bits| bits < 15)),
        }
    }

    #[test]
    fn words_in_any_order_are_an_offer_or_none(
        words in proptest::collection::vec(
            prop::sample::select(vec![
                "permessage-deflate", ";", ",", "=", " ", "\"", "15", "8", "client_max_window_bits",
                "server_max_window_bits", "client_no_context_takeover", "é",
            ]),
            0..12,
        ),
    ) {
        let text = words.concat();
        let _ = Offer::default().verify(Some(&text));
        if let Some(agreed) = accept(&text) {
            prop_assert!(agreed.server_max_window_bits.is_none_or(|bits| bits == 15));
        }
    }
}
