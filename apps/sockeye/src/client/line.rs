//! What a typed line means.
//!
//! | a line                           | means                                                      |
//! |----------------------------------|------------------------------------------------------------|
//! | `EVENT JSON JSON…`               | sends it; `"an event" 1` if the name has blanks            |
//! | `?EVENT JSON JSON…`              | sends it and prints the answer                             |
//! | `!3 JSON JSON…`                  | answers what was printed with that number                  |
//! | `["EVENT", JSON…]`               | sends it, as the wire has it                               |
//! | `{"event": "EVENT", "args": […]}` | sends it: what `--json` prints can be sent on; with `"ack": true` as `?` |
//! | nothing but blanks               | nothing                                                    |
//!
//! With `--text` everything behind the name, and behind one blank, is one text.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Deserializer, from_str};

use super::arguments::Arguments;
use super::text::is_harmful;

#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    /// To be sent; `ask` for an answer.
    Event { name: String, arguments: Arguments, ask: bool },
    /// The answer to the server's question with this number.
    Answer { number: u64, arguments: Arguments },
}

/// `None` if nothing is there. An error says what would be right.
pub(crate) fn read(line: &str, text: bool) -> Result<Option<Line>, String> {
    let line = line.trim();
    let read = match line.chars().next() {
        None => return Ok(None),
        Some('[') => array(line),
        Some('{') => object(line),
        Some('!') => answer(&line[1..], text),
        Some('?') => event(line[1..].trim_start(), true, text),
        Some(_) => event(line, false, text),
    };
    read.map(Some)
}

/// The name as it is typed.
pub(crate) fn name(name: &str) -> String {
    let is_plain = !name.starts_with(['[', '{', '!', '?', '"'])
        && !name.is_empty()
        && !name.contains(|character: char| character.is_whitespace() || is_harmful(character));
    if is_plain {
        return name.to_owned();
    }
    super::text::one_line(&serde_json::Value::from(name).to_string())
}

fn event(line: &str, ask: bool, text: bool) -> Result<Line, String> {
    let (name, rest) = if line.starts_with('"') { quoted(line)? } else { word(line) };
    if line.is_empty() {
        return Err("the name of the event is missing: a line is EVENT JSON JSON..., and ?EVENT asks for an answer".into());
    }
    Ok(Line::Event { name, arguments: arguments(rest, text)?, ask })
}

fn answer(line: &str, text: bool) -> Result<Line, String> {
    let (number, rest) = word(line);
    let number = number.parse().map_err(|_| {
        "an answer begins with the number that was printed with the question, such as !3; an event whose name begins \
         with ! is written in quotes"
    })?;
    Ok(Line::Answer { number, arguments: arguments(rest, text)? })
}

fn array(line: &str) -> Result<Line, String> {
    const LIKE: &str =
        "a line that begins with [ is a JSON array whose first element is the event's name";
    let elements: Vec<&RawValue> =
        from_str(line).map_err(|problem| format!("{LIKE}: {problem}"))?;
    let (name, rest) = elements.split_first().ok_or(LIKE)?;
    let name = from_str(name.get()).map_err(|_| LIKE)?;
    Ok(Line::Event { name, arguments: all(rest)?, ask: false })
}

fn object(line: &str) -> Result<Line, String> {
    #[derive(Deserialize)]
    struct Written<'a> {
        event: String,
        #[serde(borrow, default)]
        args: Vec<&'a RawValue>,
        #[serde(default)]
        ack: bool,
    }
    let written: Written<'_> = from_str(line).map_err(|problem| {
        format!(r#"a line that begins with {{ looks like {{"event":"news","args":[1]}}: {problem}"#)
    })?;
    Ok(Line::Event { name: written.event, arguments: all(&written.args)?, ask: written.ack })
}

fn all(values: &[&RawValue]) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    values.iter().try_for_each(|value| arguments.push_json(value.get()))?;
    Ok(arguments)
}

/// A name in quotes, and the rest.
fn quoted(line: &str) -> Result<(String, &str), String> {
    let mut values = Deserializer::from_str(line).into_iter();
    match values.next() {
        Some(Ok(name)) => Ok((name, &line[values.byte_offset()..])),
        _ => Err("the name of the event begins with a quote and is no JSON text".into()),
    }
}

