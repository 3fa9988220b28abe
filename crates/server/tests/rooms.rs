//! The rooms of a socket, who is found in them, and what can be done with all who are.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use sockeye::{Broadcast, Error, Io, Socket};
use support::{Client, HANG, Notes, clients, io, reasons, serve, soon, with_sync};

/// Three sockets: the first in both rooms, the second in `room1`, the third in `room2`.
async fn house(io: &Io) -> [(Client, Socket); 3] {
    with_sync(io);
    let clients = clients(io, serve(io).await).await;
    clients[0].1.join(["room1", "room2"]).unwrap();
    clients[1].1.join("room1").unwrap();
    clients[2].1.join("room2").unwrap();
    clients
}

fn rooms(socket: &Socket) -> Vec<String> {
    let mut rooms = socket.rooms();
    rooms.sort();
    rooms
}

async fn ids(audience: &Broadcast) -> Vec<String> {
    let sockets = audience.fetch_sockets().await.unwrap();
    let mut ids: Vec<_> = sockets.iter().map(|socket| socket.id().to_owned()).collect();
    ids.sort();
    ids
}

fn sorted(sockets: &[&Socket]) -> Vec<String> {
    let mut ids: Vec<_> = sockets.iter().map(|socket| socket.id().to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_socket_knows_its_rooms_as_it_joins_and_leaves() {
    let io = io(|io| io);
    let [(_client, socket)] = clients(&io, serve(&io).await).await;
    socket.join("a").unwrap();
    assert_eq!(rooms(&socket), ["a"]);
    socket.join("b").unwrap();
    socket.join(["b", "c", "d"]).unwrap();
    assert_eq!(rooms(&socket), ["a", "b", "c", "d"]);
    socket.leave("b").unwrap();
    socket.leave("unknown").unwrap();
    assert_eq!(rooms(&socket), ["a", "c", "d"]);
    socket.leave(["a", "b", "d"]).unwrap();
    assert_eq!(rooms(&socket), ["c"]);
    socket.leave(socket.rooms()).unwrap();
    assert!(rooms(&socket).is_empty());
    for room in ["a", "b", "c", "d"] {
        assert_eq!(io.to(room).count().await.unwrap(), 0, "{room}");
    }
    assert_eq!(io.to(socket.id()).count().await.unwrap(), 1, "its own room it cannot leave");
}

#[tokio::test]
async fn the_rooms_of_a_namespace_are_listed_with_how_many_are_in_each() {
    let io = io(|io| io);
    let other = io.of("/other");
    let [(_a, one), (_b, _two), (_c, _three)] = house(&io).await;
    let rooms = |list: [(&str, usize); 2]| list.map(|(room, size)| (room.to_owned(), size)).into();
    assert_eq!(io.of("/").rooms(), rooms([("room1", 2), ("room2", 2)]));
    assert!(other.rooms().is_empty());
    one.leave("room2").unwrap();
    assert_eq!(io.of("/").rooms(), rooms([("room1", 2), ("room2", 1)]));
    for number in 0..1000 {
        one.join(format!("of {number}")).unwrap();
    }
    assert_eq!(io.of("/").rooms().len(), 1002, "also if there are many");
    io.disconnect_sockets(false);
    soon(async {
        while !io.of("/").rooms().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn all_sockets_or_those_of_a_room_are_found() {
    let io = io(|io| io);
    io.of("/other");
    let [(mut client, one), (_b, two), (_c, three)] = house(&io).await;
    let other = client.connect("/other", "").await;
    io.of("/other").socket(&other).unwrap().join("room1").unwrap();
    assert_eq!(ids(&io.local()).await, sorted(&[&one, &two, &three]));
    assert_eq!(ids(&io.in_("room1")).await, sorted(&[&one, &two]));
    assert_eq!(ids(&io.to(["room1", "room2"]).except("room2")).await, sorted(&[&two]));
    assert_eq!(ids(&one.broadcast()).await, sorted(&[&two, &three]), "all but itself");
    assert_eq!(ids(&io.of("/other").to("room1")).await, [other]);
    assert!(ids(&io.to("nowhere")).await.is_empty());
}

#[tokio::test]
async fn all_sockets_or_those_of_a_room_join_another() {
    let io = io(|io| io);
    let [(_a, one), (_b, two), (_c, three)] = house(&io).await;
    io.in_("room1").sockets_join("room3");
    assert_eq!(rooms(&one), ["room1", "room2", "room3"]);
    assert_eq!(rooms(&two), ["room1", "room3"]);
    assert_eq!(rooms(&three), ["room2"]);
    io.sockets_join(["room2", "room4"]);
    assert_eq!(rooms(&two), ["room1", "room2", "room3", "room4"]);
    assert_eq!(rooms(&three), ["room2", "room4"]);
}

#[tokio::test]
async fn all_sockets_or_those_of_a_room_leave_another() {
    let io = io(|io| io);
    let [(_a, one), (_b, two), (_c, three)] = house(&io).await;
    io.in_("room2").sockets_leave("room1");
    assert_eq!(rooms(&one), ["room2"]);
    assert_eq!(rooms(&two), ["room1"]);
    io.sockets_leave("room1");
    assert_eq!([rooms(&one), rooms(&two), rooms(&three)], [vec!["room2"], vec![], vec!["room2"]]);
}

#[tokio::test]
async fn those_of_a_room_are_sent_away_with_their_connections_and_then_all() {
    let io = io(|io| io);
    let [(mut a, _), (mut b, two), (mut c, _)] = house(&io).await;
    io.in_("room2").disconnect_sockets(true);
    for client in [&mut a, &mut c] {
        assert_eq!(client.rest().await, ["41"]);
    }
    b.sync().await;
    assert!(two.is_connected());
    io.disconnect_sockets(true);
    assert_eq!(b.rest().await, ["41"]);
    assert_eq!(io.count().await.unwrap(), 0);
}

#[tokio::test]
async fn an_audience_that_is_widened_or_narrowed_leaves_the_one_it_came_from_as_it_was() {
    let io = io(|io| io);
    let [(_a, one), (_b, two), (_c, three)] = house(&io).await;
    three.join("room3").unwrap();
    let first = io.local().to("room1");
    let wider = first.clone().to("room3");
    let narrower = first.clone().except("room2");
    let volatile = first.clone().volatile();
    assert_eq!(ids(&wider).await, sorted(&[&one, &two, &three]));
    assert_eq!(ids(&narrower).await, sorted(&[&two]));
    assert_eq!(ids(&volatile).await, sorted(&[&one, &two]));
    assert_eq!(ids(&first).await, sorted(&[&one, &two]));
}

#[tokio::test]
async fn attachments_reach_the_others_of_a_room_alone() {
    let io = io(|io| io);
    let [(mut a, _), (mut b, _), (mut c, three)] = house(&io).await;
    three.broadcast().to("room2").emit("bin", &Bytes::from_static(&[0; 5])).unwrap();
    three.emit("bin2", &Bytes::from_static(&[1; 5])).unwrap();
    a.expect(r#"451-["bin",{"_placeholder":true,"num":0}]"#).await;
    assert_eq!(a.binary().await, [0; 5]);
    c.expect(r#"451-["bin2",{"_placeholder":true,"num":0}]"#).await;
    assert_eq!(c.binary().await, [1; 5]);
    for client in [&mut a, &mut b, &mut c] {
        client.sync().await; // and nothing else
    }
}

#[tokio::test]
async fn a_socket_that_is_refused_leaves_the_rooms_that_it_had_joined() {
    let io = io(|io| io);
    let refused = Notes::new();
    let notes = Arc::clone(&refused);
    io.of("/").middleware(move |socket: Socket| {
        socket.join(["room1", "room2"]).unwrap();
        notes.add(socket);
        async { Err::<(), _>(Error::new("nope")) }
    });
    let left = reasons(&io);
    let mut client = Client::open(serve(&io).await).await;
    client.send("40").await;
    client.expect("44{\"message\":\"nope\"}").await;
    let socket = refused.next().await;
    assert!(socket.join("room1").is_err() && !socket.is_connected());
    assert!(ids(&io.to(["room1", "room2", socket.id()])).await.is_empty());
    client.hang_up();
    soon(io.close(HANG)).await;
    assert!(left.so_far().is_empty(), "who was never here does not leave");
}
