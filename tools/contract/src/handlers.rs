//! Profile `handlers`: everything an application does, as seen from outside, on four listeners.
//!
//! | listener   | differs by                                                                         |
//! |------------|------------------------------------------------------------------------------------|
//! | `PORT`     | ping 25 s / 20 s, connect timeout 3 s, payload limit 2 000 000 bytes, Engine.IO 3 allowed |
//! | `PORT + 1` | as `PORT`, and whoever comes back within two minutes has missed nothing           |
//! | `PORT + 2` | as `PORT`, with the msgpack parser, and without Engine.IO 3                       |
//! | `PORT + 3` | ping 500 / 600 ms, connect timeout 500 ms, payload limit 1000 bytes                |
//!
//! The last one takes the msgpack parser too where the variable `PARSER` is `msgpack`.
//!
//! All of them speak HTTP/2 as well, and TLS if the variables `TLS_CERT` and `TLS_KEY` name a certificate and its key.

mod audience;
mod life;
mod notes;
mod reasons;
mod talk;

use std::time::Duration;

use serde::Deserialize;
use sockeye::{Builder, Durability, Io, Msgpack, Namespace, PerMessageDeflate, Tls};

use crate::{Result, listen, ready, serve};
use notes::Notes;
use reasons::Reasons;

/// Attachments of one event may be as large as that many payloads: the reference has no limit for their sum.
const ATTACHMENTS: usize = 10;

/// So much may wait for one client: what `burst` and `big` make at once is far more than an application would, and has
/// to reach a client that reads, however fast it does. A client that does not read is let go here as well.
const OUTBOX: usize = 32 << 20;

pub(crate) async fn run(port: u16, workers: usize) -> Result<()> {
    let hasty_port =
        port.checked_add(3).ok_or("--port is at most 65532: PORT + 3 is needed too")?;
    let tls = certificate()?;
    let build = |builder: Builder| {
        let builder = match &tls {
            Some(tls) => builder.tls(tls.clone()),
            None => builder,
        };
        builder.workers(workers).state(Reasons::default()).state(Notes::default()).build()
    };
    let packed = patient().allow_eio3(false).parser(Msgpack);
    let ios = [build(patient())?, build(patient())?, build(packed)?, build(hasty())?];
    let mut servers = Vec::new();
    for (io, number) in ios.into_iter().zip([port, port + 1, port + 2, hasty_port]) {
        assemble(&io, number == port + 1)?;
        servers.push((io, listen(number).await?));
    }
    ready("handlers", port);
    serve(servers, workers).await
}

/// The options of `PORT`.
fn patient() -> Builder {
    limited(2_000_000).connect_timeout(Duration::from_secs(3)).allow_eio3(true)
}

/// The options of `PORT + 3`.
fn hasty() -> Builder {
    let builder = limited(1000)
        .ping_interval(Duration::from_millis(500))
        .ping_timeout(Duration::from_millis(600))
        .connect_timeout(Duration::from_millis(500));
    let is_packed = std::env::var_os("PARSER").is_some_and(|parser| parser == "msgpack");
    if is_packed { builder.parser(Msgpack) } else { builder }
}

fn limited(payload: usize) -> Builder {
    Io::builder()
        .any_origin()
        .http_compression(None)
        .per_message_deflate(deflate())
        .max_payload(payload)
        .attachment_bytes(ATTACHMENTS * payload)
        .outbox_bytes(OUTBOX)
}

/// Only where the variable `DEFLATE` says from how many bytes on.
fn deflate() -> Option<PerMessageDeflate> {
    let threshold = std::env::var("DEFLATE").ok()?.parse().ok()?;
    Some(PerMessageDeflate::default().threshold(threshold))
}

fn certificate() -> Result<Option<Tls>> {
    match (std::env::var_os("TLS_CERT"), std::env::var_os("TLS_KEY")) {
        (Some(certificate), Some(key)) => Ok(Some(Tls::from_files(certificate, key)?)),
        _ => Ok(None),
    }
}

/// The namespaces and their handlers. In those of `durable` servers nobody misses anything.
fn assemble(io: &Io, durable: bool) -> Result<()> {
    let (main, custom, auth) = (io.of("/"), io.of("/custom"), io.of("/auth"));
    let dynamic = io.of_matching(is_dynamic);
    for namespace in [&main, &custom, &auth, dynamic.handlers()].into_iter().filter(|_| durable) {
        namespace.durable(Durability::Memory);
    }
    register(&main);
    register(&custom);
    auth.middleware(life::authorize).on_connect(life::welcome);
    register(dynamic.handlers());
    dynamic.on_connect(life::introduce);
    io.service()?; // an incomplete server is found before it says that it is ready
    Ok(())
}

/// `/dyn-<digits>`.
fn is_dynamic(name: &str) -> bool {
    let digits = name.strip_prefix("/dyn-").unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn register(namespace: &Namespace) {
    talk::register(namespace);
    audience::register(namespace);
    life::register(namespace);
    notes::register(namespace);
}

/// `room or list`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Rooms {
    One(String),
    Several(Vec<String>),
}

impl Rooms {
    fn into_vec(self) -> Vec<String> {
        match self {
            Rooms::One(room) => vec![room],
            Rooms::Several(rooms) => rooms,
        }
    }
}
