//! Packets that are written by another parser than the default one.

mod support;

use bytes::Bytes;
use serde_json::json;
use sockeye::{Auth, Data, Error, Io, Socket as Served};
use sockeye_client::{
    Args, Builder, ConnectError, Msgpack, ParsedPacket, Parser, ParserError, SocketState,
    Transport, WireMessage,
};
use support::{Wire, until};

/// A server that answers `ask` with what was asked.
fn server(parser: impl Parser) -> Io {
    let io = Io::builder().allow_eio3(true).parser(parser).build().unwrap();
    for name in ["/", "/chat"] {
        io.of(name).on("ask", async |Data(what): Data<(u64, Bytes, String)>| what);
    }
    let closed = async |_: Served, Auth(auth): Auth<serde_json::Value>| -> Result<(), Error> {
        Err(Error::new("no entry").with_data(&auth))
    };
    io.of("/closed").middleware(closed);
    io
}

async fn is_spoken(builder: Builder) {
    let client = builder.auth(&json!({ "token": "x" })).build().unwrap();
    let (main, chat) = (client.of("/"), client.of("/chat"));
    let asked = (u64::MAX >> 12, Bytes::from_static(&[0, 255]), "né😀".to_owned());
    let early = main.emit_with_ack::<(u64, Bytes, String)>("ask", &asked);
    tokio::try_join!(main.connect(), chat.connect()).unwrap();
    assert_eq!(early.await.unwrap(), asked);
    let large = (7, Bytes::from(vec![0xab; 100_000]), "x".repeat(70_000));
    assert_eq!(chat.emit_with_ack::<(u64, Bytes, String)>("ask", &large).await.unwrap(), large);
    let Err(ConnectError::Refused(refused)) = client.of("/closed").connect().await else {
        panic!("let in")
    };
    assert_eq!(refused.message, "no entry");
    assert_eq!(refused.data, Some(json!({ "token": "x" })));
    client.close().await;
}

#[tokio::test(start_paused = true)]
async fn messagepack_is_spoken_over_every_transport() {
    for transports in [&[Transport::Polling][..], &[Transport::WebSocket]] {
        let wire = Wire::to(&server(Msgpack));
        let builder = wire.builder("http://in-memory").parser(Msgpack);
        is_spoken(builder.transports(transports.to_vec())).await;
    }
}

#[tokio::test(start_paused = true)]
async fn messagepack_is_spoken_with_an_old_server() {
    for transports in [&[Transport::Polling][..], &[Transport::WebSocket]] {
        let io = server(Msgpack);
        let wire = Wire::to(&io);
        let builder = wire.builder("http://in-memory").eio3(true).parser(Msgpack);
        let client = builder.transports(transports.to_vec()).build().unwrap();
        let (main, chat) = (client.of("/"), client.of("/chat"));
        tokio::try_join!(main.connect(), chat.connect()).unwrap();
        assert_eq!(chat.id(), main.id().map(|id| format!("/chat#{id}")));
        let asked = (1, Bytes::from_static(&[4]), String::new());
        assert_eq!(chat.emit_with_ack::<(u64, Bytes, String)>("ask", &asked).await.unwrap(), asked);
    }
}

/// As the default one, but upside down, and without attachments.
struct Reversed;

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

impl Parser for Reversed {
    fn encode(&self, packet: &str, _: &[Bytes]) -> WireMessage<'static> {
        assert!(!packet.contains("panic"), "as asked");
        WireMessage::Text(reversed(packet).into())
    }

    fn decode(&self, message: WireMessage<'_>, _: usize) -> Result<ParsedPacket, ParserError> {
        match message {
            WireMessage::Text(text) => Ok((reversed(&text), Vec::new())),
            WireMessage::Binary(_) => Err("a packet is a text".into()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_parser_of_one_s_own_is_spoken_and_what_it_panics_at_is_not_sent() {
    let io = server(Reversed);
    io.of("/").on("say", async |Data(what): Data<String>| what);
    let wire = Wire::to(&io);
    let client = wire.builder("http://in-memory").parser(Reversed).build().unwrap();
    let main = client.of("/");
    main.connect().await.unwrap();
    main.emit("say", "panic").await.unwrap();
    assert_eq!(main.emit_with_ack::<String>("say", "hello").await.unwrap(), "hello");
}

#[tokio::test(start_paused = true)]
async fn a_server_with_another_parser_is_left() {
    let wire = Wire::to(&server(Reversed));
    let builder = wire.builder("http://in-memory").parser(Msgpack).reconnection(false);
    let socket = builder.build().unwrap().socket();
    assert!(socket.connect().await.is_err());
    until(&socket, |state| matches!(state, SocketState::Disconnected { .. })).await;
    let answer = socket.emit_with_ack::<Args>("ask", &1).timeout(std::time::Duration::from_secs(1));
    assert!(answer.await.is_err());
}
