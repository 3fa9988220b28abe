//! The public WebSocket suite (`autobahntestsuite` for Python) against both sides of `websocket-proto`.
//!
//! Its cases 1 to 7, 9, 10, 12 and 13: framing, pings, reserved bits, opcodes, fragmentation, UTF-8, close
//! handling, limits and speed, chopped writes, compression. The reports stand in `target/autobahn/server` and `…/client`, each with an `index.html`.

mod client;
mod python;
mod report;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::run;
use report::Side;

const CASES: [&str; 11] =
    ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.*", "13.*"];

/// How we are called in the reports.
const AGENT: &str = "sockeye";

/// Runs the suite in both directions and judges its reports.
pub(crate) fn run(_arguments: &[String]) -> Result<(), String> {
    let folder = run::target().join("autobahn");
    fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
    let suite = python::install(&folder)?;
    let cases = client_side(&suite, &folder.join("client"))?;
    server_side(&suite, &folder.join("server"))?;

    let client = report::read(&folder.join("client"), AGENT)?;
    let server = report::read(&folder.join("server"), AGENT)?;
    let failed: Vec<String> =
        server.failed(Side::Server).chain(client.failed(Side::Client)).collect();
    println!("reports: {}/{{server,client}}/index.html", folder.display());
    if server.count() != cases || client.count() != cases {
        return Err(format!(
            "{cases} cases were to be run; {} were on the server side, {} on the client side",
            server.count(),
            client.count()
        ));
    }
    if failed.is_empty() {
        let declined = server.declined();
        println!(
            "autobahn: {cases} cases server side ({declined} declined), {cases} client side, all OK"
        );
        return Ok(());
    }
    Err(format!("autobahn: {} cases failed\n  {}", failed.len(), failed.join("\n  ")))
}

/// The suite as a client against our echo server.
fn server_side(suite: &Path, report: &Path) -> Result<(), String> {
    let (_echo, url) = echo_server()?;
    println!("server side: {url}");
    let spec = json!({
        "servers": [{ "agent": AGENT, "url": url }],
        "outdir": report,
        "cases": CASES,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    run::run(wstest(suite, "fuzzingclient", report, &spec)?.stdout(Stdio::null()))
}

/// The suite as a server against our small client. Returns how many cases it has.
fn client_side(suite: &Path, report: &Path) -> Result<usize, String> {
    let address = free_address()?;
    println!("client side: ws://{address}");
    let spec = json!({
        "url": format!("ws://{address}"),
        "outdir": report,
        "cases": CASES,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    // Without `--webport 0` it also serves pages on port 8080.
    let mut command = wstest(suite, "fuzzingserver", report, &spec)?;
    let server = command.args(["--webport", "0"]).stdout(Stdio::null()).spawn();
    let mut server = Started(server.map_err(|error| format!("cannot start wstest: {error}"))?);
    wait_until_it_listens(&mut server, address)?;
    client::run_all(address, AGENT)
}

/// The suite's command, its instructions beside its report. An old report is taken away, so that it
/// cannot be mistaken for a new one.
fn wstest(suite: &Path, mode: &str, report: &Path, spec: &Value) -> Result<Command, String> {
    if report.exists() {
        fs::remove_dir_all(report).map_err(|error| cannot("remove", report, &error))?;
    }
    fs::create_dir_all(report).map_err(|error| cannot("make", report, &error))?;
    let path = report.with_extension("json");
    fs::write(&path, spec.to_string()).map_err(|error| cannot("write", &path, &error))?;
    let mut command = Command::new(suite);
    command.args(["--mode", mode, "--spec"]).arg(path).current_dir(report);
    Ok(command)
}

/// Builds and starts the echo server; its first line is its address.
fn echo_server() -> Result<(Started, String), String> {
    let package = ["-p", "sockeye-websocket-proto", "--example", "echo"];
    run::run(Command::new(cargo()).args(["build", "--release"]).args(package))?;
    let path = run::target().join("release/examples/echo");
    let child = Command::new(&path).arg("0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut echo = Started(child.map_err(|error| cannot("start", &path, &error))?);
    let output = echo.0.stdout.take().expect("piped just above");
    let mut url = String::new();
    match BufReader::new(output).read_line(&mut url) {
        Ok(1..) => Ok((echo, url.trim_end().to_owned())),
        _ => Err("the echo server ended before it said its address".to_owned()),
    }
}

fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

/// An address that nobody listened on a moment ago: the suite cannot choose one itself.
fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("no free port on the loopback interface: {error}"))
}

fn wait_until_it_listens(server: &mut Started, address: SocketAddr) -> Result<(), String> {
    for _ in 0..300 {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        if let Ok(Some(status)) = server.0.try_wait() {
            return Err(format!("wstest ended with {status} before it listened on {address}"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(format!("wstest did not listen on {address} within 30 seconds"))
}

fn cannot(what: &str, path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("cannot {what} {}: {error}", path.display())
}

/// A program that is stopped when nobody needs it any more.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
