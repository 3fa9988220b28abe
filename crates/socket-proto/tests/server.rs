//! The accepting side: what may come when.

mod support;

use std::sync::Arc;

use sockeye_socket_proto::server::{Connection, Incoming};
use sockeye_socket_proto::{Limits, Message, ProtocolError as E};
use support::{NOW, binary, connect, fresh, join, joined, secs, text};

#[test]
fn a_connection_is_small() {
    assert!(size_of::<Connection>() <= 128, "{}", size_of::<Connection>());
}

#[test]
fn events_before_connect_close_the_connection() {
    assert_eq!(text(&mut fresh(), "2[\"a\"]"), Err(E::NotConnected { packet: "EVENT" }));
}

#[test]
fn an_answer_before_connect_is_handed_up_by_name() {
    let mut connection = fresh();
    let mut early = |text: &'static str| {
        let incoming = connection.receive(Message::Text(text), NOW);
        matches!(incoming, Ok(Some(Incoming::EarlyAck { namespace: "/a", id: 7, args })) if args.json == "1")
    };
    assert!(early("3/a,7[1]"));
    connect(&mut connection, "/a");
    let pending = connection.receive(Message::Text("3/a,7[1]"), NOW);
    assert!(matches!(pending, Ok(Some(Incoming::EarlyAck { id: 7, .. }))));
}

