//! The form of packets: what is taken in, and what closes the connection.

mod support;

use sockeye_socket_proto::ProtocolError as E;
use sockeye_socket_proto::server::Incoming;
use support::{connect, event, fresh, joined, text, verdict};

#[test]
fn an_empty_message_is_refused() {
    assert_eq!(verdict(""), Err(E::Empty));
}

#[test]
fn unknown_types_are_refused() {
    for got in ['7', '8', '9', 'x', ' ', 'é', '😀'] {
        assert_eq!(verdict(&format!("{got}[\"a\"]")), Err(E::UnknownType { got }));
    }
}

#[test]
fn connect_takes_an_object_or_nothing() {
    for packet in ["0", "0/", "0/,", "0{}", "0/,{}", "0/a", "0/a,", "0/a,{\"t\":1}", "0{} "] {
        assert!(text(&mut fresh(), packet).is_ok(), "{packet}");
    }
    for packet in ["0null", "0[]", "0\"a\"", "0/a,1", "01", "01{}"] {
        let refused = text(&mut fresh(), packet).unwrap_err();
        assert!(matches!(refused, E::Payload { packet: "CONNECT", .. }), "{packet}: {refused:?}");
    }
    for packet in ["0{", "0{}x", "0{}{}", "0{'a':1}"] {
        let refused = text(&mut fresh(), packet).unwrap_err();
        assert!(matches!(refused, E::Json { .. }), "{packet}: {refused:?}");
    }
    assert!(text(&mut fresh(), "0c,").is_err());
    assert!(text(&mut fresh(), "0 {}").is_err());
}

