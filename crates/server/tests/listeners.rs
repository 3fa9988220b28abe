//! Who hears an event: several handlers of one name, those that hear every event, and those of one socket.

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sockeye::{
    AckSender, Args, Data, Durability, Error, Event, Io, Namespace, Reason, Result, Socket,
};
use support::{Client, Notes, io, pass, serve, soon};

/// Notes a word when it runs, and returns a value.
fn says<T: Copy + Send + Sync + 'static>(
    noted: &Arc<Notes<&'static str>>,
    word: &'static str,
    value: T,
) -> impl Fn() -> BoxFuture<'static, T> + Send + Sync + use<T> {
    let noted = Arc::clone(noted);
    move || {
        let noted = Arc::clone(&noted);
        Box::pin(async move {
            noted.add(word);
            value
        })
    }
}

/// A handler that notes a word, and returns it.
fn notes(
    noted: &Arc<Notes<&'static str>>,
    word: &'static str,
) -> impl Fn() -> BoxFuture<'static, &'static str> + Send + Sync + use<> {
    says(noted, word, word)
}

/// A handler that notes a word, and returns nothing.
fn hears(
    noted: &Arc<Notes<&'static str>>,
    word: &'static str,
) -> impl Fn() -> BoxFuture<'static, ()> + Send + Sync + use<> {
    says(noted, word, ())
}

async fn answer(client: &mut Client, event: &str) -> String {
    client.send(&format!("427[\"{event}\"]")).await;
    let answer = client.text().await;
    answer.strip_prefix("437").unwrap_or_else(|| panic!("no answer but {answer}")).to_owned()
}

#[tokio::test]
async fn handlers_of_one_event_start_in_the_order_in_which_they_were_added() {
    let (io, noted) = (io(|io| io), Notes::new());
    io.of("/")
        .on("a", hears(&noted, "first"))
        .on("a", hears(&noted, "second"))
        .on("b", hears(&noted, "other"))
        .on("a", hears(&noted, "third"));
    let (mut client, _) = Client::join(serve(&io).await).await;
    assert_eq!(answer(&mut client, "a").await, "[]");
    assert_eq!(noted.so_far(), ["first", "second", "third"]);
}

#[tokio::test]
async fn the_first_handler_that_has_something_to_say_answers_and_no_other() {
    let io = io(|io| io);
    let main = io.of("/");
    main.on("log and save", async || {}).on("log and save", async || {
        tokio::task::yield_now().await;
        "saved"
    });
    main.on("slow and fast", async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        "slow"
    });
    main.on("slow and fast", async || "fast");
    main.on("fails first", async || Err::<(), _>(Error::new("no")))
        .on("fails first", async || "late");
    main.on("by hand", async |ack: AckSender| {
        tokio::task::yield_now().await;
        assert!(ack.wanted());
        let _ = ack.send("by hand");
    });
    main.on("by hand", async |ack: AckSender| drop(ack));
    main.on("too late", async || "first").on("too late", async |ack: AckSender| {
        tokio::task::yield_now().await;
        assert!(!ack.wanted(), "it is answered");
        let _ = ack.send("second");
    });
    main.on("nobody", async |ack: AckSender| drop(ack))
        .on("nobody", async |ack: AckSender| drop(ack));
    main.on("panics", async || -> () { panic!("on purpose") }).on("panics", async || "late");
    main.on("wrong", async |_: AckSender, _: Data<u8>| {}).on("wrong", async || "late");
    let (mut client, _) = Client::join(serve(&io).await).await;
    for (event, said) in [
        ("log and save", "[\"saved\"]"),
        ("slow and fast", "[\"fast\"]"),
        ("fails first", "[{\"error\":{\"message\":\"no\"}}]"),
        ("by hand", "[\"by hand\"]"),
        ("too late", "[\"first\"]"),
        ("nobody", "[{\"error\":{\"message\":\"the handler gave no answer\"}}]"),
        ("panics", "[{\"error\":{\"message\":\"the handler panicked\"}}]"),
    ] {
        assert_eq!(answer(&mut client, event).await, said, "{event}");
    }
    assert!(answer(&mut client, "wrong").await.contains("argument 1"));
    pass(Duration::from_secs(1)).await;
    // Nothing was answered twice.
    assert_eq!(answer(&mut client, "too late").await, "[\"first\"]");
}

