//! Joining a room and hearing what was said in it last: the value of that moment, and then everything after.

mod support;

use std::net::SocketAddr;

use bytes::Bytes;
use serde_json::{Value, json};
use sockeye::{Data, Durability, Io, Log, LogOptions, Result, Socket};
use support::durable::{Guest, durable};
use support::{Client, io, serve};

use log::store::simulated::Simulated;

/// Who says `watch` joins a room with what was said in it last, and is told when that is done.
async fn serve_values(io: &Io) -> SocketAddr {
    io.of("/").on("watch", async |socket: Socket, Data(room): Data<String>| -> Result<()> {
        socket.join_with_last(&room).await?;
        Ok(())
    });
    serve(io).await
}

async fn server() -> (Io, SocketAddr) {
    let io = io(|io| io);
    durable(&io);
    let address = serve_values(&io).await;
    (io, address)
}

fn price(io: &Io, price: i32) {
    io.to("ACME").emit("price", &price).unwrap();
}

fn prices(numbers: impl IntoIterator<Item = i32>) -> Vec<Value> {
    numbers.into_iter().map(|number| json!(["price", number])).collect()
}

/// Says so, and goes on when it is done; what comes before the answer is heard.
async fn watch(guest: &mut Guest, room: &str) {
    guest.client.send(&format!("427[\"watch\",\"{room}\"]")).await;
    guest.until("437[]").await;
}

#[tokio::test]
async fn who_joins_hears_the_last_value_and_then_everything_after() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    (1..=3).for_each(|number| price(&io, number));
    io.to("other").emit("price", &0).unwrap();
    watch(&mut guest, "ACME").await;
    price(&io, 4);
    assert_eq!(guest.hear().await, prices([3, 4]));
    assert_eq!(io.socket(&guest.id).unwrap().rooms(), ["ACME"]);
}

#[tokio::test]
async fn the_last_value_is_for_who_joins_alone_and_bears_a_token_of_its_own() {
    let (io, address) = server().await;
    let (mut early, mut late) = (Guest::join(address).await, Guest::join(address).await);
    watch(&mut early, "ACME").await;
    price(&io, 1);
    assert_eq!(early.hear().await, prices([1]));
    watch(&mut late, "ACME").await;
    assert_eq!(late.hear().await, prices([1]));
    assert_ne!(early.offset, late.offset);
    assert!(early.hear().await.is_empty());
}

#[tokio::test]
async fn a_value_that_was_said_long_ago_is_read_from_the_log() {
    let (io, address) = server().await;
    price(&io, 1);
    // More than is kept at hand.
    (0..2000).for_each(|number| drop(io.to("nobody").emit("noise", &number).unwrap()));
    let mut guest = Guest::join(address).await;
    watch(&mut guest, "ACME").await;
    assert_eq!(guest.hear().await, prices([1]));
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_value_has_come_brings_it_when_it_is_back() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    price(&io, 1);
    io.socket(&guest.id).unwrap().join_with_last("ACME").await.unwrap();
    // Nothing of it has reached its page.
    assert!(guest.come_back().await);
    price(&io, 2);
    assert_eq!(guest.hear().await, prices([1, 2]));
    assert!(guest.come_back().await);
    assert!(guest.hear().await.is_empty(), "and it comes once");
}

#[tokio::test]
async fn a_room_in_which_nothing_was_said_is_just_joined() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    watch(&mut guest, "ACME").await;
    assert!(guest.hear().await.is_empty());
    price(&io, 1);
    assert_eq!(guest.hear().await, prices([1]));
}

#[tokio::test]
async fn a_member_that_asks_again_hears_the_value_again() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    price(&io, 1);
    watch(&mut guest, "ACME").await;
    watch(&mut guest, "ACME").await;
    assert_eq!(guest.hear().await, prices([1, 1]));
    price(&io, 2);
    assert_eq!(guest.hear().await, prices([2]));
}

#[tokio::test]
async fn a_question_is_no_value() {
    let (io, address) = server().await;
    let mut guest = Guest::join(address).await;
    price(&io, 1);
    let question = io.to("ACME").emit_with_ack::<Value>("how are you", &());
    drop(question);
    watch(&mut guest, "ACME").await;
    assert_eq!(guest.hear().await, prices([1]));
}

#[tokio::test]
async fn a_value_with_an_attachment_comes_whole() {
    let (io, address) = server().await;
    io.to("ACME").emit("chart", &Bytes::from_static(b"png")).unwrap();
    let mut guest = Guest::join(address).await;
    io.socket(&guest.id).unwrap().join_with_last("ACME").await.unwrap();
    let head = guest.client.text().await;
    assert!(head.starts_with("451-[\"chart\",{\"_placeholder\":true,\"num\":0},\""), "{head}");
    assert_eq!(guest.client.binary().await, b"png");
}

#[tokio::test]
async fn a_value_that_waits_for_the_disk_is_the_last_value_too() {
    let log = Log::with_store(Simulated::new(1), LogOptions::default()).unwrap();
    let io = io(|io| io.log(log.clone()));
    io.of("/").durable(Durability::Fsync);
    let mut guest = Guest::join(serve_values(&io).await).await;
    let member = io.socket(&guest.id).unwrap();
    for number in 1..=50 {
        price(&io, number);
        member.join_with_last("ACME").await.unwrap();
        // From the second time on it is a member, and hears the price itself, too.
        let wanted = if number == 1 { vec![1] } else { vec![number; 2] };
        for _ in &wanted {
            guest.next().await;
        }
        assert_eq!(std::mem::take(&mut guest.heard), prices(wanted));
    }
}

#[tokio::test]
async fn in_a_namespace_that_is_not_durable_it_is_joining() {
    let io = io(|io| io);
    support::with_sync(&io);
    let address = serve(&io).await;
    let (_client, id) = Client::join(address).await;
    price(&io, 1);
    let socket = io.socket(&id).unwrap();
    socket.join_with_last("ACME").await.unwrap();
    assert_eq!(socket.rooms(), ["ACME"]);
}
