//! Events that may be lost: for whoever is ready, in order, and in nobody's way.

mod support;

use std::net::SocketAddr;

use bytes::Bytes;
use sockeye::{AckError, EmitError, Io, Socket};
use support::{Client, Polling, io, serve, soon, with_sync};

/// A polling client in the main namespace that asks for nothing at the moment.
async fn polling(io: &Io, address: SocketAddr) -> (Polling, Socket) {
    let polling = Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    let reply = polling.get().await;
    let id = reply.split('"').nth(3).unwrap();
    (polling, io.socket(id).unwrap())
}

#[tokio::test]
async fn a_client_between_two_polls_gets_no_volatile_event_and_everything_else() {
    let io = io(|io| io);
    let (client, socket) = polling(&io, serve(&io).await).await;
    socket.emit("ev", &1).unwrap();
    assert_eq!(socket.volatile().emit("ev", &2).unwrap().dropped(), 1);
    assert_eq!(io.volatile().emit("ev", &3).unwrap().dropped(), 1);
    socket.emit("ev", &4).unwrap();
    assert_eq!(client.get().await, "42[\"ev\",1]\x1e42[\"ev\",4]");
}

#[tokio::test]
async fn a_client_whose_poll_waits_gets_a_volatile_event_at_once() {
    let io = io(|io| io);
    let (client, socket) = polling(&io, serve(&io).await).await;
    let waiting = tokio::spawn(async move { client.get().await });
    soon(async {
        while socket.volatile().emit("ev", &()).unwrap().dropped() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(soon(waiting).await.unwrap(), "42[\"ev\"]");
}

#[tokio::test]
async fn volatile_events_in_a_row_and_behind_others_reach_a_websocket_that_takes_them() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    let socket = io.socket(&id).unwrap();
    socket.emit("ev", &1).unwrap();
    socket.volatile().emit("ev", &2).unwrap();
    io.volatile().emit("ev", &3).unwrap();
    socket.emit("ev", &4).unwrap();
    for number in 1..=4 {
        client.expect(&format!("42[\"ev\",{number}]")).await;
    }
    client.sync().await;
}

#[tokio::test]
async fn a_volatile_question_is_answered_or_was_not_asked_and_that_is_known_at_once() {
    let io = io(|io| io);
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    let ready = io.socket(&id).unwrap();
    let question = tokio::spawn(ready.volatile().emit_with_ack::<u8>("sure?", &()));
    let asked = client.text().await;
    let number = asked.strip_prefix("42").unwrap().split('[').next().unwrap();
    client.send(&format!("43{number}[7]")).await;
    assert_eq!(soon(question).await.unwrap().unwrap(), 7);

    let (polls, away) = polling(&io, address).await;
    let Err(AckError::Emit(error)) = away.volatile().emit_with_ack::<u8>("sure?", &()).await else {
        panic!("nobody has asked");
    };
    assert!(matches!(error, EmitError::NotReady { .. }), "{error}");
    away.emit("ev", &()).unwrap();
    assert_eq!(polls.get().await, "42[\"ev\"]");
}

#[tokio::test]
async fn a_volatile_event_with_an_attachment_comes_whole_or_not_at_all() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    let (polls, away) = polling(&io, address).await;
    let bytes = |number: u8| Bytes::copy_from_slice(&[number; 3]);
    let emitted = io.volatile().emit("ev", &bytes(1)).unwrap();
    assert_eq!((emitted.recipients(), emitted.dropped()), (1, 1));
    io.socket(&id).unwrap().volatile().emit("ev", &bytes(2)).unwrap();
    for number in 1..=2 {
        client.expect(r#"451-["ev",{"_placeholder":true,"num":0}]"#).await;
        assert_eq!(client.binary().await, [number; 3]);
    }
    client.sync().await;
    away.emit("end", &()).unwrap();
    assert_eq!(polls.get().await, "42[\"end\"]", "no attachment has lost its event");
}

#[tokio::test]
async fn a_volatile_event_in_a_namespace_reaches_its_clients() {
    let io = io(|io| io);
    with_sync(&io);
    io.of("/chat");
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.connect("/chat", "").await;
    io.of("/chat").volatile().emit("ev", &"data").unwrap();
    io.of("/chat").to("nobody").volatile().emit("ev", &"data").unwrap();
    client.expect("42/chat,[\"ev\",\"data\"]").await;
    client.sync().await;
}
