//! The scenarios of `connection.ts` of npm `socket.io-client`, as facts: what happens, not how it is written there.

mod scenario;

use bytes::Bytes;
use scenario::{LONG, World, hear, ms, pass, soon, until, until_client};
use serde::Serialize;
use serde_json::{Value, json};
use sockeye_client::{
    ClientState, ConnectError, DisconnectReason, EngineError, Reason, Reconnection, SocketState,
};
use tokio::sync::mpsc;

#[tokio::test(start_paused = true)]
async fn a_client_connects_and_what_it_says_is_answered() {
    let world = World::new();
    let socket = world.client().socket();
    let mut answered = hear(&socket, "hi");
    socket.start();
    socket.emit("hi", &()).await.unwrap();
    soon(answered.recv()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_dialled_before_a_socket_asks_for_it() {
    let world = World::new();
    let client = world.client();
    let socket = client.socket();
    socket.emit("hi", &()).await.unwrap();
    pass(LONG).await;
    assert_eq!((world.wire.dialled(), &*client.state().borrow()), (0, &ClientState::Idle));
    assert_eq!(*socket.state().borrow(), SocketState::Disconnected { reason: None });
}

#[tokio::test(start_paused = true)]
async fn each_client_has_a_connection_of_its_own_whatever_its_url() {
    let world = World::new();
    let urls = ["http://server/", "http://server/", "http://server/?woot"];
    let clients = urls.map(|url| world.builder(url).build().unwrap());
    for client in &clients {
        soon(client.socket().connect()).await.unwrap();
    }
    assert_eq!(world.io.stats().connections(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_namespaces_of_a_client_share_one_connection() {
    let world = World::new();
    let client = world.client();
    let (foo, asd) = (client.of("/foo"), client.of("/asd"));
    soon(async { tokio::try_join!(foo.connect(), asd.connect()) }).await.unwrap();
    assert_eq!(world.io.stats().connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_asks_is_answered_by_the_handler_s_return_value() {
    let world = World::new();
    let socket = world.client().socket();
    let mut got_it = hear(&socket, "got it");
    socket.on("ack", async || (5, json!({"test": true})));
    soon(socket.connect()).await.unwrap();
    socket.emit("ack", &()).await.unwrap();
    soon(got_it.recv()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_date_arrives_as_text_alone_in_an_object_and_in_an_answer() {
    let world = World::new();
    let socket = world.connected("/").await;
    let (mut alone, mut inside) = (hear(&socket, "takeDate"), hear(&socket, "takeDateObj"));
    let answer: String =
        soon(socket.emit_with_ack("getAckDate", &json!({"test": true}))).await.unwrap();
    socket.emit("getDate", &()).await.unwrap();
    socket.emit("getDateObj", &()).await.unwrap();
    assert_eq!(soon(alone.recv()).await.unwrap().parse::<String>().unwrap(), answer);
    let object: Value = soon(inside.recv()).await.unwrap().parse().unwrap();
    assert_eq!(object, json!({"date": answer}));
}

#[tokio::test(start_paused = true)]
async fn false_arrives_as_false() {
    let world = World::new();
    let socket = world.connected("/").await;
    let mut heard = hear(&socket, "false");
    socket.emit("false", &()).await.unwrap();
    assert!(!soon(heard.recv()).await.unwrap().parse::<bool>().unwrap());
}

#[tokio::test(start_paused = true)]
async fn texts_of_every_script_arrive_as_they_were_sent_and_in_order() {
    let world = World::new();
    let socket = world.connected("/").await;
    let mut heard = hear(&socket, "takeUtf8");
    socket.emit("getUtf8", &()).await.unwrap();
    for text in ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"]
    {
        assert_eq!(soon(heard.recv()).await.unwrap().parse::<String>().unwrap(), text);
        assert_eq!(soon(socket.emit_with_ack::<String>("echo", text)).await.unwrap(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_joins_on_the_connection_that_is_there() {
    let world = World::new();
    let client = world.client();
    soon(client.socket().connect()).await.unwrap();
    soon(client.of("/foo").connect()).await.unwrap();
    assert_eq!(world.io.stats().connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_opens_the_connection_again_that_the_last_one_has_closed() {
    let world = World::new();
    let client = world.client();
    let socket = client.socket();
    soon(socket.connect()).await.unwrap();
    socket.disconnect();
    until_client(&client, |state| *state == ClientState::Idle).await;
    soon(client.of("/foo").connect()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_made_again_by_itself() {
    let world = World::new();
    let socket = world.connected("/").await;
    world.wire.cut();
    until(&socket, |state| !state.is_connected()).await;
    assert!(socket.is_active());
    until(&socket, SocketState::is_connected).await;
    assert_eq!(soon(socket.emit_with_ack::<u32>("echo", &7)).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_was_disconnected_connects_again_when_it_is_asked_to_and_comes_back_by_itself_later()
 {
    let world = World::new();
    let socket = world.connected("/").await;
    let mut reasons = reasons(&socket);
    socket.disconnect();
    assert_eq!(soon(reasons.recv()).await, Some(DisconnectReason::ClientDisconnect));
    soon(socket.connect()).await.unwrap();
    world.wire.cut();
    let reason = soon(reasons.recv()).await.unwrap();
    assert!(reason.will_reconnect(), "{reason}");
    until(&socket, SocketState::is_connected).await;
}

#[tokio::test(start_paused = true)]
async fn attempts_that_are_used_up_are_told_and_counted_anew_when_somebody_asks_again() {
    let world = World::silent();
    let twice = Reconnection::default().delay(ms(10)).attempts(2);
    let builder = world.builder("http://server").reconnection(twice).connect_timeout(ms(50));
    let client = builder.build().unwrap();
    let socket = client.of("/timeout");
    for round in 1..=2 {
        let mut attempts = attempts(&client);
        socket.start();
        until_client(&client, |state| *state == ClientState::GivenUp).await;
        assert_eq!(soon(attempts.recv()).await.unwrap(), [1, 2]);
        assert_eq!(world.wire.dialled(), 3 * round, "the first, and two more");
        assert!(!socket.is_active());
    }
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_it_is_tried_as_often_as_it_was_told_to() {
    let world = World::new();
    world.wire.set_down(true);
    for (attempts, dialled) in [(1, 2), (2, 3)] {
        let before = world.wire.dialled();
        let options = Reconnection::default().delay(ms(10)).attempts(attempts);
        let client = world.builder("http://server").reconnection(options).build().unwrap();
        client.of("/asd").start();
        until_client(&client, |state| *state == ClientState::GivenUp).await;
        pass(LONG).await;
        assert_eq!(world.wire.dialled() - before, dialled, "the first, and those after it");
    }
}

#[tokio::test(start_paused = true)]
async fn without_reconnection_there_is_one_attempt_and_its_error() {
    let world = World::new();
    world.wire.set_down(true);
    let client = world.builder("http://server").reconnection(false).build().unwrap();
    let socket = client.of("/invalid");
    let failed = soon(socket.connect()).await.unwrap_err();
    assert!(matches!(failed, ConnectError::Unreachable(EngineError::Dial { .. })), "{failed}");
    pass(LONG).await;
    assert_eq!((world.wire.dialled(), socket.is_active()), (1, false));
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_was_disconnected_is_not_tried_again() {
    for attempts_before in [0, 1] {
        let world = World::new();
        world.wire.set_down(true);
        let client = world.client();
        let socket = client.of("/invalid");
        socket.start();
        let mut waiting = 0;
        until_client(&client, |state| match state {
            ClientState::Waiting { attempt, .. } => {
                waiting = *attempt;
                waiting > attempts_before
            }
            _ => false,
        })
        .await;
        let dialled = world.wire.dialled();
        socket.disconnect();
        pass(LONG).await;
        assert_eq!(
            (world.wire.dialled(), &*client.state().borrow()),
            (dialled, &ClientState::Idle)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_may_be_disconnected_and_connected_again_between_two_attempts() {
    let world = World::new();
    world.wire.set_down(true);
    let client = world.client();
    let socket = client.of("/valid");
    socket.start();
    until_client(&client, |state| matches!(state, ClientState::Waiting { .. })).await;
    socket.disconnect();
    world.wire.set_down(false);
    soon(socket.connect()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_two_sockets_the_one_that_was_disconnected_stays_so_when_the_connection_comes_back() {
    let world = World::new();
    let client = world.client();
    let (one, other) = (client.of("/"), client.of("/asd"));
    soon(async { tokio::try_join!(one.connect(), other.connect()) }).await.unwrap();
    world.wire.set_down(true);
    world.wire.cut();
    until_client(&client, |state| matches!(state, ClientState::Waiting { .. })).await;
    one.disconnect();
    world.wire.set_down(false);
    soon(other.state().wait_for(SocketState::is_connected)).await.unwrap();
    pass(LONG).await;
    assert!(!one.is_connected() && !one.is_active());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_connects_at_once_makes_no_further_attempt() {
    let world = World::new();
    let client = world.client();
    let mut attempts = attempts(&client);
    soon(client.of("/valid").connect()).await.unwrap();
    pass(LONG).await;
    soon(client.close()).await;
    assert_eq!(soon(attempts.recv()).await.unwrap(), Vec::<u32>::new());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_connects_while_another_one_leaves() {
    let world = World::new();
    let client = world.client();
    let (one, other) = (client.of("/foo"), client.of("/asd"));
    soon(one.connect()).await.unwrap();
    other.start();
    one.disconnect();
    soon(other.state().wait_for(SocketState::is_connected)).await.unwrap();
    assert_eq!(world.io.stats().connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_connection_ends_with_its_last_namespace_and_not_before() {
    let world = World::new();
    let client = world.client();
    let (one, other) = (client.of("/foo"), client.of("/asd"));
    soon(one.connect()).await.unwrap();
    soon(other.connect()).await.unwrap();
    one.disconnect();
    pass(LONG).await;
    assert!(other.is_connected() && !one.is_connected());
    other.disconnect();
    until_client(&client, |state| *state == ClientState::Idle).await;
}

#[tokio::test(start_paused = true)]
async fn another_socket_that_joins_while_it_is_tried_does_not_begin_the_attempts_anew() {
    let world = World::new();
    world.wire.set_down(true);
    let options = Reconnection::default().delay(ms(10)).attempts(2);
    let client = world.builder("http://server").reconnection(options).build().unwrap();
    client.of("/room1").start();
    until_client(&client, |state| matches!(state, ClientState::Waiting { .. })).await;
    client.of("/room2").start();
    until_client(&client, |state| *state == ClientState::GivenUp).await;
    assert_eq!(world.wire.dialled(), 3);
}

#[tokio::test(start_paused = true)]
async fn bytes_arrive_as_bytes() {
    let world = World::new();
    let socket = world.connected("/").await;
    for (asks, hears) in [("doge", "doge"), ("getbin", "takebin")] {
        let mut heard = hear(&socket, hears);
        socket.emit(asks, &()).await.unwrap();
        assert_eq!(soon(heard.recv()).await.unwrap().parse::<Bytes>().unwrap(), "asdfasdf");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_are_sent_alone_mixed_with_json_and_in_order() {
    #[derive(Serialize)]
    struct Mixed {
        hello: &'static str,
        message: Bytes,
        goodbye: &'static str,
    }
    let world = World::new();
    let socket = world.connected("/").await;
    let bytes = Bytes::from_static(&[1, 2, 3]);
    let mixed = || Mixed { hello: "lol", message: bytes.clone(), goodbye: "gotcha" };
    let answers = ["buffack", "back", "jsonbuff-ack", "jsonblob-ack", "abuff2-ack", "blob3-ack"];
    let mut answers = answers.map(|event| hear(&socket, event));
    socket.emit("buffa", &bytes).await.unwrap();
    socket.emit("blob", &bytes).await.unwrap();
    socket.emit("jsonbuff", &mixed()).await.unwrap();
    socket.emit("jsonblob", &mixed()).await.unwrap();
    socket.emit("abuff1", &bytes).await.unwrap();
    socket.emit("abuff2", "please arrive second").await.unwrap();
    socket.emit("blob1", &bytes).await.unwrap();
    socket.emit("blob2", "second").await.unwrap();
    socket.emit("blob3", &bytes).await.unwrap();
    for answer in &mut answers {
        soon(answer.recv()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_namespace_is_the_same_socket_and_is_joined_once() {
    let world = World::new();
    let client = world.client();
    let (tell, mut joined) = mpsc::unbounded_channel();
    world.io.of("/foo").on_connect(move |socket: sockeye::Socket| {
        let told = tell.send(socket.id().to_owned());
        async move { told.unwrap() }
    });
    let (one, same) = (client.of("/foo"), client.of("/foo"));
    soon(async { tokio::try_join!(one.connect(), same.connect()) }).await.unwrap();
    same.start();
    assert_eq!(one.id(), same.id());
    assert_eq!(soon(joined.recv()).await, one.id());
    same.disconnect();
    assert!(!one.is_active());
    soon(one.connect()).await.unwrap();
    assert!(same.is_connected());
    assert_eq!(soon(joined.recv()).await, same.id());
    assert!(joined.try_recv().is_err(), "each connect is one");
}

/// Why it was disconnected, each time.
fn reasons(socket: &sockeye_client::Socket) -> mpsc::UnboundedReceiver<DisconnectReason> {
    let (tell, heard) = mpsc::unbounded_channel();
    socket.on_disconnect(move |Reason(reason): Reason| {
        let _ = tell.send(reason);
        async {}
    });
    heard
}

/// The numbers of the attempts that are made until it is given up, closed or idle.
fn attempts(client: &sockeye_client::Client) -> mpsc::UnboundedReceiver<Vec<u32>> {
    let (tell, heard) = mpsc::unbounded_channel();
    let mut state = client.state();
    tokio::spawn(async move {
        let mut attempts = Vec::new();
        while state.changed().await.is_ok() {
            match *state.borrow_and_update() {
                ClientState::Waiting { attempt, .. } => attempts.push(attempt),
                ClientState::GivenUp | ClientState::Closed => break,
                _ => {}
            }
        }
        let _ = tell.send(attempts);
    });
    heard
}
