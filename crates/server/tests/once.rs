//! Events that a client may send again: handled once, in the order in which they came.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use sockeye::{Data, Error};
use support::durable::{Guest, durable};
use support::{io, serve};

#[tokio::test]
async fn an_event_that_is_sent_again_is_handled_once_and_answered_the_same() {
    let io = io(|io| io);
    durable(&io);
    let address = serve(&io).await;
    let handled = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&handled);
    io.of("/").once("order", "/0/id").on("order", move || {
        let count = Arc::clone(&count);
        async move {
            tokio::task::yield_now().await;
            count.fetch_add(1, Ordering::SeqCst)
        }
    });
    let mut guest = Guest::join(address).await;
    let order = |ack: u32, id: &str| format!("42{ack}[\"order\",{{\"id\":\"{id}\"}}]");
    guest.client.send_all(&[order(1, "a"), order(2, "a"), order(3, "b")]).await;
    let mut answers =
        [guest.client.text().await, guest.client.text().await, guest.client.text().await];
    answers.sort();
    assert_eq!(answers[0].strip_prefix("431"), answers[1].strip_prefix("432"));
    assert_ne!(answers[1].strip_prefix("432"), answers[2].strip_prefix("433"));
    guest.come_back().await;
    guest.client.send(&order(4, "a")).await;
    assert_eq!(guest.client.text().await.strip_prefix("434"), answers[0].strip_prefix("431"));
    assert_eq!(handled.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn handlers_of_events_that_come_in_one_go_start_in_the_order_in_which_they_came() {
    let io = io(|io| io.max_unfinished_events(10_000));
    durable(&io);
    let started = Arc::new(Mutex::new(Vec::new()));
    let starting = Arc::clone(&started);
    io.of("/").once("order", "/0").on("order", move |Data(number): Data<u32>| {
        starting.lock().push(number);
        let starting = Arc::clone(&starting);
        async move { starting.lock().push(number) }
    });
    let mut guest = Guest::join(serve(&io).await).await;
    // More than the runtime lets a task do in one go.
    let orders: Vec<_> =
        (0..1000).map(|number| format!("42{number}[\"order\",{number}]")).collect();
    guest.client.send_all(&orders).await;
    for _ in 0..1000 {
        guest.client.text().await;
    }
    let in_order: Vec<_> = (0..1000).flat_map(|number| [number, number]).collect();
    assert_eq!(*started.lock(), in_order);
}

#[tokio::test]
async fn an_event_whose_handler_has_failed_is_handled_when_it_comes_again() {
    let io = io(|io| io);
    durable(&io);
    let tries = Arc::new(AtomicU32::new(0));
    io.of("/").once("order", "/0").on("order", move || {
        let tries = Arc::clone(&tries);
        async move {
            tokio::task::yield_now().await;
            match tries.fetch_add(1, Ordering::SeqCst) {
                0 => Err(Error::new("no tea")),
                again => Ok(again),
            }
        }
    });
    let mut guest = Guest::join(serve(&io).await).await;
    // The second waits for the first, and tries again; the third has its answer.
    guest.client.send_all(&[1, 2, 3].map(|ack| format!("42{ack}[\"order\",7]"))).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(guest.client.text().await);
    }
    let expected = ["431[{\"error\":{\"message\":\"no tea\"}}]", "432[1]", "433[1]"];
    assert_eq!(answers, expected);
}
