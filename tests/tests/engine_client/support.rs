//! A client that a test drives by hand, and a server of ours behind a pipe in memory.
#![allow(unreachable_pub)] // shared by the files beside it

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use engine_client::{
    Broken, Config, Connecting, Connector, Dialer, Ended, Engine, Open, Packet, Queue, Stream,
    Target, Upper,
};
use engine_proto::{CloseReason, Message, Transport};
use parking_lot::Mutex;
use tokio::io::DuplexStream;
use transport::{Application, Class, Connection, Encoded, Handshake, Server, listener};

/// A message that was kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Kept {
    Text(String),
    Binary(Vec<u8>),
}

/// As much of it as somebody wants to read.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kept::Text(text) if text.len() > 40 => write!(f, "text of {}", text.len()),
            Kept::Text(text) => write!(f, "{text:?}"),
            Kept::Binary(data) => write!(f, "{} bytes", data.len()),
        }
    }
}

impl Kept {
    pub fn text(text: &str) -> Kept {
        Kept::Text(text.to_owned())
    }

    fn of(message: Message<'_>) -> Kept {
        match message {
            Message::Text(text) => Kept::text(text),
            Message::Binary(data) => Kept::Binary(data.to_vec()),
        }
    }
}

/// What sits on the client: it keeps everything.
#[derive(Default)]
pub struct Ears {
    pub opened: usize,
    pub heard: Vec<Kept>,
    pub upgraded: Vec<Transport>,
    pub pings: usize,
    /// What is sent when there is room.
    pub to_send: std::collections::VecDeque<Packet>,
    pub deaf: bool,
    /// A message that cannot be read.
    pub broken_by: Option<&'static str>,
}

impl Upper for Ears {
    fn opened(&mut self, _: &Open, _: &mut Queue) {
        assert!(self.heard.is_empty(), "nothing comes before the open packet");
        self.opened += 1;
    }
    fn message(&mut self, message: Message<'_>, _: &mut Queue) -> Result<(), Broken> {
        if let (Message::Text(text), Some(broken)) = (message, self.broken_by)
            && text == broken
        {
            return Err("not what was expected".into());
        }
        self.heard.push(Kept::of(message));
        Ok(())
    }
    fn refill(&mut self, _: bool, queue: &mut Queue) {
        if let Some(packet) = self.to_send.pop_front() {
            queue.push(packet);
        }
    }
    fn takes_more(&self) -> bool {
        !self.deaf
    }
    fn upgraded(&mut self, transport: Transport) {
        self.upgraded.push(transport);
    }
    fn pinged(&mut self) {
        self.pings += 1;
    }
}

pub struct Client {
    pub engine: Engine,
    pub ears: Ears,
}

impl Client {
    pub fn new(config: Config) -> Client {
        Client { engine: Engine::open(Arc::new(config)), ears: Ears::default() }
    }

    pub fn send(&mut self, text: &str) {
        self.engine.queue().push(Packet::text(text));
    }

    pub fn send_with(&mut self, text: &str, attachments: Vec<Bytes>) {
        self.engine.queue().push(Packet { attachments, ..Packet::text(text) });
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        self.engine.poll(&mut self.ears, cx)
    }

