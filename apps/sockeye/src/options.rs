//! What can be set, on the command line or in the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, Parser};
use sockeye::{Builder, Proxies, Rate};

use crate::client::Command;
use crate::engine::Engine;

/// A chat on Sockeye: Socket.IO for Rust.
#[derive(Debug, Parser)]
#[command(
    name = "sockeye",
    version,
    about,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Options {
    /// To be a client, instead of serving the chat.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The port; 0 takes any that is free.
    #[arg(short, long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,

    /// The address to listen on. `localhost` lets in this machine alone, `0.0.0.0` or `::` every machine that reaches
    /// this one.
    #[arg(long, env = "HOST", default_value = "localhost")]
    pub(crate) host: String,

    /// Listens at a Unix socket of this path instead of a port, for a proxy on the same machine.
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Option<PathBuf>,

    /// Speaks TLS with the certificate in this file (PEM, those of its issuers behind it). The signal HUP has it read
    /// again: new connections get the new one.
    #[arg(long, env = "TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The private key of the certificate (PEM).
    #[arg(long, env = "TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Expects each connection to begin with a header of the PROXY protocol, which says who the client is. Nobody but the
    /// proxy may be able to connect then.
    #[arg(long)]
    pub(crate) proxy_protocol: bool,

    /// Whose X-Forwarded-For is believed: how many proxies there are in front, or in which networks they are, such as
    /// `10.0.0.0/8,fd00::/8`.
    #[arg(long, value_name = "PROXIES", default_value = "0")]
    pub(crate) trust_forwarded_for: Proxies,

    /// Lets pages of another origin connect, such as <https://example.com>; may be given several times.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(crate) allow_origin: Vec<String>,

    /// How many cores to use, each with connections of its own; all that there are if nobody says.
    #[arg(long, env = "WORKERS", value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,

    /// The directory in which what is said is kept; made if it is not there.
    #[arg(long, env = "DATA", value_name = "DIR", default_value = "./sockeye-data")]
    data: PathBuf,

    /// Keeps what is said in memory only, as long as the program runs.
    #[arg(long)]
    memory: bool,

    /// How many seconds somebody whose connection is lost stays in the rooms, and gets all that they missed when they
    /// come back.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    away: u64,

    /// Over how many seconds clients are sent away, one by one, when the program is to end: so that they do not all come
    /// to another server at once. Nobody new is let in meanwhile.
    #[arg(long, env = "DRAIN", value_name = "SECONDS", default_value_t = 0)]
    drain: u64,

    /// Shows metrics for Prometheus at this address and port, such as `127.0.0.1:9464`: /metrics, and /health.
    #[arg(long, env = "METRICS", value_name = "ADDRESS")]
    pub(crate) metrics: Option<SocketAddr>,

    #[command(flatten)]
    pub(crate) limits: Limits,

    /// Compresses what is sent over WebSocket, 1 KiB and more, to clients that ask for it, as browsers do: fewer bytes for
    /// more work.
    #[arg(long, env = "DEFLATE")]
    pub(crate) deflate: bool,

    /// Serves the bundles of the official client from the npm package `socket.io-client` that is installed in this
    /// directory, for pages that load `/socket.io/socket.io.js`.
    #[arg(long, env = "CLIENT_FILES", value_name = "DIR")]
    pub(crate) client_files: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) engine: Engine,
}

/// What one client, or one address, may have. A rate is so many a second, and after a colon so many at once.
#[derive(Debug, Args)]
pub(crate) struct Limits {
    /// Most connections from one address at a time; an address of IPv6 counts with its /64.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    connections_per_address: Option<u32>,

    /// How often one address may connect, such as `5:100`: five times a second, and a hundred times at once.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    handshakes_per_address: Option<Rate>,

    /// How often anybody may connect.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    handshakes: Option<Rate>,

    /// How many events one connection may send; more are handled later.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    events: Option<Rate>,

    /// How many bytes one connection may send; more are read later.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    bytes: Option<Rate>,
}

