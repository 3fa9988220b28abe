//! What the build says to somebody who has no npm, or whose npm fails.

use std::env::temp_dir;

#[path = "../build/npm.rs"]
mod npm;

use npm::npm;

/// What the build stops with; cargo prints it as one line.
fn complaint(program: &str, arguments: &[&str]) -> String {
    let words = npm(program, &temp_dir(), arguments, "the page could not be built").unwrap_err();
    assert_eq!(words.lines().count(), 1, "{words}");
    words
}

#[test]
fn a_machine_without_npm_is_told_what_to_install_or_to_set() {
    let words = complaint("npm-that-nobody-has-installed", &["ci"]);
    assert!(words.starts_with("npm is missing"), "{words}");
    assert!(words.contains("install Node.js 20 or newer with npm"), "{words}");
    assert!(words.contains("or set SOCKEYE_SKIP_WEB=1"), "{words}");
}

#[test]
fn an_npm_that_cannot_be_started_is_named_with_the_same_way_out() {
    // A folder is there, but cannot be started.
    let folder = temp_dir();
    let words = complaint(folder.to_str().unwrap(), &["ci"]);
    assert!(words.starts_with("npm cannot be started"), "{words}");
    assert!(words.contains("Node.js 20") && words.contains("SOCKEYE_SKIP_WEB=1"), "{words}");
}

#[test]
fn an_npm_that_fails_is_named_with_what_it_was_told() {
    // Cargo is there, since it runs this test, and has no such command.
    let words = complaint(env!("CARGO"), &["no-such-command"]);
    assert!(
        words.starts_with("the page could not be built: `npm no-such-command` ended with"),
        "{words}"
    );
}
