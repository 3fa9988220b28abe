//! `disconnect` and `close` are final, and nothing is left behind.

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::json;
use sockeye::{Io, Socket as Served};
use sockeye_client::{Client, ClientState, ConnectError, DisconnectReason, Socket, SocketState};
use support::{
    Script, Wire, is_disconnected, server, soon, tasks_of_the_server, until, until_client,
};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

const LEFT: SocketState =
    SocketState::Disconnected { reason: Some(DisconnectReason::ClientDisconnect) };

/// An hour later it is as it was, and the server knows nobody.
async fn stays_away(io: &Io, wire: &Wire, socket: &Socket) {
    assert_eq!(*socket.state().borrow(), LEFT);
    let dialled = wire.dialled();
    sleep(Duration::from_mins(1)).await;
    assert_eq!(*socket.state().borrow(), LEFT);
    assert!(io.of(socket.namespace()).sockets().is_empty());
    assert!(wire.dialled() <= dialled + 1, "a dial that was under way at most");
    assert_eq!(wire.open(), 0);
}

/// A namespace whose middleware thinks for ten seconds.
fn slow_namespace(io: &Io, name: &str) {
    io.of(name).middleware(async |_: Served| sleep(Duration::from_secs(10)).await);
}

#[tokio::test(start_paused = true)]
async fn disconnect_is_final_while_the_connection_opens() {
    let io = server();
    let wire = Wire::to(&io);
    for turns in 0..40 {
        let client = wire.client();
        let socket = client.socket();
        socket.start();
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        socket.disconnect();
        stays_away(&io, &wire, &socket).await;
    }
}

#[tokio::test(start_paused = true)]
async fn disconnect_is_final_while_it_waits_for_the_next_attempt() {
    let io = server();
    let wire = Wire::to(&io);
    wire.set_down(true);
    let client = wire.client();
    let socket = client.socket();
    socket.start();
    until(&socket, |state| matches!(state, SocketState::Waiting { .. })).await;
    socket.disconnect();
    wire.set_down(false);
    stays_away(&io, &wire, &socket).await;
    assert_eq!(*client.state().borrow(), ClientState::Idle);
}

