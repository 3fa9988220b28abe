//! A client that does not keep up with its server: nothing is lost, nothing grows without end, nothing else waits.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use sockeye::Io;
use sockeye_client::{Client, Data, Socket, Transport};
use support::talk::{Heard, meet, stranger};
use support::{Wire, server, soon};
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// A client of which little is taken at a time, over a WebSocket.
fn narrow(io: &Io, unfinished: usize, bytes: usize) -> (Client, Socket) {
    let builder = Wire::to(io).builder("http://in-memory").transports([Transport::WebSocket]);
    let client = builder.max_unfinished_events(unfinished).parked_bytes(bytes).build().unwrap();
    let socket = client.socket();
    (client, socket)
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_delays_neither_pongs_nor_answers_nor_other_events() {
    let io = Io::builder().ping_interval(Duration::from_secs(2)).build().unwrap();
    io.of("/").on("hello", async || "answered");
    let (_client, socket) = stranger(&io);
    let heard = Heard::default();
    let (slow, quick) = (heard.clone(), heard.clone());
    socket
        .on("slow", move || {
            let heard = slow.clone();
            async move {
                sleep(Duration::from_mins(2)).await;
                heard.note("slow");
            }
        })
        .on("quick", move || {
            quick.note("quick");
            std::future::ready(())
        });
    let served = meet(&io, &socket).await;
    served.emit("slow", &()).unwrap();
    served.emit("quick", &()).unwrap();
    assert_eq!(heard.wait_for(1).await, ["quick"]);
    let answer: String = socket.emit_with_ack("hello", &()).await.unwrap();
    assert_eq!(answer, "answered");
    sleep(Duration::from_mins(3)).await;
    assert_eq!(heard.all(), ["quick", "slow"]);
    assert_eq!(socket.id().as_deref(), Some(served.id()), "no ping was missed");
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_the_handlers_are_full_waits_in_its_order() {
    let io = server();
    let (_client, socket) = narrow(&io, 2, 1 << 20);
    let heard = Heard::default();
    let gate = Arc::new(Semaphore::new(0));
    let (note, wait) = (heard.clone(), gate.clone());
    socket.on("a", move |Data(number): Data<u32>| {
        let wait = wait.clone();
        note.note(format!("{number}"));
        async move { wait.acquire().await.unwrap().forget() }
    });
    let served = meet(&io, &socket).await;
    for number in 0..10 {
        served.emit("a", &number).unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(heard.all(), ["0", "1"]);
    gate.add_permits(1);
    assert_eq!(heard.wait_for(3).await, ["0", "1", "2"]);
    gate.add_permits(9);
    assert_eq!(heard.wait_for(10).await.last().unwrap(), "9");
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_await_the_answer_of_its_own_server_although_no_other_may_start() {
    let io = server();
    io.of("/").on("ask back", async || 7);
    let (_client, socket) = narrow(&io, 1, 1 << 20);
    let heard = Heard::default();
    let note = heard.clone();
    socket.on("a", move |socket: Socket| {
        let note = note.clone();
        async move {
            let answer: u32 = socket.emit_with_ack("ask back", &()).await.unwrap();
            note.note(format!("{answer}"));
        }
    });
    let served = meet(&io, &socket).await;
    for _ in 0..5 {
        served.emit("a", &()).unwrap();
    }
    assert_eq!(heard.wait_for(5).await, ["7"; 5]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_behind_more_than_may_wait_is_come_to() {
    let io = server();
    let events = |socket: &sockeye::Socket| -> sockeye::Result<()> {
        for _ in 0..12 {
            socket.emit("a", &"x".repeat(16 << 10))?;
        }
        Ok(())
    };
    io.of("/").on("ask back", move |socket: sockeye::Socket| async move {
        events(&socket)?;
        Ok::<_, sockeye::Error>("behind 192 KiB")
    });
    let (_client, socket) = narrow(&io, 1, 64 << 10);
    let heard = Heard::default();
    let note = heard.clone();
    socket.once("begin", move |socket: Socket| {
        let note = note.clone();
        async move { note.note(socket.emit_with_ack::<String>("ask back", &()).await.unwrap()) }
    });
    let note = heard.clone();
    socket.on("a", move || {
        note.note("a");
        std::future::ready(())
    });
    let served = meet(&io, &socket).await;
    served.emit("begin", &()).unwrap();
    assert_eq!(heard.wait_for(13).await[0], "behind 192 KiB");
}

/// Floods a client whose only handler is stuck, and says how much the server could get rid of, in events.
async fn flood(served: &sockeye::Socket) -> usize {
    let text = "x".repeat(16 << 10);
    let mut sent = 0;
    for _ in 0..1000 {
        if served.emit("flood", &text).is_err() {
            break;
        }
        sent += 1;
        tokio::task::yield_now().await;
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_left_with_the_server_and_goes_on_where_it_stood() {
    let io = Io::builder().outbox_bytes(64 << 20).build().unwrap();
    io.of("/");
    let (_client, socket) = narrow(&io, 1, 64 << 10);
    let started = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let (count, wait) = (started.clone(), gate.clone());
    socket.on("flood", move || {
        let wait = wait.clone();
        count.fetch_add(1, Ordering::SeqCst);
        async move { drop(wait.acquire().await.unwrap()) }
    });
    let served = meet(&io, &socket).await;
    let sent = flood(&served).await;
    assert_eq!(sent, 1000);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(started.load(Ordering::SeqCst), 1, "the first is stuck");
    assert!(io.stats().engine.queued_bytes > 14 << 20, "nearly all is left with the server");
    gate.add_permits(1);
    soon(|| started.load(Ordering::SeqCst) == 1000).await;
    assert!(socket.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_flood_does_not_outlast_disconnect_and_close() {
    let io = server();
    let (client, socket) = narrow(&io, 1, 64 << 10);
    let heard = Heard::default();
    let note = heard.clone();
    socket.on("flood", async || std::future::pending::<()>().await).on_disconnect(move || {
        note.note("disconnected");
        std::future::ready(())
    });
    let served = meet(&io, &socket).await;
    flood(&served).await;
    client.close().await;
    assert!(!socket.is_active());
}

#[tokio::test(start_paused = true)]
async fn events_that_no_handler_takes_are_pulled_in_their_order_and_answered() {
    let io = server();
    io.of("/").on_connect(async |socket: sockeye::Socket| -> sockeye::Result<()> {
        socket.emit("early", &0)?;
        Ok(())
    });
    let (_client, socket) = stranger(&io);
    let served = meet(&io, &socket).await;
    sleep(Duration::from_secs(1)).await;
    let early = socket.recv().await.unwrap();
    assert_eq!((&*early.name, early.args.parse::<u32>().unwrap()), ("early", 0));
    assert!(!early.ack.wanted());
    let asked = served.emit_with_ack::<i64>("add", &(1, 2));
    served.emit("next", &()).unwrap();
    let add = socket.recv().await.unwrap();
    let (a, b): (i64, i64) = add.args.parse().unwrap();
    add.ack.send(&(a + b)).unwrap();
    assert_eq!(asked.await.unwrap(), 3);
    assert_eq!(socket.recv().await.unwrap().name, "next");
    assert!(Box::pin(socket.recv()).now_or_never().is_none(), "nothing waits");
    served.emit("last", &()).unwrap();
    served.disconnect(false);
    assert_eq!(socket.recv().await.unwrap().name, "last");
    assert!(socket.recv().await.is_none(), "it is not active any more");
}

#[tokio::test(start_paused = true)]
async fn who_pulls_before_the_start_waits_for_it_and_is_told_the_end() {
    let io = server();
    io.of("/").on_connect(async |socket: sockeye::Socket| -> sockeye::Result<()> {
        socket.emit("welcome", &())?;
        Ok(())
    });
    let (client, socket) = stranger(&io);
    let mut first = Box::pin(socket.recv());
    assert!((&mut first).now_or_never().is_none(), "it has not been started");
    let served = meet(&io, &socket).await;
    assert_eq!(first.await.unwrap().name, "welcome");
    served.disconnect(false);
    assert!(socket.recv().await.is_none());
    assert!(socket.recv().await.is_none(), "nobody has started it again");
    let other = client.of("/other");
    let mut never = Box::pin(other.recv());
    assert!((&mut never).now_or_never().is_none());
    client.close().await;
    assert!(never.await.is_none(), "a client that is closed is never started");
}

#[tokio::test(start_paused = true)]
async fn who_pulled_to_the_end_does_not_hold_back_the_connection_that_comes_after() {
    let io = server();
    let (_client, socket) = stranger(&io);
    let served = meet(&io, &socket).await;
    served.disconnect(false);
    assert!(socket.recv().await.is_none());
    let served = meet(&io, &socket).await;
    let large = "x".repeat(300 << 10);
    for _ in 0..10 {
        served.emit("news", &large).unwrap();
    }
    // Three megabytes lie there by now; what comes behind them is heard all the same.
    assert!(served.emit_with_ack::<()>("asked", &()).await.is_err(), "nobody answers");
    assert!(socket.dropped_events() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_takes_what_handlers_do_not_while_somebody_who_hears_everything_only_listens() {
    let io = server();
    let (_client, socket) = stranger(&io);
    let heard = Heard::default();
    let (named, any) = (heard.clone(), heard.clone());
    socket
        .on("handled", move || {
            named.note("handled");
            std::future::ready(())
        })
        .on_any(move |sockeye_client::Event(name): sockeye_client::Event| {
            any.note(format!("any {name}"));
            std::future::ready(())
        });
    let mut events = socket.events();
    let served = meet(&io, &socket).await;
    served.emit("handled", &()).unwrap();
    served.emit("pulled", &()).unwrap();
    assert_eq!(events.next().await.unwrap().name, "pulled");
    assert_eq!(heard.all(), ["any handled", "handled", "any pulled"]);
    drop(events);
    served.emit("nobody's", &()).unwrap();
    assert_eq!(heard.wait_for(4).await[3], "any nobody's");
}

#[tokio::test(start_paused = true)]
async fn before_anybody_pulls_the_oldest_make_room_and_are_counted() {
    let io = server();
    let (_client, socket) = narrow(&io, 64, 1000);
    let served = meet(&io, &socket).await;
    for number in 0..100 {
        served.emit("a", &number).unwrap();
    }
    soon(|| socket.dropped_events() >= 90).await;
    sleep(Duration::from_secs(1)).await;
    let dropped = socket.dropped_events();
    let first: u64 = socket.recv().await.unwrap().args.parse().unwrap();
    assert_eq!(first, dropped, "the oldest were dropped, and no others");
}

#[tokio::test(start_paused = true)]
async fn who_pulls_slowly_keeps_the_server_waiting_and_misses_nothing() {
    let io = Io::builder().outbox_bytes(64 << 20).build().unwrap();
    io.of("/");
    let (_client, socket) = narrow(&io, 64, 64 << 10);
    let mut events = socket.events();
    let served = meet(&io, &socket).await;
    assert_eq!(flood(&served).await, 1000);
    sleep(Duration::from_secs(1)).await;
    assert!(io.stats().engine.queued_bytes > 14 << 20, "nearly all is left with the server");
    for _ in 0..1000 {
        assert_eq!(events.next().await.unwrap().name, "flood");
    }
    assert_eq!(socket.dropped_events(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_heard_in_its_order() {
    let io = server();
    io.of("/chat");
    let client = Wire::to(&io).client();
    let (chat, main) = (client.of("/chat"), client.of("/"));
    let heard = Heard::default();
    let note = heard.clone();
    chat.on_any_outgoing(
        move |sockeye_client::Event(name): sockeye_client::Event, args: sockeye_client::Args| {
            note.note(format!("{name} {}", args.json()));
            std::future::ready(())
        },
    );
    tokio::try_join!(chat.connect(), main.connect()).unwrap();
    main.emit("not here", &()).await.unwrap();
    chat.emit("a", &(1, "x")).await.unwrap();
    chat.emit("b", &()).await.unwrap();
    assert_eq!(heard.wait_for(2).await, ["a 1,\"x\"", "b "]);
    chat.off_any_outgoing();
    chat.emit("c", &()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(heard.all().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_overtakes_what_waits_while_it_is_worked_off() {
    let io = server();
    let (_client, socket) = narrow(&io, 1, 1 << 20);
    let heard = Heard::default();
    let gate = Arc::new(Semaphore::new(0));
    let (note, wait) = (heard.clone(), gate.clone());
    socket.on("a", move |Data(number): Data<u32>| {
        let wait = wait.clone();
        note.note(format!("{number}"));
        async move {
            if number == 0 {
                wait.acquire().await.unwrap().forget();
            }
        }
    });
    let served = meet(&io, &socket).await;
    for number in 0..2000 {
        served.emit("a", &number).unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    gate.add_permits(1);
    for number in 2000..2100 {
        served.emit("a", &number).unwrap();
        tokio::task::yield_now().await;
    }
    let expected: Vec<_> = (0..2100).map(|number| number.to_string()).collect();
    assert_eq!(heard.wait_for(2100).await, expected);
}

#[tokio::test(start_paused = true)]
async fn who_disconnects_in_a_flood_hears_the_next_connection_and_costs_others_no_event() {
    let io = server();
    io.of("/other");
    let (client, socket) = narrow(&io, 1, 4000);
    let other = client.of("/other");
    let heard = Heard::default();
    let gate = Arc::new(Semaphore::new(0));
    let (note, wait, others) = (heard.clone(), gate.clone(), heard.clone());
    socket.on("slow", move || {
        let wait = wait.clone();
        async move { wait.acquire().await.unwrap().forget() }
    });
    socket.on("a", move |Data(text): Data<String>| {
        note.note(text[..1].to_owned());
        async {}
    });
    other.on("b", move || {
        others.note("other");
        async {}
    });
    let served = meet(&io, &socket).await;
    let served_other = meet(&io, &other).await;
    served.emit("slow", &()).unwrap();
    served_other.emit("b", &()).unwrap();
    sleep(Duration::from_secs(1)).await;
    for _ in 0..8 {
        served.emit("a", &"x".repeat(700)).unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    socket.disconnect();
    sleep(Duration::from_secs(1)).await;
    gate.add_permits(1);
    assert_eq!(heard.wait_for(1).await, ["other"]);
    sleep(Duration::from_secs(1)).await;
    let served = meet(&io, &socket).await;
    served.emit("slow", &()).unwrap();
    for _ in 0..2 {
        served.emit("a", &"y".repeat(700)).unwrap();
    }
    // There is as much room as before: what stands behind them is read.
    let asked = tokio::spawn(served.emit_with_ack::<()>("a", &"z"));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(heard.all(), ["other"]);
    gate.add_permits(1);
    assert_eq!(heard.wait_for(4).await, ["other", "y", "y", "z"]);
    asked.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_disconnects_hears_nothing_of_what_waits_behind_it() {
    let io = server();
    let (_client, socket) = narrow(&io, 1, 1 << 20);
    let heard = Heard::default();
    let gate = Arc::new(Semaphore::new(0));
    let (note, wait) = (heard.clone(), gate.clone());
    socket.on("a", move |socket: Socket, Data(number): Data<u32>| {
        let wait = wait.clone();
        note.note(format!("{number}"));
        if number == 1 {
            socket.disconnect();
        }
        async move { wait.acquire().await.unwrap().forget() }
    });
    let served = meet(&io, &socket).await;
    for number in 0..10 {
        served.emit("a", &number).unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    gate.add_permits(10);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(heard.all(), ["0", "1"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_lets_the_connection_go_on() {
    let io = Io::builder().outbox_bytes(64 << 20).build().unwrap();
    io.of("/");
    let (_client, socket) = narrow(&io, 64, 64 << 10);
    let events = socket.events();
    socket.on("asked", async || "answered");
    let served = meet(&io, &socket).await;
    assert_eq!(flood(&served).await, 1000);
    let asked = tokio::spawn(served.emit_with_ack::<String>("asked", &()));
    sleep(Duration::from_secs(1)).await;
    assert!(!asked.is_finished(), "the connection waits for who pulls");
    drop(events);
    assert_eq!(asked.await.unwrap().unwrap(), "answered");
}
