//! Asking one client, from inside and outside of handlers.

mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{Thread, current, park};
use std::time::Duration;

use bytes::Bytes;
use sockeye::{AckError, Args, Io, Socket};
use support::{Client, io, serve, soon, with_sync};

async fn pair(io: &Io) -> (Client, Socket) {
    let (client, id) = Client::join(serve(io).await).await;
    (client, io.socket(&id).unwrap())
}

#[tokio::test]
async fn an_answer_is_read_as_the_type_that_was_asked_for() {
    let io = io(|io| io);
    let (mut client, socket) = pair(&io).await;

    let one = socket.emit_with_ack::<u8>("q", &("a", 1));
    client.expect("420[\"q\",\"a\",1]").await;
    client.send("430[7]").await;
    assert_eq!(soon(one).await.unwrap(), 7);

    let several = socket.emit_with_ack::<(String, Bytes)>("q", &());
    client.expect("421[\"q\"]").await;
    client.send("461-1[\"a\",{\"_placeholder\":true,\"num\":0}]").await;
    client.send_binary(&[5]).await;
    assert_eq!(soon(several).await.unwrap(), ("a".into(), Bytes::from_static(&[5])));

    let none = socket.emit_with_ack::<()>("q", &());
    client.expect("422[\"q\"]").await;
    client.send("432[]").await;
    soon(none).await.unwrap();

    let raw = socket.emit_with_ack::<Args>("q", &());
    client.expect("423[\"q\"]").await;
    client.send("433[1e400, 2]").await;
    assert_eq!(soon(raw).await.unwrap().json(), "1e400, 2");

    let wrong = socket.emit_with_ack::<u8>("q", &());
    client.expect("424[\"q\"]").await;
    client.send("434[\"text\"]").await;
    let error = soon(wrong).await.unwrap_err();
    assert!(error.to_string().contains("argument 1: invalid type"), "{error}");
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_given_up_at_the_timeout() {
    let io = io(|io| io.ack_timeout(Duration::from_millis(50)));
    with_sync(&io);
    let (mut client, socket) = pair(&io).await;
    for question in [
        socket.emit_with_ack::<u8>("q", &()),
        socket.emit_with_ack::<u8>("q", &()).timeout(Duration::from_millis(10)),
    ] {
        let error = soon(question).await.unwrap_err();
        assert!(matches!(error, AckError::Timeout { socket: id } if id == socket.id()));
    }
    client.expect("420[\"q\"]").await;
    client.expect("421[\"q\"]").await;
    client.send("430[1]").await; // nobody waits any more
    client.send("43777[1]").await; // nobody ever asked
    client.sync().await;
}

#[tokio::test]
async fn a_question_that_has_no_time_is_given_up_although_the_answer_is_on_its_way() {
    let io = io(|io| io);
    with_sync(&io);
    let (mut client, socket) = pair(&io).await;
    let question = socket.emit_with_ack::<u8>("echo", &42).timeout(Duration::ZERO);
    assert!(matches!(soon(question).await, Err(AckError::Timeout { .. })));
    client.expect("420[\"echo\",42]").await;
    client.send("430[42]").await;
    let again = socket.emit_with_ack::<u8>("echo", &43).timeout(Duration::from_hours(1));
    client.expect("421[\"echo\",43]").await;
    client.send("431[43]").await;
    assert_eq!(soon(again).await.unwrap(), 43, "the late one is nobody else's answer");
    client.sync().await;
}

#[tokio::test]
async fn questions_are_numbered_in_each_namespace_by_themselves() {
    let io = io(|io| io);
    let news = io.of("/news");
    let (mut client, socket) = pair(&io).await;
    let id = client.connect("/news", "").await;
    let other = news.socket(&id).unwrap();
    let questions = [
        socket.emit_with_ack::<String>("q", &()),
        other.emit_with_ack("q", &()),
        socket.emit_with_ack("q", &()),
    ];
    for (packet, answer) in [
        ("420[\"q\"]", "430[\"first\"]"),
        ("42/news,0[\"q\"]", "43/news,0[\"news\"]"),
        ("421[\"q\"]", "431[\"second\"]"),
    ] {
        client.expect(packet).await;
        client.send(answer).await;
    }
    for (question, answer) in questions.into_iter().zip(["first", "news", "second"]) {
        assert_eq!(soon(question).await.unwrap(), answer);
    }
}

/// The smallest executor there is.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => park(),
        }
    }
}

#[tokio::test]
async fn a_question_can_be_awaited_outside_of_any_runtime() {
    let io = io(|io| io);
    let (mut client, socket) = pair(&io).await;
    let question = std::thread::spawn(move || {
        let answer = socket.emit_with_ack::<u8>("q", &()).timeout(Duration::from_millis(20));
        block_on(answer)
    });
    client.expect("420[\"q\"]").await;
    let answer = soon(tokio::task::spawn_blocking(move || question.join().unwrap())).await.unwrap();
    assert!(matches!(answer, Err(AckError::Timeout { .. })));
}
