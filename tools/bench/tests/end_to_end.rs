//! Generator against floor, as processes; and generator against a server that lies.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use sockeye_bench::client::Failure;
use sockeye_bench::client::open::ACCEPT;
use sockeye_bench::frame::{self, Head, TEXT};
use sockeye_bench::process::observer::Observer;
use sockeye_bench::scenario::{self, Measurement, Timing};

#[test]
fn every_answer_of_the_floor_arrives_in_every_scenario() {
    let scenarios = [
        "echo-4x2-32B",
        "echo-2x3-1KiB",
        "echo-3@200/s-32B",
        "ack-3x4-40B",
        "bin-2x2-1KiB",
        "bcast-8-k1",
        "bcast-5-k3",
        "bcast-6@100/s",
        "rooms-3x4",
        "room-6-k2",
        "nsps-3x2-7",
        "poll-3",
        "idle-20",
    ];
    let mut bench = Command::new(env!("CARGO_BIN_EXE_sockeye-bench"));
    bench.args(["run", "--servers", "floor", "--rounds", "1", "--unpinned", "--no-calls"]);
    bench.args(["--seconds", "0.05", "--warm-up", "0.02", "--silence", "0.02"]);
    let output = bench.args(["--scenarios", &scenarios.join(",")]).output().unwrap();
    let (table, progress) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{table}\n{progress}");
    for scenario in scenarios {
        let row = table.lines().find(|line| line.starts_with(&format!("| {scenario} |")));
        assert!(row.is_some_and(|row| !row.contains("failed")), "{scenario} in {table}");
    }
    assert_eq!(progress.lines().count(), scenarios.len(), "{progress}");
}

#[test]
fn an_answer_that_comes_twice_fails_the_run() {
    let outcome = talk_with(|answers| vec![answers[0].clone(), answers[0].clone()], 1);
    assert!(matches!(outcome, Err(Failure::Doubled { link: 0, .. })), "{outcome:?}");
}

#[test]
fn an_answer_with_another_byte_fails_the_run() {
    let altered = |answers: &[String]| vec![answers[0].replace("x\"]", "y\"]")];
    let outcome = talk_with(altered, 1);
    assert!(matches!(outcome, Err(Failure::Wrong { link: 0, .. })), "{outcome:?}");
}

#[test]
fn an_answer_that_never_comes_fails_the_run() {
    let outcome = talk_with(|_| Vec::new(), 1);
    assert!(matches!(outcome, Err(Failure::Lost(2))), "{outcome:?}");
}

#[test]
fn answers_in_another_order_are_counted() {
    let reversed = |answers: &[String]| answers.iter().rev().cloned().collect();
    let measurement = talk_with(reversed, 2).unwrap();
    assert!(measurement.units > 0 && measurement.reordered > 0, "{measurement:?}");
}

#[test]
fn every_namespace_of_a_connection_is_spoken_to() {
    let (sender, heard) = std::sync::mpsc::channel();
    let listen = move |answers: &[String]| {
        let namespace = answers[0].split(',').next().unwrap_or_default().to_owned();
        sender.send(namespace).unwrap();
        answers.to_vec()
    };
    let measurement = play_with("nsps-1x2-3", listen, 1).unwrap();
    assert!(measurement.units > 3 && measurement.reordered == 0, "{measurement:?}");
    let first: Vec<String> = heard.iter().take(4).collect();
    assert_eq!(first, ["42/ns-00000", "42/ns-00001", "42/ns-00002", "42/ns-00000"]);
}

#[test]
fn an_answer_in_another_namespace_fails_the_run() {
    let elsewhere = |answers: &[String]| vec![answers[0].replace("ns-00000", "ns-00001")];
    let outcome = play_with("nsps-1x2-3", elsewhere, 1);
    assert!(matches!(outcome, Err(Failure::Wrong { link: 0, .. })), "{outcome:?}");
}

#[test]
fn curves_are_printed_and_drawn_where_it_is_wanted() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    let mut bench = Command::new(env!("CARGO_BIN_EXE_sockeye-bench"));
    bench.args(["growth", "--quick", "--unpinned", "--only", "membership,audience", "--write"]);
    let output = bench.arg(&directory).output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{table}\n{}", String::from_utf8_lossy(&output.stderr));
    for row in ["| 1k |", "### To leave a room", "### To find out who is meant"] {
        assert!(table.contains(row), "{row} in {table}");
    }
    for name in ["growth-membership.svg", "growth-audience.svg"] {
        let picture = std::fs::read_to_string(directory.join(name)).unwrap();
        assert!(picture.starts_with("<svg ") && picture.len() < 20_000, "{name}");
    }
}

#[test]
fn an_unknown_switch_is_answered_with_those_there_are() {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_sockeye-bench"));
    let output = bench.args(["run", "--with", "workers-2,warp"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("'warp'") && said.contains("[possible values: workers-2, "), "{said}");
}

/// [`play_with`] for `echo-1x2-32B`.
fn talk_with(
    lie: impl Fn(&[String]) -> Vec<String> + Send + 'static,
    gather: usize,
) -> Result<Measurement, Failure> {
    play_with("echo-1x2-32B", lie, gather)
}

/// Runs a scenario against a server that gathers `gather` answers and passes them through `lie`.
fn play_with(
    scenario: &str,
    lie: impl Fn(&[String]) -> Vec<String> + Send + 'static,
    gather: usize,
) -> Result<Measurement, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        // The generator hangs up when it has seen enough.
        let _ = lying_server(stream, lie, gather);
    });
    let timing = Timing {
        warm_up: Duration::from_millis(1),
        measure: Duration::from_millis(500),
        silence: Duration::ZERO,
        drain: Duration::from_millis(50),
    };
    let mut observer = Observer::new(std::process::id());
    let outcome = scenario::run(scenario.parse().unwrap(), address, timing, &mut observer);
    server.join().unwrap();
    outcome
}

fn lying_server(
    mut stream: TcpStream,
    lie: impl Fn(&[String]) -> Vec<String>,
    gather: usize,
) -> std::io::Result<()> {
    let mut request = [0; 4096];
    // The request is one small write.
    assert!(stream.read(&mut request)? > 0);
    let head =
        format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    say(&mut stream, "0{}")?;
    let mut input = Vec::new();
    let mut gathered = Vec::new();
    loop {
        let text = hear(&mut stream, &mut input)?;
        match text.strip_prefix("40") {
            Some(namespace) => say(&mut stream, &format!("40{namespace}{{}}"))?,
            None => gathered.push(text.replace("[\"message\",", "[\"message-back\",")),
        }
        if gathered.len() == gather {
            // With one write, so that they come with one read: the generator stops asking between reads.
            let answers = lie(&std::mem::take(&mut gathered));
            stream.write_all(
                &answers.iter().flat_map(|answer| frame_of(answer)).collect::<Vec<_>>(),
            )?;
        }
    }
}

fn say(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(&frame_of(text))
}

fn frame_of(text: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    frame::push(&mut frame, TEXT, None, text.as_bytes());
    frame
}

fn hear(stream: &mut TcpStream, input: &mut Vec<u8>) -> std::io::Result<String> {
    loop {
        if let Some(head) = Head::read(input).unwrap().filter(|head| head.frame() <= input.len()) {
            let mut payload = input[head.length..head.frame()].to_vec();
            frame::unmask(head.mask.unwrap(), &mut payload);
            input.drain(..head.frame());
            return Ok(String::from_utf8(payload).unwrap());
        }
        let mut more = [0; 4096];
        match stream.read(&mut more)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => input.extend_from_slice(&more[..count]),
        }
    }
}
