//! The budgets of the design, counted: what an idle connection holds, and what an event allocates.
//!
//! The server runs on a thread of its own, and only that thread is counted; the clients are blocking sockets on the
//! test's thread. What is on the connecting side is counted by `clients`, on the test's thread.

mod clients;
mod counting;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use sockeye::{Args, Data, Error, Io, PerMessageDeflate, Result, Socket};
use sockeye_tests::client::eventually;

use counting::{Counters, Counting, Table, per, print_account};

#[global_allocator]
static COUNTING: Counting = Counting;

/// Events that the server sends at once where it is asked for a burst.
const BURST: u32 = 2000;

/// A server on a thread of its own, which answers when asked.
struct Server {
    address: SocketAddr,
    io: Io,
    ask: tokio::sync::mpsc::UnboundedSender<mpsc::Sender<Counters>>,
}

impl Server {
    fn start() -> Server {
        let (ready, started) = mpsc::channel();
        let (ask, questions) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(serve(&ready, questions));
        });
        let (address, io) = started.recv().expect("the server starts");
        Server { address, io, ask }
    }

    fn counters(&self) -> Counters {
        let (answer, counters) = mpsc::channel();
        self.ask.send(answer).expect("the server runs");
        counters.recv().expect("the server answers")
    }

    /// Waits until the server has this many connections: it hears later than we do that one has ended.
    fn has_connections(&self, wanted: u64) {
        // A question to the server's thread would count itself.
        let found = eventually(|| self.io.stats().connections() == wanted);
        assert!(found, "the server never has {wanted} connections");
    }

    /// Counts what `act` costs the server.
    fn cost(&self, act: impl FnOnce()) -> Counters {
        let before = self.counters();
        act();
        // The question itself allocates nothing on the server's thread.
        self.counters().since(&before)
    }
}

async fn serve(
    ready: &mpsc::Sender<(SocketAddr, Io)>,
    mut questions: tokio::sync::mpsc::UnboundedReceiver<mpsc::Sender<Counters>>,
) {
    // Compression too: whoever does not negotiate it must not pay for it.
    let deflate = PerMessageDeflate::default();
    let io = Io::builder().per_message_deflate(deflate).build().expect("options");
    let main = io.of("/");
    main.on_connect(async |socket: Socket| -> Result<()> {
        socket.join("lobby")?;
        Ok(())
    });
    main.on("echo", async |socket: Socket, args: Args| -> Result<()> {
        socket.emit("back", &args)?;
        Ok(())
    });
    main.on("flood", async |socket: Socket| -> Result<()> {
        let letter = "x".repeat(10_000);
        while socket.emit("letter", &letter).is_ok() {}
        Ok(())
    });
    main.on("typed", async |socket: Socket, Data(text): Data<String>| -> Result<()> {
        socket.emit("back", &text)?;
        Ok(())
    });
    main.on("say", async |io: Io, Data(text): Data<String>| -> Result<()> {
        io.to("lobby").emit("said", &text)?;
        Ok(())
    });
    main.on("say long", async |io: Io| -> Result<()> {
        io.to("lobby").emit("said", &"long ".repeat(2000))?;
        Ok(())
    });
    main.on("answer", async |args: Args| args);
    main.on("note", async || {});
    main.on("burst", async |socket: Socket| -> Result<()> {
        for number in 0..BURST {
            socket.emit("many", &number)?;
        }
        Ok(())
    });
    unanswered(&io);
    dynamic(&io);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    ready.send((listener.local_addr().expect("an address"), io.clone())).expect("the test waits");
    let serving = io.clone();
    tokio::spawn(async move { serving.serve_listener(listener).await });
    while let Some(answer) = questions.recv().await {
        answer.send(Counters::of_this_thread()).expect("the test waits");
    }
}

/// Asks one client and then everybody, and gives them no time to answer.
fn unanswered(io: &Io) {
    io.of("/").on("ask", async |io: Io, socket: Socket| -> Result<()> {
        let soon = Duration::from_millis(1);
        let one = socket.emit_with_ack::<u8>("question", &()).timeout(soon).await;
        let all = io.timeout(soon).emit_with_ack::<u8>("question", &()).await;
        socket.emit("given up", &(one.is_err(), all.failed.len()))?;
        Ok(())
    });
}

