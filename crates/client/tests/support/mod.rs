//! A client and a server in one process, with a wire between them that can be cut, blocked and down, on virtual time.
#![allow(dead_code)] // Each file of tests uses some of it.

pub(crate) mod heard;
pub(crate) mod talk;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sockeye::Io;
use sockeye_client::{
    Builder, Client, ClientState, Connecting, Connector, Dialer, Socket, SocketState, Stream,
    Target, Transport,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, copy, duplex, split};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// What lies between a client and its server.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Inner>);

struct Inner {
    server: Server,
    down: AtomicBool,
    dialled: AtomicUsize,
    open: Mutex<Vec<AbortHandle>>,
    /// Rings when the wires that are there are to fall silent.
    frozen: Arc<Notify>,
    /// Whether what clients say is carried.
    flows: watch::Sender<bool>,
}

/// Who is at the other end.
enum Server {
    Ours(Io),
    Raw(tokio::sync::mpsc::UnboundedSender<DuplexStream>),
}

impl Wire {
    pub(crate) fn to(io: &Io) -> Wire {
        Wire::new(Server::Ours(io.clone()))
    }

    /// To somebody who is handed the streams.
    pub(crate) fn raw() -> (Wire, UnboundedReceiver<DuplexStream>) {
        let (streams, accepted) = tokio::sync::mpsc::unbounded_channel();
        (Wire::new(Server::Raw(streams)), accepted)
    }

    fn new(server: Server) -> Wire {
        let (dialled, down) = (AtomicUsize::new(0), AtomicBool::new(false));
        Wire(Arc::new(Inner {
            server,
            down,
            dialled,
            open: Mutex::default(),
            frozen: Arc::default(),
            flows: watch::Sender::new(true),
        }))
    }

    /// Ends every connection.
    pub(crate) fn cut(&self) {
        for wire in self.0.open.lock().unwrap().drain(..) {
            wire.abort();
        }
    }

    /// Nothing comes through any more, and nobody is told.
    pub(crate) fn freeze(&self) {
        self.0.frozen.notify_waiters();
    }

    /// Nobody listens, or somebody does again.
    pub(crate) fn set_down(&self, down: bool) {
        self.0.down.store(down, Ordering::SeqCst);
        if down {
            self.cut();
        }
    }

    /// What clients say is carried, or waits until it is.
    pub(crate) fn set_flow(&self, flows: bool) {
        self.0.flows.send_replace(flows);
    }

    /// How often somebody has tried to connect.
    pub(crate) fn dialled(&self) -> usize {
        self.0.dialled.load(Ordering::SeqCst)
    }

    /// How many connections there are.
    pub(crate) fn open(&self) -> usize {
        let mut open = self.0.open.lock().unwrap();
        open.retain(|wire| !wire.is_finished());
        open.len()
    }

    pub(crate) fn builder(&self, url: &str) -> Builder {
        Client::builder(url).dialer(Dialer::default().connector(self.clone()))
    }

    pub(crate) fn client(&self) -> Client {
        self.builder("http://in-memory").build().unwrap()
    }

    /// One whose connection is one stream.
    pub(crate) fn websocket_client(&self) -> Client {
        self.websocket_client_with(|builder| builder)
    }

    pub(crate) fn websocket_client_with(&self, adapt: impl FnOnce(Builder) -> Builder) -> Client {
        let builder = self.builder("http://in-memory").transports([Transport::WebSocket]);
        adapt(builder).build().unwrap()
    }
}

impl Connector for Wire {
    fn connect(&self, _: &Target) -> Connecting {
        self.0.dialled.fetch_add(1, Ordering::SeqCst);
        if self.0.down.load(Ordering::SeqCst) {
            return Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) });
        }
        let (ours, mut near) = duplex(64 << 10);
        let (mut far, theirs) = duplex(64 << 10);
        let (frozen, flows) = (self.0.frozen.clone(), self.0.flows.subscribe());
        let wire = tokio::spawn(async move {
            tokio::select! {
                _ = carry(&mut near, &mut far, flows) => {}
                () = frozen.notified() => std::future::pending().await,
            }
        });
        self.0.open.lock().unwrap().push(wire.abort_handle());
        match &self.0.server {
            Server::Ours(io) => {
                let io = io.clone();
                tokio::spawn(async move { io.serve_stream(theirs, None).await });
            }
            Server::Raw(streams) => drop(streams.send(theirs)),
        }
        Box::pin(async { Ok(Stream::new(ours)) })
    }
}

/// Carries both ways until both have come to their end.
async fn carry(
    near: &mut DuplexStream,
    far: &mut DuplexStream,
    mut flows: watch::Receiver<bool>,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = split(near);
    let (mut from_server, mut to_server) = split(far);
    let there = async {
        let mut bytes = [0; 4096];
        loop {
            flows.wait_for(|flows| *flows).await.map_err(io::Error::other)?;
            match from_client.read(&mut bytes).await? {
                0 => return to_server.shutdown().await,
                n => to_server.write_all(&bytes[..n]).await?,
            }
        }
    };
    let back = async {
        copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::try_join!(there, back).map(drop)
}

/// A server that says what a test wants it to say, over a WebSocket.
pub(crate) struct Script(WebSocketStream<DuplexStream>);

impl Script {
    /// A session of Engine.IO is opened on the next stream.
    pub(crate) async fn open(accepted: &mut UnboundedReceiver<DuplexStream>) -> Script {
        let stream = accepted.recv().await.expect("somebody who dials");
        let socket = tokio_tungstenite::accept_async(stream).await.expect("a WebSocket");
        let mut script = Script(socket);
        script.say(OPEN).await;
        script
    }

    pub(crate) async fn say(&mut self, text: &str) {
        let _ = self.0.send(Message::text(text)).await;
    }

    /// An attachment.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.send(Message::binary(bytes.to_vec())).await;
    }

    /// The next text; `None` at the end.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        loop {
            match self.0.next().await? {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

const OPEN: &str =
    r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

/// A server with `/` and nothing else.
pub(crate) fn server() -> Io {
    let io = Io::builder().build().unwrap();
    io.of("/");
    io
}

/// How many tasks there are without a client. A server has some once it has been used.
pub(crate) async fn tasks_of_the_server(wire: &Wire) -> usize {
    let client = wire.client();
    client.socket().connect().await.unwrap();
    client.close().await;
    tokio::time::sleep(Duration::from_mins(3)).await;
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Waits until the socket stands so; an hour of virtual time at most.
pub(crate) async fn until(socket: &Socket, is_it: impl FnMut(&SocketState) -> bool) -> SocketState {
    let mut state = socket.state();
    let found = timeout(Duration::from_hours(1), state.wait_for(is_it)).await;
    found.unwrap_or_else(|_| panic!("still {:?}", socket.state().borrow())).unwrap().clone()
}

/// Waits until the connection stands so.
pub(crate) async fn until_client(
    client: &Client,
    is_it: impl FnMut(&ClientState) -> bool,
) -> ClientState {
    let mut state = client.state();
    let found = timeout(Duration::from_hours(1), state.wait_for(is_it)).await;
    found.unwrap_or_else(|_| panic!("still {:?}", client.state().borrow())).unwrap().clone()
}

/// Waits until it is so, looking again after everybody has had a turn.
pub(crate) async fn soon(mut is_it: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if is_it() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it does not become so");
}

pub(crate) fn is_disconnected(state: &SocketState) -> bool {
    !state.is_active()
}
