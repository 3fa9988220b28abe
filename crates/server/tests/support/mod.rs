//! A server on a free port, and plain clients for it: one over WebSocket, one over polling. They
//! speak packets, not events, so that a test shows what is on the wire.

#![allow(dead_code, unreachable_pub)] // each test file uses its part

pub mod carried;
pub mod durable;
pub mod tls;

use std::fmt::Debug;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sockeye::{Builder, Io, Reason, Socket, engine};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Nothing in these tests takes so long, unless it hangs.
pub const HANG: Duration = Duration::from_secs(20);

/// Waits for something that has to happen.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, what).await.expect("it never happened")
}

/// Time passes, as far as timers can tell.
pub async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// A server with these options, not serving yet.
pub fn io(options: impl FnOnce(Builder) -> Builder) -> Io {
    options(Io::builder()).build().expect("the options make sense")
}

/// Serves on a free port of the loopback.
pub async fn serve(io: &Io) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let io = io.clone();
    tokio::spawn(async move { io.serve_listener(listener).await.unwrap() });
    address
}

/// The same for Engine.IO alone.
pub async fn serve_engine(server: &engine::Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = server.clone();
    tokio::spawn(async move { server.serve_listener(listener).await.unwrap() });
    address
}

/// Clients in the main namespace, with their sockets.
pub async fn clients<const N: usize>(io: &Io, address: SocketAddr) -> [(Client, Socket); N] {
    let mut clients = Vec::new();
    for _ in 0..N {
        let (client, id) = Client::join(address).await;
        clients.push((client, io.socket(&id).unwrap()));
    }
    clients.try_into().ok().unwrap()
}

/// A client over WebSocket.
pub struct Client {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Whether pings are answered.
    pub pongs: bool,
}

impl Client {
    /// Opens a session, in no namespace yet.
    pub async fn open(address: SocketAddr) -> Client {
        Client::open_at(address, "/socket.io/").await
    }

    pub async fn open_at(address: SocketAddr, path: &str) -> Client {
        let url = format!("ws://{address}{path}?EIO=4&transport=websocket&test=a%20b");
        Client::request(url.into_client_request().unwrap()).await.unwrap()
    }

    /// A WebSocket that wants to become the pipe of a session that polls.
    pub async fn candidate(polling: &Polling) -> Client {
        let path = polling.path.replace("transport=polling", "transport=websocket");
        let url = format!("ws://{}{path}", polling.address);
        let (stream, _) = soon(connect_async(url)).await.unwrap();
        Client { stream, pongs: true }
    }

    pub async fn request(request: Request<()>) -> Result<Client, Error> {
        let (stream, _) = soon(connect_async(request)).await?;
        let mut client = Client { stream, pongs: true };
        assert!(client.text().await.starts_with("0{"), "the open packet comes first");
        Ok(client)
    }

    /// Opens a session of an old client; gives its open packet as well.
    pub async fn open_old(request: Request<()>) -> (Client, String) {
        let (stream, _) = soon(connect_async(request)).await.unwrap();
        let mut client = Client { stream, pongs: false };
        let open = client.text().await;
        (client, open)
    }

    /// Opens a session in the main namespace.
    pub async fn join(address: SocketAddr) -> (Client, String) {
        let mut client = Client::open(address).await;
        let id = client.connect("/", "").await;
        (client, id)
    }

    /// Connects to a namespace; gives the socket's id.
    pub async fn connect(&mut self, namespace: &str, auth: &str) -> String {
        let place = if namespace == "/" { String::new() } else { format!("{namespace},") };
        self.send(&format!("40{place}{auth}")).await;
        let reply = self.text().await;
        let reply = reply.strip_prefix(&format!("40{place}{{\"sid\":\"")).unwrap_or_else(|| {
            panic!("no CONNECT reply but {reply}");
        });
        reply.split('"').next().unwrap().to_owned()
    }

    /// Sends one packet.
    pub async fn send(&mut self, packet: &str) {
        soon(self.stream.send(Message::text(packet))).await.unwrap();
    }

    pub async fn send_binary(&mut self, data: &[u8]) {
        soon(self.stream.send(Message::binary(data.to_vec()))).await.unwrap();
    }

    /// Sends several packets in one write.
    pub async fn send_all(&mut self, packets: &[impl AsRef<str>]) {
        for packet in packets {
            soon(self.stream.feed(Message::text(packet.as_ref()))).await.unwrap();
        }
        soon(self.stream.flush()).await.unwrap();
    }

