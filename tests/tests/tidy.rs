//! What every file and manifest of the house has in common.

use sockeye_tests::house::{files, packages, root};

/// Source files hold one idea; past this many lines it has become two.
const LONGEST: usize = 450;

/// Files that may be longer, each with its reason.
const MAY_BE_LONGER: &[(&str, &str)] = &[];

/// Roots of libraries and programs that may not forbid `unsafe`, each with its reason.
const MAY_BE_UNSAFE: &[(&str, &str)] = &[];

/// Where source stands. Tests may be as long as their tables.
const SOURCES: [&str; 3] = ["crates/", "apps/", "tools/"];

#[test]
fn no_source_file_holds_two_ideas() {
    let long: Vec<_> = sources()
        .filter(|(path, _)| !MAY_BE_LONGER.iter().any(|(other, _)| other == path))
        .map(|(path, text)| (lines_before_tests(&text), path))
        .filter(|(lines, _)| *lines > LONGEST)
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines, without their tests: {long:?}");
}

#[test]
fn every_exception_is_still_needed() {
    for (path, reason) in MAY_BE_LONGER {
        let (_, text) = sources().find(|(other, _)| other == path).expect("the file exists");
        assert!(lines_before_tests(&text) > LONGEST, "{path} is short enough again: {reason}");
    }
    for (path, reason) in MAY_BE_UNSAFE {
        let (_, text) = sources().find(|(other, _)| other == path).expect("the file exists");
        assert!(text.contains("unsafe"), "{path} has nothing unsafe any more: {reason}");
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let words =
        [["TO", "DO"], ["FIX", "ME"], ["db", "g!("], ["to", "do!("], ["unimple", "mented!("]];
    let words: Vec<String> = words.map(|halves| halves.concat()).to_vec();
    let mut found = Vec::new();
    for (path, text) in files(&[".rs", ".ts", ".js", ".mjs", ".py"]) {
        let has = words.iter().filter(|word| text.contains(*word));
        found.extend(has.map(|word| format!("{path}: {word}")));
    }
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_test_is_switched_off() {
    let word = ["#[ign", "ore"].concat();
    let off: Vec<_> =
        files(&[".rs"]).into_iter().filter(|(_, text)| text.contains(&word)).collect();
    assert!(off.is_empty(), "{:?}", off.into_iter().map(|(path, _)| path).collect::<Vec<_>>());
}

#[test]
fn no_test_is_left_out_for_want_of_a_feature() {
    let word = ["feature", " = \""].concat();
    let tests = files(&[".rs"]).into_iter().filter(|(path, _)| path.contains("/tests/"));
    let left_out: Vec<_> =
        tests.filter(|(_, text)| text.contains(&word)).map(|(path, _)| path).collect();
    assert!(left_out.is_empty(), "let the crate depend on itself, as sockeye does: {left_out:?}");
}

#[test]
fn every_crate_forbids_unsafe_code() {
    let mut open = Vec::new();
    for package in packages() {
        let roots = package.targets.iter().filter(|target| {
            target.kind.iter().any(|kind| ["lib", "bin", "rlib"].contains(&kind.as_str()))
        });
        for target in roots {
            let path = target.src_path.strip_prefix(root()).expect("inside").display().to_string();
            let text = std::fs::read_to_string(&target.src_path).expect("the root of a target");
            let excused = MAY_BE_UNSAFE.iter().any(|(other, _)| *other == path);
            if !excused && !text.contains("#![forbid(unsafe_code)]") {
                open.push(path);
            }
        }
    }
    assert!(open.is_empty(), "without `#![forbid(unsafe_code)]`: {open:?}");
}

#[test]
fn every_crate_inherits_lints_edition_compiler_and_licence() {
    for package in packages() {
        let directory = package.directory();
        assert!(inherits_lints(&package.manifest()), "{directory}: no `[lints] workspace = true`");
        assert_eq!(package.edition, "2024", "{directory}");
        assert_eq!(package.rust_version.as_deref(), Some("1.95"), "{directory}");
        assert_eq!(package.license.as_deref(), Some("MIT OR Apache-2.0"), "{directory}");
    }
}

#[test]
fn every_dependency_from_outside_says_its_version() {
    for package in packages() {
        let outside = package.dependencies.iter().filter(|dependency| dependency.path.is_none());
        for dependency in outside {
            assert_ne!(dependency.req, "*", "{}: {}", package.directory(), dependency.name);
        }
    }
}

#[test]
fn the_pure_crates_ask_nobody_for_the_time_and_open_nothing() {
    let doors = [
        "Instant::now",
        "SystemTime",
        "std::net",
        "std::fs",
        "std::thread",
        "std::process",
        "thread_rng",
    ];
    let pure = ["websocket-proto", "engine-proto", "socket-proto", "adapter", "handler"];
    let mut found = Vec::new();
    for (path, text) in sources() {
        let is_pure = pure.iter().any(|krate| path.starts_with(&format!("crates/{krate}/src/")));
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code.filter(|_| is_pure) {
            let has = doors.iter().filter(|door| line.contains(**door));
            found.extend(has.map(|door| format!("{path}: {door}")));
        }
    }
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn lock_files_name_no_mirror() {
    for (path, text) in files(&["package-lock.json"]) {
        assert!(!text.contains("\"resolved\""), "{path}: set omit-lockfile-registry-resolved");
    }
    let official = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    for (path, text) in files(&["Cargo.lock"]) {
        let mut sources = text.lines().filter(|line| line.starts_with("source = "));
        assert!(sources.all(|line| line == official), "{path}: a package is not from crates.io");
    }
}

#[test]
fn lines_of_tests_at_the_end_are_not_counted() {
    assert_eq!(lines_before_tests("a\nb\n\n#[cfg(test)]\nmod tests {\n}\n"), 3);
    assert_eq!(lines_before_tests("a\n#[cfg(test)]\nuse b;\nc\n"), 4);
}

#[test]
fn lints_that_are_not_inherited_are_noticed() {
    assert!(inherits_lints("[lints]\nworkspace = true\n"));
    assert!(!inherits_lints("[lints]\n\n[dependencies]\nworkspace = true\n"));
    assert!(!inherits_lints("[package]\nedition.workspace = true\n"));
}

/// All Rust and TypeScript sources, but not the tests beside them.
fn sources() -> impl Iterator<Item = (String, String)> {
    let is_source = |path: &str| {
        SOURCES.iter().any(|place| path.starts_with(place))
            && !path.contains("/tests/")
            && !path.contains("/examples/")
    };
    files(&[".rs", ".ts"]).into_iter().filter(move |(path, _)| is_source(path))
}

fn lines_before_tests(text: &str) -> usize {
    let code = text.find("#[cfg(test)]\nmod ").map_or(text, |end| &text[..end]);
    code.lines().count()
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().skip_while(|line| *line != "[lints]").skip(1);
    lines.next() == Some("workspace = true")
}
