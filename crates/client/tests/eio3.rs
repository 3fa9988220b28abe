//! Servers of Socket.IO 2, which our own can be.

mod support;

use bytes::Bytes;
use serde_json::json;
use sockeye::{Auth, Data, Error, Io, Socket as Served};
use sockeye_client::{Builder, ClientState, ConnectError, DisconnectReason, Transport};
use support::{Wire, soon, until, until_client};

fn server() -> Io {
    let io = Io::builder().allow_eio3(true).build().unwrap();
    for name in ["/", "/chat", "/admin"] {
        io.of(name);
    }
    io
}

fn old(wire: &Wire) -> Builder {
    wire.builder("http://in-memory").eio3(true)
}

#[tokio::test(start_paused = true)]
async fn an_old_server_lets_us_in_over_every_transport() {
    for transports in [
        &[Transport::Polling][..],
        &[Transport::WebSocket],
        &[Transport::Polling, Transport::WebSocket],
    ] {
        let io = server();
        let client = old(&Wire::to(&io)).transports(transports.to_vec()).build().unwrap();
        let (main, chat) = (client.of("/"), client.of("/chat"));
        tokio::try_join!(main.connect(), chat.connect()).unwrap();
        let id = main.id().expect("an id");
        assert_eq!(chat.id(), Some(format!("/chat#{id}")), "over {transports:?}");
        assert!(io.socket(&id).is_some(), "the server calls it so, too");
        assert!(io.of("/chat").socket(&format!("/chat#{id}")).is_some());
        assert_eq!(io.socket(&id).unwrap().handshake().protocol(), 3);
        let last = *transports.last().unwrap();
        until_client(&client, |state| *state == ClientState::Open { transport: last }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_the_main_namespace_later_is_in_it_at_once() {
    let io = server();
    let wire = Wire::to(&io);
    let client = old(&wire).transports([Transport::WebSocket]).build().unwrap();
    let (main, chat) = (client.of("/"), client.of("/chat"));
    chat.connect().await.unwrap();
    assert!(!main.is_active());
    main.connect().await.unwrap();
    assert_eq!(chat.id(), main.id().map(|id| format!("/chat#{id}")));
    main.disconnect();
    soon(|| io.of("/").sockets().is_empty()).await;
    main.connect().await.expect("it is asked for now");
    assert_eq!((io.of("/").sockets().len(), wire.dialled()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_auth_says_goes_into_the_query_of_a_namespace() {
    let io = server();
    let allowed = async |_: Served, Auth(auth): Auth<serde_json::Value>| -> Result<(), Error> {
        if auth["token"] == "a b" && auth["room"] == json!(["1", "2"]) && auth["of"] == "url" {
            return Ok(());
        }
        Err(Error::new("no entry").with_data(&json!({ "code": 7, "got": auth })))
    };
    io.of("/admin").middleware(allowed);
    let wire = Wire::to(&io);
    let auth = json!({ "token": "a b", "room": [1, 2] });
    let client = old(&wire).query("of", "url").auth(&auth).build().unwrap();
    client.of("/admin").connect().await.unwrap();

    let client = old(&wire).auth(&auth).build().unwrap();
    let Err(ConnectError::Refused(refused)) = client.of("/admin").connect().await else {
        panic!("let in")
    };
    assert_eq!(refused.data.as_ref().unwrap()["code"], 7);
    assert!(client.of("/").connect().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_data_has_the_words_of_the_server() {
    let io = server();
    io.of("/").middleware(async |_: Served| -> Result<(), Error> { Err(Error::new("not now")) });
    let client = old(&Wire::to(&io)).build().unwrap();
    let Err(ConnectError::Refused(refused)) = client.of("/").connect().await else {
        panic!("let in")
    };
    assert_eq!((&*refused.message, &refused.data), ("not now", &None));
    let nowhere = client.of("/nowhere").connect().await.unwrap_err();
    assert_eq!(nowhere.to_string(), "the server refused: Invalid namespace");
}

#[tokio::test(start_paused = true)]
async fn a_connection_to_an_old_server_is_taken_up_again() {
    let io = server();
    let wire = Wire::to(&io);
    let client = old(&wire).transports([Transport::WebSocket]).build().unwrap();
    let chat = client.of("/chat");
    chat.connect().await.unwrap();
    let before = chat.id();
    wire.cut();
    until(&chat, |state| !state.is_connected()).await;
    until(&chat, sockeye_client::SocketState::is_connected).await;
    assert_ne!(chat.id(), before);
}

#[tokio::test(start_paused = true)]
async fn an_old_server_sends_us_away_and_a_quiet_day_does_not() {
    let io = server();
    let client = old(&Wire::to(&io)).build().unwrap();
    let (main, chat) = (client.of("/"), client.of("/chat"));
    tokio::try_join!(main.connect(), chat.connect()).unwrap();
    tokio::time::sleep(std::time::Duration::from_hours(24)).await;
    assert!(main.is_connected() && chat.is_connected());
    io.of("/chat").sockets()[0].disconnect(false);
    let state = until(&chat, |state| !state.is_active()).await;
    let reason = Some(DisconnectReason::ServerDisconnect);
    assert_eq!(state, sockeye_client::SocketState::Disconnected { reason });
    assert!(main.is_connected());
    client.close().await;
    soon(|| io.of("/").sockets().is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn who_asks_in_the_wrong_revision_is_told() {
    let new = Io::builder().build().unwrap();
    new.of("/");
    let client = old(&Wire::to(&new)).reconnection(false).build().unwrap();
    let error = client.of("/").connect().await.unwrap_err().to_string();
    assert!(error.contains("Unsupported protocol version"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_old_server_answers_what_it_is_asked_with_bytes_too() {
    for transports in [&[Transport::Polling][..], &[Transport::WebSocket]] {
        let io = server();
        for name in ["/", "/chat"] {
            io.of(name).on("ask", async |Data(what): Data<(String, Bytes)>| what);
        }
        let client = old(&Wire::to(&io)).transports(transports.to_vec()).build().unwrap();
        let (main, chat) = (client.of("/"), client.of("/chat"));
        let early =
            main.emit_with_ack::<(String, Bytes)>("ask", &("né😀", Bytes::from_static(&[4])));
        tokio::try_join!(main.connect(), chat.connect()).unwrap();
        assert_eq!(early.await.unwrap(), ("né😀".to_owned(), Bytes::from_static(&[4])));
        let large = Bytes::from(vec![0xab; 100_000]);
        let answer = chat.emit_with_ack::<(String, Bytes)>("ask", &("", large.clone())).await;
        assert_eq!(answer.unwrap(), (String::new(), large), "over {transports:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waited_for_the_main_namespace_goes_to_it_though_it_was_joined_before() {
    let io = server();
    io.of("/").on("ask", async |Data(what): Data<u32>| what + 1);
    let client = old(&Wire::to(&io)).build().unwrap();
    let main = client.of("/");
    client.of("/chat").connect().await.unwrap();
    let answer = main.emit_with_ack::<u32>("ask", &1);
    main.start();
    assert_eq!(answer.await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn reliable_events_reach_an_old_server_through_a_lost_connection() {
    let io = server();
    io.of("/chat").on("ask", async |Data((what, _)): Data<(u32, String)>| what);
    let wire = Wire::to(&io);
    let client = old(&wire).transports([Transport::WebSocket]).build().unwrap();
    let chat = client.of("/chat");
    chat.connect().await.unwrap();
    wire.set_down(true);
    let answers: Vec<_> =
        (0..5_u32).map(|number| chat.reliably().emit_with_ack::<u32>("ask", &number)).collect();
    wire.set_down(false);
    for (number, answer) in (0..).zip(answers) {
        assert_eq!(answer.await.unwrap(), number);
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_server_is_heard_and_answered() {
    for transports in [&[Transport::Polling][..], &[Transport::WebSocket]] {
        let io = server();
        io.of("/chat").on("go", async |socket: Served| {
            socket.emit("said", &("né😀", Bytes::from_static(&[4, 0]))).unwrap();
            let answer = socket.emit_with_ack::<u32>("ask", &1).await;
            answer.unwrap_or_default()
        });
        let client = old(&Wire::to(&io)).transports(transports.to_vec()).build().unwrap();
        let chat = client.of("/chat");
        chat.connect().await.unwrap();
        let went = chat.emit_with_ack::<u32>("go", &());
        let said = chat.recv().await.unwrap();
        assert_eq!(said.name, "said");
        let heard = said.args.parse::<(String, Bytes)>().unwrap();
        assert_eq!(heard, ("né😀".to_owned(), Bytes::from_static(&[4, 0])));
        let asked = chat.recv().await.unwrap();
        asked.ack.send(&(asked.args.parse::<u32>().unwrap() + 1)).unwrap();
        assert_eq!(went.await.unwrap(), 2, "over {transports:?}");
    }
}
