//! Who hears what, and in which order.

mod support;

use sockeye::Io;
use sockeye_client::{
    Args, Bytes, Call, Client, ConnectError, Data, Description, DisconnectReason, Event, Extract,
    ExtractError, Reason, Socket, State,
};
use support::server;
use support::talk::{Heard, meet, stranger};

/// Takes note of one argument.
fn noting(
    heard: &Heard,
    label: &'static str,
) -> impl Fn(Data<u32>) -> std::future::Ready<()> + Send + Sync + 'static + use<> {
    let heard = heard.clone();
    move |Data(number)| {
        heard.note(format!("{label} {number}"));
        std::future::ready(())
    }
}

#[tokio::test(start_paused = true)]
async fn handlers_start_in_the_order_of_the_events() {
    let io = server();
    let (_client, socket) = stranger(&io);
    let heard = Heard::default();
    socket.on("a", noting(&heard, "a")).on("b", noting(&heard, "b"));
    let served = meet(&io, &socket).await;
    for number in 0..100 {
        served.emit(if number % 2 == 0 { "a" } else { "b" }, &number).unwrap();
    }
    let expected: Vec<_> = (0..100)
        .map(|number| format!("{} {number}", if number % 2 == 0 { "a" } else { "b" }))
        .collect();
    assert_eq!(heard.wait_for(100).await, expected);
}

#[tokio::test(start_paused = true)]
async fn several_handlers_of_one_event_start_in_their_order_and_off_takes_them_back() {
    let io = server();
    let (_client, socket) = stranger(&io);
    let heard = Heard::default();
    socket.on("a", noting(&heard, "first")).on("a", noting(&heard, "second"));
    let served = meet(&io, &socket).await;
    served.emit("a", &1).unwrap();
    assert_eq!(heard.wait_for(2).await, ["first 1", "second 1"]);
    socket.off("a").on("b", noting(&heard, "b"));
    served.emit("a", &2).unwrap();
    served.emit("b", &3).unwrap();
    assert_eq!(heard.wait_for(3).await[2..], ["b 3"]);
}

#[tokio::test(start_paused = true)]
async fn once_hears_one_event_beside_those_that_stay() {
    let io = server();
    let (_client, socket) = stranger(&io);
    let heard = Heard::default();
    socket.once("a", noting(&heard, "once")).on("a", noting(&heard, "always"));
    let served = meet(&io, &socket).await;
    for number in 0..2 {
        served.emit("a", &number).unwrap();
    }
    assert_eq!(heard.wait_for(3).await, ["once 0", "always 0", "always 1"]);
}

#[tokio::test(start_paused = true)]
async fn who_hears_everything_hears_it_first() {
    let io = server();
    let (_client, socket) = stranger(&io);
    let heard = Heard::default();
    let note = |label: &'static str| {
        let heard = heard.clone();
        move |Event(name): Event, args: Args| {
            heard.note(format!("{label} {name} {}", args.json()));
            std::future::ready(())
        }
    };
    socket.on("a", noting(&heard, "named")).on_any(note("second")).prepend_any(note("first"));
    let served = meet(&io, &socket).await;
    served.emit("a", &1).unwrap();
    served.emit("b", &("x", 2)).unwrap();
    let expected = ["first a 1", "second a 1", "named 1", "first b \"x\",2", "second b \"x\",2"];
    assert_eq!(heard.wait_for(5).await, expected);
    socket.off_any();
    served.emit("a", &2).unwrap();
    assert_eq!(heard.wait_for(6).await[5..], ["named 2"]);
}

#[tokio::test(start_paused = true)]
async fn arguments_become_the_types_that_handlers_name() {
    #[derive(serde::Deserialize)]
    struct Message {
        text: String,
        parts: Option<Vec<u8>>,
    }
    let io = server();
    let (_client, socket) = stranger(&io);
    let heard = Heard::default();
    let (one, two, three) = (heard.clone(), heard.clone(), heard.clone());
    socket
        .on("message", move |Data((message, more)): Data<(Message, Option<bool>)>| {
            one.note(format!("{} {:?} {more:?}", message.text, message.parts));
            std::future::ready(())
        })
        .on("binary", move |Data((name, bytes)): Data<(String, Bytes)>| {
            two.note(format!("{name} {bytes:?}"));
            std::future::ready(())
        })
        .on("raw", move |args: Args| {
            three.note(format!("{} {}", args.json(), args.attachments().len()));
            std::future::ready(())
        });
    let served = meet(&io, &socket).await;
    served.emit("message", &serde_json::json!({ "text": "hi", "parts": [1] })).unwrap();
    served.emit("binary", &("b", bytes::Bytes::from_static(&[1, 2, 3]))).unwrap();
    served.emit("raw", &(1, "two", bytes::Bytes::from_static(&[3]))).unwrap();
    let expected = [
        "hi Some([1]) None",
        "b b\"\\x01\\x02\\x03\"",
        "1,\"two\",{\"_placeholder\":true,\"num\":0} 1",
    ];
    assert_eq!(heard.wait_for(3).await, expected);
}

