//! Arguments as somebody writes them, and as they are shown: JSON, and bytes.
//!
//! | what              | written                                           | shown                             |
//! |-------------------|---------------------------------------------------|-----------------------------------|
//! | JSON              | as it is; it is not changed, only set on one line | the same                          |
//! | bytes             | `{"$base64":"AQID"}` anywhere in it               | the same; for people `<3 bytes 010203>` |
//! | bytes of a file   | `@FILE` for an argument of `emit`; `@-` is stdin  |                                   |

use std::fmt::Write as _;
use std::io::Read as _;
use std::{fs, io};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use serde_json::value::RawValue;
use sockeye_client::Args;

use super::text::one_line;

/// Bytes as they stand in JSON begin so, and end with a quote and a brace.
const BYTES: &str = r#"{"$base64":""#;
const BYTES_END: &str = r#""}"#;

/// So the protocol writes where an attachment belongs.
const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":"#;

/// So many bytes of an attachment are shown to people.
const SHOWN: usize = 32;

/// Arguments that are to be sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Arguments {
    /// Separated by commas, on one line; placeholders stand for attachments.
    json: String,
    attachments: Vec<Bytes>,
}

impl Arguments {
    /// One more, from the command line: JSON, or `@` and the name of a file with bytes.
    pub(crate) fn push_word(&mut self, word: &str) -> Result<(), String> {
        match word.strip_prefix('@') {
            Some(file) => self.push_bytes(read(file)?),
            None => self.push_json(word)?,
        }
        Ok(())
    }

    /// One more, which is JSON.
    pub(crate) fn push_json(&mut self, json: &str) -> Result<(), String> {
        if let Err(problem) = serde_json::from_str::<&RawValue>(json) {
            return Err(no_json(json, &problem));
        }
        self.push_raw(&one_line(json))
    }

    /// One more, which is this text.
    pub(crate) fn push_text(&mut self, text: &str) {
        let json = serde_json::Value::from(text).to_string();
        self.comma();
        self.json.push_str(&json);
    }

    pub(crate) fn push_bytes(&mut self, bytes: Bytes) {
        self.comma();
        self.placeholder(bytes);
    }

    /// For the wire.
    pub(crate) fn into_args(self) -> Result<Args, String> {
        Args::from_json(&self.json, &self.attachments).map_err(|error| error.to_string())
    }

    /// JSON on one line; the bytes that are written in it become attachments. A quote inside of a text has a backslash in
    /// front, so what looks like the beginning of bytes is one.
    fn push_raw(&mut self, json: &str) -> Result<(), String> {
        self.comma();
        let mut rest = json;
        while let Some((before, behind)) = rest.split_once(BYTES) {
            self.json.push_str(before);
            let (base64, after) = behind.split_once(BYTES_END).unwrap_or((behind, ""));
            let bytes = BASE64_STANDARD.decode(base64).map_err(|problem| {
                format!("bytes are written like {BYTES}AQID{BYTES_END}, and this is not base64: {problem}")
            })?;
            self.placeholder(bytes.into());
            rest = after;
        }
        self.json.push_str(rest);
        Ok(())
    }

    fn placeholder(&mut self, bytes: Bytes) {
        let _ = write!(self.json, "{PLACEHOLDER}{}}}", self.attachments.len());
        self.attachments.push(bytes);
    }

    fn comma(&mut self) {
        if !self.json.is_empty() {
            self.json.push(',');
        }
    }
}

/// All arguments as one JSON array on one line.
pub(crate) fn array(args: &Args) -> String {
    format!("[{}]", with_bytes(args.json(), args.attachments(), base64))
}

/// Each argument as people read it.
pub(crate) fn readable(args: &Args) -> Vec<String> {
    args.iter().map(|json| with_bytes(json, args.attachments(), excerpt)).collect()
}

/// JSON on one line, with attachments in their places as `show` writes them.
fn with_bytes(json: &str, attachments: &[Bytes], show: fn(&Bytes) -> String) -> String {
    let line = one_line(json);
    if attachments.is_empty() {
        return line;
    }
    let mut shown = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while let Some((before, behind)) = rest.split_once(PLACEHOLDER) {
        let (number, after) = behind.split_once('}').unwrap_or((behind, ""));
        let bytes = number.parse().ok().and_then(|number: usize| attachments.get(number));
        shown += before;
        match bytes {
            Some(bytes) => shown += &show(bytes),
            None => shown += &[PLACEHOLDER, number, "}"].concat(),
        }
        rest = after;
    }
    shown + rest
}

fn base64(bytes: &Bytes) -> String {
    format!("{BYTES}{}{BYTES_END}", BASE64_STANDARD.encode(bytes))
}