/// Up to the first blank, and the rest.
fn word(line: &str) -> (String, &str) {
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    (line[..end].to_owned(), &line[end..])
}

fn arguments(rest: &str, text: bool) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    if text {
        let blank = rest.chars().next().map_or(0, char::len_utf8);
        if !rest.is_empty() {
            arguments.push_text(&rest[blank..]);
        }
        return Ok(arguments);
    }
    let mut values = Deserializer::from_str(rest).into_iter::<&RawValue>();
    loop {
        let before = values.byte_offset();
        match values.next() {
            None => return Ok(arguments),
            Some(Ok(value)) => arguments.push_json(value.get())?,
            // Says the same again, and how it would be right.
            Some(Err(_)) => arguments.push_json(rest[before..].trim())?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::arguments::array as shown;

    /// What would be sent: the name, the arguments, and a `?` behind it if it asks.
    fn sent(line: &str) -> String {
        match read(line, false) {
            Ok(Some(Line::Event { name, arguments, ask })) => {
                let mark = if ask { "?" } else { "" };
                format!("{name}{}{mark}", shown(&arguments.into_args().unwrap()))
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_line_is_the_event_s_name_and_json_for_each_argument() {
        assert_eq!(sent("news"), "news[]");
        assert_eq!(
            sent("  news 1 \"two words\" {\"a\": [1, 2]}\r\n"),
            r#"news[1,"two words",{"a":[1,2]}]"#
        );
        assert_eq!(sent("news [1] [2]"), "news[[1],[2]]");
        assert_eq!(sent(r#""two words" 1"#), "two words[1]");
        assert_eq!(sent(r#"file {"$base64":"AQID"}"#), r#"file[{"$base64":"AQID"}]"#);
        assert_eq!(sent("/chat:Say? 0"), "/chat:Say?[0]");
        assert_eq!(read(" \t ", false), Ok(None));
    }

    #[test]
    fn a_question_mark_asks_for_the_answer_and_an_exclamation_mark_answers() {
        assert_eq!(sent("?who \"lobby\""), r#"who["lobby"]?"#);
        assert_eq!(sent("?\"two words\""), "two words[]?");
        let Ok(Some(Line::Answer { number: 3, arguments })) = read("!3 true null", false) else {
            panic!("an answer");
        };
        assert_eq!(shown(&arguments.into_args().unwrap()), "[true,null]");
        assert!(read("!x", false).unwrap_err().contains("!3"));
    }

    #[test]
    fn a_line_may_be_json_as_the_wire_or_as_we_print_it() {
        assert_eq!(sent(r#"["news", 1, "a"]"#), r#"news[1,"a"]"#);
        assert_eq!(
            sent(r#"{"event":"news","args":[1,{"$base64":"AQ=="}]}"#),
            r#"news[1,{"$base64":"AQ=="}]"#
        );
        assert_eq!(sent(r#"{"event":"who","ack":true}"#), "who[]?");
    }

    #[test]
    fn a_line_that_cannot_be_read_says_how_it_would_be_right() {
        for (line, part) in [
            ("news hello there", "--text"),
            ("news 1, 2", "is no JSON"),
            ("?", "the name of the event is missing"),
            ("[]", "first element"),
            ("[1]", "first element"),
            ("[\"a\"", "JSON array"),
            ("{\"args\":[]}", "looks like"),
            ("\"news", "begins with a quote"),
        ] {
            let complaint = read(line, false).unwrap_err();
            assert!(complaint.contains(part), "{line}: {complaint}");
        }
    }

    #[test]
    fn with_text_everything_behind_the_name_is_one_text() {
        for (line, text) in
            [("say hello  there", "[\"hello  there\"]"), ("say true", "[\"true\"]"), ("say", "[]")]
        {
            let Ok(Some(Line::Event { arguments, .. })) = read(line, true) else {
                panic!("{line}")
            };
            assert_eq!(shown(&arguments.into_args().unwrap()), text);
        }
    }

    #[test]
    fn a_printed_name_can_be_typed() {
        for event in ["news", "", "two words", "?who", "[", "a\u{9b}b", "\"", "日本"] {
            assert_eq!(sent(&name(event)), format!("{event}[]"));
        }
        assert_eq!(name("news"), "news");
    }
}
