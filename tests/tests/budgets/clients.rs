//! The budgets of the connecting side: what an idle session and an idle client hold, and what an event allocates.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use sockeye_client::{Client, ClientState, Data, Socket, Transport};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Notify, mpsc};
use tokio::task::yield_now;

use super::counting::{Counters, Table, live, per, print_account};
use super::{BURST, Server};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What sits on the connecting side, and wants nothing.
struct Quiet;

impl engine_client::Upper for Quiet {
    fn opened(&mut self, _: &engine_client::Open, _: &mut engine_client::Queue) {}
    fn message(
        &mut self,
        _: engine_client::Message<'_>,
        _: &mut engine_client::Queue,
    ) -> std::result::Result<(), engine_client::Broken> {
        Ok(())
    }
}

/// Opens a session, and drives it until it speaks through a WebSocket and has nothing more to do.
async fn connect_engine(config: &Arc<engine_client::Config>) -> engine_client::Engine {
    let mut engine = engine_client::Engine::open(Arc::clone(config));
    std::future::poll_fn(|cx| {
        assert!(engine.poll(&mut Quiet, cx).is_pending());
        match engine.transport() {
            Some(engine_client::Transport::WebSocket) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
    let idle = std::future::poll_fn(|cx| engine.poll(&mut Quiet, cx));
    let _ = tokio::time::timeout(Duration::from_millis(1), idle).await;
    engine
}

#[test]
fn an_idle_session_of_the_connecting_side_holds_less_than_a_kilobyte_and_a_half() {
    const CONNECTIONS: u32 = 100;
    let server = Server::start();
    let (target, _) = engine_client::Target::parse(&format!("http://{}", server.address)).unwrap();
    runtime().block_on(async {
        for direct in [true, false] {
            let mut config = engine_client::Config::new(target.clone());
            if direct {
                config.transports = vec![engine_client::Transport::WebSocket];
            }
            let config = Arc::new(config);
            // What the thread and the runtime keep for all is not a session's.
            drop(connect_engine(&config).await);
            let mut engines = Vec::with_capacity(CONNECTIONS as usize);
            let before = live();
            for _ in 0..CONNECTIONS {
                engines.push(connect_engine(&config).await);
            }
            let heap = per(u64::try_from(live() - before).unwrap(), CONNECTIONS);
            let inline = size_of::<engine_client::Engine>();
            println!(
                "{heap} bytes of heap, {inline} where it stands; opened on a WebSocket: {direct}"
            );
            assert!(heap + f64::from(u32::try_from(inline).unwrap()) < 1536.0, "{heap}");
        }
    });
}

/// A client of its own, on a WebSocket from the beginning, and not connected.
fn client(url: &str) -> Socket {
    let builder = Client::builder(url).transports([Transport::WebSocket]);
    builder.build().unwrap().socket()
}

/// A client of its own, connected, with nothing more to do.
async fn connect_client(url: &str) -> Socket {
    let socket = client(url);
    socket.connect().await.unwrap();
    socket
}

/// The same as it comes about without settings: by polling, and an upgrade.
async fn upgraded_client(url: &str) -> Socket {
    let client = Client::builder(url).build().unwrap();
    let socket = client.socket();
    socket.connect().await.unwrap();
    let through_a_websocket = ClientState::Open { transport: Transport::WebSocket };
    client.state().wait_for(|state| *state == through_a_websocket).await.unwrap();
    socket
}

#[test]
fn an_idle_client_is_one_task_and_holds_less_than_six_kilobytes() {
    const CONNECTIONS: u32 = 100;
    let server = Server::start();
    let url = format!("http://{}", server.address);
    runtime().block_on(async {
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let mut sockets = vec![connect_client(&url).await, upgraded_client(&url).await];
        sockets.reserve(2 * CONNECTIONS as usize);
        for upgraded in [false, true] {
            let (tasks_before, before) = (tasks(), Counters::of_this_thread());
            for _ in 0..CONNECTIONS {
                sockets.push(if upgraded {
                    upgraded_client(&url).await
                } else {
                    connect_client(&url).await
                });
            }
            let connected = Counters::of_this_thread().since(&before);
            assert_eq!(tasks() - tasks_before, CONNECTIONS as usize, "tasks");
            let heap = per(u64::try_from(connected.live).unwrap(), CONNECTIONS);
            println!("{heap} bytes of heap for each client; upgraded: {upgraded}");
            print_account(&connected, CONNECTIONS);
            assert!(heap <= 6144.0, "{heap} bytes");
        }
    });
}

/// Counts what so many rounds cost, behind as many that make tables grow. What is kept of them is no more than such a table.
async fn cost(rounds: u32, mut round: impl AsyncFnMut()) -> Counters {
    for _ in 0..rounds {
        round().await;
    }
    let before = Counters::of_this_thread();
    for _ in 0..rounds {
        round().await;
    }
    let cost = Counters::of_this_thread().since(&before);
    assert!(cost.live < 1024, "{} bytes are kept of {rounds} rounds", cost.live);
    cost
}

#[test]
fn what_a_client_allocates_for_an_event_is_counted() {
    const ROUNDS: u32 = 200;
    let server = Server::start();
    let url = format!("http://{}", server.address);
    runtime().block_on(async {
        let socket = client(&url);
        let heard = Arc::new(Notify::new());
        let told = Arc::clone(&heard);
        socket.on("back", move |Data(text): Data<String>| {
            assert_eq!(text, "hello");
            told.notify_one();
            std::future::ready(())
        });
        socket.connect().await.unwrap();
        let mut table = Table::titled();
        // The packet; the future of the handler that hears what comes back, and the string that it asks for.
        let echo = cost(ROUNDS, async || {
            socket.emit("echo", "hello").now().unwrap();
            heard.notified().await;
        });
        let echo = echo.await.allocations;
        table.row("allocations per event sent and event heard", 3.0, per(echo, ROUNDS));
        // The packet; where its answer comes, the timer of whoever awaits it; the answer, and the string that is made of it.
        let ask = cost(ROUNDS, async || {
            let answer: String = socket.emit_with_ack("answer", "hello").await.unwrap();
            assert_eq!(answer, "hello");
        });
        let ask = ask.await.allocations;
        table.row("allocations per question and its answer", 5.0, per(ask, ROUNDS));
        // The packet. The rest are the two lists in which those of a round wait, which grow anew each time: an idle client holds
        // no list.
        let note = cost(ROUNDS, async || {
            for _ in 0..9 {
                socket.emit("note", "hello").now().unwrap();
            }
            let _: String = socket.emit_with_ack("answer", "hello").await.unwrap();
        });
        let notes = note.await.allocations.saturating_sub(ask);
        table.row("allocations per event that is sent", 1.67, per(notes, 9 * ROUNDS));
        table.check();
    });
}

/// Sends a burst, and has one sent.
async fn be_busy(socket: &Socket) {
    for _ in 0..BURST {
        socket.emit("note", "hello").now().unwrap();
    }
    let () = socket.emit_with_ack("burst", &()).await.unwrap();
}

/// So many bytes more does a client hold when it has been busy, pulling what came; and another, whose handler was slow.
async fn kept_of_a_burst(url: &str) -> [i64; 2] {
    let pulling = connect_client(url).await;
    let before = live();
    let mut events = pulling.events();
    be_busy(&pulling).await;
    for _ in 0..BURST {
        assert_eq!(events.next().await.unwrap().name, "many");
    }
    drop(events);
    let _: String = pulling.emit_with_ack("answer", "done").await.unwrap();
    let pulled = live() - before;

    let builder = Client::builder(url).transports([Transport::WebSocket]).max_unfinished_events(1);
    let handling = builder.build().unwrap().socket();
    let (done, mut handled) = mpsc::unbounded_channel();
    handling.on("many", move || {
        let done = done.clone();
        async move {
            yield_now().await;
            done.send(()).unwrap();
        }
    });
    handling.connect().await.unwrap();
    let before = live();
    be_busy(&handling).await;
    for _ in 0..BURST {
        handled.recv().await.unwrap();
    }
    let _: String = handling.emit_with_ack("answer", "done").await.unwrap();
    [pulled, live() - before]
}

#[test]
fn a_client_that_was_busy_holds_no_more_when_it_is_idle() {
    let server = Server::start();
    let url = format!("http://{}", server.address);
    runtime().block_on(async {
        // The first time, the thread's buffers grow.
        kept_of_a_burst(&url).await;
        let kept = kept_of_a_burst(&url).await;
        println!("kept of a burst by who pulls, and by whose handler is slow: {kept:?} bytes");
        assert!(kept.iter().all(|bytes| *bytes < 1024), "{kept:?} bytes are kept");
    });
}
