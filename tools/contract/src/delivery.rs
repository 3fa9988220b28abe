//! Profile `delivery`: nothing missed, in three classes, and a namespace that promises nothing beside them.
//!
//! | namespace | class    |
//! |-----------|----------|
//! | `/`       | `fsync`  |
//! | `/async`  | `async`  |
//! | `/memory` | `memory` |
//! | `/plain`  | –        |
//!
//! `--data DIR` holds the log: a restart on the same directory goes on where the last run was killed. `SESSION_MS` and
//! `EVENTS_MS` in the environment say for how long sessions and events are kept.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde::de::IgnoredAny;
use sockeye::{
    Args, Broadcast, Data, Durability, Emitted, Io, Log, LogOptions, Namespace, Socket, Token,
};

use crate::{Result, listen, ready, serve};

const PING: Duration = Duration::from_secs(2);
const SESSION: Duration = Duration::from_mins(10);
const EVENTS: Duration = Duration::from_hours(1);
const ANSWER: Duration = Duration::from_secs(30);
const RECEIPT: Duration = Duration::from_secs(10);

pub(crate) async fn run(port: u16, workers: usize, data: Option<&Path>) -> Result<()> {
    let data = data.ok_or("the profile `delivery` needs --data DIR: where the log is kept")?;
    let events = from_environment("EVENTS_MS")?.unwrap_or(EVENTS);
    let log = Log::open_with(data, LogOptions { event_age: events, ..LogOptions::default() })?;
    eprintln!("contract: {}", log.verdict());
    let io = Io::builder()
        .any_origin()
        .ping_interval(PING)
        .ping_timeout(PING)
        .away_timeout(from_environment("SESSION_MS")?.unwrap_or(SESSION))
        .workers(workers)
        .log(log)
        .build()?;
    durable(&io.of("/"), Durability::Fsync);
    durable(&io.of("/async"), Durability::Async);
    durable(&io.of("/memory"), Durability::Memory);
    plain(&io.of("/plain"));
    io.service()?; // an incomplete server is found before it says that it is ready
    let listener = listen(port).await?;
    ready("delivery", port);
    serve(vec![(io, listener)], workers).await
}

fn from_environment(name: &str) -> Result<Option<Duration>> {
    let Ok(text) = std::env::var(name) else {
        return Ok(None);
    };
    let milliseconds = text.parse();
    let milliseconds = milliseconds
        .map_err(|_| format!("{name} is `{text}`: a whole number of milliseconds is expected"))?;
    Ok(Some(Duration::from_millis(milliseconds)))
}

fn durable(namespace: &Namespace, class: Durability) {
    namespace.durable(class).once("say", "/1").on("say", say).on_gone(async |gone| {
        let _ = gone.namespace().to("lobby").emit("gone", gone.id());
    });
    register(namespace);
}

fn plain(namespace: &Namespace) {
    namespace.on_disconnect(async |namespace: Namespace, socket: Socket| {
        let _ = namespace.to("lobby").emit("gone", socket.id());
    });
    register(namespace);
}

fn register(namespace: &Namespace) {
    namespace
        .on("join", join)
        .on("leave", leave)
        .on("publish", publish)
        .on("tell", publish)
        .on("ask", ask)
        .on("tick", tick)
        .on("remove", remove)
        .on("whoami", whoami)
        .on("history", history)
        .on("receipt", receipt);
}

async fn join(socket: Socket, Data(room): Data<String>) -> sockeye::Result<bool> {
    socket.join(room)?.stored().await?;
    Ok(true)
}

async fn leave(socket: Socket, Data(room): Data<String>) -> sockeye::Result<bool> {
    socket.leave(room)?.stored().await?;
    Ok(true)
}

#[derive(Serialize)]
struct Published {
    token: Option<Token>,
}

/// `publish` (room, key, payload), and `tell` (socket id, payload), which has no key: the id of a socket is a room.
async fn publish(
    namespace: Namespace,
    sockeye::Event(name): sockeye::Event,
    Data((room, key)): Data<(String, Option<serde_json::Value>)>,
    args: Args,
) -> sockeye::Result<Published> {
    let mut to = namespace.to(room);
    if name == "tell" {
        let emitted = emit(&to, &args, 1)?;
        return Ok(Published { token: emitted.stored().await? });
    }
    if let Some(serde_json::Value::String(key)) = key {
        to = to.key(key);
    }
    let emitted = emit(&to, &args, 2)?;
    Ok(Published { token: emitted.stored().await? })
}

/// `say` (payload, key): whoever is in the room `said` hears it, once for each key.
async fn say(
    namespace: Namespace,
    Data((_, key)): Data<(IgnoredAny, String)>,
    args: Args,
) -> sockeye::Result<Published> {
    let payload = args.get(0).unwrap_or_default();
    let emitted = namespace.to("said").key(key).emit("said", &payload)?;
    Ok(Published { token: emitted.stored().await? })
}

/// The argument at this place is passed on as it came.
fn emit(to: &Broadcast, args: &Args, payload: usize) -> sockeye::Result<Emitted> {
    Ok(to.emit("event", &args.get(payload).unwrap_or_default())?)
}

async fn ask(namespace: Namespace, Data(socket): Data<String>, args: Args) -> Args {
    let question = args.get(1).unwrap_or_default();
    let asked = namespace.to(socket).timeout(ANSWER);
    let answers = asked.emit_with_ack::<Args>("question", &question).await;
    let answer = answers.into_values().into_iter().next();
    answer.and_then(|args| args.get(0)).unwrap_or_else(null)
}

fn null() -> Args {
    Args::new(&serde_json::Value::Null).unwrap_or_default()
}

async fn tick(namespace: Namespace, Data(room): Data<String>, args: Args) -> sockeye::Result<()> {
    namespace.to(room).volatile().emit("tick", &args.get(1).unwrap_or_default())?;
    Ok(())
}

async fn remove(
    namespace: Namespace,
    Data((socket, room)): Data<(String, String)>,
) -> sockeye::Result<bool> {
    namespace.in_(socket).sockets_leave(room).stored().await?;
    Ok(true)
}

#[derive(Serialize)]
struct Who {
    id: String,
    rooms: Vec<String>,
}

async fn whoami(socket: Socket) -> Who {
    let mut rooms = socket.rooms();
    rooms.sort();
    Who { id: socket.id().to_owned(), rooms }
}

#[derive(Serialize)]
struct Past {
    token: Token,
    args: Box<serde_json::value::RawValue>,
}

async fn history(
    namespace: Namespace,
    Data((room, limit)): Data<(String, usize)>,
) -> sockeye::Result<Vec<Past>> {
    let events = namespace.history(room).limit(limit).load().await?;
    let past = events.into_iter().filter(|event| event.name == "event").map(|event| {
        let args = serde_json::value::RawValue::from_string(format!("[{}]", event.args.json()))?;
        Ok(Past { token: event.token, args })
    });
    past.collect()
}

#[derive(Serialize)]
struct Receipt {
    delivered: usize,
    of: usize,
}

async fn receipt(
    namespace: Namespace,
    Data(room): Data<String>,
    args: Args,
) -> sockeye::Result<Receipt> {
    let emitted = emit(&namespace.to(room), &args, 1)?;
    let of = emitted.recipients();
    Ok(match emitted.delivered_within(RECEIPT).await {
        Ok(delivered) => Receipt { delivered: delivered.to, of: delivered.of },
        // Nobody confirms where nothing is durable.
        Err(_) => Receipt { delivered: 0, of },
    })
}