#[tokio::test]
async fn one_handler_that_fails_or_hangs_is_nothing_to_the_others_of_its_event() {
    let (io, noted) = (io(|io| io.handler_timeout(Duration::from_secs(5))), Notes::new());
    io.of("/")
        .on("a", async || -> () { panic!("on purpose") })
        .on("a", std::future::pending::<()>)
        .on("a", hears(&noted, "heard"));
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("42[\"a\"]").await;
    assert_eq!(noted.next().await, "heard");
    pass(Duration::from_secs(6)).await;
    client.send("42[\"a\"]").await;
    assert_eq!(noted.next().await, "heard");
    let counters = io.stats();
    assert_eq!((counters.panics, counters.handlers_expired), (2, 1));
}

#[tokio::test]
async fn on_any_hears_every_event_in_front_of_its_handlers_and_answers_what_nobody_else_does() {
    let (io, noted) = (io(|io| io), Notes::new());
    io.of("/")
        .on("known", notes(&noted, "known"))
        .on_any(notes(&noted, "second"))
        .on_any(async |Event(name): Event, args: Args| (name, args.len()))
        .prepend_any(hears(&noted, "first"));
    let (mut client, _) = Client::join(serve(&io).await).await;
    assert_eq!(answer(&mut client, "known").await, "[\"known\"]");
    assert_eq!(noted.so_far(), ["first", "second", "known"]);
    assert_eq!(answer(&mut client, "else").await, "[\"second\"]");
    assert_eq!(noted.so_far(), ["first", "second"]);
    io.of("/").off_any().off("known");
    assert!(answer(&mut client, "known").await.contains("nobody handles `known`"));
    assert_eq!(noted.so_far(), [""; 0]);
}