#[tokio::test(start_paused = true)]
async fn disconnect_is_final_while_the_server_thinks_about_connect() {
    let io = server();
    slow_namespace(&io, "/slow");
    let wire = Wire::to(&io);
    let client = wire.websocket_client();
    let (main, slow) = (client.socket(), client.of("/slow"));
    main.connect().await.unwrap();
    slow.start();
    sleep(Duration::from_secs(5)).await;
    slow.disconnect();
    sleep(Duration::from_mins(1)).await;
    assert_eq!(*slow.state().borrow(), LEFT);
    assert!(io.of("/slow").sockets().is_empty(), "it has said goodbye");
    assert!(main.is_connected(), "others do not suffer");
    assert_eq!(wire.dialled(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_connects_again_while_the_server_thinks_gets_a_connection_of_its_own() {
    let io = server();
    slow_namespace(&io, "/slow");
    let wire = Wire::to(&io);
    let client = wire.websocket_client();
    let (main, slow) = (client.socket(), client.of("/slow"));
    main.connect().await.unwrap();
    slow.start();
    sleep(Duration::from_secs(5)).await;
    slow.disconnect();
    let began = Instant::now();
    slow.connect().await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(15), "the server's first answer was for before");
    main.disconnect();
    sleep(Duration::from_mins(1)).await;
    assert_eq!(io.of("/slow").sockets().len(), 1);
    assert!(io.of("/slow").socket(&slow.id().unwrap()).is_some());
    assert_eq!(wire.dialled(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_whoever_takes_connect_back_is_not_told_so() {
    let (wire, mut accepted) = Wire::raw();
    let client = wire.websocket_client();
    let (main, slow) = (client.socket(), client.of("/slow"));
    main.start();
    let mut script = Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"m"}"#).await;
    until(&main, SocketState::is_connected).await;
    slow.start();
    assert_eq!(script.hear().await.as_deref(), Some("40/slow,"));
    slow.disconnect();
    let early = timeout(Duration::from_secs(5), script.hear()).await;
    assert!(early.is_err(), "heard {early:?} before the answer");
    script.say(r#"40/slow,{"sid":"s"}"#).await;
    assert_eq!(script.hear().await.as_deref(), Some("41/slow,"));
    assert_eq!(*slow.state().borrow(), LEFT);
    assert!(main.is_connected());

    // Who wants in again meanwhile leaves a pause behind the goodbye: the server takes a DISCONNECT a turn later than a CONNECT.
    slow.start();
    assert_eq!(script.hear().await.as_deref(), Some("40/slow,"));
    slow.disconnect();
    slow.start();
    script.say(r#"40/slow,{"sid":"t"}"#).await;
    assert_eq!(script.hear().await.as_deref(), Some("41/slow,"));
    let said = Instant::now();
    assert_eq!(script.hear().await.as_deref(), Some("40/slow,"));
    assert!(said.elapsed() >= Duration::from_millis(40), "{:?}", said.elapsed());
}

#[tokio::test(start_paused = true)]
async fn disconnect_is_final_while_the_application_thinks_about_its_auth() {
    let io = server();
    let wire = Wire::to(&io);
    let client = wire.client();
    let socket = client.socket();
    socket.set_auth_with(async || {
        sleep(Duration::from_secs(10)).await;
        Ok::<_, &str>(json!({}))
    });
    socket.start();
    sleep(Duration::from_secs(5)).await;
    socket.disconnect();
    stays_away(&io, &wire, &socket).await;
}

#[tokio::test(start_paused = true)]
async fn disconnect_is_final_when_the_connection_is_lost_at_the_same_time() {
    let io = server();
    let wire = Wire::to(&io);
    for turns in 0..40 {
        let client = wire.client();
        let socket = client.socket();
        socket.connect().await.unwrap();
        wire.cut();
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        socket.disconnect();
        stays_away(&io, &wire, &socket).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_awaits_connect_hears_of_the_disconnect() {
    let io = server();
    slow_namespace(&io, "/slow");
    let slow = Wire::to(&io).client().of("/slow");
    let attempt = tokio::spawn({
        let slow = slow.clone();
        async move { slow.connect().await }
    });
    sleep(Duration::from_secs(5)).await;
    slow.disconnect();
    let error = attempt.await.unwrap().unwrap_err();
    let reason = DisconnectReason::ClientDisconnect;
    assert!(matches!(error, ConnectError::Disconnected { reason: r } if r == reason), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_nobody_awaits_any_more_is_given_up() {
    let io = server();
    slow_namespace(&io, "/slow");
    let wire = Wire::to(&io);
    let client = wire.client();
    let slow = client.of("/slow");
    assert!(timeout(Duration::from_secs(5), slow.connect()).await.is_err());
    assert!(!slow.is_active());
    sleep(Duration::from_mins(1)).await;
    assert!(io.of("/slow").sockets().is_empty());
    assert_eq!(wire.open(), 0);

    // But not one that others await, or that somebody has started.
    let (one, other) = (slow.connect(), slow.connect());
    let (one, other) = tokio::join!(timeout(Duration::from_secs(5), one), other);
    assert!(one.is_err() && other.is_ok());
    slow.disconnect();
    slow.start();
    assert!(timeout(Duration::from_secs(5), slow.connect()).await.is_err());
    until(&slow, SocketState::is_connected).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_active_sockets_is_closed_and_opened_again_on_demand() {
    let io = server();
    io.of("/chat");
    let wire = Wire::to(&io);
    let client = wire.websocket_client();
    let (main, chat) = (client.socket(), client.of("/chat"));
    tokio::try_join!(main.connect(), chat.connect()).unwrap();
    main.disconnect();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(wire.open(), 1);
    chat.disconnect();
    until_client(&client, |state| *state == ClientState::Idle).await;
    soon(|| wire.open() == 0).await;
    main.connect().await.unwrap();
    assert_eq!(wire.dialled(), 2);
    // Also if it is asked for while the goodbye is being said.
    main.disconnect();
    main.connect().await.unwrap();
    assert_eq!(io.of("/").sockets().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn close_waits_until_it_is_done_and_is_for_good() {
    let io = server();
    let client = Wire::to(&io).client();
    let socket = client.socket();
    socket.connect().await.unwrap();
    client.close().await;
    soon(|| io.of("/").sockets().is_empty()).await;
    assert_eq!(*client.state().borrow(), ClientState::Closed);
    assert_eq!(*socket.state().borrow(), LEFT);
    socket.start();
    assert!(!socket.is_active());
    assert!(matches!(socket.connect().await, Err(ConnectError::Closed)));
    assert!(matches!(client.of("/later").connect().await, Err(ConnectError::Closed)));
    client.close().await;

    let unused = Client::builder("http://localhost:1").build().unwrap();
    unused.close().await;
    assert_eq!(*unused.state().borrow(), ClientState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_vanished_does_not_hold_up_close() {
    let wire = Wire::to(&server());
    let client = wire.client();
    client.socket().connect().await.unwrap();
    wire.freeze();
    let began = Instant::now();
    client.close().await;
    assert!(began.elapsed() <= Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn close_ends_an_attempt_and_a_wait() {
    let wire = Wire::to(&server());
    wire.set_down(true);
    for wait in [0, 3] {
        let client = wire.client();
        client.socket().start();
        sleep(Duration::from_secs(wait)).await;
        let began = Instant::now();
        client.close().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_last_handle_the_connection_ends_and_nothing_is_left() {
    let io = server();
    io.of("/chat");
    let wire = Wire::to(&io);
    let before = tasks_of_the_server(&wire).await;
    for wait in [0, 1, 2, 3, 5, 10, 1000] {
        let client = wire.client();
        let (main, chat) = (client.socket(), client.of("/chat"));
        main.start();
        chat.start();
        drop(client);
        sleep(Duration::from_millis(wait)).await;
        drop(main);
        sleep(Duration::from_millis(wait)).await;
        assert!(chat.is_active());
        drop(chat);
        sleep(Duration::from_mins(2)).await;
        assert!(io.of("/").sockets().is_empty() && io.of("/chat").sockets().is_empty());
        assert_eq!(wire.open(), 0);
        let now = Handle::current().metrics().num_alive_tasks();
        assert_eq!(now, before, "tasks are left after {wait} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_application_has_given_is_dropped_with_the_last_handle() {
    struct Noted(#[allow(dead_code)] Arc<()>);
    let token = Arc::new(());
    let left: Weak<()> = Arc::downgrade(&token);
    let wire = Wire::to(&server());
    let noted = Noted(token);
    let client = wire
        .builder("http://in-memory")
        .auth_with(move || {
            let _ = &noted;
            async { Ok::<_, &str>(json!({})) }
        })
        .build()
        .unwrap();
    client.socket().connect().await.unwrap();
    drop(client);
    soon(|| left.upgrade().is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn an_application_that_holds_the_socket_by_itself_is_let_go_by_close() {
    let token = Arc::new(());
    let left = Arc::downgrade(&token);
    let client = Wire::to(&server()).client();
    let socket = client.socket();
    let held = (socket.clone(), token);
    socket.set_auth_with(move || {
        let _ = &held;
        async { Ok::<_, &str>(json!({})) }
    });
    socket.connect().await.unwrap();
    client.close().await;
    drop((socket, client));
    soon(|| left.upgrade().is_none()).await;
}

#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let runtime = |paused| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(paused).build().unwrap()
    };
    let first = runtime(true);
    let (wire, _accepted) = Wire::raw();
    let client = wire.client();
    let socket = client.socket();
    first.block_on(async {
        socket.start();
        sleep(Duration::from_secs(1)).await;
    });
    drop(first);
    runtime(true).block_on(async {
        assert!(matches!(socket.connect().await, Err(ConnectError::Closed)));
        client.close().await;
    });
    assert_eq!(*socket.state().borrow(), LEFT);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_the_connection_at_once_does_not_make_a_storm() {
    let (wire, mut accepted) = Wire::raw();
    let client = wire.websocket_client();
    let served = Arc::new(AtomicUsize::new(0));
    let ended = Arc::new(AtomicBool::new(false));
    tokio::spawn({
        let (served, ended) = (served.clone(), ended.clone());
        async move {
            while !ended.load(Ordering::SeqCst) {
                let mut script = Script::open(&mut accepted).await;
                script.hear().await;
                script.say(r#"40{"sid":"x"}"#).await;
                served.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    client.socket().start();
    sleep(Duration::from_mins(10)).await;
    ended.store(true, Ordering::SeqCst);
    let times = served.load(Ordering::SeqCst);
    // 2.5 s between two attempts, on average; once a second would be 600.
    assert!((150..400).contains(&times), "{times} times in ten minutes");
    client.socket().disconnect();
    until(&client.socket(), is_disconnected).await;
}