    /// The next packet; pings are answered and passed over.
    pub async fn text(&mut self) -> String {
        match self.message().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("no text but {other:?}"),
        }
    }

    pub async fn binary(&mut self) -> Vec<u8> {
        match self.message().await {
            Some(Message::Binary(data)) => data.to_vec(),
            other => panic!("no bytes but {other:?}"),
        }
    }

    /// The next message that is no ping; `None` at the end.
    pub async fn message(&mut self) -> Option<Message> {
        loop {
            match soon(self.stream.next()).await {
                Some(Ok(Message::Text(text))) if text == "2" => {
                    if self.pongs {
                        let _ = self.stream.send(Message::text("3")).await;
                    }
                }
                Some(Ok(Message::Close(_))) => {} // answered by the next read
                Some(Err(_)) | None => return None,
                Some(Ok(message)) => return Some(message),
            }
        }
    }

    /// Reads until the connection is closed; gives the packets that came.
    pub async fn rest(&mut self) -> Vec<String> {
        let mut packets = Vec::new();
        while let Some(message) = self.message().await {
            packets.push(message.to_string());
        }
        // Our direction ends too: nobody has to wait for it.
        let _ = self.stream.get_mut().shutdown().await;
        packets
    }

    /// Answers pings for as long as nothing else comes; gives the next packet.
    pub async fn expect(&mut self, packet: &str) {
        assert_eq!(self.text().await, packet);
    }

    /// Sends something and waits for its echo by the handler of [`with_sync`]: all that was sent
    /// before has been seen.
    pub async fn sync(&mut self) {
        self.send("429999[\"sync\"]").await;
        self.expect("439999[]").await;
    }

    /// Hangs up without a word.
    pub fn hang_up(self) {
        drop(self.stream);
    }

    /// The bare stream, for a client that reads no more.
    pub fn stall(self) -> impl Sized {
        self.stream
    }
}

/// The namespace answers `sync`.
pub fn with_sync(io: &Io) {
    io.of("/").on("sync", async || {});
}

/// One HTTP request on its own connection: status, headers and body.
pub async fn http(address: SocketAddr, head: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

/// A client over polling.
pub struct Polling {
    address: SocketAddr,
    path: String,
}

impl Polling {
    pub async fn open(address: SocketAddr, path: &str) -> Polling {
        Polling::open_with(address, format!("{path}?EIO=4&transport=polling")).await
    }

    /// A session of an old client; `path` ends where its transport stands.
    pub async fn open_old(address: SocketAddr, path: &str, more: &str) -> Polling {
        Polling::open_with(address, format!("{path}polling{more}")).await
    }

    async fn open_with(address: SocketAddr, path: String) -> Polling {
        let mut polling = Polling { address, path };
        let open = polling.get().await;
        let sid = open.split("\"sid\":\"").nth(1).unwrap().split('"').next().unwrap();
        polling.path = format!("{}&sid={sid}", polling.path);
        polling
    }

    /// The same session, reached at another address.
    pub fn at(&self, address: SocketAddr) -> Polling {
        Polling { address, path: self.path.clone() }
    }

    /// Path and query of its requests.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub async fn get(&self) -> String {
        let (status, _, body) =
            http(self.address, &format!("GET {} HTTP/1.1", self.path), "").await;
        assert_eq!(status, 200, "{body}");
        body
    }

    pub async fn post(&self, packets: &str) {
        let head = format!("POST {} HTTP/1.1", self.path);
        let (status, _, body) = http(self.address, &head, packets).await;
        assert_eq!((status, body.as_str()), (200, "ok"));
    }
}

/// A box that a handler puts things into, and a test takes them out of.
#[derive(Debug)]
pub struct Notes<T> {
    sender: tokio::sync::mpsc::UnboundedSender<T>,
    receiver: tokio::sync::Mutex<tokio::sync::mpsc::UnboundedReceiver<T>>,
}

impl<T: Debug> Notes<T> {
    pub fn new() -> Arc<Self> {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        Arc::new(Notes { sender, receiver: receiver.into() })
    }

    pub fn add(&self, note: T) {
        self.sender.send(note).unwrap();
    }

    pub async fn next(&self) -> T {
        soon(async { self.receiver.lock().await.recv().await }).await.unwrap()
    }

    /// Everything that has been noted so far.
    pub fn so_far(&self) -> Vec<T> {
        let mut receiver = self.receiver.try_lock().unwrap();
        std::iter::from_fn(|| receiver.try_recv().ok()).collect()
    }
}

/// Notes the words of every socket that leaves the main namespace.
pub fn reasons(io: &Io) -> Arc<Notes<&'static str>> {
    let reasons = Notes::new();
    let notes = Arc::clone(&reasons);
    io.of("/").on_disconnect(move |Reason(reason): Reason| {
        notes.add(reason.as_str());
        async {}
    });
    reasons
}
