//! Handlers of every shape, and what becomes of those that fail.

mod support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sockeye::{
    AckSender, Args, Call, Data, Error, Event, Extract, ExtractError, Io, MountError, Namespace,
    OnEvent, Result, Socket, State,
};
use support::{Client, Notes, io, serve, with_sync};

#[derive(Debug, Deserialize, Serialize)]
struct Point {
    x: i32,
    y: i32,
}

async fn named(Data(point): Data<Point>) -> Result<Point> {
    Ok(Point { x: point.y, y: point.x })
}

/// Sends events that ask for answers, and compares these.
async fn answers(io: &Io, cases: &[(&str, &str)]) {
    let (mut client, _) = Client::join(serve(io).await).await;
    for (id, (event, answer)) in cases.iter().enumerate() {
        client.send(&format!("42{id}{event}")).await;
        assert_eq!(client.text().await, format!("43{id}{answer}"), "{event}");
    }
}

#[tokio::test]
async fn the_return_value_is_the_acknowledgement() {
    let io = io(|io| io);
    let prefix = String::from("> ");
    io.of("/")
        .on("unit", async || {})
        .on("one", async || 7)
        .on("list", async || vec![1, 2])
        .on("tuple", async || (1, "two"))
        .on("struct", named)
        .on("args", async |args: Args| args)
        .on("two", async |Data((a, b)): Data<(i32, i32)>| a + b)
        .on("missing", async |Data((a, b)): Data<(i32, Option<i32>)>| (a, b))
        .on("text error", async || -> Result<u8, String> { Err("no".into()) })
        .on("text ok", async || -> Result<(u8, u8), String> { Ok((1, 2)) })
        .on("std error", async || -> Result<u8, std::num::ParseIntError> { "x".parse() })
        .on("with data", async || -> Result<()> { Err(Error::new("no").with_data(&7)) })
        .on("captures", move |Data(line): Data<String>| {
            let prefix = prefix.clone();
            async move { prefix + &line }
        })
        .on(
            "many",
            async |_: Socket,
                   _: Io,
                   _: Namespace,
                   _: Args,
                   Event(name): Event,
                   _: Data<u8>,
                   _: AckSender| name,
        );
    answers(
        &io,
        &[
            ("[\"unit\"]", "[]"),
            ("[\"one\"]", "[7]"),
            ("[\"list\"]", "[[1,2]]"),
            ("[\"tuple\"]", "[1,\"two\"]"),
            ("[\"struct\",{\"x\":1,\"y\":2}]", "[{\"x\":2,\"y\":1}]"),
            ("[\"args\",1, null,[]]", "[1, null,[]]"),
            ("[\"two\",1,2]", "[3]"),
            ("[\"missing\",1]", "[1,null]"),
            ("[\"text error\"]", "[{\"error\":{\"message\":\"no\"}}]"),
            ("[\"text ok\"]", "[1,2]"),
            ("[\"std error\"]", "[{\"error\":{\"message\":\"invalid digit found in string\"}}]"),
            ("[\"with data\"]", "[{\"error\":{\"message\":\"no\",\"data\":7}}]"),
            ("[\"captures\",\"a\"]", "[\"> a\"]"),
            ("[\"many\",1]", "[{\"error\":{\"message\":\"the handler gave no answer\"}}]"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_wrong_argument_is_named_in_the_answer_and_the_handler_is_not_called() {
    let io = io(|io| io);
    io.of("/")
        .on("two", async |Data((_, _)): Data<(String, u8)>| -> () { panic!("called") })
        .on("deep", async |Data(_): Data<Vec<Vec<Vec<u8>>>>| {});
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("421[\"two\",\"a\",\"b\"]").await;
    let answer = client.text().await;
    assert!(
        answer.starts_with("431[{\"error\":{\"message\":\"argument 2: invalid type"),
        "{answer}"
    );
    let deep = format!("422[\"deep\",{}{}]", "[".repeat(50_000), "]".repeat(50_000));
    client.send(&deep).await;
    let answer = client.text().await;
    assert!(answer.starts_with("432[{\"error\":"), "{answer}");
    assert_eq!(io.stats().rejected_arguments, 2);
}

/// A user's extractor around the sender, with something of its own that can fail.
struct Reply(AckSender);

impl Extract<OnEvent> for Reply {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        let ack = AckSender::extract(call)?;
        match call.event() {
            "bad reply" => Err(ExtractError::new::<Self>("no reply today")),
            _ => Ok(Reply(ack)),
        }
    }
}

#[tokio::test]
async fn a_wrong_argument_behind_an_ack_sender_is_named_in_the_answer_too() {
    async fn add(ack: AckSender, Data(n): Data<u32>) {
        ack.send(&n).unwrap();
    }
    let io = io(|io| io);
    io.of("/")
        .on("add", add)
        .on("behind reply", async |Reply(ack): Reply, _: Data<u32>| drop(ack))
        .on("bad reply", async |Reply(ack): Reply| drop(ack))
        .on("in front", async |_: Data<u32>, ack: AckSender| drop(ack))
        .on("dropped", async |ack: AckSender, _: Data<u32>| drop(ack));
    let (mut client, _) = Client::join(serve(&io).await).await;
    for (event, words) in [
        ("[\"add\",\"x\"]", "argument 1: invalid type"),
        ("[\"behind reply\",\"x\"]", "argument 1: invalid type"),
        ("[\"bad reply\"]", "no reply today\"}}]"),
        ("[\"in front\",\"x\"]", "argument 1: invalid type"),
        ("[\"dropped\",1]", "the handler gave no answer\"}}]"),
    ] {
        client.send(&format!("427{event}")).await;
        let answer = client.text().await;
        let expected = format!("437[{{\"error\":{{\"message\":\"{words}");
        assert!(answer.starts_with(&expected), "{answer}");
    }
    client.send("427[\"add\",3]").await;
    client.expect("437[3]").await; // nothing was answered twice
}

#[tokio::test]
async fn a_handler_that_panics_at_once_or_later_answers_with_an_error_and_harms_nobody() {
    let io = io(|io| io);
    with_sync(&io);
    io.of("/")
        .on("at once", || -> std::future::Ready<()> { panic!("in the closure") })
        .on("first poll", async || -> () { panic!("in the future") })
        .on("later", async || {
            tokio::task::yield_now().await;
            "x".parse::<u8>().unwrap()
        })
        .on("with sender", async |ack: AckSender| {
            tokio::task::yield_now().await;
            assert!(!ack.wanted(), "holding the sender");
        });
    let (mut client, _) = Client::join(serve(&io).await).await;
    for (id, event) in ["at once", "first poll", "later", "with sender"].iter().enumerate() {
        client.send(&format!("42{id}[\"{event}\"]")).await;
        let answer = client.text().await;
        assert!(
            answer.starts_with(&format!("43{id}[{{\"error\":{{\"message\":\"the handler")),
            "{answer}"
        );
    }
    client.sync().await;
    assert_eq!(io.stats().panics, 4);
}

#[tokio::test]
async fn an_event_that_nobody_handles_answers_with_an_error() {
    let io = io(|io| io);
    answers(&io, &[("[\"what\"]", "[{\"error\":{\"message\":\"nobody handles `what`\"}}]")]).await;
}

#[tokio::test]
async fn an_ack_sender_answers_after_its_handler_has_returned() {
    let io = io(|io| io);
    let kept = Notes::new();
    let notes = Arc::clone(&kept);
    io.of("/").on("later", move |ack: AckSender| {
        notes.add(ack);
        async { "ignored" }
    });
    with_sync(&io);
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("421[\"later\"]").await;
    let ack = kept.next().await;
    client.sync().await;
    ack.send(&("done", Bytes::from_static(&[9]))).unwrap();
    client.expect("461-1[\"done\",{\"_placeholder\":true,\"num\":0}]").await;
    assert_eq!(client.binary().await, [9]);
    client.send("42[\"later\"]").await;
    let ack = kept.next().await;
    assert!(!ack.wanted());
    ack.send(&1).unwrap();
    client.sync().await;
}

#[tokio::test]
async fn a_missing_state_fails_when_the_layer_is_made_and_names_event_and_type() {
    #[derive(Clone)]
    struct Database;
    let io = io(|io| io.state(7_u8));
    io.of("/shop").on("buy", async |_: State<u8>, _: State<Database>| {});
    let error = io.layer().unwrap_err();
    let MountError::MissingState { namespace, handler, state } = &error else { panic!("{error}") };
    assert_eq!((namespace.as_str(), handler.as_str()), ("/shop", "`buy`"));
    assert!(state.ends_with("Database"));
    assert!(error.to_string().contains("Io::builder().state(..)"), "{error}");
    assert!(io.serve("127.0.0.1:0").await.is_err());
}

#[tokio::test]
async fn a_state_that_could_not_be_missed_earlier_is_named_by_the_first_event_that_misses_it() {
    #[derive(Clone)]
    struct Database;
    let io = io(|io| io);
    io.of("/").on_connect(async |socket: Socket| {
        socket.on("own", async |_: State<Database>| {});
    });
    let layer = io.layer().unwrap();
    io.of("/").on("late", async |_: AckSender, _: State<Database>| {});
    let (mut client, _) = Client::join(serve_late(layer).await).await;
    for event in ["own", "late"] {
        client.send(&format!("421[\"{event}\"]")).await;
        let answer = client.text().await;
        let words = "431[{\"error\":{\"message\":\"the server has no `State<";
        assert!(answer.starts_with(words) && answer.contains("Database>`"), "{answer}");
    }
    assert_eq!(io.stats().rejected_arguments, 2);
}

/// Serves a layer that was made before all handlers were there.
async fn serve_late(layer: sockeye::Layer) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().layer(layer);
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn a_state_that_was_given_reaches_its_handler() {
    let io = io(|io| io.state(Arc::new(String::from("shared"))));
    io.of("/").on("get", async |State(text): State<Arc<String>>| text.len());
    answers(&io, &[("[\"get\"]", "[6]")]).await;
}

#[tokio::test]
async fn a_handler_that_holds_its_thread_is_counted() {
    let io = io(|io| io.slow_handler(Duration::from_millis(5)));
    io.of("/").on("block", async || {
        std::thread::sleep(Duration::from_millis(20));
    });
    answers(&io, &[("[\"block\"]", "[]")]).await;
    assert_eq!(io.stats().slow_polls, 1);
}
