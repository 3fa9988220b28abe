//! Durable namespaces, with the log in memory: nobody who was a member misses an event, whatever its connections do.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use log::store::simulated::Simulated;
use serde_json::{Value, json};
use sockeye::{Auth, Data, Durability, Io, Log, LogOptions, Result, Socket};
use support::durable::{Guest, durable};
use support::{Client, io, pass, serve, soon};

#[derive(serde::Deserialize)]
struct User {
    user: Option<String>,
}

async fn server() -> (Io, SocketAddr) {
    let io = io(|io| io);
    durable(&io);
    let address = serve(&io).await;
    (io, address)
}

fn socket(io: &Io, guest: &Guest) -> Socket {
    io.socket(&guest.id).expect("it is connected")
}

fn say(io: &Io, room: &str, what: i32) {
    io.to(room).emit("said", &what).unwrap();
}

fn said(numbers: impl IntoIterator<Item = i32>) -> Vec<Value> {
    numbers.into_iter().map(|number| json!(["said", number])).collect()
}

#[tokio::test]
async fn what_a_client_says_in_one_go_is_logged_as_one_batch() {
    let log = Log::with_store(Simulated::new(1), LogOptions::default()).unwrap();
    let io = io(|io| io.log(log.clone()));
    let main = io.of("/");
    main.durable(Durability::Async);
    main.on("say", async |io: Io, Data(what): Data<i32>| -> Result<()> {
        io.emit("said", &what)?;
        Ok(())
    });
    let mut guest = Guest::join(serve(&io).await).await;
    let before = log.stats().batches;
    let words: Vec<_> = (0..8).map(|number| format!("42[\"say\",{number}]")).collect();
    guest.client.send_all(&words).await;
    for _ in 0..8 {
        guest.next().await;
    }
    assert_eq!(guest.heard, said(0..8));
    assert_eq!(log.stats().batches, before + 1);
}

#[tokio::test]
async fn every_event_ends_in_the_same_token_for_all() {
    let (io, address) = server().await;
    let (mut a, mut b) = (Guest::join(address).await, Guest::join(address).await);
    io.emit("news", &1).unwrap();
    let (first, second) = (a.next().await, b.next().await);
    assert_eq!(first, second);
    assert_eq!(first, format!("42[\"news\",1,\"{}\"]", a.offset.unwrap()));
}

#[tokio::test]
async fn what_was_said_while_a_client_was_away_comes_behind_the_answer_to_its_connect() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    socket(&io, &guest).join("room").unwrap();
    say(&io, "room", 1);
    assert_eq!(guest.hear().await, said([1]));
    let id = guest.id.clone();
    guest.lose_connection(&io).await;
    say(&io, "room", 2);
    say(&io, "elsewhere", 0);
    say(&io, "room", 3);
    assert!(guest.come_back().await);
    assert_eq!(guest.id, id);
    assert!(guest.heard.is_empty(), "the official client would keep it, and have it twice");
    assert_eq!(guest.hear().await, said([2, 3]));
    say(&io, "room", 4);
    assert_eq!(guest.hear().await, said([4]));
}

#[tokio::test]
async fn a_client_whose_dead_connection_was_not_noticed_takes_its_session_over() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    let old = socket(&io, &guest);
    old.join("room").unwrap();
    say(&io, "room", 1);
    assert_eq!(guest.hear().await, said([1]));
    say(&io, "room", 2); // on its way to nobody
    let dead = std::mem::replace(&mut guest.client, Client::open(address).await);
    assert!(guest.come_back().await);
    assert_eq!(guest.hear().await, said([2]));
    assert!(!old.is_connected());
    let _ = old.join("late").unwrap_err(); // whoever is fenced off changes nothing
    dead.hang_up();
    say(&io, "room", 3);
    assert_eq!(guest.hear().await, said([3]));
    assert_eq!(socket(&io, &guest).rooms(), ["room"]);
}

#[tokio::test]
async fn one_that_leaves_as_soon_as_it_is_back_hears_nothing_more_of_the_room() {
    let (io, address) = server().await;
    io.of("/").on_connect(async |socket: Socket| {
        socket.leave("room").unwrap();
        socket.namespace().to("room").emit("said", &1).unwrap();
    });
    let mut guest = Guest::join(address).await;
    socket(&io, &guest).join("room").unwrap();
    let _unnoticed = std::mem::replace(&mut guest.client, Client::open(address).await);
    assert!(guest.come_back().await && guest.hear().await.is_empty());
}

