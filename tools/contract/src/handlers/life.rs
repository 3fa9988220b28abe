//! Coming, going, and what is known about a client.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sockeye::{Data, DisconnectReason, Error, Namespace, Reason, Result, Socket, State};

use super::Reasons;

pub(super) fn register(namespace: &Namespace) {
    namespace
        .on("kick", kick)
        .on("kill-transport", async |socket: Socket| socket.close_transport())
        .on("handshake", handshake)
        .on("transport", async |socket: Socket| socket.transport().as_str())
        .on("http-version", async |socket: Socket| format!("{:?}", socket.handshake().version()))
        .on("id", async |socket: Socket| socket.id().to_owned())
        .on("reason-of", reason_of)
        .on_disconnect(remember);
}

async fn kick(socket: Socket, Data((close,)): Data<(Option<bool>,)>) {
    socket.disconnect(close.unwrap_or_default());
}

async fn reason_of(State(reasons): State<Reasons>, Data(id): Data<String>) -> Option<&'static str> {
    reasons.of(&id).map(DisconnectReason::as_str)
}

async fn remember(socket: Socket, Reason(reason): Reason, State(reasons): State<Reasons>) {
    reasons.remember(socket.id(), reason);
}

/// The answer to `handshake`.
#[derive(Serialize)]
struct Known {
    auth: Box<RawValue>,
    query: BTreeMap<String, Values>,
    headers: BTreeMap<String, String>,
    nsp: String,
    eio: u8,
}

/// One value, or a list where a name comes more than once.
#[derive(Serialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

async fn handshake(socket: Socket) -> Result<Known> {
    let handshake = socket.handshake();
    Ok(Known {
        auth: handshake.auth()?,
        query: query(handshake.query()),
        headers: headers(handshake.headers()),
        nsp: socket.namespace().name().to_owned(),
        eio: handshake.protocol(),
    })
}

fn query<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> BTreeMap<String, Values> {
    let mut query: BTreeMap<String, Values> = BTreeMap::new();
    for (name, value) in pairs {
        let value = value.into_owned();
        let values = match query.remove(name.as_ref()) {
            None => Values::One(value),
            Some(Values::One(first)) => Values::Several(vec![first, value]),
            Some(Values::Several(mut values)) => {
                values.push(value);
                Values::Several(values)
            }
        };
        query.insert(name.into_owned(), values);
    }
    query
}

/// Headers that come more than once are one list, as HTTP allows.
fn headers<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        let known = headers.entry(name.to_owned()).or_default();
        let comma = if known.is_empty() { "" } else { ", " };
        *known += &[comma, value].concat();
    }
    headers
}

/// Of `/auth`: who does not know the secret is refused, with data.
pub(super) async fn authorize(socket: Socket) -> Result<()> {
    let handshake = socket.handshake();
    let auth: Value = handshake.auth()?;
    let in_query = handshake.query_value("token");
    if auth["token"] == "secret" || in_query.as_deref() == Some("secret") {
        return Ok(());
    }
    Err(Error::new("not authorized").with_data(&json!({"code": "E_AUTH", "retryAfter": 5})))
}

/// Of dynamic namespaces: which one that is.
pub(super) async fn introduce(socket: Socket) -> Result<()> {
    socket.emit("ns-info", &json!({"name": socket.namespace().name()}))?;
    Ok(())
}

/// Of `/auth`: the first thing that those hear who are let in.
pub(super) async fn welcome(socket: Socket) -> Result<()> {
    let auth: Value = socket.handshake().auth()?;
    socket.emit("welcome", &json!({"user": auth["user"]}))?;
    Ok(())
}
