//! `sockeye connect`: what comes is printed, what is typed is sent.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use support::program;
use support::server::Server;

/// The program, with its three streams in our hands. Killed when dropped.
struct Talk {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: BufReader<ChildStderr>,
}

impl Talk {
    fn start(arguments: &[&str]) -> Self {
        Talk::with(arguments, Stdio::piped())
    }

    fn with(arguments: &[&str], stdin: Stdio) -> Self {
        let mut command = program();
        command.arg("connect").args(arguments).stdin(stdin);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().map(BufReader::new);
        let stderr = BufReader::new(process.stderr.take().unwrap());
        Talk { process, stdin, stdout, stderr }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line that is printed.
    fn line(&mut self) -> String {
        line(self.stdout.as_mut().unwrap())
    }

    /// The next note.
    fn note(&mut self) -> String {
        line(&mut self.stderr)
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// The end of its input, its exit code, and what it has printed and said since.
    fn end(mut self) -> (i32, String, String) {
        drop(self.stdin.take());
        let (mut printed, mut said) = (String::new(), String::new());
        self.stdout.as_mut().unwrap().read_to_string(&mut printed).unwrap();
        self.stderr.read_to_string(&mut said).unwrap();
        (self.process.wait().unwrap().code().unwrap(), printed, said)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line
}

#[test]
fn what_is_typed_is_sent_and_what_comes_is_printed() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url()]);
    assert!(talk.note().contains("connected to"), "it says so");
    talk.type_line(r#"echo 1 "two words" {"a": [null]}"#);
    assert_eq!(talk.line(), "echo-back 1 \"two words\" {\"a\":[null]}\n");
    talk.type_line(r#"["echo", {"$base64":"AQID"}]"#);
    assert_eq!(talk.line(), "echo-back <3 bytes 010203>\n");
    talk.type_line("?echo-ack true 2");
    assert_eq!(talk.line(), "?echo-ack true 2\n");
    let (code, printed, said) = talk.end();
    assert_eq!((code, printed.as_str(), said.as_str()), (0, "", ""));
}

#[test]
fn with_json_each_event_is_one_line_of_json_that_may_be_typed_again() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url(), "--json"]);
    talk.type_line(r#"echo 12345678901234567890 {"$base64":"AQID"}"#);
    let echoed = r#"{"event":"echo-back","args":[12345678901234567890,{"$base64":"AQID"}]}"#;
    assert_eq!(talk.line().trim_end(), echoed);
    talk.type_line(&echoed.replace("echo-back", "echo"));
    assert_eq!(talk.line().trim_end(), echoed);
    talk.type_line(r#"{"event":"echo-ack","args":["a"],"ack":true}"#);
    assert_eq!(talk.line(), "{\"event\":\"echo-ack\",\"answer\":[\"a\"]}\n");
    assert_eq!(talk.end().0, 0);
}

#[test]
fn what_was_typed_before_the_end_of_the_input_is_sent_and_answers_are_waited_for() {
    let server = Server::start();
    for transport in ["polling", "websocket", "polling,websocket"] {
        let mut talk = Talk::start(&[&server.url(), "--transport", transport, "--quiet"]);
        let lines: Vec<_> = (0..500).map(|number| format!("?echo-ack {number}\n")).collect();
        let lines = lines.concat();
        talk.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
        let (code, printed, said) = talk.end();
        assert_eq!((code, said.as_str()), (0, ""));
        assert!(printed == lines, "{transport}: {printed}");
    }
}

#[test]
fn a_question_of_the_server_is_answered_by_its_number() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url(), "-n", "hello"]);
    assert_eq!(talk.line(), "hello 1\n");
    assert_eq!(talk.line(), "!1 question 2\n");
    talk.type_line(r#"!1 "yes" 3"#);
    assert_eq!(talk.line(), "answered \"yes\" 3\n");
    assert!(talk.note().contains("connected"));
    talk.type_line("!1 again");
    talk.type_line("!1");
    assert!(talk.note().contains("is no JSON"));
    assert!(talk.note().contains("nothing with the number 1 waits for an answer"));
    let (code, _, said) = talk.end();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("2 lines"), "{said}");
}

#[test]
fn from_dev_null_nothing_is_read_and_it_listens_until_it_is_told_to_end() {
    let server = Server::start();
    for signal in ["INT", "TERM"] {
        let mut talk = Talk::with(&[&server.url(), "-n", "/hello"], Stdio::null());
        assert_eq!(talk.line(), "hello 1\n");
        server.io.of("/hello").emit("later", &()).unwrap();
        assert_eq!(talk.line(), "!1 question 2\n");
        assert_eq!(talk.line(), "later\n");
        talk.signal(signal);
        assert_eq!(talk.end().0, 0);
    }
}

#[test]
fn with_stay_it_listens_after_the_end_of_its_input() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url(), "--stay"]);
    talk.type_line("echo 1");
    drop(talk.stdin.take());
    assert_eq!(talk.line(), "echo-back 1\n");
    server.io.of("/").emit("later", &2).unwrap();
    assert_eq!(talk.line(), "later 2\n");
    talk.signal("INT");
    assert_eq!(talk.end().0, 0);
    let mut talk = Talk::start(&[&server.url(), "--stay=0.1"]);
    talk.type_line("echo 1");
    assert_eq!(talk.end().0, 0);
    assert_eq!(Talk::with(&[&server.url(), "--stay=0.1"], Stdio::null()).end().0, 0);
}

