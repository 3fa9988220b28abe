//! Hearing what is sent to a socket.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use sockeye::{Args, Data, Durability, Event, Io, Msgpack, Socket};
use support::{Client, Notes, io, serve, with_sync};

type Heard = Arc<Notes<String>>;

/// Notes what is sent to a socket, with a word in front.
fn listen(
    heard: &Heard,
    word: &'static str,
) -> impl Fn(Event, Args) -> std::future::Ready<()> + use<> {
    let heard = Arc::clone(heard);
    move |Event(name), args| {
        let args: Vec<Value> = args.iter().map(|arg| serde_json::from_str(arg).unwrap()).collect();
        heard.add(format!("{word} {name} {}", Value::from(args)));
        std::future::ready(())
    }
}

async fn with_socket(io: &Io) -> (Client, Socket, Heard) {
    let (client, id) = Client::join(serve(io).await).await;
    (client, io.socket(&id).unwrap(), Notes::new())
}

#[tokio::test]
async fn on_any_outgoing_hears_every_event_to_its_socket_broadcasts_too_and_no_answers() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    let (mut other, _) = Client::join(address).await;
    let (socket, heard) = (io.socket(&id).unwrap(), Notes::new());
    socket.join("room").unwrap();
    socket.on_any_outgoing(listen(&heard, "->"));
    socket.emit("own", &(1, "two")).unwrap();
    io.emit("all", &json!({"a": [1]})).unwrap();
    io.to("room").emit("room", &()).unwrap();
    socket.broadcast().emit("others", &()).unwrap();
    let answer = socket.emit_with_ack::<u8>("ask", &1);
    let answers = io.to("room").emit_with_ack::<u8>("ask all", &());
    client.send("421[\"sync\"]").await;
    for event in
        ["-> own [1,\"two\"]", "-> all [{\"a\":[1]}]", "-> room []", "-> ask [1]", "-> ask all []"]
    {
        assert_eq!(heard.next().await, event);
    }
    drop((answer, answers));
    for _ in 0..5 {
        client.text().await;
    }
    client.expect("431[]").await;
    other.expect("42[\"all\",{\"a\":[1]}]").await;
    assert_eq!(heard.so_far(), [""; 0], "neither the answer to `sync` nor what is for others");
}

#[tokio::test]
async fn listeners_of_what_is_sent_run_in_their_order_until_they_are_taken_back() {
    let io = io(|io| io);
    let (mut client, socket, heard) = with_socket(&io).await;
    socket.on_any_outgoing(listen(&heard, "last")).prepend_any_outgoing(listen(&heard, "first"));
    socket.emit("a", &()).unwrap();
    assert_eq!([heard.next().await, heard.next().await], ["first a []", "last a []"]);
    socket.off_any_outgoing();
    socket.emit("b", &()).unwrap();
    client.expect("42[\"a\"]").await;
    client.expect("42[\"b\"]").await;
    assert_eq!(heard.so_far(), [""; 0]);
}

#[tokio::test]
async fn bytes_that_are_sent_are_heard_as_bytes() {
    let io = io(|io| io);
    let (_client, socket, _) = with_socket(&io).await;
    let heard = Notes::new();
    let notes = Arc::clone(&heard);
    socket.on_any_outgoing(move |Data((name, bytes)): Data<(String, Vec<u8>)>| {
        notes.add((name, bytes));
        async {}
    });
    socket.emit("file", &("x", Bytes::from_static(&[1, 2]))).unwrap();
    assert_eq!(heard.next().await, ("x".to_owned(), vec![1, 2]));
}

#[tokio::test]
async fn what_is_sent_by_another_parser_is_heard_as_well() {
    let io = io(|io| io.parser(Msgpack));
    let heard = Notes::new();
    let notes = Arc::clone(&heard);
    io.of("/").on_connect(move |socket: Socket| {
        socket.on_any_outgoing(listen(&notes, "->"));
        async move {
            let _ = socket.emit("hello", &(1, "two"));
        }
    });
    let mut client = Client::open(serve(&io).await).await;
    // {"type":0,"nsp":"/"}
    client.send_binary(b"\x82\xa4type\x00\xa3nsp\xa1/").await;
    assert_eq!(heard.next().await, "-> hello [1,\"two\"]");
}

