//! How what comes is printed: for people, or as a line of JSON.
//!
//! | what comes                       | for people            | `--json`                                  |
//! |----------------------------------|-----------------------|-------------------------------------------|
//! | an event                         | `news 1 "text"`       | `{"event":"news","args":[1,"text"]}`      |
//! | an event that wants an answer    | `!3 call 1`           | `{"event":"call","args":[1],"id":3}`      |
//! | an answer to `?who`              | `?who "a" "b"`        | `{"event":"who","answer":["a","b"]}`      |

use std::env;
use std::io::IsTerminal;

use sockeye_client::{Args, Refused};

use super::arguments::{array, readable};
use super::line;
use super::text::one_line;

/// How to print.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// For people; in colours if that is true.
    Readable {
        colours: bool,
    },
    Json,
}

/// Something that has come.
#[derive(Debug)]
pub(crate) struct Came<'a> {
    /// The event, or the one that this answers.
    pub(crate) name: &'a str,
    pub(crate) args: &'a Args,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Event,
    /// An event that wants an answer, and the number by which it can be given.
    Question(u64),
    Answer,
}

impl Form {
    /// JSON if somebody says so, else in colours where somebody sees them and has not asked for none
    /// (<https://no-color.org>).
    pub(crate) fn new(json: bool, onto: &impl IsTerminal) -> Self {
        if json { Form::Json } else { Form::Readable { colours: has_colours(onto) } }
    }

    /// One line, with its end.
    pub(crate) fn line(self, came: &Came<'_>) -> String {
        match self {
            Form::Json => came.json(),
            Form::Readable { colours } => came.readable(colours),
        }
    }
}

impl Came<'_> {
    fn json(&self) -> String {
        let name = one_line(&serde_json::Value::from(self.name).to_string());
        let args = array(self.args);
        match self.kind {
            Kind::Event => format!("{{\"event\":{name},\"args\":{args}}}\n"),
            Kind::Question(id) => format!("{{\"event\":{name},\"args\":{args},\"id\":{id}}}\n"),
            Kind::Answer => format!("{{\"event\":{name},\"answer\":{args}}}\n"),
        }
    }

    fn readable(&self, colours: bool) -> String {
        let paint = |code, words: &str| {
            if colours { format!("\x1b[{code}m{words}\x1b[0m") } else { words.to_owned() }
        };
        let mark = match self.kind {
            Kind::Event => String::new(),
            Kind::Question(number) => paint(YELLOW, &format!("!{number} ")),
            Kind::Answer => paint(GREEN, "?"),
        };
        let mut line = mark + &paint(BOLD_CYAN, &line::name(self.name));
        for argument in readable(self.args) {
            line.push(' ');
            line += &argument;
        }
        line.push('\n');
        line
    }
}

/// The server's answer that an event was refused, as it came.
pub(crate) fn error(refused: &Refused) -> Args {
    let message = serde_json::Value::from(refused.message.as_str());
    let data = refused.data.as_ref().map(|data| format!(",\"data\":{data}")).unwrap_or_default();
    let json = format!("{{\"error\":{{\"message\":{message}{data}}}}}");
    Args::from_json(&json, &[]).unwrap_or_default()
}

const BOLD_CYAN: &str = "1;36";
const GREEN: &str = "32";
const YELLOW: &str = "33";

/// Whether somebody sees colours there and has not asked for none.
pub(crate) fn has_colours(onto: &impl IsTerminal) -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    onto.is_terminal() && !refused && !dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(name: &str, args: &Args, kind: Kind) -> [String; 3] {
        let plain = Form::Readable { colours: false };
        let coloured = Form::Readable { colours: true };
        [Form::Json, plain, coloured].map(|form| form.line(&Came { name, args, kind }))
    }

    #[test]
    fn an_event_is_one_line_for_people_and_for_programs() {
        let args = Args::new(&("a \"b\"", [1, 2])).unwrap();
        let [json, plain, coloured] = lines("news", &args, Kind::Event);
        assert_eq!(json, "{\"event\":\"news\",\"args\":[\"a \\\"b\\\"\",[1,2]]}\n");
        assert_eq!(plain, "news \"a \\\"b\\\"\" [1,2]\n");
        assert_eq!(coloured, "\x1b[1;36mnews\x1b[0m \"a \\\"b\\\"\" [1,2]\n");
        assert_eq!(lines("none", &Args::default(), Kind::Event)[1], "none\n");
    }

    #[test]
    fn questions_have_a_number_and_answers_a_mark() {
        let args = Args::new(&1).unwrap();
        let [json, plain, _] = lines("call", &args, Kind::Question(3));
        assert_eq!(
            (json.as_str(), plain.as_str()),
            ("{\"event\":\"call\",\"args\":[1],\"id\":3}\n", "!3 call 1\n")
        );
        let [json, plain, _] = lines("who", &args, Kind::Answer);
        assert_eq!(
            (json.as_str(), plain.as_str()),
            ("{\"event\":\"who\",\"answer\":[1]}\n", "?who 1\n")
        );
    }

    #[test]
    fn nothing_that_a_server_sends_reaches_the_terminal_as_a_command() {
        let args = Args::new(&("\u{1b}]0;owned\u{7}", "\u{9b}2J")).unwrap();
        for line in lines("\u{1b}[2J\n", &args, Kind::Event) {
            let inner =
                line.trim_end_matches('\n').replace("\u{1b}[1;36m", "").replace("\u{1b}[0m", "");
            assert!(!inner.contains(char::is_control), "{inner:?}");
        }
    }
}