/// Namespaces for whoever asks, and some that refuse everybody.
fn dynamic(io: &Io) {
    io.of_matching("/game-*").on_connect(async |socket: Socket| socket.join("players").map(drop));
    io.of_matching("/closed-*").middleware(async |socket: Socket| -> Result<()> {
        socket.join(["players", "more"])?;
        Err(Error::new("closed"))
    });
}

/// A blocking client in the main namespace.
struct Client {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> Client {
        Client::offering(address, "")
    }

    /// With one more header.
    fn offering(address: SocketAddr, header: &str) -> Client {
        let mut socket = TcpStream::connect(address).expect("connect");
        socket.set_nodelay(true).expect("nodelay");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        // A header of 200 bytes and more, as a browser sends.
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             User-Agent: budget\r\n{header}\r\n"
        );
        socket.write_all(request.as_bytes()).expect("write");
        let mut client = Client { socket, buffer: Vec::new() };
        client.read_until(b"\r\n\r\n");
        client.read_until(b"maxPayload");
        client.send(b"40");
        client.read_until(b"\"sid\":");
        client.read_until(b"}");
        client
    }

    fn send(&mut self, text: &[u8]) {
        assert!(text.len() < 126, "a short frame");
        let length = u8::try_from(text.len()).expect("a short frame");
        let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(text);
        self.socket.write_all(&frame).expect("write");
    }

    /// The payload of the next frame, which has to be of a compressed text.
    fn compressed(&mut self) -> Vec<u8> {
        while self.buffer.len() < 4 || self.buffer.len() < 4 + self.length() {
            self.read();
        }
        assert_eq!(self.buffer[..2], [0xc1, 126], "a compressed text of 126 bytes and more");
        let end = 4 + self.length();
        self.buffer.drain(..end).skip(4).collect()
    }

    fn length(&self) -> usize {
        usize::from(u16::from_be_bytes([self.buffer[2], self.buffer[3]]))
    }

    fn read(&mut self) {
        let mut piece = [0; 4096];
        let length = self.socket.read(&mut piece).expect("an answer in time");
        assert!(length > 0, "the server hung up");
        self.buffer.extend_from_slice(&piece[..length]);
    }

    /// Reads until `what` has come, and drops everything up to its end.
    fn read_until(&mut self, what: &[u8]) {
        loop {
            if let Some(at) = self.buffer.windows(what.len()).position(|window| window == what) {
                self.buffer.drain(..at + what.len());
                return;
            }
            self.read();
        }
    }
}

