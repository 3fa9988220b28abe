//! Packets as MessagePack: what comes in is the packet that a text would have been, and what goes out is what a
//! JavaScript client reads.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use sockeye_socket_proto::ProtocolError;
use sockeye_socket_proto::msgpack::{decode, encode};

/// A packet with these parts, in MessagePack.
fn packet(kind: u8, nsp: &str, rest: &[&[u8]]) -> Vec<u8> {
    let entries = u8::try_from(2 + rest.len()).unwrap();
    let mut out = vec![0x80 | entries];
    out.extend_from_slice(b"\xa4type");
    out.push(kind);
    out.extend_from_slice(b"\xa3nsp");
    out.push(0xa0 | u8::try_from(nsp.len()).unwrap());
    out.extend_from_slice(nsp.as_bytes());
    [&out[..], &rest.concat()].concat()
}

/// The text of an event whose only argument is this.
fn argument(value: &[u8]) -> String {
    let data = [b"\xa4data\x92\xa1e", value].concat();
    let (text, _) = decode(&packet(2, "/", &[&data]), 10).unwrap();
    text.strip_prefix("2[\"e\",").unwrap().strip_suffix(']').unwrap().to_owned()
}

fn fault(message: &[u8]) -> String {
    decode(message, 10).unwrap_err().to_string()
}

#[test]
fn each_kind_of_packet_becomes_the_text_it_would_have_been() {
    for (message, text) in [
        (packet(0, "/", &[]), "0"),
        (packet(0, "/", &[b"\xa4data\xd4\0\0"]), "0"),
        (packet(0, "/admin", &[b"\xa4data\x81\xa5token\x07"]), "0/admin,{\"token\":7}"),
        (packet(1, "/admin", &[]), "1/admin,"),
        (packet(2, "/", &[b"\xa4data\x91\xa1e"]), "2[\"e\"]"),
        (packet(2, "/a", &[b"\xa4data\x91\xa1e", b"\xa2id\x0c"]), "2/a,12[\"e\"]"),
        (packet(3, "/", &[b"\xa2id\xcd\x01\0", b"\xa4data\x90"]), "3256[]"),
        (packet(4, "/", &[b"\xa4data\x81\xa7message\xa2no"]), "4{\"message\":\"no\"}"),
        (packet(2, "/", &[b"\xa7options\x81\xa8compress\xc3", b"\xa4data\x91\xa1e"]), "2[\"e\"]"),
    ] {
        assert_eq!(decode(&message, 10).unwrap(), (text.to_owned(), Vec::new()));
    }
}

