//! Placeholders: which are taken, and which close the connection.

mod support;

use bytes::Bytes;
use sockeye_socket_proto::server::Incoming;
use sockeye_socket_proto::{Args, ProtocolError};
use support::{attachments, binary, joined, text, verdict};

fn announced(count: usize, args: &str) -> Result<(), ProtocolError> {
    verdict(&format!("5{count}-[\"a\",{args}]"))
}

#[test]
fn an_index_of_an_attachment_is_taken() {
    for args in [
        r#"{"_placeholder":true,"num":0}"#,
        r#"{"num":1,"_placeholder":true}"#,
        r#"{ "_placeholder" : true , "num" : 1 }"#,
        r#"[{"deep":[{"_placeholder":true,"num":0}]}]"#,
    ] {
        assert_eq!(announced(2, args), Ok(()), "{args}");
    }
}

#[test]
fn anything_else_than_an_index_of_an_attachment_is_refused() {
    for num in ["2", "-1", "-0", "0.5", "0.0", "1e0", "99999999999999999999", "\"0\"", "null", "[]"]
    {
        for args in [
            format!(r#"{{"_placeholder":true,"num":{num}}}"#),
            format!(r#"{{"num":{num},"_placeholder":true}}"#),
        ] {
            let refused = Err(ProtocolError::Placeholder { attachments: 2 });
            assert_eq!(announced(2, &args), refused, "{args}");
        }
    }
}

#[test]
fn a_placeholder_in_another_form_is_refused() {
    // JavaScript takes all of these as placeholders: handed on, they would break its connection.
    for args in [
        r#"{"_placeholder":true}"#,
        r#"{"a":1,"_placeholder":true,"num":7}"#,
        r#"{"_placeholder":true,"num":0,"num":7}"#,
        r#"{"_placeholder":true,"num":0,"a":1}"#,
        r#"{"\u005fplaceholder":true,"num":7}"#,
        r#"{"_placeholder":false,"_placeholder":true,"num":7}"#,
        r#"[[{"x":{"_placeholder" :  true}}]]"#,
    ] {
        let refused = Err(ProtocolError::Placeholder { attachments: 1 });
        assert_eq!(announced(1, args), refused, "{args}");
    }
}

#[test]
fn what_only_resembles_a_placeholder_is_data() {
    for args in [
        r#"{"_placeholder":false,"num":7}"#,
        r#"{"_placeholder":1,"num":7}"#,
        r#"{"_placeholder":"true","num":7}"#,
        r#"{"_placeholders":true,"num":7}"#,
        r#"{"num":7}"#,
        r#""_placeholder",true"#,
        r#"["_placeholder",true]"#,
        r#"{"a":"_placeholder","b":true}"#,
        r#"{"num":[1],"x":{}}"#,
    ] {
        assert_eq!(announced(1, args), Ok(()), "{args}");
    }
}

#[test]
fn one_attachment_may_be_used_twice_or_never() {
    let (mut connection, _) = joined("/");
    let packet = r#"52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#;
    text(&mut connection, packet).unwrap();
    binary(&mut connection, b"used").unwrap();
    let Ok(Some(Incoming::Event { args, .. })) = binary(&mut connection, b"never") else {
        panic!()
    };
    let (one, other) = args.parse::<(Bytes, Bytes)>().unwrap();
    assert_eq!((&one[..], &other[..]), (&b"used"[..], &b"used"[..]));
}

#[test]
fn without_attachments_there_are_no_placeholders() {
    let json = r#"{"_placeholder":true,"num":7}"#;
    assert_eq!(verdict(&format!("2[\"a\",{json}]")), Ok(()));
    let value: serde_json::Value = Args { json, attachments: &[] }.parse().unwrap();
    assert_eq!(value["num"], 7);
}

fn cut_out(json: &str, attachments: &[&[u8]], index: usize) -> (String, Vec<Bytes>) {
    let attachments =
        attachments.iter().map(|bytes| Bytes::copy_from_slice(bytes)).collect::<Vec<_>>();
    let one = Args { json, attachments: &attachments }.nth(index).unwrap();
    assert!(one.as_args().validate().is_ok());
    (one.as_args().json.to_owned(), one.as_args().attachments.to_vec())
}

#[test]
fn one_argument_alone_takes_its_own_attachments_and_counts_them_anew() {
    let json = r#""public", {"_placeholder":true,"num":2} ,[{"num": 3 , "_placeholder":true},"\"{\u00e9",
        {"a" : {"_placeholder":true,"num":1},"b":1e400}, {"_placeholder":true,"num":3}]"#;
    let bytes: &[&[u8]] = &[b"0", b"1", b"2", b"3"];
    assert_eq!(cut_out(json, bytes, 0), ("\"public\"".into(), vec![]));
    let two = (r#"{"_placeholder":true,"num":0}"#.into(), vec![Bytes::from_static(b"2")]);
    assert_eq!(cut_out(json, bytes, 1), two);
    let (text, taken) = cut_out(json, bytes, 2);
    let expected = r#"[{"num": 0 , "_placeholder":true},"\"{\u00e9",
        {"a" : {"_placeholder":true,"num":1},"b":1e400}, {"_placeholder":true,"num":0}]"#;
    assert_eq!((text.as_str(), taken), (expected, vec!["3".into(), "1".into()]));
}

#[test]
fn numbers_of_other_lengths_are_written_too() {
    let json: Vec<_> =
        (0..12).map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#)).collect();
    let json = format!("[{},{}],[{}]", json[11], json[10], json.join(","));
    let bytes: Vec<_> = (0..12_u8).map(|byte| [byte]).collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(<[u8; 1]>::as_slice).collect();
    let (text, taken) = cut_out(&json, &bytes, 0);
    assert_eq!(text, r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    assert_eq!(taken, [&[11][..], &[10]]);
    let (text, taken) = cut_out(&json, &bytes, 1);
    assert!(json.ends_with(&text), "nothing changes");
    assert_eq!(taken.len(), 12);
}

#[test]
fn without_attachments_one_argument_alone_is_what_it_was() {
    let json = r#"{"_placeholder":true,"num":7}"#;
    assert_eq!(cut_out(json, &[], 0), (json.into(), vec![]));
    assert!(Args { json, attachments: &[] }.nth(1).is_none());
}

#[test]
fn a_placeholder_that_points_nowhere_still_does_when_it_stands_alone() {
    let attachments = support::attachments(&[b"x"]);
    let json = r#"[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;
    let one = Args { json, attachments: &attachments }.nth(0).unwrap();
    assert_eq!(one.as_args().json, json);
    assert!(one.as_args().validate().is_err());
}

#[test]
fn the_search_costs_no_stack_and_is_not_fooled_by_depth() {
    let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(announced(1, &deep(r#"{"_placeholder":true,"num":0}"#)), Ok(()));
    assert!(announced(1, &deep(r#"{"_placeholder":true,"num":1}"#)).is_err());
}

#[test]
fn validate_names_the_argument_with_a_bad_placeholder() {
    let attachments = attachments(&[b"x"]);
    let json = r#"1,{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    let error = Args { json, attachments: &attachments }.validate().unwrap_err();
    assert_eq!(error.argument(), 3);
}
