//! The contract server: small programs on the public interface that outside test suites and benchmarks talk to.
//!
//! ```text
//! contract --profile NAME [--port N]
//! ```
//!
//! It listens on 127.0.0.1 (`PORT` in the environment where no flag is given), prints one line when it is ready,
//! keeps running whatever its clients do, accepts any origin, and ends at once on SIGTERM, as the system has it. If it
//! cannot start, it says why in one sentence, and its exit code is 1.
//!
//! | profile    | file       | for                                                                   |
//! |------------|------------|-----------------------------------------------------------------------|
//! | `bench`    | `bench`    | load generators                                                       |
//! | `handlers` | `handlers` | black-box tests of everything an application does; up to `PORT + 3`    |
//! | `client`   | `client`   | the suite of npm `socket.io-client`; on port 3210 if nobody says       |
//! | `engine-client` | `engine_client` | the suite of npm `engine.io-client`                          |
//! | `delivery` | `delivery` | checkers of the promise that no event is missed; needs `--data DIR`    |
//! | `protocol` | `protocol` | the public suites of the protocols: Engine.IO 3 and 4, Socket.IO 5     |
//! | `ws-echo`  | `ws_echo`  | the WebSocket layer alone                                             |

#![forbid(unsafe_code)]

mod bench;
mod client;
mod delivery;
mod engine_client;
mod handlers;
mod protocol;
mod ws_echo;

use std::error::Error;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sockeye::{Io, threads};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Whatever can go wrong before it is ready.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The program that outside test suites and benchmarks talk to.
#[derive(Debug, Parser)]
struct Options {
    /// What to be.
    #[arg(long)]
    profile: Profile,
    /// Where to listen on 127.0.0.1; 3000 if nobody says, 3210 in the profile `client`.
    #[arg(long, env = "PORT")]
    port: Option<u16>,
    /// Where the profile `delivery` keeps its log.
    #[arg(long)]
    data: Option<PathBuf>,
    /// How many workers serve the profiles `bench`, `client`, `handlers` and `delivery`.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    workers: u16,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Profile {
    Bench,
    Client,
    Delivery,
    EngineClient,
    Handlers,
    Protocol,
    WsEcho,
}

fn main() -> ExitCode {
    match Options::try_parse() {
        Ok(options) => {
            raise_open_files();
            run(&options).map_or_else(|problem| fail(&problem.to_string()), |()| ExitCode::SUCCESS)
        }
        Err(problem) if problem.use_stderr() => fail(&in_one_sentence(&problem.to_string())),
        Err(help) => {
            let _ = help.print();
            ExitCode::SUCCESS
        }
    }
}

fn fail(problem: &str) -> ExitCode {
    eprintln!("contract: {problem}");
    ExitCode::FAILURE
}

/// The parser's first paragraph, without its hints about usage.
fn in_one_sentence(complaint: &str) -> String {
    let first = complaint.split("\n\n").next().unwrap_or(complaint);
    let words: Vec<&str> = first.trim_start_matches("error: ").split_whitespace().collect();
    format!("{}; `contract --help` lists what can be set", words.join(" "))
}

/// One runtime of one thread for each worker, as the server library is meant to be run.
fn run(options: &Options) -> Result<()> {
    let workers = usize::from(options.workers);
    let port = options.port.unwrap_or(match options.profile {
        Profile::Client => 3210,
        _ => 3000,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match options.profile {
            Profile::Bench => bench::run(port, workers).await,
            Profile::Client => client::run(port, workers).await,
            Profile::Delivery => delivery::run(port, workers, options.data.as_deref()).await,
            Profile::EngineClient => engine_client::run(port).await,
            Profile::Handlers => handlers::run(port, workers).await,
            Profile::Protocol => protocol::run(port).await,
            Profile::WsEcho => ws_echo::run(port).await,
        }
    })
}

/// Serves each on its listener, on this thread and on those of the other workers.
async fn serve(servers: Vec<(Io, TcpListener)>, workers: usize) -> Result<()> {
    let sockets = servers.into_iter().map(|(io, listener)| Ok((io, listener.into_std()?)));
    let sockets = sockets.collect::<Result<Vec<_>>>()?;
    for number in 1..workers {
        let clones = sockets.iter().map(|(io, socket)| Ok((io.clone(), socket.try_clone()?)));
        let clones = clones.collect::<Result<Vec<_>>>()?;
        threads::spawn(number, move || async { serve_here(clones).await.expect("it listens") })?;
    }
    serve_here(sockets).await
}

async fn serve_here(servers: Vec<(Io, std::net::TcpListener)>) -> Result<()> {
    let mut serving = JoinSet::new();
    for (io, socket) in servers {
        let listener = TcpListener::from_std(socket)?;
        serving.spawn(async move { io.serve_listener(listener).await });
    }
    while let Some(ended) = serving.join_next().await {
        ended??;
    }
    Ok(())
}

async fn listen(port: u16) -> Result<TcpListener> {
    let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listening.map_err(|problem| {
        format!("cannot listen on 127.0.0.1:{port} ({problem}): choose another --port").into()
    })
}

/// The one line.
fn ready(profile: &str, port: u16) {
    println!("contract: {profile} is ready on 127.0.0.1:{port}");
}

/// Ten thousand idle connections need as many open files.
fn raise_open_files() {
    const WANTED: u64 = 10_500;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let reached =
        if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    if let Some(reached) = reached.filter(|&reached| reached < WANTED) {
        eprintln!(
            "contract: at most {reached} open files; for ten thousand connections say `ulimit -Hn {WANTED}`"
        );
    }
}
