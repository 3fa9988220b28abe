//! The scenarios of `socket.ts` of npm `socket.io-client`, as facts: what happens, not how it is written there.

mod scenario;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use scenario::{LONG, World, hear, ms, pass, soon, until};
use serde_json::{Value, json};
use sockeye::Io;
use sockeye_client::{
    AckError, Args, ConnectError, DisconnectReason, EmitError, Event, Reconnection, SocketState,
    Transport,
};
use tokio::sync::mpsc;

#[tokio::test(start_paused = true)]
async fn a_socket_has_the_id_that_the_server_knows_it_by_until_it_is_disconnected() {
    let world = World::new();
    for namespace in ["/", "/foo"] {
        let socket = world.client().of(namespace);
        assert_eq!(socket.id(), None);
        soon(socket.connect()).await.unwrap();
        let known: String = soon(socket.emit_with_ack("getId", &())).await.unwrap();
        assert_eq!(socket.id(), Some(known));
        socket.disconnect();
        assert_eq!(socket.id(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_disconnected_while_it_opens_is_told_of_no_error() {
    let world = World::silent();
    let socket = world.builder("http://server").connect_timeout(ms(100)).build().unwrap().socket();
    let errors = connect_errors(&socket);
    socket.start();
    tokio::task::yield_now().await;
    socket.disconnect();
    pass(LONG).await;
    assert_eq!(errors.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_connect_is_told_why() {
    let world = World::new();
    world.wire.set_down(true);
    let socket = world.client().socket();
    let errors = connect_errors(&socket);
    let error = soon(socket.connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable(_)), "{error}");
    pass(ms(1)).await;
    assert_eq!(errors.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn opening_that_takes_too_long_is_an_error_on_both_transports() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let world = World::silent();
        let builder = world.builder("http://server").transports([transport]);
        let socket = builder.connect_timeout(ms(100)).build().unwrap().socket();
        let error = soon(socket.connect()).await.unwrap_err();
        assert!(
            matches!(error, ConnectError::TimedOut { after, .. } if after == ms(100)),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_and_comes_back_is_no_connect_error() {
    let world = World::new();
    let socket = world.connected("/").await;
    let errors = connect_errors(&socket);
    world.wire.cut();
    until(&socket, |state| !state.is_connected()).await;
    until(&socket, SocketState::is_connected).await;
    assert_eq!(errors.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_comes_back_to_a_server_that_recovers_nothing_has_another_id() {
    let world = World::of(Io::builder().build().unwrap());
    world.io.of("/");
    let socket = world.connected("/").await;
    let before = socket.id();
    world.wire.cut();
    until(&socket, |state| !state.is_connected()).await;
    assert_eq!(socket.id(), None);
    until(&socket, SocketState::is_connected).await;
    assert_ne!(socket.id(), before);
    assert!(!socket.recovered());
}

#[tokio::test(start_paused = true)]
async fn parameters_reach_the_server_from_the_url_and_from_the_builder_as_they_were_written() {
    let world = World::new();
    let query = |handshake: &Value| handshake["query"].clone();
    for url in ["http://server/?c=d&b=%26%3D", "http://server/abc?c=d&b=%26%3D"] {
        let client = world.builder(url).query("e", "f").query("&a", "&=?a").build().unwrap();
        let socket = client.socket();
        let mut heard = hear(&socket, "handshake");
        soon(socket.connect()).await.unwrap();
        let handshake: Value = match socket.namespace() {
            "/" => soon(socket.emit_with_ack("getHandshake", &())).await.unwrap(),
            _ => soon(heard.recv()).await.unwrap().parse().unwrap(),
        };
        let query = query(&handshake);
        assert_eq!([&query["c"], &query["b"], &query["e"], &query["&a"]], ["d", "&=", "f", "&=?a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn auth_is_sent_with_connect_and_may_be_made_for_each() {
    let world = World::new();
    let client =
        world.builder("http://server/abc").auth(&json!({"a": "b", "c": "d"})).build().unwrap();
    assert_eq!(handshake(&client).await["auth"], json!({"a": "b", "c": "d"}));
    let count = Arc::new(AtomicUsize::new(0));
    let made = move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        async move { Ok::<_, std::io::Error>(json!({"e": number})) }
    };
    let client = world.builder("http://server/abc").auth_with(made).build().unwrap();
    for number in 0..2 {
        let handshake = handshake(&client).await;
        assert_eq!(
            [&handshake["auth"]["e"], &handshake["query"]["e"]],
            [&json!(number), &Value::Null]
        );
        client.socket().disconnect();
    }
}

/// What the server knows of a client that connects to `/abc`.
async fn handshake(client: &sockeye_client::Client) -> Value {
    let socket = client.socket();
    let mut heard = hear(&socket, "handshake");
    soon(socket.connect()).await.unwrap();
    soon(heard.recv()).await.unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_middleware_s_refusal_is_told_in_its_words_and_is_not_tried_again() {
    let world = World::new();
    for (url, words) in [
        ("http://server/no", "Auth failed (custom namespace)"),
        ("http://server/?fail=true", "Auth failed (main namespace)"),
    ] {
        let client = world.builder(url).build().unwrap();
        let socket = client.socket();
        let errors = connect_errors(&socket);
        let error = soon(socket.connect()).await.unwrap_err();
        assert!(
            matches!(&error, ConnectError::Refused(refused) if refused.message == words),
            "{error}"
        );
        // Another namespace keeps the connection, which is lost and comes back.
        let mut other = client.of("/valid").state();
        client.of("/valid").start();
        soon(other.wait_for(SocketState::is_connected)).await.unwrap();
        world.wire.cut();
        soon(other.wait_for(|state| !state.is_connected())).await.unwrap();
        soon(other.wait_for(SocketState::is_connected)).await.unwrap();
        pass(LONG).await;
        assert_eq!((errors.load(Ordering::Relaxed), socket.is_active()), (1, false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_may_be_disconnected_and_connected_in_one_breath() {
    let world = World::new();
    let builder = world.builder("http://server").transports([Transport::WebSocket]);
    let socket = builder.build().unwrap().socket();
    soon(socket.connect()).await.unwrap();
    let (tell, mut disconnected) = mpsc::unbounded_channel();
    socket.on_disconnect(move || {
        let _ = tell.send(());
        async {}
    });
    socket.disconnect();
    soon(socket.connect()).await.unwrap();
    pass(LONG).await;
    assert!(socket.is_connected());
    assert!(disconnected.try_recv().is_ok() && disconnected.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_reserved_name_is_an_error_of_the_emit_that_names_it() {
    let world = World::new();
    let socket = world.client().of("/no");
    for name in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        let error = soon(async { socket.emit(name, "goodbye").await }).await.unwrap_err();
        assert!(matches!(&error, EmitError::Reserved { event } if event == name), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_emitted_before_the_connection_comes_before_what_is_emitted_in_its_handler() {
    let world = World::new();
    let socket = world.client().socket();
    let order = Arc::new(Mutex::new(Vec::new()));
    let heard = order.clone();
    world.io.of("/").on("order", move |sockeye::Data(word): sockeye::Data<String>| {
        heard.lock().unwrap().push(word);
        async {}
    });
    let second = tokio::spawn({
        let socket = socket.clone();
        async move {
            soon(socket.state().wait_for(SocketState::is_connected)).await.unwrap();
            socket.emit("order", "second").await.unwrap();
        }
    });
    socket.on_connect(async |socket: sockeye_client::Socket| {
        socket.emit("order", "in the handler").await.unwrap();
    });
    socket.emit("order", "first").await.unwrap();
    soon(socket.connect()).await.unwrap();
    soon(second).await.unwrap();
    soon(socket.emit_with_ack::<Args>("echo", &())).await.unwrap();
    let order = order.lock().unwrap();
    assert_eq!((order.len(), &*order[0]), (3, "first"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_awaited() {
    let world = World::new();
    let socket = world.client().socket();
    socket.start();
    assert_eq!(soon(socket.emit_with_ack::<u32>("echo", &123)).await.unwrap(), 123);
}

#[tokio::test(start_paused = true)]
async fn a_volatile_event_is_dropped_while_nobody_is_connected() {
    let world = World::new();
    let socket = world.client().socket();
    let dropped = soon(socket.volatile().emit_with_ack::<String>("getId", &())).await;
    assert!(matches!(dropped, Err(AckError::Emit(EmitError::NotReady))), "{dropped:?}");
    let answered = socket.emit_with_ack::<String>("getId", &());
    soon(socket.connect()).await.unwrap();
    assert_eq!(Some(soon(answered).await.unwrap()), socket.id());
}

#[tokio::test(start_paused = true)]
async fn a_volatile_event_is_sent_while_the_way_is_free() {
    let world = World::new();
    let socket = world.connected("/").await;
    pass(ms(500)).await;
    let sent = soon(socket.volatile().emit_with_ack::<String>("getId", &())).await;
    assert_eq!(sent.ok(), socket.id());
}

/// Adds its number when it is called.
fn adds(
    calls: &Arc<Mutex<Vec<u8>>>,
    number: u8,
) -> impl Fn() -> std::future::Ready<()> + Send + Sync + 'static {
    let calls = calls.clone();
    move || {
        calls.lock().unwrap().push(number);
        std::future::ready(())
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_hear_every_event_may_be_put_in_front_and_taken_away() {
    let world = World::new();
    let socket = world.client().of("/abc");
    let calls = Arc::new(Mutex::new(Vec::new()));
    let (tell, mut heard) = mpsc::unbounded_channel();
    socket.on_any(adds(&calls, 9)).off_any();
    socket.on_any(move |Event(name): Event, args: Args| {
        let _ = tell.send((name, args));
        async {}
    });
    socket.prepend_any(adds(&calls, 2)).prepend_any(adds(&calls, 1));
    soon(socket.connect()).await.unwrap();
    let (name, args) = soon(heard.recv()).await.unwrap();
    let handshake: Value = args.parse().unwrap();
    assert_eq!((name.as_str(), &handshake["xdomain"]), ("handshake", &json!(false)));
    assert_eq!(*calls.lock().unwrap(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn those_who_hear_every_event_that_goes_out_may_be_put_in_front_and_taken_away() {
    let world = World::new();
    let socket = world.client().of("/abc");
    let calls = Arc::new(Mutex::new(Vec::new()));
    let (tell, mut heard) = mpsc::unbounded_channel();
    socket.on_any_outgoing(adds(&calls, 9)).off_any_outgoing();
    socket.on_any_outgoing(move |Event(name): Event, args: Args| {
        let _ = tell.send((name, args));
        async {}
    });
    socket.prepend_any_outgoing(adds(&calls, 2)).prepend_any_outgoing(adds(&calls, 1));
    soon(socket.connect()).await.unwrap();
    socket.emit("my-event", "123").await.unwrap();
    socket.emit("my-event", &Bytes::from_static(&[1, 2, 3])).await.unwrap();
    let (name, args) = soon(heard.recv()).await.unwrap();
    assert_eq!((name.as_str(), args.parse::<String>().unwrap().as_str()), ("my-event", "123"));
    let (_, args) = soon(heard.recv()).await.unwrap();
    assert_eq!(args.parse::<Bytes>().unwrap()[..], [1, 2, 3]);
    assert_eq!(*calls.lock().unwrap(), [1, 2, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_for_a_connection_times_out_and_is_taken_back() {
    let world = World::new();
    let socket = world.client().socket();
    let late = soon(socket.emit_with_ack::<Args>("hi", &()).timeout(ms(50))).await;
    assert!(matches!(late, Err(AckError::Timeout)), "{late:?}");
    let mut answered = hear(&socket, "hi");
    soon(socket.connect()).await.unwrap();
    soon(socket.emit_with_ack::<Args>("echo", &())).await.unwrap();
    assert!(answered.try_recv().is_err(), "it was not sent any more");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_in_time_is_an_error_and_one_that_does_is_none() {
    let world = World::new();
    let socket = world.connected("/").await;
    let never = soon(socket.emit_with_ack::<Args>("silence", &()).timeout(ms(50))).await;
    assert!(matches!(never, Err(AckError::Timeout)), "{never:?}");
    let at_once = soon(socket.emit_with_ack::<u32>("echo", &42).timeout(Duration::ZERO)).await;
    assert!(matches!(at_once, Err(AckError::Timeout)), "{at_once:?}");
    let value = soon(socket.emit_with_ack::<u32>("echo", &42).timeout(ms(50))).await;
    assert_eq!(value.unwrap(), 42);
    let client = world.builder("http://server").ack_timeout(ms(50)).build().unwrap();
    soon(client.socket().connect()).await.unwrap();
    let never = soon(client.socket().emit_with_ack::<Args>("silence", &())).await;
    assert!(matches!(never, Err(AckError::Timeout)), "the builder says how long: {never:?}");
}

#[tokio::test(start_paused = true)]
async fn a_question_ends_with_the_socket_and_says_why() {
    let world = World::new();
    for (reason, end) in [
        (
            DisconnectReason::ClientDisconnect,
            (|_, socket| socket.disconnect()) as fn(&World, &sockeye_client::Socket),
        ),
        (DisconnectReason::TransportClose, |world, _| world.wire.cut()),
    ] {
        let socket = world.connected("/").await;
        for asked in [
            socket.emit_with_ack::<Args>("silence", "a"),
            socket.emit_with_ack::<Args>("silence", "a").timeout(Duration::from_secs(10)),
        ] {
            pass(ms(100)).await;
            if socket.is_connected() {
                end(&world, &socket);
            }
            let ended = soon(asked).await;
            assert!(
                matches!(ended, Err(AckError::Disconnected { reason: said }) if said == reason),
                "{ended:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_has_not_been_sent_yet_waits_for_the_next_connection() {
    let world = World::new();
    let socket = world.connected("/").await;
    socket.disconnect();
    let asked = socket.emit_with_ack::<String>("echo", "a").timeout(Duration::from_mins(10));
    pass(ms(100)).await;
    soon(socket.connect()).await.unwrap();
    assert_eq!(soon(asked).await.unwrap(), "a");
}

/// How often it has been told that it could not connect.
fn connect_errors(socket: &sockeye_client::Socket) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    socket.on_connect_error(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async {}
    });
    count
}

#[tokio::test(start_paused = true)]
async fn without_reconnection_a_lost_connection_stays_lost() {
    let world = World::new();
    let builder = world.builder("http://server").reconnection(Reconnection::off());
    let socket = builder.build().unwrap().socket();
    soon(socket.connect()).await.unwrap();
    world.wire.cut();
    soon(socket.state().wait_for(|state| !state.is_active())).await.unwrap();
    pass(LONG).await;
    assert!(!socket.is_connected());
}
