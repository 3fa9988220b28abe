//! The twins of the fuzz targets: the same functions, on arbitrary and on nearly valid bytes.

use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use websocket_proto::deflate::{self, Deflater};
use websocket_proto::{Opcode, push_frame};

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() }
}

/// One frame of a conversation, nearly always a possible one.
fn framed() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        4 => Just(Opcode::Text),
        2 => Just(Opcode::Binary),
        4 => Just(Opcode::Continuation),
        1 => Just(Opcode::Ping),
        1 => Just(Opcode::Pong),
        1 => Just(Opcode::Close),
    ];
    let payload = prop_oneof![
        4 => "\\PC{0,40}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..120),
        1 => Just(b"\x03\xe8bye".to_vec()),
        1 => vec(Just(b'x'), 120..400),
    ];
    let flags = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.1));
    (opcode, flags, any::<Option<[u8; 4]>>(), payload).prop_map(
        |(opcode, (fin, compressed, marked), mask, mut payload)| {
            if opcode.is_control() {
                payload.truncate(125);
            } else if compressed {
                Deflater::alone(9).compress(&std::mem::take(&mut payload), &mut payload);
            }
            let mut wire = Vec::new();
            push_frame(&mut wire, opcode, fin || opcode.is_control(), mask, &payload);
            if marked || (compressed && matches!(opcode, Opcode::Text | Opcode::Binary)) {
                deflate::mark(&mut wire);
            }
            wire
        },
    )
}

/// Frames that all mask or all do not, as one side would send them.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    (any::<[u8; 3]>(), vec(framed(), 0..12)).prop_map(|(settings, frames)| {
        let is_client = settings[0] & 1 == 1;
        let ours = frames.into_iter().filter(|frame| (frame[1] & 0x80 == 0) == is_client);
        ours.fold(settings.to_vec(), |wire, frame| [wire, frame].concat())
    })
}

/// The beginning of a connection behind a proxy, nearly always a possible one.
fn introduced() -> impl Strategy<Value = Vec<u8>> {
    let line = "PROXY (TCP4|TCP6|UNKNOWN|UDP4)( [0-9a-f:.]{0,9}){0,4}(\r|\n|\r\n)?[a-z]{0,3}";
    let addresses = "PROXY TCP4( [12]?[0-9]?[0-9](\\.[12]?[0-9]){3}){2}( [0-9]{1,5}){2}\r\n";
    let block = vec(any::<u8>(), 0..260);
    let binary = (0x1f_u8..0x23, 0_u8..0x34, block, 0_u16..260).prop_map(
        |(command, family, block, length)| {
            let signature = b"\r\n\r\n\0\r\nQUIT\n";
            [&signature[..], &[command, family], &length.to_be_bytes(), &block].concat()
        },
    );
    prop_oneof![
        2 => line.prop_map(String::into_bytes),
        2 => addresses.prop_map(String::into_bytes),
        3 => binary,
        1 => vec(any::<u8>(), 0..20),
    ]
}

/// Polling bodies: packets that mostly are some.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let packet = prop_oneof![
        4 => "[0-6]\\PC{0,12}",
        2 => "b[A-Za-z0-9+/]{0,12}={0,2}",
        1 => "\\PC{0,6}",
        1 => "(EIO|transport|sid)=[a-z4%&+]{0,12}",
    ];
    vec(packet, 0..8).prop_map(|packets| packets.join("\x1e").into_bytes())
}

/// Polling bodies of old clients, of text or of bytes, with a slip now and then.
fn old_body() -> impl Strategy<Value = Vec<u8>> {
    let text = ("[0-6b][4]?\\PC{0,9}", prop_oneof![9 => Just(0_usize), 1 => 1..3_usize]).prop_map(
        |(packet, lie)| format!("{}:{packet}", packet.encode_utf16().count() + lie).into_bytes(),
    );
    let bytes = (any::<bool>(), "4\\PC{0,9}", prop_oneof![9 => Just(0_u8), 1 => 1..3_u8]).prop_map(
        |(binary, packet, lie)| {
            let length = (packet.len() + usize::from(lie)).to_string();
            let digits: Vec<u8> = length.bytes().map(|digit| digit - b'0').collect();
            let mut packet = packet.into_bytes();
            packet[0] = if binary { 4 } else { b'4' };
            [&[u8::from(binary)], &digits[..], &[255], &packet].concat()
        },
    );
    let several = |one: BoxedStrategy<Vec<u8>>| vec(one, 0..8).prop_map(|all| all.concat());
    prop_oneof![several(text.boxed()), several(bytes.boxed())]
}

fn short(length: usize) -> u8 {
    u8::try_from(length).expect("all lengths here are short")
}

