//! The connections of a page, one after the other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::io::DuplexStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::page::{Next, Page};
use crate::server::{Door, PING};
use crate::wire::Wire;

/// What a page is made to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Says something to the server, when it is connected.
    Say(String),
    /// The same until it is answered: it has this number.
    Insist(usize, String),
    /// Reads no more, or again.
    Read(bool),
    /// Gives its connection up, and opens another at once.
    Jump,
    /// Disconnects in order, and stays away.
    Leave,
    /// Comes, if it is away.
    Come,
    /// Is loaded again.
    Reload,
    /// Gives the answers that it has kept back.
    Answer,
}

/// A page in a process of the server.
pub(crate) struct Living {
    orders: UnboundedSender<Order>,
    /// The wire that it uses now.
    pub(crate) wire: Arc<Mutex<Option<Wire>>>,
}

impl Living {
    pub(crate) fn start(page: &Arc<Mutex<Page>>, door: Door, seed: u64) -> Self {
        let (orders, taken) = unbounded_channel();
        let wire = Arc::new(Mutex::new(None));
        let random = SmallRng::seed_from_u64(seed);
        let client = Client {
            page: Arc::clone(page),
            door,
            wire: Arc::clone(&wire),
            orders: taken,
            random,
            reads: true,
        };
        tokio::spawn(client.live());
        Living { orders, wire }
    }

    pub(crate) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

struct Client {
    page: Arc<Mutex<Page>>,
    door: Door,
    wire: Arc<Mutex<Option<Wire>>>,
    orders: UnboundedReceiver<Order>,
    random: SmallRng,
    reads: bool,
}

type Socket = WebSocketStream<DuplexStream>;

/// Why a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Lost,
    /// The page goes on with another one at once.
    Jumped,
}

impl Client {
    async fn live(mut self) {
        loop {
            while !self.page.lock().wants {
                let Some(order) = self.orders.recv().await else { return };
                self.obey_offline(&order);
            }
            let end = self.connect().await.unwrap_or(End::Lost);
            self.page.lock().lose();
            self.reads = true;
            if end == End::Lost {
                sleep(Duration::from_millis(self.random.random_range(1..2_000))).await;
            }
        }
    }

    fn obey_offline(&mut self, order: &Order) {
        let mut page = self.page.lock();
        match order {
            Order::Come => page.wants = true,
            Order::Reload => page.reload(),
            Order::Say(words) => page.unsent.push(words.clone()),
            Order::Insist(number, words) => _ = page.insists.insert(*number, words.clone()),
            _ => {}
        }
    }

    async fn connect(&mut self) -> Option<End> {
        let (wire, near, far) = Wire::new(self.random.random(), 0);
        // The one before, if the page has given it up, goes on without it.
        if let Some(old) = self.wire.lock().replace(wire) {
            tokio::spawn(linger(old, self.random.random_range(0..20_000)));
        }
        self.door.enter(far);
        let url = "ws://server/socket.io/?EIO=4&transport=websocket";
        let (mut socket, _) = timeout(HANDSHAKE, client_async(url, near)).await.ok()?.ok()?;
        let open = timeout(HANDSHAKE, socket.next()).await.ok()??.ok()?;
        if !open.to_text().ok()?.starts_with('0') {
            return None;
        }
        // As the official client does: what was to be sent goes ahead of the CONNECT.
        self.answer(&mut socket).await?;
        let connect = self.page.lock().connect();
        send(&mut socket, connect).await?;
        Some(self.talk(socket).await)
    }

    async fn talk(&mut self, mut socket: Socket) -> End {
        let mut patience = Instant::now() + PING.0 + PING.1;
        loop {
            let order = tokio::select! {
                biased;
                Some(order) = self.orders.recv() => order,
                frame = timeout_at(patience, socket.next()), if self.reads => {
                    let Ok(Some(Ok(frame))) = frame else { return End::Lost };
                    patience = Instant::now() + PING.0 + PING.1;
                    match self.take(&mut socket, &frame).await {
                        Some(()) => continue,
                        None => return End::Lost,
                    }
                }
            };
            if let Some(end) = self.obey(&mut socket, order).await {
                return end;
            }
        }
    }

    /// A frame has come. `None` if the connection is over.
    async fn take(&mut self, socket: &mut Socket, frame: &Message) -> Option<()> {
        let text = frame.to_text().ok()?;
        if text == "2" {
            return send(socket, "3".to_owned()).await;
        }
        let was_connected = self.page.lock().connected;
        let next = text.strip_prefix('4').map(|packet| self.page.lock().take(packet));
        match next {
            Some(Next::End) | None => return None,
            Some(Next::Answer) if self.random.random_ratio(2, 3) => self.answer(socket).await?,
            Some(_) => {}
        }
        if !was_connected && self.page.lock().connected {
            let words = self.page.lock().speak();
            for words in words {
                send(socket, words).await?;
            }
        }
        Some(())
    }

    async fn answer(&self, socket: &mut Socket) -> Option<()> {
        let answers = std::mem::take(&mut self.page.lock().answers);
        for answer in answers {
            send(socket, answer).await?;
        }
        Some(())
    }

    async fn obey(&mut self, socket: &mut Socket, order: Order) -> Option<End> {
        match order {
            Order::Read(reads) => self.reads = reads,
            Order::Say(words) => return self.say(socket, words).await,
            Order::Insist(number, words) => return self.insist(socket, number, words).await,
            Order::Answer => return self.answer(socket).await.is_none().then_some(End::Lost),
            Order::Come => {}
            Order::Jump => return Some(End::Jumped),
            Order::Reload => {
                self.page.lock().reload();
                return Some(End::Jumped);
            }
            Order::Leave => {
                self.page.lock().wants = false;
                let _ = send(socket, "41".to_owned()).await;
                let _ = timeout(HANDSHAKE, socket.close(None)).await;
                return Some(End::Lost);
            }
        }
        None
    }

    async fn insist(&self, socket: &mut Socket, number: usize, words: String) -> Option<End> {
        let packet = format!("42{number}{words}");
        let connected = self.page.lock().connected;
        self.page.lock().insists.insert(number, words);
        let sent = !connected || send(socket, packet).await.is_some();
        (!sent).then_some(End::Lost)
    }

    async fn say(&self, socket: &mut Socket, words: String) -> Option<End> {
        if self.page.lock().connected {
            return send(socket, words).await.is_none().then_some(End::Lost);
        }
        self.page.lock().unsent.push(words);
        None
    }
}

/// How long a page waits to get through.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// `None` if the connection is over.
async fn send(socket: &mut Socket, text: String) -> Option<()> {
    timeout(HANDSHAKE, socket.send(Message::text(text))).await.ok()?.ok()
}

/// A connection that a page has given up: the server hears of that after a while.
async fn linger(wire: Wire, millis: u64) {
    sleep(Duration::from_millis(millis)).await;
    wire.cut();
}
