//! The examples, as whoever runs them sees them.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Where cargo has put an example: `cargo test` builds them all; where one test alone was asked for, it is built here.
fn program(example: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a program");
    let built = own.parent().and_then(|deps| deps.parent()).expect("a target directory");
    let program =
        built.join("examples").join(example).with_extension(std::env::consts::EXE_EXTENSION);
    if !program.exists() {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        let cargo = cargo.args(["build", "--quiet", "--package", "sockeye-client", "--examples"]);
        assert!(cargo.status().expect("cargo runs").success(), "the examples cannot be built");
    }
    program
}

/// An example that runs. It is killed when this is dropped.
struct Running {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(example: &str, arguments: &[&str]) -> Running {
        let mut command = Command::new(program(example));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("an example starts");
        let stdin = process.stdin.take();
        let stdout = BufReader::new(process.stdout.take().expect("a pipe"));
        Running { process, stdin, stdout }
    }

    /// The next line that it prints; empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("a pipe"), "{line}").expect("it reads");
    }

    /// Its input ends. What it prints until it ends by itself.
    fn rest(mut self) -> Vec<String> {
        self.stdin = None;
        let lines = self.stdout.by_ref().lines().map(|line| line.expect("text")).collect();
        assert!(self.process.wait().expect("it ends").success(), "{lines:?}");
        lines
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The server of the examples, and its two addresses.
fn server() -> (Running, String, String) {
    let mut server = Running::start("server", &["0"]);
    let line = server.line();
    let mut urls = line.split(' ').filter(|word| word.starts_with("http"));
    let (text, binary) = (urls.next().expect("a URL"), urls.next().expect("another"));
    let (text, binary) = (text.to_owned(), binary.to_owned());
    (server, text, binary)
}

#[test]
fn hello_prints_what_the_server_has_counted() {
    let (_server, url, _) = server();
    let said = Running::start("hello", &[&url]).rest();
    assert_eq!(said, ["the server has counted 5 letters"]);
}

#[test]
fn pull_prints_five_numbers_and_answers_with_their_sum() {
    let (mut server, url, _) = server();
    let said = Running::start("pull", &[&url]).rest();
    assert_eq!(said.len(), 6, "{said:?}");
    assert_eq!((&*said[4], &*said[5]), ("number 5", "the server asks for the sum: 15"));
    let heard: Vec<_> = (0..3).map(|_| server.line()).collect();
    assert!(heard.contains(&"the sum is 15, says the client".to_owned()), "{heard:?}");
}

#[test]
fn namespaces_are_refused_and_let_in_each_for_itself() {
    let (_server, url, _) = server();
    let said = Running::start("namespaces", &[&url]).rest();
    let expected =
        ["news: It rains", "admin: refused, this is not the token", "admin: 1 read the news"];
    assert_eq!(said, expected);
}

#[test]
fn msgpack_sends_a_picture() {
    let (_server, _, url) = server();
    let said = Running::start("msgpack", &[&url]).rest();
    assert_eq!(said, ["the server has 4 bytes of sunset.png"]);
}

#[test]
fn blocking_says_three_things_and_hears_them() {
    let (_server, url, _) = server();
    let said = Running::start("blocking", &[&url]).rest();
    for text in ["good morning", "good day", "good night"] {
        let heard = format!(r#"heard: message "\"{text}\"""#);
        assert!(said.contains(&heard), "{said:?}");
        assert!(said.iter().any(|line| line.starts_with(&format!("said: {text}"))), "{said:?}");
    }
}

#[test]
fn orders_survive_that_their_program_is_killed_before_there_was_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = directory.path().to_str().unwrap();
    let mut first = Running::start("reliable", &["http://127.0.0.1:9/shop", outbox]);
    assert_eq!(first.line(), "orders of an earlier run: 0");
    for order in ["tea", "cake"] {
        first.say(order);
        assert_eq!(first.line(), format!("on the disk: {order}"));
    }
    drop(first); // SIGKILL, where there are signals

    let (mut server, url, _) = server();
    let said = Running::start("reliable", &[&format!("{url}/shop"), outbox]).rest();
    assert_eq!(said, ["orders of an earlier run: 2", "all has arrived"]);
    assert_eq!([server.line(), server.line()], ["ordered: tea", "ordered: cake"]);

    let said = Running::start("reliable", &[&format!("{url}/shop"), outbox]).rest();
    assert_eq!(said[0], "orders of an earlier run: 0");
}