/// A packet in MessagePack, with a slip now and then.
fn packed() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        8 => any::<u8>().prop_map(|byte| vec![byte & 0x7f]),
        4 => "[a-zé_]{0,9}".prop_map(|text| [&[0xa0 | short(text.len())], text.as_bytes()].concat()),
        2 => any::<[u8; 8]>().prop_map(|number| [&[0xcb][..], &number].concat()),
        2 => any::<[u8; 8]>().prop_map(|number| [&[0xd3][..], &number].concat()),
        1 => any::<[u8; 8]>().prop_map(|date| [&[0xd7, 0][..], &date].concat()),
        2 => vec(any::<u8>(), 0..9).prop_map(|data| [&[0xc4, short(data.len())], &data[..]].concat()),
        1 => Just(b"\xd4\0\0".to_vec()),
        1 => Just(b"\x82\xac_placeholder\xc3\xa3num\0".to_vec()),
        1 => vec(any::<u8>(), 1..3),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|list| [
                &[0x90 | short(list.len())],
                &list.concat()[..]
            ]
            .concat()),
            vec(("[a-z]{0,3}", inner), 0..5).prop_map(|map| {
                let members = map.iter().map(|(key, value)| {
                    [&[0xa0 | short(key.len())], key.as_bytes(), value].concat()
                });
                [&[0x80 | short(map.len())], &members.collect::<Vec<_>>().concat()[..]].concat()
            }),
        ]
    });
    (0..6_u8, vec(value, 0..4), any::<Option<u8>>()).prop_map(|(kind, args, id)| {
        let mut out = vec![0x83 + u8::from(id.is_some())];
        out.extend_from_slice(b"\xa4type");
        out.push(kind);
        out.extend_from_slice(b"\xa3nsp\xa2/a\xa4data");
        out.push(0x91 + short(args.len()));
        out.extend_from_slice(b"\xa1e");
        out.extend_from_slice(&args.concat());
        if let Some(id) = id {
            out.extend_from_slice(&[0xa2, b'i', b'd', id & 0x7f]);
        }
        out
    })
}

/// JSON, as JavaScript and others write it; of so many parts one has a slip.
fn json(slips: u32) -> impl Strategy<Value = String> {
    let placeholder =
        r#"\{ ?("num" ?: ?[0-3], ?"_placeholder":true|"_placeholder":true, "num":[0-3]) ?\}"#;
    let leaf = prop_oneof![
        "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?",
        r#""([a-zé🐟 ,:{}\[\]]|\\\\|\\"|\\/|\\n|\\u00[0-9a-f]{2}|\\ud[89a-f][0-9a-f]{2}){0,8}""#,
        "true|false|null|\\{\\}|\\[ \\]",
        placeholder,
    ];
    let slip = prop_oneof![
        r"-?[0-9.eE+-]{1,5}",
        r#"\{"_placeholder":(true|1),"num":-?[0-9.]{1,3}(,"x":0)?\}"#,
        r#""\\[a-z0-9]{1,5}""#,
        "\\[[1,]{0,3}|\\{[:a\"]{0,3}\\}?",
    ];
    let leaf = prop_oneof![30 => leaf, slips => slip];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(","))),
            vec((r#""[a-z_]{1,3}""#, inner.clone()), 0..4).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(k, v)| format!("{k} :{v}")).collect();
                format!("{{{}}}", members.join(", "))
            }),
        ]
    })
}

/// An event or an answer, with the attachments it announces.
fn told() -> impl Strategy<Value = Vec<u8>> {
    let name = r#""([a-z]{1,9}|connect|\\u0061|🐟)"|[0-9]{1,20}"#;
    let args = vec(json(1), 0..3).prop_map(|args| args.join(", "));
    // Between two attachments something else may happen.
    let between = prop_oneof![
        8 => Just("\x1e"),
        1 => Just("\x1el0\x1e"),
        1 => Just("\x1ew1\x1e"),
    ];
    ("(/a,|/b,)?", "[0-9]{0,3}", name, args, 0..4_usize, any::<bool>(), between).prop_map(
        |(namespace, id, name, args, attachments, is_event, between)| {
            let kind = if is_event { 2 } else { 3 };
            let head = match attachments {
                0 => format!("{kind}"),
                count => format!("{}{count}-", kind + 3),
            };
            let payload = match (is_event, args.is_empty()) {
                (true, false) => format!("[{name},{args}]"),
                (true, true) => format!("[{name}]"),
                (false, _) => format!("[{args}]"),
            };
            let text = format!("{head}{namespace}{id}{payload}");
            [text.as_str(), "bone", "b", "bthree"][..=attachments].join(between).into_bytes()
        },
    )
}

/// Steps of a connection, after one in which both sides join the main namespace.
fn connection() -> impl Strategy<Value = Vec<u8>> {
    let step = prop_oneof![
        6 => told(),
        1 => "[01](/[a-d],)?(\\{\"[a-z]{0,4}\":[0-9]\\})?".prop_map(String::into_bytes),
        1 => r#"[04](/[a-d],)?\{"(sid|message)":"[a-z]{0,4}"\}"#.prop_map(String::into_bytes),
        1 => "[alrc][0-3]".prop_map(String::into_bytes),
        1 => "w[ -~]".prop_map(String::into_bytes),
        1 => "\\PC{0,9}".prop_map(String::into_bytes),
    ];
    vec(step, 0..12).prop_map(|steps| {
        let opening = [b"0{\"sid\":\"x\"}".to_vec(), b"a0".to_vec()];
        opening.into_iter().chain(steps).collect::<Vec<_>>().join(&0x1e)
    })
}