#[tokio::test]
async fn a_sender_of_on_any_answers_only_what_nobody_else_handles() {
    let io = io(|io| io);
    io.of("/").on("known", async || "known").on_any(async |ack: AckSender| {
        let wanted = ack.wanted();
        let _ = ack.send("any");
        assert!(wanted, "for `else` alone");
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    assert_eq!(answer(&mut client, "known").await, "[\"known\"]");
    assert_eq!(answer(&mut client, "else").await, "[\"any\"]");
    assert_eq!(io.stats().panics, 1);
}

/// A server whose sockets are handed to the test.
async fn with_socket(io: &Io) -> (Client, Socket) {
    let (client, id) = Client::join(serve(io).await).await;
    (client, io.socket(&id).unwrap())
}

#[tokio::test]
async fn handlers_of_a_socket_take_the_place_of_the_namespace_s_until_they_are_taken_back() {
    let (io, noted) = (io(|io| io), Notes::new());
    io.of("/").on("a", notes(&noted, "common"));
    let (mut client, socket) = with_socket(&io).await;
    socket.on("a", hears(&noted, "own 1")).on("a", notes(&noted, "own 2"));
    assert_eq!(answer(&mut client, "a").await, "[\"own 2\"]");
    socket.off("a").off("never was");
    assert_eq!(answer(&mut client, "a").await, "[\"common\"]");
    assert_eq!(noted.so_far(), ["own 1", "own 2", "common"]);
}

#[tokio::test]
async fn once_hears_one_event_and_leaves_the_next_to_the_others() {
    let (io, noted) = (io(|io| io), Notes::new());
    io.of("/").on("b", notes(&noted, "common"));
    let (mut client, socket) = with_socket(&io).await;
    socket.on("a", notes(&noted, "always")).once("a", notes(&noted, "once"));
    socket.once("b", notes(&noted, "once"));
    client.send_all(&["42[\"a\"]", "42[\"a\"]", "42[\"b\"]", "421[\"b\"]"]).await;
    client.expect("431[\"common\"]").await;
    assert_eq!(noted.so_far(), ["always", "once", "always", "once", "common"]);
}

#[tokio::test]
async fn on_any_of_a_socket_hears_its_events_alone_and_can_be_taken_back() {
    let (io, noted) = (io(|io| io), Notes::new());
    io.of("/").on_any(hears(&noted, "all")).on("a", hears(&noted, "handler"));
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    let (mut other, _) = Client::join(address).await;
    let socket = io.socket(&id).unwrap();
    socket.on_any(hears(&noted, "own")).prepend_any(hears(&noted, "own first"));
    answer(&mut other, "a").await;
    assert_eq!(noted.so_far(), ["all", "handler"]);
    answer(&mut client, "a").await;
    assert_eq!(noted.so_far(), ["all", "own first", "own", "handler"]);
    socket.off_any();
    answer(&mut client, "a").await;
    assert_eq!(noted.so_far(), ["all", "handler"]);
}

#[tokio::test]
async fn a_middleware_of_a_socket_comes_behind_those_of_the_namespace_and_answers_its_errors() {
    let (io, noted) = (io(|io| io), Notes::new());
    let main = io.of("/");
    main.event_middleware(hears(&noted, "common")).on("a", notes(&noted, "handler"));
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    let (mut other, _) = Client::join(address).await;
    io.socket(&id).unwrap().event_middleware(hears(&noted, "own")).event_middleware(
        async |Event(name): Event| if name == "a" { Ok(()) } else { Err(Error::new("not you")) },
    );
    main.on("b", notes(&noted, "handler"));
    assert_eq!(answer(&mut client, "a").await, "[\"handler\"]");
    assert_eq!(noted.so_far(), ["common", "own", "handler"]);
    assert_eq!(answer(&mut client, "b").await, "[{\"error\":{\"message\":\"not you\"}}]");
    assert_eq!(answer(&mut other, "b").await, "[\"handler\"]");
    assert_eq!(noted.so_far(), ["common", "own", "common", "handler"]);
}

#[tokio::test]
async fn several_handlers_behind_a_middleware_that_waits_start_in_their_order_or_not_at_all() {
    let (io, noted) = (io(|io| io), Notes::new());
    let main = io.of("/");
    let passes = Arc::clone(&noted);
    main.event_middleware(move |Data(may): Data<bool>| {
        let passes = Arc::clone(&passes);
        async move {
            tokio::task::yield_now().await;
            passes.add("middleware");
            if may { Ok(()) } else { Err(Error::new("you may not")) }
        }
    });
    main.on_any(hears(&noted, "any"))
        .on("a", hears(&noted, "first"))
        .on("a", notes(&noted, "second"));
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("421[\"a\",true]").await;
    client.expect("431[\"second\"]").await;
    assert_eq!(noted.so_far(), ["middleware", "any", "first", "second"]);
    client.send("422[\"a\",false]").await;
    client.expect("432[{\"error\":{\"message\":\"you may not\"}}]").await;
    assert_eq!(noted.so_far(), ["middleware"]);
    assert_eq!(io.stats().handler_errors, 1);
}

#[tokio::test]
async fn several_handlers_of_an_event_that_is_handled_once_run_once_and_keep_one_answer() {
    let (io, noted) = (io(|io| io), Notes::new());
    let main = io.of("/");
    main.durable(Durability::Memory).once("pay", "/0");
    main.on("pay", hears(&noted, "first")).on("pay", notes(&noted, "second"));
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/", "").await;
    for _ in 0..2 {
        client.send("421[\"pay\",17]").await;
        client.expect("431[\"second\"]").await;
    }
    assert_eq!(noted.so_far(), ["first", "second"]);
}

#[tokio::test]
async fn several_handlers_of_coming_and_going_run_in_their_order() {
    let (io, noted) = (io(|io| io), Notes::new());
    let main = io.of("/");
    main.on_connect(hears(&noted, "connect 1")).on_connect(hears(&noted, "connect 2"));
    main.on_disconnecting(hears(&noted, "leaving 1")).on_disconnecting(hears(&noted, "leaving 2"));
    main.on_disconnect(hears(&noted, "left 1")).on_disconnect(hears(&noted, "left 2"));
    main.on("a", hears(&noted, "event"));
    let (mut client, _) = Client::join(serve(&io).await).await;
    answer(&mut client, "a").await;
    client.send("41").await;
    for word in ["connect 1", "connect 2", "event", "leaving 1", "leaving 2", "left 1", "left 2"] {
        assert_eq!(noted.next().await, word);
    }
}

#[tokio::test]
async fn the_first_on_connect_that_fails_is_the_last_that_runs() {
    let (io, noted) = (io(|io| io), Notes::new());
    let left = support::reasons(&io);
    io.of("/")
        .on_connect(async || -> Result<()> { Err(Error::new("no")) })
        .on_connect(hears(&noted, "not reached"));
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.expect("41").await;
    assert_eq!(left.next().await, "server namespace disconnect");
    assert_eq!(noted.so_far(), [""; 0]);
}

#[tokio::test]
async fn whoever_hears_every_event_of_a_parent_hears_it_in_each_child() {
    let (io, noted) = (io(|io| io), Notes::new());
    let parent = io.of_matching("/game-*");
    parent.on("a", async || "a").on_any(hears(&noted, "last")).prepend_any(hears(&noted, "first"));
    parent.on_connect(async |namespace: Namespace| {
        assert!(namespace.name().starts_with("/game-"));
    });
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/game-1", "").await;
    client.send("42/game-1,1[\"a\"]").await;
    client.expect("43/game-1,1[\"a\"]").await;
    assert_eq!(noted.so_far(), ["first", "last"]);
    parent.off("a").off_any();
    client.send("42/game-1,1[\"a\"]").await;
    assert!(client.text().await.contains("nobody handles"));
}

#[tokio::test]
async fn a_handler_that_captures_its_socket_is_given_back_when_the_socket_leaves() {
    let io = io(|io| io);
    let left = Notes::new();
    let notes = Arc::clone(&left);
    io.of("/").on_disconnect(move |Reason(reason): Reason| {
        notes.add(reason.as_str());
        async {}
    });
    let (client, socket) = with_socket(&io).await;
    let kept = Arc::new(());
    let holding = || {
        let (held, inside) = (Arc::clone(&kept), socket.clone());
        move || {
            let _both = (&held, &inside);
            async {}
        }
    };
    socket.on("a", holding()).on_any(holding()).prepend_any(holding()).once("b", holding());
    socket.event_middleware(holding()).off("a");
    client.hang_up();
    left.next().await;
    soon(async {
        while Arc::strong_count(&kept) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    socket.once("late", holding());
    assert_eq!(Arc::strong_count(&kept), 1, "nothing is registered any more");
}

#[tokio::test]
async fn once_hears_one_of_two_events_that_come_in_one_payload() {
    let io = io(|io| io);
    let noted = Notes::new();
    let of_all = Arc::clone(&noted);
    io.of("/").on("a", notes(&noted, "common"));
    io.of("/").on_connect(move |socket: Socket| {
        socket.once("a", notes(&of_all, "once"));
        async {}
    });
    let polling = support::Polling::open(serve(&io).await, "/socket.io/").await;
    polling.post("40\u{1e}42[\"a\"]\u{1e}42[\"a\"]\u{1e}42[\"a\"]").await;
    assert_eq!(
        [noted.next().await, noted.next().await, noted.next().await],
        ["once", "common", "common"]
    );
}
