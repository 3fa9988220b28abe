//! Durable children of a parent: a namespace that was made for a client waits for it while it is away, also over a restart.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use log::store::simulated::Simulated;
use serde_json::{Value, json};
use sockeye::{
    Auth, Builder, Data, Durability, Error, Io, Log, LogOptions, Namespace, ParentNamespace, Socket,
};
use support::durable::Guest;
use support::{Notes, io, pass, serve, soon};

#[derive(serde::Deserialize)]
struct User {
    user: Option<String>,
}

fn games(io: &Io, class: Durability) -> ParentNamespace {
    let games = io.of_matching("/game-*");
    games.durable(class);
    games.on("sync", async || {});
    games
}

async fn server(options: impl FnOnce(Builder) -> Builder) -> (ParentNamespace, Io, SocketAddr) {
    let io = io(options);
    let games = games(&io, Durability::Memory);
    let address = serve(&io).await;
    (games, io, address)
}

/// Who has gone, by the game and the id.
fn gone(games: &ParentNamespace) -> Arc<Notes<(String, String)>> {
    let notes = Notes::new();
    let gone = Arc::clone(&notes);
    games.on_gone(move |who| {
        gone.add((who.namespace().name().to_owned(), who.id().to_owned()));
        async {}
    });
    notes
}

async fn enter(address: SocketAddr, number: usize) -> Guest {
    Guest::open_in(address, &format!("/game-{number}"), "").await
}

fn said(numbers: impl IntoIterator<Item = i32>) -> Vec<Value> {
    numbers.into_iter().map(|number| json!(["said", number])).collect()
}