    /// Drives it until this holds.
    pub async fn until(&mut self, mut holds: impl FnMut(&Client) -> bool) {
        poll_fn(|cx| {
            if let Poll::Ready(ended) = self.poll(cx) {
                panic!("ended: {ended:?}; heard {:?}", self.ears.heard.len());
            }
            if holds(self) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    pub async fn open(&mut self) {
        self.until(|client| client.engine.is_open()).await;
    }

    pub async fn upgraded(&mut self) {
        self.until(|client| client.engine.transport() == Some(Transport::WebSocket)).await;
    }

    /// Drives it until so many messages have come.
    pub async fn hear(&mut self, count: usize) -> Vec<Kept> {
        self.until(|client| client.ears.heard.len() >= count).await;
        std::mem::take(&mut self.ears.heard)
    }

    pub async fn end(&mut self) -> Ended {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Drives it for so long.
    pub async fn rest(&mut self, time: Duration) {
        let ended = tokio::time::timeout(time, self.end()).await;
        assert!(ended.is_err(), "ended: {ended:?}");
    }
}

/// What happened on the server.
#[derive(Default)]
pub struct Record {
    pub closed: Mutex<Vec<CloseReason>>,
    pub heard: Mutex<Vec<Kept>>,
    pub connections: Mutex<Vec<Connection>>,
}

impl Record {
    pub fn last(&self) -> Connection {
        self.connections.lock().last().expect("a session has opened").clone()
    }
    pub fn say(&self, text: &str) {
        let _ = self.last().push(&Encoded::message(text), Class::Normal);
    }
}

/// Answers each message with itself, and says `hi` first.
pub struct Echo(pub Arc<Record>);

pub struct EchoUpper {
    connection: Connection,
    record: Arc<Record>,
}

impl Application for Echo {
    type Upper = EchoUpper;
    fn open(&self, connection: Connection, _: Arc<Handshake>, _: Duration) -> EchoUpper {
        let _ = connection.push(&Encoded::message("hi"), Class::Normal);
        self.0.connections.lock().push(connection.clone());
        EchoUpper { connection, record: Arc::clone(&self.0) }
    }
    type OldUpper = EchoUpper;
    fn open_old(&self, connection: Connection, head: Arc<Handshake>, now: Duration) -> EchoUpper {
        self.open(connection, head, now)
    }
}

impl transport::Upper for EchoUpper {
    fn message(
        &mut self,
        message: Message<'_>,
        _: Duration,
        _: &mut Context<'_>,
    ) -> Result<(), CloseReason> {
        self.record.heard.lock().push(Kept::of(message));
        let packet = match message {
            Message::Text("close me") => return Err(CloseReason::ForcedClose),
            Message::Text("give binary") => Encoded::binary(Bytes::from_static(&[0, 1, 2, 3, 4])),
            Message::Text(text) => Encoded::message(text),
            Message::Binary(data) => Encoded::binary(Bytes::copy_from_slice(data)),
        };
        let _ = self.connection.push(&packet, Class::Normal);
        Ok(())
    }
    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
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

/// A server of ours.
pub struct Running {
    pub server: Server<Echo>,
    pub record: Arc<Record>,
}

impl Running {
    pub fn start(change: impl FnOnce(&mut transport::Config)) -> Running {
        let record = Arc::new(Record::default());
        let mut config = transport::Config { path: "/socket.io/".to_owned(), ..Default::default() };
        change(&mut config);
        Running { server: Server::new(config, Echo(Arc::clone(&record))), record }
    }

    /// How a client gets there: through pipes of so many bytes.
    pub fn config(&self, pipe: usize) -> Config {
        config_of(Dialer::default().connector(Near { server: self.server.clone(), pipe }))
    }
}

pub fn config_of(dialer: Dialer) -> Config {
    let (target, _) = Target::parse("http://test.example").unwrap();
    let mut config = Config::new(target);
    config.dialer = dialer;
    config
}

/// Makes streams to a server of this process.
struct Near {
    server: Server<Echo>,
    pipe: usize,
}

impl Connector for Near {
    fn connect(&self, _: &Target) -> Connecting {
        let (ours, theirs) = tokio::io::duplex(self.pipe);
        serve(self.server.clone(), theirs);
        Box::pin(async move { Ok(Stream::new(ours)) })
    }
}

/// Speaks HTTP on one stream.
pub fn serve(server: Server<Echo>, stream: DuplexStream) {
    let answer = move |request, remote| {
        let server = server.clone();
        async move { server.respond(request, remote).await }
    };
    let options = listener::Options::default();
    tokio::spawn(async move {
        listener::serve_stream(stream, None, options, answer, std::future::pending()).await;
    });
}
