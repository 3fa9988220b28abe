//! The scenarios of `retry.ts`, `connection-state-recovery.ts` and `node.ts` of npm `socket.io-client`, as facts.

mod scenario;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scenario::{LONG, World, hear, ms, pass, soon, until};
use serde_json::json;
use sockeye_client::{AckError, Retries, SocketState};

/// What the server has heard for `echo-back`, in order.
fn heard(world: &World) -> Arc<Mutex<Vec<u32>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = heard.clone();
    world.io.of("/").on("number", move |sockeye::Data((number,)): sockeye::Data<(u32,)>| {
        hears.lock().unwrap().push(number);
        async move { number }
    });
    heard
}

#[tokio::test(start_paused = true)]
async fn reliable_events_arrive_in_order_and_once() {
    let world = World::new();
    let heard = heard(&world);
    let builder = world.builder("http://server").retries(Retries::default().timeout(ms(50)));
    let socket = builder.build().unwrap().socket();
    let answers = [1, 2, 3].map(|number| socket.reliably().emit_with_ack::<u32>("number", &number));
    soon(socket.connect()).await.unwrap();
    for (number, answer) in (1..).zip(answers) {
        assert_eq!(soon(answer).await.unwrap(), number);
    }
    pass(LONG).await;
    assert_eq!(*heard.lock().unwrap(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_reliable_event_that_is_never_answered_is_given_up_after_its_attempts() {
    let world = World::new();
    let retries = Retries::default().timeout(ms(50)).attempts(4);
    let socket = world.builder("http://server").retries(retries).build().unwrap().socket();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    world.io.of("/").on("mute", move |ack: sockeye::AckSender| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            std::future::pending::<()>().await;
            drop(ack);
        }
    });
    soon(socket.connect()).await.unwrap();
    let given_up = soon(socket.reliably().emit_with_ack::<()>("mute", &())).await;
    assert!(matches!(given_up, Err(AckError::GivenUp { attempts: 4 })), "{given_up:?}");
    pass(LONG).await;
    assert_eq!(asked.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn while_nobody_is_connected_no_attempt_is_used_up() {
    let world = World::new();
    let retries = Retries::default().timeout(ms(10)).attempts(3);
    let socket = world.builder("http://server").retries(retries).build().unwrap().socket();
    let answer = socket.reliably().emit_with_ack::<u32>("echo", &1);
    pass(LONG).await;
    soon(socket.connect()).await.unwrap();
    assert_eq!(soon(answer).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reliable_event_that_is_emitted_when_the_socket_connects_is_sent_once() {
    let world = World::new();
    let heard = heard(&world);
    let builder =
        world.builder("http://server").retries(Retries::default().timeout(Duration::from_secs(5)));
    let socket = builder.build().unwrap().socket();
    socket.on_connect(async |socket: sockeye_client::Socket| {
        socket.reliably().emit("number", &1).await.unwrap();
    });
    soon(socket.connect()).await.unwrap();
    pass(LONG).await;
    assert_eq!(*heard.lock().unwrap(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_lost_is_recovered_with_its_id_and_nothing_is_missed() {
    let world = World::new();
    let socket = world.connected("/").await;
    assert!(!socket.recovered());
    let (mut hi, mut missed) = (hear(&socket, "hi"), hear(&socket, "missed"));
    socket.emit("hi", &()).await.unwrap();
    soon(hi.recv()).await.unwrap();
    let id = socket.id();
    world.wire.cut();
    until(&socket, |state| !state.is_connected()).await;
    world.io.of("/").emit("missed", &json!([1])).unwrap();
    until(&socket, SocketState::is_connected).await;
    assert_eq!((socket.id(), socket.recovered()), (id, true));
    soon(missed.recv()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_nobody_holds_any_more_ends_its_connection_and_its_attempts() {
    let world = World::new();
    let socket = world.connected("/").await;
    assert_eq!(world.io.stats().connections(), 1);
    drop(socket);
    pass(LONG).await;
    assert_eq!(world.io.stats().connections(), 0);
    world.wire.set_down(true);
    let client = world.client();
    client.socket().start();
    scenario::until_client(&client, |state| {
        matches!(state, sockeye_client::ClientState::Waiting { .. })
    })
    .await;
    drop(client);
    pass(ms(200)).await;
    let dialled = world.wire.dialled();
    pass(LONG).await;
    assert_eq!(world.wire.dialled(), dialled);
}