#[test]
fn auth_is_handed_up_as_it_came() {
    let mut connection = fresh();
    let packet = r#"0/a,{"n":12345678901234567890, "__proto__":{}}"#;
    let Ok(Some(Incoming::Connect { namespace, auth, .. })) = text(&mut connection, packet) else {
        panic!()
    };
    assert_eq!(namespace, "/a");
    assert_eq!(auth, Some(r#"{"n":12345678901234567890, "__proto__":{}}"#));
}

#[test]
fn disconnect_has_no_payload() {
    let refused = E::Payload { packet: "DISCONNECT", expected: "nothing" };
    assert_eq!(verdict("1{}"), Err(refused));
    assert_eq!(verdict("15"), Err(refused));
    assert_eq!(verdict("1"), Ok(()));
    assert_eq!(verdict("1/,"), Ok(()));
}

#[test]
fn connect_error_is_for_servers_only() {
    let refused = E::Unexpected { packet: "CONNECT_ERROR" };
    assert_eq!(verdict("4{\"message\":\"no\"}"), Err(refused));
    assert!(verdict("4").is_err());
}

#[test]
fn an_event_needs_an_array() {
    for packet in ["2", "2{}", "2null", "2\"a\"", "299", "2/"] {
        let refused = verdict(packet).unwrap_err();
        assert!(matches!(refused, E::Payload { packet: "EVENT", .. }), "{packet}: {refused:?}");
    }
}

#[test]
fn an_event_needs_a_name() {
    for packet in ["2[]", "2[null]", "2[true]", "2[{}]", "2[[\"a\"]]", "2[1.5]", "2[1e3]"] {
        assert_eq!(verdict(packet), Err(E::EventName), "{packet}");
    }
}

#[test]
fn an_integer_is_a_name() {
    assert_eq!(event("2[1,2]").0, "1");
    assert_eq!(event("2[-7]").0, "-7");
    assert_eq!(event("2[12345678901234567890]").0, "12345678901234567890");
}

#[test]
fn reserved_names_are_refused_also_behind_escapes() {
    for name in sockeye_socket_proto::event::RESERVED {
        assert_eq!(verdict(&format!("2[\"{name}\",1]")), Err(E::ReservedName { name }));
    }
    let escaped = "2[\"\\u0064isconnect\"]";
    assert_eq!(verdict(escaped), Err(E::ReservedName { name: "disconnect" }));
}

#[test]
fn error_and_the_empty_string_are_ordinary_names() {
    assert_eq!(event(r#"2["error",{"a":1}]"#).0, "error");
    assert_eq!(event(r#"2["","x"]"#).0, "");
}

#[test]
fn a_name_with_escapes_is_unescaped() {
    assert_eq!(event(r#"2["caf\u00e9"]"#).0, "café");
    assert_eq!(event(r#"2["a\"b\\c\/d\b\f\n\r\t"]"#).0, "a\"b\\c/d\u{8}\u{c}\n\r\t");
    assert_eq!(event(r#"2["\ud83d\ude00!"]"#).0, "😀!");
    assert_eq!(event(r#"2["\u0041\u0042\u00e9"]"#).0, "ABé");
}

#[test]
fn half_a_surrogate_pair_in_a_name_becomes_the_replacement_character() {
    assert_eq!(event(r#"2["a\ud800b"]"#).0, "a\u{fffd}b");
    assert_eq!(event(r#"2["\ude00\ud83d"]"#).0, "\u{fffd}\u{fffd}");
    assert_eq!(event(r#"2["\ud83d\u0041"]"#).0, "\u{fffd}A");
    assert_eq!(event(r#"2["\ud83dx\ude00"]"#).0, "\u{fffd}x\u{fffd}");
}

#[test]
fn bad_json_and_trailing_bytes_are_refused() {
    for payload in [
        "[",
        "[\"a\"",
        "[\"a\",",
        "[\"a\",]",
        "[\"a\",1",
        "[\"a\" 1]",
        "[\"a\"]x",
        "[\"a\"][]",
        "[\"a\",01]",
        "[\"a\",1.]",
        "[\"a\",.5]",
        "[\"a\",+1]",
        "[\"a\",-]",
        "[\"a\",1e]",
        "[\"a\",nul]",
        "[\"a\",NaN]",
        "[\"a\",undefined]",
        "[\"a\",'b']",
        "[\"a\",\"\\x\"]",
        "[\"a\",\"\\u12g4\"]",
        "[\"a\",\"\n\"]",
        "[\"a\",\"\0\"]",
        "[\"a\",{\"b\"}]",
        "[\"a\",{\"b\":}]",
        "[\"a\",{b:1}]",
        "[\"a\",{\"b\":1,}]",
        "[\"a\",[1}]",
        "[\"a\",{]",
        "[\"a\",]]",
        "[\"a",
    ] {
        let refused = verdict(&format!("2{payload}"));
        assert!(matches!(refused, Err(E::Json { .. })), "{payload}: {refused:?}");
    }
}

#[test]
fn blanks_are_fine_inside_json_but_not_in_front_of_it() {
    let (name, args, _) = event("2[ \"a\" ,\t1 , [ ] ,\r\n{ } ] \n");
    assert_eq!((name.as_str(), args.as_str()), ("a", "1 , [ ] ,\r\n{ }"));
    assert!(verdict("2 [\"a\"]").is_err());
    assert!(verdict("2/, [\"a\"]").is_err());
    assert!(verdict("27 [\"a\"]").is_err());
}

#[test]
fn ack_ids_are_exact_integers_below_two_to_the_53rd() {
    assert_eq!(event("20[\"a\"]").2, Some(0));
    assert_eq!(event("2007[\"a\"]").2, Some(7));
    assert_eq!(event("29007199254740991[\"a\"]").2, Some(9_007_199_254_740_991));
    assert_eq!(verdict("29007199254740992[\"a\"]"), Err(E::AckId));
    assert_eq!(verdict("299999999999999999999999999[\"a\"]"), Err(E::AckId));
    for packet in ["2-1[\"a\"]", "2+1[\"a\"]", "21.0[\"a\"]", "21e1[\"a\"]", "2a[\"a\"]"] {
        assert!(verdict(packet).is_err(), "{packet}");
    }
}

#[test]
fn an_ack_without_an_id_answers_nothing() {
    let (mut connection, _) = joined("/");
    assert_eq!(text(&mut connection, "3[1]"), Ok(None));
    assert!(text(&mut connection, "31-[1]").is_err());
}

#[test]
fn an_ack_without_a_payload_has_no_arguments() {
    for packet in ["37", "37[]", "37[ ] "] {
        let (mut connection, _) = joined("/");
        let Ok(Some(Incoming::Ack { id: 7, args, .. })) = text(&mut connection, packet) else {
            panic!("{packet}")
        };
        assert!(args.is_empty());
    }
    assert!(verdict("37{}").is_err());
    assert!(verdict("37null").is_err());
}

#[test]
fn an_attachment_count_is_digits_of_one_or_more() {
    for packet in [
        "50-[\"a\"]",
        "500-[\"a\"]",
        "5-[\"a\"]",
        "5[\"a\"]",
        "51[\"a\"]",
        "51e0-[\"a\"]",
        "5+1-[\"a\"]",
        "5 1-[\"a\"]",
        "5-1-[\"a\"]",
        "51.0-[\"a\"]",
        "51",
        "5",
        "60-7[]",
    ] {
        assert_eq!(verdict(packet), Err(E::AttachmentCount), "{packet}");
    }
    assert_eq!(verdict("501-[\"a\"]"), Ok(()));
    assert_eq!(verdict("510-[\"a\"]"), Ok(()));
}

#[test]
fn more_attachments_than_the_limit_are_refused_at_the_head() {
    assert_eq!(verdict("511-[\"a\"]"), Err(E::TooManyAttachments { announced: 11, limit: 10 }));
    let endless = verdict("599999999999999999999999999-[\"a\"]");
    assert!(matches!(endless, Err(E::TooManyAttachments { limit: 10, .. })));
}

#[test]
fn a_namespace_ends_at_the_first_comma_or_at_the_end() {
    let (mut connection, slot) = joined("/a?x=1");
    assert_eq!(connection.namespace(slot), Some("/a?x=1"));
    let Ok(Some(Incoming::Event { name, ack, .. })) = text(&mut connection, "2/a?x=1,12[\"b,c\"]")
    else {
        panic!()
    };
    assert_eq!((&*name, ack), ("b,c", Some(12)));

    let mut connection = fresh();
    let Ok(Some(Incoming::Connect { slot, namespace, .. })) = text(&mut connection, "0/end") else {
        panic!()
    };
    assert_eq!(namespace, "/end");
    assert_eq!(connection.namespace(slot), Some("/end"));
}

#[test]
fn the_main_namespace_may_be_written_out() {
    let (mut connection, slot) = joined("/");
    let event = text(&mut connection, "2/,[\"a\"]").unwrap();
    assert!(matches!(event, Some(Incoming::Event { slot: same, .. }) if same == slot));
}

#[test]
fn an_overlong_namespace_is_refused() {
    let longest = format!("/{}", "x".repeat(511));
    connect(&mut fresh(), &longest);
    let refused = text(&mut fresh(), &format!("0{longest}x")).unwrap_err();
    assert_eq!(refused, E::NamespaceTooLong { bytes: 513 });
}

#[test]
fn errors_say_what_came_and_what_was_expected() {
    let error = verdict("511-[\"a\"]").unwrap_err();
    assert_eq!(
        error.to_string(),
        "peer announced 11 attachments; the limit is 10 (see `Limits::attachments`)"
    );
    let error = verdict("2[\"a\",]").unwrap_err();
    assert_eq!(error.to_string(), "peer sent a payload that is not one JSON text, from byte 5 on");
}

/// What the tests of the reference's parser send to its decoder, and call bad.
#[test]
fn everything_that_the_reference_calls_a_bad_packet_is_refused() {
    for packet in [
        r#"442["some","data""#,
        r#"0/admin,"invalid""#,
        "0[]",
        "1/admin,{}",
        r#"2/admin,"invalid"#,
        "2/admin,{}",
        r#"2[{"toString":"foo"}]"#,
        r#"2[true,"foo"]"#,
        r#"2[null,"bar"]"#,
        r#"2["connect"]"#,
        r#"2["disconnect","123"]"#,
        "5",
        "51",
        "50-",
        "5a-",
        "51.23-",
        "999",
    ] {
        assert!(verdict(packet).is_err(), "{packet}");
        let (mut admin, _) = joined("/admin");
        assert!(text(&mut admin, packet).is_err(), "{packet} in /admin");
    }
}