fn excerpt(bytes: &Bytes) -> String {
    let mut words = format!("<{} bytes", bytes.len());
    if !bytes.is_empty() {
        words.push(' ');
    }
    for byte in bytes.iter().take(SHOWN) {
        let _ = write!(words, "{byte:02x}");
    }
    words += if bytes.len() > SHOWN { "...>" } else { ">" };
    words
}

fn read(file: &str) -> Result<Bytes, String> {
    let bytes = if file == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    bytes.map(Bytes::from).map_err(|problem| format!("the file `{file}` cannot be read: {problem}"))
}

/// What is wrong, and how it would be right.
fn no_json(words: &str, problem: &serde_json::Error) -> String {
    let text = serde_json::Value::from(words).to_string();
    format!(
        "`{words}` is no JSON ({problem}): a text is written '{text}', or say --text, which takes everything as text"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(words: &[&str]) -> Arguments {
        let mut arguments = Arguments::default();
        for word in words {
            arguments.push_word(word).unwrap();
        }
        arguments
    }

    #[test]
    fn json_is_sent_as_it_was_written() {
        let args = written(&["1e400", " 12345678901234567890 ", r#"{"b":1, "a":"x y"}"#, "null"]);
        let args = args.into_args().unwrap();
        assert_eq!(array(&args), r#"[1e400,12345678901234567890,{"b":1,"a":"x y"},null]"#);
        assert_eq!(array(&Args::default()), "[]");
    }

    #[test]
    fn words_that_are_no_json_are_an_error_that_says_how_a_text_is_written() {
        for word in ["hello", "", "[1", "1 2", "{'a':1}"] {
            let complaint = Arguments::default().push_word(word).unwrap_err();
            assert!(
                complaint.contains("is no JSON") && complaint.contains("--text"),
                "{complaint}"
            );
        }
        let complaint = Arguments::default().push_word("hello").unwrap_err();
        assert!(complaint.contains(r#"'"hello"'"#), "{complaint}");
        let complaint = Arguments::default().push_word("@/no/such/file").unwrap_err();
        assert!(complaint.contains("/no/such/file"), "{complaint}");
    }

    #[test]
    fn a_text_is_a_text_whatever_it_looks_like() {
        let mut arguments = Arguments::default();
        for text in ["true", "a \"b\"", r#"{"$base64":"AQID"}"#] {
            arguments.push_text(text);
        }
        let args = arguments.into_args().unwrap();
        assert_eq!(args.parse::<(String, String, String)>().unwrap().1, "a \"b\"");
        assert!(args.attachments().is_empty());
    }

    #[test]
    fn bytes_are_shown_as_they_are_written_and_shortened_for_people() {
        let words =
            [r#"{ "$base64" : "AQID" }"#, r#"{"files":[{"$base64":""},{"$base64":"/w=="}]}"#];
        let args = written(&words).into_args().unwrap();
        assert_eq!(args.attachments(), [&[1, 2, 3][..], &[], &[255]]);
        let shown = r#"[{"$base64":"AQID"},{"files":[{"$base64":""},{"$base64":"/w=="}]}]"#;
        assert_eq!(array(&args), shown);
        assert_eq!(readable(&args), ["<3 bytes 010203>", r#"{"files":[<0 bytes>,<1 bytes ff>]}"#]);
        let mut long = Arguments::default();
        long.push_bytes(vec![7; 40].into());
        let shown = &readable(&long.into_args().unwrap())[0];
        assert!(shown.starts_with("<40 bytes 0707") && shown.ends_with("07...>"), "{shown}");
    }

    #[test]
    fn bytes_that_are_not_base64_are_an_error() {
        for word in [r#"{"$base64":"A"}"#, r#"{"$base64":"AQID","more":1}"#] {
            let complaint = Arguments::default().push_word(word).unwrap_err();
            assert!(complaint.contains("not base64"), "{complaint}");
        }
    }

    #[test]
    fn what_looks_like_bytes_inside_of_a_text_stays_a_text() {
        let text = r#""say {\"$base64\":\"AQID\"} or {\"_placeholder\":true,\"num\":0}""#;
        let args = written(&[text, r#"{"$base64":"AQ=="}"#]).into_args().unwrap();
        assert_eq!(array(&args), format!(r#"[{text},{{"$base64":"AQ=="}}]"#));
    }

    #[test]
    fn a_file_is_sent_as_its_bytes() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let args = written(&[&format!("@{file}")]).into_args().unwrap();
        assert_eq!(args.attachments()[0], std::fs::read(file).unwrap());
    }
}
