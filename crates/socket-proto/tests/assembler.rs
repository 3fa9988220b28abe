//! Attachments: their number, their bytes, their time.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use sockeye_socket_proto::server::{Connection, Incoming};
use sockeye_socket_proto::{Limits, Message, ProtocolError as E, Slot};
use support::{NOW, binary, join, joined, secs, text};

const TWO: &str = r#"52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;

fn limited(attachment_bytes: usize) -> (Connection, Slot) {
    let limits = Limits { attachment_bytes, ..Limits::default() };
    let mut connection = Connection::new(&Arc::new(limits), NOW);
    let slot = join(&mut connection, "/");
    (connection, slot)
}

#[test]
fn an_event_waits_for_its_attachments() {
    let (mut connection, slot) = joined("/");
    assert_eq!(text(&mut connection, TWO), Ok(None));
    assert_eq!(binary(&mut connection, b"first"), Ok(None));
    let Ok(Some(Incoming::Event { slot: same, name, args, ack: None })) =
        binary(&mut connection, b"second")
    else {
        panic!()
    };
    assert_eq!((same, &*name), (slot, "a"));
    let parsed = args.parse::<(Bytes, Bytes)>().unwrap();
    assert_eq!(parsed, (Bytes::from("second"), Bytes::from("first")));
}

#[test]
fn an_ack_waits_for_its_attachments() {
    let (mut connection, _) = joined("/");
    let head = r#"61-7[{"_placeholder":true,"num":0}]"#;
    assert_eq!(text(&mut connection, head), Ok(None));
    let Ok(Some(Incoming::Ack { id: 7, args, .. })) = binary(&mut connection, b"") else {
        panic!()
    };
    assert_eq!(args.parse::<Bytes>().unwrap(), Bytes::new());
}

#[test]
fn an_ack_without_an_id_takes_its_attachments_with_it() {
    let (mut connection, _) = joined("/");
    assert_eq!(text(&mut connection, "61-[]"), Ok(None));
    assert_eq!(binary(&mut connection, b"x"), Ok(None));
    assert!(text(&mut connection, "2[\"next\"]").unwrap().is_some());
}

#[test]
fn a_text_message_between_head_and_attachment_closes_the_connection() {
    for packet in ["2[\"b\"]", TWO, "1", "0/b,", "", "?"] {
        let (mut connection, _) = joined("/");
        text(&mut connection, TWO).unwrap();
        binary(&mut connection, b"1").unwrap();
        let refused = text(&mut connection, packet);
        assert_eq!(refused, Err(E::TextInsideAttachments { missing: 1 }), "{packet}");
    }
}

#[test]
fn a_binary_message_out_of_turn_closes_the_connection() {
    let (mut connection, _) = joined("/");
    assert_eq!(binary(&mut connection, b"1"), Err(E::BinaryOutOfTurn));
    let (mut connection, _) = joined("/");
    text(&mut connection, TWO).unwrap();
    binary(&mut connection, b"1").unwrap();
    binary(&mut connection, b"2").unwrap();
    assert_eq!(binary(&mut connection, b"3"), Err(E::BinaryOutOfTurn));
}

#[test]
fn attachments_have_a_budget_together() {
    let (mut connection, _) = limited(10);
    text(&mut connection, TWO).unwrap();
    assert_eq!(binary(&mut connection, b"123456"), Ok(None));
    assert!(binary(&mut connection, b"7890").unwrap().is_some());

    let (mut connection, _) = limited(10);
    text(&mut connection, TWO).unwrap();
    assert_eq!(binary(&mut connection, b"123456"), Ok(None));
    assert_eq!(binary(&mut connection, b"78901"), Err(E::AttachmentsTooLarge { limit: 10 }));
}

#[test]
fn the_budget_is_for_each_packet_anew() {
    let (mut connection, _) = limited(10);
    for _ in 0..3 {
        text(&mut connection, TWO).unwrap();
        binary(&mut connection, b"12345").unwrap();
        assert!(binary(&mut connection, b"12345").unwrap().is_some());
    }
}

#[test]
fn attachments_that_nobody_wants_have_the_same_budget() {
    let (mut connection, slot) = limited(10);
    connection.left(slot, NOW);
    text(&mut connection, TWO).unwrap();
    assert_eq!(binary(&mut connection, b"12345678901"), Err(E::AttachmentsTooLarge { limit: 10 }));
}

#[test]
fn server_closes_when_attachments_are_late() {
    let (mut connection, _) = joined("/");
    connection.receive(Message::Text(TWO), secs(100)).unwrap();
    assert_eq!(connection.next_timeout(), Some(secs(120)));
    connection.receive(Message::Binary(b"1"), secs(119)).unwrap();
    assert_eq!(connection.next_timeout(), Some(secs(120)), "one time for all of them");
    assert_eq!(connection.timeout(secs(119)), Ok(()));
    assert_eq!(connection.timeout(secs(120)), Err(E::AttachmentsOverdue { missing: 1 }));
}

#[test]
fn the_last_attachment_ends_the_wait() {
    let (mut connection, _) = joined("/");
    text(&mut connection, TWO).unwrap();
    binary(&mut connection, b"1").unwrap();
    binary(&mut connection, b"2").unwrap();
    assert_eq!(connection.next_timeout(), None);
    assert_eq!(connection.timeout(secs(1000)), Ok(()));
}

#[test]
fn the_earlier_of_two_deadlines_counts() {
    let (mut connection, slot) = joined("/");
    text(&mut connection, TWO).unwrap();
    connection.left(slot, secs(1));
    assert_eq!(connection.next_timeout(), Some(secs(20)));
}

#[test]
fn an_event_whose_namespace_is_left_meanwhile_is_dropped() {
    let (mut connection, slot) = joined("/");
    text(&mut connection, TWO).unwrap();
    binary(&mut connection, b"1").unwrap();
    connection.left(slot, NOW);
    assert_eq!(binary(&mut connection, b"2"), Ok(None));
    join(&mut connection, "/");
    assert!(text(&mut connection, "2[\"next\"]").unwrap().is_some());
}

#[test]
fn attachments_are_let_go_when_the_next_message_comes_or_when_told() {
    let (mut connection, _) = joined("/");
    let mut gather = |release: fn(&mut Connection)| {
        text(&mut connection, r#"51-["a",{"_placeholder":true,"num":0}]"#).unwrap();
        let Ok(Some(Incoming::Event { args, .. })) = binary(&mut connection, b"data") else {
            panic!()
        };
        let kept = args.attachments[0].clone();
        assert!(!kept.is_unique());
        release(&mut connection);
        kept.is_unique()
    };
    assert!(gather(Connection::release));
    assert!(gather(|connection| drop(text(connection, "2[\"next\"]").unwrap())));
}

#[test]
fn releasing_does_not_forget_what_is_still_gathered() {
    let (mut connection, _) = joined("/");
    text(&mut connection, TWO).unwrap();
    connection.release();
    binary(&mut connection, b"1").unwrap();
    connection.release();
    assert!(binary(&mut connection, b"2").unwrap().is_some());
}
