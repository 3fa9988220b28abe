//! `docs/compatibility.md` names a test for every row: each of them exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of the tests of the crates and of `tests/tests`: the word behind the `fn` that follows the attribute.
fn tests(root: &Path) -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    sources(&root.join("tests/tests"), &mut files);
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts
        .flat_map(|text| {
            let text = text.replace("#[tokio::test", "#[test");
            let behind = text.split("#[test").skip(1).filter_map(|rest| rest.split("fn ").nth(1));
            behind
                .map(|rest| rest.split('(').next().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Whether a row is about something that is not here, and cannot be tested: its second column says so.
fn is_absent(row: &str) -> bool {
    row.split("| ").nth(2).is_some_and(|ours| ours.starts_with("not here"))
}

#[test]
fn every_row_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/compatibility.md")).unwrap();
    let tests = tests(&root);
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ")).collect();
    let rows = rows.iter().filter(|row| !row.starts_with("| the reference"));
    let mut named = 0;
    for row in rows {
        let last = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let names: Vec<_> = last.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty() || is_absent(row), "no test: {row}");
        for name in names {
            assert!(tests.contains(name), "there is no test `{name}`");
            named += 1;
        }
    }
    assert!(named > 40, "the page has been read");
}