#[test]
fn it_connects_again_when_the_connection_is_lost_and_says_so() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url()]);
    assert!(talk.note().contains("connected to"));
    talk.type_line("cut");
    let note = talk.note();
    assert!(note.contains("lost") && note.contains("transport close"), "{note}");
    while !talk.note().contains("connected again") {}
    talk.type_line("echo 1");
    assert_eq!(talk.line(), "echo-back 1\n");
    assert_eq!(talk.end().0, 0);
}

#[test]
fn what_was_typed_while_the_connection_was_lost_is_sent_before_the_end() {
    let server = Server::start();
    let (tell, told) = std::sync::mpsc::channel();
    let heard = std::sync::Mutex::new(tell);
    server.io.of("/").on("news", move |args: sockeye::Args| {
        let sent = heard.lock().unwrap().send(args.json().to_owned());
        async move { sent.unwrap() }
    });
    let mut talk = Talk::start(&[&server.url()]);
    talk.type_line("cut");
    while !talk.note().contains("lost") {}
    talk.type_line("news 1");
    assert_eq!(talk.end().0, 0);
    assert_eq!(told.recv_timeout(Duration::from_secs(10)).as_deref(), Ok("1"));
}

#[test]
fn what_cannot_be_sent_any_more_at_the_end_of_the_input_is_said() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url(), "--timeout", "0.3"]);
    assert!(talk.note().contains("connected to"));
    let port = server.port;
    drop(server);
    let _mute = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    while !talk.note().contains("lost") {}
    talk.type_line("news 1");
    let (code, printed, said) = talk.end();
    assert_eq!((code, printed.as_str()), (3, ""), "{said}");
    assert!(said.contains("has not come back"), "{said}");
}

#[test]
fn a_name_that_is_empty_can_be_typed_as_it_is_printed() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url()]);
    talk.type_line(r#"?"" 1"#);
    assert!(talk.line().starts_with(r#"?"" {"error":"#), "nobody handles it");
    assert_eq!(talk.end().0, 0);
}

#[test]
fn without_reconnecting_a_lost_connection_is_the_end() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url(), "--no-reconnect"]);
    talk.type_line("cut");
    let said = {
        assert!(talk.note().contains("connected to"));
        talk.note()
    };
    assert!(said.contains("transport close"), "{said}");
    assert_eq!(talk.end().0, 3);
}

#[test]
fn exit_codes_tell_refused_timed_out_and_unreachable_apart() {
    let server = Server::start();
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let mute = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mute_url = format!("http://{}", mute.local_addr().unwrap());
    for (arguments, expected) in [
        (&[format!("http://{closed}").as_str()][..], 3),
        (&[&server.url(), "-n", "/auth"], 4),
        (&[&server.url(), "-n", "/nowhere"], 4),
        (&[&mute_url, "--timeout", "0.2"], 5),
        (&[&server.url(), "--auth", "1"], 1),
    ] {
        let (code, printed, said) = Talk::with(arguments, Stdio::null()).end();
        assert_eq!((code, printed.as_str()), (expected, ""), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn whoever_is_sent_away_by_the_server_ends_as_refused() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url(), "--quiet"]);
    talk.type_line("kick");
    let said = talk.note();
    assert!(said.contains("io server disconnect"), "{said}");
    assert_eq!(talk.end().0, 4);
}

#[test]
fn a_line_that_cannot_be_sent_is_said_and_the_next_one_is_sent() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url()]);
    assert!(talk.note().contains("connected"));
    for (line, part) in
        [("echo hello", "'\"hello\"'"), ("disconnect", "disconnect"), ("!7", "number 7")]
    {
        talk.type_line(line);
        let note = talk.note();
        assert!(note.contains(part), "{note}");
    }
    talk.type_line("echo 1");
    assert_eq!(talk.line(), "echo-back 1\n");
    assert_eq!(talk.end().0, 1);
}

#[test]
fn an_answer_that_does_not_come_is_said_and_so_is_one_that_is_an_error() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url(), "--timeout", "0.5"]);
    assert!(talk.note().contains("connected"));
    talk.type_line("?silence");
    let note = talk.note();
    assert!(note.contains("silence") && note.contains("0.5"), "{note}");
    talk.type_line("?fail");
    assert_eq!(talk.line(), "?fail {\"error\":{\"message\":\"it does not go\"}}\n");
}

#[test]
fn nothing_of_what_a_server_sends_reaches_the_terminal_as_a_command() {
    let server = Server::start();
    for json in [&[][..], &["--json"]] {
        let mut talk = Talk::start(&[&[&server.url()[..]], json].concat());
        talk.type_line("hostile");
        let line = talk.line();
        assert!(
            !line.trim_end().contains(char::is_control) && !line.contains('\u{202e}'),
            "{line:?}"
        );
        assert!(line.contains("\\u009b2J\\u202e"), "{line}");
    }
}

#[test]
fn a_reader_who_has_seen_enough_ends_it_quietly() {
    let server = Server::start();
    let mut talk = Talk::start(&[&server.url(), "--quiet", "--stay"]);
    talk.type_line("burst 20");
    assert_eq!(talk.line(), "burst 0\n");
    drop(talk.stdout.take());
    // The pipe notices with the next line.
    talk.type_line("echo 1");
    let mut said = String::new();
    talk.stderr.read_to_string(&mut said).unwrap();
    assert_eq!((talk.process.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}