#[tokio::test]
async fn what_was_said_before_it_joined_or_after_it_left_is_not_replayed() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    say(&io, "room", 1);
    let member = socket(&io, &guest);
    member.join("room").unwrap();
    say(&io, "room", 2);
    member.leave("room").unwrap();
    say(&io, "room", 3);
    member.join("room").unwrap();
    say(&io, "room", 4);
    guest.offset = None; // nothing has reached its page
    assert!(guest.come_back().await);
    assert_eq!(guest.hear().await, said([2, 4]));
}

#[tokio::test]
async fn one_that_is_taken_out_of_a_room_while_it_is_away_hears_what_came_before() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    socket(&io, &guest).join("room").unwrap();
    guest.lose_connection(&io).await;
    say(&io, "room", 1);
    io.in_(&*guest.id).sockets_leave("room");
    say(&io, "room", 2);
    assert!(guest.come_back().await);
    assert_eq!(guest.hear().await, said([1]));
    assert!(socket(&io, &guest).rooms().is_empty());
}

#[tokio::test]
async fn a_volatile_event_does_not_move_the_position() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    say(&io, &guest.id.clone(), 1);
    io.to(&*guest.id).volatile().emit("tick", "a string").unwrap();
    assert_eq!(guest.hear().await, [json!(["said", 1]), json!(["tick", "a string", null])]);
    say(&io, &guest.id.clone(), 2);
    assert!(guest.come_back().await);
    assert_eq!(guest.hear().await, said([2]));
}

#[tokio::test]
async fn who_has_an_event_of_earlier_can_be_asked_by_its_key() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    let order = io.to(&*guest.id).key("order 17");
    assert!(order.emitted().is_none());
    let token = order.emit("paid", &17).unwrap().stored().await.unwrap();
    let emitted = order.emitted().expect("it was sent");
    assert!(emitted.is_repeated());
    assert_eq!(emitted.clone().stored().await.unwrap(), token);
    let delivered = tokio::spawn(emitted.delivered());
    assert_eq!(guest.hear().await, [json!(["paid", 17])]);
    while !delivered.is_finished() {
        // Pings are answered meanwhile.
        guest.hear().await;
    }
    let delivered = delivered.await.unwrap().unwrap();
    assert_eq!((delivered.to, delivered.of), (1, 1));
    assert!(io.to(&*guest.id).emitted().is_none(), "it has no key");
}

#[tokio::test]
async fn a_key_that_was_used_sends_nothing_and_gives_the_first_token() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    let once = io.to(&*guest.id).key("order 17");
    let first = once.emit("paid", &17).unwrap().stored().await.unwrap();
    let again = once.emit("paid", &17).unwrap().stored().await.unwrap();
    assert_eq!(first, again);
    assert_eq!(guest.hear().await, [json!(["paid", 17])]);
    assert_eq!(first.unwrap().as_str(), guest.offset.unwrap());
}

#[tokio::test]
async fn a_client_that_is_unknown_is_somebody_new_and_is_told_so() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    say(&io, &guest.id.clone(), 1);
    guest.hear().await;
    let (pid, offset) = (guest.pid.clone(), guest.offset.clone().unwrap());
    let forged = [
        (format!("{{\"pid\":\"{}\",\"offset\":\"{offset}\"}}", "A".repeat(22)), "unknown-session"),
        (format!("{{\"pid\":\"{pid}\",\"offset\":\"{}\"}}", "A".repeat(22)), "unknown-position"),
        (format!("{{\"pid\":\"{pid}\",\"offset\":\"x\"}}"), "unknown-position"),
        ("{\"pid\":\"\"}".to_owned(), "unknown-session"),
    ];
    for (auth, reason) in forged {
        assert!(!guest.come_as(&auth).await);
        assert_eq!(guest.hear().await, [json!(["sockeye:gap", {"reason": reason}])], "{auth}");
    }
}

#[tokio::test]
async fn a_token_of_another_namespace_is_none_here() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    io.of("/other").durable(Durability::Memory);
    let other = io.of("/other").emit("x", &()).unwrap().stored().await.unwrap().unwrap();
    let auth = format!("{{\"pid\":\"{}\",\"offset\":\"{}\"}}", guest.pid, other.as_str());
    assert!(!guest.come_as(&auth).await);
}

#[tokio::test]
async fn an_answer_that_comes_on_the_next_connection_finds_who_asked() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    let question = socket(&io, &guest).emit_with_ack::<String>("ready?", &());
    let asked = guest.next().await;
    let id: String = asked[2..].chars().take_while(char::is_ascii_digit).collect();
    guest.next().await; // the tick behind it
    guest.lose_connection(&io).await;
    // As the official client does: the answer first.
    guest.client.send(&format!("43{id}[\"yes\"]")).await;
    let offset = guest.offset.clone().unwrap();
    guest.client.send(&format!("40{{\"pid\":\"{}\",\"offset\":\"{offset}\"}}", guest.pid)).await;
    assert_eq!(soon(question).await.unwrap(), "yes");
}

