//! From arguments with attachments to types.

mod support;

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use serde::Deserialize;
use serde_bytes::ByteBuf;
use serde_json::Value;
use sockeye_socket_proto::{Args, DecodeError};
use support::attachments;

const FIRST: &str = r#"{"_placeholder":true,"num":0}"#;

/// With the attachments `one` and `two`.
fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, DecodeError> {
    let attachments = attachments(&[b"one", b"two"]);
    let json = json.replace('$', FIRST).replace('§', r#"{"num":1,"_placeholder":true}"#);
    Args { json: &json, attachments: &attachments }.parse()
}

fn error<T: serde::de::DeserializeOwned>(json: &str) -> String {
    parse::<T>(json).err().expect("an error").to_string()
}

#[derive(Debug, Deserialize, PartialEq)]
struct File {
    name: String,
    data: Bytes,
    #[serde(default)]
    parts: Vec<ByteBuf>,
    more: Option<Box<File>>,
}

#[derive(Debug, Deserialize, PartialEq)]
enum Shape {
    Empty,
    Raw(Bytes),
    Both(Bytes, u8),
    Named { data: Bytes },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Either {
    Number(u8),
    Raw(ByteBuf),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "type")]
enum Tagged {
    File { data: ByteBuf },
}

#[test]
fn bytes_are_found_at_any_depth() {
    let file: File = parse(
        r#"{"name":"a","data":$,"parts":[§, $],"extra":[[$],{"x":§}],
            "more":{"name":"b","data":§,"more":null}}"#,
    )
    .unwrap();
    assert_eq!(file.data, "one");
    assert_eq!(file.parts, [ByteBuf::from("two"), ByteBuf::from("one")]);
    assert_eq!(file.more.unwrap().data, "two");
}

