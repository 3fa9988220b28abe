//! What the test suite of npm `socket.io-client` asks of a server. The scenarios of our own client have the same one:
//! `crates/client/tests` takes this file as it is.
//!
//! | namespace                           | does                                                        |
//! |-------------------------------------|-------------------------------------------------------------|
//! | `/`                                 | what the tests ask for; refuses if the query has `fail`        |
//! | `/foo`                              | says ids                                                    |
//! | `/abc`                              | says the handshake                                          |
//! | `/no`                               | refuses                                                     |
//! | `/valid`, `/asd`, `/timeout_socket` | nothing                                                     |

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sockeye::{
    AckError, Args, BuildError, Builder, Data, Durability, Error, Io, Namespace, Result, Socket,
};

const NAMESPACES: [&str; 7] = ["/", "/foo", "/abc", "/no", "/valid", "/asd", "/timeout_socket"];

/// A server that has them.
pub(crate) fn assemble(builder: Builder) -> Result<Io, BuildError> {
    let io = builder.ping_interval(Duration::from_secs(2)).build()?;
    for name in NAMESPACES {
        io.of(name).durable(Durability::Memory);
    }
    main(&io.of("/"));
    io.of("/foo").on("getId", id);
    io.of("/abc").on_connect(async |socket: Socket| -> Result<()> {
        socket.emit("handshake", &handshake(&socket)?)?;
        Ok(())
    });
    io.of("/no").middleware(async || refused("Auth failed (custom namespace)"));
    Ok(io)
}

fn main(namespace: &Namespace) {
    namespace.middleware(async |socket: Socket| match socket.handshake().query_value("fail") {
        Some(_) => refused("Auth failed (main namespace)"),
        None => Ok(()),
    });
    namespace
        .on("hi", async |socket: Socket| socket.emit("hi", &()).map(drop))
        .on("echo", async |args: Args| args)
        .on("ack", ack)
        .on("getId", id)
        .on("getHandshake", async |socket: Socket| handshake(&socket));
    say_things(namespace);
    take_bytes(namespace);
}

fn refused(why: &str) -> Result<()> {
    Err(Error::new(why))
}

async fn id(socket: Socket) -> String {
    socket.id().to_owned()
}

async fn ack(socket: Socket) -> Result<()> {
    let answer: Result<(Value, Value), AckError> = socket.emit_with_ack("ack", &()).await;
    if answer.is_ok_and(|answer| answer == (json!(5), json!({"test": true}))) {
        socket.emit("got it", &())?;
    }
    Ok(())
}

/// The suite looks at its kind only.
const DATE: &str = "2026-11-26T06:00:00.000Z";

const TEXTS: [&str; 5] = ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"];

fn say_things(namespace: &Namespace) {
    let bytes = || Bytes::from_static(b"asdfasdf");
    namespace
        .on("getAckDate", async || DATE)
        .on("getDate", async |socket: Socket| socket.emit("takeDate", DATE).map(drop))
        .on("getDateObj", async |socket: Socket| {
            socket.emit("takeDateObj", &json!({"date": DATE})).map(drop)
        })
        .on("getUtf8", async |socket: Socket| {
            TEXTS.iter().try_for_each(|text| socket.emit("takeUtf8", *text).map(drop))
        })
        .on("false", async |socket: Socket| socket.emit("false", &false).map(drop))
        .on("doge", move |socket: Socket| async move { socket.emit("doge", &bytes()).map(drop) })
        .on(
            "getbin",
            move |socket: Socket| async move { socket.emit("takebin", &bytes()).map(drop) },
        );
}

/// Bytes between texts.
#[derive(Deserialize)]
struct Mixed {
    hello: String,
    #[allow(dead_code, reason = "its kind is what is looked at")]
    message: Bytes,
    goodbye: String,
}

/// What is no byte string, or comes in another order, is not answered.
fn take_bytes(namespace: &Namespace) {
    for (event, answer) in [("buffa", "buffack"), ("blob", "back")] {
        namespace.on(event, move |socket: Socket, Data(_): Data<Bytes>| async move {
            socket.emit(answer, &()).map(drop)
        });
    }
    for (event, answer) in [("jsonbuff", "jsonbuff-ack"), ("jsonblob", "jsonblob-ack")] {
        namespace.on(event, move |socket: Socket, Data(mixed): Data<Mixed>| async move {
            let fits = mixed.hello == "lol" && mixed.goodbye == "gotcha";
            if fits { socket.emit(answer, &()).map(drop) } else { Ok(()) }
        });
    }
    for event in ["abuff1", "blob1"] {
        namespace.on(event, move |socket: Socket, Data(_): Data<Bytes>| async move {
            socket.data().set(event)
        });
    }
    namespace
        .on("abuff2", async |socket: Socket| {
            follow(&socket, "abuff1", |socket| socket.emit("abuff2-ack", &()).map(drop))
        })
        .on("blob2", async |socket: Socket, Data(text): Data<String>| {
            follow(&socket, "blob1", |socket| socket.data().set(&text))
        })
        .on("blob3", async |socket: Socket, Data(_): Data<Bytes>| {
            follow(&socket, "second", |socket| socket.emit("blob3-ack", &()).map(drop))
        });
}

/// Does something if this was the last that came.
fn follow<E>(socket: &Socket, last: &str, act: impl FnOnce(&Socket) -> Result<(), E>) -> Result<()>
where
    Error: From<E>,
{
    if socket.data().get::<String>()?.as_deref() == Some(last) {
        act(socket)?;
    }
    Ok(())
}

/// The handshake in the reference's words.
#[derive(Serialize)]
struct Handshake {
    headers: BTreeMap<String, String>,
    time: &'static str,
    address: Option<String>,
    xdomain: bool,
    secure: bool,
    issued: u128,
    url: String,
    query: BTreeMap<String, String>,
    auth: Box<RawValue>,
}

fn handshake(socket: &Socket) -> Result<Handshake> {
    let handshake = socket.handshake();
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(Handshake {
        headers: handshake.headers().map(owned).collect(),
        time: DATE,
        address: handshake.address().map(|address| address.ip().to_string()),
        xdomain: handshake.header("origin").is_some(),
        secure: handshake.secure(),
        issued: handshake.time().duration_since(UNIX_EPOCH)?.as_millis(),
        url: handshake.url().to_owned(),
        query: handshake.query().map(|(name, value)| (name.into(), value.into())).collect(),
        auth: handshake.auth()?,
    })
}