#[tokio::test]
async fn what_a_durable_namespace_sends_is_heard_without_its_position_and_once_by_a_recovered_client()
 {
    let io = io(|io| io);
    let (heard, main) = (Notes::new(), io.of("/"));
    let notes = Arc::clone(&heard);
    main.durable(Durability::Memory);
    main.on_connect(move |socket: Socket| {
        socket.on_any_outgoing(listen(&notes, "->"));
        async {}
    });
    let mut client = Client::open(serve(&io).await).await;
    let id = client.connect("/", "").await;
    let socket = io.socket(&id).unwrap();
    socket.emit("own", &(1, "two")).unwrap();
    io.emit("all", &()).unwrap();
    socket.volatile().emit("volatile", &3).unwrap();
    let asked = socket.emit_with_ack::<u8>("ask", &1);
    for event in ["-> own [1,\"two\"]", "-> all []", "-> volatile [3]", "-> ask [1]"] {
        assert_eq!(heard.next().await, event);
    }
    drop(asked);
}

#[tokio::test]
async fn what_was_sent_before_a_socket_left_is_heard_and_its_listeners_are_given_back() {
    let io = io(|io| io);
    let left = support::reasons(&io);
    let (_client, socket, heard) = with_socket(&io).await;
    let kept = Arc::new(());
    let (inside, held) = (socket.clone(), Arc::clone(&kept));
    let note = listen(&heard, "->");
    socket.on_any_outgoing(move |event: Event, args: Args| {
        let _both = (&inside, &held);
        note(event, args)
    });
    socket.emit("last", &()).unwrap();
    socket.disconnect(true);
    assert_eq!(left.next().await, "server namespace disconnect");
    assert_eq!(heard.so_far(), ["-> last []"]);
    support::soon(async {
        while Arc::strong_count(&kept) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_listener_that_hangs_or_panics_harms_nobody_and_what_waits_for_it_is_bounded() {
    let io = io(|io| io.max_unfinished_events(1).parked_bytes(1000));
    let (mut client, socket, heard) = with_socket(&io).await;
    let notes = Arc::clone(&heard);
    socket.on_any_outgoing(move |Event(name): Event| {
        notes.add(name.clone());
        async move {
            assert_ne!(name, "bad", "on purpose");
            if name == "slow" {
                std::future::pending::<()>().await;
            }
        }
    });
    socket.emit("bad", &()).unwrap();
    socket.emit("slow", &()).unwrap();
    for n in 0..100 {
        socket.emit("more", &n).unwrap();
    }
    client.expect("42[\"bad\"]").await;
    client.expect("42[\"slow\"]").await;
    for n in 0..100 {
        client.expect(&format!("42[\"more\",{n}]")).await;
    }
    assert_eq!([heard.next().await, heard.next().await], ["bad", "slow"]);
    assert_eq!(heard.so_far(), [""; 0]);
    assert!(io.stats().events_dropped > 50, "{:?}", io.stats());
}

#[tokio::test]
async fn a_listener_that_waits_hears_everything_in_its_order() {
    let io = io(|io| io.max_unfinished_events(1));
    let (_client, socket, heard) = with_socket(&io).await;
    let notes = Arc::clone(&heard);
    socket.on_any_outgoing(move |Event(name): Event| {
        let notes = Arc::clone(&notes);
        async move {
            tokio::task::yield_now().await;
            notes.add(name);
        }
    });
    for n in 0..200 {
        socket.emit(&n.to_string(), &()).unwrap();
    }
    for n in 0..200 {
        assert_eq!(heard.next().await, n.to_string());
    }
}

#[tokio::test]
async fn a_listener_that_sends_by_itself_never_comes_to_an_end_and_holds_up_nobody() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    let (mut other, _) = Client::join(address).await;
    let socket = io.socket(&id).unwrap();
    socket.on_any_outgoing(async |socket: Socket| {
        let _ = socket.emit("again", &());
    });
    socket.emit("first", &()).unwrap();
    client.expect("42[\"first\"]").await;
    for _ in 0..20 {
        other.sync().await;
        client.expect("42[\"again\"]").await;
    }
    socket.disconnect(true);
    let rest = client.rest().await;
    assert_eq!(rest.last().map(String::as_str), Some("41"));
    other.sync().await;
}
