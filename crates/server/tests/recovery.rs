//! Coming back to a durable namespace, packet by packet: what the client says, and what it gets.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use sockeye::{Auth, Error, Io, Result, Socket};
use support::durable::{Guest, durable};
use support::{Client, Polling, io, serve, with_sync};

async fn server() -> (Io, SocketAddr) {
    let io = io(|io| io);
    durable(&io);
    let address = serve(&io).await;
    (io, address)
}

/// Connects by polling with these words; the reply, and what came behind it.
async fn connect(address: SocketAddr, auth: &str) -> (Polling, Value, Vec<String>) {
    let client = Polling::open(address, "/socket.io/").await;
    client.post(&format!("40{auth}")).await;
    let payload = client.get().await;
    let mut packets = payload.split('\x1e').map(str::to_owned);
    let reply = packets.next().unwrap();
    let reply = reply.strip_prefix("40").unwrap_or_else(|| panic!("no reply but {reply}"));
    (client, serde_json::from_str(reply).unwrap(), packets.collect())
}

/// So many more packets.
async fn packets(client: &Polling, mut here: Vec<String>, count: usize) -> Vec<String> {
    while here.len() < count {
        here.extend(client.get().await.split('\x1e').map(str::to_owned));
    }
    here
}

/// Waits until the server has noticed that nobody is here.
async fn alone(io: &Io) {
    while io.count().await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_polling_client_that_was_away_has_everything_in_order_behind_its_answer() {
    let (io, address) = server().await;
    io.of("/").on_connect(async |socket: Socket| socket.join("room1").map(drop));
    let (client, reply, _) = connect(address, "").await;
    io.emit("hello", &()).unwrap();
    let hello: Value = serde_json::from_str(&client.get().await[2..]).unwrap();
    client.post("1").await;
    alone(&io).await;

    let (sid, pid) = (reply["sid"].as_str().unwrap(), reply["pid"].as_str().unwrap());
    io.emit("hello1", &()).unwrap();
    io.to("room1").emit("hello2", &()).unwrap();
    io.to(sid).emit("hello3", &()).unwrap();
    let auth = json!({"pid": pid, "offset": hello[1]});
    let (client, again, behind) = connect(address, &auth.to_string()).await;
    assert_eq!(again, reply, "it is who it was");
    let behind = packets(&client, behind, 3).await;
    for (packet, name) in behind.iter().zip(["hello1", "hello2", "hello3"]) {
        assert!(packet.starts_with(&format!("42[\"{name}\",\"")), "{behind:?}");
    }
    assert_eq!(behind.len(), 3);
}

#[tokio::test]
async fn whoever_comes_back_has_its_id_its_rooms_and_its_data() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    let before = io.socket(&guest.id).unwrap();
    assert!(!before.recovered());
    before.join(["room1", "room2"]).unwrap();
    before.data().set("bar").unwrap();
    let id = guest.id.clone();
    guest.lose_connection(&io).await;
    assert!(guest.come_back().await);
    let after = io.socket(&id).unwrap();
    assert!(after.recovered() && after != before);
    let mut rooms = after.rooms();
    rooms.sort();
    assert_eq!(rooms, ["room1", "room2"]);
    assert_eq!(after.data().get::<String>().unwrap().unwrap(), "bar");
    assert_eq!(io.to(&*id).count().await.unwrap(), 1);
}

#[tokio::test]
async fn one_that_had_heard_nothing_yet_gets_what_it_has_missed_too() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    io.socket(&guest.id).unwrap().join("room1").unwrap();
    guest.lose_connection(&io).await;
    io.to("room1").emit("hello", "world").unwrap();
    io.emit("broadcast", &()).unwrap();
    assert!(guest.offset.is_none() && guest.come_back().await);
    assert_eq!(guest.hear().await, [json!(["hello", "world"]), json!(["broadcast"])]);
}

#[tokio::test]
async fn an_offset_or_a_secret_that_is_no_text_begins_a_new_session() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    let id = guest.id.clone();
    io.socket(&id).unwrap().join("room1").unwrap();
    let pid = guest.pid.clone();
    guest.lose_connection(&io).await;
    for auth in [
        json!({"pid": pid, "offset": 123}),
        json!({"pid": pid, "offset": {}}),
        json!({"pid": [pid]}),
        json!({"pid": 7, "offset": "x"}),
    ] {
        assert!(!guest.come_as(&auth.to_string()).await, "{auth}");
        assert_ne!(guest.id, id);
        let socket = io.socket(&guest.id).unwrap();
        assert!(!socket.recovered() && socket.rooms().is_empty());
    }
}

#[tokio::test]
async fn what_left_somebody_out_is_not_replayed_to_it() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    io.socket(&guest.id).unwrap().join(["r1", "r2"]).unwrap();
    guest.lose_connection(&io).await;
    io.emit("all", &()).unwrap();
    io.to("r1").emit("room", &()).unwrap();
    io.except("r2").emit("except", &()).unwrap();
    io.except("r3").emit("no except", &()).unwrap();
    io.except(&*guest.id).emit("all but one", &()).unwrap();
    io.volatile().emit("volatile", &()).unwrap();
    assert!(guest.come_back().await);
    assert_eq!(guest.hear().await, [json!(["all"]), json!(["room"]), json!(["no except"])]);
}

#[tokio::test]
async fn middleware_is_asked_about_whoever_comes_back_too() {
    let (io, address) = server().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    io.of("/").middleware(move || {
        count.fetch_add(1, Ordering::Relaxed);
        async {}
    });
    let mut guest = Guest::join(address).await;
    guest.lose_connection(&io).await;
    assert!(guest.come_back().await);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[derive(serde::Deserialize)]
struct Token {
    token: String,
}

#[tokio::test]
async fn whoever_comes_back_with_a_token_that_has_expired_meanwhile_is_refused_and_hears_nothing() {
    let (io, address) = server().await;
    let expired = Arc::new(AtomicBool::new(false));
    let expiry = Arc::clone(&expired);
    io.of("/").middleware(move |Auth(Token { token }): Auth<Token>| {
        let valid = token == "new" || !expiry.load(Ordering::Relaxed);
        async move { if valid { Ok(()) } else { Err(Error::new("token expired")) } }
    });
    let mut guest = Guest::open_as(address, "{\"token\":\"old\"}").await;
    let (id, pid) = (guest.id.clone(), guest.pid.clone());
    guest.lose_connection(&io).await;
    expired.store(true, Ordering::Relaxed);
    io.to(&*id).emit("secret", &1).unwrap();
    let mut client = Client::open(address).await;
    client.send(&format!("40{{\"token\":\"old\",\"pid\":\"{pid}\"}}")).await;
    client.expect("44{\"message\":\"token expired\"}").await;
    // With a new token it is who it was.
    assert!(guest.come_as(&format!("{{\"token\":\"new\",\"pid\":\"{pid}\"}}")).await);
    assert_eq!(guest.id, id);
    assert_eq!(guest.hear().await, [json!(["secret", 1])]);
}

#[tokio::test]
async fn a_secret_means_nothing_where_nothing_is_durable() -> Result<()> {
    let io = io(|io| io);
    with_sync(&io);
    let mut client = Client::open(serve(&io).await).await;
    client.send("40{\"pid\":\"foo\",\"offset\":\"bar\"}").await;
    let reply: Value = serde_json::from_str(&client.text().await[2..])?;
    assert_eq!(reply.as_object().unwrap().keys().collect::<Vec<_>>(), ["sid"]);
    let socket = io.socket(reply["sid"].as_str().unwrap()).unwrap();
    assert!(!socket.recovered());
    client.sync().await;
    Ok(())
}
