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
