//! Packets on the wire.

mod support;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use sockeye_socket_proto::{Args, EncodeError, Encoded, encode, event};
use support::attachments;

/// The text of an event `e` with these arguments.
fn args<T: Serialize + ?Sized>(args: &T) -> String {
    encode::event("/", "e", args, None, 0).unwrap().text().to_owned()
}

#[test]
fn unit_is_no_argument() {
    assert_eq!(args(&()), r#"2["e"]"#);
    assert_eq!(args(&&()), r#"2["e"]"#);
    assert_eq!(encode::ack("/", 1, &(), 0).unwrap().text(), "31[]");
}

#[test]
fn a_tuple_is_several_arguments() {
    assert_eq!(args(&(1,)), r#"2["e",1]"#);
    assert_eq!(args(&(1, "a", [2, 3])), r#"2["e",1,"a",[2,3]]"#);
    assert_eq!(args(&(Vec::<u8>::new(), json!({}))), r#"2["e",[],{}]"#);
    assert_eq!(encode::ack("/", 1, &(1, 2), 0).unwrap().text(), "31[1,2]");
}

#[test]
fn a_tuple_behind_a_pointer_is_still_several_arguments() {
    let tuple = (1, 2);
    let expected = r#"2["e",1,2]"#;
    assert_eq!(args(&&&tuple), expected);
    assert_eq!(args(&&mut (1, 2)), expected);
    assert_eq!(args(&Box::new(tuple)), expected);
    assert_eq!(args(&Box::new(&Box::new(tuple))), expected);
    assert_eq!(args(&Cow::<'_, (i32, i32)>::Owned(tuple)), expected);
}

/// serde's feature `rc` may be off: then these do not reach the encoder, but the rule is the same.
#[test]
fn the_compiler_writes_the_names_of_types_as_expected() {
    fn name<T: ?Sized>(_: &T) -> &'static str {
        std::any::type_name::<T>()
    }
    assert_eq!(name(&()), "()");
    assert!(name(&(1, "a")).starts_with("(i32, &"));
    assert!(name(&(1,)).starts_with("(i32"));
    assert!(name(&&(1, 2)).starts_with("&("));
    assert!(name(&&mut (1, 2)).starts_with("&mut ("));
    assert!(name(&Box::new((1, 2))).starts_with("alloc::boxed::Box<("));
    assert!(name(&Rc::new((1, 2))).starts_with("alloc::rc::Rc<("));
    assert!(name(&Arc::new((1, 2))).starts_with("alloc::sync::Arc<("));
    let cow = name(&Cow::<'_, (i32, i32)>::Owned((1, 2)));
    let inner = cow.strip_prefix("alloc::borrow::Cow<").unwrap();
    assert!(inner.strip_prefix("'_, ").unwrap_or(inner).starts_with('('));
    assert!(name(&[1, 2]).starts_with('['));
}

#[test]
fn anything_else_is_one_argument() {
    #[derive(Serialize)]
    struct Pair(u8, u8);
    #[derive(Serialize)]
    struct Wrapper((u8, u8));
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct Point {
        x: (u8, u8),
    }
    assert_eq!(args(&[1, 2]), r#"2["e",[1,2]]"#);
    assert_eq!(args(&[1, 2][..]), r#"2["e",[1,2]]"#);
    assert_eq!(args(&vec![(1, 2)]), r#"2["e",[[1,2]]]"#);
    assert_eq!(args(&Pair(1, 2)), r#"2["e",[1,2]]"#);
    assert_eq!(args(&Wrapper((1, 2))), r#"2["e",[1,2]]"#);
    assert_eq!(args(&Some((1, 2))), r#"2["e",[1,2]]"#);
    assert_eq!(args(&Unit), r#"2["e",null]"#);
    assert_eq!(args(&None::<()>), r#"2["e",null]"#);
    assert_eq!(args(&Point { x: (1, 2) }), r#"2["e",{"x":[1,2]}]"#);
    assert_eq!(args("text"), r#"2["e","text"]"#);
    assert_eq!(args(&[(); 0]), r#"2["e",[]]"#);
    assert_eq!(args(&((1, 2), [(3, 4)])), r#"2["e",[1,2],[[3,4]]]"#);
}

#[test]
fn numbers_are_written_exactly() {
    assert_eq!(
        args(&(u64::MAX, i64::MIN, 0.1)),
        r#"2["e",18446744073709551615,-9223372036854775808,0.1]"#
    );
    assert_eq!(args(&f64::NAN), r#"2["e",null]"#);
}

#[test]
fn the_name_is_written_as_a_json_string() {
    let packet = encode::event("/", "a\"\\\né😀", &(), None, 0).unwrap();
    assert_eq!(packet.text(), "2[\"a\\\"\\\\\\né😀\"]");
}

#[test]
fn reserved_names_are_refused() {
    for name in event::RESERVED {
        let refused = encode::event("/", name, &(), None, 0).unwrap_err();
        assert_eq!(refused, EncodeError::Reserved(name));
        assert!(refused.to_string().contains(name));
    }
    assert!(encode::event("/", "error", &(), None, 0).is_ok());
}

#[test]
fn the_head_carries_namespace_and_ack_id() {
    let text =
        |namespace, ack| encode::event(namespace, "e", &1, ack, 0).unwrap().text().to_owned();
    assert_eq!(text("/", None), r#"2["e",1]"#);
    assert_eq!(text("/", Some(0)), r#"20["e",1]"#);
    assert_eq!(text("/a", None), r#"2/a,["e",1]"#);
    assert_eq!(text("/a", Some(u64::MAX)), r#"2/a,18446744073709551615["e",1]"#);
    assert_eq!(encode::ack("/a", 12, &1, 0).unwrap().text(), "3/a,12[1]");
}

#[test]
fn bytes_anywhere_become_attachments_in_order() {
    #[derive(Serialize)]
    struct File {
        name: &'static str,
        data: Bytes,
        parts: Vec<Bytes>,
    }
    let file = File { name: "x", data: Bytes::from("1"), parts: attachments(&[b"2", b"3"]) };
    let packet = encode::event("/a", "file", &(&file, Bytes::from("4")), Some(5), 0).unwrap();
    assert_eq!(
        packet.text(),
        concat!(
            r#"54-/a,5["file",{"name":"x","data":{"_placeholder":true,"num":0},"#,
            r#""parts":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]},"#,
            r#"{"_placeholder":true,"num":3}]"#
        )
    );
    assert_eq!(packet.attachments, attachments(&[b"1", b"2", b"3", b"4"]));

    let packet = encode::ack("/", 5, &Bytes::from("1"), 0).unwrap();
    assert_eq!(packet.text(), r#"61-5[{"_placeholder":true,"num":0}]"#);
}

#[test]
fn more_than_ten_attachments_have_a_count_of_two_digits() {
    let packet = encode::event("/", "e", &vec![Bytes::from("x"); 12], None, 0).unwrap();
    assert!(packet.text().starts_with("512-[\"e\",[{"));
    assert_eq!(packet.attachments.len(), 12);
}

#[test]
fn data_that_looks_like_a_placeholder_is_refused_beside_attachments_only() {
    let lookalike = json!({"_placeholder": true, "num": 7});
    assert!(args(&lookalike).contains("_placeholder"));
    let refused = encode::event("/", "e", &(&lookalike, Bytes::from("x")), None, 0);
    assert_eq!(refused.unwrap_err(), EncodeError::Placeholder);
    let refused = encode::ack("/", 1, &(Bytes::from("x"), &lookalike), 0);
    assert_eq!(refused.unwrap_err(), EncodeError::Placeholder);
    let raw = serde_json::value::to_raw_value(&lookalike).unwrap();
    assert!(args(&raw).contains("_placeholder"));
    let refused = encode::event("/", "e", &(raw, Bytes::from("x")), None, 0);
    assert_eq!(refused.unwrap_err(), EncodeError::Placeholder);
    let mere_text = ("_placeholder", json!({"a": "_placeholder"}), Bytes::from("x"));
    assert!(encode::event("/", "e", &mere_text, None, 0).is_ok());
}

#[test]
fn a_type_that_json_cannot_express_is_an_error() {
    let map = BTreeMap::from([((1, 2), 3)]);
    let refused = encode::event("/", "e", &map, None, 0).unwrap_err();
    assert!(matches!(&refused, EncodeError::Serialize(message) if message.contains("key")));
}

#[test]
fn raw_arguments_are_copied_as_they_are() {
    let raw = |json, ack| {
        let args = Args { json, attachments: &[] };
        encode::event_raw("/a", "é\"", args, ack, 0).text().to_owned()
    };
    assert_eq!(raw("", None), "2/a,[\"é\\\"\"]");
    assert_eq!(raw("1e400 , \"\\ud800\"", Some(3)), "2/a,3[\"é\\\"\",1e400 , \"\\ud800\"]");
    let none = Args::default();
    assert_eq!(encode::ack_raw("/", 4, none, 0).text(), "34[]");
    assert_eq!(encode::ack_raw("/a", 4, Args { json: "1,2", ..none }, 0).text(), "3/a,4[1,2]");
}

#[test]
fn raw_arguments_keep_their_attachments_without_a_copy() {
    let attachments = attachments(&[b"x"]);
    let args = Args { json: r#"{"_placeholder":true,"num":0}"#, attachments: &attachments };
    let packet = encode::event_raw("/", "e", args, None, 0);
    assert_eq!(packet.text(), r#"51-["e",{"_placeholder":true,"num":0}]"#);
    assert_eq!(packet.attachments[0].as_ptr(), attachments[0].as_ptr());
    assert!(encode::ack_raw("/", 4, args, 0).text().starts_with("61-4["));
}

#[test]
fn connect_and_its_answers_have_the_forms_of_the_reference() {
    assert_eq!(encode::connect("/", None, 0).text(), "0");
    assert_eq!(encode::connect("/a", None, 0).text(), "0/a,");
    assert_eq!(encode::connect("/", Some("{}"), 0).text(), "0{}");
    assert_eq!(encode::connect_reply("/", "abc", 0).text(), r#"0{"sid":"abc"}"#);
    assert_eq!(encode::connect_reply("/a", "abc", 0).text(), r#"0/a,{"sid":"abc"}"#);
    let refusal = encode::connect_error("/a", "Invalid namespace", None, 0);
    assert_eq!(refusal.text(), r#"4/a,{"message":"Invalid namespace"}"#);
    let refusal = encode::connect_error("/", "a\"b", Some("null"), 0);
    assert_eq!(refusal.text(), r#"4{"message":"a\"b","data":null}"#);
    assert_eq!(encode::disconnect("/", 0).text(), "1");
    assert_eq!(encode::disconnect("/a", 0).text(), "1/a,");
}

#[test]
fn there_is_room_in_front_of_every_packet() {
    let args = Args { json: "1", attachments: &[] };
    for room in [0, 1, 11, 100] {
        let packets: Vec<Encoded> = vec![
            encode::event("/a", "e", &1, Some(u64::MAX), room).unwrap(),
            encode::event("/", "e", &vec![Bytes::from("x"); 3], None, room).unwrap(),
            encode::event_raw("/a", "e", args, None, room),
            encode::ack("/a", u64::MAX, &(), room).unwrap(),
            encode::ack_raw("/", 1, args, room),
            encode::connect("/", None, room),
            encode::connect_reply("/a", "x", room),
            encode::connect_error("/a", "x", None, room),
            encode::disconnect("/", room),
        ];
        for packet in packets {
            assert!(packet.start >= room, "{packet:?}");
            assert!(str::from_utf8(&packet.buffer[packet.start..]).is_ok());
        }
    }
}