#[test]
fn every_format_of_messagepack_is_read() {
    for (value, json) in [
        (&b"\x7f"[..], "127"),
        (b"\xff", "-1"),
        (b"\xc0", "null"),
        (b"\xc2", "false"),
        (b"\xc3", "true"),
        (b"\xcc\xff", "255"),
        (b"\xce\xff\xff\xff\xff", "4294967295"),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
        (b"\xd0\x80", "-128"),
        (b"\xd1\x80\0", "-32768"),
        (b"\xd2\x80\0\0\0", "-2147483648"),
        (b"\xd3\x80\0\0\0\0\0\0\0", "-9223372036854775808"),
        (b"\xca\x3f\xc0\0\0", "1.5"),
        (b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1"),
        (b"\xcb\x7f\xf0\0\0\0\0\0\0", "null"),
        (b"\xd9\x02\xc3\xa9", "\"é\""),
        (b"\xda\0\x01\n", "\"\\n\""),
        (b"\xdb\0\0\0\x01\"", "\"\\\"\""),
        (b"\xdc\0\x02\x01\x02", "[1,2]"),
        (b"\xdd\0\0\0\x01\x90", "[[]]"),
        (b"\xde\0\x01\xa1a\x80", "{\"a\":{}}"),
        (b"\xdf\0\0\0\x02\xa1a\x01\x05\x02", "{\"a\":1,\"5\":2}"),
        (b"\x83\xa1a\xd4\0\0\xa1b\x01\xa1c\xd4\0\0", "{\"b\":1}"),
        (b"\x92\xd4\0\0\x01", "[null,1]"),
        (b"\xd7\0\0\0\0\0\0\0\x03\xe8", "\"1970-01-01T00:00:01.000Z\""),
    ] {
        assert_eq!(argument(value), json);
    }
}

#[test]
fn what_is_binary_is_set_aside_in_its_order() {
    let data = b"\xa4data\x94\xa1e\xc4\x02ab\x91\xc5\0\x01c\xc7\x03\0def";
    let (text, attachments) = decode(&packet(2, "/", &[data]), 3).unwrap();
    let place = |index| format!("{{\"_placeholder\":true,\"num\":{index}}}");
    assert_eq!(text, format!("53-[\"e\",{},[{}],{}]", place(0), place(1), place(2)));
    assert_eq!(attachments, ["ab", "c", "def"].map(Bytes::from));
    assert_eq!(
        decode(&packet(2, "/", &[data]), 2),
        Err(ProtocolError::TooManyAttachments { announced: 3, limit: 2 })
    );
}

#[test]
fn an_attachment_goes_out_once_however_often_it_is_pointed_to() {
    let place = r#"{"_placeholder":true,"num":0}"#;
    let large = Bytes::from(vec![7; 1000]);
    let message = encode(&format!("51-[\"e\",{place},{place},{place}]"), &[large]);
    assert!(message.len() < 1100, "{}", message.len());
}

#[test]
fn what_is_no_packet_is_refused_with_a_reason() {
    for (message, reason) in [
        (&b""[..], "it ends in the middle"),
        (b"\x90", "a packet is a map"),
        (b"\x81\x01\x01", "the keys of a packet are texts"),
        (b"\xc1", "the format 0xc1 means nothing"),
        (b"\x81\xa4type\xa11", "`type` and `id` are numbers"),
        (&packet(5, "/", &[]), "its `type` is none that there is, or cannot have attachments"),
        (
            &packet(0, "/", &[b"\xa4data\xc4\0"]),
            "its `type` is none that there is, or cannot have attachments",
        ),
        (&packet(2, "a", &[]), "its `nsp` is no namespace"),
        (&packet(2, "/a,b", &[]), "its `nsp` is no namespace"),
        (&[&packet(2, "/", &[])[..], b"\0"].concat(), "something follows the packet"),
        (&packet(2, "/", &[b"\xa4data\x91\xa1\xff"]), "a text is not UTF-8"),
        (&packet(2, "/", &[b"\xa4data\x91\xdd\xff\xff\xff\xff"]), "it ends in the middle"),
        (&packet(2, "/", &[b"\xa4data\x91\x81\x90\x01"]), "a key is neither a text nor a number"),
        (&packet(2, "/", &[b"\xa4data\x91\xd5\x07ab"]), "an extension that nobody knows"),
        (
            &packet(2, "/", &[b"\xa4data\x92\xc4\x01a\x82\xac_placeholder\xc3\xa3num\0"]),
            "`_placeholder` is no key",
        ),
        (&packet(2, "/", &[b"\xa4data\x90", b"\xa4data\x90"]), "a packet has one `data`"),
    ] {
        assert_eq!(fault(message), format!("peer sent no packet in MessagePack: {reason}"));
    }
}

#[test]
fn lists_may_stand_deep_in_each_other_but_not_without_end() {
    let deep = |depth| {
        let data = [b"\xa4data".as_slice(), &vec![0x91; depth], b"\x01"].concat();
        decode(&packet(2, "/", &[&data]), 0).map(|(text, _)| text.len())
    };
    assert_eq!(deep(10_000), Ok(20_002));
    assert!(deep(10_001).is_err());
    assert!(deep(1_000_000).is_err());
}

#[test]
fn what_goes_out_is_as_short_as_can_be() {
    for (json, value) in [
        ("0", &b"\0"[..]),
        ("-32", b"\xe0"),
        ("-33", b"\xd0\xdf"),
        ("-129", b"\xd1\xff\x7f"),
        ("-32769", b"\xd2\xff\xff\x7f\xff"),
        ("-2147483649", b"\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
        ("256", b"\xcd\x01\0"),
        ("65536", b"\xce\0\x01\0\0"),
        ("4294967296", b"\xcf\0\0\0\x01\0\0\0\0"),
        ("1.5", b"\xcb\x3f\xf8\0\0\0\0\0\0"),
        ("1e400", b"\xcb\x7f\xf0\0\0\0\0\0\0"),
        (r#""a\nb""#, b"\xa3a\nb"),
        (r#""\ud83d\ude00""#, b"\xa4\xf0\x9f\x98\x80"),
        (r#""\ud83d!""#, b"\xaa\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd!"),
        ("[ ]", b"\x90"),
        (r#"{ "a" : [ 1 , { } ] , "b" : "]" }"#, b"\x82\xa1a\x92\x01\x80\xa1b\xa1]"),
    ] {
        let message = encode(&format!("2[\"e\",{json}]"), &[]);
        let head = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e";
        let found = message.strip_prefix(head).unwrap();
        assert_eq!(found, value, "{json}");
    }
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[a-z]{250,270}".prop_map(Value::from),
    ];
    scalar.prop_recursive(6, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
            prop::collection::hash_map(".{0,5}", inner, 0..20)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn there_and_back_nothing_changes(values in prop::collection::vec(values(), 0..4), id in 0..1_u64 << 53) {
        let args = [Value::from("event")].into_iter().chain(values).collect::<Value>();
        let text = format!("2/admin,{id}{args}");
        let (back, attachments) = decode(&encode(&text, &[]), 0).unwrap();
        let payload = |text: &str| serde_json::from_str::<Value>(&text[text.find('[').unwrap()..]).unwrap();
        prop_assert_eq!(payload(&back), payload(&text));
        let head = format!("2/admin,{id}[");
        prop_assert!(attachments.is_empty() && back.starts_with(&head));
    }

    #[test]
    fn attachments_come_back_where_they_were(data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5)) {
        let data: Vec<_> = data.into_iter().map(Bytes::from).collect();
        let places = (0..data.len()).map(|index| json!({"_placeholder": true, "num": index}));
        let text = format!("5{}-[\"e\",{}]", data.len(), places.collect::<Value>());
        let (back, attachments) = decode(&encode(&text, &data), 5).unwrap();
        prop_assert_eq!((back, attachments), (text, data));
    }

    #[test]
    fn nothing_that_comes_makes_it_panic(mut message in prop::collection::vec(any::<u8>(), 0..200), head in any::<bool>()) {
        if head {
            message = packet(2, "/", &[b"\xa4data", &message]);
        }
        if let Ok((text, attachments)) = decode(&message, 10) {
            let _ = encode(&text, &attachments);
        }
    }
}

/// As python-socketio writes a packet without data.
#[test]
fn a_packet_that_has_nothing_for_its_data_has_no_payload() {
    let disconnect = b"\x83\xa4type\x01\xa4data\xc0\xa3nsp\xa2/a";
    assert_eq!(decode(disconnect, 0).unwrap().0, "1/a,");
    let connect = b"\x83\xa4type\x00\xa4data\xc0\xa3nsp\xa1/";
    assert_eq!(decode(connect, 0).unwrap().0, "0");
    let event = b"\x83\xa4type\x02\xa4data\xc0\xa3nsp\xa1/";
    assert_eq!(decode(event, 0).unwrap().0, "2null");
}
