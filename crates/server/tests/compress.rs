//! Compression over WebSocket, and saying no to it, as seen on the wire.

mod support;

use std::net::SocketAddr;

use sockeye::{BuildError, Bytes, Durability, Io, PerMessageDeflate, Socket};
use support::{Client, io, serve, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use websocket_proto::deflate::Offer;
use websocket_proto::{Event, Limits, Opcode, Receiver, Role, push_frame};

/// A client that negotiated compression, and counts what comes.
struct Deflating {
    stream: TcpStream,
    receiver: Receiver,
    heard: Vec<String>,
    read: usize,
}

impl Deflating {
    /// In the main namespace.
    async fn join(address: SocketAddr) -> Deflating {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Extensions: {}\r\n\r\n",
            Offer::default()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon(stream.read_u8()).await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let answer = head.lines().find_map(|line| line.strip_prefix("sec-websocket-extensions: "));
        let agreed = Offer::default().verify(answer).unwrap().expect("an answer to the offer");
        let receiver = Receiver::new(Role::Client, Limits::default());
        let receiver = receiver.inflating(agreed.inflater(Role::Client));
        let mut client = Deflating { stream, receiver, heard: Vec::new(), read: 0 };
        client.send("40").await;
        assert!(client.next().await.starts_with('0'));
        assert!(client.next().await.starts_with("40{\"sid\""));
        client
    }

    async fn send(&mut self, text: &str) {
        let mut frame = Vec::new();
        push_frame(&mut frame, Opcode::Text, true, Some([1, 2, 3, 4]), text.as_bytes());
        self.stream.write_all(&frame).await.unwrap();
    }

    /// The next message; one of bytes as their number.
    async fn next(&mut self) -> String {
        while self.heard.is_empty() {
            let mut piece = vec![0; 4096];
            let length = soon(self.stream.read(&mut piece)).await.unwrap();
            assert!(length > 0, "the server hung up");
            self.read += length;
            let mut incoming = self.receiver.receive(&mut piece[..length]);
            while let Some(event) = incoming.next().unwrap() {
                self.heard.push(match event {
                    Event::Text(text) => text.to_owned(),
                    Event::Binary(data) => format!("{} bytes", data.len()),
                    other => panic!("{other:?}"),
                });
            }
        }
        self.heard.remove(0)
    }

    /// How many bytes these messages come in.
    async fn cost_of(&mut self, messages: &[&str]) -> usize {
        let before = self.read;
        for message in messages {
            assert_eq!(self.next().await, *message);
        }
        self.read - before
    }
}

fn deflating() -> Io {
    io(|builder| builder.per_message_deflate(PerMessageDeflate::default()))
}

fn letter() -> String {
    "dear ".repeat(2000)
}

#[tokio::test]
async fn a_broadcast_reaches_clients_with_and_without_compression() {
    let io = deflating();
    let address = serve(&io).await;
    let (mut smaller, mut also) = (Deflating::join(address).await, Deflating::join(address).await);
    let (mut plain, _) = Client::join(address).await;
    let packet = format!("42[\"news\",\"{}\"]", letter());
    for _ in 0..3 {
        io.emit("news", &letter()).unwrap();
        assert!(smaller.cost_of(&[&packet]).await < 200);
        assert!(also.cost_of(&[&packet]).await < 200);
        plain.expect(&packet).await;
    }
}

#[tokio::test]
async fn attachments_are_compressed_each_for_itself() {
    let io = deflating();
    let address = serve(&io).await;
    let mut client = Deflating::join(address).await;
    let files = (Bytes::from(vec![1; 50_000]), "and", Bytes::from(vec![2; 100]));
    io.emit("files", &files).unwrap();
    let head = "452-[\"files\",{\"_placeholder\":true,\"num\":0},\"and\",{\"_placeholder\":true,\"num\":1}]";
    let cost = client.cost_of(&[head, "50000 bytes", "100 bytes"]).await;
    assert!(cost < 1000, "{cost}");
}

#[tokio::test]
async fn what_is_not_to_be_compressed_goes_out_as_it_is() {
    let io = deflating();
    io.of("/").on("tell", async |socket: Socket| {
        socket.compress(false).emit("to one", &letter()).map(drop)
    });
    io.of_matching("/room-*");
    let address = serve(&io).await;
    let mut client = Deflating::join(address).await;
    client.send("42[\"tell\"]").await;
    let to_one = format!("42[\"to one\",\"{}\"]", letter());
    assert!(client.cost_of(&[&to_one]).await > 10_000);
    let to_all = format!("42[\"to all\",\"{}\"]", letter());
    for broadcast in [io.compress(false), io.of("/").volatile().compress(false)] {
        broadcast.emit("to all", &letter()).unwrap();
        assert!(client.cost_of(&[&to_all]).await > 10_000);
        broadcast.compress(true).emit("to all", &letter()).unwrap();
        assert!(client.cost_of(&[&to_all]).await < 200);
    }
    let file = Bytes::from(vec![1; 50_000]);
    io.compress(false).emit("file", &file).unwrap();
    let head = "451-[\"file\",{\"_placeholder\":true,\"num\":0}]";
    assert!(client.cost_of(&[head, "50000 bytes"]).await > 50_000);
}

#[tokio::test]
async fn each_event_of_a_durable_namespace_is_compressed_with_its_own_token() {
    let io = deflating();
    io.of("/").durable(Durability::Memory);
    let address = serve(&io).await;
    let mut client = Deflating::join(address).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let token = io.emit("news", &letter()).unwrap().stored().await.unwrap().unwrap();
        let packet = format!("42[\"news\",\"{}\",\"{}\"]", letter(), token.as_str());
        assert!(client.cost_of(&[&packet]).await < 300);
        tokens.push(token);
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
}

#[test]
fn a_level_that_is_none_is_refused_when_the_server_is_built() {
    for level in [0, 10] {
        let options = PerMessageDeflate::default().level(level);
        let error = Io::builder().per_message_deflate(options).build().unwrap_err();
        assert!(matches!(error, BuildError::Option { option: "per_message_deflate", .. }));
        assert!(error.to_string().contains("a level is 1 to 9"), "{error}");
    }
}
