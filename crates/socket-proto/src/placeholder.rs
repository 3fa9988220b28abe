//! `{"_placeholder":true,"num":0}`: the place of an attachment in the JSON of its packet.
//!
//! A placeholder has these two keys, in any order, and no other. An object that carries more, or
//! whose number is no index of an attachment, is refused when it arrives: handed on unread to a
//! JavaScript client, it would break *that* client's connection.

use std::ops::Range;

use bytes::Bytes;

use crate::json::Cursor;
use crate::split;

/// Every placeholder of the text points to one of `attachments`. The text is JSON already.
pub(crate) fn check(json: &str, attachments: usize) -> bool {
    let mut cursor = Cursor::new(json);
    while let Some(byte) = cursor.peek() {
        let fine = match byte {
            b'{' => check_object(&mut cursor, attachments),
            b'"' => check_string(&mut cursor),
            _ => {
                cursor.step();
                true
            }
        };
        if !fine {
            return false;
        }
    }
    true
}

/// A part of a packet that is to stand alone: its text, and the attachments that it points to, which
/// are counted anew in the order in which they are named. The text stays as it is but for the numbers.
pub(crate) fn cut_out(json: &str, all: &[Bytes]) -> (Box<str>, Box<[Bytes]>) {
    if all.is_empty() {
        return (json.into(), Box::default());
    }
    let (mut text, mut copied) = (String::new(), 0);
    let (mut taken, mut numbers) = (Vec::new(), vec![None; all.len()]);
    let mut cursor = Cursor::new(json);
    while let Some(range) = seek(&mut cursor) {
        let index: Option<usize> = json[range.clone()].parse().ok();
        let Some(index) = index.filter(|index| *index < all.len()) else {
            // It points nowhere, and does so among fewer attachments too.
            continue;
        };
        let number = *numbers[index].get_or_insert_with(|| {
            taken.push(all[index].clone());
            taken.len() - 1
        });
        text.push_str(&json[copied..range.start]);
        text.push_str(&number.to_string());
        copied = range.end;
    }
    text.push_str(&json[copied..]);
    (text.into(), taken.into())
}

/// Goes on behind the next placeholder; where its number stands.
fn seek(cursor: &mut Cursor<'_>) -> Option<Range<usize>> {
    loop {
        match cursor.peek()? {
            b'{' => {
                let mut ahead = *cursor;
                if let Some(number) = object(&mut ahead) {
                    *cursor = ahead;
                    return Some(number);
                }
                cursor.step();
            }
            b'"' => drop(cursor.string().ok()?),
            _ => cursor.step(),
        }
    }
}

/// If the object at the cursor is a placeholder, steps over it and returns its number; `None` as
/// number if that is no index.
#[expect(clippy::option_option, reason = "no placeholder, a bad one, a good one")]
pub(crate) fn eat(cursor: &mut Cursor<'_>) -> Option<Option<usize>> {
    let mut ahead = *cursor;
    let number = object(&mut ahead)?;
    *cursor = ahead;
    Some(cursor.text(number).parse().ok())
}

/// What stands in the JSON for attachment `index`.
pub(crate) fn write(index: usize, out: &mut impl std::io::Write) -> std::io::Result<()> {
    write!(out, "{{\"{KEY}\":true,\"num\":{index}}}")
}

/// The key by which a placeholder is known.
pub(crate) const KEY: &str = "_placeholder";

fn check_object(cursor: &mut Cursor<'_>, attachments: usize) -> bool {
    if let Some(index) = eat(cursor) {
        return index.is_some_and(|index| index < attachments);
    }
    cursor.step();
    true
}

/// A key `_placeholder` that is true, outside of the exact form, is a bad placeholder.
fn check_string(cursor: &mut Cursor<'_>) -> bool {
    let Ok(token) = cursor.string() else {
        return false;
    };
    cursor.blanks();
    if token.len() > LONGEST_KEY || !cursor.eat(b':') {
        return true;
    }
    cursor.blanks();
    split::unquote(token) != KEY || !cursor.eat_word(b"true")
}

/// The whole object, in its exact form; where its number stands.
fn object(cursor: &mut Cursor<'_>) -> Option<Range<usize>> {
    cursor.mark(b'{').ok()?;
    if cursor.eat_word(b"\"num\"") {
        let number = number(cursor)?;
        cursor.mark(b',').ok()?;
        flag(cursor.eat_word(b"\"_placeholder\""), cursor)?;
        return closed(cursor, number);
    }
    flag(cursor.eat_word(b"\"_placeholder\""), cursor)?;
    cursor.mark(b',').ok()?;
    if !cursor.eat_word(b"\"num\"") {
        return None;
    }
    let number = number(cursor)?;
    closed(cursor, number)
}

fn flag(key_found: bool, cursor: &mut Cursor<'_>) -> Option<()> {
    if !key_found {
        return None;
    }
    cursor.mark(b':').ok()?;
    cursor.eat_word(b"true").then_some(())
}

fn number(cursor: &mut Cursor<'_>) -> Option<Range<usize>> {
    cursor.mark(b':').ok()?;
    cursor.peek().filter(|byte| matches!(byte, b'-' | b'0'..=b'9'))?;
    let start = cursor.at();
    cursor.value().ok()?;
    Some(start..cursor.at())
}

fn closed(cursor: &mut Cursor<'_>, number: Range<usize>) -> Option<Range<usize>> {
    cursor.blanks();
    cursor.eat(b'}').then_some(number)
}

/// `"_placeholder"` with every character written as `\u….`.
const LONGEST_KEY: usize = KEY.len() * 6 + 2;
