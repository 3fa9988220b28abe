//! `docs/compatibility.md` names a test for every difference: each of them exists.

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

/// The names of the tests of the crates: the word behind each `fn`.
fn tests(root: &Path) -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts
        .flat_map(|text| {
            text.split("fn ")
                .skip(1)
                .map(|rest| rest.split('(').next().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_difference_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/compatibility.md")).unwrap();
    let tests = tests(&root);
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ")).collect();
    let rows = rows.iter().filter(|row| !row.starts_with("| the reference"));
    let mut named = 0;
    for row in rows {
        let last = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let names: Vec<_> = last.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            assert!(tests.contains(name), "there is no test `{name}`");
            named += 1;
        }
    }
    assert!(named > 40, "the page has been read");
}
