//! What becomes of what is emitted, whatever the connection does.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use sockeye::{Data, Io, Result};
use sockeye_client::{AckError, Args, DisconnectReason, EmitError, Overflow, Socket};
use support::Wire;
use support::heard::{Heard, settle};

/// A server that notes what it hears, and answers `ask` with what was asked, `fail` with an error, and `think` never.
fn server() -> (Io, Heard<Value>) {
    let (io, heard) = (Io::builder().build().expect("a server"), Heard::new());
    for namespace in ["/", "/other"] {
        let (noted, asked) = (heard.clone(), heard.clone());
        io.of(namespace)
            .on("note", move |Data(what): Data<Value>| {
                noted.note(first_of(what));
                async {}
            })
            .on("ask", move |Data(what): Data<Value>| {
                asked.note(what.clone());
                async { what }
            })
            .on("fail", async || -> Result<()> {
                Err(sockeye::Error::new("no").with_data(&json!({"code": 7})))
            })
            .on("think", async || std::future::pending::<()>().await);
    }
    (io, heard)
}

/// A number that was sent, perhaps with more in one array.
fn first_of(what: Value) -> Value {
    match what {
        Value::Array(mut all) => all.swap_remove(0),
        one => one,
    }
}

async fn connected(wire: &Wire) -> Socket {
    let socket = wire.websocket_client().socket();
    socket.connect().await.expect("the server is there");
    socket
}