impl Limits {
    /// Sets those that are given.
    pub(crate) fn set(&self, builder: Builder) -> Builder {
        fn given<T>(to: Builder, limit: Option<T>, set: fn(Builder, T) -> Builder) -> Builder {
            match limit {
                Some(limit) => set(to, limit),
                None => to,
            }
        }
        let connections = self.connections_per_address;
        let builder = given(builder, connections, Builder::max_connections_per_address);
        let builder =
            given(builder, self.handshakes_per_address, Builder::handshake_rate_per_address);
        let builder = given(builder, self.handshakes, Builder::handshake_rate);
        let builder = given(builder, self.events, Builder::event_rate);
        given(builder, self.bytes, Builder::byte_rate)
    }
}

impl Options {
    /// Reads them. `None` if somebody only wanted help, and has got it.
    pub(crate) fn read() -> Result<Option<Self>, String> {
        match Options::try_parse() {
            Ok(options) => Ok(Some(options)),
            Err(error)
                if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) =>
            {
                let _ = error.print();
                Ok(None)
            }
            Err(error) => Err(in_one_sentence(&error.to_string())),
        }
    }

    /// How many cores are used.
    pub(crate) fn workers(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from).min(256);
        self.workers.map_or_else(all, usize::from)
    }

    /// Where what is said is kept, if it is.
    pub(crate) fn directory(&self) -> Option<&Path> {
        (!self.memory).then_some(&self.data)
    }

    /// The certificate and the key, if TLS is spoken.
    pub(crate) fn tls(&self) -> Option<(&Path, &Path)> {
        self.tls_cert.as_deref().zip(self.tls_key.as_deref())
    }

    /// How long somebody may be away.
    pub(crate) fn away(&self) -> Duration {
        Duration::from_secs(self.away)
    }

    /// Over how long clients are sent away at the end.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain)
    }

    /// The address for a browser on this machine, or on another if the host has a name of its own.
    pub(crate) fn address_to_show(&self, port: u16) -> String {
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        match self.host.as_str() {
            "0.0.0.0" | "::" => format!("{scheme}://localhost:{port}"),
            host if host.contains(':') => format!("{scheme}://[{host}]:{port}"),
            host => format!("{scheme}://{host}:{port}"),
        }
    }
}

/// So many a second, and perhaps so many at once.
fn rate(text: &str) -> Result<Rate, &'static str> {
    const LIKE: &str = "a rate looks like 50, or 50:200 for 200 at once; neither is 0";
    let (average, burst) = text.split_once(':').map_or((text, None), |(a, b)| (a, Some(b)));
    let rate = Rate::per_second(average.parse().map_err(|_| LIKE)?);
    let rate = match burst {
        Some(burst) => rate.burst(burst.parse().map_err(|_| LIKE)?),
        None => rate,
    };
    if rate.is_zero() { Err(LIKE) } else { Ok(rate) }
}

/// Scheme and host, as browsers write an origin.
fn origin(text: &str) -> Result<String, &'static str> {
    const LIKE: &str = "an origin looks like https://example.com or http://localhost:8080";
    let (scheme, rest) = text.split_once("://").ok_or(LIKE)?;
    let host = rest.strip_suffix('/').unwrap_or(rest);
    let plain = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']);
    if matches!(scheme, "http" | "https") && plain {
        Ok(format!("{scheme}://{host}"))
    } else {
        Err(LIKE)
    }
}

/// The parser's first paragraph, without its hints about usage.
fn in_one_sentence(complaint: &str) -> String {
    let first = complaint.split("\n\n").next().unwrap_or(complaint);
    let words: Vec<&str> = first.trim_start_matches("error: ").split_whitespace().collect();
    let command = std::env::args().nth(1).filter(|word| matches!(&**word, "connect" | "emit"));
    let command = command.map(|command| format!(" {command}")).unwrap_or_default();
    format!("{}; `sockeye{command} --help` lists what can be set", words.join(" "))
}
