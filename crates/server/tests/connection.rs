//! The way of an event to its handler: order, limits, and what passes them.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sockeye::{Data, DisconnectReason, Event, Io, Reason, Result, Socket};
use support::{Client, Notes, Polling, io, reasons, serve, with_sync};
use tokio::sync::Semaphore;

#[tokio::test]
async fn an_event_is_echoed_over_websocket_and_over_polling() {
    let io = io(|io| io);
    io.of("/").on("echo", async |socket: Socket, args: sockeye::Args| -> Result<()> {
        socket.emit("echo-back", &args)?;
        Ok(())
    });
    let address = serve(&io).await;

    let (mut client, _) = Client::join(address).await;
    client.send(r#"42["echo", 1.50, {"a":1e400}]"#).await;
    client.expect(r#"42["echo-back",1.50, {"a":1e400}]"#).await;

    let polling = Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    assert!(polling.get().await.starts_with("40{\"sid\":"));
    polling.post("42[\"echo\",2]").await;
    assert_eq!(polling.get().await, "42[\"echo-back\",2]");
}

#[tokio::test]
async fn attachments_are_relayed_unchanged() {
    let io = io(|io| io);
    io.of("/").on("echo", async |socket: Socket, args: sockeye::Args| {
        socket.emit("back", &args).map(drop)
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client
        .send(r#"452-["echo",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#)
        .await;
    client.send_binary(&[1, 2]).await;
    client.send_binary(&[3]).await;
    client
        .expect(r#"452-["back",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#)
        .await;
    assert_eq!(client.binary().await, [1, 2]);
    assert_eq!(client.binary().await, [3]);
}

#[tokio::test]
async fn an_argument_that_is_passed_on_alone_takes_no_attachments_of_others_along() {
    let io = io(|io| io);
    io.of("/").on("forward", async |socket: Socket, args: sockeye::Args| -> Result<()> {
        for index in 0..args.len() {
            socket.emit("got", &args.get(index).unwrap_or_default())?;
        }
        Ok(())
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client
        .send(r#"452-["forward","public",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]"#)
        .await;
    client.send_binary(b"secret").await;
    client.send_binary(b"more").await;
    client.expect(r#"42["got","public"]"#).await;
    client.expect(r#"451-["got",{"_placeholder":true,"num":0}]"#).await;
    assert_eq!(client.binary().await, b"secret");
    client.expect(r#"451-["got",[{"_placeholder":true,"num":0}]]"#).await;
    assert_eq!(client.binary().await, b"more");
}

#[tokio::test]
async fn handlers_start_in_the_order_of_the_events() {
    let seen = Notes::new();
    let io = io(|io| io);
    with_sync(&io);
    let notes = Arc::clone(&seen);
    io.of("/").on("n", move |Data(n): Data<usize>| {
        notes.add(n);
        async move {
            if n % 3 == 0 {
                tokio::task::yield_now().await; // some have to wait; the next ones start meanwhile
            }
        }
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    let events: Vec<_> = (0..2000).map(|n| format!("42[\"n\",{n}]")).collect();
    client.send_all(&events).await;
    for n in 0..2000 {
        assert_eq!(seen.next().await, n);
    }
}

/// A handler that waits until it is let go, and counts how many have started.
fn gated(io: &Io, event: &str) -> (Arc<Semaphore>, Arc<AtomicUsize>) {
    let gate = Arc::new(Semaphore::new(0));
    let started = Arc::new(AtomicUsize::new(0));
    let (g, s) = (Arc::clone(&gate), Arc::clone(&started));
    io.of("/").on(event, move |Data(n): Data<usize>| {
        let gate = Arc::clone(&g);
        s.fetch_add(1, Ordering::SeqCst);
        async move {
            gate.acquire().await.unwrap().forget();
            n
        }
    });
    (gate, started)
}

#[tokio::test]
async fn events_past_the_limit_are_parked_and_started_in_order() {
    let io = io(|io| io.max_unfinished_events(4));
    let (gate, started) = gated(&io, "slow");
    // With four unfinished, even `sync` is parked: let the transport tell when everything has
    // arrived.
    let (mut client, _) = Client::join(serve(&io).await).await;
    let events: Vec<_> = (0..100).map(|n| format!("42{n}[\"slow\",{n}]")).collect();
    client.send_all(&events).await;
    gate.add_permits(1);
    client.expect("430[0]").await;
    // One has ended, so one more may have started: five in all, never more.
    assert!(started.load(Ordering::SeqCst) <= 5);
    gate.add_permits(99);
    for n in 1..100 {
        client.expect(&format!("43{n}[{n}]")).await;
    }
    assert_eq!(started.load(Ordering::SeqCst), 100);
}

#[tokio::test]
async fn a_client_whose_parked_events_pass_the_limit_is_disconnected_with_a_reason() {
    let io = io(|io| io.max_unfinished_events(1).parked_bytes(10_000));
    let (_gate, _) = gated(&io, "slow");
    let reasons = Notes::new();
    let notes = Arc::clone(&reasons);
    io.of("/").on_disconnecting(move |Reason(reason): Reason| {
        notes.add(reason);
        async {}
    });
    let address = serve(&io).await;
    let (mut healthy, _) = Client::join(address).await;
    let (mut client, _) = Client::join(address).await;
    let big = format!("42[\"slow\",1,\"{}\"]", "x".repeat(1000));
    client.send_all(&vec![big; 20]).await;
    assert_eq!(reasons.next().await, DisconnectReason::TooManyEvents);
    assert!(client.rest().await.is_empty());
    with_sync(&io);
    healthy.sync().await;
}

#[tokio::test]
async fn one_event_that_is_larger_than_what_may_be_parked_waits_and_a_second_one_does_not() {
    let io = io(|io| io.parked_bytes(1000));
    let gate = Arc::new(Semaphore::new(0));
    let g = Arc::clone(&gate);
    io.of("/").on_connect(move || {
        let gate = Arc::clone(&g);
        async move { gate.acquire().await.unwrap().forget() }
    });
    io.of("/").on("big", async |Data(text): Data<String>| text.len());
    let address = serve(&io).await;
    let big = format!("427[\"big\",\"{}\"]", "x".repeat(5000));

    let (mut client, _) = Client::join(address).await;
    client.send(&big).await;
    gate.add_permits(1);
    client.expect("437[5000]").await;

    let (mut client, _) = Client::join(address).await;
    client.send_all(&[big.as_str(), "42[\"small\"]"]).await;
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn a_handler_at_the_limit_that_awaits_an_answer_of_its_own_client_finishes() {
    let io = io(|io| io.max_unfinished_events(1));
    io.of("/").on("ask", async |socket: Socket| -> Result<String> {
        Ok(socket.emit_with_ack("name?", &()).await?)
    });
    with_sync(&io);
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("421[\"ask\"]").await;
    let question = client.text().await;
    let id = question.strip_prefix("42").unwrap().strip_suffix("[\"name?\"]").unwrap().to_owned();
    client.send("422[\"sync\"]").await; // parked behind the handler
    client.send(&format!("43{id}[\"Ada\"]")).await; // taken all the same
    client.expect("431[\"Ada\"]").await;
    client.expect("432[]").await;
}

#[tokio::test]
async fn a_client_whose_handlers_sleep_for_two_ping_periods_stays() {
    let period = Duration::from_millis(300);
    let io = io(|io| io.ping_interval(period).ping_timeout(period).max_unfinished_events(1));
    io.of("/").on("sleep", async move || {
        tokio::time::sleep(Duration::from_millis(1300)).await;
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send_all(&["421[\"sleep\"]", "422[\"sleep\"]"]).await;
    client.expect("431[]").await;
    client.expect("432[]").await;
}

#[tokio::test]
async fn events_wait_until_the_body_of_on_connect_has_returned_and_acknowledgements_pass() {
    let io = io(|io| io);
    let seen = Notes::new();
    let notes = Arc::clone(&seen);
    io.of("/").on_connect(move |socket: Socket| {
        let notes = Arc::clone(&notes);
        async move {
            let name: String = socket.emit_with_ack("name?", &()).await?;
            notes.add(name);
            Ok::<_, sockeye::Error>(())
        }
    });
    let notes = Arc::clone(&seen);
    io.of("/").on("early", move || {
        notes.add("early".to_owned());
        async {}
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.expect("420[\"name?\"]").await;
    client.send("421[\"early\"]").await;
    client.send("430[\"Ada\"]").await;
    client.expect("431[]").await;
    assert_eq!(seen.so_far(), ["Ada", "early"]);
}

#[tokio::test]
async fn events_that_came_before_the_client_left_are_started_and_on_disconnect_is_last() {
    let io = io(|io| io);
    let gate = Arc::new(Semaphore::new(0));
    let seen = Notes::new();
    let g = Arc::clone(&gate);
    io.of("/").on_connect(move || {
        let gate = Arc::clone(&g);
        async move { gate.acquire().await.unwrap().forget() }
    });
    let notes = Arc::clone(&seen);
    io.of("/").on_any(move |Event(name): Event| {
        notes.add(name);
        async {}
    });
    let notes = Arc::clone(&seen);
    io.of("/").on_disconnect(move |Reason(reason): Reason| {
        notes.add(reason.to_string());
        async {}
    });
    let leaving = Notes::new();
    let notes = Arc::clone(&leaving);
    io.of("/").on_disconnecting(move || {
        notes.add(());
        async {}
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send_all(&["42[\"a\"]", "42[\"b\"]", "41"]).await;
    leaving.next().await;
    assert!(seen.so_far().is_empty());
    gate.add_permits(1);
    assert_eq!(seen.next().await, "a");
    assert_eq!(seen.next().await, "b");
    assert_eq!(seen.next().await, "client namespace disconnect");
}

#[tokio::test]
async fn an_event_name_with_escapes_or_digits_finds_its_handler() {
    let io = io(|io| io);
    io.of("/").on("café \"x\"", async || 1).on("7", async || 2);
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send(r#"421["caf\u00e9 \"x\""]"#).await;
    client.expect("431[1]").await;
    client.send("422[7]").await;
    client.expect("432[2]").await;
}

#[tokio::test]
async fn a_malformed_packet_closes_its_connection_and_nobody_else_notices() {
    let io = io(|io| io);
    with_sync(&io);
    let reasons = reasons(&io);
    let address = serve(&io).await;
    let (mut healthy, _) = Client::join(address).await;
    for bad in [
        "42",
        "42[]",
        "42{}",
        "42[\"disconnect\"]",
        "49",
        "450-[\"a\"]",
        "42[\"a\"",
        "42/other,[\"a\"]",
    ] {
        let (mut client, _) = Client::join(address).await;
        client.send(bad).await;
        assert!(client.rest().await.is_empty(), "{bad}");
        assert_eq!(reasons.next().await, "forced close", "{bad}");
    }
    healthy.sync().await;
}

#[tokio::test]
async fn a_violation_over_polling_is_followed_by_a_close_for_the_next_poll() {
    let io = io(|io| io);
    let address = serve(&io).await;
    for (packets, answered) in
        [(&["40", "40"][..], true), (&["42[\"some event\"]"], false), (&["40", "4abc"], true)]
    {
        let client = Polling::open(address, "/socket.io/").await;
        for packet in packets {
            client.post(packet).await;
        }
        // What came before the violation is answered, in the same payload.
        let payload = client.get().await;
        let goodbye = match payload.split_once("\"}\x1e") {
            Some((reply, goodbye)) if answered => {
                assert!(reply.starts_with("40{\"sid\":\""), "{payload}");
                goodbye
            }
            _ => &payload,
        };
        assert_eq!(goodbye, "6\x1e1", "{packets:?}");
    }
}
