//! What an argument may be: of any kind, large, none at all, and with bytes in it; both ways.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use sockeye::{Args, Data, EmitError, Io, Result, Socket};
use support::{Client, Notes, Polling, io, serve, soon, with_sync};

async fn pair(io: &Io) -> (Client, Socket) {
    let (client, id) = Client::join(serve(io).await).await;
    (client, io.socket(&id).unwrap())
}

const FOUR: &str = r#"454-["multiple",1,{"_placeholder":true,"num":0},"3",[4],{"_placeholder":true,"num":1},[{"_placeholder":true,"num":2},"swag",{"_placeholder":true,"num":3}]]"#;

type Multiple = (i64, Bytes, String, Vec<i64>, Bytes, (Bytes, String, Bytes));

#[tokio::test]
async fn arguments_of_every_kind_arrive_together_and_go_back_the_same() {
    let io = io(|io| io);
    let seen = Notes::new();
    let notes = Arc::clone(&seen);
    io.of("/").on("multiple", move |socket: Socket, Data(all): Data<Multiple>| {
        socket.emit("multiple", &all).unwrap();
        notes.add(all);
        async {}
    });
    let (mut client, _) = pair(&io).await;
    let parts: [&[u8]; 4] = [&[0xff, 0xd8, 0, 0xd9], b"asdfasdf", &[], b"again"];
    client.send(FOUR).await;
    for part in parts {
        client.send_binary(part).await;
    }
    let (one, first, three, four, second, (third, swag, fourth)) = seen.next().await;
    assert_eq!((one, three.as_str(), four, swag.as_str()), (1, "3", vec![4], "swag"));
    assert_eq!([&first[..], &second, &third, &fourth], parts);
    client.expect(FOUR).await;
    for part in parts {
        assert_eq!(client.binary().await, part);
    }
}

#[tokio::test]
async fn null_is_an_argument_and_nothing_is_none() {
    let io = io(|io| io);
    io.of("/")
        .on("message", async |args: Args| args)
        .on("count", async |args: Args| args.len())
        .on("number", async |Data(number): Data<Option<u32>>| number.is_none());
    let (mut client, socket) = pair(&io).await;
    for (event, answer) in [
        ("[\"message\",1337]", "[1337]"),
        ("[\"message\",null]", "[null]"),
        ("[\"message\"]", "[]"),
        ("[\"count\",null]", "[1]"),
        ("[\"count\"]", "[0]"),
        ("[\"number\",null]", "[true]"),
        ("[\"number\"]", "[true]"),
    ] {
        client.send(&format!("427{event}")).await;
        assert_eq!(client.text().await, format!("437{answer}"), "{event}");
    }
    socket.emit("message", &None::<u8>).unwrap();
    socket.emit("message", &()).unwrap();
    client.expect("42[\"message\",null]").await;
    client.expect("42[\"message\"]").await;
}

#[tokio::test]
async fn letters_of_any_script_arrive_as_often_as_they_are_sent() {
    let io = io(|io| io);
    io.of("/").on("hoot", async |Data(text): Data<String>| text);
    let (mut client, socket) = pair(&io).await;
    let text = "utf8 — string, キャンパス, Привет, \u{1f609}";
    for _ in 0..3 {
        socket.emit("hoot", text).unwrap();
    }
    for _ in 0..3 {
        client.expect(&format!("42[\"hoot\",\"{text}\"]")).await;
    }
    client.send(&format!("421[\"hoot\",\"{text}\"]")).await;
    client.expect(&format!("431[\"{text}\"]")).await;
}

