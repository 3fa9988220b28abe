//! Events and acknowledgements between the server and one client.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use sockeye::{AckError, Args, Data, Namespace, Result, Socket};

/// Most events and bytes that a client can ask for.
const MOST: usize = 64 << 20;

pub(super) fn register(namespace: &Namespace) {
    namespace
        .on("echo", echo)
        .on("echo-ack", async |args: Args| args)
        .on("call-me", call_me)
        .on("call-timeout", call_timeout)
        .on("who", who)
        .on("volatile", volatile)
        .on("burst", burst)
        .on("big", big);
}

async fn echo(socket: Socket, args: Args) -> Result<()> {
    socket.emit("echo-back", &args)?;
    Ok(())
}

async fn call_me(socket: Socket, args: Args) -> Result<()> {
    let answer: Args = socket.emit_with_ack("call", &args).await?;
    socket.emit("call-result", &answer)?;
    Ok(())
}

async fn call_timeout(socket: Socket, Data(ms): Data<u64>) -> Result<()> {
    let answer = socket.emit_with_ack::<Args>("call", &()).timeout(Duration::from_millis(ms)).await;
    let outcome = match answer {
        Ok(_) => "ok",
        Err(AckError::Timeout { .. }) => "timeout",
        Err(gone) => return Err(gone.into()),
    };
    socket.emit("call-timeout-result", outcome)?;
    Ok(())
}

/// The answers of everybody in the room that came within two seconds.
async fn who(namespace: Namespace, Data(room): Data<String>) -> Vec<Value> {
    let asked = namespace.in_(room).timeout(Duration::from_secs(2)).emit_with_ack("who", &());
    let mut answers: Vec<Value> = asked.await.into_values();
    answers.sort_by_cached_key(|answer| {
        answer.as_str().map_or_else(|| answer.to_string(), str::to_owned)
    });
    answers
}

async fn volatile(socket: Socket, Data(count): Data<usize>) -> Result<()> {
    for index in 0..count.min(MOST) {
        socket.volatile().emit("vol", &index)?;
    }
    socket.emit("vol-end", &count)?;
    Ok(())
}

async fn burst(socket: Socket, Data(count): Data<usize>) -> Result<()> {
    for index in 0..count.min(MOST) {
        socket.emit("burst", &index)?;
    }
    Ok(())
}

/// One argument that is text or bytes.
#[derive(Serialize)]
#[serde(untagged)]
enum Big {
    Text(String),
    Binary(Bytes),
}

async fn big(Data((size, kind)): Data<(usize, Option<String>)>) -> Result<Big> {
    if size > MOST {
        return Err(format!("{size} bytes are too many, at most {MOST}").into());
    }
    Ok(match kind.as_deref() {
        Some("binary") => Big::Binary(vec![0xab; size].into()),
        _ => Big::Text("x".repeat(size)),
    })
}
