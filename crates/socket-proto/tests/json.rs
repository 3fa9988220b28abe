//! What is JSON, told without recursion and without numbers being rewritten.

mod support;

use proptest::prelude::*;
use serde::de::IgnoredAny;
use sockeye_socket_proto::{Args, ProtocolError};
use support::{cases, event, verdict};

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[test]
fn numbers_and_strings_stay_as_they_are() {
    let args = r#"1e400,-0.0,18446744073709551616,0.1000000000000000055511,"\ud800","\u0000",1E+2"#;
    assert_eq!(event(&format!("2[\"a\",{args}]")).1, args);
}

#[test]
fn a_key_proto_is_plain() {
    assert_eq!(event(r#"2["a",{"__proto__":{"x":1}}]"#).1, r#"{"__proto__":{"x":1}}"#);
}

#[test]
fn nesting_costs_no_stack() {
    let depth = 500_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let inner = if open == "[" { "" } else { "1" };
        let args = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(event(&format!("2[\"a\",{args}]")).1, args);
        let broken = &args[..args.len() - 1];
        assert!(matches!(verdict(&format!("2[\"a\",{broken}]")), Err(ProtocolError::Json { .. })));
    }
}

#[test]
fn brackets_have_to_match_at_every_depth() {
    for depth in [1, 2, 63, 64, 65, 127, 128, 129, 200] {
        let open: String = (0..depth).map(|i| if i % 3 == 0 { "{\"a\":" } else { "[" }).collect();
        let close = |i: usize| if i.is_multiple_of(3) { '}' } else { ']' };
        let right: String = (0..depth).rev().map(close).collect();
        assert_eq!(verdict(&format!("2[\"a\",{open}1{right}]")), Ok(()), "{depth}");
        for wrong in 0..depth {
            let swapped: String = (0..depth)
                .rev()
                .map(|i| match (i == wrong, close(i)) {
                    (true, '}') => ']',
                    (true, _) => '}',
                    (false, right) => right,
                })
                .collect();
            assert!(verdict(&format!("2[\"a\",{open}1{swapped}]")).is_err(), "{depth} {wrong}");
        }
    }
}

#[test]
fn control_characters_are_found_at_every_place_of_a_string() {
    for len in (0..40).chain([127, 128, 129, 200, 257]) {
        for at in 0..len {
            for bad in ['\u{1f}', '\n', '\0', '"'] {
                let string: String = (0..len).map(|i| if i == at { bad } else { 'é' }).collect();
                let refused = verdict(&format!("2[\"a\",\"{string}\"]"));
                assert!(refused.is_err(), "{bad:?} at {at} of {len}");
            }
            for fine in [' ', '\u{7f}', '!', '#', '[', ']', '\u{80}', '\u{2028}', '😀'] {
                let string: String = (0..len).map(|i| if i == at { fine } else { 'x' }).collect();
                let args = format!("\"{string}\"");
                assert_eq!(event(&format!("2[\"a\",{args}]")).1, args);
            }
        }
    }
}

/// Text made of what JSON is made of, mostly broken.
fn shards() -> impl Strategy<Value = String> {
    let shard = prop_oneof![
        prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d800", "\\ud800", "\\\"", "true",
            "false", "null", "nul", "0", "-", "1", "12", ".", "e", "E+", "1.5e3", " ", "\n", "\t",
            "\u{b}", "\"a\"", "\"\":", "{}", "[]", "\0", "é", "'", "/", "1e400", "NaN",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(shard, 0..12).prop_map(|shards| shards.concat())
}

/// JSON with one character taken out, put in or replaced.
fn damaged() -> impl Strategy<Value = String> {
    let spot = (any::<prop::sample::Index>(), prop::option::of(any::<char>()), any::<bool>());
    (support::node::node(), spot).prop_map(|(node, (at, new, keep))| {
        let mut text: Vec<char> = serde_json::to_string(&node).unwrap().chars().collect();
        let at = at.index(text.len());
        let old = std::mem::replace(&mut text[at], ' ');
        let there = [new, keep.then_some(old)].into_iter().flatten().collect::<String>();
        text.iter()
            .enumerate()
            .map(|(i, c)| if i == at { there.clone() } else { c.to_string() })
            .collect()
    })
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn it_agrees_with_serde_json(text in prop_oneof![shards(), damaged(), any::<String>()]) {
        let payload = format!("[\"a\",{text}]");
        prop_assert_eq!(verdict(&format!("2{payload}")).is_ok(), is_json(&payload), "{}", payload);
        let listed = is_json(&format!("[{text}]")) || text.trim_matches([' ', '\t', '\n', '\r']).is_empty();
        let args = Args { json: &text, attachments: &[] };
        prop_assert_eq!(args.validate().is_ok(), listed, "{}", text);
    }

    #[test]
    fn whatever_serde_json_writes_is_fine(node in support::node::node()) {
        for args in [serde_json::to_string(&node).unwrap(), serde_json::to_string_pretty(&node).unwrap()] {
            prop_assert_eq!(event(&format!("2[\"a\",{args}]")).1, args);
        }
    }
}
