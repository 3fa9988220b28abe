//! What a server has counted, and how it is, read in one snapshot.

mod support;

use std::time::Duration;

use sockeye::{Data, Durability, Io, Result, Socket};
use support::{Client, Polling, io, serve, soon, with_sync};

async fn eventually(mut holds: impl FnMut() -> bool) {
    soon(async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_event_is_counted_with_the_time_of_its_handler_waiting_included() {
    let io = io(|io| io);
    io.of("/").on("quick", async || {}).on("slow", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("421[\"quick\"]").await;
    client.expect("431[]").await;
    assert_eq!(io.stats().handled.count(), 1);
    client.send("422[\"slow\"]").await;
    client.expect("432[]").await;
    let handled = io.stats().handled;
    assert_eq!(handled.count(), 2);
    assert!(handled.sum >= Duration::from_millis(20), "{handled:?}");
    let within_ten = handled.within().find(|(bound, _)| *bound == Duration::from_millis(10));
    assert_eq!(within_ten.unwrap().1, 1, "{handled:?}");
}

#[tokio::test]
async fn what_goes_wrong_with_events_is_counted_by_what_it_was() {
    let io = io(|io| io.handler_timeout(Duration::from_millis(20)));
    io.of("/")
        .on("panic", async || -> () { panic!("on purpose") })
        .on("fail", async || -> Result<()> { Err("no".into()) })
        .on("number", async |Data(_): Data<u32>| {})
        .on("never", async || std::future::pending::<()>().await);
    let (mut client, _) = Client::join(serve(&io).await).await;
    for event in ["panic", "fail", "number", "never", "unknown"] {
        client.send(&format!("421[\"{event}\",\"x\"]")).await;
        assert!(client.text().await.starts_with("431["), "{event}");
    }
    let stats = io.stats();
    assert_eq!((stats.panics, stats.handler_errors, stats.rejected_arguments), (1, 1, 1));
    assert_eq!((stats.handlers_expired, stats.unhandled), (1, 1));
    // What could not be started has not been handled.
    assert_eq!(stats.handled.count(), 3);
}

#[tokio::test]
async fn clients_are_counted_by_their_transport_while_they_are_here() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let (client, _) = Client::join(address).await;
    let _polling = Polling::open(address, "/socket.io/").await;
    let stats = io.stats();
    assert_eq!((stats.connections(), stats.engine.websocket, stats.engine.polling), (2, 1, 1));
    client.hang_up();
    eventually(|| io.stats().connections() == 1).await;
    assert_eq!(io.stats().engine.opened_websocket, 1);
}

#[tokio::test]
async fn a_durable_namespace_shows_what_it_has_logged_and_who_is_away() {
    let io = io(|io| io);
    io.of("/").durable(Durability::Memory);
    io.of("/").on("say", async |io: Io, _socket: Socket| -> Result<()> {
        io.emit("said", &"hello")?;
        Ok(())
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("42[\"say\"]").await;
    assert!(client.text().await.starts_with("42[\"said\",\"hello\""));
    let durable = io.stats().durable;
    assert_eq!((durable.events, durable.sessions, durable.away), (1, 1, 0));
    client.hang_up();
    eventually(|| io.stats().durable.away == 1).await;
    assert_eq!(io.stats().durable.sessions, 1);
}
