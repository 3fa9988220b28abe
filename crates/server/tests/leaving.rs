//! How sockets leave: reasons, handlers, and that nothing stays behind.

mod support;

use std::sync::Arc;
use std::time::Duration;

use sockeye::{AckError, Auth, Data, EmitError, Io, JoinError, Namespace, Result, Socket, State};
use support::{Client, Notes, Polling, io, pass, reasons, serve, soon, with_sync};
use tokio::sync::Semaphore;

/// A client in the main namespace, and its socket.
async fn pair(io: &Io, address: std::net::SocketAddr) -> (Client, Socket) {
    let (client, id) = Client::join(address).await;
    (client, io.socket(&id).unwrap())
}

#[tokio::test]
async fn every_way_of_leaving_has_the_reference_s_words() {
    let period = Duration::from_millis(150);
    let io = io(|io| io.ping_interval(period).ping_timeout(period));
    let reasons = reasons(&io);
    let address = serve(&io).await;

    let (mut client, _) = Client::join(address).await;
    client.send("41").await;
    assert_eq!(reasons.next().await, "client namespace disconnect");

    let (client, _) = Client::join(address).await;
    client.hang_up();
    assert_eq!(reasons.next().await, "transport close");

    let (mut client, socket) = pair(&io, address).await;
    socket.disconnect(false);
    client.expect("41").await;
    assert_eq!(reasons.next().await, "server namespace disconnect");
    client.connect("/", "").await; // the connection is still there
    client.hang_up();
    assert_eq!(reasons.next().await, "transport close");

    let (mut client, socket) = pair(&io, address).await;
    socket.close_transport();
    assert!(client.rest().await.is_empty(), "no DISCONNECT packet");
    assert_eq!(reasons.next().await, "forced close");

    let (client, _) = Client::join(address).await;
    let _silent = client.stall();
    assert_eq!(reasons.next().await, "ping timeout");

    let polling = Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    polling.get().await;
    polling.post("1").await;
    assert_eq!(reasons.next().await, "transport close");

    let (mut client, _) = Client::join(address).await;
    let reading = tokio::spawn(async move { client.rest().await });
    io.close(support::HANG).await;
    assert!(reading.await.unwrap().is_empty());
    assert_eq!(reasons.next().await, "server shutting down");
}

#[tokio::test]
async fn what_is_no_packet_of_the_engine_and_what_is_too_large_have_the_reference_s_words_too() {
    let io = io(|io| io.max_payload(1000));
    let reasons = reasons(&io);
    let address = serve(&io).await;

    let (mut client, _) = Client::join(address).await;
    client.send("abc").await;
    client.rest().await;
    assert_eq!(reasons.next().await, "parse error");

    let (mut client, _) = Client::join(address).await;
    client.send(&format!("42[\"big\",\"{}\"]", "x".repeat(1000))).await;
    client.rest().await;
    assert_eq!(reasons.next().await, "transport error");

    let polling = Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    polling.get().await;
    polling.post("abc").await;
    assert_eq!(reasons.next().await, "parse error");
}

#[tokio::test]
async fn disconnect_with_close_ends_all_namespaces_of_the_client() {
    let io = io(|io| io);
    let reasons = reasons(&io);
    io.of("/other");
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    let other = client.connect("/other", "").await;
    io.of("/other").socket(&other).unwrap().disconnect(true);
    assert_eq!(client.rest().await, ["41/other,", "41"]);
    assert_eq!(reasons.next().await, "server namespace disconnect");
    assert!(io.socket(&id).is_none());
}

#[tokio::test]
async fn what_was_emitted_before_a_disconnect_still_arrives_and_nothing_after() {
    let io = io(|io| io);
    let (mut client, socket) = pair(&io, serve(&io).await).await;
    socket.emit("last", &()).unwrap();
    socket.disconnect(false);
    let error = socket.emit("late", &()).unwrap_err();
    assert!(matches!(error, EmitError::NotConnected { socket: id } if id == socket.id()));
    assert_eq!(io.emit("late", &()).unwrap().recipients(), 0);
    client.expect("42[\"last\"]").await;
    client.expect("41").await;
}

