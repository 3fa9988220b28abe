//! Messages of Engine.IO alone: what is sent is what arrives, up to the limit.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use sockeye::engine::{Builder, Message, Server, Socket};
use support::{Client, Notes, Polling, http, serve_engine, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// A server that notes what it hears, and says it again.
async fn echo(options: fn(Builder) -> Builder) -> (SocketAddr, Arc<Notes<Message>>) {
    let server = options(Server::builder()).build().unwrap();
    let heard = Notes::new();
    let notes = Arc::clone(&heard);
    server.on_connection(move |socket: Socket| {
        let notes = Arc::clone(&notes);
        async move {
            while let Some(message) = socket.recv().await {
                notes.add(message.clone());
                socket.send(message);
            }
        }
    });
    (serve_engine(&server).await, heard)
}

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

const TEXTS: [&str; 6] = [
    "",
    "石室詩士施氏，嗜獅，誓食十獅。",
    "Съешь ещё этих мягких французских булок",
    "🐟🏊🏽‍♀️ and é, e\u{301}",
    "\u{0}\u{7f}\u{2028}\u{feff}",
    "\"4\\u001e\"\r\n",
];

#[tokio::test]
async fn texts_of_any_script_arrive_unchanged_on_both_transports_and_in_both_directions() {
    let (address, heard) = echo(|server| server).await;
    let mut client = Client::open_at(address, "/engine.io/").await;
    let polling = Polling::open(address, "/engine.io/").await;
    for said in TEXTS {
        let packet = format!("4{said}");
        client.send(&packet).await;
        assert_eq!(heard.next().await, text(said));
        client.expect(&packet).await;
        polling.post(&packet).await;
        assert_eq!(heard.next().await, text(said));
        assert_eq!(polling.get().await, packet);
    }
}

#[tokio::test]
async fn bytes_of_every_value_arrive_unchanged_on_both_transports_and_in_both_directions() {
    let (address, heard) = echo(|server| server).await;
    let bytes: Vec<u8> = (0..=255).collect();
    let mut client = Client::open_at(address, "/engine.io/").await;
    client.send_binary(&bytes).await;
    assert_eq!(heard.next().await, Message::Binary(bytes.clone().into()));
    assert_eq!(client.binary().await, bytes);
    client.send_binary(&[]).await;
    assert_eq!(client.binary().await, [0; 0]);

    let polling = Polling::open(address, "/engine.io/").await;
    heard.next().await;
    for (packet, bytes) in [("bAAECAwQ=", &[0, 1, 2, 3, 4][..]), ("b+/8=", &[251, 255]), ("b", &[])]
    {
        polling.post(packet).await;
        assert_eq!(heard.next().await, Message::Binary(bytes.to_vec().into()));
        assert_eq!(polling.get().await, packet);
    }
}

/// A POST whose head and body are written in these pieces, each on its own.
async fn post_in_pieces(address: SocketAddr, client: &Polling, framing: &str, pieces: &[&str]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{framing}\r\n\r\n",
        client.path()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for piece in pieces {
        stream.write_all(piece.as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok"), "{answer}");
}

#[tokio::test]
async fn a_post_may_come_chunked_and_in_as_many_pieces_as_the_network_likes() {
    let (address, heard) = echo(|server| server.max_payload(10_000_000)).await;
    let client = Polling::open(address, "/engine.io/").await;
    let chunks = ["2\r\n41\r\n", "1\r\n2\r", "\n1\r\n3\r\n", "0\r\n\r\n"];
    post_in_pieces(address, &client, "Transfer-Encoding: chunked", &chunks).await;
    assert_eq!(heard.next().await, text("123"));

    let large = "é".repeat(1_000_000);
    let body = format!("4{large}");
    let mut pieces = vec!["4"];
    pieces.extend(large.as_bytes().chunks(1000).map(|piece| std::str::from_utf8(piece).unwrap()));
    let length = format!("Content-Length: {}", body.len());
    post_in_pieces(address, &client, &length, &pieces).await;
    assert_eq!(heard.next().await, text(&large));
}

#[tokio::test]
async fn whoever_sends_a_message_over_the_limit_is_told_so_and_no_handler_hears_it() {
    let (address, heard) = echo(|server| server.max_payload(5)).await;
    let client = Polling::open(address, "/engine.io/").await;
    let post = format!("POST {} HTTP/1.1", client.path());
    let (status, _, body) = http(address, &post, "4too large").await;
    assert_eq!((status, body.as_str()), (413, ""));
    client.post("4fits").await;
    assert_eq!(heard.next().await, text("fits"));

    let url = format!("ws://{address}/engine.io/?EIO=4&transport=websocket");
    let (mut stream, _) = connect_async(url).await.unwrap();
    let mut next = async || soon(stream.next()).await.unwrap().unwrap();
    assert!(next().await.to_string().starts_with("0{"));
    stream.send(Frame::text("4fits")).await.unwrap();
    let mut next = async || soon(stream.next()).await.unwrap().unwrap();
    assert_eq!(next().await, Frame::text("4fits"));
    assert_eq!(heard.next().await, text("fits"));
    stream.send(Frame::text("4too large")).await.unwrap();
    let Frame::Close(Some(frame)) = soon(stream.next()).await.unwrap().unwrap() else {
        panic!("the connection has to be closed");
    };
    assert_eq!(frame.code, CloseCode::Size);
    assert!(heard.so_far().is_empty());
}

#[tokio::test]
async fn messages_of_a_session_keep_their_order_and_come_once_each() {
    let server = Server::builder().build().unwrap();
    server.on_connection(async |socket: Socket| {
        for number in 0..3 {
            socket.send_text(&number.to_string());
        }
        tokio::task::yield_now().await;
        socket.send_text("3");
        socket.send_binary(vec![4]);
        socket.send_text("5");
    });
    let address = serve_engine(&server).await;
    let mut client = Client::open_at(address, "/engine.io/").await;
    for number in 0..4 {
        client.expect(&format!("4{number}")).await;
    }
    assert_eq!(client.binary().await, [4]);
    assert_eq!(client.rest().await, ["45"]);

    let client = Polling::open(address, "/engine.io/").await;
    let mut packets = Vec::new();
    while packets.last().is_none_or(|last| last != "1") {
        packets.extend(client.get().await.split('\u{1e}').map(str::to_owned));
    }
    packets.retain(|packet| !["1", "6"].contains(&packet.as_str()));
    assert_eq!(packets, ["40", "41", "42", "43", "bBA==", "45"]);
}