#[test]
fn bytes_may_be_asked_for_in_several_ways() {
    assert_eq!(parse::<Bytes>("$").unwrap(), "one");
    assert_eq!(parse::<ByteBuf>("$").unwrap(), ByteBuf::from("one"));
    assert_eq!(parse::<Vec<u8>>("$").unwrap(), b"one");
    assert_eq!(parse::<[u8; 3]>("$").unwrap(), *b"one");
    assert_eq!(parse::<Option<Bytes>>("$").unwrap().unwrap(), "one");
    assert_eq!(parse::<(u8, Option<Bytes>, Option<Bytes>)>("1,§").unwrap().1.unwrap(), "two");
    assert_eq!(parse::<HashMap<String, Bytes>>(r#"{"k":§}"#).unwrap()["k"], "two");
}

#[test]
fn enums_hold_bytes() {
    assert_eq!(parse::<Shape>(r#""Empty""#).unwrap(), Shape::Empty);
    assert_eq!(parse::<Shape>(r#"{"Empty":null}"#).unwrap(), Shape::Empty);
    assert_eq!(parse::<Shape>(r#"{ "Raw" : $ }"#).unwrap(), Shape::Raw("one".into()));
    assert_eq!(parse::<Shape>(r#"{"Both":[$,7]}"#).unwrap(), Shape::Both("one".into(), 7));
    let named = Shape::Named { data: "two".into() };
    assert_eq!(parse::<Shape>(r#"{"Named":{"data":§}}"#).unwrap(), named);
    assert!(parse::<Shape>("$").is_err());
    assert!(parse::<Shape>(r#"{"Raw":$,"x":1}"#).is_err());
    let either = (Either::Raw(ByteBuf::from("one")), Either::Number(7));
    assert_eq!(parse::<(Either, Either)>("$,7").unwrap(), either);
    let tagged = Tagged::File { data: ByteBuf::from("one") };
    assert_eq!(parse::<Tagged>(r#"{"data":$,"type":"File"}"#).unwrap(), tagged);
}

#[test]
fn everything_else_is_read_as_without_attachments() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Unit;
    assert_eq!(parse::<(i8, f64, bool)>("-1,2.5,true").unwrap(), (-1, 2.5, true));
    assert_eq!(parse::<(char, String)>(r#""x","a\n\u00e9""#).unwrap(), ('x', "a\né".into()));
    assert_eq!(parse::<(Unit, ())>("null,null").unwrap(), (Unit, ()));
    assert_eq!(parse::<Vec<(u8, [u8; 2])>>("[[1,[2,3]]]").unwrap(), [(1, [2, 3])]);
    assert_eq!(parse::<u64>("18446744073709551615").unwrap(), u64::MAX);
    assert_eq!(parse::<Value>(r#"{"a":[1,{"b":null}]}"#).unwrap()["a"][0], 1);
    assert_eq!(parse::<ByteBuf>("[1,2]").unwrap(), ByteBuf::from(vec![1, 2]));
    assert_eq!(parse::<ByteBuf>("\"ab\"").unwrap(), ByteBuf::from("ab"));
}

#[test]
fn keys_may_be_numbers_bools_and_variants() {
    #[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Name {
        A,
    }
    assert_eq!(
        parse::<BTreeMap<u64, Bytes>>(r#"{"18446744073709551615":$}"#).unwrap()[&u64::MAX],
        "one"
    );
    assert_eq!(parse::<BTreeMap<bool, Bytes>>(r#"{"true":$}"#).unwrap()[&true], "one");
    assert_eq!(parse::<BTreeMap<Name, Bytes>>(r#"{"A":$}"#).unwrap()[&Name::A], "one");
    assert_eq!(parse::<BTreeMap<Option<i8>, Bytes>>(r#"{"-1":$}"#).unwrap()[&Some(-1)], "one");
    for key in ["x", "1x", " 1", ""] {
        assert!(parse::<BTreeMap<u64, Bytes>>(&format!("{{\"{key}\":$}}")).is_err(), "{key}");
    }
}

#[test]
fn an_attachment_where_none_is_wanted_is_an_error() {
    let unwanted = "argument 1: invalid type: byte array, expected ";
    assert_eq!(error::<Value>("[$]"), format!("{unwanted}any valid JSON value"));
    assert_eq!(error::<String>("$"), format!("{unwanted}a string"));
    assert_eq!(error::<char>("$"), format!("{unwanted}a character"));
    assert_eq!(error::<u8>("$"), format!("{unwanted}u8"));
    assert_eq!(error::<File>("$"), format!("{unwanted}struct File"));
    assert!(error::<Bytes>("7").contains("invalid type: integer `7`"));
}

#[test]
fn errors_name_the_argument() {
    let wrong = error::<(Bytes, u8)>(r#"$,"x""#);
    assert_eq!(wrong, "argument 2: invalid type: string \"x\", expected u8");
    assert_eq!(error::<(u8, Bytes)>("1"), "argument 2: missing, expected byte array");
    assert_eq!(error::<(u8, (u8, u8))>("1,[1,2,3]"), "argument 2: more elements than expected");
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    #[derive(Debug, Deserialize)]
    struct List(#[expect(dead_code)] Vec<List>);
    let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse::<List>(&deep(127)).is_ok());
    assert!(error::<List>(&deep(128)).contains("recursion limit"));
    assert!(error::<List>(&deep(50_000)).contains("recursion limit"));
    assert!(error::<Value>(&deep(50_000)).contains("recursion limit"));
    assert_eq!(parse::<(Option<Bytes>,)>("null").unwrap(), (None,));
}

#[test]
fn many_containers_side_by_side_are_not_deep() {
    let pairs: Vec<(u8, Bytes)> = parse(&format!("[{}[1,$]]", "[1,$],".repeat(999))).unwrap();
    assert_eq!(pairs.len(), 1000);
    let maps: Vec<HashMap<String, Bytes>> =
        parse(&format!("[{}{{}}]", "{\"k\":$},".repeat(999))).unwrap();
    assert_eq!(maps.len(), 1000);
}

#[test]
fn broken_arguments_from_elsewhere_are_an_error_not_a_crash() {
    for json in [
        "[",
        "{",
        "{\"",
        "[$",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":$",
        "{\"a\" $}",
        "[$ §]",
        "x",
        "{,}",
        "[,]",
        "{\"Raw\"",
        "{\"Raw\" $}",
        r#"{"_placeholder":true,"num":2}"#,
        r#"{"_placeholder":true,"num":-1}"#,
    ] {
        assert!(parse::<Value>(json).is_err(), "{json}");
        assert!(parse::<Bytes>(json).is_err(), "{json}");
        assert!(parse::<Vec<Bytes>>(json).is_err(), "{json}");
        assert!(parse::<Shape>(json).is_err(), "{json}");
        assert!(parse::<BTreeMap<u8, Bytes>>(json).is_err(), "{json}");
    }
}
