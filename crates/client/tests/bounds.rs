//! What a server can make grow, and where that ends.

mod support;

use std::time::Duration;

use bytes::Bytes;
use sockeye::{Io, Socket as Served};
use sockeye_client::{AckError, Retries, Socket};
use support::talk::{Heard, meet, stranger};
use support::{Wire, server};
use tokio::time::{sleep, timeout};

/// A server that keeps for its clients as much as a test likes.
fn patient_server() -> Io {
    let io = Io::builder().outbox_bytes(64 << 20).build().unwrap();
    io.of("/");
    io
}

/// Sends the event a thousand times.
async fn flood(served: &Served, event: &str, what: &Bytes) {
    for _ in 0..1000 {
        served.emit(event, what).unwrap();
        tokio::task::yield_now().await;
    }
    sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn attachments_that_wait_for_a_handler_are_left_with_the_server() {
    let io = patient_server();
    let client = Wire::to(&io)
        .websocket_client_with(|builder| builder.max_unfinished_events(1).parked_bytes(64 << 10));
    let socket = client.socket();
    socket.on("file", std::future::pending::<()>);
    let served = meet(&io, &socket).await;
    flood(&served, "file", &Bytes::from(vec![0; 16 << 10])).await;
    assert!(io.stats().engine.queued_bytes > 14 << 20, "nearly all is left with the server");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_without_end_and_takes_no_answers_is_not_read_any_further() {
    let io = patient_server();
    let wire = Wire::to(&io);
    let client = wire.websocket_client_with(|builder| builder.buffer_bytes(1 << 20));
    let socket = client.socket();
    let heard = Heard::default();
    let note = heard.clone();
    socket.on("ask", move || {
        note.note("asked");
        std::future::ready("x".repeat(64 << 10))
    });
    let served = meet(&io, &socket).await;
    wire.set_flow(false);
    let question = "x".repeat(16 << 10);
    let asked: Vec<_> =
        (0..200).map(|_| served.emit_with_ack::<String>("ask", &question)).collect();
    sleep(Duration::from_secs(1)).await;
    let so_many = heard.all().len();
    assert!((16..100).contains(&so_many), "{so_many} are answered");
    wire.set_flow(true);
    for answer in asked {
        assert_eq!(answer.await.unwrap().len(), 64 << 10);
    }
}

#[tokio::test(start_paused = true)]
async fn reliable_events_that_are_given_up_make_room_for_others() {
    let io = server();
    io.of("/").on("lose", std::future::pending::<()>).on("ask", async || "answered");
    let client = Wire::to(&io).websocket_client_with(|builder| builder.buffer_bytes(1000));
    let socket: Socket = client.socket();
    socket.connect().await.unwrap();
    let retries = Retries::default().give_up_after(Duration::from_secs(1));
    for _ in 0..20 {
        let lost = socket.compress(true).retries(retries.clone()).emit_with_ack::<()>("lose", &());
        assert!(matches!(lost.await, Err(AckError::GivenUp { .. })));
    }
    let answer: String = socket.emit_with_ack("ask", &()).await.unwrap();
    assert_eq!(answer, "answered");
}

#[tokio::test(start_paused = true)]
async fn one_event_that_is_larger_than_all_room_is_kept_until_somebody_pulls() {
    let io = server();
    let client = Wire::to(&io).websocket_client_with(|builder| builder.parked_bytes(1000));
    let socket = client.socket();
    let served = meet(&io, &socket).await;
    served.emit("large", &"x".repeat(5000)).unwrap();
    sleep(Duration::from_secs(1)).await;
    let pulled = timeout(Duration::from_mins(1), socket.recv()).await.expect("it is there");
    assert_eq!(pulled.unwrap().name, "large");
    assert_eq!(socket.dropped_events(), 0);
}

#[tokio::test(start_paused = true)]
async fn all_who_pull_at_the_same_time_are_woken() {
    let io = server();
    let (_client, socket) = stranger(&io);
    let served = meet(&io, &socket).await;
    let pull = |socket: Socket| tokio::spawn(async move { socket.recv().await.unwrap().name });
    let (first, second) = (pull(socket.clone()), pull(socket.clone()));
    sleep(Duration::from_secs(1)).await;
    served.emit("one", &()).unwrap();
    served.emit("two", &()).unwrap();
    let both = timeout(Duration::from_mins(1), async { tokio::try_join!(first, second) }).await;
    let (first, second) = both.expect("both are woken").unwrap();
    let mut names = [first, second];
    names.sort();
    assert_eq!(names, ["one", "two"]);
}