#[tokio::test]
async fn a_question_that_a_client_has_missed_is_asked_again() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    guest.lose_connection(&io).await;
    let io_asks = io.clone();
    let id = guest.id.clone();
    let question = tokio::spawn(async move {
        io_asks.to(id).emit_with_ack::<u32>("how many?", &()).await.into_values()
    });
    tokio::task::yield_now().await;
    assert!(guest.come_back().await);
    let heard = guest.hear().await;
    assert_eq!((heard.len(), &heard[0]), (2, &json!(["how many?"])));
    let number = 0; // the first question of the namespace
    guest.client.send(&format!("43{number}[3]")).await;
    assert_eq!(soon(question).await.unwrap(), [3]);
}

#[tokio::test]
async fn one_that_stays_away_for_too_long_is_gone_once() {
    let io = io(|io| io.away_timeout(Duration::from_mins(1)));
    durable(&io);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    io.of("/").on_gone(move |gone| {
        let _ = tell.send((gone.id().to_owned(), gone.rooms().to_vec()));
        async {}
    });
    let address = serve(&io).await;
    let mut guest = Guest::join(address).await;
    socket(&io, &guest).join("room").unwrap();
    guest.lose_connection(&io).await;
    pass(Duration::from_secs(59)).await;
    assert!(told.try_recv().is_err());
    pass(Duration::from_secs(2)).await;
    assert_eq!(soon(told.recv()).await.unwrap(), (guest.id.clone(), vec!["room".to_owned()]));
    assert!(!guest.come_back().await);
}

#[tokio::test]
async fn one_that_leaves_by_itself_is_gone_at_once() {
    let (io, address) = server().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    io.of("/").on_gone(move |gone| {
        let _ = tell.send(gone.id().to_owned());
        async {}
    });
    let mut guest = Guest::join(address).await;
    guest.client.send("41").await;
    assert_eq!(soon(told.recv()).await.unwrap(), guest.id);
}

#[tokio::test]
async fn another_principal_gets_nothing_of_what_was_for_the_first() {
    let io = io(|io| io);
    durable(&io);
    io.of("/").middleware(async |socket: Socket, Auth(user): Auth<Option<User>>| {
        socket.set_principal(user.and_then(|user| user.user).unwrap_or_default());
    });
    let address = serve(&io).await;
    let mut guest = Guest::join(address).await;
    let id = guest.id.clone();
    say(&io, &id, 1);
    let thief = format!("{{\"pid\":\"{}\",\"user\":\"mallory\"}}", guest.pid);
    let mut mallory = Guest::join(address).await;
    assert!(!mallory.come_as(&thief).await);
    assert_ne!(mallory.id, id);
    assert_eq!(mallory.hear().await, [json!(["sockeye:gap", {"reason": "other-principal"}])]);
    assert!(guest.come_back().await, "it is still there for its owner");
    assert_eq!(guest.hear().await, said([1]));
}

#[tokio::test]
async fn a_room_that_may_not_be_heard_any_more_is_left_out_and_named() {
    let (io, address) = server().await;
    io.of("/").on_rejoin(async |_socket: Socket, room: String| room != "secret");
    let mut guest = Guest::join(address).await;
    socket(&io, &guest).join(["open", "secret"]).unwrap();
    guest.lose_connection(&io).await;
    say(&io, "secret", 1);
    say(&io, "open", 2);
    assert!(guest.come_back().await);
    let gap = json!(["sockeye:gap", {"rooms": ["secret"]}]);
    assert_eq!(guest.hear().await, [&said([2])[..], &[gap]].concat());
    assert_eq!(socket(&io, &guest).rooms(), ["open"]);
}

#[tokio::test]
async fn a_receipt_counts_those_who_have_it_and_those_who_are_away() {
    let (io, address) = server().await;
    let (mut here, mut away) = (Guest::join(address).await, Guest::join(address).await);
    io.sockets_join("room");
    away.lose_connection(&io).await;
    let emitted = io.to("room").emit("said", &1).unwrap();
    let receipt = tokio::spawn(emitted.delivered_within(Duration::from_secs(2)));
    let listens = tokio::spawn(async move { here.client.rest().await });
    let delivered = soon(receipt).await.unwrap().unwrap();
    assert_eq!((delivered.to, delivered.of), (1, 2));
    listens.abort();
}

#[tokio::test]
async fn a_receipt_is_complete_when_everybody_has_answered_two_pings() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    let emitted = io.to(&*guest.id).emit("said", &1).unwrap();
    let receipt = tokio::spawn(emitted.delivered());
    let listens = tokio::spawn(async move { guest.client.rest().await });
    let delivered = soon(receipt).await.unwrap().unwrap();
    assert_eq!((delivered.to, delivered.of), (1, 1));
    listens.abort();
}

