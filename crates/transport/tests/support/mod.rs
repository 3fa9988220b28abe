//! An echo on a transport server of its own, and two small clients for it.
#![allow(dead_code, unreachable_pub, missing_docs)] // each test file uses its part

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use engine_proto::{CloseReason, Message};
use parking_lot::Mutex;
use sockeye_transport::{
    Application, Class, Config, Connection, Encoded, Handshake, Server, Upper, listener,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use websocket_proto::deflate::{Deflater, Offer};
use websocket_proto::{Event, Limits, Opcode, Receiver, Role};

/// What happened to the sessions of one server.
#[derive(Default)]
pub struct Record {
    pub closed: Mutex<Vec<CloseReason>>,
    pub dropped: AtomicUsize,
    pub connections: Mutex<Vec<Connection>>,
    /// Most messages that one turn of a session brought.
    pub longest_turn: AtomicUsize,
}

impl Record {
    pub fn reasons(&self) -> Vec<CloseReason> {
        self.closed.lock().clone()
    }
    pub fn last(&self) -> Connection {
        self.connections.lock().last().expect("a session has opened").clone()
    }
}

/// Answers each message with itself; `flood N` is answered with N kilobytes.
pub struct Echo(pub Arc<Record>);

pub struct EchoUpper {
    connection: Connection,
    record: Arc<Record>,
    /// Messages of this turn.
    turn: usize,
}

impl Application for Echo {
    type Upper = EchoUpper;
    fn open(&self, connection: Connection, _: Arc<Handshake>, _: Duration) -> EchoUpper {
        self.0.connections.lock().push(connection.clone());
        EchoUpper { connection, record: Arc::clone(&self.0), turn: 0 }
    }
    type OldUpper = EchoUpper;
    fn open_old(&self, connection: Connection, head: Arc<Handshake>, now: Duration) -> EchoUpper {
        self.open(connection, head, now)
    }
}

impl Upper for EchoUpper {
    fn message(
        &mut self,
        message: Message<'_>,
        _: Duration,
        _: &mut Context<'_>,
    ) -> Result<(), CloseReason> {
        self.turn += 1;
        match message {
            Message::Text("close") => return Err(CloseReason::ForcedClose),
            Message::Text(text) if text.starts_with("flood ") => {
                let kilobytes = text[6..].parse().expect("a number");
                let packet = Encoded::message(&"x".repeat(1024));
                for _ in 0..kilobytes {
                    let _ = self.connection.push(&packet, Class::Normal);
                }
            }
            Message::Text(text) => {
                let _ = self.connection.push(&Encoded::message(text), Class::Normal);
            }
            Message::Binary(data) => {
                let packet = Encoded::binary(Bytes::copy_from_slice(data));
                let _ = self.connection.push(&packet, Class::Normal);
            }
        }
        Ok(())
    }
    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        self.record.longest_turn.fetch_max(std::mem::take(&mut self.turn), Ordering::SeqCst);
        Poll::Ready(())
    }
    fn next_timeout(&self) -> Option<Duration> {
        None
    }
    fn timeout(&mut self, _: Duration) -> Result<(), CloseReason> {
        Ok(())
    }
    fn closed(&mut self, reason: CloseReason, _: &mut Context<'_>) {
        self.record.closed.lock().push(reason);
    }
}

