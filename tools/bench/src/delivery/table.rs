//! What was measured, as Markdown: a heading, how it was done, a table, and the goals.

/// One part's figures.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its heading.
    pub title: &'static str,
    /// What was measured, and how.
    pub measured: String,
    /// What stands above the columns.
    pub columns: Vec<&'static str>,
    /// One cell for each column.
    pub rows: Vec<Vec<String>>,
    /// What was wished for.
    pub goals: Vec<Goal>,
}

/// What was wished for, and whether it came true.
#[derive(Clone, Debug)]
pub struct Goal {
    /// The wish, with what came.
    pub text: String,
    /// `None` where there was nothing to compare.
    pub met: Option<bool>,
}

impl Goal {
    /// `figure` has to be at least this; both are said as `say` says them.
    pub fn at_least(what: &str, wanted: f64, figure: Option<f64>, say: fn(f64) -> String) -> Self {
        Self::new(format!("{what}: at least {}", say(wanted)), figure, say, |got| got >= wanted)
    }

    /// `figure` has to be at most this.
    pub fn at_most(what: &str, wanted: f64, figure: Option<f64>, say: fn(f64) -> String) -> Self {
        Self::new(format!("{what}: at most {}", say(wanted)), figure, say, |got| got <= wanted)
    }

    fn new(
        wish: String,
        figure: Option<f64>,
        say: fn(f64) -> String,
        is_met: impl FnOnce(f64) -> bool,
    ) -> Self {
        match figure {
            Some(figure) => {
                Self { text: format!("{wish}; {}", say(figure)), met: Some(is_met(figure)) }
            }
            None => Self { text: wish, met: None },
        }
    }

    fn verdict(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "not measured",
        }
    }
}

impl Table {
    /// The whole of it.
    ///
    /// ```
    /// use sockeye_bench::delivery::table::{Goal, Table};
    /// use sockeye_bench::statistics::figure;
    ///
    /// let table = Table {
    ///     title: "Bread",
    ///     measured: "Three loaves.".to_owned(),
    ///     columns: vec!["baker", "loaves"],
    ///     rows: vec![vec!["Ann".to_owned(), "3".to_owned()]],
    ///     goals: vec![Goal::at_least("loaves", 2.0, Some(3.0), figure)],
    /// };
    /// let text = table.markdown();
    /// assert!(text.contains("| baker | loaves |\n|---|---|\n| Ann | 3 |\n"));
    /// assert!(text.ends_with("- loaves: at least 2.00; 3.00: met\n"));
    /// ```
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let head: Vec<String> = self.columns.iter().map(ToString::to_string).collect();
        let dashes = format!("|{}\n", "---|".repeat(head.len()));
        let mut text = format!("### {}\n\n{}\n\n", self.title, self.measured);
        text.extend([line(&head), dashes]);
        text.extend(self.rows.iter().map(|row| line(row)));
        if !self.goals.is_empty() {
            text.push('\n');
        }
        text.extend(self.goals.iter().map(|goal| format!("- {}: {}\n", goal.text, goal.verdict())));
        text
    }
}
