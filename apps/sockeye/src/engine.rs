//! What can be set of the engine: how clients connect, and how long they are waited for.

use std::time::Duration;

use clap::Args;
use sockeye::{Builder, Cookie, Transport};

/// Options of Engine.IO.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connections")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Engine {
    /// Every how many seconds a client is asked whether it is still there: a page should not call itself connected for
    /// long when it is not.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    ping_interval: u64,

    /// How many seconds it may take to say so.
    #[arg(long, value_name = "SECONDS", default_value_t = 8)]
    ping_timeout: u64,

    /// How many seconds the way from polling to a WebSocket may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    upgrade_timeout: u64,

    /// After how many seconds a client is sent away that has joined no namespace.
    #[arg(long, value_name = "SECONDS", default_value_t = 45)]
    connect_timeout: u64,

    /// The largest message or payload that is taken, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1_000_000)]
    max_payload: usize,

    /// How many bytes may wait for a client that does not read.
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 20)]
    outbox_bytes: usize,

    /// Which ways there are for a client to connect.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = transport, default_value = "polling,websocket")]
    transports: Vec<Transport>,

    /// Clients that poll go on polling.
    #[arg(long)]
    no_upgrades: bool,

    /// Serves clients of Socket.IO 2 as well (Engine.IO 3).
    #[arg(long)]
    allow_eio3: bool,

    /// Lets pages of every origin connect.
    #[arg(long)]
    any_origin: bool,

    /// Lets pages of other origins send cookies along.
    #[arg(long)]
    credentials: bool,

    /// Sets a cookie to the id of a client's connection, for a balancer that keeps it on one process.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "io")]
    cookie: Option<String>,

    /// Answers to polls of so many bytes and more are compressed; `off` compresses none.
    #[arg(long, value_name = "BYTES", value_parser = threshold, default_value = "1024")]
    compression: Threshold,
}

/// From how many bytes on something is done, if it is.
#[derive(Clone, Copy, Debug)]
struct Threshold(Option<usize>);

impl Engine {
    /// Sets them.
    pub(crate) fn set(&self, builder: Builder) -> Builder {
        let builder = builder
            .ping_interval(Duration::from_secs(self.ping_interval))
            .ping_timeout(Duration::from_secs(self.ping_timeout))
            .upgrade_timeout(Duration::from_secs(self.upgrade_timeout))
            .connect_timeout(Duration::from_secs(self.connect_timeout))
            .max_payload(self.max_payload)
            .outbox_bytes(self.outbox_bytes)
            .transports(&self.transports)
            .allow_upgrades(!self.no_upgrades)
            .allow_eio3(self.allow_eio3)
            .credentials(self.credentials)
            .http_compression(self.compression.0);
        let builder = if self.any_origin { builder.any_origin() } else { builder };
        match &self.cookie {
            Some(name) => builder.cookie(Cookie::new(name)),
            None => builder,
        }
    }
}

/// A way to connect, as the command line names it.
pub(crate) fn transport(name: &str) -> Result<Transport, &'static str> {
    match name {
        "polling" => Ok(Transport::Polling),
        "websocket" => Ok(Transport::WebSocket),
        _ => Err("there are polling and websocket"),
    }
}

fn threshold(text: &str) -> Result<Threshold, &'static str> {
    match text {
        "off" => Ok(Threshold(None)),
        bytes => match bytes.parse() {
            Ok(bytes) => Ok(Threshold(Some(bytes))),
            Err(_) => Err("it is a number of bytes, or off"),
        },
    }
}
