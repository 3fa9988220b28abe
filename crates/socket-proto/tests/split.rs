//! The name and the arguments of an event, cut without being parsed.

mod support;

use proptest::prelude::*;
use serde_json::Value;
use sockeye_socket_proto::{Args, event};
use support::node::node;
use support::{cases, event as received};

#[test]
fn the_name_is_borrowed_unless_it_has_escapes() {
    use std::borrow::Cow;
    let (mut connection, _) = support::joined("/");
    for (packet, borrowed) in [(r#"2["plain é",1]"#, true), (r#"2["pl\u0061in",1]"#, false)] {
        let incoming = support::text(&mut connection, packet).unwrap().unwrap();
        let sockeye_socket_proto::server::Incoming::Event { name, .. } = incoming else { panic!() };
        assert_eq!(matches!(name, Cow::Borrowed(_)), borrowed);
    }
}

#[test]
fn an_event_alone_has_no_arguments() {
    for packet in [r#"2["a"]"#, r#"2[ "a" ]"#] {
        assert_eq!(received(packet).1, "");
    }
}

#[test]
fn elements_end_where_the_text_ceases_to_be_json() {
    let cut = |json| Args { json, attachments: &[] }.iter().count();
    assert_eq!(cut("1,2,x,3"), 2);
    assert_eq!(cut("1 2"), 1);
    assert_eq!(cut(""), 0);
    assert_eq!(cut("  "), 0);
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn it_agrees_with_serde_json(name in any::<String>(), nodes in prop::collection::vec(node(), 0..5)) {
        prop_assume!(!event::is_reserved(&name));
        let values: Vec<Value> = nodes.iter().map(|node| serde_json::to_value(node).unwrap()).collect();
        let mut all = vec![Value::from(name.as_str())];
        all.extend(values.iter().cloned());
        for packet in [
            format!("2{}", serde_json::to_string(&all).unwrap()),
            format!("2{}", serde_json::to_string_pretty(&all).unwrap()),
        ] {
            let (got, json, _) = received(&packet);
            prop_assert_eq!(&got, &name);
            let args = Args { json: &json, attachments: &[] };
            prop_assert_eq!(args.len(), values.len());
            prop_assert_eq!(args.is_empty(), values.is_empty());
            for (raw, value) in args.iter().zip(&values) {
                prop_assert_eq!(&serde_json::from_str::<Value>(raw).unwrap(), value);
            }
        }
    }
}
