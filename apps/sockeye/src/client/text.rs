//! What others have said, made fit for a terminal and for one line: nothing in it moves the cursor, changes colours, or
//! turns the direction of what stands around it.

use std::fmt::Write as _;

/// JSON without blanks and line breaks between its parts. In its texts, what a terminal would obey is written as JSON
/// escapes: the value stays the same.
pub(crate) fn one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for character in json.chars() {
        match character {
            ' ' | '\t' | '\n' | '\r' if !inside => continue,
            '"' if !escaped => inside = !inside,
            _ => {}
        }
        escaped = inside && !escaped && character == '\\';
        if is_harmful(character) {
            let _ = write!(line, "\\u{:04x}", u32::from(character));
        } else {
            line.push(character);
        }
    }
    line
}

/// Words of somebody else as they may be shown.
pub(crate) fn plain(words: &str) -> String {
    let mut shown = String::with_capacity(words.len());
    for character in words.chars() {
        if is_harmful(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// What a terminal may obey (C0, DEL and C1), what breaks lines, and what turns directions without an end. All of these are
/// below U+10000.
pub(crate) fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{one_line, plain};

    #[test]
    fn json_of_several_lines_becomes_one_and_its_texts_keep_their_blanks() {
        assert_eq!(one_line("{ \"a b\" :\r\n\t[1, 2 ] }"), r#"{"a b":[1,2]}"#);
        assert_eq!(one_line(r#""a \" b" , "\\" , 1"#), r#""a \" b","\\",1"#);
        assert_eq!(one_line("12345678901234567890123, 1e400"), "12345678901234567890123,1e400");
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_the_value_stays() {
        let hostile = "\"\u{7f}\u{9b}31m\u{202e}\u{2028}\"";
        let line = one_line(hostile);
        assert_eq!(line, r#""\u007f\u009b31m\u202e\u2028""#);
        let values = [hostile, &line].map(|json| serde_json::from_str::<String>(json).unwrap());
        assert_eq!(values[0], values[1]);
        assert_eq!(plain("bad\u{1b}[2J\n\u{2066}"), r"bad\u{1b}[2J\u{a}\u{2066}");
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for words in ["てすと", "Ä ß — ü", "👩\u{200d}👧"] {
            assert_eq!(plain(words), words);
            assert_eq!(one_line(&format!("\"{words}\"")), format!("\"{words}\""));
        }
    }
}
