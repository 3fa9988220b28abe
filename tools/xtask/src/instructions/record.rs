//! The file that counts are recorded in: a few lines of comment, then `name = count`, by name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// How many instructions each benchmark takes, and what else that depends on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) made_with: String,
    pub(super) counts: BTreeMap<String, u64>,
}

/// In front of what the counts were made with.
const MADE_WITH: &str = "# Made with ";

const HEAD: &str = "\
# How many instructions each benchmark of `benches/instructions` takes. `cargo xtask instructions`
# counts again, and fails where it is over 5 % more. To renew this file, which should say in its
# commit why a count went up: `cargo xtask instructions --record`.
# Neither Rust nor the C library used CPU features beyond those of every x86_64, such as SSE2.
";

impl Record {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::parse(&text).map_err(|line| {
            format!("{}: `{line}` is no `name = count`; renew it with --record", path.display())
        })
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), String> {
        fs::write(path, self.to_text())
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// An error is the line that cannot be read.
    fn parse(text: &str) -> Result<Self, String> {
        let made_with = text.lines().find_map(|line| line.strip_prefix(MADE_WITH));
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let counts = lines.map(|line| entry(line).ok_or_else(|| line.to_owned()));
        Ok(Self {
            made_with: made_with.unwrap_or("nobody knows what").to_owned(),
            counts: counts.collect::<Result<_, _>>()?,
        })
    }

    fn to_text(&self) -> String {
        let mut text = format!("{HEAD}{MADE_WITH}{}\n\n", self.made_with);
        for (name, count) in &self.counts {
            writeln!(text, "{name} = {count}").expect("memory takes everything");
        }
        text
    }
}

fn entry(line: &str) -> Option<(String, u64)> {
    let (name, count) = line.split_once(" = ")?;
    Some((name.to_owned(), count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let counts = [("b".to_owned(), 2), ("a".to_owned(), 1)].into();
        let record = Record { made_with: "rustc 1.95.0".to_owned(), counts };
        let text = record.to_text();
        assert!(text.ends_with("# Made with rustc 1.95.0\n\na = 1\nb = 2\n"), "{text}");
        assert_eq!(Record::parse(&text), Ok(record));
    }

    #[test]
    fn a_line_that_is_no_count_is_named() {
        assert_eq!(Record::parse("a = 1\nb = many\n"), Err("b = many".to_owned()));
    }
}
