//! The connections of a page, one after the other.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::page::{Next, Page};
use crate::pipe::{Heard, Lines, Pipe, Wires};
use crate::plan::Way;
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
    /// The wires that it uses now.
    pub(crate) wires: Wires,
}

impl Living {
    pub(crate) fn start(page: &Arc<Mutex<Page>>, way: Way, door: Door, seed: u64) -> Self {
        let (orders, taken) = unbounded_channel();
        let wires = Wires::default();
        let random = |n: u64| SmallRng::seed_from_u64(seed ^ n);
        let client = Client {
            page: Arc::clone(page),
            way,
            lines: Lines { door, wires: Arc::clone(&wires), random: random(1) },
            orders: taken,
            random: random(0),
            reads: true,
        };
        tokio::spawn(client.live());
        Living { orders, wires }
    }

    pub(crate) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

struct Client {
    page: Arc<Mutex<Page>>,
    way: Way,
    lines: Lines,
    orders: UnboundedReceiver<Order>,
    random: SmallRng,
    reads: bool,
}

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
        // Those before, if the page has given them up, go on without it.
        for old in self.lines.wires.lock().drain(..) {
            tokio::spawn(linger(old, self.random.random_range(0..20_000)));
        }
        let open = Pipe::open(self.way, &mut self.lines);
        let (mut pipe, open) = timeout(HANDSHAKE, open).await.ok()??;
        if !open.starts_with('0') {
            return None;
        }
        // As the official client does: what was to be sent goes ahead of the CONNECT.
        self.answer(&mut pipe).await?;
        let connect = self.page.lock().connect();
        pipe.send(vec![connect]).await?;
        Some(self.talk(pipe).await)
    }

    async fn talk(&mut self, mut pipe: Pipe) -> End {
        let mut patience = Instant::now() + PING.0 + PING.1;
        loop {
            let order = tokio::select! {
                biased;
                Some(order) = self.orders.recv() => order,
                heard = timeout_at(patience, pipe.next()), if self.reads => {
                    let Ok(Some(heard)) = heard else { return End::Lost };
                    patience = Instant::now() + PING.0 + PING.1;
                    match self.heed(&mut pipe, heard).await {
                        Some(()) => continue,
                        None => return End::Lost,
                    }
                }
            };
            if let Some(end) = self.obey(&mut pipe, order).await {
                return end;
            }
        }
    }

    /// `None` if the connection is over.
    async fn heed(&mut self, pipe: &mut Pipe, heard: Heard) -> Option<()> {
        match heard {
            Heard::Ready => pipe.upgrade().await,
            Heard::Packet(packet) if packet == "2" => pipe.send(vec!["3".to_owned()]).await,
            Heard::Packet(packet) => self.take(pipe, &packet).await,
        }
    }

    /// A packet has come. `None` if the connection is over.
    async fn take(&mut self, pipe: &mut Pipe, packet: &str) -> Option<()> {
        let was_connected = self.page.lock().connected;
        let next = packet.strip_prefix('4').map(|packet| self.page.lock().take(packet));
        match next {
            Some(Next::End) | None => return None,
            Some(Next::Answer) if self.random.random_ratio(2, 3) => self.answer(pipe).await?,
            Some(_) => {}
        }
        if !was_connected && self.page.lock().connected {
            let words = self.page.lock().speak();
            pipe.send(words).await?;
        }
        Some(())
    }

    async fn answer(&self, pipe: &mut Pipe) -> Option<()> {
        let answers = std::mem::take(&mut self.page.lock().answers);
        pipe.send(answers).await
    }

    async fn obey(&mut self, pipe: &mut Pipe, order: Order) -> Option<End> {
        match order {
            Order::Read(reads) => {
                self.reads = reads;
                self.page.lock().read(reads);
            }
            Order::Say(words) => return self.say(pipe, words).await,
            Order::Insist(number, words) => return self.insist(pipe, number, words).await,
            Order::Answer => return self.answer(pipe).await.is_none().then_some(End::Lost),
            Order::Come => {}
            Order::Jump => return Some(End::Jumped),
            Order::Reload => {
                self.page.lock().reload();
                return Some(End::Jumped);
            }
            Order::Leave => {
                self.page.lock().wants = false;
                let _ = pipe.send(vec!["41".to_owned()]).await;
                pipe.close().await;
                return Some(End::Lost);
            }
        }
        None
    }

    async fn insist(&self, pipe: &mut Pipe, number: usize, words: String) -> Option<End> {
        let packet = format!("42{number}{words}");
        let connected = self.page.lock().connected;
        self.page.lock().insists.insert(number, words);
        let sent = !connected || pipe.send(vec![packet]).await.is_some();
        (!sent).then_some(End::Lost)
    }

    async fn say(&self, pipe: &mut Pipe, words: String) -> Option<End> {
        if self.page.lock().connected {
            return pipe.send(vec![words]).await.is_none().then_some(End::Lost);
        }
        self.page.lock().unsent.push(words);
        None
    }
}

/// How long a page waits to get through.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(5);

/// A connection that a page has given up: the server hears of that after a while.
async fn linger(wire: Wire, millis: u64) {
    wire.fall_silent();
    sleep(Duration::from_millis(millis)).await;
    wire.cut();
}