impl Drop for EchoUpper {
    fn drop(&mut self) {
        self.record.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

pub struct Running {
    pub address: SocketAddr,
    pub server: Server<Echo>,
    pub record: Arc<Record>,
}

/// Pings often enough that a test sees one, and patient enough for a busy machine.
pub fn quick() -> Config {
    let mut config = Config::default();
    config.engine.ping_interval = Duration::from_millis(300);
    config.engine.ping_timeout = Duration::from_millis(200);
    config
}

pub async fn start(config: Config) -> Running {
    start_with(config, listener::Options::default()).await
}

pub async fn start_with(config: Config, options: listener::Options) -> Running {
    let record = Arc::new(Record::default());
    let server = Server::new(config, Echo(Arc::clone(&record)));
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let answering = server.clone();
    let answer = move |request, remote| {
        let server = answering.clone();
        async move { server.respond(request, remote).await }
    };
    tokio::spawn(listener::serve(tcp, options, answer, std::future::pending()));
    Running { address, server, record }
}

/// Waits for something that happens by itself; fails loudly if it does not.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not happen within ten seconds: {what}");
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    /// As text, as far as it is one.
    pub body: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// One kept-alive HTTP connection.
pub struct Http {
    pub socket: TcpStream,
    rest: Vec<u8>,
}

impl Http {
    pub async fn connect(address: SocketAddr) -> Http {
        Http { socket: TcpStream::connect(address).await.unwrap(), rest: Vec::new() }
    }

    pub async fn send(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) {
        let length = if body.is_empty() && method == "GET" {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n{headers}{length}\r\n");
        self.socket.write_all(head.as_bytes()).await.unwrap();
        self.socket.write_all(body).await.unwrap();
    }

    pub async fn answer(&mut self) -> Answer {
        let end = loop {
            if let Some(end) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await;
        };
        let head: Vec<u8> = self.rest.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let status = head[9..12].parse().unwrap();
        let mut answer = Answer { status, head, body: String::new(), bytes: Vec::new() };
        let length = answer.header("content-length").map_or(0, |value| value.parse().unwrap());
        while self.rest.len() < length {
            self.more().await;
        }
        answer.bytes = self.rest.drain(..length).collect();
        answer.body = String::from_utf8_lossy(&answer.bytes).into_owned();
        answer
    }

    async fn more(&mut self) {
        let read = self.socket.read_buf(&mut self.rest).await.unwrap();
        assert!(read > 0, "the server hung up: {:?}", String::from_utf8_lossy(&self.rest));
    }

    pub async fn get(&mut self, target: &str) -> Answer {
        self.send("GET", target, "", b"").await;
        self.answer().await
    }

    pub async fn post(&mut self, target: &str, body: &str) -> Answer {
        self.send("POST", target, "", body.as_bytes()).await;
        self.answer().await
    }

    /// Opens a session; returns its target for further requests.
    pub async fn open(&mut self) -> String {
        let open = self.get("/engine.io/?EIO=4&transport=polling").await;
        assert_eq!(open.status, 200, "{}", open.body);
        let sid = open.body.split('"').nth(3).unwrap();
        format!("/engine.io/?EIO=4&transport=polling&sid={sid}")
    }
}

/// What a WebSocket client hears.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Close(Option<u16>),
    /// The stream ended.
    End,
}

pub struct Ws {
    pub socket: TcpStream,
    receiver: Receiver,
    /// Only where compression was agreed on.
    deflater: Option<Deflater>,
    /// Bytes that have come behind the handshake.
    pub read: usize,
    heard: std::collections::VecDeque<Heard>,
}

impl Ws {
    /// Opens a session and takes its open packet.
    pub async fn open(address: SocketAddr) -> Ws {
        let mut ws = Ws::connect(address, "/engine.io/?EIO=4&transport=websocket").await;
        let Heard::Text(open) = ws.next().await else { panic!("no open packet") };
        assert!(open.starts_with("0{\"sid\":"), "{open}");
        ws
    }

    pub async fn connect(address: SocketAddr, target: &str) -> Ws {
        Ws::offering(address, target, "").await.0
    }

    /// Offers these extensions, if any; returns what the server has agreed to.
    pub async fn offering(address: SocketAddr, target: &str, offer: &str) -> (Ws, Option<String>) {
        let mut http = Http::connect(address).await;
        let extensions = match offer {
            "" => String::new(),
            offer => format!("Sec-WebSocket-Extensions: {offer}\r\n"),
        };
        let headers = format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}"
        );
        http.send("GET", target, &headers, b"").await;
        let answer = http.answer().await;
        assert_eq!(answer.status, 101, "{}{}", answer.head, answer.body);
        let accept = answer.header("sec-websocket-accept");
        assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let limits = Limits { frame: 1 << 26, message: 1 << 26, fragments: 1000 };
        let said = answer.header("sec-websocket-extensions");
        let agreed = Offer::default().verify(said).expect("an answer to the offer");
        let mut receiver = Receiver::new(Role::Client, limits);
        if let Some(agreed) = agreed {
            receiver = receiver.inflating(agreed.inflater(Role::Client));
        }
        let mut ws = Ws {
            socket: http.socket,
            receiver,
            deflater: agreed.and_then(|agreed| agreed.deflater(Role::Client, 6)),
            read: 0,
            heard: std::collections::VecDeque::new(),
        };
        ws.take_in(&mut http.rest);
        (ws, said.map(str::to_owned))
    }

