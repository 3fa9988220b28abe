//! Other parsers than the default one: they translate at the door, and everything inside stays what it is.

mod support;

use std::borrow::Cow;

use serde_json::Value;
use sockeye::{
    Args, Bytes, Data, Durability, Io, Msgpack, ParsedPacket, Parser, ParserError, Result, Socket,
    WireMessage,
};
use support::{Client, Polling, io, serve};

/// `["echo"]` comes back with its arguments; `["ask"]` asks for an answer, and says what it was.
fn handle(io: &Io) {
    let main = io.of("/");
    main.on("echo", async |socket: Socket, args: Args| -> Result<Args> {
        socket.emit("echo", &args)?;
        Ok(args)
    });
    main.on("ask", async |socket: Socket| -> Result<()> {
        let answer = socket.emit_with_ack::<Value>("question", &()).await?;
        socket.emit("answer", &answer)?;
        Ok(())
    });
}

/// In MessagePack: a packet with these entries.
fn packed(entries: &[&[u8]]) -> Vec<u8> {
    let count = u8::try_from(entries.len()).unwrap();
    [&[0x80 | count], &entries.concat()[..]].concat()
}

const EVENT: &[u8] = b"\xa4type\x02";
const ACK: &[u8] = b"\xa4type\x03";
const MAIN: &[u8] = b"\xa3nsp\xa1/";

async fn packed_client(io: &Io) -> Client {
    let mut client = Client::open(serve(io).await).await;
    client.send_binary(&packed(&[b"\xa4type\0", MAIN])).await;
    let reply = client.binary().await;
    assert!(reply.starts_with(b"\x83\xa4type\0\xa3nsp\xa1/\xa4data"), "{reply:?}");
    client
}

#[tokio::test]
async fn a_packet_in_messagepack_is_one_binary_message_both_ways() {
    let io = io(|io| io.parser(Msgpack));
    handle(&io);
    let mut client = packed_client(&io).await;
    let data = b"\xa4data\x94\xa4echo\x07\xc4\x02\0\xff\x81\xa1a\xc0";
    client.send_binary(&packed(&[EVENT, MAIN, data, b"\xa2id\x0c"])).await;
    assert_eq!(client.binary().await, packed(&[EVENT, MAIN, data]));
    let answer = b"\xa4data\x93\x07\xc4\x02\0\xff\x81\xa1a\xc0";
    assert_eq!(client.binary().await, packed(&[ACK, MAIN, answer, b"\xa2id\x0c"]));
}

#[tokio::test]
async fn a_question_in_messagepack_is_answered() {
    let io = io(|io| io.parser(Msgpack));
    handle(&io);
    let mut client = packed_client(&io).await;
    client.send_binary(&packed(&[EVENT, MAIN, b"\xa4data\x91\xa3ask"])).await;
    let question = packed(&[EVENT, MAIN, b"\xa4data\x91\xa8question", b"\xa2id\0"]);
    assert_eq!(client.binary().await, question);
    client.send_binary(&packed(&[ACK, MAIN, b"\xa2id\0", b"\xa4data\x91\xa4fine"])).await;
    let answer = packed(&[EVENT, MAIN, b"\xa4data\x92\xa6answer\xa4fine"]);
    assert_eq!(client.binary().await, answer);
}

#[tokio::test]
async fn messagepack_goes_over_polling_as_base64() {
    let io = io(|io| io.parser(Msgpack));
    handle(&io);
    let client = Polling::open(serve(&io).await, "/socket.io/").await;
    client.post("bgqR0eXBlAKNuc3ChLw==").await;
    let reply = client.get().await;
    assert!(reply.starts_with("bg6R0eXBlAKNuc3ChL6RkYXRhgaNzaWS0"), "{reply}");
}

#[tokio::test]
async fn a_client_with_another_parser_is_disconnected() {
    let io = io(|io| io.parser(Msgpack));
    handle(&io);
    for message in ["40", "42[\"echo\"]"] {
        let mut client = Client::open(serve(&io).await).await;
        client.send(message).await;
        assert!(client.rest().await.is_empty());
    }
    let mut client = packed_client(&io).await;
    client.send_binary(b"\xc1").await;
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn more_attachments_than_the_limit_are_refused_in_messagepack_too() {
    let io = io(|io| io.parser(Msgpack).max_attachments(1));
    handle(&io);
    let mut client = packed_client(&io).await;
    client.send_binary(&packed(&[EVENT, MAIN, b"\xa4data\x93\xa4echo\xc4\0\xc4\0"])).await;
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn events_of_a_durable_namespace_have_their_tokens_in_messagepack_too() {
    let io = io(|io| io.parser(Msgpack));
    io.of("/").durable(Durability::Memory);
    let mut client = packed_client(&io).await;
    io.emit("news", &1).unwrap();
    let event = client.binary().await;
    let head = packed(&[EVENT, MAIN, b"\xa4data\x93\xa4news\x01\xb6"]);
    assert_eq!(event[..head.len()], head);
    assert_eq!(event.len(), head.len() + 22);
}

/// Every letter of a packet is one further on in the alphabet, so to say.
struct Shifted;

impl Parser for Shifted {
    fn encode(&self, packet: &str, _: &[Bytes]) -> WireMessage<'static> {
        let shifted = packet.bytes().map(|byte| char::from(byte + 1));
        WireMessage::Text(shifted.collect::<String>().into())
    }

    fn decode(&self, message: WireMessage<'_>, _: usize) -> Result<ParsedPacket, ParserError> {
        let WireMessage::Text(text) = message else { return Err("bytes".into()) };
        assert!(!text.contains('!'), "on purpose");
        Ok((text.bytes().map(|byte| char::from(byte - 1)).collect(), Vec::new()))
    }
}

fn shifted(text: &str) -> String {
    match Shifted.encode(text, &[]) {
        WireMessage::Text(Cow::Owned(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_parser_of_one_s_own_is_spoken_and_one_that_panics_ends_the_connection_alone() {
    let io = io(|io| io.parser(Shifted));
    io.of("/").on("add", async |Data((a, b)): Data<(u32, u32)>| a + b);
    let address = serve(&io).await;
    let (mut client, mut other) = (Client::open(address).await, Client::open(address).await);
    client.send(&format!("4{}", shifted("0"))).await;
    assert!(client.text().await.starts_with(&format!("4{}", shifted("0{\"sid\":\""))));
    other.send("4!").await;
    assert!(other.rest().await.is_empty());
    client.send(&format!("4{}", shifted("212[\"add\",1,2]"))).await;
    assert_eq!(client.text().await, format!("4{}", shifted("312[3]")));
}
