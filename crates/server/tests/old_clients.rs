//! Clients of Socket.IO 2 (Engine.IO 3): how they join, what they are told, and that they are like any other then.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use sockeye::{Args, Bytes, Durability, Error, Io, Msgpack, Result, Socket};
use support::{Client, Notes, Polling, http, io, serve, soon};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const PATH: &str = "/socket.io/?EIO=3&transport=";

/// A server that takes old clients.
fn old_io() -> Io {
    io(|io| io.allow_eio3(true))
}

/// A client over WebSocket, and its session's id.
struct Old {
    client: Client,
    sid: String,
}

impl Old {
    /// Opens a session; the main namespace has not been heard of yet.
    async fn open(address: std::net::SocketAddr) -> Old {
        let url = format!("ws://{address}{PATH}websocket&who=old");
        let (client, open) = Client::open_old(url.into_client_request().unwrap()).await;
        let sid = open.split('"').nth(3).unwrap().to_owned();
        Old { client, sid }
    }

    /// Opens a session, which joins the main namespace.
    async fn join(address: std::net::SocketAddr) -> Old {
        let mut old = Old::open(address).await;
        old.client.expect("40").await;
        old
    }
}

/// Answers `id`, `auth` and `protocol`, and gives back what is said to `echo`.
fn handle(io: &Io, namespace: &str) {
    io.of(namespace)
        .on("id", async |socket: Socket| socket.id().to_owned())
        .on("auth", async |socket: Socket| -> Result<Value> { Ok(socket.handshake().auth()?) })
        .on("protocol", async |socket: Socket| socket.handshake().protocol())
        .on("echo", async |socket: Socket, args: Args| -> Result<Args> {
            socket.emit("echo", &args)?;
            Ok(args)
        });
}

#[tokio::test]
async fn an_old_client_is_refused_with_code_5_unless_it_is_allowed() {
    let address = serve(&io(|io| io)).await;
    let (status, _, body) = http(address, &format!("GET {PATH}polling HTTP/1.1"), "").await;
    assert_eq!((status, body.contains("\"code\":5")), (400, true), "{body}");
}

#[tokio::test]
async fn the_main_namespace_is_joined_in_the_answer_that_opens_the_session() {
    let address = serve(&old_io()).await;
    let (status, _, body) = http(address, &format!("GET {PATH}polling HTTP/1.1"), "").await;
    assert_eq!(status, 200);
    let (length, rest) = body.split_once(':').unwrap();
    let (open, connect) = rest.split_at(length.parse().unwrap());
    assert!(open.starts_with("0{\"sid\":") && open.ends_with('}'), "{open}");
    assert_eq!(connect, "2:40");
    Old::join(address).await;
}

#[tokio::test]
async fn an_old_client_has_the_ids_that_it_makes_for_itself() {
    let io = old_io();
    handle(&io, "/");
    handle(&io, "/chat");
    let mut old = Old::join(serve(&io).await).await;
    old.client.send("420[\"id\"]").await;
    old.client.expect(&format!("430[\"{}\"]", old.sid)).await;
    old.client.send("40/chat,").await;
    old.client.expect("40/chat,").await;
    old.client.send("42/chat,1[\"id\"]").await;
    old.client.expect(&format!("43/chat,1[\"/chat#{}\"]", old.sid)).await;
    let sockets = io.of("/chat").fetch_sockets().await.unwrap();
    assert_eq!(sockets[0].id(), format!("/chat#{}", old.sid));
    // Its id is a room, as for everybody.
    io.of("/chat").to(sockets[0].id()).emit("hello", &()).unwrap();
    old.client.expect("42/chat,[\"hello\"]").await;
}

#[tokio::test]
async fn a_query_behind_the_name_of_a_namespace_is_what_came_with_the_connect() {
    let io = old_io();
    handle(&io, "/chat");
    handle(&io, "/");
    let mut old = Old::join(serve(&io).await).await;
    old.client.send("40/chat?a=1&b=x%20y&b=z,").await;
    old.client.expect("40/chat,").await;
    old.client.send("42/chat,1[\"auth\"]").await;
    old.client.expect("43/chat,1[{\"a\":\"1\",\"b\":[\"x y\",\"z\"]}]").await;
    old.client.send("422[\"auth\"]").await;
    old.client.expect("432[{}]").await;
}

#[tokio::test]
async fn a_refusal_is_the_data_of_the_error_or_its_words() {
    let io = old_io();
    io.of("/words").middleware(async || -> Result<()> { Err(Error::new("no entry")) });
    let with_data =
        async || -> Result<()> { Err(Error::new("no entry").with_data(&json!({"code": 7}))) };
    io.of("/data").middleware(with_data);
    let nothing = async || -> Result<()> { Err(Error::new("no entry").with_data(&Value::Null)) };
    io.of("/null").middleware(nothing);
    let mut old = Old::join(serve(&io).await).await;
    for (asked, answer) in [
        ("40/words,", "44/words,\"no entry\""),
        ("40/data,", "44/data,{\"code\":7}"),
        ("40/null,", "44/null,\"no entry\""),
        ("40/none?a=1,", "44/none,{\"message\":\"Invalid namespace\"}"),
    ] {
        old.client.send(asked).await;
        old.client.expect(answer).await;
    }
}