#[test]
fn the_budgets_of_the_design_are_kept() {
    const CONNECTIONS: u32 = 400;
    const EVENTS: u32 = 200;
    let server = Server::start();
    // Tables and buffers that grow once are not a connection's. A hash table that has had no more entries than it gets
    // later may grow again, for those that it has forgotten; so there are some more.
    let warm: Vec<_> = (0..CONNECTIONS + 60).map(|_| Client::connect(server.address)).collect();
    drop(warm);
    server.has_connections(0);
    let mut first = Client::connect(server.address);

    let mut clients = Vec::new();
    let connected = server.cost(|| {
        clients.extend((0..CONNECTIONS).map(|_| Client::connect(server.address)));
    });
    let echo = server.cost(|| {
        for _ in 0..EVENTS {
            first.send(br#"42["echo",{"text":"hello, everybody"}]"#);
            first.read_until(br#"42["back",{"text":"hello, everybody"}]"#);
        }
    });
    let typed = server.cost(|| {
        for _ in 0..EVENTS {
            first.send(br#"42["typed","hello"]"#);
            first.read_until(br#"42["back","hello"]"#);
        }
    });
    let mut say = || {
        first.send(br#"42["say","hello"]"#);
        first.read_until(br#"42["said","hello"]"#);
        for client in &mut clients {
            client.read_until(br#"42["said","hello"]"#);
        }
    };
    say(); // each outbox takes its first memory
    let broadcast = server.cost(|| (0..10).for_each(|_| say()));

    print_account(&connected, CONNECTIONS);
    let mut table = Table::titled();
    let live = u64::try_from(connected.live).expect("connections take memory");
    table.row("heap of one idle WebSocket connection, bytes", 2048.0, per(live, CONNECTIONS));
    table.row("allocations per echoed event, raw", 4.0, per(echo.allocations, EVENTS));
    table.row("allocations per echoed event, typed", 4.0, per(typed.allocations, EVENTS));
    let recipients = 10 * (CONNECTIONS + 1);
    // What the event itself takes, as an echo does, is not the recipients'.
    let of_recipients = broadcast.allocations.saturating_sub(10 * 8);
    table.row("allocations per recipient of a broadcast", 0.0, per(of_recipients, recipients));
    table.check();
}

/// What a broadcast to so many clients that negotiated compression allocates.
fn compressed_broadcast(clients: usize) -> u64 {
    const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let server = Server::start();
    let mut clients: Vec<_> =
        (0..clients).map(|_| Client::offering(server.address, OFFER)).collect();
    let mut say = || {
        clients[0].send(br#"42["say long"]"#);
        let heard: Vec<_> = clients.iter_mut().map(Client::compressed).collect();
        assert!(heard.iter().all(|one| *one == heard[0]));
    };
    say(); // the compressor, and each outbox, take their first memory
    server.cost(|| (0..10).for_each(|_| say())).allocations
}

#[test]
fn a_broadcast_is_compressed_once_however_many_it_is_for() {
    let (few, many) = (compressed_broadcast(2), compressed_broadcast(102));
    println!("allocations of ten compressed broadcasts: to 2 clients {few}, to 102 clients {many}");
    // Compressing allocates. A list of the worker's may grow once.
    assert!(many < few + 10, "{few} to 2 clients, {many} to 102");
}

#[test]
fn whoever_is_evicted_or_vanishes_gives_its_memory_back() {
    const ROUNDS: u32 = 10;
    let server = Server::start();
    // What the first of them leaves are the thread's buffers, and tables that have grown once.
    let misbehave = || {
        let mut deaf = Client::connect(server.address);
        deaf.send(br#"42["flood"]"#);
        let mut unfinished = Client::connect(server.address);
        // A frame of 900 000 bytes, most of which have come.
        unfinished.socket.write_all(&[0x81, 0xff, 0, 0, 0, 0, 0, 0x0d, 0xbb, 0xa0]).expect("write");
        unfinished.socket.write_all(&[0; 4]).expect("write");
        unfinished.socket.write_all(&vec![b'x'; 800_000]).expect("write");
        drop(unfinished);
        // The server lets go of who does not read, or at the latest of who has hung up.
        drop(deaf);
        server.has_connections(0);
    };
    misbehave();
    let kept = server.cost(|| (0..ROUNDS).for_each(|_| misbehave()));
    let kept = u64::try_from(kept.live.max(0)).expect("not negative");
    // The timer wheel remembers each until its time comes: 64 bytes, of the megabytes that it held.
    let each = per(kept, 2 * ROUNDS);
    println!("kept of each client that was evicted or has vanished: {each:.0} bytes");
    assert!(each < 4096.0, "{each:.0} bytes of each are kept");
}

/// What is still held for each of the rounds, once the first few have made tables grow.
fn kept(server: &Server, rounds: u32, mut round: impl FnMut(u32)) -> f64 {
    (0..rounds).for_each(&mut round);
    let kept = server.cost(|| (rounds..2 * rounds).for_each(&mut round));
    per(u64::try_from(kept.live.max(0)).expect("not negative"), rounds)
}

#[test]
fn questions_that_nobody_answers_leave_nothing_behind() {
    let server = Server::start();
    let mut client = Client::connect(server.address);
    let each = kept(&server, 200, |_| {
        client.send(br#"42["ask"]"#);
        client.read_until(br#"42["given up",true,1]"#);
    });
    println!("kept of each question that was not answered: {each:.1} bytes");
    // The wheel of the runtime may keep a page more.
    assert!(each < 16.0, "{each:.1} bytes of each are kept");
}

#[test]
fn namespaces_that_come_and_go_or_refuse_leave_nothing_behind() {
    let server = Server::start();
    let mut client = Client::connect(server.address);
    let each = kept(&server, 300, |number| {
        client.send(format!("40/game-{number},").as_bytes());
        client.read_until(format!("40/game-{number},{{\"sid\":").as_bytes());
        client.send(format!("41/game-{number},").as_bytes());
        client.send(format!("40/closed-{number},").as_bytes());
        client.read_until(format!("44/closed-{number},{{\"message\":\"closed\"}}").as_bytes());
        client.send(format!("42[\"echo\",{number}]").as_bytes());
        client.read_until(format!("42[\"back\",{number}]").as_bytes());
    });
    println!("kept of each namespace that came and went: {each:.1} bytes");
    assert!(each < 16.0, "{each:.1} bytes of each are kept");
}
