//! The chat in a real browser: `tests/browser`, each file against a program and a browser of its own. And what a browser does
//! by itself: HTTP/2.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sockeye_tests::certificate::Certificate;
use sockeye_tests::contract::Contract;
use sockeye_tests::house::root;
use sockeye_tests::program::build;
use sockeye_tests::suite::{browser, bundle};

#[test]
fn three_people_talk_in_rooms_and_see_each_other() {
    run("messages.test.mjs");
}

#[test]
fn no_message_is_lost_or_doubled_when_servers_and_connections_come_and_go() {
    run("reconnect.test.mjs");
}

#[test]
fn what_is_said_outlives_servers_and_reloads_and_is_found_again_further_up() {
    run("durable.test.mjs");
}

#[test]
fn a_hidden_tab_gets_every_message_and_counts_as_one_that_has_it() {
    run("background.test.mjs");
}

#[test]
fn pages_that_only_poll_are_served_by_two_workers() {
    run("workers.test.mjs");
}

#[test]
fn everything_can_be_done_by_keys_alone() {
    run("keyboard.test.mjs");
}

#[test]
fn the_page_fits_narrow_screens_and_both_colour_schemes() {
    run("layout.test.mjs");
}

#[test]
fn a_browser_polls_and_speaks_websocket_over_http_2_and_tls() {
    let (Some(mut command), Some(bundle)) = (node("http2.test.mjs"), bundle()) else {
        return;
    };
    let certificate = Certificate::new();
    let contract = Contract::start_over_tls("handlers", &certificate);
    command.env("CONTRACT_PORT", contract.port().to_string()).env("CLIENT", bundle);
    succeed(&mut command);
}

fn run(file: &str) {
    if let Some(mut command) = node(file) {
        succeed(command.env("SOCKEYE_BIN", program()));
    }
}

/// What runs this file, if there is a browser.
fn node(file: &str) -> Option<Command> {
    let environment = browser()?;
    let mut command = Command::new("node");
    command
        .args(["--test", "--test-reporter=tap"])
        .arg(root().join("tests").join("browser").join(file))
        .envs(environment);
    Some(command)
}

fn succeed(command: &mut Command) {
    let output = command.output().expect("node starts");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(count(&text, "pass") > 0, "nothing was tested:\n{text}");
    for outcome in ["fail", "skipped", "cancelled", "todo"] {
        assert_eq!(count(&text, outcome), 0, "{text}");
    }
}

/// The number in the line of the summary that counts this outcome.
fn count(text: &str, outcome: &str) -> usize {
    let words = format!("# {outcome} ");
    let number = text.lines().find_map(|line| line.strip_prefix(&words));
    let number = number.unwrap_or_else(|| panic!("no line `{words}N` in:\n{text}"));
    number.parse().expect("a number")
}

/// The `sockeye` program with its page, built when it is first asked for.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| build("sockeye-cli", "sockeye"))
}