#[tokio::test]
async fn bytes_may_stand_in_a_question_and_in_its_answer_on_both_sides() {
    let io = io(|io| io);
    io.of("/")
        .on("weigh", async |Data(bytes): Data<Bytes>| (bytes.len(), "bytes"))
        .on("give", async || Bytes::from_static(&[0, 1]));
    let (mut client, socket) = pair(&io).await;
    client.send(r#"451-7["weigh",{"_placeholder":true,"num":0}]"#).await;
    client.send_binary(&[0; 3]).await;
    client.expect(r#"437[3,"bytes"]"#).await;
    client.send("428[\"give\"]").await;
    client.expect(r#"461-8[{"_placeholder":true,"num":0}]"#).await;
    assert_eq!(client.binary().await, [0, 1]);

    let question = socket.emit_with_ack::<Bytes>("hi", &(1, Bytes::from_static(&[9; 4])));
    client.expect(r#"451-0["hi",1,{"_placeholder":true,"num":0}]"#).await;
    assert_eq!(client.binary().await, [9; 4]);
    client.send(r#"461-0[{"_placeholder":true,"num":0}]"#).await;
    client.send_binary(&[5]).await;
    assert_eq!(soon(question).await.unwrap(), [5][..]);
}

/// Gives back what it gets, read and written anew.
fn echo(io: &Io) {
    io.of("/")
        .on("big", async |socket: Socket, Data(value): Data<Value>| -> Result<()> {
            socket.emit("big", &value)?;
            Ok(())
        })
        .on("image", async |socket: Socket, Data(bytes): Data<Bytes>| -> Result<()> {
            socket.emit("image", &bytes)?;
            Ok(())
        });
}

#[tokio::test]
async fn very_large_text_and_very_large_bytes_go_there_and_back_on_both_transports() {
    let io = io(|io| io);
    echo(&io);
    let address = serve(&io).await;
    let numbers: Vec<_> =
        (0..20_000).map(|number| json!({"name": "n", "number": number})).collect();
    let text = format!("42[\"big\",{}]", json!({"hello": "friend", "json": numbers}));
    assert!((500_000..1_000_000).contains(&text.len()));
    let image: Vec<u8> = (0..700_000_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    let head = r#"451-["image",{"_placeholder":true,"num":0}]"#;

    let (mut client, _) = Client::join(address).await;
    let polling = Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    polling.get().await;
    for _ in 0..3 {
        client.send(&text).await;
        assert!(client.text().await == text, "it has changed");
        client.send(head).await;
        client.send_binary(&image).await;
        client.expect(head).await;
        assert!(client.binary().await == image, "they have changed");

        polling.post(&text).await;
        assert!(polling.get().await == text, "it has changed");
    }
    let zeros = format!("{head}\x1eb{}", "A".repeat(900_000)); // what nothing but zeros is in base64
    polling.post(&zeros).await;
    assert!(polling.get().await == zeros, "they have changed");
}

#[tokio::test]
async fn a_reserved_name_is_refused_whoever_emits_it_and_error_is_none() {
    let io = io(|io| io);
    let (mut client, socket) = pair(&io).await;
    for name in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        let refused = [
            socket.emit(name, &()).map(drop),
            socket.volatile().emit(name, &()).map(drop),
            socket.to("room").emit(name, &()).map(drop),
            io.emit(name, &()).map(drop),
            io.of("/").to("room").emit(name, &()).map(drop),
        ];
        for refused in refused {
            assert!(matches!(refused, Err(EmitError::Reserved { event }) if event == name));
        }
    }
    socket.emit("error", "a plain event").unwrap();
    client.expect("42[\"error\",\"a plain event\"]").await;
}

#[tokio::test]
async fn what_a_client_says_last_is_heard_and_what_it_says_behind_its_goodbye_is_not() {
    let io = io(|io| io);
    let heard = Notes::new();
    let notes = Arc::clone(&heard);
    io.of("/").on("test", move |Data((number, _)): Data<(u32, Bytes)>| {
        notes.add(number);
        async {}
    });
    with_sync(&io);
    let address = serve(&io).await;
    let last = r#"451-["test",1,{"_placeholder":true,"num":0}]"#;
    let late = last.replace("\"test\",1", "\"test\",2");
    let polling = Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    polling.get().await;
    // All in one payload, as the official client sends it.
    polling.post(&format!("{last}\x1ebAQID\x1e41\x1e{late}\x1ebAQID")).await;
    polling.post("40").await;
    polling.get().await;
    polling.post("427[\"sync\"]").await;
    assert_eq!(polling.get().await, "437[]");
    assert_eq!(heard.so_far(), [1]);
}

#[test]
fn json_that_is_there_already_is_taken_as_it_is_or_not_at_all() {
    let json = r#"1e400,12345678901234567890,{"_placeholder":true,"num":0}"#;
    let bytes = [Bytes::from_static(b"bytes")];
    let args = Args::from_json(json, &bytes).unwrap();
    assert_eq!((args.len(), args.json(), args.attachments()), (3, json, &bytes[..]));
    assert!(Args::from_json("", &[]).unwrap().is_empty());
    for wrong in ["hello", "[1", "1,", "1 2", r#"{"_placeholder":true,"num":1}"#] {
        assert!(Args::from_json(wrong, &bytes).is_err(), "{wrong}");
    }
}