#[tokio::test]
async fn a_client_that_the_main_namespace_refuses_is_told_and_goes_at_the_connect_timeout() {
    let io = io(|io| io.allow_eio3(true).connect_timeout(Duration::from_millis(200)));
    io.of("/").middleware(async || -> Result<()> { Err(Error::new("not you")) });
    let mut old = Old::open(serve(&io).await).await;
    old.client.expect("44\"not you\"").await;
    assert_eq!(old.client.rest().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_main_namespace_of_an_old_client_waits_for_its_middleware() {
    let io = old_io();
    let (entered, open) = (Notes::new(), std::sync::Arc::new(tokio::sync::Notify::new()));
    let (notes, gate) = (std::sync::Arc::clone(&entered), std::sync::Arc::clone(&open));
    io.of("/").middleware(move |socket: Socket| {
        notes.add(socket.is_connected());
        let gate = std::sync::Arc::clone(&gate);
        async move { gate.notified().await }
    });
    let polling = Polling::open_old(serve(&io).await, PATH, "").await;
    assert!(!entered.next().await, "it is not connected meanwhile");
    open.notify_one();
    assert_eq!(polling.get().await, "2:40");
}

#[tokio::test]
async fn events_answers_and_attachments_are_what_they_are_for_others() {
    let io = old_io();
    handle(&io, "/");
    let mut old = Old::join(serve(&io).await).await;
    old.client.send("427[\"echo\",1,\"😀\"]").await;
    old.client.expect("42[\"echo\",1,\"😀\"]").await;
    old.client.expect("437[1,\"😀\"]").await;
    old.client.send("451-8[\"echo\",{\"_placeholder\":true,\"num\":0}]").await;
    old.client.send_binary(&[4, 1, 2]).await;
    old.client.expect("451-[\"echo\",{\"_placeholder\":true,\"num\":0}]").await;
    assert_eq!(old.client.binary().await, [4, 1, 2]);
    old.client.expect("461-8[{\"_placeholder\":true,\"num\":0}]").await;
    assert_eq!(old.client.binary().await, [4, 1, 2]);
    old.client.send("429[\"protocol\"]").await;
    old.client.expect("439[3]").await;
}

#[tokio::test]
async fn an_old_client_that_polls_gets_attachments_as_it_asked_for_them() {
    let io = old_io();
    handle(&io, "/");
    let address = serve(&io).await;
    let polling = Polling::open_old(address, PATH, "&b64=1").await;
    let echo = "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]";
    let echo = format!("{}:{echo}6:b4AQI=", echo.len());
    polling.post(&echo).await;
    assert_eq!(polling.get().await, echo);
}

#[tokio::test]
async fn a_room_of_old_and_new_clients_hears_the_same_event() {
    let io = old_io();
    io.of("/").on_connect(async |socket: Socket| socket.join("all").map(drop));
    let address = serve(&io).await;
    let (mut new, _) = Client::join(address).await;
    let mut old = Old::join(address).await;
    let polling = Polling::open_old(address, PATH, "&b64=1").await;
    while io.to("all").fetch_sockets().await.unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    let file = (Bytes::from_static(&[1, 2]), "two bytes");
    assert_eq!(io.to("all").emit("file", &file).unwrap().recipients(), 3);
    let event = "451-[\"file\",{\"_placeholder\":true,\"num\":0},\"two bytes\"]";
    new.expect(event).await;
    assert_eq!(new.binary().await, [1, 2]);
    old.client.expect(event).await;
    assert_eq!(old.client.binary().await, [4, 1, 2]);
    let answer = polling.get().await;
    assert!(answer.ends_with(&format!("{}:{event}6:b4AQI=", event.len())), "{answer}");
}

#[tokio::test]
async fn a_room_of_old_and_new_clients_is_asked_and_each_answer_has_its_id() {
    let io = old_io();
    let address = serve(&io).await;
    io.of("/chat");
    let mut new = Client::open(address).await;
    let new_id = new.connect("/chat", "").await;
    let mut old = Old::join(address).await;
    old.client.send("40/chat,").await;
    old.client.expect("40/chat,").await;
    let asked = io.of("/chat").emit_with_ack::<String>("who", &());
    let answers = async {
        for (client, name) in [(&mut new, "new"), (&mut old.client, "old")] {
            let question = client.text().await;
            let id = question.strip_prefix("42/chat,").unwrap().split('[').next().unwrap();
            client.send(&format!("43/chat,{id}[\"{name}\"]")).await;
        }
    };
    let (answers, ()) = soon(async { tokio::join!(asked, answers) }).await;
    let mut answers = answers.answers;
    answers.sort_by_key(|(_, name)| name.clone());
    let expected = [(new_id, "new".to_owned()), (format!("/chat#{}", old.sid), "old".to_owned())];
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn an_old_client_leaves_by_each_way_with_the_reason_that_others_have() {
    let io = io(|io| {
        io.allow_eio3(true)
            .ping_interval(Duration::from_millis(300))
            .ping_timeout(Duration::from_millis(200))
    });
    let reasons = support::reasons(&io);
    io.of("/").on("kick", async |socket: Socket| socket.disconnect(true));
    let address = serve(&io).await;
    let mut left = Old::join(address).await;
    left.client.send("41").await;
    assert_eq!(reasons.next().await, "client namespace disconnect");
    let mut kicked = Old::join(address).await;
    kicked.client.send("42[\"kick\"]").await;
    assert_eq!(kicked.client.rest().await, ["41"]);
    assert_eq!(reasons.next().await, "server namespace disconnect");
    Old::join(address).await.client.hang_up();
    assert_eq!(reasons.next().await, "transport close");
    let _silent = Old::join(address).await;
    assert_eq!(reasons.next().await, "ping timeout");
}

#[tokio::test]
async fn a_second_connect_for_the_main_namespace_closes_the_connection() {
    let address = serve(&old_io()).await;
    for again in ["40", "40/,", "40/?a=1,", "40{\"token\":1}"] {
        let mut old = Old::join(address).await;
        old.client.send(again).await;
        assert_eq!(old.client.rest().await, Vec::<String>::new(), "{again}");
    }
}

#[tokio::test]
async fn an_event_that_comes_before_anything_else_does_no_harm() {
    let io = old_io();
    handle(&io, "/");
    let address = serve(&io).await;
    let mut old = Old::open(address).await;
    old.client.send("427[\"echo\"]").await;
    old.client.expect("40").await;
    old.client.expect("42[\"echo\"]").await;
    old.client.expect("437[]").await;
}

#[tokio::test]
async fn what_is_volatile_reaches_an_old_client_that_is_ready() {
    let io = old_io();
    io.of("/").on("tick", async |socket: Socket| -> Result<()> {
        socket.volatile().emit("tick", &1)?;
        Ok(())
    });
    let mut old = Old::join(serve(&io).await).await;
    old.client.send("42[\"tick\"]").await;
    old.client.expect("42[\"tick\",1]").await;
}

#[tokio::test]
async fn an_old_client_in_a_durable_namespace_is_a_member_that_never_comes_back() {
    let io = old_io();
    let gone = Notes::new();
    let notes = std::sync::Arc::clone(&gone);
    io.of("/").durable(Durability::Memory).on_gone(move |left| {
        notes.add(left.id().to_owned());
        async {}
    });
    io.of("/chat").durable(Durability::Memory);
    let address = serve(&io).await;
    let mut old = Old::join(address).await;
    let delivered = io.emit("news", &"one").unwrap().delivered();
    let event = old.client.text().await;
    // The token of the log stands behind the arguments, for everybody.
    assert!(event.starts_with("42[\"news\",\"one\",\""), "{event}");
    // Found by its id, in a namespace that is not the main one too; and what it claims to have been is not heard.
    old.client.send("40/chat?pid=somebody&offset=something,").await;
    old.client.expect("40/chat,").await;
    let id = format!("/chat#{}", old.sid);
    io.of("/chat").to(&id).emit("hello", &()).unwrap();
    let event = old.client.text().await;
    assert!(event.starts_with("42/chat,[\"hello\",\""), "{event}");
    let sid = old.sid.clone();
    old.client.hang_up();
    assert_eq!(gone.next().await, sid, "at once: nobody waits for it");
    let delivered = soon(delivered).await.unwrap();
    assert_eq!((delivered.to, delivered.of), (0, 0), "it never said what it had");
}

#[tokio::test]
async fn old_clients_speak_through_another_parser_too() {
    let io = io(|io| io.allow_eio3(true).parser(Msgpack));
    handle(&io, "/");
    let mut old = Old::open(serve(&io).await).await;
    let packet = |entries: &[&[u8]]| [&[4, 0x82 | 1][..], &entries.concat()].concat();
    let reply = old.client.binary().await;
    assert_eq!(reply[..2], [4, 0x82], "CONNECT, and nothing with it: {reply:?}");
    let echo = packet(&[b"\xa4type\x02", b"\xa3nsp\xa1/", b"\xa4data\x92\xa4echo\x07"]);
    old.client.send_binary(&echo).await;
    assert_eq!(old.client.binary().await, echo);
}
