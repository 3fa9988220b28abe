//! Middlewares for events: they run before the handler, and may answer instead.

mod support;

use std::sync::Arc;
use std::time::Duration;

use sockeye::{
    AckSender, Args, Data, Durability, Error, Event, Io, MountError, Result, Socket, State,
};
use support::{Client, Notes, io, serve};

/// Who is asked says so; `secret` is not for everybody.
fn guarded(io: &Io) -> Arc<Notes<String>> {
    let notes = Notes::new();
    let main = io.of("/");
    for number in 1..=2 {
        let notes = Arc::clone(&notes);
        main.event_middleware(move |Event(name): Event, args: Args| {
            notes.add(format!("{number}: {name} {}", args.len()));
            let refused = number == 1 && &*name == "secret";
            async move { if refused { Err(Error::new("not for you")) } else { Ok(()) } }
        });
    }
    for event in ["open", "secret"] {
        let notes = Arc::clone(&notes);
        main.on(event, move |Event(name): Event| {
            notes.add(format!("handler: {name}"));
            async { "done" }
        });
    }
    notes
}

#[tokio::test]
async fn middlewares_run_in_their_order_before_the_handler() {
    let io = io(|io| io);
    let notes = guarded(&io);
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("421[\"open\",1,2]").await;
    assert_eq!(client.text().await, "431[\"done\"]");
    assert_eq!(notes.so_far(), ["1: open 2", "2: open 2", "handler: open"]);
}

#[tokio::test]
async fn an_error_of_a_middleware_answers_the_event() {
    let io = io(|io| io);
    guarded(&io);
    let ran = Notes::new();
    let notes = Arc::clone(&ran);
    io.of("/").on("by hand", async |sender: AckSender| drop(sender.send(&1)));
    io.of("/").event_middleware(async |Event(name): Event| match &*name {
        "by hand" => Err(Error::new("not by hand")),
        _ => Ok(()),
    });
    io.of("/").on("never", move || {
        let notes = Arc::clone(&notes);
        async move { notes.add(()) }
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("421[\"secret\"]").await;
    assert_eq!(client.text().await, "431[{\"error\":{\"message\":\"not for you\"}}]");
    client.send("422[\"by hand\"]").await;
    assert_eq!(client.text().await, "432[{\"error\":{\"message\":\"not by hand\"}}]");
    client.send("423[\"open\"]").await;
    assert_eq!(client.text().await, "433[\"done\"]");
    assert_eq!(io.stats().handler_errors, 2);
    assert!(ran.so_far().is_empty());
}

#[tokio::test]
async fn a_middleware_that_waits_holds_back_its_own_event_alone() {
    let io = io(|io| io);
    let main = io.of("/");
    main.event_middleware(async |Event(name): Event| {
        if &*name == "slow" {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    main.on_any(async |Event(name): Event| name);
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send_all(&["421[\"slow\"]", "422[\"fast\"]"]).await;
    assert_eq!(client.text().await, "432[\"fast\"]");
    support::pass(Duration::from_secs(1)).await;
    assert_eq!(client.text().await, "431[\"slow\"]");
}

#[tokio::test]
async fn a_middleware_sees_events_of_handlers_of_one_socket_and_of_those_that_take_any() {
    let io = io(|io| io);
    let main = io.of("/");
    main.event_middleware(
        async |Event(name): Event| {
            if name.starts_with("bad") { Err(Error::new("bad")) } else { Ok(()) }
        },
    );
    main.on_connect(async |socket: Socket| -> Result<()> {
        socket.on("bad own", async || 1).on("own", async || 2);
        Ok(())
    });
    main.on_any(async || 3);
    let (mut client, _) = Client::join(serve(&io).await).await;
    for (event, answer) in
        [("bad own", "{\"error\":{\"message\":\"bad\"}}"), ("own", "2"), ("else", "3")]
    {
        client.send(&format!("421[\"{event}\"]")).await;
        assert_eq!(client.text().await, format!("431[{answer}]"));
    }
    let (mut client, id) = Client::join(serve(&io).await).await;
    io.socket(&id).unwrap().off("own").off("never was");
    client.send("421[\"own\"]").await;
    assert_eq!(client.text().await, "431[3]", "the handler of the socket is taken back");
}

#[tokio::test]
async fn a_middleware_that_panics_or_wants_other_arguments_refuses_its_event() {
    let io = io(|io| io);
    let main = io.of("/");
    main.on_any(async || "done");
    main.event_middleware(async |Event(name): Event, Data(_): Data<u32>| {
        assert_ne!(&*name, "panic", "on purpose");
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    for (packet, said) in
        [("[\"panic\",1]", "panicked"), ("[\"text\",\"1\"]", "argument"), ("[\"fine\",1]", "done")]
    {
        client.send(&format!("421{packet}")).await;
        let answer = client.text().await;
        assert!(answer.starts_with("431[") && answer.contains(said), "{answer}");
    }
}

#[tokio::test]
async fn an_event_that_is_handled_once_passes_the_middleware_once() {
    let io = io(|io| io);
    let notes = Notes::new();
    let seen = Arc::clone(&notes);
    let main = io.of("/");
    main.durable(Durability::Memory).once("pay", "/0");
    main.on("pay", async |Data(order): Data<u32>| order);
    main.event_middleware(move |Event(name): Event| {
        let seen = Arc::clone(&seen);
        async move { seen.add(name) }
    });
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/", "").await;
    for _ in 0..2 {
        client.send("421[\"pay\",17]").await;
        assert_eq!(client.text().await, "431[17]");
    }
    assert_eq!(notes.so_far(), ["pay"]);
}

#[tokio::test]
async fn several_handlers_behind_a_middleware_start_in_the_order_in_which_their_events_came() {
    let io = io(|io| io.max_unfinished_events(10_000));
    let notes = Notes::new();
    let main = io.of("/");
    main.event_middleware(async || {});
    for _ in 0..2 {
        let notes = Arc::clone(&notes);
        main.on("count", move |Data(number): Data<u32>| {
            let notes = Arc::clone(&notes);
            async move { notes.add(number) }
        });
    }
    let (mut client, _) = Client::join(serve(&io).await).await;
    // More than the runtime lets a task do in one go.
    let packets: Vec<_> =
        (0..1000).map(|number| format!("42{number}[\"count\",{number}]")).collect();
    client.send_all(&packets).await;
    for _ in 0..1000 {
        client.text().await;
    }
    let in_order: Vec<_> = (0..1000).flat_map(|number| [number, number]).collect();
    assert_eq!(notes.so_far(), in_order);
}

#[tokio::test]
async fn a_state_that_a_middleware_needs_is_missed_before_clients_come() {
    let io = io(|io| io);
    io.of("/").event_middleware(async |State(_): State<u8>| {});
    let Err(MountError::MissingState { handler, .. }) = io.service() else {
        panic!("nobody has noticed");
    };
    assert_eq!(handler, "event middleware 1");
}
