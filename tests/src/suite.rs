//! The suites of other languages: how they are started, and what their output means.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::certificate::Certificate;
use crate::contract::{Contract, free_port, program};
use crate::house::root;

/// Where `cargo xtask test` puts what the suites need.
pub fn installed() -> PathBuf {
    crate::program::target().join("black-box")
}

/// Says that a test cannot run here, past the capture of its output, in the words that
/// `cargo xtask test` counts. Where nothing may be skipped (`SOCKEYE_NO_SKIP`), it fails instead.
///
/// # Panics
///
/// If nothing may be skipped.
pub fn skip(reason: &str) {
    let line = skipped(&format!("{reason}; `cargo xtask test` installs it"));
    assert!(std::env::var_os("SOCKEYE_NO_SKIP").is_none(), "{line}");
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// [`skip`] for what nobody can install, such as a right that this user does not have. It never fails.
pub fn skip_without_right(reason: &str) {
    let _ = writeln!(std::io::stdout(), "{}", skipped(reason));
}

fn skipped(reason: &str) -> String {
    format!("SKIPPED {}: {reason}", std::thread::current().name().unwrap_or("a test"))
}

/// Where Debian's package `chromium` puts it. `BROWSER` names another one.
const CHROMIUM: &str = "/usr/bin/chromium";

/// A browser, and the npm packages of `tests/browser`, as the environment of their tests names them. Where one of them is
/// missing the test is skipped.
pub fn browser() -> Option<[(&'static str, PathBuf); 2]> {
    let browser =
        std::env::var_os("BROWSER").map_or_else(|| PathBuf::from(CHROMIUM), PathBuf::from);
    if !browser.exists() {
        skip("chromium is missing");
        return None;
    }
    let packages = installed().join("browser");
    if !packages.join("node_modules").join("playwright-core").is_dir() {
        skip("the npm packages of tests/browser are missing");
        return None;
    }
    Some([("BROWSER", browser), ("BROWSER_PACKAGES", packages)])
}

/// The official client's bundle for browsers. Where it is missing the test is skipped.
pub fn bundle() -> Option<PathBuf> {
    let package = installed().join("node").join("node_modules").join("socket.io-client");
    let bundle = package.join("dist").join("socket.io.js");
    if !bundle.exists() {
        skip("the npm packages of tests/node are missing");
        return None;
    }
    Some(bundle)
}

/// Runs `node --test` on these files of `tests/node` against a contract server with this profile.
///
/// # Panics
///
/// If a test fails, or there are none.
pub fn node(profile: &str, transports: &str, files: &[&str]) {
    node_against(|| Contract::start(profile), transports, files);
}

/// As [`node`], against a server that is started in some other way.
///
/// # Panics
///
/// If a test fails, or there are none.
pub fn node_against(start: impl FnOnce() -> Contract, transports: &str, files: &[&str]) {
    let environment = [("CONTRACT_TRANSPORTS", transports.as_ref())];
    node_test("node", start, &environment, files, 1);
}

/// Runs the tests of a chat of `examples` against this program, once for each way of transport.
///
/// # Panics
///
/// If a test fails, or there are none.
pub fn node_framework(program: &Path) {
    let package = installed().join("node").join("node_modules").join("socket.io-client");
    for transports in ["polling", "websocket", "upgrade"] {
        let start = || {
            let port = free_port();
            let mut command = Command::new(program);
            command.env("PORT", port.to_string()).env("CLIENT_FILES", &package);
            Contract::start_other(command, port)
        };
        node_against(start, transports, &["framework.test.cjs"]);
    }
}

/// As [`node`], with clients and a server that compress over WebSocket, all that is not shorter than this.
///
/// # Panics
///
/// If a test fails, or there are none.
pub fn node_deflating(threshold: usize, transports: &str, files: &[&str]) {
    let environment =
        [("CONTRACT_TRANSPORTS", transports.as_ref()), ("CONTRACT_DEFLATE", "1".as_ref())];
    let start = || Contract::start_deflating("handlers", threshold);
    node_test("node", start, &environment, files, 1);
}

/// As [`node`], with the msgpack parser.
///
/// # Panics
///
/// If a test fails, or there are none.
pub fn node_packed(profile: &str, transports: &str, files: &[&str]) {
    let environment =
        [("CONTRACT_TRANSPORTS", transports.as_ref()), ("CONTRACT_PARSER", "msgpack".as_ref())];
    node_test("node", || Contract::start(profile), &environment, files, 1);
}

/// As [`node`], over TLS.
///
/// # Panics
///
/// If a test fails, or there are none.
pub fn node_over_tls(profile: &str, files: &[&str]) {
    let certificate = Certificate::new();
    let path = certificate.path();
    let start = || Contract::start_over_tls(profile, &certificate);
    node_test("node", start, &[("CONTRACT_CERTIFICATE", path.as_os_str())], files, 1);
}

/// As [`node`], with clients of this version.
///
/// # Panics
///
/// If a test fails, or there are none.
pub fn node_of_version(version: &str, transports: &str, files: &[&str]) {
    let environment =
        [("CONTRACT_TRANSPORTS", transports.as_ref()), ("CONTRACT_CLIENT", version.as_ref())];
    node_test("node", || Contract::start("handlers"), &environment, files, 1);
}

/// Runs `node --test` on these files of `tests/delivery` against a contract server with the profile `delivery` on so many
/// workers, in whose environment these variables are; all files at once. Its log, and those of servers that the tests start, are in this
/// folder.
///
/// # Panics
///
/// If a test fails, or there are none.
pub fn delivery(data: &Path, workers: usize, environment: &[(&str, &str)], files: &[&str]) {
    let spare = data.join("spare");
    let variables = environment.iter().map(|&(name, value)| (name, value.as_ref()));
    let variables: Vec<_> = variables.chain([("CONTRACT_DATA", spare.as_os_str())]).collect();
    let start = || Contract::start_delivery(&data.join("log"), workers, environment);
    node_test("delivery", start, &variables, files, files.len());
}

fn node_test(
    folder: &str,
    start: impl FnOnce() -> Contract,
    environment: &[(&str, &OsStr)],
    files: &[&str],
    at_once: usize,
) {
    let modules = installed().join(folder).join("node_modules");
    if !modules.join("socket.io-client").is_dir() {
        return skip(&format!("the npm packages of tests/{folder} are missing"));
    }
    let contract = start();
    let folder = root().join("tests").join(folder);
    let files = files.iter().map(|file| folder.join(file));
    let mut command = Command::new("node");
    command
        .args(["--test", "--test-reporter=tap", &format!("--test-concurrency={at_once}")])
        .args(files)
        .env("NODE_PATH", modules)
        .env("CONTRACT_PORT", contract.port().to_string())
        .env("CONTRACT_PROGRAM", program())
        .env("CONTRACT_SPARE_PORT", free_port().to_string())
        .envs(environment.iter().copied())
        .current_dir(folder);
    let output = finish(&mut command);
    let passed = count_after(&output.text, "# pass ");
    assert!(output.success && passed > 0, "{}", output.text);
    for line in ["# fail ", "# skipped ", "# cancelled ", "# todo "] {
        assert_eq!(count_after(&output.text, line), 0, "{}", output.text);
    }
}

/// Runs the unit tests of `tests/python` against a contract server.
///
/// # Panics
///
/// If a test fails, or there are none.
pub fn python(transports: &str, modules: &[&str]) {
    let python = installed().join("python").join("bin").join("python");
    if !python.exists() {
        return skip("the Python packages of tests/python are missing");
    }
    let contract = Contract::start("handlers");
    let mut command = Command::new(python);
    command
        .args(["-B", "-m", "unittest", "-v"])
        .args(modules)
        .env("CONTRACT_TRANSPORTS", transports)
        .env("CONTRACT_PORT", contract.port().to_string())
        .current_dir(root().join("tests").join("python"));
    let output = finish(&mut command);
    let passed = count_after(&output.text, "Ran ");
    assert!(output.success && passed > 0, "{}", output.text);
    assert!(!output.text.contains("skipped="), "{}", output.text);
}

struct Output {
    success: bool,
    text: String,
}

fn finish(command: &mut Command) -> Output {
    let output =
        command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    Output { success: output.status.success(), text: String::from_utf8_lossy(&text).into_owned() }
}

/// The number after these words at the start of a line.
fn count_after(text: &str, words: &str) -> usize {
    let line = text.lines().find_map(|line| line.strip_prefix(words)).unwrap_or_default();
    let digits = line.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or_else(|_| panic!("no line `{words}N` in:\n{text}"))
}