    pub async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.socket.write_all(bytes).await;
    }

    /// Appends a binary message in one compressed frame.
    pub fn push_compressed(&mut self, wire: &mut Vec<u8>, payload: &[u8]) {
        let deflater = self.deflater.as_mut().expect("compression was agreed on");
        deflater.push_message(wire, Opcode::Binary, Some([1, 2, 3, 4]), payload);
    }

    /// A message in one compressed frame.
    pub async fn compressed(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut frame = Vec::new();
        let deflater = self.deflater.as_mut().expect("compression was agreed on");
        deflater.push_message(&mut frame, opcode, Some([1, 2, 3, 4]), payload);
        self.raw(&frame).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.frame(Opcode::Text, text.as_bytes()).await;
    }

    pub async fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut frame = Vec::new();
        websocket_proto::push_frame(&mut frame, opcode, true, Some([1, 2, 3, 4]), payload);
        let _ = self.socket.write_all(&frame).await;
    }

    /// Two texts in one write.
    pub async fn both(&mut self, first: &str, second: &str) {
        let mut frames = Vec::new();
        for text in [first, second] {
            let payload = text.as_bytes();
            websocket_proto::push_frame(
                &mut frames,
                Opcode::Text,
                true,
                Some([1, 2, 3, 4]),
                payload,
            );
        }
        let _ = self.socket.write_all(&frames).await;
    }

    /// One text in several frames.
    pub async fn fragments(&mut self, pieces: &[&str]) {
        let mut frames = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            let opcode = if number == 0 { Opcode::Text } else { Opcode::Continuation };
            let fin = number + 1 == pieces.len();
            let key = Some([1, 2, 3, 4]);
            websocket_proto::push_frame(&mut frames, opcode, fin, key, piece.as_bytes());
        }
        let _ = self.socket.write_all(&frames).await;
    }

    pub async fn next(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return heard;
            }
            let mut buffer = vec![0; 65536];
            match self.socket.read(&mut buffer).await {
                Ok(0) | Err(_) => return Heard::End,
                Ok(length) => self.take_in(&mut buffer[..length]),
            }
        }
    }

    /// Nothing has come, and nothing comes for a moment.
    pub async fn is_silent(&mut self) -> bool {
        let moment = Duration::from_millis(50);
        self.heard.is_empty() && tokio::time::timeout(moment, self.next()).await.is_err()
    }

    /// The next text that is no ping.
    pub async fn next_text(&mut self) -> String {
        loop {
            match self.next().await {
                Heard::Text(text) if text == "2" => self.text("3").await,
                Heard::Text(text) => return text,
                other => panic!("expected a text, got {other:?}"),
            }
        }
    }

    fn take_in(&mut self, bytes: &mut [u8]) {
        self.read += bytes.len();
        let mut incoming = self.receiver.receive(bytes);
        while let Some(event) = incoming.next().expect("the server keeps to RFC 6455") {
            self.heard.push_back(match event {
                Event::Text(text) => Heard::Text(text.to_owned()),
                Event::Binary(data) | Event::Ping(data) | Event::Pong(data) => {
                    Heard::Binary(data.to_vec())
                }
                Event::Close(frame) => Heard::Close(frame.map(|frame| frame.code)),
            });
        }
    }
}
