//! From arguments to types.

mod support;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};
use sockeye_socket_proto::{Args, DecodeError, OwnedArgs};

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, DecodeError> {
    Args { json, attachments: &[] }.parse()
}

fn error<T: serde::de::DeserializeOwned>(json: &str) -> String {
    parse::<T>(json).err().expect("an error").to_string()
}

#[derive(Debug, Deserialize, PartialEq)]
struct Point {
    x: i32,
    y: Option<i32>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Pair(i32, i32);

#[derive(Debug, Deserialize, PartialEq)]
struct Wrapper(String);

#[test]
fn a_type_takes_the_first_argument() {
    assert_eq!(parse::<String>(r#""a",2"#).unwrap(), "a");
    assert_eq!(parse::<u64>("18446744073709551615").unwrap(), u64::MAX);
    assert_eq!(parse::<Point>(r#"{"x":1,"z":[]}, 7"#).unwrap(), Point { x: 1, y: None });
    assert_eq!(parse::<Wrapper>(r#""a""#).unwrap(), Wrapper("a".into()));
    assert_eq!(parse::<Value>(r#"{"a":[1]}"#).unwrap(), json!({"a": [1]}));
    assert_eq!(parse::<HashMap<u8, u8>>(r#"{"1":2}"#).unwrap()[&1], 2);
}

#[test]
fn a_tuple_takes_one_argument_for_each_part() {
    assert_eq!(parse::<(u8, String)>(r#"1,"a""#).unwrap(), (1, "a".into()));
    assert_eq!(parse::<(u8,)>("1,2,3").unwrap(), (1,));
    assert_eq!(parse::<Box<(u8, u8)>>("1,2").unwrap(), Box::new((1, 2)));
    assert_eq!(parse::<((u8, u8), u8)>("[1,2],3").unwrap(), ((1, 2), 3));
}

#[test]
fn what_is_an_array_in_json_is_one_argument() {
    assert_eq!(parse::<[u8; 2]>("[1,2],3").unwrap(), [1, 2]);
    assert_eq!(parse::<Vec<u8>>("[1,2],3").unwrap(), [1, 2]);
    assert_eq!(parse::<Pair>("[1,2],3").unwrap(), Pair(1, 2));
    assert_eq!(parse::<Option<(u8, u8)>>("[1,2],3").unwrap(), Some((1, 2)));
}

#[test]
fn unit_takes_whatever_came() {
    for json in ["", "1", "{},[]"] {
        assert_eq!(parse::<()>(json), Ok(()));
    }
}

#[test]
fn missing_arguments_become_none() {
    assert_eq!(parse::<Option<u8>>("").unwrap(), None);
    assert_eq!(parse::<Option<u8>>("null").unwrap(), None);
    assert_eq!(parse::<(u8, Option<u8>, Option<u8>)>("1").unwrap(), (1, None, None));
    assert_eq!(parse::<(Option<u8>, Option<u8>)>("null,2").unwrap(), (None, Some(2)));
}

#[test]
fn an_error_says_which_argument_what_came_and_what_was_expected() {
    assert_eq!(
        error::<(u8, u8)>(r#"1,"a""#),
        "argument 2: invalid type: string \"a\", expected u8"
    );
    assert_eq!(error::<u8>("256"), "argument 1: invalid value: integer `256`, expected u8");
    assert_eq!(error::<Point>(r#"{"y":1}"#), "argument 1: missing field `x`");
    assert_eq!(error::<(u8, u8)>("1"), "argument 2: missing, expected u8");
    assert_eq!(error::<Point>(""), "argument 1: missing, expected struct Point");
    let error = parse::<(u8, String, u8)>("1,[]").unwrap_err();
    assert_eq!(error.argument(), 2);
    assert_eq!(error.message(), "invalid type: sequence, expected a string");
}

#[test]
fn an_error_does_not_repeat_a_megabyte() {
    let json = format!("\"{}\"", "é".repeat(500_000));
    let message = error::<u8>(&json);
    assert!(message.len() < 400 && message.ends_with('…'), "{} bytes", message.len());
}

#[test]
fn what_a_type_cannot_hold_is_an_error_not_a_crash() {
    assert!(error::<f64>("1e400").contains("out of range"));
    assert!(error::<Value>("1e400").contains("out of range"));
    assert!(error::<String>(r#""\ud800""#).contains("hex escape"));
    assert!(error::<String>(r#""\ude00""#).contains("surrogate"));
    assert!(error::<u64>("18446744073709551616").contains("expected u64"));
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(error::<Value>(&deep).contains("recursion limit"));
}

#[test]
fn floats_arrive_to_the_last_digit() {
    for float in [0.1, 1.0_f64 / 3.0, 5e-324, 1.797_693_134_862_315_7e308, 123_456_789.123_456_78] {
        let json = serde_json::to_string(&float).unwrap();
        assert_eq!(parse::<f64>(&json).unwrap().to_bits(), float.to_bits());
    }
}

#[test]
fn owned_arguments_are_equal_to_the_borrowed_ones() {
    let attachments = support::attachments(&[b"123", b"4567"]);
    let args = Args { json: "1,[2]", attachments: &attachments };
    let owned: OwnedArgs = args.to_owned();
    assert_eq!(owned.as_args(), args);
    assert_eq!(owned.bytes(), 5 + 3 + 4);
    assert!(OwnedArgs::default().as_args().is_empty());
    assert!(size_of::<OwnedArgs>() <= 32);
}

#[test]
fn arguments_can_be_walked_over() {
    let args = Args { json: "1, \"a,b\" ,[2,{}]", attachments: &[] };
    assert_eq!(args.iter().collect::<Vec<_>>(), ["1", "\"a,b\"", "[2,{}]"]);
    assert_eq!((&args).into_iter().count(), args.len());
}
