//! Two clients that connect, disconnect, lose their connection and are sent away in any order: what their users wanted last
//! is what comes of it.

mod support;

use std::task::{Context, Waker};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sockeye::Io;
use sockeye_client::{Client, Socket, SocketState};
use support::{Wire, server, tasks_of_the_server, until};
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

/// One socket, and whether its user wants it to be connected.
struct Tried {
    socket: Socket,
    wanted: bool,
}

impl Tried {
    /// What holds at every moment, whatever is under way.
    fn check(&self) {
        let state = self.socket.state().borrow().clone();
        assert!(self.wanted || !state.is_active(), "disconnected for good, but {state:?}");
        assert!(!self.wanted || state.is_active(), "wanted, but {state:?}");
    }
}

/// Lives, rounds of each life, and turns of each round on average: some ten thousand turns.
const SEEDS: u64 = 100;
const ROUNDS: usize = 10;
const TURNS: usize = 10;

/// The server's namespaces.
const NAMESPACES: [&str; 3] = ["/", "/chat", "/slow"];

fn busy_server() -> Io {
    let io = server();
    io.of("/chat");
    io.of("/slow").middleware(async |_: sockeye::Socket| sleep(Duration::from_secs(1)).await);
    io
}

fn step(random: &mut SmallRng, wire: &Wire, tried: &mut [Tried]) {
    let which = random.random_range(0..tried.len());
    let one = &mut tried[which];
    match random.random_range(0..40) {
        0..10 => {
            one.socket.start();
            one.wanted = true;
        }
        10..13 => {
            let socket = one.socket.clone();
            one.socket.start();
            one.wanted = true;
            let mut attempt = Box::pin(async move { drop(socket.connect().await) });
            // It begins now, not when its task has its turn.
            if attempt.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                tokio::spawn(attempt);
            }
        }
        13..22 => {
            one.socket.disconnect();
            one.wanted = false;
        }
        22 => wire.cut(),
        23..25 => wire.set_down(random.random_bool(0.3)),
        25..34 => {
            one.socket.disconnect();
            one.socket.start();
            one.wanted = true;
        }
        _ => {}
    }
}

async fn pause(random: &mut SmallRng) {
    match random.random_range(0..4) {
        0 => {}
        1 => {
            for _ in 0..random.random_range(0..20) {
                yield_now().await;
            }
        }
        2 => sleep(Duration::from_millis(random.random_range(0..50))).await,
        _ => sleep(Duration::from_millis(random.random_range(0..1500))).await,
    }
}

async fn life(seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let io = busy_server();
    let wire = Wire::to(&io);
    let tasks = tasks_of_the_server(&wire).await;
    let clients: [Client; 2] = [wire.client(), wire.websocket_client()];
    let mut tried: Vec<_> = clients
        .iter()
        .flat_map(|client| NAMESPACES.map(|name| Tried { socket: client.of(name), wanted: false }))
        .collect();
    for _ in 0..ROUNDS {
        for _ in 0..random.random_range(1..2 * TURNS) {
            step(&mut random, &wire, &mut tried);
            tried.iter().for_each(Tried::check);
            pause(&mut random).await;
            tried.iter().for_each(Tried::check);
        }
        settle(&io, &wire, &tried).await;
    }
    drop((tried, clients));
    sleep(Duration::from_mins(3)).await;
    assert_eq!(wire.open(), 0, "seed {seed}");
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks, "seed {seed}");
}

/// What the server knows is what the users want, and nothing else.
async fn settle(io: &Io, wire: &Wire, tried: &[Tried]) {
    wire.set_down(false);
    for one in tried.iter().filter(|one| one.wanted) {
        until(&one.socket, SocketState::is_connected).await;
    }
    // Sessions that a cut has left at the server end by its ping timeout.
    sleep(Duration::from_mins(2)).await;
    tried.iter().for_each(Tried::check);
    for name in NAMESPACES {
        let ours = tried.iter().filter(|one| one.wanted && one.socket.namespace() == name);
        let mut ours: Vec<_> = ours.map(|one| one.socket.id().expect("connected")).collect();
        let mut theirs: Vec<_> =
            io.of(name).sockets().iter().map(|socket| socket.id().to_owned()).collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "in {name}");
    }
}

#[test]
fn what_a_user_wanted_last_is_what_comes_of_it() {
    for seed in 0..SEEDS {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(life(seed));
    }
}

/// What one of several threads does to a socket that all of them have.
async fn pull(socket: Socket, seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    for turn in 0..500_u32 {
        match random.random_range(0..6) {
            0 => socket.start(),
            1 => drop(timeout(Duration::from_millis(1), socket.connect()).await),
            2..4 => socket.disconnect(),
            _ => drop(socket.emit("turn", &turn)),
        }
        if random.random_bool(0.3) {
            yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_pull_at_the_same_sockets_do_not_lock_each_other_out() {
    let io = server();
    io.of("/chat");
    let wire = Wire::to(&io);
    let client = wire.websocket_client();
    let sockets = [client.socket(), client.of("/chat")];
    let threads = (0..8).map(|seed| {
        let socket = sockets[usize::try_from(seed % 2).unwrap()].clone();
        tokio::spawn(pull(socket, seed))
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.await.unwrap();
    }
    for socket in &sockets {
        socket.disconnect();
        assert!(!socket.is_active());
        socket.connect().await.unwrap();
        assert!(io.of(socket.namespace()).socket(&socket.id().unwrap()).is_some());
    }
    client.close().await;
    assert!(sockets.iter().all(|socket| !socket.is_active()));
}
