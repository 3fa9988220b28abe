//! Sessions that end while something else goes on: a write, an upgrade, the end of the server.

mod support;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine_proto::CloseReason;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sockeye_transport::{Class, Config, Connection, Encoded, Pushed, Server};
use support::{Echo, Heard, Record, Running, Ws, eventually, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Two refusals fill the way back, so that the 101 behind them waits for whoever reads.
const REFUSED: &str = "GET /engine.io/?EIO=4 HTTP/1.1\r\nHost: test\r\n\r\n";
const UPGRADE: &str = "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: test\r\n\
                       Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A server behind a pipe that holds a few hundred bytes.
fn behind_a_narrow_pipe(record: &Arc<Record>) -> (Server<Echo>, DuplexStream) {
    let server = Server::new(Config::default(), Echo(Arc::clone(record)));
    let (ours, theirs) = tokio::io::duplex(400);
    let answering = server.clone();
    tokio::spawn(async move {
        let service = service_fn(move |request| {
            let server = answering.clone();
            async move { Ok::<_, Infallible>(server.respond(request, None).await) }
        });
        let http = hyper::server::conn::http1::Builder::new();
        let _ = http.serve_connection(TokioIo::new(theirs), service).with_upgrades().await;
    });
    (server, ours)
}

#[tokio::test]
async fn a_session_that_opens_while_the_server_closes_is_closed_too() {
    let record = Arc::new(Record::default());
    let (server, mut client) = behind_a_narrow_pipe(&record);
    client.write_all(format!("{REFUSED}{REFUSED}{UPGRADE}").as_bytes()).await.unwrap();
    // Both refusals are on their way, and the upgrade has been judged behind them.
    let mut heard = vec![0; 100];
    client.read_exact(&mut heard).await.unwrap();
    server.close(CloseReason::ServerShuttingDown, Duration::from_secs(1)).await;
    let _ = client.read_to_end(&mut heard).await;
    eventually("nobody is left", || server.connections() == 0).await;
    if let Some(connection) = record.connections.lock().last() {
        assert!(connection.is_closed());
    }
}

#[tokio::test]
async fn a_client_that_has_left_delays_no_close() {
    let running = start(Config::default()).await;
    let mut http = support::Http::connect(running.address).await;
    http.open().await;
    running.record.last().close(CloseReason::ForcedClose);
    eventually("the session is over", || !running.record.reasons().is_empty()).await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    running.server.close(CloseReason::ServerShuttingDown, Duration::from_mins(1)).await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}, as for the next poll",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_client_that_reads_nothing_delays_no_close() {
    let running = start(Config::default()).await;
    let _stalled = Ws::open(running.address).await;
    fill(&running.record.last()).await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    running.server.close(CloseReason::ServerShuttingDown, Duration::from_mins(1)).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// Pushes until the kernel takes no more.
async fn fill(connection: &Connection) {
    let packet = Encoded::message(&"x".repeat(100_000));
    let mut before = 0;
    while connection.queued_bytes() <= before || before == 0 {
        before = connection.queued_bytes();
        assert_eq!(connection.push(&packet, Class::Normal), Pushed::Queued);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_reads_is_not_slow_however_much_one_turn_says() {
    let running = start(Config { outbox_bytes: 100_000, ..Config::default() }).await;
    let mut ws = Ws::open(running.address).await;
    ws.text("4flood 1500").await; // one turn pushes fifteen outboxes full, less than the kernel takes
    for _ in 0..1500 {
        assert_eq!(ws.next_text().await.len(), 1025);
    }
}

#[tokio::test]
async fn a_large_packet_behind_small_ones_is_no_reason_to_call_a_client_slow() {
    let running = start(Config { outbox_bytes: 1_000_000, ..Config::default() }).await;
    let mut ws = Ws::open(running.address).await;
    let connection = running.record.last();
    let (small, large) = ("x".repeat(936), "y".repeat(600_000));
    let mut sent = 0;
    while connection.queued_bytes() < 995_000 {
        assert_eq!(connection.push(&Encoded::message(&small), Class::Normal), Pushed::Queued);
        sent += 1;
    }
    assert_eq!(connection.push(&Encoded::message(&large), Class::Normal), Pushed::Queued);
    for _ in 0..sent {
        assert_eq!(ws.next_text().await.len(), 937);
    }
    assert_eq!(ws.next_text().await.len(), 600_001);
}

#[tokio::test]
async fn a_closing_server_lets_a_client_read_one_large_message_to_its_end() {
    const LENGTH: usize = 24_000_000;
    let running = start(Config { outbox_bytes: 64 << 20, ..Config::default() }).await;
    let mut ws = Ws::open(running.address).await;
    let message = Encoded::message(&"y".repeat(LENGTH));
    assert_eq!(running.record.last().push(&message, Class::Normal), Pushed::Queued);
    let server = running.server.clone();
    let closing = async move {
        server.close(CloseReason::ServerShuttingDown, Duration::from_mins(1)).await;
    };
    // Read in so many steps that it takes the server more than its last call, on a clock that goes with them.
    let reading = async {
        let (mut heard, mut piece) = (0, vec![0; 200_000]);
        loop {
            let length = ws.socket.read(&mut piece).await.unwrap_or(0);
            if length == 0 {
                return heard;
            }
            heard += length;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ((), heard) = tokio::join!(closing, reading);
    assert!(heard > LENGTH, "{heard} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_stays_behind_when_two_threads_flush_by_turns() {
    const PACKETS: usize = 320; // more than is written to one connection at once
    let running = start(Config { outbox_bytes: 64 << 20, ..Config::default() }).await;
    let mut ws = Ws::open(running.address).await;
    let connection = running.record.last();
    let packet = Encoded::message(&"x".repeat(1023));
    for _ in 0..200 {
        for _ in 0..PACKETS {
            assert_eq!(connection.push(&packet, Class::Normal), Pushed::Queued);
        }
        ws.text("6").await; // a turn of the session's own task, which pushes nothing
        for _ in 0..PACKETS {
            assert_eq!(ws.next_text().await.len(), 1024);
        }
    }
}

#[tokio::test]
async fn the_last_words_of_a_client_that_resets_are_heard_also_when_a_write_fails_first() {
    let running = start(Config::default()).await;
    let mut ws = Ws::open(running.address).await;
    let connection = running.record.last();
    ws.text("4close").await;
    ws.socket.set_zero_linger().unwrap();
    drop(ws);
    // The worker's write finds the reset before the session's task is told that it can read.
    assert_eq!(connection.push(&Encoded::message("news"), Class::Normal), Pushed::Queued);
    eventually("the session is over", || !running.record.reasons().is_empty()).await;
    assert_eq!(running.record.reasons(), [CloseReason::ForcedClose]);
}

#[test]
fn one_busy_connection_does_not_keep_the_thread_for_itself() {
    let running = on_its_own_thread();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let busy = runtime.block_on(Ws::open(running.address));
    let fed = running.record.last();
    let stop = Arc::new(AtomicBool::new(false));
    let reader = read_until_the_end(busy);
    let feeder = feed(fed.clone(), Arc::clone(&stop));
    runtime.block_on(async {
        let mut other = Ws::open(running.address).await;
        for _ in 0..20 {
            other.text("4hello").await;
            assert_eq!(other.next_text().await, "4hello");
        }
    });
    stop.store(true, Ordering::Relaxed);
    feeder.join().unwrap();
    fed.close(CloseReason::ForcedClose);
    reader.join().unwrap();
}

/// A server on one thread that does nothing else.
fn on_its_own_thread() -> Running {
    let (say, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            say.send(start(Config { outbox_bytes: 64 << 20, ..Config::default() }).await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    heard.recv().unwrap()
}

fn read_until_the_end(ws: Ws) -> std::thread::JoinHandle<()> {
    use std::io::Read;
    let mut socket = ws.socket.into_std().unwrap();
    socket.set_nonblocking(false).unwrap();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        while socket.read(&mut buffer).is_ok_and(|length| length > 0) {}
    })
}

/// Pushes as fast as it can, until told to stop.
fn feed(connection: Connection, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let packet = Encoded::message(&"x".repeat(100));
        while !stop.load(Ordering::Relaxed) {
            if connection.queued_bytes() < 8 << 20 {
                assert_eq!(connection.push(&packet, Class::Normal), Pushed::Queued);
            } else {
                std::thread::yield_now();
            }
        }
    })
}

#[tokio::test]
async fn the_kernel_s_end_of_a_socket_is_given_back_while_handles_are_held() {
    let running = start(Config { outbox_bytes: 100_000, ..Config::default() }).await;
    let ws = Ws::open(running.address).await;
    let handle = running.record.last();
    handle.close(CloseReason::ForcedClose);
    let mut ws = ws;
    assert_eq!(ws.next().await, Heard::Close(None));
    ws.frame(websocket_proto::Opcode::Close, b"").await;
    assert_eq!(ws.next().await, Heard::End, "although somebody holds {handle:?}");
}
