//! Clients against a server of this house, and against one that answers something else.

use std::process::{Command, Output};

use sockeye::{Args, Io, Socket};
use sockeye_bench::clients::can_play;
use sockeye_bench::scenario::Scenario;

/// A server on a thread of its own, which answers as the contract's profile `bench` does; the URL. It ends with the test.
fn serve(echo: &'static str) -> String {
    let (ready, started) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let io = Io::builder().build().unwrap();
            io.of("/")
                .on("message", move |socket: Socket, args: Args| {
                    let sent = if echo.is_empty() {
                        socket.emit("message-back", &args)
                    } else {
                        socket.emit("message-back", echo)
                    };
                    std::future::ready(sent.map(drop))
                })
                .on("message-with-ack", async |args: Args| args)
                .on("broadcast", async |io: Io, args: Args| io.emit("news", &args).map(drop));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            ready.send(listener.local_addr().unwrap()).unwrap();
            io.serve_listener(listener).await.unwrap();
        });
    });
    format!("http://{}", started.recv().unwrap())
}

fn play(url: &str, scenarios: &[&str]) -> Output {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_sockeye-bench"));
    bench.args(["clients", "--unpinned", "--rounds", "1", "--url", url]);
    bench.args(["--seconds", "0.05", "--warm-up", "0.02", "--silence", "0.02"]);
    bench.args(["--scenarios", &scenarios.join(",")]).output().unwrap()
}

#[test]
fn what_clients_hear_is_counted_in_every_scenario_of_theirs() {
    let scenarios = ["idle-20", "echo-4x2-32B", "echo-2x3-1KiB", "ack-3x4-40B", "bcast-5-k2"];
    let output = play(&serve(""), &scenarios);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{table}\n{}", String::from_utf8_lossy(&output.stderr));
    for scenario in scenarios {
        let row = table.lines().find(|line| line.starts_with(&format!("| {scenario} |")));
        let cells: Vec<&str> = row.expect(scenario).split(" | ").collect();
        let [cpu, rate] = [cells[2], cells[6]];
        assert!(cpu != "–" && rate != "–", "{scenario} in {table}");
    }
    let idle = table.lines().find(|line| line.starts_with("| idle-20 |")).unwrap();
    assert!(!idle.ends_with("| – |"), "{idle}");
}

#[test]
fn clients_that_hear_something_else_fail_the_run() {
    let output = play(&serve("what?"), &["echo-2x1-32B"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("heard `what?`"), "{said}");
}

#[test]
fn a_server_that_is_not_there_fails_the_run() {
    let output = play("http://127.0.0.1:1", &["echo-2x1-32B"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("client "), "{said}");
}

#[test]
fn what_clients_do_not_play_is_refused_with_words() {
    let playable = |name: &str| can_play(name.parse::<Scenario>().unwrap());
    assert!(playable("echo-1x1-32B") && playable("bcast-10-k1"));
    assert!(!playable("bin-2x2-1KiB") && !playable("rooms-3x4") && !playable("echo-3@200/s-32B"));
    let said = String::from_utf8(play("http://127.0.0.1:1", &["poll-3"]).stderr).unwrap();
    assert!(said.contains("the rest is for the raw generator"), "{said}");
}

#[test]
fn more_clients_than_files_may_be_open_are_refused_with_words() {
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "ulimit -n 150 && exec \"$0\" clients --url http://127.0.0.1:1 --scenarios idle-100",
    ]);
    let output = shell.arg(env!("CARGO_BIN_EXE_sockeye-bench")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let words = "100 connections are wanted, but only 150 files may be open (ulimit -n)";
    assert!(!output.status.success() && said.contains(words), "{said}");
}
