//! Dynamic namespaces: made for the client that asks for one, gone with the last that leaves.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use sockeye::{
    Data, Error, Event, Io, MountError, Namespace, ParentNamespace, Result, Socket, State,
};
use support::{Client, io, serve};
use tokio::sync::Semaphore;

fn games(io: &Io) -> ParentNamespace {
    let games = io.of_matching("/game-*");
    games
        .on_connect(async |game: Namespace, socket: Socket| -> Result<()> {
            socket.join("players")?;
            socket.emit("game", game.name())?;
            Ok(())
        })
        .on("say", async |game: Namespace, Data(text): Data<String>| -> Result<()> {
            game.emit("said", &text)?;
            Ok(())
        });
    games
}

/// Connects, and hears which game that is.
async fn enter(client: &mut Client, name: &str) {
    client.connect(name, "").await;
    assert_eq!(client.text().await, format!("42{name},[\"game\",\"{name}\"]"));
}

/// Waits until there are so many games.
async fn has(games: &ParentNamespace, count: usize) {
    support::soon(async {
        while games.namespaces().len() != count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_name_that_matches_is_a_namespace_of_its_own_with_the_handlers_of_its_parent() {
    let io = io(|io| io);
    let games = games(&io);
    let address = serve(&io).await;
    let (mut one, mut two) = (Client::open(address).await, Client::open(address).await);
    enter(&mut one, "/game-1").await;
    enter(&mut two, "/game-2").await;
    one.send("42/game-1,[\"say\",\"hello\"]").await;
    assert_eq!(one.text().await, "42/game-1,[\"said\",\"hello\"]");
    two.send("42/game-2,[\"say\",\"here\"]").await;
    assert_eq!(two.text().await, "42/game-2,[\"said\",\"here\"]", "and not what the others say");
    let mut names: Vec<_> = games.namespaces().iter().map(|one| one.name().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["/game-1", "/game-2"]);
}

#[tokio::test]
async fn events_of_children_pass_the_middleware_of_their_parent() {
    let io = io(|io| io);
    let games = games(&io);
    games.event_middleware(async |Event(name): Event| match &*name {
        "say" => Err(Error::new("hush")),
        _ => Ok(()),
    });
    let mut client = Client::open(serve(&io).await).await;
    enter(&mut client, "/game-1").await;
    client.send("42/game-1,7[\"say\",\"hello\"]").await;
    assert_eq!(client.text().await, "43/game-1,7[{\"error\":{\"message\":\"hush\"}}]");
}

#[tokio::test]
async fn a_name_that_does_not_match_is_no_namespace() {
    let io = io(|io| io);
    let games = games(&io);
    let mut client = Client::open(serve(&io).await).await;
    client.send("40/game,").await;
    assert_eq!(client.text().await, "44/game,{\"message\":\"Invalid namespace\"}");
    assert!(games.namespaces().is_empty());
}

#[tokio::test]
async fn a_function_may_say_which_names_match_and_one_that_panics_says_no() {
    let io = io(|io| io);
    io.of_matching(|_: &str| panic!("on purpose"));
    io.of_matching(|name: &str| name.trim_start_matches("/user/").parse::<u32>().is_ok());
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/user/7", "").await;
    client.send("40/user/seven,").await;
    assert_eq!(client.text().await, "44/user/seven,{\"message\":\"Invalid namespace\"}");
}

#[tokio::test]
async fn a_namespace_ends_with_its_last_socket_and_may_come_again() {
    let io = io(|io| io);
    let games = games(&io);
    let address = serve(&io).await;
    let (mut one, mut two) = (Client::open(address).await, Client::open(address).await);
    enter(&mut one, "/game-1").await;
    enter(&mut two, "/game-1").await;
    one.send("41/game-1,").await;
    one.connect("/game-2", "").await;
    assert_eq!(games.namespaces().len(), 2, "somebody is still there");
    two.hang_up();
    has(&games, 1).await;
    let mut three = Client::open(address).await;
    enter(&mut three, "/game-1").await;
    has(&games, 2).await;
}

#[tokio::test]
async fn a_client_that_is_refused_leaves_nothing_behind() {
    let io = io(|io| io);
    let games = games(&io);
    games.middleware(async |socket: Socket| match socket.namespace().name() {
        "/game-open" => Ok(()),
        _ => Err(Error::new("closed")),
    });
    let mut client = Client::open(serve(&io).await).await;
    for number in 0..200 {
        client.send(&format!("40/game-{number},")).await;
        assert_eq!(client.text().await, format!("44/game-{number},{{\"message\":\"closed\"}}"));
    }
    enter(&mut client, "/game-open").await;
    has(&games, 1).await;
}

#[tokio::test]
async fn a_client_that_is_refused_ends_no_namespace_in_which_others_are() {
    let io = io(|io| io);
    let games = games(&io);
    games.middleware(async |socket: Socket| match socket.namespace().count().await {
        Ok(0) => Ok(()),
        _ => Err(Error::new("full")),
    });
    let address = serve(&io).await;
    let (mut one, mut two) = (Client::open(address).await, Client::open(address).await);
    enter(&mut one, "/game-1").await;
    two.send("40/game-1,").await;
    assert_eq!(two.text().await, "44/game-1,{\"message\":\"full\"}");
    assert_eq!(games.namespaces().len(), 1);
    one.send("42/game-1,[\"say\",\"alone\"]").await;
    assert_eq!(one.text().await, "42/game-1,[\"said\",\"alone\"]");
}

#[tokio::test]
async fn clients_that_ask_for_a_new_namespace_at_the_same_time_share_it() {
    let io = io(|io| io);
    let games = games(&io);
    let (made, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let count = Arc::clone(&made);
    io.on_new_namespace(move |_| _ = count.fetch_add(1, Ordering::Relaxed));
    let g = Arc::clone(&gate);
    games.middleware(move || {
        let gate = Arc::clone(&g);
        async move { gate.acquire().await.unwrap().forget() }
    });
    let address = serve(&io).await;
    let (mut one, mut two) = (Client::open(address).await, Client::open(address).await);
    one.send("40/game-1,").await;
    two.send("40/game-1,").await;
    gate.add_permits(2);
    for client in [&mut one, &mut two] {
        assert!(client.text().await.starts_with("40/game-1,{\"sid\":"));
        client.text().await;
    }
    assert_eq!(io.of("/game-1").emit("message", &()).unwrap().recipients(), 2);
    for client in [&mut one, &mut two] {
        client.expect("42/game-1,[\"message\"]").await;
    }
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_one_client_may_make_is_bounded_and_goes_with_it() {
    let io = io(|io| io.max_namespaces(10));
    let games = games(&io);
    let mut client = Client::open(serve(&io).await).await;
    for number in 0..10 {
        enter(&mut client, &format!("/game-{number}")).await;
    }
    client.send("40/game-10,").await;
    has(&games, 0).await;
    drop(client);
}

#[tokio::test]
async fn an_empty_namespace_stays_where_that_is_wanted() {
    let io = io(|io| io);
    let games = games(&io);
    games.keep_empty(true);
    let address = serve(&io).await;
    let mut client = Client::open(address).await;
    enter(&mut client, "/game-1").await;
    let game = games.namespaces().remove(0);
    client.hang_up();
    while game.count().await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    let mut again = Client::open(address).await;
    enter(&mut again, "/game-1").await;
    assert_eq!(game.count().await.unwrap(), 1, "it is the same namespace");
}

#[tokio::test]
async fn a_namespace_that_is_there_comes_first_and_then_the_matchers_in_their_order() {
    let io = io(|io| io);
    io.of("/game-0").on_connect(async |socket: Socket| drop(socket.emit("game", "mine")));
    games(&io);
    io.of_matching("/*").on_connect(async |socket: Socket| drop(socket.emit("game", "any")));
    let mut client = Client::open(serve(&io).await).await;
    for (name, game) in [("/game-0", "mine"), ("/game-1", "/game-1"), ("/else", "any")] {
        client.connect(name, "").await;
        assert_eq!(client.text().await, format!("42{name},[\"game\",\"{game}\"]"));
    }
}

#[tokio::test]
async fn one_that_our_side_has_asked_for_has_the_handlers_too_and_stays() {
    let io = io(|io| io);
    let games = games(&io);
    let game = io.of("/game-1");
    let mut client = Client::open(serve(&io).await).await;
    enter(&mut client, "/game-1").await;
    assert_eq!(game.count().await.unwrap(), 1);
    client.hang_up();
    while game.count().await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(games.namespaces().len(), 1);
}

#[tokio::test]
async fn what_the_parent_says_reaches_all_children() {
    let io = io(|io| io);
    let games = games(&io);
    let address = serve(&io).await;
    let (mut one, mut two) = (Client::open(address).await, Client::open(address).await);
    enter(&mut one, "/game-1").await;
    enter(&mut two, "/game-2").await;
    assert_eq!(games.emit("noon", &()).unwrap().recipients(), 2);
    assert_eq!(games.to("players").emit("score", &json!([1, 2])).unwrap().recipients(), 2);
    assert_eq!(games.except("players").emit("nobody", &()).unwrap().recipients(), 0);
    assert_eq!(games.volatile().emit("tick", &()).unwrap().recipients(), 2);
    for (client, name) in [(&mut one, "/game-1"), (&mut two, "/game-2")] {
        assert_eq!(client.text().await, format!("42{name},[\"noon\"]"));
        assert_eq!(client.text().await, format!("42{name},[\"score\",[1,2]]"));
        assert_eq!(client.text().await, format!("42{name},[\"tick\"]"));
    }
}

#[tokio::test]
async fn whoever_wants_to_know_hears_of_each_new_namespace_once() {
    let io = io(|io| io);
    games(&io);
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    io.on_new_namespace(move |namespace| {
        counter.fetch_add(1, Ordering::Relaxed);
        assert_ne!(namespace.name(), "/game-2", "a hook that panics harms nobody");
    });
    io.of("/static");
    io.of("/static");
    let address = serve(&io).await;
    let (mut one, mut two) = (Client::open(address).await, Client::open(address).await);
    for client in [&mut one, &mut two] {
        enter(client, "/game-1").await;
        enter(client, "/game-2").await;
    }
    assert_eq!(heard.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_state_that_a_parent_needs_is_missed_before_clients_come() {
    let io = io(|io| io);
    io.of_matching("/game-*").on("state", async |State(_): State<u8>| {});
    let Err(MountError::MissingState { namespace, handler, .. }) = io.service() else {
        panic!("nobody has noticed");
    };
    assert_eq!((&*namespace, &*handler), ("/game-*", "`state`"));
}
