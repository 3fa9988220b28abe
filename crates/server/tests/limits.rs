//! What clients and handlers notice of limits on events, questions and rooms.

mod support;

use std::time::Duration;

use sockeye::{AckError, BuildError, Durability, EmitError, Io, JoinError, Rate, Result, Socket};
use support::{Client, io, serve, soon, with_sync};

fn counting(io: &Io) {
    io.of("/").on("count", async |socket: Socket| -> Result<()> {
        socket.emit("counted", &())?;
        Ok(())
    });
}

#[tokio::test]
async fn a_burst_within_the_rate_of_events_is_handled_at_once() {
    let io = io(|io| io.event_rate(Rate::per_second(1).burst(100)));
    counting(&io);
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send_all(&["42[\"count\"]"; 100]).await;
    for _ in 0..100 {
        client.expect("42[\"counted\"]").await;
    }
    assert_eq!(io.stats().events_slowed, 0);
}

#[tokio::test]
async fn a_client_that_sends_too_many_events_gets_all_of_them_handled_in_order_and_later() {
    let io = io(|io| io.event_rate(Rate::per_second(100).burst(10)));
    io.of("/").on("say", async |sockeye::Data(n): sockeye::Data<u32>| n);
    let (mut client, _) = Client::join(serve(&io).await).await;
    let begun = tokio::time::Instant::now();
    let all: Vec<_> = (0..40).map(|n| format!("42{n}[\"say\",{n}]")).collect();
    client.send_all(&all).await;
    for n in 0..40 {
        client.expect(&format!("43{n}[{n}]")).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    assert!(io.stats().events_slowed > 0);
}

#[tokio::test]
async fn whoever_goes_on_sending_too_many_events_is_disconnected_and_others_notice_nothing() {
    let io = io(|io| io.event_rate(Rate::per_second(10)).parked_bytes(50_000));
    counting(&io);
    let address = serve(&io).await;
    let (mut hostile, _) = Client::join(address).await;
    let (mut innocent, _) = Client::join(address).await;
    let flood: Vec<_> = std::iter::repeat_n("42[\"count\"]", 2_000).collect();
    hostile.send_all(&flood).await;
    let heard = hostile.rest().await;
    assert!(heard.len() <= 12, "{heard:?}");
    innocent.send("42[\"count\"]").await;
    innocent.expect("42[\"counted\"]").await;
    let too_many = io.stats().engine.closed().find(|(why, _)| why.as_str() == "too many events");
    assert_eq!(too_many.unwrap().1, 1);
}

#[tokio::test]
async fn heartbeats_and_answers_are_no_events() {
    let io = io(|io| io.event_rate(Rate::per_second(1).burst(1)));
    io.of("/").on("ask", async |socket: Socket| -> Result<u32> {
        let mut sum = 0;
        for _ in 0..20 {
            sum += socket.emit_with_ack::<u32>("one", &()).await?;
        }
        Ok(sum)
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("427[\"ask\"]").await;
    for _ in 0..20 {
        let question = client.text().await;
        let id = question.trim_start_matches("42").split('[').next().unwrap().to_owned();
        client.send(&format!("43{id}[1]")).await;
    }
    client.expect("437[20]").await;
}

#[tokio::test]
async fn a_client_that_answers_nothing_is_asked_only_so_much() {
    let io = io(|io| io.max_pending_acks(3));
    with_sync(&io);
    let (mut client, id) = Client::join(serve(&io).await).await;
    client.sync().await;
    let socket = io.socket(&id).unwrap();
    let open: Vec<_> = (0..3).map(|_| socket.emit_with_ack::<u32>("ask", &())).collect();
    let refused = socket.emit_with_ack::<u32>("ask", &()).await.unwrap_err();
    assert!(
        matches!(&refused, AckError::Emit(EmitError::TooManyQuestions { limit: 3, .. })),
        "{refused}"
    );
    assert_eq!(io.emit_with_ack::<u32>("ask", &()).asked(), 0, "a broadcast leaves it out");
    assert_eq!(io.stats().questions_refused, 2);
    drop(open);
    let asked = socket.emit_with_ack::<u32>("ask", &());
    let answer = tokio::spawn(asked.into_future());
    for _ in 0..4 {
        let question = client.text().await;
        let id = question.trim_start_matches("42").split('[').next().unwrap().to_owned();
        client.send(&format!("43{id}[5]")).await;
    }
    assert_eq!(soon(answer).await.unwrap().unwrap(), 5);
}

#[tokio::test]
async fn a_socket_joins_no_more_rooms_than_it_may_and_can_leave_some() {
    for durable in [false, true] {
        let io = io(|io| io.max_rooms(2));
        if durable {
            io.of("/").durable(Durability::Memory);
        }
        with_sync(&io);
        let (mut client, id) = Client::join(serve(&io).await).await;
        client.send("421[\"sync\"]").await;
        client.expect("431[]").await;
        let socket = io.socket(&id).unwrap();
        socket.join(["a", "b"]).unwrap();
        socket.join("a").expect("it is there already");
        let refused = socket.join("c").err();
        assert!(matches!(refused, Some(JoinError::TooManyRooms { limit: 2, .. })), "{refused:?}");
        let _ = io.in_(&id).sockets_join("d");
        let mut rooms = socket.rooms();
        rooms.sort();
        assert_eq!(rooms, ["a", "b"]);
        assert_eq!(io.stats().rooms_refused, 2);
        socket.leave("a").unwrap();
        socket.join("c").unwrap();
    }
}

#[test]
fn a_rate_that_lets_nothing_through_is_refused_when_it_is_built() {
    let zero = Rate::per_second(0);
    let names = [
        (Io::builder().event_rate(zero), "event_rate"),
        (Io::builder().byte_rate(zero), "byte_rate"),
        (Io::builder().handshake_rate(Rate::per_second(1).burst(0)), "handshake_rate"),
        (Io::builder().handshake_rate_per_address(zero), "handshake_rate_per_address"),
        (Io::builder().max_connections_per_address(0), "max_connections_per_address"),
    ];
    for (builder, name) in names {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, BuildError::Option { option, .. } if option == name), "{error}");
    }
}

#[tokio::test]
async fn events_that_wait_for_the_rate_of_a_client_go_with_its_socket() {
    let io = io(|io| io.event_rate(Rate::per_second(1).burst(5)));
    counting(&io);
    let reasons = support::reasons(&io);
    let (mut client, id) = Client::join(serve(&io).await).await;
    client.send_all(&["42[\"count\"]"; 50]).await;
    for _ in 0..5 {
        client.expect("42[\"counted\"]").await;
    }
    io.socket(&id).unwrap().disconnect(false);
    client.expect("41").await;
    assert_eq!(reasons.next().await, "server namespace disconnect");
    assert!(io.stats().events_dropped > 20, "{:?}", io.stats());
    // It may come back, and its pace is still that of its connection.
    client.connect("/", "").await;
    client.send("42[\"count\"]").await;
    client.expect("42[\"counted\"]").await;
}

#[tokio::test]
async fn events_that_wait_for_the_rate_are_handled_in_their_time_though_the_server_has_hung_up() {
    let io = io(|io| io.event_rate(Rate::per_second(2).burst(1)));
    let noted = support::Notes::new();
    let notes = std::sync::Arc::clone(&noted);
    io.of("/").on("say", move |sockeye::Data(n): sockeye::Data<u32>| {
        notes.add(n);
        async {}
    });
    let (mut client, id) = Client::join(serve(&io).await).await;
    client.send_all(&(0..17).map(|n| format!("42[\"say\",{n}]")).collect::<Vec<_>>()).await;
    assert_eq!(noted.next().await, 0);
    io.socket(&id).unwrap().close_transport();
    let _stalled = client.stall();
    for n in 1..17 {
        support::pass(Duration::from_millis(500)).await;
        assert_eq!(noted.next().await, n);
    }
    assert_eq!(io.stats().events_dropped, 0);
}
