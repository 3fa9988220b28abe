//! A server with a worker on each of two threads: sessions stay where they were opened, whatever thread a request
//! for them lands on.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use engine_proto::CloseReason;
use sockeye_transport::{Class, Config, Encoded, Pushed, Server, listener, threads};
use support::{Echo, Heard, Http, Record, Ws, eventually};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The two threads, an address on each, and what ends them.
struct Workers {
    server: Server<Echo>,
    record: Arc<Record>,
    addresses: [SocketAddr; 2],
    threads: Vec<JoinHandle<()>>,
    stop: watch::Sender<()>,
}

fn start() -> Workers {
    let record = Arc::new(Record::default());
    let config = Config { workers: 2, ..Config::default() };
    let server = Server::new(config, Echo(Arc::clone(&record)));
    let (stop, stopped) = watch::channel(());
    let mut addresses = Vec::new();
    let mut running = Vec::new();
    for number in 0..2 {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        addresses.push(socket.local_addr().unwrap());
        let (server, mut stopped) = (server.clone(), stopped.clone());
        let serve = move || async move {
            let tcp = TcpListener::from_std(socket).unwrap();
            let answer = move |request, remote| {
                let server = server.clone();
                async move { server.respond(request, remote).await }
            };
            let stop = async move { while stopped.changed().await.is_ok() {} };
            listener::serve(tcp, listener::Options::default(), answer, stop).await.unwrap();
        };
        running.push(threads::spawn(number, serve).unwrap());
    }
    let addresses = [addresses[0], addresses[1]];
    Workers { server, record, addresses, threads: running, stop }
}

impl Workers {
    /// Ends everything; nobody is left behind.
    async fn end(self) {
        self.server.close(CloseReason::ServerShuttingDown, Duration::from_secs(5)).await;
        assert_eq!(self.server.connections(), 0);
        drop(self.stop);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

#[tokio::test]
async fn requests_that_land_on_another_thread_are_handed_over() {
    let workers = start();
    let [home, away] = workers.addresses;
    let mut at_home = Http::connect(home).await;
    let mut elsewhere = Http::connect(away).await;
    let session = at_home.open().await;
    for round in 0..50 {
        assert_eq!(elsewhere.post(&session, &format!("4{round}")).await.body, "ok");
        let http = if round % 2 == 0 { &mut elsewhere } else { &mut at_home };
        assert_eq!(http.get(&session).await.body, format!("4{round}"));
    }
    // A poll that waits on one thread is answered by what is posted on the other.
    elsewhere.send("GET", &session, "", b"").await;
    assert_eq!(at_home.post(&session, "4hello").await.body, "ok");
    assert_eq!(elsewhere.answer().await.body, "4hello");
    workers.end().await;
}

#[tokio::test]
async fn an_upgrade_that_lands_on_another_thread_moves_to_its_session_s() {
    let workers = start();
    let [home, away] = workers.addresses;
    for (opened, upgraded) in [(home, away), (away, home), (home, home)] {
        let session = Http::connect(opened).await.open().await;
        let connection = workers.record.last();
        let mut ws = Ws::connect(upgraded, &session.replace("polling", "websocket")).await;
        ws.text("2probe").await;
        assert_eq!(ws.next().await, Heard::Text("3probe".into()));
        ws.text("5").await;
        for number in 0..100 {
            ws.text(&format!("4{number}")).await;
            assert_eq!(connection.push(&Encoded::message("news"), Class::Normal), Pushed::Queued);
        }
        let mut heard = Vec::new();
        while heard.len() < 200 {
            heard.push(ws.next_text().await);
        }
        let echoed: Vec<_> = heard.iter().filter(|text| *text != "4news").cloned().collect();
        let expected: Vec<_> = (0..100).map(|number| format!("4{number}")).collect();
        assert_eq!(echoed, expected, "in order");
    }
    workers.end().await;
}

#[tokio::test]
async fn a_server_on_two_threads_closes_the_sessions_of_both() {
    let workers = start();
    let mut open = Vec::new();
    for address in workers.addresses {
        open.push(Ws::open(address).await);
        open.push(Ws::open(address).await);
    }
    let numbers: std::collections::BTreeSet<_> =
        workers.record.connections.lock().iter().map(sockeye_transport::Connection::id).collect();
    assert_eq!(numbers.len(), 4, "each connection has a number of its own");
    eventually("all are open", || workers.server.connections() == 4).await;
    workers.end().await;
    for mut ws in open {
        assert_eq!(ws.next().await, Heard::Close(None));
    }
}

#[tokio::test]
async fn a_job_that_is_sent_while_another_runs_is_run_too() {
    let workers = start();
    let _ws = Ws::open(workers.addresses[1]).await; // its worker's task runs
    let (say, heard) = std::sync::mpsc::channel();
    for round in 0..200 {
        let (begun, goes_on) = (say.clone(), Arc::new(std::sync::Barrier::new(2)));
        let barrier = Arc::clone(&goes_on);
        workers.server.send(1, move || {
            begun.send(round).unwrap();
            barrier.wait();
        });
        assert_eq!(heard.recv_timeout(Duration::from_secs(10)), Ok(round), "begun");
        let done = say.clone();
        workers.server.send(1, move || done.send(round).unwrap());
        goes_on.wait();
        assert_eq!(heard.recv_timeout(Duration::from_secs(10)), Ok(round), "and the next one");
    }
    workers.end().await;
}
