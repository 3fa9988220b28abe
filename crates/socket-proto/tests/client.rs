//! The connecting side: what a server may say, and when.

mod support;

use std::borrow::Cow;
use std::sync::Arc;

use sockeye_socket_proto::client::{Connection, Incoming};
use sockeye_socket_proto::{ConnectError, Limits, Message, ProtocolError as E, Slot, encode};
use support::{NOW, secs};

fn fresh() -> Connection {
    Connection::new(&Arc::new(Limits::default()))
}

fn joined(namespace: &str) -> (Connection, Slot) {
    let mut connection = fresh();
    let slot = connection.connect(namespace, NOW).unwrap();
    let reply = encode::connect_reply(namespace, "x", 0);
    assert!(matches!(text(&mut connection, reply.text()), Ok(Some(Incoming::Connected { .. }))));
    (connection, slot)
}

fn text<'a>(connection: &'a mut Connection, text: &'a str) -> Result<Option<Incoming<'a>>, E> {
    connection.receive(Message::Text(text), NOW)
}

#[test]
fn the_reply_to_connect_carries_the_public_and_the_private_id() {
    let mut connection = fresh();
    let slot = connection.connect("/a", NOW).unwrap();
    assert!(!connection.is_joined(slot));
    let reply = text(&mut connection, r#"0/a,{"pid":"p\u0031","more":[{}],"sid":"s1"}"#).unwrap();
    let (sid, pid) = (Cow::from("s1"), Some(Cow::from("p1")));
    assert_eq!(reply, Some(Incoming::Connected { slot, sid, pid }));
    assert!(connection.is_joined(slot));
    assert_eq!(connection.namespace(slot), Some("/a"));
}

#[test]
fn a_reply_without_a_sid_comes_from_a_server_too_old() {
    for reply in ["0", "0{}", r#"0{"sid":7}"#, r#"0{"sid":null}"#] {
        let mut connection = fresh();
        connection.connect("/", NOW).unwrap();
        assert_eq!(text(&mut connection, reply), Err(E::NoSid), "{reply}");
    }
}

#[test]
fn a_refusal_carries_message_and_data() {
    for (packet, message, data) in [
        (r#"4{"message":"no entry","data":{"code":7}}"#, "no entry", Some(r#"{"code":7}"#)),
        (r#"4{ "data" : null , "message" : "a\"b" }"#, "a\"b", Some("null")),
        (r#"4{"message":"no"}"#, "no", None),
        (r#"4"no""#, "no", None),
        ("4{}", "refused", None),
        (r#"4{"message":{}}"#, "refused", None),
    ] {
        let mut connection = fresh();
        let slot = connection.connect("/", NOW).unwrap();
        let refusal = text(&mut connection, packet).unwrap();
        assert_eq!(refusal, Some(Incoming::Refused { slot, message: message.into(), data }));
        assert!(!connection.left(slot), "the slot is free");
        assert_eq!(connection.next_timeout(), None);
        connection.connect("/", NOW).unwrap();
    }
}

#[test]
fn what_our_server_encodes_is_understood() {
    let mut connection = fresh();
    let slot = connection.connect("/a", NOW).unwrap();
    let refusal = encode::connect_error("/a", "päss\n", Some("[1]"), 0);
    let heard = text(&mut connection, refusal.text()).unwrap();
    let message = "päss\n".into();
    assert_eq!(heard, Some(Incoming::Refused { slot, message, data: Some("[1]") }));

    let (mut connection, slot) = joined("/a");
    let goodbye = encode::disconnect("/a", 0);
    let heard = text(&mut connection, goodbye.text()).unwrap();
    assert_eq!(heard, Some(Incoming::Disconnect { slot }));
    assert!(!connection.left(slot));
}

#[test]
fn events_and_acks_come_in() {
    let (mut connection, slot) = joined("/a");
    let Ok(Some(Incoming::Event { slot: same, name, args, ack })) =
        text(&mut connection, r#"2/a,4["news",1]"#)
    else {
        panic!()
    };
    assert_eq!((same, &*name, args.json, ack), (slot, "news", "1", Some(4)));
    let heard = text(&mut connection, "3/a,9[2]").unwrap();
    assert!(matches!(heard, Some(Incoming::Ack { id: 9, .. })));
}

#[test]
fn recovered_events_come_before_the_reply_and_are_handed_up() {
    let mut connection = fresh();
    let slot = connection.connect("/", NOW).unwrap();
    let heard = text(&mut connection, r#"2["missed","offset"]"#).unwrap();
    assert!(matches!(heard, Some(Incoming::Event { slot: same, .. }) if same == slot));
    assert!(text(&mut connection, r#"0{"sid":"s","pid":"p"}"#).unwrap().is_some());
}

#[test]
fn attachments_come_in() {
    let (mut connection, slot) = joined("/");
    assert_eq!(text(&mut connection, r#"51-["a",{"_placeholder":true,"num":0}]"#), Ok(None));
    let heard = connection.receive(Message::Binary(&[1, 2]), NOW).unwrap();
    let Some(Incoming::Event { slot: same, args, .. }) = heard else { panic!() };
    assert_eq!(same, slot);
    assert_eq!(args.parse::<bytes::Bytes>().unwrap()[..], [1, 2]);
    connection.release();
}

#[test]
fn packets_for_other_namespaces_are_ignored() {
    let (mut connection, slot) = joined("/");
    for packet in ["2/b,[\"a\"]", "3/b,1[]", "1/b,", r#"0/b,{"sid":"x"}"#, r#"4/b,{"message":"x"}"#]
    {
        assert_eq!(text(&mut connection, packet), Ok(None), "{packet}");
    }
    assert!(connection.left(slot));
    assert_eq!(text(&mut connection, "2[\"late\"]"), Ok(None));
}

#[test]
fn a_reply_that_nobody_asked_for_closes_the_connection() {
    let (mut connection, _) = joined("/");
    assert_eq!(text(&mut connection, r#"0{"sid":"y"}"#), Err(E::AlreadyConnected));
    let (mut connection, _) = joined("/");
    assert_eq!(text(&mut connection, r#"4{"message":"y"}"#), Err(E::AlreadyConnected));
}

#[test]
fn malformed_packets_close_the_connection_on_this_side_too() {
    for packet in
        ["", "2", "2[]", "2[\"connect\"]", "0[]", "4", "4[]", "4null", "1{}", "511-[\"a\"]"]
    {
        let (mut connection, _) = joined("/");
        assert!(text(&mut connection, packet).is_err(), "{packet}");
    }
}

#[test]
fn only_valid_names_can_be_asked_for_and_each_once() {
    let (mut connection, _) = joined("/a");
    assert_eq!(connection.connect("/a", NOW), Err(ConnectError::AlreadyConnected));
    assert_eq!(connection.connect("a", NOW), Err(ConnectError::InvalidNamespace));
    assert_eq!(connection.connect("/a,b", NOW), Err(ConnectError::InvalidNamespace));
    let limits = Limits { namespaces: 1, ..Limits::default() };
    let mut connection = Connection::new(&Arc::new(limits));
    connection.connect("/a", NOW).unwrap();
    let refused = connection.connect("/b", NOW);
    assert_eq!(refused, Err(ConnectError::TooManyNamespaces { limit: 1 }));
}

#[test]
fn a_connect_without_an_answer_is_given_up() {
    let mut connection = fresh();
    let early = connection.connect("/a", secs(1)).unwrap();
    let late = connection.connect("/b", secs(2)).unwrap();
    assert_eq!(connection.next_timeout(), Some(secs(46)));
    assert_eq!(connection.timeout(secs(45)), Ok(None));
    assert_eq!(connection.timeout(secs(46)), Ok(Some(early)));
    assert_eq!(connection.timeout(secs(46)), Ok(None));
    assert_eq!(connection.next_timeout(), Some(secs(47)));
    assert_eq!(connection.timeout(secs(47)), Ok(Some(late)));
    assert_eq!(connection.next_timeout(), None);
}

#[test]
fn an_answer_or_our_leaving_ends_the_wait() {
    let (connection, _) = joined("/");
    assert_eq!(connection.next_timeout(), None);
    let mut connection = fresh();
    let slot = connection.connect("/a", NOW).unwrap();
    assert!(connection.left(slot));
    assert_eq!(connection.next_timeout(), None);
}

#[test]
fn client_closes_when_attachments_are_late() {
    let (mut connection, _) = joined("/");
    text(&mut connection, r#"51-["a"]"#).unwrap();
    assert_eq!(connection.next_timeout(), Some(secs(20)));
    assert_eq!(connection.timeout(secs(20)), Err(E::AttachmentsOverdue { missing: 1 }));
}
