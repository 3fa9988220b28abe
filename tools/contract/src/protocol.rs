//! Profile `protocol`: what the public suites of Engine.IO 3 and 4 and of Socket.IO 5 expect, side by side on one port.

use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use serde_json::value::RawValue;
use sockeye::engine::{self, Server};
use sockeye::{Args, Io, Namespace, Socket};

use crate::{Result, listen, ready};

const PING_INTERVAL: Duration = Duration::from_millis(300);
const PING_TIMEOUT: Duration = Duration::from_millis(200);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) async fn run(port: u16) -> Result<()> {
    let app = Router::new().layer(socket_io()?.layer()?).layer(engine_io()?.layer());
    let listener = listen(port).await?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    ready("protocol", port);
    Ok(axum::serve(listener, app).await?)
}

/// Under `/engine.io/`: every message comes back.
fn engine_io() -> Result<Server> {
    let server = Server::builder()
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .max_payload(1_000_000)
        .allow_eio3(true)
        .any_origin()
        .build()?;
    server.on_connection(async |socket: engine::Socket| {
        while let Some(message) = socket.recv().await {
            socket.send(message);
        }
    });
    Ok(server)
}

/// Under `/socket.io/`: `/` and `/custom` greet with what the client sent along.
fn socket_io() -> Result<Io> {
    let io = Io::builder()
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .allow_eio3(true)
        .any_origin()
        .build()?;
    register(&io.of("/"));
    register(&io.of("/custom"));
    Ok(io)
}

fn register(namespace: &Namespace) {
    namespace
        .on_connect(greet)
        .on("message", async |socket: Socket, args: Args| {
            socket.emit("message-back", &args).map(drop)
        })
        .on("message-with-ack", async |args: Args| args);
}

async fn greet(socket: Socket) -> sockeye::Result<()> {
    let auth: Box<RawValue> = socket.handshake().auth()?;
    socket.emit("auth", &auth)?;
    Ok(())
}