#[test]
fn an_answer_before_connect_that_has_attachments_is_read_and_forgotten() {
    let mut connection = fresh();
    let placeholder = Message::Text(r#"61-7[{"_placeholder":true,"num":0}]"#);
    assert_eq!(connection.receive(placeholder, NOW), Ok(None));
    assert_eq!(connection.receive(Message::Binary(b"1"), NOW), Ok(None));
    connect(&mut connection, "/");
}

#[test]
fn events_for_a_namespace_never_joined_close_the_connection() {
    let (mut connection, _) = joined("/");
    let refused = text(&mut connection, "2/other,[\"a\"]");
    assert_eq!(refused, Err(E::NotConnected { packet: "EVENT" }));
    let refused = text(&mut connection, "51-/other,[\"a\"]");
    assert_eq!(refused, Err(E::NotConnected { packet: "EVENT" }));
}

#[test]
fn events_while_connect_is_pending_close_the_connection() {
    let mut connection = fresh();
    connect(&mut connection, "/a");
    let refused = text(&mut connection, "2/a,[\"a\"]");
    assert_eq!(refused, Err(E::NotConnected { packet: "EVENT" }));
}

#[test]
fn events_after_a_refusal_close_the_connection() {
    let mut connection = fresh();
    let slot = connect(&mut connection, "/a");
    assert!(connection.refused(slot));
    assert!(text(&mut connection, "2/a,[\"a\"]").is_err());
}

#[test]
fn a_second_connect_for_a_joined_namespace_closes_the_connection() {
    let (mut connection, _) = joined("/a");
    assert_eq!(text(&mut connection, "0/a,"), Err(E::AlreadyConnected));
}

#[test]
fn a_second_connect_while_the_first_is_pending_closes_the_connection() {
    let mut connection = fresh();
    connect(&mut connection, "/a");
    assert_eq!(text(&mut connection, "0/a,"), Err(E::AlreadyConnected));
}

#[test]
fn connect_may_come_again_after_a_refusal_or_after_leaving() {
    let mut connection = fresh();
    let refused = connect(&mut connection, "/a");
    assert!(connection.refused(refused));
    let joined = join(&mut connection, "/a");
    assert!(connection.left(joined, NOW));
    let again = join(&mut connection, "/a");
    assert_eq!(refused.index(), again.index());
    assert!(refused != joined && joined != again);
    assert!(text(&mut connection, "2/a,[\"a\"]").unwrap().is_some());
}

#[test]
fn each_namespace_has_a_slot_of_its_own() {
    let (mut connection, main) = joined("/");
    let admin = join(&mut connection, "/admin");
    assert_eq!((main.index(), admin.index()), (0, 1));
    assert_eq!(connection.namespace(main), Some("/"));
    assert_eq!(connection.namespace(admin), Some("/admin"));
    let event = text(&mut connection, "2/admin,[\"a\"]").unwrap();
    assert!(matches!(event, Some(Incoming::Event { slot, .. }) if slot == admin));
}

#[test]
fn a_stale_slot_names_nothing() {
    let (mut connection, slot) = joined("/");
    assert!(connection.is_joined(slot));
    assert!(connection.left(slot, NOW));
    assert!(!connection.left(slot, NOW));
    assert!(!connection.accepted(slot));
    assert!(!connection.refused(slot));
    assert!(!connection.is_joined(slot));
    assert_eq!(connection.namespace(slot), None);

    let next = connect(&mut connection, "/");
    assert!(!connection.accepted(slot), "the earlier life cannot answer for the later one");
    assert!(connection.accepted(next));
    assert!(!connection.accepted(next));
}

#[test]
fn a_late_packet_for_a_namespace_just_left_is_ignored() {
    let (mut connection, main) = joined("/");
    let slot = join(&mut connection, "/a");
    assert!(connection.left(slot, NOW));
    assert_eq!(text(&mut connection, "2/a,[\"late\"]"), Ok(None));
    assert_eq!(text(&mut connection, "3/a,1[\"late\"]"), Ok(None));
    assert_eq!(text(&mut connection, "1/a,"), Ok(None));
    assert!(connection.is_joined(main));
}

#[test]
fn a_late_packet_takes_its_attachments_with_it() {
    let (mut connection, slot) = joined("/");
    connection.left(slot, NOW);
    let late = r#"52-["late",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    assert_eq!(text(&mut connection, late), Ok(None));
    assert_eq!(binary(&mut connection, b"1"), Ok(None));
    assert_eq!(binary(&mut connection, b"2"), Ok(None));
    assert_eq!(binary(&mut connection, b"3"), Err(E::BinaryOutOfTurn));
}

#[test]
fn a_minute_later_such_a_packet_closes_the_connection() {
    let (mut connection, slot) = joined("/");
    connection.left(slot, NOW);
    let late = Message::Text("2[\"late\"]");
    assert_eq!(connection.receive(late, secs(59)), Ok(None));
    let refused = connection.receive(late, secs(60));
    assert_eq!(refused, Err(E::NotConnected { packet: "EVENT" }));
}

#[test]
fn namespaces_left_are_remembered_in_bounded_number() {
    let limits = Limits { namespaces: 2, ..Limits::default() };
    let mut connection = Connection::new(&Arc::new(limits), NOW);
    for name in ["/a", "/b", "/c"] {
        let slot = join(&mut connection, name);
        connection.left(slot, NOW);
    }
    assert!(text(&mut connection, "2/a,[\"late\"]").is_err());
    assert_eq!(text(&mut connection, "2/b,[\"late\"]"), Ok(None));
    assert_eq!(text(&mut connection, "2/c,[\"late\"]"), Ok(None));
}

#[test]
fn a_client_leaves_a_namespace() {
    let (mut connection, main) = joined("/");
    let slot = join(&mut connection, "/a");
    assert_eq!(text(&mut connection, "1/a,"), Ok(Some(Incoming::Disconnect { slot })));
    assert!(!connection.left(slot, NOW));
    assert!(connection.is_joined(main));
}

#[test]
fn a_client_takes_its_connect_back() {
    let mut connection = fresh();
    let slot = connect(&mut connection, "/a");
    assert_eq!(text(&mut connection, "1/a,"), Ok(Some(Incoming::Disconnect { slot })));
    assert!(!connection.accepted(slot), "the answer comes too late: nothing is to be sent");
}

#[test]
fn disconnect_for_an_unknown_namespace_is_ignored() {
    assert_eq!(text(&mut fresh(), "1/nowhere,"), Ok(None));
}

#[test]
fn acks_are_handed_up_whatever_their_id() {
    let (mut connection, slot) = joined("/");
    let Ok(Some(Incoming::Ack { slot: same, id, args })) =
        text(&mut connection, "39007199254740991[\"late\"]")
    else {
        panic!()
    };
    assert_eq!((same, id, args.json), (slot, 9_007_199_254_740_991, "\"late\""));
}

#[test]
fn too_many_namespaces_are_refused_pending_ones_included() {
    let limits = Limits { namespaces: 3, ..Limits::default() };
    let mut connection = Connection::new(&Arc::new(limits), NOW);
    join(&mut connection, "/a");
    connect(&mut connection, "/b");
    let last = connect(&mut connection, "/c");
    assert_eq!(text(&mut connection, "0/d,"), Err(E::TooManyNamespaces { limit: 3 }));
    connection.refused(last);
    assert_eq!(join(&mut connection, "/d").index(), 2);
}

#[test]
fn server_closes_when_no_namespace_is_joined_in_time() {
    let mut connection = fresh();
    assert_eq!(connection.next_timeout(), Some(secs(45)));
    assert_eq!(connection.timeout(secs(44)), Ok(()));
    assert_eq!(connection.timeout(secs(45)), Err(E::ConnectTimeout));
}

#[test]
fn joining_stops_the_connect_timeout() {
    let (mut connection, _) = joined("/");
    assert_eq!(connection.next_timeout(), None);
    assert_eq!(connection.timeout(secs(1_000_000)), Ok(()));
}

#[test]
fn a_connect_that_stays_pending_does_not_stop_the_connect_timeout() {
    let mut connection = fresh();
    connect(&mut connection, "/slow");
    assert_eq!(connection.next_timeout(), Some(secs(45)));
    assert_eq!(connection.timeout(secs(45)), Err(E::ConnectTimeout));
}

#[test]
fn a_pending_connect_beside_a_joined_namespace_may_take_its_time() {
    let (mut connection, _) = joined("/");
    connect(&mut connection, "/slow");
    assert_eq!(connection.next_timeout(), None);
}

#[test]
fn refusals_do_not_prolong_the_connect_timeout() {
    let mut connection = fresh();
    for second in 1..45 {
        let message = Message::Text("0/nonsense,");
        let Ok(Some(Incoming::Connect { slot, .. })) = connection.receive(message, secs(second))
        else {
            panic!()
        };
        assert!(connection.refused(slot));
    }
    assert_eq!(connection.timeout(secs(45)), Err(E::ConnectTimeout));
}

#[test]
fn taking_connect_back_does_not_prolong_the_connect_timeout() {
    let mut connection = fresh();
    for second in 1..45 {
        for message in ["0/a,", "1/a,"] {
            let heard = connection.receive(Message::Text(message), secs(second));
            assert!(heard.unwrap().is_some());
        }
    }
    assert_eq!(connection.timeout(secs(45)), Err(E::ConnectTimeout));
}

#[test]
fn leaving_the_last_namespace_starts_the_connect_timeout_again() {
    let (mut connection, main) = joined("/");
    let other = join(&mut connection, "/a");
    connection.left(other, secs(100));
    assert_eq!(connection.next_timeout(), None);
    connection.left(main, secs(200));
    assert_eq!(connection.next_timeout(), Some(secs(245)));
    assert_eq!(connection.timeout(secs(245)), Err(E::ConnectTimeout));
}

#[test]
fn a_client_that_leaves_everything_has_to_join_again_or_go() {
    let (mut connection, _) = joined("/");
    connection.receive(Message::Text("1"), secs(100)).unwrap();
    assert_eq!(connection.next_timeout(), Some(secs(145)));
    join(&mut connection, "/");
    assert_eq!(connection.next_timeout(), None);
}

#[test]
fn an_endless_connect_timeout_does_not_overflow() {
    let limits = Limits { connect_timeout: std::time::Duration::MAX, ..Limits::default() };
    let connection = Connection::new(&Arc::new(limits), secs(7));
    assert_eq!(connection.next_timeout(), Some(std::time::Duration::MAX));
}