#[tokio::test(start_paused = true)]
async fn handlers_are_given_the_socket_its_client_what_the_builder_got_and_types_of_the_users_own()
{
    struct Place(String);
    impl<On> Extract<On> for Place {
        fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
            Ok(Place(format!("{}:{}", call.socket().namespace(), call.event())))
        }
    }
    let io = server();
    io.of("/chat");
    let client = support::Wire::to(&io)
        .builder("http://in-memory/chat")
        .state(Heard::default())
        .state(7_u8)
        .build()
        .unwrap();
    let chat = client.socket();
    chat.on(
        "a",
        async |socket: Socket,
               client: Client,
               State(heard): State<Heard>,
               State(seven): State<u8>,
               Place(place): Place| {
            assert!(client.of("/chat") == socket);
            heard.note(format!("{place} {seven}"));
        },
    );
    let served = meet(&io, &chat).await;
    served.emit("a", &()).unwrap();
    served.emit("b", &()).unwrap();
    let heard = Heard::default();
    let missing = heard.clone();
    chat.on("c", async |State(_): State<u64>| {});
    let problem: serde_json::Value = served.emit_with_ack("c", &()).await.unwrap();
    missing.note(problem.to_string());
    assert!(heard.all()[0].contains("the client has no `State<u64>`"), "{:?}", heard.all());
}

#[tokio::test(start_paused = true)]
async fn connects_and_disconnects_are_told_in_their_place_among_the_events() {
    let io = Io::builder().build().unwrap();
    io.of("/").on_connect(async |socket: sockeye::Socket| -> sockeye::Result<()> {
        socket.emit("welcome", &1)?;
        Ok(())
    });
    let (_client, socket) = stranger(&io);
    let heard = Heard::default();
    let (connected, disconnected) = (heard.clone(), heard.clone());
    socket
        .on_connect(move |socket: Socket| {
            connected.note(format!("connected {}", socket.is_connected()));
            std::future::ready(())
        })
        .on_disconnect(move |Reason(why): Reason, Description(words): Description| {
            disconnected.note(format!("disconnected {why} {words:?}"));
            std::future::ready(())
        })
        .on("welcome", noting(&heard, "welcome"))
        .on("bye", noting(&heard, "bye"));
    let served = meet(&io, &socket).await;
    heard.wait_for(2).await;
    served.emit("bye", &2).unwrap();
    served.disconnect(false);
    let expected =
        ["connected true", "welcome 1", "bye 2", "disconnected io server disconnect None"];
    assert_eq!(heard.wait_for(4).await, expected);
    socket.connect().await.unwrap();
    heard.wait_for(6).await;
    socket.disconnect();
    let all = heard.wait_for(7).await;
    assert_eq!(all[4..], ["connected true", "welcome 1", "disconnected io client disconnect None"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_told_with_its_error() {
    let io = server();
    io.of("/admin").middleware(async || Err::<(), _>(sockeye::Error::new("no entry")));
    let client = support::Wire::to(&io).client();
    let admin = client.of("/admin");
    let heard = Heard::default();
    let note = heard.clone();
    admin.on_connect_error(move |error: ConnectError| {
        note.note(error.to_string());
        std::future::ready(())
    });
    admin.connect().await.unwrap_err();
    assert_eq!(heard.wait_for(1).await, ["the server refused: no entry"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_told_and_what_comes_after_the_next_is_heard_by_the_same_handlers() {
    let io = server();
    let wire = support::Wire::to(&io);
    let client = wire.client();
    let socket = client.socket();
    let heard = Heard::default();
    let note = heard.clone();
    socket.on("a", noting(&heard, "a")).on_disconnect(move |Reason(why): Reason| {
        note.note(why.as_str());
        assert_ne!(why, DisconnectReason::ClientDisconnect);
        std::future::ready(())
    });
    let served = meet(&io, &socket).await;
    served.emit("a", &1).unwrap();
    heard.wait_for(1).await;
    wire.cut();
    heard.wait_for(2).await;
    let served = meet(&io, &socket).await;
    served.emit("a", &2).unwrap();
    assert_eq!(heard.wait_for(3).await, ["a 1", "transport close", "a 2"]);
}

#[tokio::test(start_paused = true)]
async fn after_disconnect_nothing_more_is_heard() {
    let io = server();
    let (_client, socket) = stranger(&io);
    let heard = Heard::default();
    let note = heard.clone();
    socket.on("last", move |socket: Socket, Data(number): Data<u32>| {
        note.note(format!("last {number}"));
        socket.disconnect();
        std::future::ready(())
    });
    let note = heard.clone();
    socket.on_disconnect(move || {
        note.note("disconnected");
        std::future::ready(())
    });
    let served = meet(&io, &socket).await;
    for number in 0..3 {
        let _ = served.emit("last", &number);
    }
    assert_eq!(heard.wait_for(2).await, ["last 0", "disconnected"]);
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert_eq!(heard.all().len(), 2);
}

#[test]
#[should_panic(expected = "`disconnect` is a reserved event name")]
fn names_that_the_protocol_reserves_are_refused() {
    let client = Client::builder("http://localhost:1").build().unwrap();
    client.socket().on("disconnect", async || {});
}

#[tokio::test(start_paused = true)]
async fn behind_the_last_once_of_an_event_who_hears_everything_answers() {
    let io = server();
    let (_client, socket) = stranger(&io);
    socket.once("a", async || "once").on_any(async || "any");
    let served = meet(&io, &socket).await;
    for expected in ["once", "any"] {
        let answer: String = served.emit_with_ack("a", &()).await.unwrap();
        assert_eq!(answer, expected);
    }
}