/// Waits until there are so many games.
async fn has(games: &ParentNamespace, count: usize) {
    soon(async {
        while games.namespaces().len() != count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_was_cut_off_from_a_child_gets_what_was_said_there_meanwhile() {
    let (games, io, address) = server(|io| io).await;
    let mut guest = enter(address, 1).await;
    let game = io.of("/game-1");
    game.socket(&guest.id).unwrap().join("room").unwrap();
    guest.lose_connection(&io).await;
    assert_eq!(games.namespaces().len(), 1, "it waits");
    game.to("room").emit("said", &1).unwrap();
    game.emit("said", &2).unwrap();
    assert!(guest.come_back().await);
    assert_eq!(guest.hear().await, said([1, 2]));
    assert_eq!(game.socket(&guest.id).unwrap().rooms(), ["room"]);
}

#[tokio::test]
async fn what_the_parent_says_is_not_missed_in_any_child() {
    let (games, io, address) = server(|io| io).await;
    let (mut one, mut two) = (enter(address, 1).await, enter(address, 2).await);
    one.lose_connection(&io).await;
    assert_eq!(games.emit("said", &1).unwrap().recipients(), 1);
    assert_eq!(two.hear().await, said([1]));
    two.lose_connection(&io).await;
    games.emit("said", &2).unwrap();
    games.volatile().emit("said", &0).unwrap();
    assert!(one.come_back().await && two.come_back().await);
    assert_eq!(one.hear().await, said([1, 2]));
    assert_eq!(two.hear().await, said([2]));
}

#[tokio::test]
async fn a_child_ends_when_its_last_client_that_was_cut_off_is_given_up() {
    let (games, io, address) = server(|io| io.away_timeout(Duration::from_mins(1))).await;
    let gone = gone(&games);
    let (mut one, mut two) = (enter(address, 1).await, enter(address, 1).await);
    one.lose_connection(&io).await;
    two.client.send("41/game-1,").await;
    let left = ("/game-1".to_owned(), two.id.clone());
    assert_eq!(gone.next().await, left);
    pass(Duration::from_secs(59)).await;
    assert_eq!(games.namespaces().len(), 1);
    pass(Duration::from_secs(2)).await;
    assert_eq!(gone.next().await, ("/game-1".to_owned(), one.id.clone()));
    has(&games, 0).await;
    assert!(!one.come_back().await);
    assert_eq!(games.namespaces().len(), 1, "it is somebody new");
}

#[tokio::test]
async fn a_child_ends_with_its_last_client_if_that_leaves_by_itself() {
    let (games, _io, address) = server(|io| io).await;
    let mut guest = enter(address, 1).await;
    guest.client.send("41/game-1,").await;
    has(&games, 0).await;
}

#[tokio::test]
async fn clients_that_are_cut_off_are_counted_over_all_children() {
    let (games, io, address) = server(|io| io.away_limit(2)).await;
    let gone = gone(&games);
    let mut guests = Vec::new();
    for number in 0..3 {
        let mut guest = enter(address, number).await;
        guest.lose_connection(&io).await;
        guests.push(guest);
    }
    assert_eq!(gone.next().await.1, guests[0].id);
    has(&games, 2).await;
    assert_eq!((io.stats().durable.sessions, io.stats().durable.away), (2, 2));
    assert!(guests[1].come_back().await && guests[2].come_back().await);
    assert_eq!((io.stats().durable.sessions, io.stats().durable.away), (2, 0));
}

#[tokio::test]
async fn a_client_that_is_refused_leaves_nothing_in_the_log() {
    let log = Log::with_store(Simulated::new(1), LogOptions::default()).unwrap();
    let io = io(|io| io.log(log.clone()));
    let games = games(&io, Durability::Async);
    games.middleware(async || Err::<(), _>(Error::new("closed")));
    let mut client = support::Client::open(serve(&io).await).await;
    for number in 0..200 {
        client.send(&format!("40/game-{number},")).await;
        client.expect(&format!("44/game-{number},{{\"message\":\"closed\"}}")).await;
    }
    has(&games, 0).await;
    log.close();
    assert_eq!((log.stats().batches, log.stats().bytes), (0, 0));
}

#[tokio::test]
async fn a_client_that_claims_what_is_another_s_does_not_end_the_child_it_is_in() {
    let (games, _io, address) = server(|io| io).await;
    games.middleware(async |socket: Socket, Auth(user): Auth<Option<User>>| {
        socket.set_principal(user.and_then(|user| user.user).unwrap_or_default());
        Ok::<_, Error>(())
    });
    let alice = Guest::open_in(address, "/game-1", r#"{"user":"alice"}"#).await;
    let claim = format!(r#"{{"user":"mallory","pid":"{}"}}"#, alice.pid);
    let mut mallory = Guest::open_in(address, "/game-1", &claim).await;
    assert_eq!(mallory.hear().await, [json!(["sockeye:gap", {"reason": "other-principal"}])]);
    mallory.client.send("41/game-1,").await;
    mallory.client.connect("/game-2", "").await;
    assert_eq!(games.namespaces().len(), 2, "Alice is still there");
    assert_eq!(games.emit("said", &1).unwrap().recipients(), 2);
}

#[tokio::test]
async fn a_client_that_comes_while_the_last_one_is_given_up_is_in_a_child_that_is_there() {
    // Whoever is cut off is given up at once.
    let (games, _io, address) = server(|io| io.away_limit(0)).await;
    for round in 0..100 {
        enter(address, 1).await.client.hang_up();
        let mut guest = enter(address, 1).await;
        let mut other = enter(address, 1).await;
        assert_eq!(games.namespaces().len(), 1);
        games.emit("said", &round).unwrap();
        assert_eq!((guest.hear().await, other.hear().await), (said([round]), said([round])));
        other.client.send("41/game-1,").await;
        guest.client.hang_up();
    }
    has(&games, 0).await;
}

#[tokio::test]
async fn clients_that_come_and_go_on_several_workers_are_never_in_a_child_that_has_ended() {
    let io = io(|io| io.workers(3).away_limit(0));
    let games = games(&io, Durability::Memory);
    let all = games.clone();
    games.on("say", move |Data(who): Data<usize>| {
        // Reaches those whom the table of namespaces knows.
        let sent = all.emit("said", &who);
        async move { sent.map(drop) }
    });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = io.clone();
    let running = std::thread::spawn(move || server.run_listener(listener));
    let visits = (0..4).map(|who| async move {
        for _ in 0..30 {
            let mut guest = enter(address, 1).await;
            guest.client.send(&format!("42/game-1,[\"say\",{who}]")).await;
            while !guest.heard.contains(&json!(["said", who])) {
                guest.next().await;
            }
            guest.client.hang_up();
        }
    });
    futures_util::future::join_all(visits).await;
    has(&games, 0).await;
    io.close(Duration::from_secs(5)).await;
    running.join().unwrap().unwrap();
}

#[tokio::test]
async fn whoever_still_holds_a_child_that_has_ended_reaches_nobody_in_the_next_one() {
    let (games, io, address) = server(|io| io).await;
    let mut guest = enter(address, 1).await;
    let old = io.of("/game-1");
    guest.client.send("41/game-1,").await;
    has(&games, 0).await;
    let mut guest = enter(address, 1).await;
    let emitted = old.emit("said", &1).unwrap();
    assert_eq!((emitted.recipients(), emitted.stored().await.unwrap()), (0, None));
    io.of("/game-1").emit("said", &2).unwrap();
    assert!(guest.come_back().await);
    assert_eq!(guest.hear().await, said([2]));
}

#[tokio::test]
async fn what_was_said_in_a_child_is_its_history_when_it_comes_again() {
    let (games, io, address) = server(|io| io).await;
    let mut guest = enter(address, 1).await;
    io.of("/game-1").to("room").emit("said", &1).unwrap();
    guest.client.send("41/game-1,").await;
    has(&games, 0).await;
    let _again = enter(address, 1).await;
    let past = io.of("/game-1").history("room").load().await.unwrap();
    assert_eq!(past.len(), 1);
    assert!(io.of("/game-2").history("room").load().await.unwrap().is_empty());
}

/// A server on this disk, as another run of the program.
fn run(disk: &Simulated) -> (ParentNamespace, Io, Log) {
    let log = Log::with_store(disk.clone(), LogOptions::default()).unwrap();
    let io = io(|io| io.log(log.clone()).away_timeout(Duration::from_mins(1)));
    (games(&io, Durability::Fsync), io, log)
}

#[tokio::test]
async fn a_client_of_a_child_comes_back_to_it_after_a_restart_and_has_missed_nothing() {
    let disk = Simulated::new(1);
    let (_, before, _) = run(&disk);
    let address = serve(&before).await;
    let (mut one, mut two) = (enter(address, 1).await, enter(address, 2).await);
    let game = before.of("/game-1");
    game.socket(&one.id).unwrap().join("room").unwrap().stored().await.unwrap();
    game.to("room").emit("said", &1).unwrap().stored().await.unwrap();
    before.of("/game-2").emit("said", &2).unwrap().stored().await.unwrap();
    disk.kill();

    let (games, after, _) = run(&disk);
    let address = serve(&after).await;
    has(&games, 2).await;
    after.of("/game-1").to("room").emit("said", &3).unwrap().stored().await.unwrap();
    (one.address, two.address) = (address, address);
    assert!(one.come_back().await && two.come_back().await);
    // What is read from the log comes at its own pace.
    for (guest, missed) in [(&mut one, vec![1, 3]), (&mut two, vec![2])] {
        while guest.heard.len() < missed.len() {
            guest.next().await;
        }
        assert_eq!(guest.heard, said(missed));
    }
    assert_eq!(after.of("/game-1").history("room").load().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_client_that_does_not_come_back_after_a_restart_is_gone_and_its_child_ends() {
    let disk = Simulated::new(1);
    let (_, before, _) = run(&disk);
    let guest = enter(serve(&before).await, 1).await;
    disk.kill();
    let (games, after, log) = run(&disk);
    let gone = gone(&games);
    serve(&after).await;
    has(&games, 1).await;
    pass(Duration::from_secs(61)).await;
    assert_eq!(gone.next().await, ("/game-1".to_owned(), guest.id.clone()));
    has(&games, 0).await;
    log.stored(log.head(), Durability::Async).await.unwrap();
    disk.kill();
    let (games, again, _) = run(&disk);
    let mut late = Guest { address: serve(&again).await, ..guest };
    assert!(!late.come_back().await, "the log has heard of its end");
    assert_eq!(games.namespaces().len(), 1);
}

#[tokio::test]
async fn what_an_earlier_run_has_left_in_a_name_that_matches_no_more_is_nobody_s() {
    let disk = Simulated::new(1);
    let (_, before, _) = run(&disk);
    let guest = enter(serve(&before).await, 1).await;
    disk.kill();
    let log = Log::with_store(disk.clone(), LogOptions::default()).unwrap();
    let after = io(|io| io.log(log));
    let rooms = after.of_matching("/room-*");
    rooms.durable(Durability::Fsync);
    let mut late = Guest { address: serve(&after).await, ..guest };
    let mut client = support::Client::open(late.address).await;
    client.send("40/game-1,").await;
    client.expect("44/game-1,{\"message\":\"Invalid namespace\"}").await;
    late.place = "/room-1,".to_owned();
    assert!(!late.come_back().await);
    assert_eq!(rooms.namespaces().len(), 1);
}

#[tokio::test]
async fn an_event_of_a_child_that_is_sent_again_is_handled_once() {
    let (games, _io, address) = server(|io| io).await;
    let handled = Notes::new();
    let notes = Arc::clone(&handled);
    games.once("order", "/0").on("order", move |game: Namespace| {
        let notes = Arc::clone(&notes);
        async move {
            notes.add(game.name().to_owned());
            "taken"
        }
    });
    let (mut one, mut two) = (enter(address, 1).await, enter(address, 2).await);
    for guest in [&mut one, &mut two] {
        for _ in 0..2 {
            let place = guest.place.clone();
            guest.client.send(&format!("42{place}7[\"order\",\"a\"]")).await;
            guest.client.expect(&format!("43{place}7[\"taken\"]")).await;
        }
    }
    assert_eq!(handled.so_far(), ["/game-1", "/game-2"]);
}
