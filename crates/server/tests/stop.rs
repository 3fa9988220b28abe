//! Clients that do not read, and the end of the server.

mod support;

use std::sync::Arc;
use std::time::Duration;

use sockeye::{EmitError, Socket};
use support::{Client, HANG, Notes, Polling, http, io, pass, reasons, serve, soon, with_sync};

#[tokio::test]
async fn a_stalled_reader_is_evicted_by_its_ping_timeout_whatever_is_queued() {
    let period = Duration::from_millis(200);
    let io = io(|io| io.ping_interval(period).ping_timeout(period));
    with_sync(&io);
    let reasons = reasons(&io);
    let address = serve(&io).await;
    let (client, id) = Client::join(address).await;
    let socket = io.socket(&id).unwrap();
    let _stalled = client.stall();
    let big = "x".repeat(100_000);
    for _ in 0..20 {
        socket.emit("big", &big).unwrap(); // more than the kernel takes, less than the outbox does
    }
    assert_eq!(reasons.next().await, "ping timeout");
    let (mut healthy, _) = Client::join(address).await;
    healthy.sync().await;
    assert_eq!(io.count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_client_whose_outbox_is_full_is_disconnected_as_a_slow_consumer_and_volatile_is_dropped()
{
    let io = io(|io| io.outbox_bytes(300_000));
    let reasons = reasons(&io);
    let (client, id) = Client::join(serve(&io).await).await;
    let socket = io.socket(&id).unwrap();
    let _stalled = client.stall();
    let big = "x".repeat(100_000);
    let error = loop {
        match socket.emit("big", &big) {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, EmitError::SlowConsumer { socket } if *socket == id), "{error}");
    assert_eq!(reasons.next().await, "slow consumer");
}

#[tokio::test]
async fn volatile_events_for_a_stalled_reader_are_dropped_and_it_stays() {
    let io = io(|io| io.outbox_bytes(300_000));
    let (client, id) = Client::join(serve(&io).await).await;
    let socket = io.socket(&id).unwrap();
    let _stalled = client.stall();
    let big = "x".repeat(100_000);
    while io.volatile().emit("big", &big).unwrap().dropped() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(socket.is_connected());
}

#[tokio::test]
async fn close_returns_at_its_deadline_however_a_client_stalls_and_a_handler_hangs() {
    let io = io(|io| io);
    let hanging = Notes::new();
    let notes = Arc::clone(&hanging);
    io.of("/").on("hang", move || {
        notes.add(());
        std::future::pending::<()>()
    });
    let address = serve(&io).await;
    let (client, id) = Client::join(address).await;
    let socket = io.socket(&id).unwrap();
    let _stalled = client.stall();
    for _ in 0..20 {
        socket.emit("big", &"x".repeat(100_000)).unwrap();
    }
    let (mut client, _) = Client::join(address).await;
    client.send("42[\"hang\"]").await;
    hanging.next().await;
    soon(io.close(Duration::from_millis(300))).await;
    assert_eq!(io.count().await.unwrap(), 0);
    assert!(!socket.is_connected());
}

#[tokio::test]
async fn what_was_emitted_before_close_still_arrives_and_last_handlers_are_waited_for() {
    let io = io(|io| io);
    let done = Notes::new();
    let notes = Arc::clone(&done);
    io.of("/").on_disconnect(move |socket: Socket| {
        let notes = Arc::clone(&notes);
        async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            notes.add(socket.disconnect_reason().unwrap().as_str());
        }
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    io.emit("last", &()).unwrap();
    let reading = tokio::spawn(async move { client.rest().await });
    io.close(HANG).await;
    assert_eq!(done.so_far(), ["server shutting down"]);
    assert_eq!(reading.await.unwrap(), ["42[\"last\"]"]);
}

#[tokio::test]
async fn the_port_is_free_when_close_has_returned_and_the_next_server_there_hears_events() {
    let first = io(|io| io);
    let (mut client, address) = {
        let address = serve(&first).await;
        (Client::join(address).await.0, address)
    };
    has(&first, 1).await;
    let reading = tokio::spawn(async move { client.rest().await });
    first.close(HANG).await;
    assert_eq!(first.count().await.unwrap(), 0);
    assert!(reading.await.unwrap().is_empty());

    let listener = tokio::net::TcpListener::bind(address).await.expect("the port is free");
    let second = io(|io| io);
    with_sync(&second);
    let serving = second.clone();
    tokio::spawn(async move { serving.serve_listener(listener).await });
    let (mut client, _) = Client::join(address).await;
    client.sync().await;
}

#[tokio::test]
async fn closing_a_server_that_never_served_or_has_ended_is_done_at_once() {
    let never = io(|io| io);
    soon(never.close(Duration::from_hours(1))).await;
    soon(never.close(Duration::from_hours(1))).await;
    assert_eq!(never.emit("x", &()).unwrap().recipients(), 0);
    soon(never.serve("127.0.0.1:0")).await.unwrap();
}

/// Waits until so many are here.
async fn has(io: &sockeye::Io, count: usize) {
    soon(async {
        while io.count().await.unwrap() != count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn draining_sends_clients_away_one_by_one_and_lets_nobody_new_in() {
    let io = io(|io| io);
    with_sync(&io);
    let reasons = reasons(&io);
    let address = serve(&io).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(Client::join(address).await.0);
    }
    let draining = tokio::spawn({
        let io = io.clone();
        async move { io.drain(Duration::from_secs(10), HANG).await }
    });
    let mut left = 10;
    while left > 0 {
        has(&io, left).await;
        let refused = http(address, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "").await;
        assert_eq!(refused.0, 503);
        pass(Duration::from_secs(1)).await;
        left -= 1;
    }
    soon(draining).await.unwrap();
    assert_eq!(reasons.so_far(), ["server shutting down"; 10]);
    for mut client in clients {
        assert!(
            client.rest().await.is_empty(),
            "no DISCONNECT: they shall come back by themselves"
        );
    }
}

#[tokio::test]
async fn a_client_that_waits_for_its_turn_is_served_until_then() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let polling = Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    polling.get().await;
    let (mut client, _) = Client::join(address).await;
    let draining = tokio::spawn({
        let io = io.clone();
        async move { io.drain(Duration::from_hours(1), HANG).await }
    });
    tokio::task::yield_now().await;
    client.sync().await;
    polling.post("427[\"sync\"]").await;
    assert_eq!(polling.get().await, "437[]");
    client.hang_up();
    has(&io, 1).await;
    io.close(HANG).await;
    soon(draining).await.unwrap();
}

#[tokio::test]
async fn draining_is_done_as_soon_as_everybody_has_left() {
    let io = io(|io| io);
    let address = serve(&io).await;
    let (client, _) = Client::join(address).await;
    let (other, _) = Client::join(address).await;
    let draining = tokio::spawn({
        let io = io.clone();
        async move { io.drain(Duration::from_hours(1), HANG).await }
    });
    client.hang_up();
    other.hang_up();
    soon(draining).await.unwrap();
}
