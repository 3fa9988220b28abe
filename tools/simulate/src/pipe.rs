//! What carries the packets of a page: a WebSocket, or requests, or first these and then that.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use rand::RngExt;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use tokio::io::DuplexStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::connection::HANDSHAKE;
use crate::http::Http;
use crate::plan::Way;
use crate::server::Door;
use crate::wire::Wire;

/// The wires of a page: those of the connection that it has now.
pub(crate) type Wires = Arc<Mutex<Vec<Wire>>>;

/// Opens wires for a page.
pub(crate) struct Lines {
    pub(crate) door: Door,
    pub(crate) wires: Wires,
    pub(crate) random: SmallRng,
}

impl Lines {
    fn open(&mut self) -> DuplexStream {
        // Some take their time: then something happens in the middle of an upgrade.
        let delay = *[0, 0, 5, 100, 500].choose(&mut self.random).expect("a delay");
        let (wire, near, far) = Wire::new(self.random.random(), delay);
        self.wires.lock().push(wire);
        self.door.enter(far);
        near
    }
}

type Socket = WebSocketStream<DuplexStream>;

pub(crate) enum Pipe {
    WebSocket(Box<Socket>),
    Polling(Box<Polling>),
}

/// What a page hears of its pipe.
pub(crate) enum Heard {
    Packet(String),
    /// A WebSocket stands ready: see [`Pipe::upgrade`].
    Ready,
}

/// Between two packets of a body.
const SEPARATOR: char = '\x1e';

impl Pipe {
    /// Comes back with the open packet; `None` if there is no connection.
    pub(crate) async fn open(way: Way, lines: &mut Lines) -> Option<(Pipe, String)> {
        if way != Way::WebSocket {
            let (polling, open) = Polling::open(way, lines).await?;
            return Some((Pipe::Polling(Box::new(polling)), open));
        }
        let mut socket = connect(lines.open(), "").await?;
        let open = text(&mut socket).await?;
        Some((Pipe::WebSocket(Box::new(socket)), open))
    }

    /// What comes next; `None` if the connection is over. Nothing is lost if somebody waits no longer.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        match self {
            Pipe::WebSocket(socket) => text(socket).await.map(Heard::Packet),
            Pipe::Polling(polling) => polling.next().await,
        }
    }

    /// `None` if the connection is over.
    pub(crate) async fn send(&mut self, packets: Vec<String>) -> Option<()> {
        match self {
            Pipe::WebSocket(socket) => {
                for packet in packets {
                    write(socket, packet).await?;
                }
                Some(())
            }
            Pipe::Polling(polling) => polling.send(packets).await,
        }
    }

    /// Goes on over the WebSocket that stands ready.
    pub(crate) async fn upgrade(&mut self) -> Option<()> {
        let Pipe::Polling(polling) = self else { return Some(()) };
        let mut socket = polling.candidate.take()?;
        let waiting = std::mem::take(&mut polling.waiting);
        write(&mut socket, "5".to_owned()).await?;
        *self = Pipe::WebSocket(socket);
        self.send(waiting).await
    }

    /// Says that it is over.
    pub(crate) async fn close(&mut self) {
        match self {
            Pipe::WebSocket(socket) => _ = timeout(HANDSHAKE, (**socket).close(None)).await,
            Pipe::Polling(polling) => _ = polling.send(vec!["1".to_owned()]).await,
        }
    }
}

/// A session that polls: one GET hangs, and one POST at a time says something.
pub(crate) struct Polling {
    path: String,
    gets: Option<Http>,
    get: Option<Later<(Http, String)>>,
    posts: Option<Http>,
    got: VecDeque<String>,
    probe: Option<Later<Box<Socket>>>,
    /// It has answered the probe. No GET begins any more, and what is said waits for it.
    candidate: Option<Box<Socket>>,
    waiting: Vec<String>,
}

type Later<T> = Pin<Box<dyn Future<Output = Option<T>> + Send>>;

impl Polling {
    async fn open(way: Way, lines: &mut Lines) -> Option<(Self, String)> {
        let path = "/socket.io/?EIO=4&transport=polling";
        let asked = Http::new(lines.open()).ask("GET", path.to_owned(), String::new());
        let (gets, open) = timeout(HANDSHAKE, asked).await.ok()??;
        let sid = open.split('"').nth(3)?;
        let upgrades = way == Way::Upgrade;
        let polling = Polling {
            path: format!("{path}&sid={sid}"),
            gets: Some(gets),
            get: None,
            posts: Some(Http::new(lines.open())),
            got: VecDeque::new(),
            probe: upgrades.then(|| probe(lines.open(), format!("&sid={sid}"))),
            candidate: None,
            waiting: Vec::new(),
        };
        Some((polling, open))
    }

    async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some(packet) = self.got.pop_front() {
                return Some(Heard::Packet(packet));
            }
            if let Some(gets) = self.gets.take_if(|_| self.candidate.is_none()) {
                self.get = Some(Box::pin(gets.ask("GET", self.path.clone(), String::new())));
            }
            let Some(get) = &mut self.get else { return Some(Heard::Ready) };
            tokio::select! {
                biased;
                got = get => self.take(got?),
                candidate = of(&mut self.probe), if self.probe.is_some() => {
                    (self.probe, self.candidate) = (None, candidate);
                }
            }
        }
    }

    fn take(&mut self, (gets, body): (Http, String)) {
        (self.gets, self.get) = (Some(gets), None);
        // A packet of type 6 only releases the GET.
        let packets = body.split(SEPARATOR).filter(|packet| *packet != "6");
        self.got.extend(packets.map(str::to_owned));
    }

    async fn send(&mut self, packets: Vec<String>) -> Option<()> {
        if self.candidate.is_some() {
            self.waiting.extend(packets);
            return Some(());
        }
        if packets.is_empty() {
            return Some(());
        }
        let body = packets.join(&SEPARATOR.to_string());
        let asked = self.posts.take()?.ask("POST", self.path.clone(), body);
        let (posts, _) = timeout(HANDSHAKE, asked).await.ok()??;
        self.posts = Some(posts);
        Some(())
    }
}

async fn of<T>(later: &mut Option<Later<T>>) -> Option<T> {
    later.as_mut()?.await
}

/// A WebSocket beside a session that polls. If nothing comes of it the session stays as it is.
fn probe(wire: DuplexStream, sid: String) -> Later<Box<Socket>> {
    Box::pin(async move {
        let mut socket = connect(wire, &sid).await?;
        write(&mut socket, "2probe".to_owned()).await?;
        (text(&mut socket).await? == "3probe").then(|| Box::new(socket))
    })
}

async fn connect(wire: DuplexStream, sid: &str) -> Option<Socket> {
    let url = format!("ws://server/socket.io/?EIO=4&transport=websocket{sid}");
    Some(timeout(HANDSHAKE, client_async(url, wire)).await.ok()?.ok()?.0)
}

async fn text(socket: &mut Socket) -> Option<String> {
    let message = socket.next().await?.ok()?;
    Some(message.to_text().ok()?.to_owned())
}

async fn write(socket: &mut Socket, packet: String) -> Option<()> {
    timeout(HANDSHAKE, socket.send(Message::text(packet))).await.ok()?.ok()
}
