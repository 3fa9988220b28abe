//! Cuts the payload of an event into its name and the rest, which stays as it came.
//!
//! The one pass also proves that the payload is JSON, so that what is only passed on can harm
//! nobody behind us.

use std::borrow::Cow;

use crate::error::ProtocolError;
use crate::event;
use crate::json::{Cursor, NotJson};

/// `["name", …]` → the name, and the text of the arguments without the brackets.
#[inline]
pub(crate) fn event(payload: &str) -> Result<(Cow<'_, str>, &str), ProtocolError> {
    let mut cursor = Cursor::new(payload);
    if !cursor.eat(b'[') {
        return Err(wrong_kind(payload, "EVENT"));
    }
    cursor.blanks();
    if cursor.peek() == Some(b']') {
        return Err(ProtocolError::EventName);
    }
    let name = event_name(&mut cursor)?;
    if let Some(name) = event::reserved(&name) {
        return Err(ProtocolError::ReservedName { name });
    }
    cursor.blanks();
    if cursor.eat(b']') {
        cursor.end()?;
        return Ok((name, ""));
    }
    if !cursor.eat(b',') {
        return cursor.fault().map_err(ProtocolError::from);
    }
    cursor.blanks();
    Ok((name, elements(payload, &mut cursor)?))
}

/// `[…]` → the text of the arguments without the brackets. No payload means no arguments, as in
/// the reference.
pub(crate) fn ack(payload: &str) -> Result<&str, ProtocolError> {
    let mut cursor = Cursor::new(payload);
    if payload.is_empty() {
        return Ok("");
    }
    if !cursor.eat(b'[') {
        return Err(wrong_kind(payload, "ACK"));
    }
    cursor.blanks();
    if cursor.eat(b']') {
        cursor.end()?;
        return Ok("");
    }
    Ok(elements(payload, &mut cursor)?)
}

/// One value and nothing behind it.
pub(crate) fn whole(payload: &str) -> Result<&str, ProtocolError> {
    let mut cursor = Cursor::new(payload);
    let value = cursor.value()?;
    cursor.end()?;
    Ok(value)
}

/// The value of a member of an object, if there is one; of several with this name the last.
pub(crate) fn member<'a>(object: &'a str, key: &str) -> Result<Option<&'a str>, NotJson> {
    let mut cursor = Cursor::new(object);
    let mut found = None;
    cursor.mark(b'{')?;
    while let Some(b'"' | b',') = cursor.peek() {
        if cursor.eat(b',') {
            cursor.blanks();
        }
        let name = cursor.string()?;
        cursor.mark(b':')?;
        let value = cursor.value()?;
        if unquote(name) == key {
            found = Some(value);
        }
        cursor.blanks();
    }
    Ok(found)
}

/// What stands between the quotes of a JSON string. Half a surrogate pair, which no Rust string
/// can hold, becomes U+FFFD.
pub(crate) fn unquote(token: &str) -> Cow<'_, str> {
    let inner = token.get(1..token.len() - 1).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        rest = unescape(escaped, &mut out);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The elements up to the closing bracket, which is the last thing in the payload.
#[inline]
fn elements<'a>(payload: &'a str, cursor: &mut Cursor<'_>) -> Result<&'a str, NotJson> {
    let start = cursor.at();
    loop {
        cursor.value()?;
        let end = cursor.at();
        cursor.blanks();
        if cursor.eat(b']') {
            cursor.end()?;
            return Ok(&payload[start..end]);
        }
        if !cursor.eat(b',') {
            return cursor.fault();
        }
        cursor.blanks();
    }
}

/// A string, or an integer, whose name is its digits.
#[inline]
fn event_name<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, ProtocolError> {
    match cursor.peek() {
        Some(b'"') => match cursor.plain_string() {
            Some(name) => Ok(Cow::Borrowed(name)),
            None => Ok(unquote(cursor.string()?)),
        },
        Some(b'-' | b'0'..=b'9') => {
            let number = cursor.value()?;
            if number.contains(['.', 'e', 'E']) {
                return Err(ProtocolError::EventName);
            }
            Ok(Cow::Borrowed(number))
        }
        _ => {
            cursor.value()?;
            Err(ProtocolError::EventName)
        }
    }
}

/// No array: either another kind of JSON, or none at all.
fn wrong_kind(payload: &str, packet: &'static str) -> ProtocolError {
    match whole(payload) {
        Err(error) if !payload.is_empty() => error,
        _ => ProtocolError::Payload { packet, expected: "an array" },
    }
}

/// Appends the character behind a backslash and returns what follows it.
fn unescape<'a>(escaped: &'a str, out: &mut String) -> &'a str {
    let mut rest = escaped.chars();
    let character = match rest.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return unescape_unit(rest.as_str(), out),
        Some(other) => other,
        None => char::REPLACEMENT_CHARACTER,
    };
    out.push(character);
    rest.as_str()
}

/// Four hexadecimal digits, or eight that make a pair.
fn unescape_unit<'a>(escaped: &'a str, out: &mut String) -> &'a str {
    let (first, rest) = code_unit(escaped);
    if let Some((second, after)) = rest.strip_prefix("\\u").map(code_unit)
        && let Some(Ok(pair)) = char::decode_utf16([first, second]).next()
        && pair.len_utf16() == 2
    {
        out.push(pair);
        return after;
    }
    out.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn code_unit(text: &str) -> (u16, &str) {
    let (digits, rest) = text.split_at_checked(4).unwrap_or((text, ""));
    (u16::from_str_radix(digits, 16).unwrap_or(0xFFFD), rest)
}

impl From<NotJson> for ProtocolError {
    fn from(fault: NotJson) -> Self {
        Self::Json { at: fault.at }
    }
}
