//! From JSON to MessagePack, in the shortest form of each part.
//!
//! Lists and maps begin with their length, which JSON does not say: it is counted in a first pass over the text.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;

use crate::json::Cursor;
use crate::placeholder;

/// JSON that is known to be valid; placeholders become what they point to, once: what points to the same again is
/// nothing.
pub(super) fn json(text: &str, attachments: &[Bytes], out: &mut Vec<u8>) {
    let lengths = lengths(text, attachments.len());
    let mut lengths = lengths.into_iter();
    let mut attachments: Vec<_> = attachments.iter().map(Some).collect();
    let mut next = |halved: bool| lengths.next().unwrap_or(0) / (1 + u32::from(halved));
    let count = attachments.len();
    each(text, count, |part| match part {
        Part::List => list(next(false), out),
        Part::Map => map(next(true), out),
        Part::End => {}
        Part::String(token) => string(&unescaped(token), out),
        Part::Attachment(index) => match attachments.get_mut(index).and_then(Option::take) {
            Some(data) => bytes(data, out),
            None => out.push(0xc0),
        },
        Part::Word(word) => scalar(word, out),
    });
}

/// What JSON is made of. Commas, colons and blanks are passed over.
enum Part<'a> {
    List,
    Map,
    /// Of a list or a map.
    End,
    /// In quotes; also a key.
    String(&'a str),
    Attachment(usize),
    /// A number, `true`, `false` or `null`.
    Word(&'a str),
}

fn each(text: &str, attachments: usize, mut act: impl FnMut(Part<'_>)) {
    let mut cursor = Cursor::new(text);
    loop {
        cursor.blanks();
        let Some(byte) = cursor.peek() else { return };
        if attachments > 0
            && byte == b'{'
            && let Some(index) = placeholder::eat(&mut cursor)
        {
            act(Part::Attachment(index.unwrap_or(usize::MAX)));
            continue;
        }
        match byte {
            b'[' | b'{' | b']' | b'}' | b',' | b':' => {
                cursor.step();
                match byte {
                    b'[' => act(Part::List),
                    b'{' => act(Part::Map),
                    b']' | b'}' => act(Part::End),
                    _ => {}
                }
            }
            b'"' => match cursor.string() {
                Ok(token) => act(Part::String(token)),
                Err(_) => return,
            },
            _ => {
                let start = cursor.at();
                if cursor.value().is_err() {
                    return;
                }
                act(Part::Word(cursor.text(start..cursor.at())));
            }
        }
    }
}

/// How many parts stand in each list and map, in the order in which these begin: of a map, its keys
/// and values.
fn lengths(text: &str, attachments: usize) -> Vec<u32> {
    let (mut lengths, mut open): (Vec<u32>, Vec<usize>) = (Vec::new(), Vec::new());
    each(text, attachments, |part| {
        if let Part::End = part {
            open.pop();
            return;
        }
        if let Some(inside) = open.last() {
            lengths[*inside] += 1;
        }
        if matches!(part, Part::List | Part::Map) {
            open.push(lengths.len());
            lengths.push(0);
        }
    });
    lengths
}

/// What a string in quotes says. Half of a surrogate pair, which only JavaScript has, is U+FFFD.
fn unescaped(token: &str) -> Cow<'_, str> {
    let inside = token.get(1..token.len() - 1).unwrap_or_default();
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    if let Ok(text) = serde_json::from_str::<String>(token) {
        return Cow::Owned(text);
    }
    let mut json = serde_json::Deserializer::from_str(token);
    let bytes = Lossy::deserialize(&mut json).unwrap_or_default();
    Cow::Owned(String::from_utf8_lossy(&bytes.0).into_owned())
}

/// The bytes of a text, halves of surrogate pairs included.
#[derive(Default)]
struct Lossy(Vec<u8>);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Lossy;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(bytes.to_vec()))
            }
        }

        from.deserialize_bytes(Visitor)
    }
}

fn scalar(word: &str, out: &mut Vec<u8>) {
    match word {
        "null" => out.push(0xc0),
        "false" => out.push(0xc2),
        "true" => out.push(0xc3),
        number => {
            if let Ok(number) = number.parse::<u64>() {
                unsigned(number, out);
            } else if let Ok(number) = number.parse::<i64>() {
                signed(number, out);
            } else {
                out.push(0xcb);
                out.extend_from_slice(&number.parse().unwrap_or(f64::NAN).to_be_bytes());
            }
        }
    }
}

pub(super) fn unsigned(number: u64, out: &mut Vec<u8>) {
    let bytes = number.to_be_bytes();
    match number {
        0..0x80 => out.push(bytes[7]),
        0x80..0x100 => put(out, 0xcc, &bytes[7..]),
        0x100..0x1_0000 => put(out, 0xcd, &bytes[6..]),
        0x1_0000..0x1_0000_0000 => put(out, 0xce, &bytes[4..]),
        _ => put(out, 0xcf, &bytes),
    }
}

/// Below zero.
fn signed(number: i64, out: &mut Vec<u8>) {
    let bytes = number.to_be_bytes();
    match number {
        -0x20.. => out.push(bytes[7]),
        -0x80.. => put(out, 0xd0, &bytes[7..]),
        -0x8000.. => put(out, 0xd1, &bytes[6..]),
        -0x8000_0000.. => put(out, 0xd2, &bytes[4..]),
        _ => put(out, 0xd3, &bytes),
    }
}

pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    match u8::try_from(text.len()) {
        Ok(short @ 0..0x20) => out.push(0xa0 | short),
        _ => length(text.len(), 0xd9, out),
    }
    out.extend_from_slice(text.as_bytes());
}

fn bytes(data: &[u8], out: &mut Vec<u8>) {
    length(data.len(), 0xc4, out);
    out.extend_from_slice(data);
}

/// In one, two or four bytes, behind a format that says so. A payload is never larger than that.
fn length(length: usize, format: u8, out: &mut Vec<u8>) {
    let bytes = (length as u64).to_be_bytes();
    match length {
        0..0x100 => put(out, format, &bytes[7..]),
        0x100..0x1_0000 => put(out, format + 1, &bytes[6..]),
        _ => put(out, format + 2, &bytes[4..]),
    }
}

fn list(count: u32, out: &mut Vec<u8>) {
    container(count, [0x90, 0xdc, 0xdd], out);
}

pub(super) fn map(count: u32, out: &mut Vec<u8>) {
    container(count, [0x80, 0xde, 0xdf], out);
}

fn container(count: u32, [short, middle, long]: [u8; 3], out: &mut Vec<u8>) {
    let bytes = count.to_be_bytes();
    match count {
        0..0x10 => out.push(short | bytes[3]),
        0x10..0x1_0000 => put(out, middle, &bytes[2..]),
        _ => put(out, long, &bytes),
    }
}

fn put(out: &mut Vec<u8>, format: u8, bytes: &[u8]) {
    out.push(format);
    out.extend_from_slice(bytes);
}
