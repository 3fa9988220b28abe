//! Events that are sent until they are answered.

mod support;

use std::time::Duration;

use log::store::simulated::Simulated;
use serde_json::{Value, json};
use sockeye::{Data, Durability, Io};
use sockeye_client::{AckError, DurableOutbox, EmitError, Retries, Socket};
use support::Wire;
use support::heard::{Heard, settle};
use tokio::time::{Instant, timeout};

/// What a server has begun to handle: a number, and the key that came with it.
type Orders = Heard<(u64, Option<String>)>;

/// A durable server that handles each order once, and answers with twice its number after so long. `lost` counts what comes and
/// never answers.
fn server(thinks: Duration) -> (Io, Orders, Heard<(u64, Option<String>)>) {
    let (io, orders, lost) = (Io::builder().build().expect("a server"), Heard::new(), Heard::new());
    let (handled, unanswered) = (orders.clone(), lost.clone());
    io.of("/")
        .durable(Durability::Memory)
        .once("order", "/1")
        .on("order", move |Data(order): Data<(u64, Option<String>)>| {
            let (handled, number) = (handled.clone(), order.0);
            async move {
                handled.note(order);
                tokio::time::sleep(thinks).await;
                number * 2
            }
        })
        .on("lose", move |Data(order): Data<(u64, Option<String>)>| {
            unanswered.note(order);
            std::future::pending::<()>()
        });
    (io, orders, lost)
}