fn numbers(range: std::ops::Range<i32>) -> Vec<Value> {
    range.map(Value::from).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_emitted_before_the_connection_arrives_first_and_in_order() {
    let (io, heard) = server();
    let socket = Wire::to(&io).websocket_client().socket();
    for number in 0..5 {
        socket.emit("note", &number).now().unwrap();
    }
    socket.connect().await.unwrap();
    socket.emit("note", &5).await.unwrap();
    assert_eq!(heard.first(6).await, numbers(0..6));
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_not_connected_holds_up_no_other() {
    let (io, heard) = server();
    let client = Wire::to(&io).websocket_client_with(|builder| builder.buffer_bytes(2000));
    let (away, here) = (client.of("/other"), client.socket());
    while away.emit("note", "waits").now().is_ok() {}
    here.connect().await.unwrap();
    for number in 0..100 {
        here.emit("note", &number).await.unwrap();
    }
    assert_eq!(heard.first(100).await, numbers(0..100));
}

#[tokio::test(start_paused = true)]
async fn an_emit_without_room_waits_until_there_is_some() {
    let (io, heard) = server();
    let socket = Wire::to(&io).websocket_client_with(|builder| builder.buffer_bytes(2000)).socket();
    let mut count = 0;
    while socket.emit("note", &count).now().is_ok() {
        count += 1;
    }
    assert!(matches!(socket.emit("note", &0).now(), Err(EmitError::Full)));
    let waits = tokio::spawn({
        let socket = socket.clone();
        async move { socket.emit("note", &count).await }
    });
    settle().await;
    assert!(!waits.is_finished());
    socket.connect().await.unwrap();
    waits.await.unwrap().unwrap();
    let many = usize::try_from(count).unwrap() + 1;
    assert_eq!(heard.first(many).await, numbers(0..count + 1));
}

#[tokio::test(start_paused = true)]
async fn an_emit_that_is_given_up_before_there_was_room_is_not_sent() {
    let (io, heard) = server();
    let socket = Wire::to(&io).websocket_client_with(|builder| builder.buffer_bytes(1)).socket();
    socket.emit("note", &0).now().unwrap();
    let waits = socket.emit("note", &1);
    tokio::time::timeout(Duration::from_millis(1), waits).await.unwrap_err();
    let asks = socket.emit_with_ack::<Value>("ask", &2).timeout(Duration::from_millis(1));
    assert!(matches!(asks.await, Err(AckError::Timeout)));
    socket.connect().await.unwrap();
    socket.emit("note", &3).await.unwrap();
    assert_eq!(heard.first(2).await, [0, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_slows_down_whoever_awaits_and_nothing_is_lost() {
    let (io, heard) = server();
    let wire = Wire::to(&io);
    let socket = wire.websocket_client_with(|builder| builder.buffer_bytes(10_000)).socket();
    socket.connect().await.unwrap();
    wire.set_flow(false);
    let text = "x".repeat(1000);
    let sends = tokio::spawn({
        let socket = socket.clone();
        async move {
            for number in 0..1000 {
                socket.emit("note", &[json!(number), json!(text)]).await.unwrap();
            }
        }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!sends.is_finished());
    wire.set_flow(true);
    sends.await.unwrap();
    assert_eq!(heard.first(1000).await, numbers(0..1000));
}

#[tokio::test(start_paused = true)]
async fn where_that_is_wanted_a_new_event_is_refused_or_the_oldest_is_dropped() {
    let (io, heard) = server();
    let wire = Wire::to(&io);
    let refuses =
        wire.websocket_client_with(|builder| builder.buffer_bytes(1).overflow(Overflow::Refuse));
    let refuses = refuses.socket();
    refuses.emit("note", &0).await.unwrap();
    assert!(matches!(refuses.emit("note", &1).await, Err(EmitError::Full)));
    refuses.connect().await.unwrap();
    assert_eq!(heard.first(1).await, [0]);

    let drops = wire
        .websocket_client_with(|builder| builder.buffer_bytes(1).overflow(Overflow::DropOldest));
    let drops = drops.socket();
    let asked = drops.emit_with_ack::<Value>("ask", &2);
    drops.emit("note", &3).await.unwrap();
    assert!(matches!(asked.await, Err(AckError::Emit(EmitError::Dropped))));
    drops.connect().await.unwrap();
    assert_eq!(heard.first(2).await, [0, 3]);
}

#[tokio::test(start_paused = true)]
async fn volatile_events_go_at_once_or_not_at_all() {
    let (io, heard) = server();
    let socket = Wire::to(&io).websocket_client().socket();
    socket.volatile().emit("note", &0).await.unwrap();
    let asked = socket.volatile().emit_with_ack::<Value>("ask", &1).await;
    assert!(matches!(asked, Err(AckError::Emit(EmitError::NotReady))));
    socket.connect().await.unwrap();
    settle().await;
    socket.volatile().emit("note", &2).await.unwrap();
    assert_eq!(heard.first(1).await, [2]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_read_as_what_was_asked_for() {
    let (io, _) = server();
    let socket = connected(&Wire::to(&io)).await;
    let answer: String = socket.emit_with_ack("ask", "hello").await.unwrap();
    assert_eq!(answer, "hello");
    let args: Args = socket.emit_with_ack("ask", &[1, 2]).await.unwrap();
    assert_eq!(args.json(), "[1,2]");
    let wrong = socket.emit_with_ack::<u8>("ask", "no number").await;
    assert!(matches!(wrong, Err(AckError::Answer { .. })));
    match socket.emit_with_ack::<()>("fail", &()).await {
        Err(AckError::Refused(refused)) => {
            assert_eq!(
                (refused.message.as_str(), &refused.data),
                ("no", &Some(json!({"code": 7})))
            );
        }
        other => panic!("{other:?}"),
    }
    let reserved = socket.emit_with_ack::<()>("connect", &()).await;
    assert!(matches!(reserved, Err(AckError::Emit(EmitError::Reserved { .. }))));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_ends_with_the_timeout() {
    let (io, _) = server();
    let wire = Wire::to(&io);
    let client = wire.websocket_client_with(|builder| builder.ack_timeout(Duration::from_secs(7)));
    let socket = client.socket();
    socket.connect().await.unwrap();
    let began = tokio::time::Instant::now();
    let asked = socket.emit_with_ack::<()>("think", &()).await;
    assert!(matches!(asked, Err(AckError::Timeout)));
    assert_eq!(began.elapsed().as_secs(), 7);
    let asked = socket.emit_with_ack::<()>("think", &()).timeout(Duration::from_secs(2)).await;
    assert!(matches!(asked, Err(AckError::Timeout)));
    assert_eq!(began.elapsed().as_secs(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_times_out_before_it_was_sent_is_never_sent() {
    let (io, heard) = server();
    let socket = Wire::to(&io).websocket_client().socket();
    let asked = socket.emit_with_ack::<()>("ask", &1).timeout(Duration::from_secs(1)).await;
    assert!(matches!(asked, Err(AckError::Timeout)));
    socket.connect().await.unwrap();
    socket.emit("note", &2).await.unwrap();
    assert_eq!(heard.first(1).await, [2]);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_an_answer_hears_why_there_is_none() {
    let (io, _) = server();
    let wire = Wire::to(&io);
    let socket = connected(&wire).await;
    let asked = tokio::spawn(socket.emit_with_ack::<()>("think", &()));
    settle().await;
    wire.cut();
    let reason = match asked.await.unwrap() {
        Err(AckError::Disconnected { reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert!(reason.will_reconnect(), "{reason}");

    socket.connect().await.unwrap();
    let asked = tokio::spawn(socket.emit_with_ack::<()>("think", &()));
    settle().await;
    socket.disconnect();
    let reason = DisconnectReason::ClientDisconnect;
    let outcome = asked.await.unwrap();
    assert!(matches!(outcome, Err(AckError::Disconnected { reason: why }) if why == reason));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_waits_is_asked_when_the_socket_is_back() {
    let (io, _) = server();
    let wire = Wire::to(&io);
    let socket = connected(&wire).await;
    wire.set_down(true);
    settle().await;
    let asked = tokio::spawn(socket.emit_with_ack::<i32>("ask", &7));
    settle().await;
    wire.set_down(false);
    assert_eq!(asked.await.unwrap().unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn what_was_emitted_is_sent_before_the_socket_leaves() {
    let (io, heard) = server();
    let socket = connected(&Wire::to(&io)).await;
    for number in 0..100 {
        socket.emit("note", &number).now().unwrap();
    }
    socket.disconnect();
    socket.emit("note", &100).now().unwrap();
    assert_eq!(heard.first(100).await, numbers(0..100));
    settle().await;
    assert_eq!(heard.all().len(), 100, "what is emitted afterwards waits");
    socket.connect().await.unwrap();
    assert_eq!(heard.first(101).await, numbers(0..101));
}

#[tokio::test(start_paused = true)]
async fn bytes_arrive_wherever_they_stand() {
    let (io, _) = server();
    io.of("/").on("echo", async |args: sockeye::Args| args);
    let socket = connected(&Wire::to(&io)).await;
    let picture = bytes::Bytes::from_static(b"\x89PNG");
    let back: (String, bytes::Bytes) =
        socket.compress(false).emit_with_ack("echo", &("picture", &picture)).await.unwrap();
    assert_eq!(back, ("picture".to_owned(), picture));
}

#[tokio::test(start_paused = true)]
async fn a_closed_client_sends_nothing_and_says_so() {
    let (io, _) = server();
    let wire = Wire::to(&io);
    let client = wire.websocket_client_with(|builder| builder.buffer_bytes(1));
    let socket = client.socket();
    socket.emit("note", &0).now().unwrap();
    let waits = tokio::spawn(socket.emit("note", &1));
    settle().await;
    client.close().await;
    assert!(matches!(waits.await.unwrap(), Err(EmitError::Closed)));
    assert!(matches!(socket.emit("note", &2).await, Err(EmitError::Closed)));
    let asked = socket.emit_with_ack::<()>("ask", &3).await;
    assert!(matches!(asked, Err(AckError::Emit(EmitError::Closed))));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_awaits_any_more_takes_no_place_among_those_that_somebody_does() {
    let (io, _) = server();
    let client = Wire::to(&io).websocket_client_with(|builder| builder.max_pending_acks(1));
    let socket = client.socket();
    socket.connect().await.unwrap();
    let asked = socket.emit_with_ack::<()>("think", &());
    assert!(tokio::time::timeout(Duration::from_secs(1), asked).await.is_err());
    assert_eq!(socket.emit_with_ack::<i32>("ask", &7).await.unwrap(), 7);
}