/// A life of the accepting side that seldom ends early: what happens, by the numbers of the target.
fn long_life() -> impl Strategy<Value = Vec<u8>> {
    let (receive, on_candidate, wait) = (0, 3, 13);
    let step = prop_oneof![
        4 => Just(vec![4]),                                      // a GET
        2 => Just(vec![5]),                                      // it is answered
        2 => Just(vec![7, 8]),                                   // a POST
        3 => (0..3_u8).prop_map(move |packet| vec![receive, packet]), // a message or a pong
        4 => Just(vec![11]),                                     // a candidate
        4 => Just(vec![on_candidate, 5]),                        // its probe
        2 => Just(vec![on_candidate, 6]),                        // its upgrade
        3 => (0..90_u8).prop_map(move |span| vec![wait, span]),
        1 => Just(vec![15]),                                     // a ping
        1 => vec(any::<u8>(), 2),
    ];
    vec(step, 0..30).prop_map(|steps| [vec![vec![0, 0, 255]], steps].concat().concat())
}

/// The inputs that fuzzing starts from, each with its target.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let read = |path: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(path).expect("the seeds are part of the repository");
        entries.map(|entry| entry.expect("readable").path()).collect()
    };
    let targets = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds"));
    let seed = |path: PathBuf| {
        let target =
            path.parent().and_then(Path::file_name).expect("a seed stands in its target's");
        (target.to_string_lossy().into_owned(), std::fs::read(&path).expect("readable"))
    };
    targets.iter().flat_map(|target| read(target)).map(seed).collect()
}

#[test]
fn the_seeds_of_every_target_pass() {
    let seeds = seeds();
    assert!(seeds.len() > 5);
    for (target, bytes) in seeds {
        match target.as_str() {
            "packet" => sockeye_fuzz::packet(&bytes),
            "payload" => sockeye_fuzz::payload(&bytes),
            other => panic!("there is no target `{other}`"),
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_frame_layer_survives_any_bytes(bytes in vec(any::<u8>(), 0..600)) {
        sockeye_fuzz::frame(&bytes);
    }

    #[test]
    fn the_frame_layer_reads_a_conversation_in_any_portions(bytes in conversation()) {
        sockeye_fuzz::frame(&bytes);
    }

    #[test]
    fn the_frame_layer_survives_a_conversation_with_one_wrong_byte(
        mut bytes in conversation(), place in any::<prop::sample::Index>(), wrong in any::<u8>()
    ) {
        let place = place.index(bytes.len());
        bytes[place] = wrong;
        sockeye_fuzz::frame(&bytes);
    }

    #[test]
    fn a_payload_survives_any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        sockeye_fuzz::payload(&bytes);
    }

    #[test]
    fn a_payload_that_can_be_read_can_be_written_and_read_again(bytes in body()) {
        sockeye_fuzz::payload(&bytes);
    }

    #[test]
    fn a_payload_of_an_old_client_can_be_written_and_read_again(bytes in old_body()) {
        sockeye_fuzz::payload(&bytes);
    }

    #[test]
    fn a_connect_of_an_old_client_is_one_of_today(text in "0/[a-z]{0,4}(\\?[a-z&=%+0-9é#?]{0,12})?,?\\PC{0,4}") {
        sockeye_fuzz::packet(text.as_bytes());
    }

    #[test]
    fn messagepack_survives_any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        sockeye_fuzz::msgpack(&bytes);
    }

    #[test]
    fn messagepack_that_can_be_read_can_be_written_and_read_again(bytes in packed()) {
        sockeye_fuzz::msgpack(&bytes);
    }

    #[test]
    fn a_proxy_header_is_the_same_in_portions(bytes in introduced()) {
        sockeye_fuzz::proxy(&bytes);
    }

    #[test]
    fn a_session_keeps_its_word_in_any_life(bytes in vec(any::<u8>(), 0..300)) {
        sockeye_fuzz::session(&bytes);
    }

    #[test]
    fn a_session_keeps_its_word_in_a_long_life(bytes in long_life()) {
        sockeye_fuzz::session(&bytes);
    }

    #[test]
    fn a_text_is_json_when_others_say_so(text in json(10)) {
        sockeye_fuzz::packet(text.as_bytes());
    }

    #[test]
    fn a_connection_passes_on_what_it_hears_unchanged(bytes in connection()) {
        sockeye_fuzz::packet(&bytes);
    }

    #[test]
    fn a_connection_survives_any_messages(bytes in vec(any::<u8>(), 0..300)) {
        sockeye_fuzz::packet(&bytes);
    }
}