#[tokio::test]
async fn on_disconnecting_still_has_the_rooms_and_on_disconnect_is_told_of_them() {
    let io = io(|io| io);
    let seen = Notes::new();
    let notes = Arc::clone(&seen);
    io.of("/").on_disconnecting(move |socket: Socket, namespace: Namespace| {
        let notes = Arc::clone(&notes);
        async move {
            let there = namespace.to("lobby").count().await.unwrap();
            notes.add((socket.rooms(), there));
        }
    });
    let notes = Arc::clone(&seen);
    io.of("/").on_disconnect(move |socket: Socket| {
        notes.add((socket.rooms(), 0));
        async {}
    });
    let (client, socket) = pair(&io, serve(&io).await).await;
    socket.join("lobby").unwrap();
    client.hang_up();
    // It is no longer connected, so it is not counted; but it still knows where it was.
    assert_eq!(seen.next().await, (vec!["lobby".to_owned()], 0));
    assert_eq!(seen.next().await, (vec!["lobby".to_owned()], 0));
    assert_eq!(io.to("lobby").count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_failed_extractor_or_a_panic_in_the_last_handlers_leaks_nothing() {
    #[derive(Clone)]
    struct Missing;
    let io = io(|io| io);
    let left = Notes::new();
    let mut client = Client::open(serve(&io).await).await;
    // Registered late, so that the missing state is found at run time.
    io.of("/state").on_disconnect(async |_: State<Missing>| {});
    io.of("/auth").on_disconnecting(async |_: Auth<u8>| {});
    io.of("/panic").on_disconnecting(async || -> () { panic!("leaving") });
    let notes = Arc::clone(&left);
    io.of("/panic").on_disconnect(move || -> std::future::Ready<()> {
        notes.add(());
        panic!("left")
    });
    for name in ["/state", "/auth", "/panic"] {
        let id = client.connect(name, "").await;
        io.of(name).socket(&id).unwrap().join("room").unwrap();
    }
    client.hang_up();
    left.next().await;
    assert_eq!(io.stats().panics, 2);
    for name in ["/state", "/auth", "/panic"] {
        assert_eq!(io.of(name).count().await.unwrap(), 0, "{name}");
        assert_eq!(io.of(name).to("room").count().await.unwrap(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_join_after_the_disconnect_is_refused() {
    let io = io(|io| io);
    let reasons = reasons(&io);
    let joined = Notes::new();
    let gate = Arc::new(Semaphore::new(0));
    let (g, notes) = (Arc::clone(&gate), Arc::clone(&joined));
    io.of("/").on("slow join", move |socket: Socket| {
        let (gate, notes) = (Arc::clone(&g), Arc::clone(&notes));
        async move {
            gate.acquire().await.unwrap().forget();
            notes.add(socket.join("room")); // the handler goes on after its client has gone
        }
    });
    with_sync(&io);
    let (mut client, socket) = pair(&io, serve(&io).await).await;
    client.send("42[\"slow join\"]").await;
    client.sync().await;
    client.hang_up();
    reasons.next().await;
    gate.add_permits(1);
    assert!(matches!(joined.next().await, Err(JoinError::NotConnected { .. })));
    assert!(socket.join("room").is_err() && socket.leave("room").is_err());
    assert_eq!(io.to("room").count().await.unwrap(), 0);
    assert_eq!(socket.disconnect_reason().unwrap().as_str(), "transport close");
}

#[tokio::test]
async fn whoever_awaits_an_answer_of_a_socket_that_leaves_is_told_at_once() {
    let io = io(|io| io.ack_timeout(Duration::from_hours(1)));
    let (mut client, socket) = pair(&io, serve(&io).await).await;
    let question = socket.emit_with_ack::<u8>("q", &());
    client.expect("420[\"q\"]").await;
    client.send("41").await;
    let error = soon(question).await.unwrap_err();
    assert!(matches!(error, AckError::Disconnected { .. }), "{error}");
    let error = soon(socket.emit_with_ack::<u8>("q", &())).await.unwrap_err();
    assert!(matches!(error, AckError::Emit(EmitError::NotConnected { .. })), "{error}");
}

#[tokio::test]
async fn a_late_packet_for_a_namespace_that_was_left_harms_nothing() {
    let io = io(|io| io);
    io.of("/other");
    with_sync(&io);
    let (mut client, _) = Client::join(serve(&io).await).await;
    let other = client.connect("/other", "").await;
    io.of("/other").socket(&other).unwrap().disconnect(false);
    client.expect("41/other,").await;
    client.send("42/other,[\"late\"]").await;
    client.sync().await;
    client.connect("/other", "").await;
}

#[tokio::test]
async fn leaving_a_namespace_that_was_never_joined_harms_nothing() {
    let io = io(|io| io);
    io.of("/other");
    with_sync(&io);
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send_all(&["41/other,", "41/nowhere,"]).await;
    client.sync().await;
}

#[tokio::test]
async fn the_data_of_a_socket_is_kept_as_json() {
    let io = io(|io| io);
    io.of("/")
        .on("set", async |socket: Socket, Data(data): Data<Vec<u8>>| -> Result<()> {
            socket.data().set(&data)?;
            Ok(())
        })
        .on("get", async |socket: Socket| -> Result<Option<Vec<u8>>> { Ok(socket.data().get()?) });
    let (mut client, socket) = pair(&io, serve(&io).await).await;
    client.send_all(&["421[\"get\"]", "422[\"set\",[1,2]]", "423[\"get\"]"]).await;
    client.expect("431[null]").await;
    client.expect("432[]").await;
    client.expect("433[[1,2]]").await;
    assert!(socket.data().get::<String>().unwrap_err().to_string().contains(socket.id()));
    socket.data().clear();
    assert_eq!(socket.data().get::<u8>().unwrap(), None);
}

/// A namespace whose `on_connect` waits at the gate, and that notes what comes and who leaves.
fn gated(io: &Io, name: &'static str, seen: &Arc<Notes<String>>) -> Arc<Semaphore> {
    let gate = Arc::new(Semaphore::new(0));
    let g = Arc::clone(&gate);
    io.of(name).on_connect(move || {
        let gate = Arc::clone(&g);
        async move { gate.acquire().await.unwrap().forget() }
    });
    let note = |what: &'static str| {
        let notes = Arc::clone(seen);
        move || {
            notes.add(format!("{name} {what}"));
            async {}
        }
    };
    io.of(name).on("event", note("event"));
    io.of(name).on_disconnecting(note("leaves"));
    io.of(name).on_disconnect(note("has left"));
    gate
}

#[tokio::test]
async fn each_socket_that_leaves_waits_ten_seconds_of_its_own_for_what_came_before() {
    let io = io(|io| io);
    let seen = Notes::new();
    let (_closed, gate) = (gated(&io, "/a", &seen), gated(&io, "/b", &seen));
    let mut client = Client::open(serve(&io).await).await;
    for name in ["/a", "/b"] {
        client.connect(name, "").await;
        client.send(&format!("42{name},[\"event\"]")).await;
    }
    client.send("41/a,").await;
    assert_eq!(seen.next().await, "/a leaves");
    pass(Duration::from_secs(6)).await;
    client.send("41/b,").await;
    assert_eq!(seen.next().await, "/b leaves");
    pass(Duration::from_secs(5)).await;
    assert_eq!(seen.next().await, "/a has left");
    gate.add_permits(1);
    assert_eq!(seen.next().await, "/b event");
    assert_eq!(seen.next().await, "/b has left");
    assert_eq!(io.stats().events_dropped, 1);
}

#[tokio::test]
async fn a_client_that_has_hung_up_is_waited_for_no_longer_than_one_that_leaves() {
    let io = io(|io| io);
    let seen = Notes::new();
    let _closed = gated(&io, "/a", &seen);
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/a", "").await;
    client.send("42/a,[\"event\"]").await;
    client.hang_up();
    assert_eq!(seen.next().await, "/a leaves");
    pass(Duration::from_secs(11)).await;
    assert_eq!(seen.next().await, "/a has left");
}

/// A handler of the socket's own that holds the socket, as a closure easily does. What is given back
/// notes it when the handler has been dropped.
fn own_handler(socket: &Socket, events: &Arc<Notes<&'static str>>) {
    struct Held(Arc<Notes<&'static str>>, Socket);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    let held = Arc::new(Held(Arc::clone(events), socket.clone()));
    socket.on("own", move || {
        let held = Arc::clone(&held);
        async move { held.0.add(if held.1.is_connected() { "connected" } else { "left" }) }
    });
}

#[tokio::test]
async fn a_handler_that_holds_its_own_socket_is_dropped_when_the_socket_leaves() {
    let io = io(|io| io);
    let events = Notes::new();
    let address = serve(&io).await;
    for close in [false, true] {
        let (mut client, socket) = pair(&io, address).await;
        own_handler(&socket, &events);
        own_handler(&socket, &events); // beside the first
        client.send("42[\"own\"]").await;
        assert_eq!([events.next().await, events.next().await], ["connected"; 2]);
        if close {
            client.hang_up();
        } else {
            socket.disconnect(false);
        }
        assert_eq!([events.next().await, events.next().await], ["dropped"; 2]);
        own_handler(&socket, &events); // too late: nobody would ever drop it
        assert_eq!(events.next().await, "dropped");
    }
}

#[tokio::test]
async fn the_handlers_of_a_socket_that_leaves_are_kept_until_its_last_event_has_been_started() {
    let io = io(|io| io);
    let events = Notes::new();
    let (gate, left) = (Arc::new(Semaphore::new(0)), Notes::new());
    let (g, notes, l) = (Arc::clone(&gate), Arc::clone(&events), Arc::clone(&left));
    io.of("/").on_connect(move |socket: Socket| {
        let gate = Arc::clone(&g);
        own_handler(&socket, &notes);
        async move { gate.acquire().await.unwrap().forget() }
    });
    io.of("/").on_disconnecting(move || {
        l.add(());
        async {}
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send_all(&["42[\"own\"]", "41"]).await;
    left.next().await;
    assert!(events.so_far().is_empty());
    gate.add_permits(1);
    assert_eq!(events.next().await, "left");
    assert_eq!(events.next().await, "dropped");
}

#[tokio::test]
async fn the_handlers_of_a_socket_that_is_refused_are_dropped() {
    let io = io(|io| io);
    let events = Notes::new();
    let notes = Arc::clone(&events);
    io.of("/").middleware(move |socket: Socket| {
        own_handler(&socket, &notes);
        async { Err::<(), _>("no") }
    });
    let mut client = Client::open(serve(&io).await).await;
    client.send("40").await;
    client.expect("44{\"message\":\"no\"}").await;
    assert_eq!(events.next().await, "dropped");
}

#[test]
fn when_its_runtime_ends_nothing_of_a_client_stays_behind() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (servers, clients) = (runtime(), runtime());
    let io = io(|io| io);
    let address = servers.block_on(serve(&io));
    let (_client, id) = clients.block_on(Client::join(address));
    let socket = io.socket(&id).unwrap();
    socket.join("room").unwrap();
    let question = socket.emit_with_ack::<u8>("q", &());
    let events = Notes::new();
    own_handler(&socket, &events);
    drop(servers); // its tasks are dropped where they wait
    assert!(!socket.is_connected() && io.socket(&id).is_none());
    assert_eq!(clients.block_on(io.to("room").count()).unwrap(), 0);
    assert_eq!(events.so_far(), ["dropped"]);
    let error = clients.block_on(soon(question)).unwrap_err();
    assert!(matches!(error, AckError::Disconnected { .. }), "{error}");
}