#[tokio::test]
async fn a_receipt_is_complete_as_soon_as_whoever_was_away_is_back() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    io.sockets_join("room");
    guest.lose_connection(&io).await;
    let emitted = io.to("room").emit("said", &1).unwrap();
    let receipt = tokio::spawn(emitted.delivered());
    assert!(guest.come_back().await);
    let listens = tokio::spawn(async move { guest.client.rest().await });
    let delivered = soon(receipt).await.unwrap().unwrap();
    assert_eq!((delivered.to, delivered.of), (1, 1));
    listens.abort();
}

#[tokio::test]
async fn the_past_of_a_room_comes_in_pages() {
    let (io, address) = server().await;
    let _guest = Guest::join(address).await;
    (1..=5).for_each(|number| say(&io, "room", number));
    let page = async |before: Option<&sockeye::Token>| {
        let history = io.of("/").history("room").limit(2);
        let history = before.into_iter().fold(history, sockeye::History::before);
        history.load().await.unwrap()
    };
    let numbers = |page: &[sockeye::PastEvent]| -> Vec<i32> {
        page.iter().map(|event| event.args.parse().unwrap()).collect()
    };
    let newest = page(None).await;
    assert_eq!(numbers(&newest), [4, 5]);
    let older = page(Some(&newest[0].token)).await;
    assert_eq!(numbers(&older), [2, 3]);
    assert_eq!(older[0].name, "said");
}

#[tokio::test]
async fn what_is_said_while_the_state_is_read_comes_after_it() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    let member = socket(&io, &guest);
    say(&io, "room", 1);
    let held = member.hold();
    let joined = member.join("room").unwrap();
    say(&io, "room", 2);
    let past = io.of("/").history("room").before(&joined.token().unwrap()).load().await.unwrap();
    member.volatile().emit("state", &past.len()).unwrap();
    assert_eq!(guest.hear().await, [json!(["state", 1, null])]);
    drop(held);
    assert_eq!(guest.hear().await, said([2]));
    say(&io, "room", 3);
    assert_eq!(guest.hear().await, said([3]));
}

#[tokio::test]
async fn a_client_that_reads_slowly_misses_nothing_and_is_not_disconnected() {
    let io = io(|io| io.outbox_bytes(200_000));
    durable(&io);
    let address = serve(&io).await;
    let mut guest = Guest::join(address).await;
    let member = socket(&io, &guest);
    let text = "x".repeat(10_000);
    for number in 0..2000 {
        io.to(member.id()).emit("said", &(number, &text)).unwrap();
        if number % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for number in 0..2000 {
        let packet = guest.next().await;
        assert!(packet.starts_with(&format!("42[\"said\",{number},")), "{packet:.40}");
    }
    assert!(member.is_connected());
    say(&io, member.id(), 1);
    assert_eq!(guest.hear().await.last(), Some(&json!(["said", 1])));
}

#[tokio::test]
async fn an_event_with_attachments_is_recovered() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    guest.lose_connection(&io).await;
    io.to(&*guest.id).emit("file", &bytes::Bytes::from_static(b"\x01\x02")).unwrap();
    assert!(guest.come_back().await);
    let event = guest.next().await;
    let start = "451-[\"file\",{\"_placeholder\":true,\"num\":0},\"";
    assert!(event.starts_with(start), "{event}");
    assert_eq!(guest.client.binary().await, [1, 2]);
}

#[tokio::test]
async fn large_events_for_a_client_that_does_not_read_wait_in_the_log() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    let member = socket(&io, &guest);
    let text = "x".repeat(64 * 1024);
    for number in 0..800 {
        io.to(member.id()).emit("said", &(number, &text)).unwrap();
        tokio::task::yield_now().await;
    }
    assert!(member.is_connected());
    for number in 0..800 {
        let packet = guest.next().await;
        assert!(packet.starts_with(&format!("42[\"said\",{number},")), "{packet:.40}");
    }
}

#[tokio::test]
async fn when_too_many_are_away_the_one_that_is_away_for_longest_is_gone() {
    let io = io(|io| io.away_limit(2));
    durable(&io);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    io.of("/").on_gone(move |gone| {
        let _ = tell.send(gone.id().to_owned());
        async {}
    });
    let address = serve(&io).await;
    let mut guests = Vec::new();
    for _ in 0..3 {
        let mut guest = Guest::join(address).await;
        guest.lose_connection(&io).await;
        guests.push(guest);
    }
    assert_eq!(soon(told.recv()).await.unwrap(), guests[0].id);
    assert!(guests[1].come_back().await);
    assert!(guests[2].come_back().await);
    assert!(!guests[0].come_back().await);
}
