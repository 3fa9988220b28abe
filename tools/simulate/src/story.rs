//! What is said of a life in which something went wrong.

use std::fmt;

use crate::said::Address;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// When it was noticed.
    pub step: usize,
    /// Whom it concerns.
    pub page: Option<usize>,
    /// What it is.
    pub text: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) step: usize,
    pub(crate) page: Option<usize>,
    pub(crate) text: String,
}

/// Most lines that are printed of a life.
const LONGEST: usize = 60;

/// What concerns a page, up to a step: the end of it.
pub(crate) fn story(lines: &[Line], problem: &Problem) -> Vec<String> {
    let concerns = |line: &&Line| {
        line.step <= problem.step && (line.page.is_none() || line.page == problem.page)
    };
    let all: Vec<&Line> = lines.iter().filter(concerns).collect();
    let late = all.len().saturating_sub(LONGEST);
    all[late..].iter().map(ToString::to_string).collect()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.page {
            Some(page) => write!(f, "step {}: page {page} {}", self.step, self.text),
            None => write!(f, "step {}: {}", self.step, self.text),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.page {
            Some(page) => write!(f, "{:>5}  page {page}: {}", self.step, self.text),
            None => write!(f, "{:>5}  {}", self.step, self.text),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |id: &String| if id.len() > 8 { "one".to_owned() } else { id.clone() };
        let names = |rooms: &[String]| rooms.iter().map(named).collect::<Vec<_>>().join(" and ");
        let everybody = self.to.is_empty();
        f.write_str(&if everybody { "everybody".to_owned() } else { names(&self.to) })?;
        if self.except.is_empty() { Ok(()) } else { write!(f, " but {}", names(&self.except)) }
    }
}