fn started(wire: &Wire, retries: Retries) -> Socket {
    let socket = wire.websocket_client_with(|builder| builder.retries(retries)).socket();
    socket.start();
    socket
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn numbers(orders: &[(u64, Option<String>)]) -> Vec<u64> {
    orders.iter().map(|(number, _)| *number).collect()
}

#[tokio::test(start_paused = true)]
async fn whatever_the_connection_does_each_order_comes_in_its_order_and_is_handled_once_and_answered()
 {
    let (io, orders, _) = server(Duration::ZERO);
    let wire = Wire::to(&io);
    let socket = started(&wire, Retries::default());
    let mut answers = Vec::new();
    for number in 0..200 {
        answers.push(tokio::spawn(socket.reliably().emit_with_ack::<u64>("order", &number)));
        if number % 7 == 0 {
            wire.cut();
        }
        tokio::time::sleep(Duration::from_millis(number % 50)).await;
    }
    for (number, answer) in (0..).zip(answers) {
        assert_eq!(answer.await.unwrap().unwrap(), number * 2);
    }
    let handled = orders.all();
    assert_eq!(numbers(&handled), (0..200).collect::<Vec<_>>(), "each once, and in its order");
    let keys: std::collections::HashSet<_> = handled.into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys.len(), 200, "each has a key of its own");
    assert!(!keys.contains(&None));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_with_the_connection_is_asked_for_again_and_the_order_is_not_repeated()
 {
    let (io, orders, _) = server(seconds(2));
    let wire = Wire::to(&io);
    let socket = started(&wire, Retries::default());
    let answers: Vec<_> = (0..3)
        .map(|number| tokio::spawn(socket.reliably().emit_with_ack::<u64>("order", &number)))
        .collect();
    tokio::time::sleep(seconds(1)).await;
    wire.cut();
    for (number, answer) in (0..).zip(answers) {
        assert_eq!(answer.await.unwrap().unwrap(), number * 2);
    }
    assert_eq!(orders.all().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_answer_does_not_come_is_sent_again_with_the_same_key_and_given_up_in_the_end()
 {
    let (io, _, lost) = server(Duration::ZERO);
    let retries = Retries::default().timeout(seconds(3)).attempts(4);
    let socket = started(&Wire::to(&io), retries);
    settle().await;
    let began = Instant::now();
    let asked = socket.reliably().emit_with_ack::<()>("lose", &1).await;
    assert!(matches!(asked, Err(AckError::GivenUp { attempts: 4 })), "{asked:?}");
    assert_eq!(began.elapsed().as_secs(), 12);
    let all = lost.all();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn many_are_in_flight_while_one_gets_no_answer() {
    let (io, orders, lost) = server(Duration::ZERO);
    let socket = started(&Wire::to(&io), Retries::default());
    socket.reliably().emit("lose", &0).await.unwrap();
    for number in 1..50 {
        socket.reliably().emit("order", &number).await.unwrap();
    }
    assert_eq!(orders.first(49).await.len(), 49);
    assert_eq!(lost.all().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_uses_up_no_attempts_but_the_time_to_give_up_does_run() {
    let (io, orders, _) = server(Duration::ZERO);
    let wire = Wire::to(&io);
    let socket = started(&wire, Retries::default().attempts(1));
    settle().await;
    wire.set_down(true);
    let patient = tokio::spawn(socket.reliably().emit_with_ack::<u64>("order", &1));
    let hurried = Retries::default().give_up_after(seconds(60));
    let hurried = socket.compress(true).retries(hurried).emit_with_ack::<u64>("order", &2);
    let began = Instant::now();
    assert!(matches!(hurried.await, Err(AckError::GivenUp { attempts: 0 })));
    assert_eq!(began.elapsed().as_secs(), 60);
    tokio::time::sleep(seconds(3600)).await;
    wire.set_down(false);
    assert_eq!(patient.await.unwrap().unwrap(), 2);
    assert_eq!(numbers(&orders.all()), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_would_stumble_over_the_key_gets_none() {
    let (io, _, lost) = server(Duration::ZERO);
    let retries = Retries::default().without_key();
    let socket = started(&Wire::to(&io), retries);
    socket.reliably().emit("lose", &7).await.unwrap();
    assert_eq!(lost.first(1).await, [(7, None)]);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_for_the_answer_any_more_has_sent_the_event_all_the_same() {
    let (io, orders, _) = server(Duration::ZERO);
    let wire = Wire::to(&io);
    let socket = started(&wire, Retries::default());
    settle().await;
    wire.set_down(true);
    drop(socket.reliably().emit_with_ack::<u64>("order", &1));
    let given_up = socket.reliably().emit_with_ack::<u64>("order", &2).timeout(seconds(1)).await;
    assert!(matches!(given_up, Err(AckError::Timeout)));
    wire.set_down(false);
    assert_eq!(numbers(&orders.first(1).await), [1]);
    settle().await;
    assert_eq!(orders.all().len(), 1, "who sets a time takes it back");
}

#[tokio::test(start_paused = true)]
async fn a_reliable_event_survives_that_its_user_disconnects() {
    let (io, orders, _) = server(seconds(1));
    let socket = started(&Wire::to(&io), Retries::default());
    settle().await;
    let answer = tokio::spawn(socket.reliably().emit_with_ack::<u64>("order", &1));
    settle().await;
    socket.disconnect();
    tokio::time::sleep(seconds(5)).await;
    assert!(!answer.is_finished());
    socket.connect().await.unwrap();
    assert_eq!(answer.await.unwrap().unwrap(), 2);
    assert_eq!(numbers(&orders.all()), [1]);
}

/// On the real clock: the outbox has a thread, whose disk knows no other.
#[tokio::test]
async fn what_was_not_answered_is_sent_after_a_restart_of_the_client_with_its_key_and_in_its_order()
{
    let directory = tempfile::tempdir().unwrap();
    let open = || DurableOutbox::open(directory.path()).expect("it opens");
    let (io, orders, _) = server(Duration::ZERO);
    let wire = Wire::to(&io);

    let client = wire.websocket_client_with(|builder| builder.outbox(open()));
    let socket = client.socket();
    socket.connect().await.unwrap();
    for number in 0..3 {
        assert_eq!(
            socket.reliably().emit_with_ack::<u64>("order", &number).await.unwrap(),
            number * 2
        );
    }
    wire.set_down(true);
    for number in 3..6 {
        socket.reliably().emit("order", &number).await.unwrap();
    }
    let waits = tokio::spawn(socket.reliably().emit_with_ack::<Value>("order", &6));
    tokio::task::yield_now().await;
    client.close().await;
    assert!(matches!(waits.await.unwrap(), Err(AckError::Disconnected { .. })));
    drop((client, socket));
    wire.set_down(false);

    let found = open_again(&open).await;
    assert_eq!(found.len(), 4, "what was answered is not there any more");
    let client = wire.websocket_client_with(|builder| builder.outbox(found));
    let socket = client.socket();
    socket.connect().await.unwrap();
    assert_eq!(socket.reliably().emit_with_ack::<u64>("order", &7).await.unwrap(), 14);
    let handled = orders.first(8).await;
    assert_eq!(numbers(&handled), (0..8).collect::<Vec<_>>());
    client.close().await;
    drop((client, socket));
    assert!(open_again(&open).await.is_empty());
    assert_eq!(json!(numbers(&orders.all())), json!([0, 1, 2, 3, 4, 5, 6, 7]));
}

/// On the real clock, too.
#[tokio::test]
async fn a_disk_that_takes_nothing_is_an_error_of_the_emit_and_nothing_is_sent_that_it_has_not() {
    let disk = Simulated::new(1);
    let outbox = DurableOutbox::with_store(disk.clone(), 1 << 20).expect("it opens");
    let (io, orders, _) = server(Duration::ZERO);
    let client =
        Wire::to(&io).websocket_client_with(|builder| builder.outbox(outbox).buffer_bytes(300));
    let socket = client.socket();
    socket.connect().await.unwrap();
    socket.reliably().emit("order", &1).await.unwrap();
    orders.first(1).await;
    disk.fail_appends(usize::MAX);
    // There is room for one at a time.
    for number in 2..20 {
        let refused = timeout(seconds(10), socket.reliably().emit("order", &number)).await;
        let refused = refused.expect("whoever is refused takes no room");
        assert!(matches!(refused, Err(EmitError::Outbox { .. })), "{refused:?}");
    }
    socket.emit("order", &(20, "no reliable one")).await.unwrap();
    assert_eq!(numbers(&orders.first(2).await), [1, 20]);
}

/// The task of the client before lets go of the directory a moment after its end is told.
async fn open_again(open: &impl Fn() -> DurableOutbox) -> DurableOutbox {
    tokio::task::yield_now().await;
    open()
}

#[tokio::test(start_paused = true)]
async fn an_event_is_given_up_in_its_time_although_its_answer_might_take_longer() {
    let (io, _, lost) = server(Duration::ZERO);
    let retries = Retries::default().timeout(seconds(60)).give_up_after(seconds(5));
    let socket = started(&Wire::to(&io), retries);
    settle().await;
    let began = Instant::now();
    let asked = socket.reliably().emit_with_ack::<()>("lose", &1).await;
    assert!(matches!(asked, Err(AckError::GivenUp { attempts: 0 })), "{asked:?}");
    assert_eq!(began.elapsed().as_secs(), 5);
    assert_eq!(lost.all().len(), 1);
}
